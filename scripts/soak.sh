#!/usr/bin/env bash
# The core's randomised tests for longer than `make test` gives them, each round with a new seed.
#   scripts/soak.sh processes   processes in four languages on one cache, killed and stopped (default 10 minutes)
#   scripts/soak.sh stress   threads against one cache
#   scripts/soak.sh model    sequences of verbs beside the sequential model, and verbs in damaged arenas, and hostile
#                              clients of the daemon
#   scripts/soak.sh store    the durable store and its queues: losses of power, kills, full disks, the model of the queues
# MINUTES says how long (default 20). SEED replays one round instead: a failing round prints its seed.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ "${1:-}" = processes ] && usual=10 || usual=20
MINUTES=${MINUTES:-$usual}
case $MINUTES in
    '' | *[!0-9]* | 0) die "MINUTES is '$MINUTES': it must be a whole number of 1 or more" ;;
esac
seconds=$((MINUTES * 60))
[ -z "${SEED:-}" ] || export NEARCACHE_SEED=$SEED

# The tests that take NEARCACHE_STRESS_SECONDS share the time evenly, one after the other.
stress() {
    local files=(--test stress) count
    [ ! -e core/tests/linearizable.rs ] || files+=(--test linearizable)
    step "building the tests" soak-build cargo test -p nearcache --release "${files[@]}" --no-run
    count=$(cargo test -q -p nearcache --release "${files[@]}" -- --list 2>/dev/null | grep -c ': test$')
    [ -z "${SEED:-}" ] || seconds=0
    say "$count tests, $((seconds / count)) seconds each"
    NEARCACHE_STRESS_SECONDS=$((seconds / count)) \
        cargo test -q -p nearcache --release "${files[@]}" -- --test-threads=1 --nocapture
}

# A round is NEARCACHE_CASES cases of each property test, and a minute of each fuzz target; rounds follow until the time
# is over.
model() {
    local end round=0
    step "building the tests" fuzz-build cargo test -p nearcache --release --test properties --no-run
    end=$(($(now) + seconds))
    while :; do
        round=$((round + 1))
        step "round $round, properties" fuzz-properties env NEARCACHE_CASES="${NEARCACHE_CASES:-500}" \
            cargo test -p nearcache --release --test properties
        step "round $round, fuzz targets" fuzz-targets core/fuzz/run.sh 60
        step "round $round, the daemon's" fuzz-daemon server/fuzz/run.sh 60
        [ -z "${SEED:-}" ] && [ "$(now)" -lt "$end" ] || break
    done
    say "$round rounds, nothing found"
}

# Losses of power for half of the time, and the rest in rounds. Not in release: the engine asserts more of itself so.
store() {
    local end half=$(((MINUTES + 1) / 2)) tests=(--test powerloss --test disasters --test queue_disasters --test queue_model)
    step "building the tests" soak-build cargo test -p nearcache-store "${tests[@]}" --no-run
    end=$(($(now) + seconds))
    [ -z "${SEED:-}" ] || half=0
    step "losses of power" soak-powerloss env MINUTES="$half" cargo test -p nearcache-store --test powerloss
    while :; do
        step "killed, full disks, the model" soak-store env NEARCACHE_ROUNDS=20 \
            cargo test -p nearcache-store "${tests[@]:2}"
        [ -z "${SEED:-}" ] && [ "$(now)" -lt "$end" ] || break
    done
    say "nothing found"
}

processes() {
    local seed=()
    [ -z "${SEED:-}" ] || seed=(--seed "$SEED")
    exec tests/soak/run.sh "$seconds" "${seed[@]}"
}

case ${1:-} in
    processes | store | stress | model) "$1" ;;
    *) die "usage: scripts/soak.sh processes|store|stress|model" ;;
esac
