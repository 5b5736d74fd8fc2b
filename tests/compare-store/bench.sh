#!/usr/bin/env bash
# The store and the queues beside SQLite, LMDB and Redis (about ten minutes; QUICK=1: one, and less exact). Leaves what it
# measured in target/bench/store.json; REPORT names a directory for a table and a chart; BARS=1 fails if a bar is missed;
# DATA names a directory on the file system that is to be measured (default: below target/; it takes 10 GB for a while).
# Arguments are parts: puts gets reopen queues.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

mkdir -p "${DATA:=$ROOT/target/bench}"
data=$(mktemp -d "$DATA/store-XXXXXX")
trap 'rm -rf "$data"' EXIT
trap 'exit 130' INT TERM
export DATA=$data
CARGO_TARGET_DIR=$ROOT/target/compare-store cargo run --quiet --release --locked --manifest-path tests/compare-store/Cargo.toml \
    -- ${QUICK:+--quick} ${REPORT:+--report "$REPORT"} "$@"
