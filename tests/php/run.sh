#!/bin/sh
# Builds the PHP extension (release) into target/php/nearcache.so and tests it: it loads, the .phpt tests pass, it answers
# as php-memcached and APCu do and shares values with the former, its store works through a daemon, nothing leaks. Ends
# with "N passed, M failed"; exits non-zero on any failure.
#
# PHP_CONFIG chooses the PHP (default: php-config8.2, else php-config), NEARCACHE_PHP_OUT the folder in place of target/php.
# NEARCACHE_SKIP_VALGRIND=1 leaves the leak check out.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
out=${NEARCACHE_PHP_OUT:-$root/target/php}
passed=0
failed=0

pass() { passed=$((passed + 1)); echo "ok      $1"; }
fail() { failed=$((failed + 1)); echo "FAILED  $1"; }
check() { # check NAME COMMAND...: counts the command's exit
    name=$1
    shift
    if "$@" >"$out/log" 2>&1; then pass "$name"; else fail "$name"; sed 's/^/        /' "$out/log"; fi
}
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# ext-php-rs wants an absolute PHP_CONFIG, and the php beside it.
for candidate in "${PHP_CONFIG:-}" php-config8.2 php-config; do
    [ -n "$candidate" ] && config=$(command -v "$candidate") && break
    config=
done
if [ -z "$config" ]; then
    echo "no php-config found: install PHP's development files (Debian: php8.2-dev), or set PHP_CONFIG" >&2
    fail "find php-config"
    finish
fi
PHP_CONFIG=$(cd "$(dirname "$config")" && pwd)/$(basename "$config")
PHP=$("$PHP_CONFIG" --php-binary)
export PHP_CONFIG PHP

mkdir -p "$out"
if ! cargo build --release --quiet -p nearcache-php; then
    fail "build"
    finish
fi
target=${CARGO_TARGET_DIR:-$root/target}
extension=$out/nearcache.so
# A new file in place of the old one: whoever has the old one mapped keeps it.
if ! cmp -s "$target/release/libnearcache_php.so" "$extension"; then
    cp "$target/release/libnearcache_php.so" "$extension.new" && mv "$extension.new" "$extension"
fi
php() { "$PHP" -n -d "extension=$extension" "$@"; }

check "php -r loads it" php -r 'exit(class_exists("NearCache\Cache") && phpversion("nearcache") === "0.1.0" ? 0 : 1);'
check "php --ri nearcache" php --ri nearcache

# The .phpt tests, in a copy, for run-tests.php leaves its files beside them.
runner=
for build in "$("$PHP_CONFIG" --extension-dir)/build" "$("$PHP_CONFIG" --prefix)/lib/php/build"; do
    [ -f "$build/run-tests.php" ] && runner=$build/run-tests.php && break
done
if [ -n "$runner" ]; then
    rm -rf "$out/tests"
    cp -R bindings/php/tests "$out/tests"
    cp bindings/php/nearcache.stub.php bindings/php/nearcache_store.stub.php "$out"
    TEST_PHP_EXECUTABLE=$PHP NO_INTERACTION=1 "$PHP" -n "$runner" -n -q --offline --no-color -g FAIL,XFAIL,BORK,WARN,LEAK \
        -d "extension=$extension" --show-diff -W "$out/results" "$out/tests" >"$out/log" 2>&1
    while read -r status name; do
        name=bindings/php/tests/$(basename "$name")
        case $status in
        PASSED) pass "$name" ;;
        SKIPPED) echo "skipped $name" ;;
        *) fail "$name ($status)" ;;
        esac
    done <"$out/results"
    [ -s "$out/results" ] || fail "run-tests.php ran nothing"
    grep -q '^\(FAILED\|BORKED\|WARNED\|LEAKED\)' "$out/results" && cat "$out/log"
else
    fail "run-tests.php not found: install PHP's development files (Debian: php8.2-dev)"
fi

# The driver: a conversation through it.
check "driver.php" sh -c 'printf "set a 5 0 1\r\nx\r\nget a b\r\nadvance 1\r\nincr n 1\r\nnonsense\r\n" |
    "$PHP" -n -d "extension=$1" tests/drivers/driver.php | cmp - tests/php/driver.expected' sh "$extension"

# The same calls on \Memcached and on NearCache\Cache, if php-memcached and memcached are here.
if "$PHP" -r 'exit(extension_loaded("memcached") ? 0 : 1);' 2>/dev/null && command -v memcached >/dev/null; then
    check "agrees with php-memcached" "$PHP" -d "extension=$extension" tests/php/differential.php
else
    echo "skipped agrees with php-memcached (php-memcached or memcached is missing)"
fi

# The same calls on APCu and on the functions that stand in for it.
if "$PHP" -n -d extension=apcu -r 'exit(extension_loaded("apcu") ? 0 : 1);' >/dev/null 2>&1; then
    check "agrees with APCu" "$PHP" -n tests/php/apcu.php "$extension"
else
    echo "skipped agrees with APCu (php-apcu is missing)"
fi

# Both on one shared cache, php-memcached through nearcached: what either writes the other reads.
if "$PHP" -r 'foreach (["memcached", "igbinary", "msgpack"] as $name) { extension_loaded($name) || exit(1); }' 2>/dev/null; then
    check "build nearcached" cargo build --release --quiet -p nearcached
    check "shares values with php-memcached" "$PHP" -d "extension=$extension" tests/php/interop.php "$target/release/nearcached"
    check "shares sessions with php-memcached" "$PHP" -n tests/php/sessions.php "$extension" "$target/release/nearcached"
