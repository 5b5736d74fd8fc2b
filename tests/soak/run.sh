#!/usr/bin/env bash
# The soak with a worker in each language that is built here: the C library is built, Python's module and PHP's extension
# are used if they are where `make setup` and the tests put them.
#
#   tests/soak/run.sh [SECONDS, 600] [options of the soak]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-600}
[ $# -eq 0 ] || shift
target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
python=${SOAK_PYTHON:-$PWD/.venv/bin/python}
php=${SOAK_PHP:-$(command -v php8.2 || command -v php || true)}
extension=${SOAK_PHP_EXTENSION:-$PWD/target/php/nearcache.so}
cargo build --release --quiet -p nearcache-soak
workers=()
mkdir -p "$target/soak"
if command -v "${CC:-cc}" >/dev/null; then
    prefix=$target/soak/prefix
    ffi/install.sh "$prefix" >"$target/soak/install.log" 2>&1 || { cat "$target/soak/install.log" >&2; exit 1; }
    "${CC:-cc}" -std=c11 -O1 -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -I"$prefix/include" tests/soak/worker.c \
        -o "$target/soak/worker" -L"$prefix/lib" -lnearcache -Wl,-rpath,"$prefix/lib"
    workers+=(--worker "$target/soak/worker {name} {seed} {slot} {table}")
    workers+=(--worker "$target/soak/worker {name} {seed} {slot} {table}")
fi
if [ -x "$python" ] && "$python" -c 'import nearcache' 2>/dev/null; then
    workers+=(--worker "$python tests/soak/worker.py {name} {seed} {slot} {table}")
else
    echo "no worker in Python: its module is not in $python"
fi
if [ -n "$php" ] && [ -e "$extension" ]; then
    workers+=(--worker "$php -n -d extension=$extension tests/soak/worker.php {name} {seed} {slot} {table}")
else
    echo "no worker in PHP: there is no $extension"
fi
exec "$target/release/soak" "$seconds" "${workers[@]}" "$@"
