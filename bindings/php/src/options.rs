//! The constructor: a memory limit and options, parsed into what the core is to open.

use crate::class::{self, Php};
use crate::handle::Handle;
use crate::memcached;
use crate::registry::{self, Wish};
use crate::zend::call::{Call, Thrown, refuse};
use crate::zend::is_within_basedir;
use ext_php_rs::class::ConstructorResult;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ExecuteData;
use nearcache::{Access, Cache, Error, Home};
use std::sync::Arc;

/// `__construct(int|string $memory = '64M', array $options = [])`.
pub fn construct(frame: &mut ExecuteData) -> ConstructorResult<Php> {
    match open(frame) {
        Ok(handle) => ConstructorResult::Ok(Php(handle)),
        Err(Thrown) => ConstructorResult::ArgError,
    }
}

fn open(frame: &ExecuteData) -> Result<Handle, Thrown> {
    let is_memcached = memcached::is_constructing(frame);
    let call = Call::of(frame, (0, if is_memcached { 3 } else { 2 }))?;
    if call.constructed() {
        return Err(refuse("the cache is open already: __construct() may run once only"));
    }
    if is_memcached {
        return memcached::open(&call);
    }
    if call.given() == 0 {
        return default_cache(|| registry::private(&Wish::new(DEFAULT))).map(Handle::new);
    }
    let size = match call.arg(0) {
        None => DEFAULT,
        Some(memory) => size("memory", memory)?,
    };
    let mut wish = Wish::new(size);
    let mut name = None;
    if call.given() > 1 {
        name = read_options(call.array(1)?, &mut wish)?;
    }
    let cache = match (name, &wish.home) {
        (Some(name), _) => registry::persistent(name, &wish),
        (None, Home::Named(_) | Home::At(_)) => registry::named(&wish),
        (None, _) => registry::private(&wish),
    };
    match cache {
        Ok(cache) => {
            let handle = Handle::new(cache);
            handle.kept().is_persistent.set(name.is_some());
            Ok(handle)
        }
        Err(error) => {
            class::exception(error.to_string()).throw();
            Err(Thrown)
        }
    }
}

/// The cache of php.ini, or where it has none this one.
pub fn default_cache(
    other: impl FnOnce() -> Result<Arc<Cache>, Error>,
) -> Result<Arc<Cache>, Thrown> {
    match registry::shared() {
        Some(cache) => Ok(cache),
        None => other().map_err(|error| refuse(error.to_string())),
    }
}

/// The memory limit where none is given, in bytes.
pub const DEFAULT: u64 = 64 << 20;

const KNOWN: &str = "persistent_id, item_size_max, item_size_hint, evict, manual_clock, name, shared, create, read_only, \
                     permissions";

fn read_options<'a>(
    options: &'a ZendHashTable,
    wish: &mut Wish,
) -> Result<Option<&'a [u8]>, Thrown> {
    let mut persistent = None;
    let mut sharing = Sharing::default();
    let mut entries = ext_php_rs::types::array::Iter::new(options);
    while let Some((key, value)) = entries.next_zval() {
        let value = value.dereference();
        let name = key.zend_str().map_or(&b""[..], |name| name.as_bytes());
        match name {
            b"persistent_id" => persistent = identity(value)?,
            b"item_size_max" => wish.item_size_max = bytes("item_size_max", value)?,
            b"item_size_hint" => wish.item_size_hint = bytes("item_size_hint", value)?,
            b"evict" => wish.evict = truth("evict", value)?,
            b"manual_clock" => wish.manual_clock = truth("manual_clock", value)?,
            b"name" => sharing.home = place(value)?,
            b"shared" => sharing.shared = truth("shared", value)?,
            b"create" => sharing.create = Some(truth("create", value)?),
            b"read_only" => sharing.read_only = truth("read_only", value)?,
            b"permissions" => sharing.permissions = Some(permissions(value)?),
            _ => {
                return Err(refuse(format!(
                    "there is no option \"{}\": the options are {KNOWN}",
                    key.coerce_to_string().unwrap_or_default()
                )));
            }
        }
    }
    sharing.apply(wish)?;
    Ok(persistent)
}

/// The options about who has the cache.
#[derive(Default)]
struct Sharing {
    home: Option<Home>,
    shared: bool,
    create: Option<bool>,
    read_only: bool,
    permissions: Option<u32>,
}

