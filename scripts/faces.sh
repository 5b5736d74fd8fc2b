#!/usr/bin/env bash
# Builds each face the way a user gets it, for the demo, the README's examples and the benchmarks:
# the C library installed in target/installed, the Python module in .venv, the PHP extension in target/php. Arguments
# name some of them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Renamed into place: a PHP that has the old file mapped keeps it.
build_php() {
    cargo build --release -p nearcache-php &&
        mkdir -p target/php &&
        cp target/release/libnearcache_php.so target/php/nearcache.so.new &&
        mv target/php/nearcache.so.new target/php/nearcache.so
}

# Its own script knows how to build the module, and when that is needed; pytest then only names itself.
build_python() {
    tests/python/run.sh --version
}

for face in ${*:-c python php}; do
    case $face in
        c) step "building the C library and nearcached" faces-c env DESTDIR= PREFIX="$ROOT/target/installed" scripts/install.sh ;;
        python) step "building the Python module" faces-python build_python ;;
        php) step "building the PHP extension" faces-php build_php ;;
        *) die "scripts/faces.sh: there is no face '$face'; the faces are: c python php" ;;
    esac
done
