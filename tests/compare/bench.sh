#!/usr/bin/env bash
# The comparison with other caches: speed, latency, memory, lifetimes; hit ratios if TRACES names a directory of traces.
# REPORT names a directory for Markdown tables and charts. Leaves what it measured in target/bench.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

run() {
    local program=$1
    shift
    say "-- $program"
    CARGO_TARGET_DIR=$ROOT/target/compare cargo run --quiet --release --locked --manifest-path tests/compare/Cargo.toml \
        --bin "$program" -- ${REPORT:+--report "$REPORT"} "$@"
}

run speed
run latency
run memory
run lifetimes
if [ -n "${TRACES:-}" ]; then
    run ratios "$TRACES"
else
    say "-- ratios: not measured; TRACES=DIRECTORY names the traces, and the program says where they come from"
fi
