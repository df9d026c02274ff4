#!/bin/sh
# Fills in the @NAME@ placeholders of every *.conf and *.cfg in FROM with the environment: render.sh FROM TO
# What is put in stands there to the letter, whatever characters it has.
set -eu
mkdir -p "$2"
for file in "$1"/*.conf "$1"/*.cfg; do
  [ -f "$file" ] || continue
  awk '{
    rest = $0; line = ""
    while (match(rest, /@[A-Z][A-Z0-9_]*@/)) {
      name = substr(rest, RSTART + 1, RLENGTH - 2)
      if (!(name in ENVIRON)) { print "render: " name " is not set" >"/dev/stderr"; exit 64 }
      line = line substr(rest, 1, RSTART - 1) ENVIRON[name]
      rest = substr(rest, RSTART + RLENGTH)
    }
    print line rest
  }' "$file" >"$2/$(basename "$file")"
done
