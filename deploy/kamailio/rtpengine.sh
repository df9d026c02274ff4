#!/bin/sh
# Starts RTPEngine for the edge, in user space: rtpengine.sh CONTROL ADDRESS [ADDRESS6]
#   CONTROL  address:port of the ng protocol    ADDRESS…  where phones and nodes send their media, IPv4 and IPv6
# A call on hold or without media is not given up before an hour: its dialog decides when it ends.
control=$1
shift
# One interface with all addresses: RTPEngine takes the family that each side needs, and bridges where they differ.
for address; do
  set -- "$@" "--interface=default/$address"
  shift
done
exec rtpengine --config-file=none --foreground --log-stderr --log-level=4 --table=-1 \
  "$@" --listen-ng="$control" --port-min=30000 --port-max=59999 \
  --timeout=3600 --silent-timeout=7200 --num-threads=2