impl Sharing {
    fn apply(self, wish: &mut Wish) -> Result<(), Thrown> {
        let Some(home) = self.home else {
            if self.create.is_some() || self.read_only || self.permissions.is_some() {
                return Err(refuse(
                    "the options create, read_only and permissions are of a cache with a name: give the option name, too",
                ));
            }
            if self.shared {
                wish.home = Home::Inherited;
            }
            return Ok(());
        };
        wish.home = home;
        wish.access = match (self.read_only, self.create) {
            (true, Some(true)) => {
                return Err(refuse(
                    "a read_only cache is never created: leave the option create out",
                ));
            }
            (true, _) => Access::ReadOnly,
            (false, Some(false)) => Access::Existing,
            (false, _) => Access::OpenOrCreate,
        };
        if let Some(permissions) = self.permissions {
            wish.permissions = permissions;
        }
        Ok(())
    }
}

fn place(value: &Zval) -> Result<Option<Home>, Thrown> {
    if value.is_null() {
        return Ok(None);
    }
    let Some(name) = value.zend_str() else {
        return Err(refuse("the option name must be a string, or null for a cache without a name"));
    };
    named(name).map(Some)
}

/// What a script's name or path leads to, if the script may go there.
pub fn named(name: &ZendStr) -> Result<Home, Thrown> {
    if name.as_bytes().contains(&b'/') && !is_within_basedir(name) {
        return Err(refuse("open_basedir does not allow the path of this cache"));
    }
    home(name.as_bytes()).map_err(refuse)
}

/// What a name or a path leads to. A path must be absolute: a worker's directory changes from script to script.
pub fn home(name: &[u8]) -> Result<Home, String> {
    let text =
        std::str::from_utf8(name).ok().filter(|text| !text.contains('\0')).ok_or_else(|| {
            "the name of a cache, or its path, must be UTF-8 without a zero byte".to_owned()
        })?;
    match Home::of(text) {
        Ok(Home::At(path)) if !path.is_absolute() => Err(format!(
            "{text:?} is a relative path: give an absolute one, or a name without a '/'"
        )),
        Ok(home) => Ok(home),
        Err(error) => Err(error.to_string()),
    }
}

fn permissions(value: &Zval) -> Result<u32, Thrown> {
    value.long().and_then(|bits| u32::try_from(bits).ok()).filter(|bits| *bits <= 0o777).ok_or_else(
        || {
            refuse(
                "the option permissions must be an int of permission bits, 0 to 0777, as in 0600",
            )
        },
    )
}

fn identity(value: &Zval) -> Result<Option<&[u8]>, Thrown> {
    if value.is_null() {
        return Ok(None);
    }
    match value.zend_str().map(|name| name.as_bytes()) {
        Some(name) if !name.is_empty() => Ok(Some(name)),
        _ => Err(refuse(
            "the option persistent_id must be a string that is not empty, or null for a cache of this object's own",
        )),
    }
}

/// An option that is true or false.
pub fn truth(name: &str, value: &Zval) -> Result<bool, Thrown> {
    value.bool().ok_or_else(|| refuse(format!("the option {name} must be true or false")))
}

/// An option that is a size in bytes, and must fit in memory.
pub fn bytes(name: &str, value: &Zval) -> Result<usize, Thrown> {
    let size = size(name, value)?;
    usize::try_from(size)
        .map_err(|_| refuse(format!("{name} is too large for this machine: {size} bytes")))
}

/// A size in bytes: an int, or digits with K, M or G behind them (of 1024, 1024², 1024³ bytes).
pub fn size(name: &str, value: &Zval) -> Result<u64, Thrown> {
    let parsed = match value.zend_str() {
        Some(text) => parse_size(text.as_bytes()),
        None => value.long().and_then(|long| u64::try_from(long).ok()),
    };
    parsed.ok_or_else(|| {
        refuse(format!(
            "{name} must be a number of bytes of 0 or more, as an int or as a string like \"64M\" (K, M and G count \
             1024, 1024 K and 1024 M)"
        ))
    })
}

/// Digits, with K, M or G behind them.
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text.split_last()? {
        (b'k' | b'K', digits) => (digits, 10),
        (b'm' | b'M', digits) => (digits, 20),
        (b'g' | b'G', digits) => (digits, 30),
        _ => (text, 0),
    };
    crate::number::parse_u64(digits)?.checked_mul(1 << shift)
}
