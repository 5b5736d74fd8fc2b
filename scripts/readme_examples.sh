#!/usr/bin/env bash
# Runs each example of README.md against the faces as a user would have them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

scripts/faces.sh
"$VENV/bin/python" scripts/readme_examples.py target/installed "$PHP" "$ROOT/target/php/nearcache.so"
