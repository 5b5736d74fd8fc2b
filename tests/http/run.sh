#!/usr/bin/env bash
# `nearcached --http` seen by others: the live page in headless Chromium, the metrics by Prometheus's own parser. Installs
# what is missing, builds the daemon, and leaves pictures of the page in target/screenshots; arguments go to pytest.
# NEARCACHED=<program> tests a program already built.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

scripts/setup.sh build python checks

if [ -z "${NEARCACHED:-}" ]; then
    step "building the daemon" http-build cargo build --release -p nearcached
    NEARCACHED=${CARGO_TARGET_DIR:-$ROOT/target}/release/nearcached
fi
NEARCACHED=$(realpath "$NEARCACHED")
CHROMIUM=$(command -v chromium) || die "chromium is missing: apt-get install chromium"
export NEARCACHED CHROMIUM NEARCACHE_SCREENSHOTS=$ROOT/target/screenshots
mkdir -p "$NEARCACHE_SCREENSHOTS"

# From within the environment: mypy leaves its cache where it is started.
check_types() {
    (cd "$VENV" && MYPYPATH="$ROOT/tests/http" bin/python -m mypy --strict "$ROOT"/tests/http/*.py)
}
step "checking the tests' types" http-types check_types

exec "$VENV/bin/python" -m pytest -c tests/python/pytest.ini --rootdir tests/http -p no:cacheprovider tests/http "$@"
