#!/bin/sh
# Prepares the headers of the pjproject that the installed Asterisk was built with: build-deps.sh [PREFIX]
# Needs deb-src lines in apt's sources, dpkg-dev, patch, xz-utils, make and a C compiler. Safe to run twice.
set -eu

prefix=${1:-/usr/local/src/reinvite-pjproject}
version=$(dpkg-query -W -f '${Version}' asterisk)
stamp="$prefix/.prepared-$version"
[ -f "$stamp" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fetch_source() { apt-get -q source --download-only "asterisk=$version"; }
# A root that was cleaned up has no package lists.
fetch_source 2>/dev/null || { apt-get -q update && fetch_source; }

mkdir asterisk pjproject
tar -xJf asterisk_*.orig.tar.xz -C asterisk --strip-components=1 --wildcards '*/third-party/pjproject'
tar -xJf asterisk_*.orig-Xpjproject.tar.xz -C pjproject --strip-components=1

bundled=$work/asterisk/third-party/pjproject
cd pjproject
for change in "$bundled"/patches/*.patch; do
  # Debian's tarball lacks the parts that are not free: a patch to those has nothing to apply to.
  patch -p1 --forward --silent --reject-file=- <"$change" || echo "build-deps: $(basename "$change") does not apply in full" >&2
done
cp "$bundled"/patches/*.h pjlib/include/pj/
cp "$bundled/patches/user.mak" .

# The options that Asterisk itself configures it with decide what the headers say.
options=$(sed -n '/^PJPROJECT_CONFIG_OPTS = /,/[^\\]$/p' "$bundled/Makefile.rules" | grep -o -- '--[a-z0-9-]*' | grep -v -- '--prefix')
# shellcheck disable=SC2086
./aconfigure --prefix=/opt/pjproject $options --disable-resample --disable-g711-codec --enable-epoll >/dev/null

rm -rf "$prefix"
mkdir -p "$prefix"
for part in pjlib pjlib-util pjnath pjmedia pjsip; do
  mkdir -p "$prefix/$part"
  cp -r "$part/include" "$prefix/$part/"
done
touch "$stamp"
