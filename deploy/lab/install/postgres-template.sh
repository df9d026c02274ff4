#!/bin/sh
# Makes the database cluster that every lab starts from, so that `lab up` never waits for initdb.
# Role, password and database are all `reinvite`; the cluster is reachable only inside a lab.
# Runs inside the root.
set -eu

data=/var/lib/postgresql/reinvite
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

rm -rf "$data" /var/lib/postgresql/[0-9]*
install -d -o postgres -g postgres -m 700 "$data"
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }

as_postgres "$bin/initdb" --no-sync --pgdata="$data" --encoding=UTF8 --locale=C.UTF-8 --auth-local=peer --auth-host=scram-sha-256 >/dev/null
printf 'host all all all scram-sha-256\n' >>"$data/pg_hba.conf"
printf '%s\n' "CREATE ROLE reinvite LOGIN SUPERUSER PASSWORD 'reinvite';" 'CREATE DATABASE reinvite OWNER reinvite;' |
  as_postgres "$bin/postgres" --single -D "$data" postgres >/dev/null
