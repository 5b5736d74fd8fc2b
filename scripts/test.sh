#!/usr/bin/env bash
# `make test`: every stage runs even if one before it failed; the last line counts them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# A stage that hangs fails after this many seconds.
STAGE_LIMIT=1200
passed=0
failed=()

# stage NAME TEXT COMMAND...: runs a program with its output in target/logs/test-NAME.log.
stage() {
    local name=$1 text=$2 begin
    shift 2
    begin=$(now)
    printf '%-46s ' "$text"
    if quietly "test-$name" timeout --kill-after=30 "$STAGE_LIMIT" "$@"; then
        printf 'ok      %4ss\n' $(($(now) - begin))
        passed=$((passed + 1))
    else
        printf 'FAILED  %4ss\n' $(($(now) - begin))
        show_log "test-$name"
        failed+=("$name")
    fi
}

stage fmt "formatting" cargo fmt --all --check
stage clippy "lints" cargo clippy --all-targets -- -D warnings
stage build "the Rust tests build" cargo test --no-run
stage rust "Rust tests: core, C library, daemon, store" cargo test --no-fail-fast
if [ -e core/tests/loom.rs ]; then
    stage loom "every interleaving of the core's protocols" env RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom \
        cargo test -p nearcache --release --test loom --test loom_items --test loom_owners
fi
stage failpoints "processes killed before each of their stores" core/tests/failpoints.sh
stage compare "the comparison with other caches" tests/compare/run.sh
stage fuzz "random verbs, damaged arenas, hostile clients" sh -c "core/fuzz/run.sh 8 && server/fuzz/run.sh 5"
stage c "C and C++" tests/c/run.sh
stage python "Python" tests/python/run.sh
stage python-dist "a wheel and an sdist from a clean copy" tests/python/dist.sh
stage php "PHP" tests/php/run.sh
stage hosts "PHP-FPM, gunicorn, multiprocessing" tests/hosts/run.sh
stage frameworks "Django, Flask, dogpile, pymemcache, pylibmc" tests/frameworks/run.sh
stage soak "C, Python, PHP and Rust on one cache, killed" tests/soak/run.sh 40
stage clients "the daemon with other people's clients" tests/clients/run.sh
stage http "the live page in Chromium, the metrics" tests/http/run.sh
stage faces "one table of semantics through every face" env NEARCACHE_FACES=core,store,socket,storesocket,c,python,php \
    cargo test -p conformance
stage readme "the README's examples" scripts/readme_examples.sh
stage packaging "the Debian packages: installed, used, purged" tests/packaging/run.sh
stage demo "the demo on small input" scripts/run.sh --small

if [ ${#failed[@]} -gt 0 ]; then
    say "failed: ${failed[*]}; the whole output is in target/logs/test-<name>.log"
fi
say "$passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
