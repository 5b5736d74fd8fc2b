#!/bin/bash
# Builds the C library, the driver and all C and C++ tests into target/c/, and runs them: plain, under address and
# undefined-behaviour sanitizers, under valgrind, and linked statically. The last line is "N passed, M failed".
#
#   tests/c/run.sh [WORD]     only the steps whose name contains WORD (what they need is built all the same)
#
# The driver is left at target/c/driver. CC and CXX choose the compilers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${CARGO_TARGET_DIR:-$root/target}/c
prefix=$work/prefix
only=${1:-}
CC=${CC:-gcc}
CXX=${CXX:-g++}
warnings="-Wall -Wextra -pedantic -Werror"
tests=$(cd "$here" && ls test_*.c | sed 's/\.c$//')
passed=0
failed=0

# step NAME COMMAND...: quiet while it passes.
step() {
    local name=$1 log
    shift
    case $name in *"$only"*) ;; *) return ;; esac
    log=$work/log/$(echo "$name" | tr ' /' '__')
    "$@" >"$log" 2>&1
    local status=$?
    if [ $status -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name (exit $status)"
        tail -n 25 "$log" | sed 's/^/        /'
    fi
}

give_up() {
    echo "$1"
    echo "$passed passed, $((failed + 1)) failed"
    exit 1
}

# The pkg-config file is the way a user finds the library, so the tests find it that way too.
flags() {
    PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" nearcache
}

# build OUTPUT SOURCE FLAGS...: C or C++ by the source's name, against the installed shared library.
build() {
    local output=$1 source=$2
    shift 2
    local common="$warnings -g -O1 -pthread -D_POSIX_C_SOURCE=200809L"
    case $source in
    *.cpp) $CXX -std=c++17 $common "$@" $(flags --cflags) "$source" -o "$output" $(flags --libs) \
        -Wl,-rpath,"$prefix/lib" ;;
    *) $CC -std=c11 $common "$@" $(flags --cflags) "$source" -o "$output" $(flags --libs) \
        -Wl,-rpath,"$prefix/lib" ;;
    esac
}

build_static() {
    $CC -std=c11 $warnings -g -O1 -pthread -D_POSIX_C_SOURCE=200809L $(flags --cflags) "$2" -o "$1" \
        -Wl,-Bstatic -L"$prefix/lib" -lnearcache -Wl,-Bdynamic \
        $(flags --static --libs-only-l | sed 's/-lnearcache//g')
}

# No leaked byte, no invalid access; the sanitizers abort by themselves.
memcheck() {
    timeout 600 nice -n 10 valgrind --quiet --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite,possible --fair-sched=yes --suppressions="$here/valgrind.supp" "$@"
}

# The header's functions are the library's symbols, all and nothing else.
symbols() {
    grep -oE '^[a-z].*\bnearcache_[a-z_]+\(' "$prefix/include/nearcache.h" | grep -v '^typedef' |
        grep -oE 'nearcache_[a-z_]+\(' | tr -d '(' | sort >"$work/declared"
    nm -D --defined-only "$prefix/lib/libnearcache.so" | awk '{ print $3 }' | sort >"$work/exported"
    [ "$(wc -l <"$work/declared")" -gt 35 ] && diff "$work/declared" "$work/exported"
}

# The number in the soname is the header's ABI version.
soname() {
    local abi
    abi=$(echo NEARCACHE_ABI_VERSION | $CC -E -P -include "$prefix/include/nearcache.h" - | tail -n 1)
    readelf -d "$prefix/lib/libnearcache.so" | grep "SONAME.*\[libnearcache.so.$abi\]"
}

staged() {
    rm -rf "$work/stage"
    "$root/ffi/install.sh" /usr "$work/stage" &&
        [ -f "$work/stage/usr/lib/libnearcache.so.0" ] && [ -f "$work/stage/usr/lib/libnearcache.a" ] &&
        [ -f "$work/stage/usr/include/nearcache.hpp" ] && [ -f "$work/stage/usr/include/nearcache_store.hpp" ] &&
        grep -q '^prefix=/usr$' "$work/stage/usr/lib/pkgconfig/nearcache.pc"
}

