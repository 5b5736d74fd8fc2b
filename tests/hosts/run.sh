#!/usr/bin/env bash
# Real hosts on shared caches: PHP-FPM and gunicorn whose workers are killed under load, multiprocessing, and Python beside
# PHP. Installs what is missing (Debian: php-fpm; gunicorn into .venv), builds the module and the extension, and runs the
# tests; arguments go to pytest. NEARCACHE_SEED replays a load.
set -euo pipefail
. "$(dirname "$0")/../../scripts/lib.sh"

scripts/setup.sh build php python

# php-fpm of the PHP that the extension is built for.
find_fpm() {
    local version candidate
    version=$("$PHP" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
    for candidate in "php-fpm$version" "/usr/sbin/php-fpm$version" "$("$PHP_CONFIG" --prefix)/sbin/php-fpm"; do
        command -v "$candidate" && return
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Without its init script's start: the tests run servers of their own.
install_fpm() {
    local package
    package=php$("$PHP" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')-fpm
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "$package" && return
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "$package"
}

# PHP may have been installed by the line above, after lib.sh looked for it.
if [ -z "${PHP:-}" ]; then
    PHP_CONFIG=$(command -v php-config8.2 || command -v php-config) || die "no php-config: install php8.2-dev"
    export PHP_CONFIG
    PHP=$("$PHP_CONFIG" --php-binary)
fi
if ! FPM=$(find_fpm); then
    step "installing php-fpm" hosts-apt install_fpm
    FPM=$(find_fpm) || die "php-fpm is missing: apt-get install php8.2-fpm"
fi

# Its own script knows how to build the module, and when that is needed; pytest then only names itself.
build_python() {
    tests/python/run.sh --version
}

build_php() {
    local built=${CARGO_TARGET_DIR:-$ROOT/target}/release/libnearcache_php.so
    cargo build --release -p nearcache-php || return
    mkdir -p target/php
    # A new file in place of the old one: whoever has the old one mapped keeps it.
    cmp -s "$built" target/php/nearcache.so ||
        { cp "$built" target/php/nearcache.so.new && mv target/php/nearcache.so.new target/php/nearcache.so; }
}

install_gunicorn() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/hosts/requirements.txt
}

step "building the Python module" hosts-python build_python
step "building the PHP extension" hosts-php build_php
wanted=$(sed -n 's/^gunicorn==//p' tests/hosts/requirements.txt)
if ! "$VENV/bin/python" -c "import gunicorn, sys; sys.exit(gunicorn.__version__ != '$wanted')" 2>/dev/null; then
    step "installing gunicorn" hosts-pip install_gunicorn
fi

# From within the environment: mypy leaves its cache where it is started.
check_types() {
    (cd "$VENV" && MYPYPATH="$ROOT/tests/hosts" bin/python -m mypy --strict "$ROOT"/tests/hosts/*.py)
}
step "checking the tests' types" hosts-types check_types

export NEARCACHE_FPM=$FPM NEARCACHE_PHP=$PHP NEARCACHE_EXTENSION=$ROOT/target/php/nearcache.so
exec "$VENV/bin/python" -m pytest -c tests/python/pytest.ini --rootdir tests/hosts -p no:cacheprovider -s tests/hosts "$@"
