#!/usr/bin/env bash
# `make bench-daemon`: compares nearcached with the machine's memcached, one thread each on one core, the load on
# another, in alternating rounds. Writes target/bench/daemon.json: a list of {work, peer, ours, theirs, unit, ratio,
# spread}, where ratio is ours/theirs as time or size (less is better) and spread is how far the middle half of the
# rounds' ratios lies apart, in parts of their median.
#
# ROUNDS (7) and SECONDS_EACH (0.5) change the length of the run, ONLY ("set", "unix", "memory") what is run.
set -euo pipefail
cd "$(dirname "$0")/.."

peer=$(command -v memcached) || { echo "no memcached to compare with: install memcached" >&2; exit 1; }
for tool in taskset unshare; do
  command -v $tool >/dev/null || { echo "no $tool: install util-linux" >&2; exit 1; }
done
[ "$(nproc)" -ge 2 ] || { echo "two cores are needed: one for the server, one for the load" >&2; exit 1; }

cargo build --quiet --release -p nearcached --bins --example loadgen
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/bench"
run=(taskset -c 1 "$target/release/examples/loadgen" "$target/release/nearcached" "$peer" 0
  "${ROUNDS:-7}" "${SECONDS_EACH:-0.5}" "$target/bench/daemon.json" "${ONLY:-}")

# A network of its own with plain congestion control. Where the system's is BBR, it paces the loopback too and
# stops now and then to probe it: then that is what a benchmark of servers with larger replies would measure.
prepare='ip link set lo up && echo reno >/proc/sys/net/ipv4/tcp_congestion_control'
for own in "unshare --net" "unshare --user --map-root-user --net"; do
  # shellcheck disable=SC2086  # the words of the command
  if $own sh -c "$prepare" 2>/dev/null; then
    exec $own sh -c "$prepare"' && exec "$@"' sh "${run[@]}"
  fi
done
echo "no network of its own (unshare --net, ip): the loopback's congestion control is" \
  "$(cat /proc/sys/net/ipv4/tcp_congestion_control)" >&2
exec "${run[@]}"
