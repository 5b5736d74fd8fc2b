#!/bin/sh
# The daemon's fuzz targets with the stable compiler: cases come from seeds, and a failing one prints its own.
# NEARCACHE_SEED replays one; a file's name behind a target's binary runs the bytes in it.
#
#   server/fuzz/run.sh [seconds for each target]
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/fuzz"
# The same hash seed every time: a case goes the same way whenever it runs.
export RUSTFLAGS="--cfg nearcache_damage"
for target in parsers queues options frames conversation; do
    NEARCACHE_FUZZ_SECONDS=$seconds \
        cargo run -q --release --manifest-path server/fuzz/Cargo.toml --bin "$target"
done