else
    echo "skipped shares values with php-memcached (php-memcached, igbinary or msgpack is missing)"
fi

# What needs no PHP.
check "FastLZ's streams" cargo test --release --quiet -p nearcache-php --test fastlz

# Request after request in PHP-FPM, if it is here.
version=$("$PHP" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
fpm=
sbin=$("$PHP_CONFIG" --prefix)/sbin
for candidate in "$sbin/php-fpm$version" "$sbin/php-fpm" "php-fpm$version"; do
    fpm=$(command -v "$candidate") && break
done
if [ -n "$fpm" ]; then
    check "php-fpm" "$PHP" -n tests/php/fpm.php "$fpm" "$extension"
else
    echo "skipped php-fpm (php-fpm$version is missing)"
fi

# The store and its queues behind the daemon's socket, from the command line and from PHP-FPM.
if "$PHP" -r 'exit(extension_loaded("posix") && extension_loaded("pcntl") ? 0 : 1);'; then
    check "build nearcached" cargo build --release --quiet -p nearcached
    check "store and queues through nearcached" "$PHP" -d "extension=$extension" tests/php/store_daemon.php \
        "$target/release/nearcached" "$extension" ${fpm:+"$fpm"}
else
    echo "skipped store and queues through nearcached (posix or pcntl is missing)"
fi

# Request after request in several threads, if this PHP has them and a library of it (scripts/php_zts.sh builds one).
library=$("$PHP_CONFIG" --prefix)/lib/libphp.so
if [ -f "$library" ] && "$PHP" -n -r 'exit(PHP_ZTS ? 0 : 1);'; then
    printf 'extension=%s\nnearcache.memory_size=32M\nerror_reporting=-1\ndisplay_errors=1\n' "$extension" >"$out/threads.ini"
    # shellcheck disable=SC2046  # the flags are words
    check "threads.c builds" cc -O1 -g -D_GNU_SOURCE $("$PHP_CONFIG" --includes) -I"$("$PHP_CONFIG" --include-dir)" -o "$out/threads" \
        tests/php/threads.c "$library" -Wl,-rpath,"$(dirname "$library")" -lpthread
    check "8 threads, 100 requests each" "$out/threads" "$out/threads.ini" "$root/tests/php/threads.php" 8 100
else
    echo "skipped threads (this PHP has none, or no libphp.so)"
fi

# Built, installed and loaded as phpize and PIE do it.
if command -v autoconf >/dev/null; then
    check "phpize, configure, make, make install" tests/php/phpize.sh "$out"
else
    echo "skipped phpize (autoconf is missing)"
fi

# The composer package on it, if this PHP can run PHPUnit.
if "$PHP" -r 'exit(extension_loaded("dom") && extension_loaded("mbstring") ? 0 : 1);' && command -v phpunit >/dev/null; then
    tests/php/userland.sh "$PHP" "$extension" "$out" >"$out/adapters"
    while read -r status name; do
        case $status in
        ok) pass "$name" ;;
        FAILED) fail "$name" ;;
        *) echo "        $status $name" ;;
        esac
    done <"$out/adapters"
    [ -s "$out/adapters" ] || fail "the adapters' tests ran nothing"
else
    echo "skipped the adapters (this PHP has no mbstring or dom, or phpunit is missing)"
fi

# Leaks: the bytes lost may not grow with the number of rounds.
if [ -z "${NEARCACHE_SKIP_VALGRIND:-}" ] && command -v valgrind >/dev/null; then
    lost() { # lost SCRIPT ROUNDS OPTION...: bytes definitely and indirectly lost, and errors
        script=$1
        rounds=$2
        shift 2
        USE_ZEND_ALLOC=0 ZEND_DONT_UNLOAD_MODULES=1 valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect \
            --error-exitcode=0 --log-file="$out/valgrind.$rounds" "$PHP" -n -d "extension=$extension" "$@" "tests/php/$script" "$rounds" \
            >"$out/log" 2>&1 || return 1
        awk '/definitely lost/ { gsub(",", "", $2); sum += $2 } END { print sum + 0 }' "$out/valgrind.$rounds"
        grep -c 'Invalid \(read\|write\)\|uninitialised' "$out/valgrind.$rounds"
    }
    check_lost() { # check_lost SCRIPT ROUNDS OPTION...: as many bytes after 2 rounds as after more
        script=$1
        rounds=$2
        shift 2
        few=$(lost "$script" 2 "$@")
        many=$(lost "$script" "$rounds" "$@")
        if [ -n "$few" ] && [ "$few" = "$many" ] && [ "${few##*[!0-9]}" = 0 ]; then
            pass "valgrind: $script: nothing lost per round, no invalid access"
        else
            fail "valgrind: $script: lost after 2 rounds: $(echo $few), after $rounds: $(echo $many) (bytes, invalid accesses)"
            tail -n 40 "$out/valgrind.$rounds"
        fi
    }
    check_lost leak.php 10
    check_lost leak_store.php 4
    check_lost leak_settings.php 6 -d nearcache.enable_cli=1 -d nearcache.memory_size=8M -d nearcache.apcu_compat=1 -d nearcache.memcached_alias=1 \
        -d session.save_handler=nearcache -d session.save_path= -d session.use_cookies=0 -d session.use_only_cookies=0 -d session.cache_limiter=
else
    echo "skipped valgrind"
fi
finish
