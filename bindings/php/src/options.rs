//! The constructor: a memory limit and options, parsed into what the core is to open.

use crate::class::{self, Php};
use crate::handle::Handle;
use crate::registry::{self, Wish};
use crate::zend::call::{Call, Thrown, refuse};
use ext_php_rs::class::ConstructorResult;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ExecuteData;

/// `__construct(int|string $memory = '64M', array $options = [])`.
pub fn construct(frame: &mut ExecuteData) -> ConstructorResult<Php> {
    match open(frame) {
        Ok(handle) => ConstructorResult::Ok(Php(handle)),
        Err(Thrown) => ConstructorResult::ArgError,
    }
}

fn open(frame: &ExecuteData) -> Result<Handle, Thrown> {
    let call = Call::of(frame, (0, 2))?;
    if call.constructed() {
        return Err(refuse("the cache is open already: __construct() may run once only"));
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
    let cache = match name {
        None => registry::private(&wish),
        Some(name) => registry::persistent(name, &wish),
    };
    match cache {
        Ok(cache) => Ok(Handle::new(cache)),
        Err(error) => {
            class::exception(error.to_string()).throw();
            Err(Thrown)
        }
    }
}

const DEFAULT: u64 = 64 << 20;

const KNOWN: &str = "persistent_id, item_size_max, item_size_hint, evict, manual_clock";

fn read_options<'a>(
    options: &'a ZendHashTable,
    wish: &mut Wish,
) -> Result<Option<&'a [u8]>, Thrown> {
    let mut persistent = None;
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
            _ => {
                return Err(refuse(format!(
                    "there is no option \"{}\": the options are {KNOWN}",
                    key.coerce_to_string().unwrap_or_default()
                )));
            }
        }
    }
    Ok(persistent)
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

fn truth(name: &str, value: &Zval) -> Result<bool, Thrown> {
    value.bool().ok_or_else(|| refuse(format!("the option {name} must be true or false")))
}

fn bytes(name: &str, value: &Zval) -> Result<usize, Thrown> {
    let size = size(name, value)?;
    usize::try_from(size)
        .map_err(|_| refuse(format!("{name} is too large for this machine: {size} bytes")))
}

/// A size in bytes: an int, or digits with K, M or G behind them (of 1024, 1024², 1024³ bytes).
fn size(name: &str, value: &Zval) -> Result<u64, Thrown> {
    let parsed = match value.zend_str() {
        Some(text) => parse(text.as_bytes()),
        None => value.long().and_then(|long| u64::try_from(long).ok()),
    };
    parsed.ok_or_else(|| {
        refuse(format!(
            "{name} must be a number of bytes of 0 or more, as an int or as a string like \"64M\" (K, M and G count \
             1024, 1024 K and 1024 M)"
        ))
    })
}

fn parse(text: &[u8]) -> Option<u64> {
    let (digits, shift) = match text.split_last()? {
        (b'k' | b'K', digits) => (digits, 10),
        (b'm' | b'M', digits) => (digits, 20),
        (b'g' | b'G', digits) => (digits, 30),
        _ => (text, 0),
    };
    crate::number::parse_u64(digits)?.checked_mul(1 << shift)
}
