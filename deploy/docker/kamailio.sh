#!/bin/sh
# Needs EDGE_ADDRESS and NODE_ADDRESSES ("10.0.0.11 10.0.0.12"). Runs RTPEngine beside Kamailio; when either ends, so does
# the container.
set -eu
RTPENGINE_CONTROL=127.0.0.1:2223
MULTIARCH=$(basename "$(dirname "$(ls -d /usr/lib/*/kamailio)")")
PHONES_ADDRESS=${PHONES_ADDRESS:-$EDGE_ADDRESS}
NAMED_NODES=''
export RTPENGINE_CONTROL MULTIARCH PHONES_ADDRESS NAMED_NODES
render.sh /opt/reinvite-kamailio /etc/kamailio
: >/etc/kamailio/dispatcher.list
for node in $NODE_ADDRESSES; do echo "1 sip:$node:5060 9 0" >>/etc/kamailio/dispatcher.list; done
mkdir -p /run/kamailio
reinvite-rtpengine "$EDGE_ADDRESS" "$RTPENGINE_CONTROL" &
kamailio -DD -E -f /etc/kamailio/kamailio.cfg -m 256 -M 32 &
while kill -0 %1 2>/dev/null && kill -0 %2 2>/dev/null; do sleep 1; done
exit 1
