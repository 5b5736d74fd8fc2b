#!/usr/bin/env bash
# Tests the PHP extension in PHPs that Debian does not ship: one with threads (ZTS), and debug builds, whose engine checks
# each call against its declaration and reports every block of a request's memory that was not freed.
#
# PHP's source comes from Debian's source package, fetched from the mirror that this machine uses without a change to its
# settings, and is built once into target/php-zts; SOURCE=php-x.y.z.tar.xz takes a tarball instead. Then tests/php/run.sh
# goes through each build. Usage: scripts/php_zts.sh [zts|debug|zts-debug]...   (default: all three)
set -euo pipefail
. "$(dirname "$0")/lib.sh"

PACKAGE=php8.2
CACHE=$ROOT/target/php-zts
# What the .phpt tests and PHP-FPM need, and nothing else.
PARTS=(--disable-all --disable-cgi --disable-phpdbg --enable-fpm --enable-ctype --enable-pcntl --enable-posix
    --enable-session --enable-tokenizer --with-zlib)

flags_of() {
    case $1 in
        zts) echo --enable-zts --enable-embed ;;
        debug) echo --enable-debug ;;
        zts-debug) echo --enable-zts --enable-embed --enable-debug ;;
        *) die "scripts/php_zts.sh: there is no variant '$1'; the variants are: zts debug zts-debug" ;;
    esac
}

# The tarball in Debian's source package: the newest version of it that the mirror still has.
fetch() (
    apt=$CACHE/apt
    mkdir -p "$apt/lists/partial" "$apt/cache"
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u >"$apt/sources.list"
    options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
    cd "$CACHE"
    apt-get "${options[@]}" update || exit
    for version in $(apt-cache "${options[@]}" showsrc $PACKAGE | sed -n 's/^Version: //p' | sort -rVu); do
        apt-get "${options[@]}" source --download-only "$PACKAGE=$version" && exit
    done
    exit 1
)

unpack() {
    rm -rf "$CACHE/source.new"
    mkdir -p "$CACHE/source.new" &&
        tar -xf "$1" -C "$CACHE/source.new" --strip-components=1 &&
        mv "$CACHE/source.new" "$CACHE/source"
}

# build VARIANT: into target/php-zts/VARIANT. For tests, so built quickly rather than fast.
build() (
    home=$CACHE/$1
    rm -rf "$home/build"
    mkdir -p "$home/build" && cd "$home/build" || exit
    # shellcheck disable=SC2046  # the flags are words
    nice -n 19 "$CACHE/source/configure" --quiet CFLAGS="-g -O1" --prefix="$home" "${PARTS[@]}" $(flags_of "$1") &&
        nice -n 19 make -j"$(nproc)" &&
        make install-sapi install-cli install-fpm install-build install-headers install-programs &&
        rm -rf "$home/build"
)

variants=("$@")
[ ${#variants[@]} -gt 0 ] || variants=(zts debug zts-debug)
for variant in "${variants[@]}"; do
    flags_of "$variant" >/dev/null
done

mkdir -p "$CACHE"
if [ ! -d "$CACHE/source" ]; then
    if [ -z "${SOURCE:-}" ]; then
        step "fetching PHP's source" php-zts-fetch fetch
        SOURCE=$(find "$CACHE" -maxdepth 1 -name "${PACKAGE}_*.orig.tar.*z" | sort -V | tail -n 1)
    fi
    step "unpacking it" php-zts-unpack unpack "$SOURCE"
fi
failed=()
for variant in "${variants[@]}"; do
    [ -x "$CACHE/$variant/bin/php-config" ] || step "building PHP ($variant)" "php-zts-$variant" build "$variant"
    say "$variant:"
    # What cargo builds for one PHP is of no use to another.
    env PHP_CONFIG="$CACHE/$variant/bin/php-config" PHP="$CACHE/$variant/bin/php" CARGO_TARGET_DIR="$CACHE/$variant/cargo" \
        NEARCACHE_PHP_OUT="$ROOT/target/php-$variant" tests/php/run.sh || failed+=("$variant")
done
[ ${#failed[@]} -eq 0 ] || die "failed in: ${failed[*]}"
