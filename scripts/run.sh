#!/usr/bin/env bash
# The demo: cache-aside before a SQLite table in C, Python and PHP, a table each; then one cache for the three of them,
# and orders that must not be forgotten.
# See demo/README.md.
# --small: few users and requests, for the tests.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

users=300000 requests=150000 orders=2000 work=$ROOT/target/demo
case ${1:-} in
    '') ;;
    --small) users=3000 requests=6000 orders=200 work=$ROOT/target/demo-small ;;
    *) die "scripts/run.sh takes nothing or --small, not '$1'" ;;
esac
mkdir -p "$work"

build_c() {
    local flags
    flags=$(PKG_CONFIG_PATH="$ROOT/target/installed/lib/pkgconfig" pkg-config --cflags --libs nearcache sqlite3) ||
        return
    # shellcheck disable=SC2086  # the flags are words
    gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -o "$work/users" demo/c/*.c $flags \
        -Wl,-rpath,"$ROOT/target/installed/lib"
}

scripts/faces.sh
step "building the C program" run-c build_c
step "building the command-line tool" run-tool cargo build --release -p nearcache-tool

# The input follows from its maker and the numbers alone, so it is made again only when those changed.
recipe=$(printf '%s %s\n' "$users" "$requests" && cat demo/make_users.py)
if [ "$recipe" != "$(cat "$work/.recipe" 2>/dev/null)" ]; then
    step "making $users users and $requests requests" run-users \
        "$VENV/bin/python" demo/make_users.py "$work" --users "$users" --requests "$requests"
    printf '%s\n' "$recipe" >"$work/.recipe"
fi

say
exec "$VENV/bin/python" demo/run.py --work "$work" --users-c "$work/users" \
    --php "$PHP" --php-extension "$ROOT/target/php/nearcache.so" --nearcached "$ROOT/target/installed/bin/nearcached" \
    --nearcache "$ROOT/target/release/nearcache" --orders "$orders"
