#!/bin/sh
# Installs what surrounds the programs: manual pages, shell completions, systemd units and the service's user.
#
#   packaging/install.sh PREFIX [DESTDIR]
#
# PREFIX is where the programs are, DESTDIR a staging folder put before it. ZSHDIR overrides the folder of zsh's
# functions, which distributions put elsewhere.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    echo "usage: $0 PREFIX [DESTDIR]" >&2
    exit 2
fi
case $1 in
/*) ;;
*) echo "$0: PREFIX is '$1': it must be an absolute path" >&2; exit 2 ;;
esac

prefix=$1
to=${2:-}$prefix
share=$to/share
zsh=${2:-}${ZSHDIR:-$prefix/share/zsh/site-functions}
here=$(cd "$(dirname "$0")" && pwd)
built=${CARGO_TARGET_DIR:-$here/../target}
pages=$built/pages

(cd "$here/.." && cargo build --release --quiet -p nearcache-packaging)
rm -rf "$pages"
"$built/release/nearcache-pages" "$pages"

install -D -m 644 -t "$share/man/man1" "$pages"/man1/*
install -D -m 644 -t "$share/bash-completion/completions" "$pages"/bash/*
install -D -m 644 -t "$share/fish/vendor_completions.d" "$pages"/fish/*
install -D -m 644 -t "$zsh" "$pages"/zsh/*
install -D -m 644 "$here/systemd/sysusers.conf" "$to/lib/sysusers.d/nearcached.conf"

# unit NAME SUFFIX TEXT: a unit of the one source; in the template each instance has its own.
unit() {
    install -d "$to/lib/systemd/system"
    sed -e '1,/^$/d' -e "s|@bindir@|$prefix/bin|; s|@instance@|$2|; s|@of-instance@|$3|" \
        "$here/systemd/nearcached.service.in" >"$to/lib/systemd/system/$1"
}
unit nearcached.service '' ''
unit nearcached@.service '-%i' ' (%i)'
