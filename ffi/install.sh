#!/bin/sh
# Installs the C library: libnearcache.so, libnearcache.a, the headers and nearcache.pc.
#
#   ffi/install.sh PREFIX [DESTDIR]
#
# PREFIX is where the library will be used, DESTDIR a staging folder put before it. LIBDIR and INCLUDEDIR override
# PREFIX/lib and PREFIX/include. WITHOUT_STORE=1 leaves out the durable store, three quarters of the size; the headers
# then declare functions that the library has not. Cargo builds under other names than the installed ones, for the core
# crate is called nearcache too; the soname is right from the build on.
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
destdir=${2:-}
root=$(cd "$(dirname "$0")/.." && pwd)
built=${CARGO_TARGET_DIR:-$root/target}/release
libdir=${LIBDIR:-$prefix/lib}
includedir=${INCLUDEDIR:-$prefix/include}

features=
[ -z "${WITHOUT_STORE:-}" ] || features=--no-default-features
(cd "$root" && cargo build --release --quiet -p nearcache-ffi $features)

# The header is the one place that both the shell and the compiler can read these from.
release=$(sed -n 's/^#define NEARCACHE_RELEASE "\(.*\)"/\1/p' "$root/include/nearcache.h")
abi=$(sed -n 's/^#define NEARCACHE_ABI_VERSION \([0-9]*\)$/\1/p' "$root/include/nearcache.h")
if [ -z "$release" ] || [ -z "$abi" ]; then
    echo "$0: include/nearcache.h does not tell its release and ABI" >&2
    exit 1
fi

install -d "$destdir$libdir/pkgconfig" "$destdir$includedir"
# Under a new name and then renamed: a running program keeps the file it has mapped.
install -m 755 "$built/libnearcache_ffi.so" "$destdir$libdir/libnearcache.so.$release.new"
mv -f "$destdir$libdir/libnearcache.so.$release.new" "$destdir$libdir/libnearcache.so.$release"
ln -sf "libnearcache.so.$release" "$destdir$libdir/libnearcache.so.$abi"
ln -sf "libnearcache.so.$abi" "$destdir$libdir/libnearcache.so"
install -m 644 "$built/libnearcache_ffi.a" "$destdir$libdir/libnearcache.a"
install -m 644 "$root/include/nearcache.h" "$root/include/nearcache.hpp" "$root/include/nearcache_store.hpp" \
    "$destdir$includedir"

# Libs.private is what `rustc --print native-static-libs` names for the static library.
cat >"$destdir$libdir/pkgconfig/nearcache.pc" <<PC
prefix=$prefix
libdir=$libdir
includedir=$includedir

Name: nearcache
Description: memcached as near as a function call: a cache, a durable store, queues
Version: $release
Libs: -L\${libdir} -lnearcache
Libs.private: -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
Cflags: -I\${includedir}
PC
