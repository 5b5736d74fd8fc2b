#!/usr/bin/env bash
# Installs libnearcache (shared and static), its headers, its pkg-config file and nearcached.
# PREFIX is where it will live (default /usr/local), DESTDIR a directory to stage the tree in.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PREFIX=${PREFIX:-/usr/local}
DESTDIR=${DESTDIR:-}
case $PREFIX in
    /*) ;;
    *) die "PREFIX is '$PREFIX': it must be an absolute path" ;;
esac

step "building libnearcache and nearcached" install-build cargo build --release -p nearcache-ffi -p nearcached
step "installing libnearcache under $DESTDIR$PREFIX" install-ffi ffi/install.sh "$PREFIX" "$DESTDIR"
step "installing nearcached under $DESTDIR$PREFIX/bin" install-nearcached \
    install -D -m 755 target/release/nearcached "$DESTDIR$PREFIX/bin/nearcached"
