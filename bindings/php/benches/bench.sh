#!/bin/sh
# Compares the built extension (`make bench-php` builds it, and so does tests/php/run.sh) with APCu, php-memcached over a unix socket and Yac; writes
# target/bench/php.json, and to the directory REPORT a table and a chart. Needs php-apcu, php-memcached and memcached. Yac's
# package of Debian cannot be installed beside APCu's, so it is unpacked into target/yac; where that fails it is left out.
# PHP chooses the php (default: php8.2, else php); ROUNDS (9) how often each has its turn; BARS=1 fails if a bar is missed.
set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
extension=$root/target/php/nearcache.so
php=${PHP:-$(command -v php8.2 || command -v php)}
[ -f "$extension" ] || { echo "no $extension: run tests/php/run.sh first" >&2; exit 1; }
"$php" -r 'exit(extension_loaded("apcu") && extension_loaded("memcached") && extension_loaded("pcntl") ? 0 : 1);' || {
    echo "php-apcu, php-memcached and pcntl must be loaded (Debian: php8.2-apcu php8.2-memcached)" >&2
    exit 1
}

yac=$root/target/yac/yac.so
if [ ! -f "$yac" ] && command -v apt-get >/dev/null; then
    mkdir -p "$root/target/yac"
    version=$("$php" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
    (cd "$root/target/yac" && apt-get download "php$version-yac" && dpkg-deb -x php*-yac_*.deb . &&
        cp usr/lib/php/*/yac.so yac.so) >"$root/target/yac/log" 2>&1 || echo "Yac cannot be had (target/yac/log): it is left out"
fi
set --
[ ! -f "$yac" ] || set -- -d "extension=$yac" -d yac.enable_cli=1 -d yac.values_memory_size=128M -d yac.keys_memory_size=8M

dir=$(mktemp -d)
memcached -s "$dir/socket" -a 700 -m 256 -u "$(id -un)" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir"' EXIT INT TERM
tries=0
while [ ! -S "$dir/socket" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 500 ] && kill -0 "$server" || { echo "memcached did not start" >&2; exit 1; }
    sleep 0.02
done
mkdir -p "$root/target/bench"
# opcache.jit would compile the loops of all alike; it is left off as in a plain command line.
"$php" -d "extension=$extension" -d apc.enable_cli=1 -d apc.shm_size=128M "$@" "$root/bindings/php/benches/bench.php" \
    "$dir/socket" "$root/target/bench/php.json" "${REPORT:-}"
