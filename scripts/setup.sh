#!/usr/bin/env bash
# Installs what a target needs on Debian 12 with Rust and Python, and nothing that is there already.
# Usage: scripts/setup.sh PART...   parts: build c php adapters php-source python memcached bench redis checks deb packaging
# Says nothing when everything is there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

packages_of() {
    case $1 in
        build) echo gcc libc6-dev make pkg-config ;;
        c) echo g++ libsqlite3-dev ;;
        php) echo php8.2-apcu php8.2-cli php8.2-dev php8.2-igbinary php8.2-memcached php8.2-msgpack php8.2-sqlite3 libclang-dev ;;
        python) python_packages ;;
        memcached) echo memcached libmemcached-tools libsasl2-modules ;; # memccapable; SASL PLAIN for clients
        bench) echo php8.2-apcu util-linux iproute2 ;; # what the extension is measured against; taskset, a network of its own
        redis) echo redis-tools ;; # the server too, under another name, and without the service of redis-server
        checks) echo valgrind procps nutcracker chromium openssl ;; # what only the tests need
        deb) echo dpkg-dev ;;
        packaging) echo bash-completion fish man-db perl-base procps systemd systemd-container zsh ;; # to test the packages
        adapters) # the libraries that bindings/php/userland adapts to, the public suites, and what runs them
            echo composer php-cache-integration-tests php-codesniffer php-illuminate-cache php-illuminate-config \
                php-illuminate-container php-psr-cache php-psr-simple-cache php-symfony-cache phpunit ;;
        php-source) echo zlib1g-dev ;; # to build PHP itself, beside the parts build and php
        *) die "scripts/setup.sh: there is no part '$1'; the parts are: build c php adapters php-source python memcached bench redis checks deb packaging" ;;
    esac
}

# Those of the packages named that are not installed.
not_installed() {
    comm -23 <(printf '%s\n' "$@" | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u)
}

# The interpreter the virtual environment is made from: the first of 3.11 or newer.
find_python() {
    local candidate
    for candidate in python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# What the interpreter lacks: Debian splits venv off it, others carry it.
python_packages() {
    local python
    if ! python=$(find_python); then
        echo python3 python3-venv
    elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo python3-venv
    fi
}

# apt-get as root, or through sudo where that asks nothing.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

need_root() {
    [ "$(id -u)" = 0 ] && return
    sudo -n true 2>/dev/null && return
    die "these Debian packages are missing: $*. Run as root or with sudo that asks no password, or install them first: apt-get install $*"
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# The package lists are fetched only when the first try fails without them.
apt_install_or_update() {
    apt_install "$@" && return
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    apt_install "$@"
}

install_packages() {
    local part packages=() missing
    for part in "$@"; do
        # shellcheck disable=SC2207  # the names are words
        packages+=($(packages_of "$part"))
    done
    [ ${#packages[@]} -gt 0 ] || return 0
    mapfile -t missing < <(not_installed "${packages[@]}")
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null ||
        die "this system has no apt-get; install by hand what these Debian packages hold: ${missing[*]}"
    need_root "${missing[@]}"
    step "installing ${missing[*]}" setup-apt apt_install_or_update "${missing[@]}"
}

check_rust() {
    command -v cargo >/dev/null || die "cargo is missing: install Rust 1.95 or newer from https://rustup.rs"
    local have
    have=$(rustc --version | awk '{print $2}')
    [ "$(printf '1.95.0\n%s\n' "${have%%-*}" | sort -V | head -n 1)" = 1.95.0 ] ||
        die "rustc is $have and the workspace needs 1.95 or newer: run 'rustup update'"
    local tool
    for tool in fmt clippy; do
        cargo "$tool" --version >/dev/null 2>&1 && continue
        command -v rustup >/dev/null || die "cargo $tool is missing: install the rustfmt and clippy components"
        step "adding rustfmt and clippy" setup-rustup rustup component add rustfmt clippy
    done
}

# Each part that needs Python packages pins them in a file of its own; one environment holds them all.
requirement_files() {
    local file
    for file in tests/python/requirements.txt tests/clients/requirements.txt tests/http/requirements.txt; do
        [ ! -e "$file" ] || echo "$file"
    done
}

make_venv() {
    local wanted stamp=$VENV/.requirements python files
    mapfile -t files < <(requirement_files)
    wanted=$(cat /dev/null "${files[@]}")
    [ "$wanted" = "$(cat "$stamp" 2>/dev/null)" ] && "$VENV/bin/python" -c '' 2>/dev/null && return
    python=$(find_python) || die "Python 3.11 or newer is missing: apt-get install python3 python3-venv"
    step "making the Python environment .venv" setup-venv fill_venv "$python" "${files[@]}"
    printf '%s\n' "$wanted" >"$stamp"
}

fill_venv() {
    "$VENV/bin/python" -c 'import pip' 2>/dev/null || "$1" -m venv --clear "$VENV" || return
    shift
    [ $# -gt 0 ] || return 0
    # shellcheck disable=SC2046  # one -r for each file
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check $(printf -- '-r %s ' "$@")
}

for part in "$@"; do
    packages_of "$part" >/dev/null
done
install_packages "$@"
for part in "$@"; do
    case $part in
        build) check_rust ;;
        python) make_venv ;;
    esac
done
