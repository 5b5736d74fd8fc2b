#!/bin/sh
# Kills, stops and ends processes before their stores to a shared cache; see core/tests/failpoints.rs.
#
#   core/tests/failpoints.sh [rounds of each scene, or `all` stores; 80]
#
# NEARCACHE_SEED replays a run, NEARCACHE_SCENE takes one scene alone.
set -eu
cd "$(dirname "$0")/../.."
export NEARCACHE_ROUNDS="${1:-80}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/failpoints"
export RUSTFLAGS="--cfg nearcache_failpoints"
exec cargo test -q -p nearcache --test failpoints
