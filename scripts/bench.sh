#!/usr/bin/env bash
# `make bench`: each part's benchmark, one after the other, then one table of what they wrote to target/bench.
# A benchmark that fails is named at the end, and the table holds the others.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

failed=()

# bench TEXT NAME COMMAND...: shows what the benchmark prints.
bench() {
    local text=$1 name=$2 begin
    shift 2
    begin=$(now)
    say "== $text"
    if "$@"; then
        say "($(($(now) - begin))s)"
    else
        say "FAILED"
        failed+=("$name")
    fi
    say
}

rm -f target/bench/*.json
scripts/faces.sh
say
bench "core" core cargo bench --quiet -p nearcache
bench "SQLite, LMDB, Redis" store tests/compare-store/bench.sh
bench "quick_cache, moka, foyer" compare tests/compare/bench.sh
bench "C" c tests/c/bench.sh
bench "Python" python bindings/python/benches/run.sh
bench "PHP" php bindings/php/benches/bench.sh
bench "nearcached" server server/bench.sh

"$VENV/bin/python" scripts/bench_table.py target/bench
[ ${#failed[@]} -eq 0 ] || die "these benchmarks failed: ${failed[*]}"
