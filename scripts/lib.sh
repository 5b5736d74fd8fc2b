# What the scripts share: one voice, one place for logs, one way to fail.
# Sourced, never run; expects bash with `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=$ROOT/.venv
LOGS=$ROOT/target/logs
cd "$ROOT"

# cargo marks the target folder it makes as one that backups pass over, and tests know it by that mark; it does not
# mark a folder that is there already, and the first thing these scripts write there is a log.
if [ ! -e target ]; then
    mkdir target
    printf 'Signature: 8a477f597d28d172789f06886806bc55\n' >target/CACHEDIR.TAG
fi

# The scripts of the parts that choose an interpreter of their own are to choose the same one.
export PYTHON=$VENV/bin/python
for candidate in "${PHP_CONFIG:-}" php-config8.2 php-config; do
    if [ -n "$candidate" ] && PHP_CONFIG=$(command -v "$candidate"); then
        export PHP_CONFIG
        PHP=$("$PHP_CONFIG" --php-binary)
        break
    fi
done
unset candidate

say() { printf '%s\n' "$*"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Seconds since the epoch, for stage timings.
now() { date +%s; }

# quietly NAME COMMAND...: runs it with its output in target/logs/NAME.log. `set -e` is off within, as its status is
# asked for: a function that is run so joins its commands with && or || return.
quietly() {
    local name=$1
    shift
    mkdir -p "$LOGS"
    "$@" >"$LOGS/$name.log" 2>&1 </dev/null
}

# show_log NAME: the end of what a quiet command said.
show_log() {
    printf '%s\n' "--- the end of target/logs/$1.log ---" >&2
    tail -n 60 "$LOGS/$1.log" >&2
    printf '%s\n' "---" >&2
}

# step TEXT NAME COMMAND...: one short line per step, with the seconds it took.
step() {
    local text=$1 name=$2 begin
    shift
    begin=$(now)
    printf '%s ... ' "$text"
    if quietly "$@"; then
        printf '%ss\n' $(($(now) - begin))
    else
        printf 'failed\n'
        show_log "$name"
        die "$text failed; the whole output is in target/logs/$name.log"
    fi
}
