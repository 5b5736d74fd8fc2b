#!/bin/sh
# Builds examples/tsan_hammer.rs under the thread sanitizer and the address sanitizer, and runs short rounds of each.
# Needs x86-64 Linux and the stable compiler: RUSTC_BOOTSTRAP lets it take the sanitizer flags. The builds have a
# target directory of their own, so that they do not spoil the others.
#
#   core/tests/sanitizers.sh [operations of a thread] [rounds]
set -eu
cd "$(dirname "$0")/../.."
operations=${1:-5000}
rounds=${2:-3}
triple=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "sanitizers.sh: needs x86-64 Linux, this is $(uname -sm)" >&2
    exit 2
fi
target=${CARGO_TARGET_DIR:-target}/sanitizers

# run NAME RUSTFLAGS: one sanitizer.
run() {
    echo "$1 sanitizer"
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="$2" \
        cargo build -q --release -p nearcache --example tsan_hammer --target "$triple" --target-dir "$target/$1"
    round=1
    while [ "$round" -le "$rounds" ]; do
        TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_leaks=0 \
            "$target/$1/$triple/release/examples/tsan_hammer" "$operations" "$round"
        round=$((round + 1))
    done
}

# The block copies in assembly are opaque to the sanitizer: under it the engine copies word by word.
run thread "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg nearcache_word_copy"
run address "-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer --cfg nearcache_word_copy"
run address "-Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer"
