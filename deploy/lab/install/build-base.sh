#!/bin/bash
# Builds the lab's Debian root into DIR: build-base.sh DIR
# Runs on the machine, in a mount namespace of its own (see root.sh), so that its mounts vanish with it.
set -euo pipefail

root=$1
here=$(dirname "$(readlink -f "$0")")
module=$(readlink -f "$here/../../../packages/res-pjsip-recovery")
suite=forky
mirror=$("$here/mirror.sh")

# The machine's debootstrap may be older than the suite: every Debian suite boots by the same script.
script=/usr/share/debootstrap/scripts/$suite
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid

say() { echo "lab: $*" >&2; }

say "debootstrap $suite"
debootstrap --variant=minbase "$suite" "$root" "$mirror" "$script" >&2

printf 'deb %s %s main\ndeb-src %s %s main\n' "$mirror" "$suite" "$mirror" "$suite" >"$root/etc/apt/sources.list"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/opt/reinvite-install"
mount --bind "$here" "$root/opt/reinvite-install"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

inside() {
  chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 "$@" >&2
}

say 'installing packages'
inside /opt/reinvite-install/apt-quiet.sh
inside /opt/reinvite-install/packages.sh asterisk module-build edge core phones
say 'preparing the database template'
inside /opt/reinvite-install/postgres-template.sh

if [ -f "$module/build-deps.sh" ]; then
  say 'preparing the headers the Asterisk module is built against'
  cp "$module/build-deps.sh" "$root/tmp/build-deps.sh"
  inside apt-get -q update
  inside sh /tmp/build-deps.sh
  rm -rf "$root/tmp/build-deps.sh" "$root"/var/lib/apt/lists/*
fi

umount -R "$root/dev" "$root/proc" "$root/opt/reinvite-install"
