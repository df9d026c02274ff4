#!/bin/sh
# The first process of a lab: started in a mount and PID namespace of its own, it keeps a handle on the
# network it came from, and then only waits for the supervisor (and reaps orphans). When it ends, the
# kernel ends every process of the lab and removes its mounts, network namespaces and links.
#
#   namespace.sh HOSTS_DIR COMMAND…
set -eu

hosts=$1
shift
mkdir -p /run/netns "$hosts"
mount -t tmpfs -o mode=755 netns /run/netns
mount -t tmpfs -o mode=755 hosts "$hosts"
touch /run/netns/caller
mount --bind /proc/self/ns/net /run/netns/caller

# Not exec: a process 1 that does not reap would fill the process table.
status=0
unshare --net -- "$@" || status=$?
exit "$status"
