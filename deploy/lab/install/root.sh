#!/bin/bash
# Builds, or finds in the cache, the file system that every lab host runs on, and prints its overlay
# layers, uppermost first, joined by ':' (the form overlayfs takes as `lowerdir`).
#
#   root.sh [--keys]     --keys prints the two cache keys and builds nothing
#
# Two layers: `base-KEY` (Debian with all packages; minutes) and `module-KEY` (the Asterisk module;
# seconds). A layer is built beside its place and renamed when it is whole, under a lock, in a mount
# and PID namespace of its own: whatever ends the build leaves neither mounts nor half a layer.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
module=$(readlink -f "$here/../../../packages/res-pjsip-recovery" || true)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/reinvite

digest() { xargs -0 sha256sum | sed "s# .*/# #" | sha256sum | cut -c1-16; }
base_key=$({
  find "$here" -type f ! -name root.sh ! -name build-module.sh -print0 | sort -z
  [ ! -f "$module/build-deps.sh" ] || printf '%s\0' "$module/build-deps.sh"
} | digest)
module_key=$({
  printf '%s\0' "$here/build-module.sh"
  [ ! -d "$module" ] || find "$module" \( -name node_modules -o -name test -o -name build \) -prune -o \
    -type f \( -name '*.c' -o -name '*.h' -o -name Makefile -o -name '*.mk' -o -name '*.sh' -o -name '*.exports' \) -print0 | sort -z
} | digest)
base=$cache/lab-base-$base_key
layer=$cache/lab-module-$base_key-$module_key

if [ "${1:-}" = --keys ]; then
  printf '%s %s\n' "$base_key" "$module_key"
  exit 0
fi

# build SCRIPT TARGET [ARG...]: runs SCRIPT [ARG...] PART/root and renames PART/root to TARGET.
build() {
  local script=$1 target=$2
  shift 2
  rm -rf --one-file-system "$cache/part.$(basename "$target")".*
  part=$(mktemp -d "$cache/part.$(basename "$target").XXXXXX")
  # Ctrl-C or a closed terminal take the half-built layer along; after SIGKILL the next build clears it.
  builder=''
  trap abandon EXIT
  trap 'exit 130' INT TERM HUP
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --propagation private -- \
    "$here/$script" "$@" "$part/root" 9>&- &
  builder=$!
  wait "$builder"
  builder=''
  mv -T "$part/root" "$target"
  abandon
  trap - EXIT INT TERM HUP
}

abandon() {
  if [ -n "$builder" ]; then
    kill -KILL "$builder" 2>/dev/null || true
    wait "$builder" 2>/dev/null || true
  fi
  rm -rf --one-file-system "$part"
}

# Layers that no lab was started from for two weeks make room for a new one.
prune() {
  local stamp
  find "$cache" -maxdepth 1 -name 'lab-*.used' -mtime +14 | while read -r stamp; do
    rm -rf --one-file-system "${stamp%.used}" "$stamp"
  done
}

if [ ! -d "$layer" ] || [ ! -d "$base" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/lab.lock"
  flock -n 9 || { echo 'lab: another build is under way; waiting for it' >&2; flock 9; }
  prune
  [ -d "$base" ] || build build-base.sh "$base"
  [ -d "$layer" ] || build build-module.sh "$layer" "$base"
fi
touch "$base.used" "$layer.used"
printf '%s:%s\n' "$layer" "$base"
