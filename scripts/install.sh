#!/usr/bin/env bash
# Installs libnearcache (shared and static), its headers, its pkg-config file, nearcached and the tool `nearcache`, with
# manual pages, shell completions and systemd units.
# PREFIX is where it will live (default /usr/local), DESTDIR a directory to stage the tree in.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PREFIX=${PREFIX:-/usr/local}
DESTDIR=${DESTDIR:-}
case $PREFIX in
    /*) ;;
    *) die "PREFIX is '$PREFIX': it must be an absolute path" ;;
esac

built=${CARGO_TARGET_DIR:-target}/release
step "building libnearcache, nearcached and nearcache" install-build \
    cargo build --release -p nearcache-ffi -p nearcached -p nearcache-tool -p nearcache-packaging
step "installing libnearcache under $DESTDIR$PREFIX" install-ffi ffi/install.sh "$PREFIX" "$DESTDIR"
step "installing nearcached and nearcache under $DESTDIR$PREFIX/bin" install-programs \
    install -D -m 755 -t "$DESTDIR$PREFIX/bin" "$built/nearcached" "$built/nearcache"
step "installing manual pages, completions and units under $DESTDIR$PREFIX" install-packaging \
    packaging/install.sh "$PREFIX" "$DESTDIR"
