#!/bin/sh
# Compares the built extension (tests/php/run.sh builds it) with APCu and php-memcached over a unix socket; writes
# target/bench/php.json. Needs php-apcu, php-memcached and memcached. PHP chooses the php (default: php8.2, else php).
set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
extension=$root/target/php/nearcache.so
php=${PHP:-$(command -v php8.2 || command -v php)}
[ -f "$extension" ] || { echo "no $extension: run tests/php/run.sh first" >&2; exit 1; }
"$php" -r 'exit(extension_loaded("apcu") && extension_loaded("memcached") ? 0 : 1);' || {
    echo "php-apcu and php-memcached must be loaded (Debian: php8.2-apcu php8.2-memcached)" >&2
    exit 1
}

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
"$php" -d "extension=$extension" -d apc.enable_cli=1 -d apc.shm_size=64M "$root/bindings/php/benches/bench.php" \
    "$dir/socket" "$root/target/bench/php.json"
