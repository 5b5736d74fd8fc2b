#!/bin/sh
# The tests of damaged arenas, and the fuzz targets, with the stable compiler: cases come from seeds, and a failing one
# prints its own. NEARCACHE_SEED replays one; a file's name behind a target's binary runs the bytes in it.
#
#   core/fuzz/run.sh [seconds for each target]
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-10}
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/fuzz"
# Words can be damaged in this build, and pages that may not be touched lie around its arenas.
export RUSTFLAGS="--cfg nearcache_damage"
cargo test -q --release --manifest-path core/fuzz/Cargo.toml
for target in operations damaged attach; do
    NEARCACHE_FUZZ_SECONDS=$seconds \
        cargo run -q --release --manifest-path core/fuzz/Cargo.toml --bin "$target"
done
