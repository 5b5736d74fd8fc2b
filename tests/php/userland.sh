#!/bin/sh
# Tests of the composer package bindings/php/userland, with an extension that is built: the syntax and the style of its
# files, the public suites of PSR-6 and PSR-16, Symfony's cache and Laravel's on it, and that composer installs it.
#
# Usage: tests/php/userland.sh PHP EXTENSION OUT. For other versions of these libraries see userland/bootstrap.php.
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
PHP=$1
extension=$2
out=$3
package=bindings/php/userland
failed=0

check() { # check NAME COMMAND...
    name=$1
    shift
    if "$@" >"$out/userland.log" 2>&1; then echo "ok      $name"; else
        echo "FAILED  $name"
        sed 's/^/        /' "$out/userland.log"
        failed=1
    fi
}

# Not what this machine's php.ini loads, for \Memcached is to be ours: only what PHPUnit and the libraries need.
modules=
for module in ctype dom iconv mbstring phar posix tokenizer xml xmlwriter simplexml; do
    "$PHP" -n -r "exit(extension_loaded('$module') ? 0 : 1);" || modules="$modules -d extension=$module"
done
# shellcheck disable=SC2086  # the modules are words
php() { "$PHP" -n $modules -d "extension=$extension" -d nearcache.memcached_alias=1 -d zend.assertions=1 -d error_reporting=-1 "$@"; }

lint() {
    find "$package" tests/php/userland -name '*.php' | while read -r file; do
        "$PHP" -n -l "$file" || echo "$file"
    done | grep -v '^No syntax errors' | tee /dev/stderr | wc -l | grep -qx 0
}
check "the syntax of the adapters" lint

check "PSR-12" php "$(command -v phpcs)" --standard=tests/php/userland/style.xml -q --report=emacs "$package" tests/php/userland

check "PSR-6, PSR-16, Symfony, Laravel" php "$(command -v phpunit)" --no-configuration --do-not-cache-result --colors=never \
    --bootstrap tests/php/userland/bootstrap.php tests/php/userland
grep -a '^OK\|^Tests:' "$out/userland.log" | sed 's/^/        /'

# An application that has nothing but the package: of its two dependencies it says that it brings them, for there may
# be no registry to fetch them from.
installed() {
    app=$out/composer
    rm -rf "$app" && mkdir -p "$app" || return 1
    printf '{"name": "test/app", "repositories": [{"type": "path", "url": "%s", "options": {"symlink": false}},
        {"packagist": false}], "require": {"nearcache/nearcache": "*"},
        "replace": {"psr/cache": "3.0.0", "psr/simple-cache": "3.0.0"}, "minimum-stability": "dev"}' \
        "$root/$package" >"$app/composer.json"
    export COMPOSER_HOME="$app/home" COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_DISABLE_NETWORK=1
    php "$(command -v composer)" validate --strict --no-interaction "$package/composer.json" &&
        php "$(command -v composer)" install --no-interaction --no-progress --working-dir="$app" &&
        php -r 'require "/usr/share/php/Psr/SimpleCache/autoload.php"; require $argv[1];
            $cache = new NearCache\Adapter\SimpleCache(new NearCache\Cache("4M"));
            $cache->set("key", "value");
            exit($cache->get("key") === "value" ? 0 : 1);' "$app/vendor/autoload.php"
}
check "composer installs the package" installed

exit $failed
