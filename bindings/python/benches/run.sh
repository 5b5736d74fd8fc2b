#!/bin/sh
# Builds the module and its peers into an environment of their own and measures them; arguments go to bench.py.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
cd "$root"
venv=target/bench/python-venv
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement bindings/python/benches/requirements.txt
PATH="$root/$venv/bin:$PATH" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --no-build-isolation --no-deps --force-reinstall ./bindings/python
exec "$venv/bin/python" bindings/python/benches/bench.py "$@"
