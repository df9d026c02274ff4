#!/bin/bash
# Compiles the Asterisk module in a throw-away copy of the base root and installs it into LAYER, a
# directory that is then laid over the base: build-module.sh BASE LAYER
# Runs in a mount namespace of its own (see root.sh).
set -euo pipefail

base=$1
layer=$2
here=$(dirname "$(readlink -f "$0")")
module=$(readlink -f "$here/../../../packages/res-pjsip-recovery")

mkdir -p "$layer"
[ -f "$module/Makefile" ] || exit 0

work=$(dirname "$layer")/scratch
mkdir -p "$work"
mount -t tmpfs -o size=2g tmpfs "$work"
mkdir -p "$work/upper" "$work/overlay" "$work/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/overlay" "$work/root"
root=$work/root
mkdir -p "$root/src" "$root/out"
cp -r "$module/." "$root/src/"
rm -rf "$root/src/node_modules"
mount --bind "$layer" "$root/out"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

inside() {
  chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LC_ALL=C.UTF-8 "$@" >&2
}
echo 'lab: compiling the Asterisk module' >&2
inside make -C /src clean all
inside make -C /src install DESTDIR=/out
