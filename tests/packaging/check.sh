# What the scripts of this folder share: a step is quiet while it passes, and `finish` counts them.
# Sourced, never run; expects bash.
# shellcheck shell=bash

passed=0
failed=0

# step NAME COMMAND...
step() {
    local name=$1 told
    shift
    if told=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        printf '%s\n' "$told" | tail -n 25 | sed 's/^/        /'
    fi
}

# expect PATTERN COMMAND...: its output, with one line in it that the pattern matches whole.
expect() {
    local pattern=$1 told
    shift
    told=$("$@" 2>&1) || { printf '%s\n' "$* failed:" "$told"; return 1; }
    printf '%s\n' "$told" | tr -d '\r' | grep -qxE -- "$pattern" && return
    printf '%s\n' "$*: no line is $pattern:" "$told"
    return 1
}

# refuse COMMAND...: it fails.
refuse() {
    ! "$@" || { echo "$* was let through"; return 1; }
}

# until_true COMMAND...: within ten seconds.
until_true() {
    local end=$((SECONDS + 10))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "not within ten seconds: $*"; "$@"; return 1; }
        sleep 0.05
    done
}

finish() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
}
