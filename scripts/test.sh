#!/usr/bin/env bash
# `make test`: every stage runs even if one before it failed; the last line counts them. After everything is built there are
# two lanes at a time, since most stages wait for clocks, disks and processes of their own. LANES=1 runs one.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A stage that hangs fails after this many seconds.
STAGE_LIMIT=1200
# A file for each stage that passed, and one for each that failed.
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# stage NAME TEXT COMMAND...: runs a program with its output in target/logs/test-NAME.log.
stage() {
    local name=$1 text=$2 begin
    shift 2
    begin=$(now)
    if quietly "test-$name" timeout --kill-after=30 "$STAGE_LIMIT" "$@"; then
        printf '%-46s ok      %4ss\n' "$text" $(($(now) - begin))
        touch "$results/passed-$name"
    else
        printf '%-46s FAILED  %4ss\n' "$text" $(($(now) - begin))
        show_log "test-$name"
        touch "$results/failed-$name"
    fi
}

# What the engine, the daemon and the C library do, and what users meet.
lane_one() {
    stage rust "Rust tests: core, C library, daemon, store" cargo test --no-fail-fast
    stage c "C and C++" tests/c/run.sh
    stage compare "the comparison with other caches" tests/compare/run.sh
    stage fuzz "random verbs, damaged arenas, hostile clients" sh -c "core/fuzz/run.sh 6 && server/fuzz/run.sh 3"
    stage clients "the daemon with other people's clients" tests/clients/run.sh
    stage http "the live page in Chromium, the metrics" tests/http/run.sh
    stage frameworks "Django, Flask, dogpile, pymemcache, pylibmc" tests/frameworks/run.sh
    stage readme "the README's examples" scripts/readme_examples.sh
    stage demo "the demo on small input" scripts/run.sh --small
}

# What has a build of its own, and the bindings.
lane_two() {
    stage php "PHP" tests/php/run.sh
    stage python "Python" tests/python/run.sh
    stage hosts "PHP-FPM, gunicorn, multiprocessing" tests/hosts/run.sh
    stage soak "C, Python, PHP and Rust on one cache, killed" tests/soak/run.sh 40
    stage python-dist "a wheel and an sdist from a clean copy" tests/python/dist.sh
    stage failpoints "processes killed before each of their stores" core/tests/failpoints.sh
    stage loom "every interleaving of the core's protocols" env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom \
        cargo test -p nearcache --release --test loom --test loom_items --test loom_owners
    stage faces "one table of semantics through every face" \
        env NEARCACHE_FACES=core,store,socket,storesocket,c,python,php cargo test -p conformance
}

stage fmt "formatting" cargo fmt --all --check
stage clippy "lints" cargo clippy --all-targets -- -D warnings
# Before the lanes part, so that no two of them build one thing. The one is for debugging, the other a release, whose
# last steps leave a processor idle.
stage build "the Rust tests build" cargo test --no-run &
stage installed "the faces build" scripts/faces.sh
wait
if [ "${LANES:-2}" = 1 ]; then
    lane_one
    lane_two
else
    lane_one &
    lane_two
    wait
fi
# By itself: it installs and removes packages of the whole machine.
stage packaging "the Debian packages: installed, used, purged" tests/packaging/run.sh

passed=$(find "$results" -name 'passed-*' | wc -l)
failed=$(cd "$results" && find . -name 'failed-*' | sed 's|./failed-||' | sort | tr '\n' ' ')
if [ -n "$failed" ]; then
    say "failed: $failed; the whole output is in target/logs/test-<name>.log"
fi
say "$passed passed, $(find "$results" -name 'failed-*' | wc -l) failed"
[ -z "$failed" ]
