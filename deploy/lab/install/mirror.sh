#!/bin/sh
# Prints the Debian mirror that this machine's own apt sources name (the first one, both formats).
set -eu

found=$(
  cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
    awk '/^#/ {next} /^URIs:/ {for (i = 2; i <= NF; i++) if ($i ~ /\/debian\/?$/) print $i}' || true
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    awk '/^deb[ \t]/ {for (i = 2; i <= NF; i++) if ($i ~ /^https?:.*\/debian\/?$/) print $i}' || true
)
mirror=$(printf '%s\n' "$found" | head -n 1)
[ -n "$mirror" ] || { echo 'LAB_MIRROR_UNKNOWN: no Debian mirror in this machine'"'"'s apt sources' >&2; exit 69; }
printf '%s\n' "${mirror%/}"
