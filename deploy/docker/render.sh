#!/bin/sh
# Fills in the @NAME@ placeholders of every *.conf and *.cfg in FROM with the environment: render.sh FROM TO
set -eu
mkdir -p "$2"
for file in "$1"/*.conf "$1"/*.cfg; do
  [ -f "$file" ] || continue
  script=''
  for name in $(grep -o '@[A-Z][A-Z0-9_]*@' "$file" | tr -d '@' | sort -u); do
    value=$(printenv "$name") || { echo "render: $name is not set" >&2; exit 64; }
    script="$script;s|@$name@|$value|g"
  done
  sed "${script#;}" "$file" >"$2/$(basename "$file")"
done
