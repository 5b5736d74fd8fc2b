#!/bin/sh
# Builds the module and its peers into an environment of their own and measures them; arguments go to bench.py.
# REPORT names a directory for the table and the chart.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
cd "$root"
venv=target/bench/python-venv
wanted=bindings/python/benches/requirements.txt
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"

install() {
    PATH="$root/$venv/bin:$PATH" "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# A peer that does not go with this Python keeps nobody from measuring the others; bench.py names it.
if ! install --requirement "$wanted"; then
    grep -v '^#' "$wanted" | while read -r peer; do
        install "$peer" || echo "$peer cannot be installed on $("$venv/bin/python" -VV)" >&2
    done
fi
install --no-build-isolation --no-deps --force-reinstall ./bindings/python
exec "$venv/bin/python" bindings/python/benches/bench.py ${REPORT:+--report "$REPORT"} "$@"
