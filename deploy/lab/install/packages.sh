#!/bin/sh
# Installs the packages of the named roles (see packages/*.list) in one apt transaction.
# Runs inside a Debian root or image: packages.sh ROLE...
set -eu

here=$(dirname "$(readlink -f "$0")")
lists=''
for role in common "$@"; do
  list="$here/packages/$role.list"
  [ -f "$list" ] || { echo "LAB_ROLE_UNKNOWN: no package list for role '$role'" >&2; exit 64; }
  lists="$lists $list"
done

export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# shellcheck disable=SC2086 # the lists are words on purpose
sort -u $lists | xargs apt-get -q -y install --no-install-recommends
apt-get clean
rm -rf /var/lib/apt/lists/*
