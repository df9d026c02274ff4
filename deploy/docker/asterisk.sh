#!/bin/sh
# Needs NODE_ID, NODE_ADDRESS, EDGE_ADDRESS, HEP_ADDRESS (host:port), HEP_CAPTURE_ID and ARI_PASSWORD; for billing records in
# Postgres also CDR=yes, POSTGRES_ADDRESS and POSTGRES_PASSWORD, and POSTGRES_CA_FILE or POSTGRES_SSLMODE=disable.
# Without AMI_SECRET nobody logs in to the manager interface.
set -eu
MULTIARCH=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
export MULTIARCH
: "${CDR:=no}" "${POSTGRES_ADDRESS:=}" "${POSTGRES_PASSWORD:=}" "${POSTGRES_SSLMODE:=verify-full}"
: "${POSTGRES_CA_FILE:=/etc/asterisk/postgres-ca.pem}"
: "${AMI_SECRET:=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}"
export AMI_SECRET
CDR_LOAD=noload
[ "$CDR" = no ] || CDR_LOAD=load
export CDR CDR_LOAD POSTGRES_ADDRESS POSTGRES_PASSWORD POSTGRES_SSLMODE POSTGRES_CA_FILE
export PGSERVICEFILE=/etc/asterisk/postgres.service.conf PGSERVICE=reinvite
# Debian's package does not make it, and ARI records nowhere else.
mkdir -p /var/spool/asterisk/recording
render.sh /opt/reinvite-asterisk /etc/asterisk
exec asterisk -f -C /etc/asterisk/asterisk.conf
