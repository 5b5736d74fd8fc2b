#!/bin/sh
# Builds the extension as PIE does and as every extension is built, from a copy of its folder, installs it under another
# root and loads it from there. Usage: tests/php/phpize.sh OUT, with PHP_CONFIG and PHP in the environment.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$1/phpize
prefix=$("$PHP_CONFIG" --prefix)
version=$("$PHP" -n -r 'echo PHP_MAJOR_VERSION, ".", PHP_MINOR_VERSION;')
for phpize in "$prefix/bin/phpize$version" "$prefix/bin/phpize"; do
    [ ! -x "$phpize" ] || break
done

# What PIE reads leads to what it builds.
"$PHP" -n -r '$ext = json_decode(file_get_contents("$argv[1]/composer.json"), true)["php-ext"];
    exit(is_file("$argv[1]/{$ext["build-path"]}/config.m4") && $ext["extension-name"] === "nearcache" ? 0 : 1);' -- "$root"

rm -rf "$work"
mkdir -p "$work"
cp -R "$root/bindings/php" "$work/copy"
cd "$work/copy"
"$phpize"

# A copy without the repository says what it lacks.
if ./configure --with-php-config="$PHP_CONFIG" >"$work/log" 2>&1; then
    echo "configure went on without the engine's source"
    exit 1
fi
grep -F -- '--with-nearcache-source=DIR' "$work/log"

# Out of its own tree, with what cargo has built already for this PHP.
mkdir "$work/build"
cd "$work/build"
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export CARGO_TARGET_DIR
../copy/configure --with-php-config="$PHP_CONFIG" --enable-nearcache --with-nearcache-source="$root"
make
make install INSTALL_ROOT="$work/installed"
installed=$work/installed$("$PHP_CONFIG" --extension-dir)/nearcache.so
[ -f "$installed" ]
[ "$(find "$work/installed" -type f | wc -l)" = 1 ]
"$PHP" -n -d "extension=$installed" \
    -r '$cache = new NearCache\Cache("4M"); exit($cache->set("k", "v") && $cache->get("k") === "v" ? 0 : 1);'

# phpize's own way to run the tests finds the module, too.
NO_INTERACTION=1 make test TESTS="-q $root/bindings/php/tests/basic.phpt" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
grep '^Tests passed *: *1 ' "$work/log"
