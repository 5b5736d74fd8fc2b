#!/bin/bash
# Measures what a get through the shared library costs over the same get in Rust, and writes target/bench/c.json.
# Exits non-zero if it is more than 10 ns.
#
#   tests/c/bench.sh
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
prefix=$target/c/prefix
mkdir -p "$target/bench" "$target/c"

"$root/ffi/install.sh" "$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
${CC:-gcc} -O2 -std=c11 -Wall -Wextra -pedantic -Werror -shared -fPIC $(pkg-config --cflags nearcache) \
    "$root/tests/c/bench_loop.c" -o "$target/c/bench_loop.so" $(pkg-config --libs nearcache) -Wl,-rpath,"$prefix/lib"

cd "$root"
NEARCACHE_BENCH_LOOP=$target/c/bench_loop.so NEARCACHE_BENCH_JSON=$target/bench/c.json \
    cargo bench --quiet -p nearcache-ffi --bench call
cat "$target/bench/c.json"
