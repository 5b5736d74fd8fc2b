#!/usr/bin/env bash
# Makes one Debian package of staged files; scripts/deb.sh calls it for each.
#
#   packaging/debian/package.sh WORK PACKAGE CRATE TO
#
# WORK holds stage/, the installed files, and debian/, with control and changelog, where Debian's tools look for them.
# PACKAGE.install says which files the package has. CRATE is what its compiled files are made of.
set -euo pipefail
cd "$(dirname "$0")"

work=$1 name=$2 crate=$3 to=$4
root=$work/debian/$name
doc=$root/usr/share/doc/$name
top=$(realpath ../..)

# What is linked in, with the licence's text where it must go along.
crates() {
    local name licence folder
    cat <<'TEXT'
Crates whose code is in this package, and their licences. Of several the first in this list is chosen: Apache-2.0 (the
text is in /usr/share/common-licenses/Apache-2.0), Unlicense and 0BSD (no conditions). Other texts are below.

TEXT
    cargo tree -p "$crate" -e normal,no-proc-macro --prefix none --no-dedupe -f '{p} | {l}' | grep -v ' (/' | sort -u |
        tee "$work/crates"
    printf '\n%s\n' "Rust's standard library is under MIT OR Apache-2.0 as well."
    while IFS='|' read -r name licence; do
        [[ ! $licence =~ \ AND\  && "$licence " =~ \ (Apache-2.0|Unlicense|0BSD)\  ]] && continue
        name=${name// v/-}
        folder=$(grep -o "\"[^\"]*/${name% }/Cargo.toml\"" "$work/metadata" | head -n 1 | tr -d '"')
        printf '\n%s\n\n' "--- ${name% }"
        cat "${folder%/*}"/LICEN[CS]E*
    done <"$work/crates"
}

mkdir -p "$root/DEBIAN" "$doc"
while read -r pattern; do
    # shellcheck disable=SC2086  # a pattern
    (cd "$work/stage" && cp -a --parents $pattern "$root")
done <"$name.install"

cargo metadata --format-version 1 --locked >"$work/metadata"
crates >"$doc/crates"
year=$(sed -n 's/^Copyright (c) //p' "$top/LICENSE-MIT")
sed '1,/^Copyright/d' "$top/LICENSE-MIT" | sed -e '1{/^$/d}' -e 's/^$/./' -e 's/^/ /' >"$work/mit"
sed -e "s|@COPYRIGHT@|$year|" -e "/@MIT@/{r $work/mit" -e 'd}' copyright >"$doc/copyright"
install -m 644 "$top/CHANGELOG.md" "$doc/changelog"
install -m 644 "$work/debian/changelog" "$doc/changelog.Debian"
gzip -9n "$doc/changelog" "$doc/changelog.Debian"
[ ! -d "$root/usr/share/man" ] || find "$root/usr/share/man" -type f -exec gzip -9n {} +

compiled=(-type f '(' -path '*/usr/bin/*' -o -name '*.so.*' ')')
find "$root" "${compiled[@]}" -exec strip --strip-unneeded --remove-section=.comment {} +
find "$root" -name '*.a' -exec strip --strip-debug --enable-deterministic-archives --remove-section=.comment {} +
chmod -R u=rwX,go=rX "$root"
find "$root" -name '*.so.*' -exec chmod 644 {} +

for script in postinst prerm postrm; do
    [ ! -e "$name.$script" ] || install -m 755 "$name.$script" "$root/DEBIAN/$script"
done
if [ -d "$root/etc" ]; then
    (cd "$root" && find etc -type f -printf '/%p\n') >"$root/DEBIAN/conffiles"
fi
substvars=$work/debian/$name.substvars
echo 'misc:Depends=' >"$substvars"
mapfile -t files < <(find "$root" "${compiled[@]}")
if [ ${#files[@]} -gt 0 ]; then
    (cd "$work" && dpkg-shlibdeps -T"$substvars" "${files[@]}")
fi
case $name in
    lib*[0-9])
        echo "libnearcache ${name#libnearcache} $name" >"$root/DEBIAN/shlibs"
        echo "activate-noawait ldconfig" >"$root/DEBIAN/triggers"
        ;;
esac
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | LC_ALL=C sort | xargs md5sum) >"$work/sums"
install -m 644 "$work/sums" "$root/DEBIAN/md5sums"
(cd "$work" && dpkg-gencontrol -p"$name" -P"$root" -T"$substvars" -fdebian/files)
dpkg-deb --root-owner-group --build "$root" "$to"
