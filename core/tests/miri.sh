#!/bin/sh
# Runs tests/smoke.rs and tests/miri.rs under Miri: undefined behaviour and data races, in every order of threads that a
# few seeds of its scheduler give, under both of its models of aliasing.
#
#   core/tests/miri.sh [seeds of the scheduler]
set -eu
cd "$(dirname "$0")/../.."
seeds=${1:-2}
if ! cargo +nightly miri --version >/dev/null 2>&1; then
    echo "miri.sh: needs Miri, which is not on the stable toolchain. To install it:" >&2
    echo "    rustup toolchain install nightly --component miri --component rust-src" >&2
    exit 2
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"
# The clock, the seed of the hash and the mapping are the system's.
common="-Zmiri-disable-isolation -Zmiri-many-seeds=0..$seeds"
for model in "" "-Zmiri-tree-borrows"; do
    echo "${model:-stacked borrows}"
    MIRIFLAGS="$common $model" cargo +nightly miri test -q -p nearcache --test miri
    MIRIFLAGS="-Zmiri-disable-isolation $model" \
        cargo +nightly miri test -q -p nearcache --test smoke -- every_verb_answers
done
