#!/bin/sh
# Needs NODE_ID, NODE_ADDRESS, EDGE_ADDRESS, HEP_ADDRESS (host:port), HEP_CAPTURE_ID and ARI_PASSWORD.
set -eu
MULTIARCH=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
export MULTIARCH
render.sh /opt/reinvite-asterisk /etc/asterisk
exec asterisk -f -C /etc/asterisk/asterisk.conf
