#!/usr/bin/env bash
# The module in every Python it is for, that can be found here: a wheel of its own below 3.11 and for builds without a GIL,
# the one stable-ABI wheel of the oldest for all others, and in each the tests of tests/python; arguments go to pytest.
#
# PYTHONS="/path/to/python3.9 python3.14t" names the interpreters. Else they are looked for on the PATH, among pyenv's, and
# in target/pythons/*/bin. One that is not packaged can be built there from CPython's sources, which distributions carry
# (apt-get source python3.14): ./configure [--disable-gil] --prefix=<checkout>/target/pythons/3.14t && make altinstall
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

# PyO3 supports no build without a GIL before 3.14.
WANTED="3.9 3.10 3.11 3.12 3.13 3.14 3.14t"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
# By itself: each change of interpreter compiles what knows about it anew.
export CARGO_TARGET_DIR=$target/pythons-build
results=()
failed=0

# version INTERPRETER: as in WANTED; nothing if it does not run (as a shim of a version that is not chosen).
version() {
    "$1" -c 'import sys, sysconfig; print("%d.%d" % sys.version_info[:2] + "t" * bool(sysconfig.get_config_var("Py_GIL_DISABLED")))' \
        2>/dev/null || true
}

# find_interpreter VERSION: the first interpreter of it.
find_interpreter() {
    local candidate
    if [ -n "${PYTHONS:-}" ]; then
        # shellcheck disable=SC2086  # the paths are words
        set -- "$1" $PYTHONS
    else
        set -- "$1" "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/${1%t}".*/bin/"python$1" "$target/pythons/$1/bin/python$1"
    fi
    local wanted=$1
    shift
    for candidate in "$@"; do
        if [ "$(version "$candidate")" = "$wanted" ]; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# prepare INTERPRETER FOLDER: an environment with what the tests need. mypy has no wheels for every build without a GIL.
prepare() {
    local version wanted=tests/python/requirements.txt
    version=$(version "$1")
    [ "$(version "$2/bin/python")" = "$version" ] || "$1" -m venv --clear "$2" || return
    if [[ $version = *t ]]; then
        grep -v '^mypy' "$wanted" >"$2/requirements.txt"
        wanted=$2/requirements.txt
    fi
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
}

# build FOLDER WHEELS: the wheel that this interpreter is for.
build() {
    rm -rf "$2"
    PATH="$1/bin:$PATH" "$1/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
        --wheel-dir "$2" ./bindings/python
}

# try FOLDER WHEELS: what is tested in it.
try() {
    local environment=$1 wheels=$2 untyped=()
    shift 2
    [[ $environment != *t ]] ||
        untyped=(--deselect test_docs.py::test_the_stubs_fit_the_module --deselect test_docs.py::test_the_package_is_typed)
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheels"/*.whl ||
        return
    (cd "$environment" && bin/python -I "$ROOT/tests/python/selfcheck.py") || return
    # The tests' own types are judged once, by the interpreter of tests/python/run.sh.
    # What hangs fails.
    timeout 1200 "$environment/bin/python" -m pytest -c tests/python/pytest.ini -p no:cacheprovider tests/python \
        --deselect test_docs.py::test_the_tests_and_the_driver_are_typed "${untyped[@]}" "$@"
}

# one VERSION INTERPRETER: all of it.
one() {
    local name=$1 interpreter=$2 environment=$target/pythons-venv/$1 wheels=$target/pythons-wheels/$1
    shift 2
    prepare "$interpreter" "$environment" || return
    case $name in
        3.9 | 3.10 | *t) build "$environment" "$wheels" || return ;;
        *)
            wheels=$target/pythons-wheels/abi3
            # The first of them builds it.
            [ -n "${stable:-}" ] || { build "$environment" "$wheels" && stable=1; } || return
            ;;
    esac
    try "$environment" "$wheels" "$@"
}

for name in $WANTED; do
    if ! interpreter=$(find_interpreter "$name"); then
        results+=("$name: skipped, no interpreter")
        continue
    fi
    if quietly "pythons-$name" one "$name" "$interpreter" "$@"; then
        results+=("$name: $(tail -n 1 "$LOGS/pythons-$name.log")")
    else
        show_log "pythons-$name"
        results+=("$name: FAILED ($interpreter)")
        failed=1
    fi
    say "${results[-1]}"
done
say "---"
printf '%s\n' "${results[@]}"
exit $failed
