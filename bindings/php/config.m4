dnl `phpize && ./configure --enable-nearcache && make && make install`, the way that every extension is built, and what
dnl PIE runs: a shim before cargo, which does the work. The extension is built for the PHP whose phpize was run.

PHP_ARG_ENABLE([nearcache],
  [whether to build nearcache],
  [AS_HELP_STRING([--enable-nearcache],
    [Build nearcache, memcached as a function call (needs Rust 1.95 and libclang)])],
  [yes])

PHP_ARG_WITH([nearcache-source],,
  [AS_HELP_STRING([--with-nearcache-source=DIR],
    [The repository, if this folder was copied out of it])],
  [no], [no])

if test "$PHP_NEARCACHE" != "no"; then
  AC_PATH_PROG([CARGO], [cargo], [], [$PATH:$HOME/.cargo/bin])
  if test -z "$CARGO"; then
    AC_MSG_ERROR([cargo was not found: nearcache is written in Rust; install Rust 1.95 or newer (https://rustup.rs)])
  fi

  dnl The extension is a member of a workspace, and nothing without the engine in it.
  AC_MSG_CHECKING([for nearcache's source])
  if test "$PHP_NEARCACHE_SOURCE" = "no"; then
    PHP_NEARCACHE_SOURCE=PHP_EXT_SRCDIR()/../..
  fi
  if test ! -f "$PHP_NEARCACHE_SOURCE/core/Cargo.toml" || test ! -f "$PHP_NEARCACHE_SOURCE/bindings/php/Cargo.toml"; then
    AC_MSG_ERROR([$PHP_NEARCACHE_SOURCE is not nearcache's repository, which the extension is built from: run phpize in its folder bindings/php, or give --with-nearcache-source=DIR])
  fi
  NEARCACHE_SOURCE=`cd "$PHP_NEARCACHE_SOURCE" && pwd`
  AC_MSG_RESULT([$NEARCACHE_SOURCE])

  dnl cargo runs in another folder than this one.
  NEARCACHE_PHP_CONFIG=`command -v "$PHP_CONFIG"`
  case $NEARCACHE_PHP_CONFIG in
    /*[)] ;;
    *[)] NEARCACHE_PHP_CONFIG=`pwd`/$NEARCACHE_PHP_CONFIG ;;
  esac

  PHP_SUBST([CARGO])
  PHP_SUBST([NEARCACHE_SOURCE])
  PHP_SUBST([NEARCACHE_PHP_CONFIG])
  PHP_ADD_MAKEFILE_FRAGMENT(PHP_EXT_SRCDIR()[/Makefile.frag], PHP_EXT_SRCDIR(), PHP_EXT_BUILDDIR())
  PHP_ADD_BUILD_DIR([modules])
  PHP_MODULES="$PHP_MODULES \$(phplibdir)/nearcache.la"
fi
