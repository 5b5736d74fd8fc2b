#!/bin/sh
# Runs a target under libFuzzer and the address sanitizer, as `cargo fuzz run` does, with the stable compiler: RUSTC_BOOTSTRAP
# lets it take the flags. Needs x86-64 Linux and a C++ compiler. What is found on the way is kept in target/fuzz-corpus,
# a failing case in target/fuzz-corpus, too, as crash-<sum>: replay it with the same command and the file.
#
#   core/fuzz/libfuzzer.sh operations|damaged|attach [options of libFuzzer, or files]
set -eu
cd "$(dirname "$0")"
target=${1:?usage: libfuzzer.sh operations|damaged|attach [options of libFuzzer, or files]}
shift
triple=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "libfuzzer.sh: needs x86-64 Linux, this is $(uname -sm)" >&2
    exit 2
fi
built=${CARGO_TARGET_DIR:-../../target}/libfuzzer
found=${CARGO_TARGET_DIR:-../../target}/fuzz-corpus/$target
mkdir -p "$found"
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg fuzzing --cfg nearcache_damage $(echo $coverage)
    -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer" \
    cargo build -q --release --bin "$target" --target "$triple" --target-dir "$built"
for argument in "$@"; do
    if [ -f "$argument" ]; then
        exec "$built/$triple/release/$target" "$@"
    fi
done
exec "$built/$triple/release/$target" -timeout=20 -max_len=6000 -artifact_prefix="$found/" "$@" "$found" "corpus/$target"
