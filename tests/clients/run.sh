#!/usr/bin/env bash
# Runs real clients (pymemcache, pylibmc, PHP's memcached extension, nutcracker) against nearcacheds, caches and stores,
# started for them.
# Exits non-zero when one of them is not served as memcached would serve it.
#
# Needs: cargo, python3 with venv, php8.2-cli, php8.2-memcached, nutcracker. Makes .venv at the top of the repository, with
# what the tests need in it, if it is not there. NEARCACHED=<program> tests a program already built.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=.venv/bin/python
[ -x "$python" ] || python3 -m venv .venv
"$python" -c 'import pytest, pymemcache, pylibmc' 2>/dev/null ||
  "$python" -m pip install --quiet -r tests/python/requirements.txt -r tests/clients/requirements.txt

php=$(command -v php8.2 || command -v php) || { echo "no php: install php8.2-cli and php8.2-memcached" >&2; exit 1; }
"$php" -r 'exit(class_exists("Memcached") ? 0 : 1);' || { echo "php has no memcached extension: install php8.2-memcached" >&2; exit 1; }

if [ -z "${NEARCACHED:-}" ]; then
  cargo build --quiet --release -p nearcached
  NEARCACHED=${CARGO_TARGET_DIR:-target}/release/nearcached
fi
NEARCACHED=$(realpath "$NEARCACHED")
export NEARCACHED
exec "$python" -m pytest -q -p no:cacheprovider tests/clients "$@"
