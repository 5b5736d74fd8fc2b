#!/usr/bin/env bash
# Do the comparisons with other caches still build, keep their tests and run? No figure of this is worth reading.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

cd tests/compare
export CARGO_TARGET_DIR=$ROOT/target/compare
cargo fmt --check
# In the release profile, so that what is built here is what `make bench` runs.
cargo clippy --release --locked --all-targets -- -D warnings
cargo test --release --locked
for program in speed latency memory lifetimes; do
    cargo run --quiet --release --locked --bin "$program" -- --tiny
done
