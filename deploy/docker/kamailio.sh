#!/bin/sh
# Needs EDGE_ADDRESS and NODE_ADDRESSES ("10.0.0.11 10.0.0.12"). Optional: EDGE_ADDRESS6 (IPv6); RPC_CLIENTS, the networks that
# may use RPC ("10.0.0.4/32", default: nobody but this container); PHONES ("alice:secret bob:secret"), who may register; a
# mounted /etc/kamailio/tls.cfg (TLS). Runs RTPEngine beside Kamailio; when either ends, so does the container.
set -eu
RTPENGINE_CONTROL=127.0.0.1:2223
MULTIARCH=$(basename "$(dirname "$(ls -d /usr/lib/*/kamailio)")")
RPC_CLIENTS=${RPC_CLIENTS:-$EDGE_ADDRESS/32}
EDGE_ADDRESS6=${EDGE_ADDRESS6:-}
PASSWORDS=''
# No password is a pattern of file names.
set -f
for phone in ${PHONES:-}; do
  # A string of Kamailio's: what would end it is escaped.
  password=$(printf '%s' "${phone#*:}" | sed 's/["\\]/\\&/g')
  PASSWORDS="$PASSWORDS \$sht(password=>${phone%%:*}) = \"$password\";"
done
set +f
export RTPENGINE_CONTROL MULTIARCH RPC_CLIENTS EDGE_ADDRESS6 PASSWORDS
render.sh /opt/reinvite-kamailio /etc/kamailio
: >/etc/kamailio/dispatcher.list
for node in $NODE_ADDRESSES; do echo "1 sip:$node:5060 9 0" >>/etc/kamailio/dispatcher.list; done
mkdir -p /run/kamailio
set --
[ -z "$EDGE_ADDRESS6" ] || set -- "$@" -A WITH_IPV6
[ ! -f /etc/kamailio/tls.cfg ] || set -- "$@" -A WITH_TLS
# shellcheck disable=SC2086 # one address or two
reinvite-rtpengine "$RTPENGINE_CONTROL" "$EDGE_ADDRESS" $EDGE_ADDRESS6 &
kamailio -DD -E -f /etc/kamailio/kamailio.cfg -m 256 -M 32 "$@" &
while kill -0 %1 2>/dev/null && kill -0 %2 2>/dev/null; do sleep 1; done
exit 1
