#!/usr/bin/env bash
# Builds the Debian packages and tests what is in them: the pages and completions where they lie, the rest installed on a
# machine that is thrown away. The last line is "N passed, M failed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/packaging/check.sh
here=tests/packaging
built=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$built/packaging

scripts/deb.sh
rm -rf "$work"
mkdir -p "$work/test"
for package in "$built"/deb/*.deb; do
    dpkg-deb --extract "$package" "$work/unpacked"
done
cp "$built"/deb/*.deb $here/check.sh $here/installed.sh $here/example.c "$work/test"
share=$work/unpacked/usr/share
export PATH=$work/unpacked/usr/bin:$PATH

# page NAME: it renders, and nothing in it is strange to the renderer.
page() {
    local told
    told=$(MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings=w -l "$share/man/man1/$1.1.gz" 2>&1 >"$work/$1.txt")
    expect "" echo "$told" || return
    for section in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT FILES 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
        grep -qx "$section" "$work/$1.txt" || { echo "there is no $section"; return 1; }
    done
}

# Each name in the program's own help.
page_has_options() {
    local name
    nearcached -h | grep -oE '^ *-[^ ]+( --[^ =]+)?' | tr ',' '\n' | tr -d ' ' | grep -oE -- '-[^=]+' >"$work/names"
    [ "$(wc -l <"$work/names")" -gt 40 ] || { cat "$work/names"; return 1; }
    while read -r name; do
        grep -qE -- "^ +(-., )?$name(,|=| |\$)" "$work/nearcached.txt" || { echo "no $name"; return 1; }
    done <"$work/names"
}

# The commands of the program, or of a group of them.
commands_of() {
    nearcache help "$@" | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v help | sed "s/^/$* /; s/^ //"
}

page_has_commands() {
    local name
    { commands_of; commands_of store; commands_of queue; } >"$work/names"
    [ "$(wc -l <"$work/names")" -ge 37 ] || { cat "$work/names"; return 1; }
    while read -r name; do
        grep -qE "^ +$name( |\$)" "$work/nearcache.txt" || { echo "no $name"; return 1; }
    done <"$work/names"
}

# in_bash WORD...: what bash offers for the last of the words; the file is found by bash-completion, by the name.
in_bash() {
    XDG_DATA_HOME=$share bash --norc -c '
        . /usr/share/bash-completion/bash_completion
        _completion_loader "$1"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE=$* COMP_POINT=${#COMP_LINE}
        "$(complete -p "$1" | sed "s/.* -F \([^ ]*\) .*/\1/")" "$1" "${@: -1}" "${@: -2:1}"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

in_fish() {
    fish --no-config -c "source $share/fish/vendor_completions.d/$1.fish; complete -C '$*'" | cut -f 1
}

# zsh offers only at a terminal; here it says whether it takes the functions, and what is in them for the word.
in_zsh() {
    zsh -f -c "fpath=($share/zsh/vendor-completions \$fpath); autoload -Uz compinit && compinit -u -d $work/zcompdump &&
        print -l \$_comps[$1] && autoload +X _$1 && functions _$1"
}

completes_in() {
    local shell=$1
    expect --max-item-size "in_$shell" nearcached --max &&
        expect --memory-limit "in_$shell" nearcached --mem && expect --memory-file "in_$shell" nearcached --mem &&
        expect stat "in_$shell" nearcache st && expect --iterations "in_$shell" nearcache top --it &&
        expect s3fifo "in_$shell" nearcache create --policy '' &&
        expect verify "in_$shell" nearcache store ver && expect --delay "in_$shell" nearcache queue push --de
}

zsh_takes() {
    expect _nearcached in_zsh nearcached && expect _nearcache in_zsh nearcache &&
        expect '.*--max-item-size=.*' in_zsh nearcached && expect '.*--iterations=.*' in_zsh nearcache
}

for name in nearcached nearcache; do
    step "the page of $name renders without a warning" page $name
done
step "the page of nearcached has every option" page_has_options
step "the page of nearcache has every command" page_has_commands
step "completions in bash" completes_in bash
step "completions in fish" completes_in fish
step "completions in zsh" zsh_takes
ended=0
$here/machine.sh "$work/test" installed.sh >"$work/installed" 2>&1 || ended=$?
grep -vxE "[0-9]+ passed, [0-9]+ failed" "$work/installed" || true
count() { grep -c "^$1 " "$work/installed" || true; }
passed=$((passed + $(count ok)))
failed=$((failed + $(count FAILED)))
step "the machine that they were installed on came to its end" test $ended -le 1 -a "$(count ok)" -gt 0
finish
