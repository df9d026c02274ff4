#!/bin/sh
# Makes the lab's certificate authority and a certificate for each host, in /lab/tls: NAME.pem and NAME.key, ca.pem.
# Runs on a host of the lab:
#
#   certificates.sh NAME,ADDRESS,ADDRESS6…
set -eu

umask 077
mkdir -p /lab/tls
cd /lab/tls
new_key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30'
# shellcheck disable=SC2086 # the options are words on purpose
openssl req -x509 $new_key -keyout ca.key -out ca.pem -subj /CN=reinvite-lab -addext keyUsage=keyCertSign 2>/dev/null
for host; do
  IFS=, read -r name address address6 <<HOST
$host
HOST
  # shellcheck disable=SC2086
  openssl req -x509 $new_key -CA ca.pem -CAkey ca.key -keyout "$name.key" -out "$name.pem" -subj "/CN=$name" \
    -addext basicConstraints=critical,CA:FALSE -addext "subjectAltName=DNS:$name,IP:$address,IP:$address6" 2>/dev/null
done
rm ca.key
# Its reader is whoever runs on a host: Kamailio, Asterisk and the phones.
chmod 755 .
chmod 644 ./*
