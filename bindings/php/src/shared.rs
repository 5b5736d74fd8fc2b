//! The cache that php.ini asks for: where it lives, and when it is mapped.
//!
//! Shared by all, it is mapped once when the module starts, before PHP-FPM and Apache fork their workers. One for each
//! user or pool is mapped by a worker when it first uses it, for only then is the worker's user and pool known.
//!
//! Nothing here may take a server down: what cannot be mapped is a warning in the log, and a private cache instead.

use crate::ini;
use crate::options;
use crate::registry::{self, Wish};
use ext_php_rs::ffi::sapi_module;
use nearcache::{Access, Home};
use std::ffi::CStr;
use std::panic::catch_unwind;
use std::path::PathBuf;

/// Who shares the cache of php.ini.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Isolation {
    /// All workers of one master; with a segment, whoever may open it.
    Shared,
    /// The processes of one user.
    User,
    /// The processes of one pool of PHP-FPM.
    Pool,
}

/// The name of a cache for a user or a pool where php.ini has no segment.
const NAMELESS: &str = "php";

/// MINIT: maps what php.ini asks for, or sees to it that its first use does.
pub fn start() {
    match catch_unwind(map).unwrap_or_else(|_| Err("nearcache failed inside".to_owned())) {
        Ok(()) => {}
        Err(why) => refuse("PHP Startup: ", why),
    }
}

/// Notes, and says in the log, why there is no cache of php.ini.
pub fn refuse(place: &str, why: String) {
    ini::log(&format!("{place}nearcache shares no cache, each object has one of its own: {why}"));
    registry::refuse_shared(why);
}

fn map() -> Result<(), String> {
    let is_off = !ini::truth(ini::ENABLED)
        || ini::size(ini::MEMORY_SIZE) == 0
        || is_command_line() && !ini::truth(ini::ENABLE_CLI);
    if is_off {
        return Ok(());
    }
    if isolation()? != Isolation::Shared {
        // A segment that cannot be one is better told of now than by the first worker.
        segment()?;
        registry::share_late();
        return Ok(());
    }
    let mut wish = wish();
    wish.home = segment()?.unwrap_or(Home::Inherited);
    registry::share(&wish).map_err(|error| error.to_string())
}

/// The cache of this process's user or pool.
pub fn late() -> Result<Wish, String> {
    let mut wish = wish();
    let isolation = isolation()?;
    let home = segment()?.unwrap_or_else(|| Home::Named(NAMELESS.to_owned()));
    wish.home = match (home, isolation) {
        // A user's names are in a directory of the user's own.
        (home @ Home::Named(_), Isolation::User) => home,
        (Home::Named(name), _) => options::home(format!("{name}.{}", pool()?).as_bytes())
            .map_err(|why| format!("nearcache.segment and the pool's name: {why}"))?,
        (Home::At(path), isolation) => {
            let mut path = path.into_os_string();
            match isolation {
                // SAFETY: asks the system for a number.
                Isolation::User => path.push(format!(".{}", unsafe { geteuid() })),
                _ => path.push(format!(".{}", pool()?)),
            }
            Home::At(PathBuf::from(path))
        }
        (home, _) => home,
    };
    Ok(wish)
}

/// The cache of a name or path that a setting other than `nearcache.segment` gives, made as php.ini's is.
pub fn at(home: Home) -> Wish {
    let mut wish = wish();
    wish.home = home;
    wish
}

fn wish() -> Wish {
    let mut wish = Wish::new(match ini::size(ini::MEMORY_SIZE) {
        0 => options::DEFAULT,
        size => size,
    });
    wish.item_size_max = usize::try_from(ini::size(ini::ITEM_SIZE_LIMIT)).unwrap_or(usize::MAX);
    wish.permissions = ini::bits(ini::PERMISSIONS);
    wish.access = Access::OpenOrCreate;
    wish
}

fn isolation() -> Result<Isolation, String> {
    match ini::value(ini::ISOLATION).as_slice() {
        b"shared" => Ok(Isolation::Shared),
        b"user" => Ok(Isolation::User),
        b"pool" => Ok(Isolation::Pool),
        other => Err(format!(
            "nearcache.isolation is \"{}\": it must be one of shared, user, pool",
            String::from_utf8_lossy(other)
        )),
    }
}

fn segment() -> Result<Option<Home>, String> {
    match ini::value(ini::SEGMENT).as_slice() {
        b"" => Ok(None),
        name => options::home(name).map(Some).map_err(|why| format!("nearcache.segment: {why}")),
    }
}

/// The pool's name, as part of a cache's name; of another server what PHP calls that.
fn pool() -> Result<String, String> {
    match server() {
        b"fpm-fcgi" => titled().map(|name| plain(&name)).ok_or_else(|| {
            "nearcache.isolation is \"pool\", and the pool's name cannot be read from /proc/self/cmdline, where PHP-FPM \
             writes it: make /proc readable, or use the isolation user"
                .to_owned()
        }),
        server => Ok(plain(server)),
    }
}

/// The pool's name as PHP-FPM writes it over a worker's command line. `fpm_get_status()` has it, too, and kills the worker
/// that calls it while another one is starting (PHP 8.2: it copies the name of a stage that has none).
fn titled() -> Option<Vec<u8>> {
    let line = std::fs::read("/proc/self/cmdline").ok()?;
    let name = line.strip_prefix(b"php-fpm: pool ")?.split(|byte| *byte == 0).next()?;
    Some(name.trim_ascii_end().to_vec())
}

/// With every byte that a cache's name cannot have written as its number.
fn plain(name: &[u8]) -> String {
    let mut plain = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                plain.push(char::from(*byte))
            }
            byte => plain.push_str(&format!("_{byte:02x}")),
        }
    }
    plain
}

// From the C library.
unsafe extern "C" {
    fn geteuid() -> u32;
}

fn server() -> &'static [u8] {
    // SAFETY: a static of the engine's, set before any module starts; its name is closed by a zero.
    unsafe { CStr::from_ptr(sapi_module.name) }.to_bytes()
}

fn is_command_line() -> bool {
    matches!(server(), b"cli" | b"phpdbg")
}