pkg_config_version() {
    [ "$(flags --modversion)" = "$(sed -n 's/^#define NEARCACHE_RELEASE "\(.*\)"/\1/p' "$root/include/nearcache.h")" ]
}

example() {
    "$@" >"$work/example.out" &&
        printf 'loading ada\n{"name":"ada"}\n{"name":"ada"}\n{"name":"ada"}\nloading ada\n{"name":"ada"}\n' |
        diff - "$work/example.out"
}

# Run twice on one directory: the second run finds what the first has left.
durable_example() {
    rm -rf "$work/example.store"
    "$@" "$work/example.store" >"$work/example.out" && "$@" "$work/example.store" >>"$work/example.out" &&
        printf 'order 1: tea\norder 2: coffee\nserved 2, 2 in all\norder 3: tea\norder 4: coffee\nserved 2, 4 in all\n' |
        diff - "$work/example.out"
}

mkdir -p "$work/log"
"$root/ffi/install.sh" "$prefix" >"$work/log/install" 2>&1 || give_up "$(cat "$work/log/install")"
build "$work/driver" "$here/driver.c" || give_up "the driver does not build"

for standard in c99 c11 c17; do
    step "header as $standard" $CC -x c -std=$standard $warnings -c -o "$work/header.o" $(flags --cflags) "$here/header.c"
done
for standard in c++11 c++17 c++20; do
    step "header as $standard" $CXX -x c++ -std=$standard $warnings -c -o "$work/header.o" $(flags --cflags) "$here/header.c"
done
for source in test_hpp test_durable_hpp; do
    step "$source as c++20" $CXX -std=c++20 $warnings -fsyntax-only $(flags --cflags) "$here/$source.cpp"
done
step "exported symbols" symbols
step "soname" soname
step "staged install" staged
step "pkg-config version" pkg_config_version

for source in $tests test_hpp test_durable_hpp; do
    case $source in *_hpp) file=$here/$source.cpp ;; *) file=$here/$source.c ;; esac
    step "build $source" build "$work/$source" "$file"
    step "$source" timeout 120 "$work/$source"
    step "build $source with sanitizers" build "$work/$source.asan" "$file" \
        -fsanitize=address,undefined -fno-sanitize-recover=all
    step "$source with sanitizers" timeout 300 "$work/$source.asan"
    step "$source under valgrind" memcheck "$work/$source"
done
for source in test_read test_threads test_durable_threads; do
    step "build $source statically" build_static "$work/$source.static" "$here/$source.c"
    step "$source linked statically" timeout 120 "$work/$source.static"
done
(cd "$root" && cargo build --release --quiet -p nearcached) >"$work/log/nearcached" 2>&1 ||
    give_up "$(cat "$work/log/nearcached")"
daemon=${CARGO_TARGET_DIR:-$root/target}/release/nearcached
step "build over_socket" build "$work/over_socket" "$here/over_socket.c"
step "over_socket" timeout 120 "$work/over_socket" "$daemon"
step "build over_socket with sanitizers" build "$work/over_socket.asan" "$here/over_socket.c" \
    -fsanitize=address,undefined -fno-sanitize-recover=all
step "over_socket with sanitizers" timeout 300 "$work/over_socket.asan" "$daemon"
step "over_socket under valgrind" memcheck "$work/over_socket" "$daemon"
step "driver" "$here/driver_check.sh" "$work/driver" "$work"
# The conversation is made by the check above; a run of one WORD may not have it.
if [ -e "$work/driver.in" ]; then
    step "driver under valgrind" memcheck "$work/driver" <"$work/driver.in"
fi
for language in c cpp; do
    step "build example in $language" build "$work/example_$language" "$root/ffi/examples/cache_aside.$language"
    step "example in $language" example "$work/example_$language"
    step "build durable example in $language" build "$work/durable_$language" "$root/ffi/examples/durable.$language"
    step "durable example in $language" durable_example "$work/durable_$language"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
