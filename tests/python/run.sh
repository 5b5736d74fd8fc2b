#!/bin/sh
# Builds the Python module into .venv and runs its tests; arguments go to pytest.
# The installation is skipped while nothing that the module is built from has changed.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
python=${PYTHON:-python3}
requirements=tests/python/requirements.txt
stamp=.venv/nearcache.stamp

# Everything that goes into the module, and into the environment it is installed in.
fingerprint() {
    {
        "$python" -VV
        find Cargo.toml Cargo.lock "$requirements" core/Cargo.toml core/src store/Cargo.toml store/src \
            bindings/python/Cargo.toml bindings/python/build.rs bindings/python/pyproject.toml bindings/python/README.md \
            bindings/python/src bindings/python/python -type f \
            ! -name '*.pyc' ! -name '*.so' -print | LC_ALL=C sort | xargs sha256sum
    } | sha256sum
}

wanted=$(fingerprint)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    rm -f "$stamp"
    if [ ! -x .venv/bin/python ] || [ "$(.venv/bin/python -VV)" != "$("$python" -VV)" ]; then
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
    # Without isolation: maturin is among the requirements, and cargo builds into the workspace's target directory.
    PATH="$root/.venv/bin:$PATH" .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --no-build-isolation --no-deps --force-reinstall ./bindings/python
    printf '%s\n' "$wanted" > "$stamp"
fi

# The daemon whose store and queues some of the tests share. NEARCACHED=<program> is one already built; who only wants the
# module installed (--version) needs none.
if [ "${1:-}" != --version ]; then
    if [ -z "${NEARCACHED:-}" ]; then
        cargo build --quiet --release -p nearcached
        NEARCACHED=${CARGO_TARGET_DIR:-target}/release/nearcached
    fi
    NEARCACHED=$(realpath "$NEARCACHED")
    export NEARCACHED
fi

exec .venv/bin/python -m pytest -c tests/python/pytest.ini -o cache_dir="$root/.venv/pytest-cache" tests/python "$@"
