#!/bin/sh
# Prepares a Debian root or image for unattended installs: no service starts, no manual pages, no
# recommended packages. Runs inside the root. A mirror frozen in time has an expired Release file,
# hence Check-Valid-Until.
set -eu

printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

cat >/etc/apt/apt.conf.d/90reinvite <<'CONF'
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "5";
APT::Install-Recommends "false";
APT::Install-Suggests "false";
CONF

mkdir -p /etc/dpkg/dpkg.cfg.d
cat >/etc/dpkg/dpkg.cfg.d/90reinvite <<'CONF'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
force-unsafe-io
CONF
