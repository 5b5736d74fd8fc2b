#!/usr/bin/env bash
# The adapters in the real frameworks, and the drop-ins beside the clients that they stand in for. Installs what is missing
# into .venv, builds the module and a nearcached, and runs the tests; arguments go to pytest.
# NEARCACHED=<program> tests with a program already built.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

scripts/setup.sh build python

# Its own script knows how to build the module, and when that is needed; pytest then only names itself.
build_python() {
    tests/python/run.sh --version
}

install_frameworks() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/frameworks/requirements.txt
}

step "building the Python module" frameworks-python build_python
step "installing the frameworks" frameworks-pip install_frameworks
if [ -z "${NEARCACHED:-}" ]; then
    step "building nearcached" frameworks-daemon cargo build --release -p nearcached
    NEARCACHED=${CARGO_TARGET_DIR:-$ROOT/target}/release/nearcached
fi
NEARCACHED=$(realpath "$NEARCACHED")
export NEARCACHED

# From within the environment: mypy leaves its cache where it is started.
check_types() {
    local package=$ROOT/bindings/python/python/nearcache tests=$ROOT/tests/frameworks
    (cd "$VENV" && MYPYPATH=$tests bin/python -m mypy --config-file "$tests/mypy.ini" \
        "$tests"/*.py "$tests"/project/*.py "$package"/*.py "$package"/compat/*.py)
}
step "checking the types" frameworks-types check_types

exec "$VENV/bin/python" -m pytest -c tests/python/pytest.ini --rootdir tests/frameworks -p no:cacheprovider \
    tests/frameworks "$@"
