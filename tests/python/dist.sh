#!/usr/bin/env bash
# A wheel and an sdist from a clean copy of the repository: built, judged (dist_check.py), installed into environments of
# their own, and used from another directory (selfcheck.py). The sdist is built into a wheel far from the checkout and
# without the network: it has to carry the engine. Wants what tests/python/run.sh has installed.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

[ -x "$VENV/bin/maturin" ] || tests/python/run.sh --version
work=$(mktemp -d)
# What comes from other crates is compiled once; what is made here goes with the folder.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/dist
leave() {
    (cd "$work/clone" && cargo clean --quiet --offline --release -p nearcache -p nearcache-store -p nearcache-python) || true
    rm -rf "$work"
}
trap leave EXIT

# What git knows of, as it is here: what was forgotten to be added is missing, and what was built is not there.
mkdir "$work/clone" "$work/sdist" "$work/elsewhere"
git ls-files -z | while IFS= read -r -d '' file; do
    [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --create --null --files-from - | tar --extract --touch --directory "$work/clone"

# wheel SOURCE FOLDER: through pip, as users do; maturin is that of the environment.
wheel() {
    PATH="$VENV/bin:$PATH" "$VENV/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-index \
        --no-build-isolation --no-deps --wheel-dir "$2" "$1"
}

# use WHEEL FOLDER: in an environment that has nothing else.
use() {
    "$VENV/bin/python" -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$1"
    (cd "$work/elsewhere" && "$2/bin/python" -I "$ROOT/tests/python/selfcheck.py")
}

wheel "$work/clone/bindings/python" "$work/from-clone"
(cd "$work/clone/bindings/python" && "$VENV/bin/maturin" sdist --out "$work/sdist")
mv "$work/clone" "$work/gone" # So that nothing of it is found.
tar --extract --gzip --touch --directory "$work/sdist" --file "$work"/sdist/*.tar.gz
CARGO_NET_OFFLINE=true wheel "$(echo "$work"/sdist/nearcache-*/)" "$work/from-sdist"
mv "$work/gone" "$work/clone"

"$VENV/bin/python" tests/python/dist_check.py "$work"/sdist/*.tar.gz "$work"/from-clone/*.whl "$work"/from-sdist/*.whl
use "$work"/from-clone/*.whl "$work/venv-clone"
use "$work"/from-sdist/*.whl "$work/venv-sdist"
say "the wheel and the sdist are whole, and both install and run"
