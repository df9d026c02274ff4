#!/bin/sh
# Starts RTPEngine for the edge, in user space: rtpengine.sh ADDRESS CONTROL
#   ADDRESS  where phones and nodes send their media    CONTROL  address:port of the ng protocol
# A call on hold or without media is not given up before an hour: its dialog decides when it ends.
exec rtpengine --config-file=none --foreground --log-stderr --log-level=4 --table=-1 \
  --interface="$1" --listen-ng="$2" --port-min=30000 --port-max=59999 \
  --timeout=3600 --silent-timeout=7200 --num-threads=2
