//! Values between PHP and the cache, with php-memcached's flags, so that either reads what the other wrote.
//!
//! Flag bits 0-3 name the type: 0 string, 1 int, 2 float, 3 bool, 4 serialized by PHP; 5 to 7 (igbinary, JSON,
//! msgpack) and the compressed forms (bit 4) are known and refused. Bits 16-31 are the user's.
//!
//! Bit 4 without the kind of compression (bits 5 to 7), which php-memcached always writes with it, is Python's clients'
//! mark of text: it is read as the string it is.

use crate::number;
use crate::settings::{Serializer, Writing};
use crate::zend::call::{Thrown, refuse};
use crate::zend::landing::Landing;
use crate::zend::serial::{Serialized, unserialize};
use crate::zend::{thrown, warn};
use ext_php_rs::types::Zval;

const TYPE_MASK: u32 = 0xf;
const STRING: u32 = 0;
const LONG: u32 = 1;
const DOUBLE: u32 = 2;
const BOOL: u32 = 3;
const SERIALIZED: u32 = 4;
const COMPRESSED: u32 = 0x10;
/// Type, compression and its kinds.
const FORM_MASK: u32 = 0xff;
/// A `str` of Python's, in UTF-8.
const TEXT: u32 = 0x10;

/// The user's flags, as `GET_EXTENDED` gives them.
pub fn user_flags(flags: u32) -> i64 {
    i64::from(flags >> 16)
}

/// A value's bytes, kept where making them cost least.
pub enum Payload<'a> {
    /// Those of the PHP string itself.
    Borrowed(&'a [u8]),
    /// A number's digits.
    Text(number::Text),
    /// PHP's serializer's.
    Serialized(Serialized),
}

impl Payload<'_> {
    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Text(text) => text.bytes(),
            Payload::Serialized(made) => made.bytes(),
        }
    }
}

/// The bytes of a string that is stored as it is, with flags 0. By itself, because a [`Payload`] is moved when it is returned,
/// and read before it is all written, which took a tenth of a set's time.
#[inline]
pub fn plain(value: &Zval, writing: Writing) -> Option<&[u8]> {
    let is_plain = !writing.compress && writing.user_flags.is_none();
    value.zend_str().filter(|_| is_plain).map(|string| string.as_bytes())
}

/// A value's payload and flags. Throws for a resource, which lives in this process only, and lets pass what the
/// serializer throws (of a closure, say, or in a `__serialize`).
#[inline]
pub fn encode(value: &Zval, writing: Writing) -> Result<(Payload<'_>, u32), Thrown> {
    match value.zend_str() {
        Some(string) => Ok((Payload::Borrowed(string.as_bytes()), STRING)),
        None => encode_other(value, writing),
    }
}

fn encode_other(value: &Zval, writing: Writing) -> Result<(Payload<'_>, u32), Thrown> {
    if let Some(long) = value.long() {
        return Ok((Payload::Text(number::long(long)), LONG));
    }
    if let Some(double) = value.double() {
        return Ok((Payload::Text(number::double(double)), DOUBLE));
    }
    if let Some(truth) = value.bool() {
        return Ok((Payload::Borrowed(if truth { b"1" } else { b"" }), BOOL));
    }
    if value.is_null() {
        return Ok((Payload::Borrowed(b"N;"), SERIALIZED));
    }
    if value.is_resource() {
        return Err(refuse(
            "a resource cannot be cached: it means nothing outside of this request",
        ));
    }
    let Serializer::Php = writing.serializer else {
        return Err(refuse("this serializer is not supported yet"));
    };
    match Serialized::of(value) {
        Some(made) => Ok((Payload::Serialized(made), SERIALIZED)),
        None => Err(Thrown),
    }
}

/// Makes `out` the value that landed. `Ok(false)` and a warning if the bytes are not what their flags say.
///
/// # Safety
///
/// As for [`Landing::bytes`].
#[inline(always)]
pub unsafe fn decode(landing: &mut Landing, flags: u32, out: &mut Zval) -> Result<bool, Thrown> {
    if flags & (TYPE_MASK | COMPRESSED) == STRING || flags & FORM_MASK == TEXT {
        // SAFETY: the caller's.
        unsafe { landing.give_string(out) };
        return Ok(true);
    }
    // SAFETY: the caller's.
    decode_other(unsafe { landing.bytes() }, flags, out)
}

#[inline(never)]
fn decode_other(bytes: &[u8], flags: u32, out: &mut Zval) -> Result<bool, Thrown> {
    let sound = match flags & (TYPE_MASK | COMPRESSED) {
        LONG => {
            out.set_long(number::parse_long(bytes));
            true
        }
        DOUBLE => match number::parse_double(bytes) {
            Some(double) => {
                out.set_double(double);
                true
            }
            None => false,
        },
        BOOL => {
            out.set_bool(bytes.first() == Some(&b'1'));
            true
        }
        SERIALIZED => unserialize(bytes, out),
        _ => false,
    };
    if thrown() {
        out.set_null();
        return Err(Thrown);
    }
    if !sound {
        out.set_bool(false);
        warn(&format!(
            "the value cannot be read: {} bytes with flags {flags:#x} ({})",
            bytes.len(),
            reason(flags),
        ));
        if thrown() {
            return Err(Thrown);
        }
    }
    Ok(sound)
}

fn reason(flags: u32) -> &'static str {
    if flags & COMPRESSED != 0 {
        return "compressed values are not supported yet";
    }
    match flags & TYPE_MASK {
        DOUBLE => "not a float",
        SERIALIZED => "not serialized by PHP",
        5 => "igbinary is not supported yet",
        6 => "JSON is not supported yet",
        7 => "msgpack is not supported yet",
        _ => "a type that php-memcached does not have",
    }
}
