#!/usr/bin/env bash
# `make deb`: the Debian packages nearcached, nearcache, libnearcache0 and libnearcache-dev, in target/deb.
# Four, for who wants the library wants no service on port 11211, and two versions of a library can be installed side by
# side only if it is alone in its package. What they say of themselves is in packaging/debian, in the form of Debian's
# own tools; X.install names the files of package X among those that scripts/install.sh installs.
# DEBFULLNAME and DEBEMAIL name the maintainer, SOURCE_DATE_EPOCH the time.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

packages=(nearcached:nearcached nearcache:nearcache-tool libnearcache0:nearcache-ffi libnearcache-dev:nearcache-ffi)
to=$(realpath -m "${CARGO_TARGET_DIR:-target}")/deb
work=$to/work
version=$(sed -n 's/^#define NEARCACHE_RELEASE "\(.*\)"/\1/p' include/nearcache.h)-1
maintainer="${DEBFULLNAME:-The nearcache authors} <${DEBEMAIL:-nearcache@localhost.localdomain}>"
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}

rm -rf "$to"
mkdir -p "$work/debian"
LIBDIR=/usr/lib/$(gcc -print-multiarch) ZSHDIR=/usr/share/zsh/vendor-completions DESTDIR=$work/stage PREFIX=/usr \
    scripts/install.sh
install -D -m 644 packaging/default "$work/stage/etc/default/nearcached"

sed "s|@MAINTAINER@|$maintainer|" packaging/debian/control >"$work/debian/control"
cat >"$work/debian/changelog" <<LOG
nearcache ($version) unstable; urgency=medium

  * What is new in it is in changelog.gz beside this file.

 -- $maintainer  $(LC_ALL=C date -uRd "@$SOURCE_DATE_EPOCH")
LOG
for package in "${packages[@]}"; do
    name=${package%:*}
    step "packing $name" "deb-$name" packaging/debian/package.sh "$work" "$name" "${package#*:}" "$to"
done

# A file that no package has is a mistake in a list.
left=$(comm -23 <(cd "$work/stage" && find . ! -type d | sort) \
    <(cd "$work/debian" && find ./*/ ! -type d | sed -e 's|^\./[^/]*/|./|' -e 's|\(/man/.*\)\.gz$|\1|' | sort -u))
[ -z "$left" ] || die "packaging/debian/*.install do not name these installed files:"$'\n'"$left"
rm -rf "$work"
ls "$to"/*.deb
