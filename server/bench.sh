#!/usr/bin/env bash
# Compares nearcached with the machine's memcached: one thread each on one core, the load on another, in alternating
# rounds. Writes target/bench/daemon.json: a list of {work, peer, ours, theirs, unit, ratio, spread}, where ratio is
# ours/theirs (more is better for rates, less for "cpu us" and "p99 us") and spread is how far the rounds' ratios lie
# apart, in parts of their median. ROUNDS and SECONDS_EACH change the length of the run.
set -euo pipefail
cd "$(dirname "$0")/.."

peer=$(command -v memcached) || { echo "no memcached to compare with: install memcached" >&2; exit 1; }
command -v taskset >/dev/null || { echo "no taskset: install util-linux" >&2; exit 1; }
[ "$(nproc)" -ge 2 ] || { echo "two cores are needed: one for the server, one for the load" >&2; exit 1; }

cargo build --quiet --release -p nearcached --bins --examples
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/bench"
exec taskset -c 1 "$target/release/examples/loadgen" "$target/release/nearcached" "$peer" 0 \
  "${ROUNDS:-5}" "${SECONDS_EACH:-1}" "$target/bench/daemon.json"
