#!/usr/bin/env bash
# Does the comparison with other stores still build, keep its tests and run? No figure of this is worth reading.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

cd tests/compare-store
export CARGO_TARGET_DIR=$ROOT/target/compare-store
cargo fmt --check
# In the release profile, so that what is built here is what `make bench-store` runs.
cargo clippy --release --locked --all-targets -- -D warnings
cargo test --release --locked
DATA=$(mktemp -d "$ROOT/target/compare-store-XXXXXX")
trap 'rm -rf "$DATA"' EXIT
export DATA
cargo run --quiet --release --locked -- --tiny
