#!/bin/sh
# Makes one host of a lab: a network namespace with its addresses on the lab's bridge, a host name, and a
# root file system of its own. Runs in the lab's namespaces:
#
#   host.sh NAME ADDRESS/PREFIX ADDRESS6/PREFIX DIR LOWER_LAYERS SHARED_DIR
set -eu

name=$1 address=$2 address6=$3 dir=$4 lower=$5 shared=$6
# Named by the address: an interface's name has 15 characters at most.
port=${address%/*}
port=p-${port##*.}

ip netns add "$name"
ip link add "$port" type veth peer name eth0 netns "$name"
ip link set "$port" master lab up
ip -n "$name" link set lo up
ip -n "$name" address add "$address" dev eth0
# nodad: nobody else has the address, and a daemon cannot bind to one that is still being looked for.
ip -n "$name" -6 address add "$address6" dev eth0 nodad
ip -n "$name" link set eth0 up

touch "/run/netns/uts-$name"
unshare --uts="/run/netns/uts-$name" hostname "$name"

mkdir -p "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
root=$dir/root
mount --bind /proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/lab"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount --bind "$shared" "$root/lab"

rm -f "$root/etc/resolv.conf" "$root/etc/hosts"
# No name server listens there: a look-up is refused at once, where no answer would hold Asterisk's boot for 20 s.
echo 'nameserver 127.0.0.1' >"$root/etc/resolv.conf"
cat >"$root/etc/hosts"
echo "$name" >"$root/etc/hostname"
