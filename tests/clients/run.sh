#!/usr/bin/env bash
# Runs real clients (pymemcache, and PHP's memcached extension) against a nearcached started for them, over TCP and a
# unix socket. Exits non-zero when one of them is not served as memcached would serve it.
#
# Needs: cargo, python3 with venv, php8.2-cli and php8.2-memcached. Makes .venv at the top of the repository, with
# pytest and pymemcache in it, if they are not there. NEARCACHED=<program> tests a program already built.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=.venv/bin/python
[ -x "$python" ] || python3 -m venv .venv
"$python" -c 'import pytest, pymemcache' 2>/dev/null || "$python" -m pip install --quiet pytest pymemcache

php=$(command -v php8.2 || command -v php) || { echo "no php: install php8.2-cli and php8.2-memcached" >&2; exit 1; }
"$php" -r 'exit(class_exists("Memcached") ? 0 : 1);' || { echo "php has no memcached extension: install php8.2-memcached" >&2; exit 1; }

if [ -z "${NEARCACHED:-}" ]; then
  cargo build --quiet --release -p nearcached
  NEARCACHED=${CARGO_TARGET_DIR:-target}/release/nearcached
fi
NEARCACHED=$(realpath "$NEARCACHED")
export NEARCACHED
exec "$python" -m pytest -q -p no:cacheprovider tests/clients "$@"
