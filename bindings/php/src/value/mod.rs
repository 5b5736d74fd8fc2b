//! Values between PHP and the cache, with php-memcached's flags, so that either reads what the other wrote.
//!
//! Flag bits 0-3 name the type: 0 string, 1 int, 2 float, 3 bool, 4 serialized by PHP, 5 by igbinary, 6 JSON, 7 msgpack.
//! Bit 4 says compressed, if one of bits 5 to 7 says by what (`compress`); without them it is Python's clients' mark of
//! text, and read as the string it is. Bits 16-31 are the user's, unless they are those of portable values (`portable`).
//!
//! All of these are always read. How values are written is an object's `Writing`.

mod compress;
mod envelope;
mod fastlz;
mod msgpack;
mod portable;

use crate::handle::Handle;
use crate::number;
use crate::settings::{Serializer, Writing};
use crate::zend::call::{Thrown, refuse};
use crate::zend::foreign::{Bytes, Foreign};
use crate::zend::landing::Landing;
use crate::zend::made::Made;
use crate::zend::serial::{is_any_class_allowed, json_decode, json_encode, serialize, unserialize};
use crate::zend::{thrown, warn};
use compress::COMPRESSED;
use envelope::Envelope;
use ext_php_rs::types::Zval;
pub use portable::LEASE;
use std::cell::Cell;

const TYPE_MASK: u32 = 0xf;
const STRING: u32 = 0;
const LONG: u32 = 1;
const DOUBLE: u32 = 2;
const BOOL: u32 = 3;
const SERIALIZED: u32 = 4;
const IGBINARY: u32 = 5;
const JSON: u32 = 6;
const MSGPACK: u32 = 7;
/// Type, compression and its kinds.
const FORM_MASK: u32 = 0xff;
/// A `str` of Python's, in UTF-8.
const TEXT: u32 = 0x10;

const RESOURCE: &str = "a resource cannot be cached: it means nothing outside of this request";

/// Why bytes cannot be read: it goes behind what they are.
type Why = String;

/// What bytes and flags were found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A value.
    Value,
    /// As good as nothing: a lease, or what one of its tags has made invalid.
    Miss,
    /// Not what the flags say. A warning has said so.
    Damaged,
}

/// The user's flags, as `GET_EXTENDED` gives them.
pub fn user_flags(flags: u32) -> i64 {
    match portable::is(flags) {
        true => 0,
        false => i64::from(flags >> 16),
    }
}

/// Is the item the right to make the value, and no value? Then it is a miss to every verb that reads.
#[inline]
pub fn is_lease(flags: u32) -> bool {
    flags == portable::LEASE
}

/// The flags of a counter that is made with an initial value.
pub fn counter_flags(writing: Writing) -> u32 {
    match writing.serializer {
        Serializer::Portable => portable::INT,
        // As the daemon makes them.
        _ => STRING,
    }
}

/// Can bytes be put before or behind a value with these flags, and it is a value still?
pub fn is_open(flags: u32) -> bool {
    match flags {
        portable::INT => true,
        _ if portable::is(flags) => false,
        _ if flags & FORM_MASK == TEXT => true,
        _ => flags & COMPRESSED == 0 && !matches!(flags & TYPE_MASK, SERIALIZED..=MSGPACK),
    }
}

/// A value's bytes, kept where making them cost least.
pub enum Payload<'a> {
    /// Those of the PHP string itself.
    Borrowed(&'a [u8]),
    /// A number's digits.
    Text(number::Text),
    /// What a serializer or a compressor made.
    Made(Bytes),
}

impl Payload<'_> {
    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Text(text) => text.bytes(),
            Payload::Made(made) => made.bytes(),
        }
    }
}

impl From<Made> for Payload<'_> {
    fn from(made: Made) -> Self {
        Payload::Made(Bytes::Made(made))
    }
}

/// The bytes of a string that is stored as it is, with flags 0. By itself, because a [`Payload`] is moved when it is returned,
/// and read before it is all written, which took a tenth of a set's time.
#[inline]
pub fn plain(value: &Zval, writing: Writing) -> Option<&[u8]> {
    let bytes = value.zend_str()?.as_bytes();
    writing.leaves(bytes.len()).then_some(bytes)
}

/// The int of a value that is stored as its digits, and the flags: by itself for the same reason.
#[inline]
pub fn plain_long(value: &Zval, writing: Writing) -> Option<(i64, u32)> {
    let long = value.long()?;
    writing.leaves(number::LONG_MAX).then_some((long, LONG))
}

/// A value's payload and flags. Throws for a resource, which lives in this process only, and for what the serializer
/// cannot write; lets pass what that throws itself (of a closure, say, or in a `__serialize`).
#[inline]
pub fn encode(value: &Zval, writing: Writing) -> Result<(Payload<'_>, u32), Thrown> {
    match plain(value, writing) {
        Some(bytes) => Ok((Payload::Borrowed(bytes), STRING)),
        None => encode_other(value, writing),
    }
}

#[inline(never)]
fn encode_other(value: &Zval, writing: Writing) -> Result<(Payload<'_>, u32), Thrown> {
    if writing.serializer == Serializer::Portable {
        return match value.long() {
            Some(long) => Ok((Payload::Text(number::long(long)), portable::INT)),
            None => portable::encode(value, writing).map(|(made, flags)| (made.into(), flags)),
        };
    }
    let (mut payload, mut flags) = form(value, writing.serializer)?;
    if writing.compress
        && payload.bytes().len() >= writing.threshold
        && let Some((shorter, how)) = compress::shorten(payload.bytes(), writing)
    {
        payload = shorter.into();
        flags |= how;
    }
    match writing.user_flags {
        Some(portable::HIGH) => Err(refuse(
            "the user flags 0x4e43 (20035) are those of nearcache's portable values: choose others",
        )),
        user => Ok((payload, flags | u32::from(user.unwrap_or(0)) << 16)),
    }
}

/// The bytes of a value before they are compressed, and its type.
fn form(value: &Zval, serializer: Serializer) -> Result<(Payload<'_>, u32), Thrown> {
    if let Some(string) = value.zend_str() {
        return Ok((Payload::Borrowed(string.as_bytes()), STRING));
    }
    if let Some(long) = value.long() {
        return Ok((Payload::Text(number::long(long)), LONG));
    }
    if let Some(double) = value.double() {
        return Ok((Payload::Text(number::double(double)), DOUBLE));
    }
    if let Some(truth) = value.bool() {
        return Ok((Payload::Borrowed(if truth { b"1" } else { b"" }), BOOL));
    }
    if value.is_resource() {
        return Err(refuse(RESOURCE));
    }
    match serializer {
        Serializer::Php if value.is_null() => Ok((Payload::Borrowed(b"N;"), SERIALIZED)),
        Serializer::Php => serialize(value).map(|made| (made.into(), SERIALIZED)).ok_or(Thrown),
        Serializer::Igbinary => foreign(value, Foreign::Igbinary, IGBINARY),
        Serializer::Msgpack => foreign(value, Foreign::Msgpack, MSGPACK),
        Serializer::Json | Serializer::JsonArray => match json_encode(value) {
            Ok(made) => made.map(|made| (made.into(), JSON)).ok_or(Thrown),
            Err(why) => Err(refuse(format!("the value cannot be written as JSON: {why}"))),
        },
        Serializer::Portable => unreachable!("written before"),
    }
}

fn foreign<'a>(value: &Zval, foreign: Foreign, kind: u32) -> Result<(Payload<'a>, u32), Thrown> {
    let name = foreign.name();
    if !foreign.is_loaded() {
        return Err(refuse(format!(
            "the value cannot be serialized: the extension {name} is not loaded"
        )));
    }
    match foreign.serialize(value) {
        Some(made) => Ok((Payload::Made(made), kind)),
        None if thrown() => Err(Thrown),
        None => Err(refuse(format!("{name} cannot serialize the value"))),
    }
}

/// Are the bytes the value itself?
#[inline(always)]
pub fn is_string(flags: u32) -> bool {
    let is_string = flags & (TYPE_MASK | COMPRESSED) == STRING || flags & FORM_MASK == TEXT;
    is_string && !portable::is(flags)
}

/// Makes `out` the value that landed; false if it is none. Of damaged bytes a warning says what is wrong with them.
///
/// # Safety
///
/// As for [`Landing::bytes`].
#[inline(always)]
pub unsafe fn decode(
    this: &Handle,
    landing: &mut Landing,
    flags: u32,
    out: &mut Zval,
) -> Result<Decoded, Thrown> {
    if is_string(flags) {
        // SAFETY: the caller's.
        unsafe { landing.give_string(out) };
        return Ok(Decoded::Value);
    }
    // SAFETY: the caller's.
    decode_other(this, unsafe { landing.bytes() }, flags, out)
}

#[inline(never)]
fn decode_other(
    this: &Handle,
    bytes: &[u8],
    flags: u32,
    out: &mut Zval,
) -> Result<Decoded, Thrown> {
    let writing = &this.settings().writing;
    let read = match flags {
        portable::LEASE => Ok(Decoded::Miss),
        portable::ENVELOPE => match Envelope::open(bytes) {
            Some(envelope) if !envelope.is_fresh(this.cache()) => Ok(Decoded::Miss),
            Some(envelope) => {
                read(writing, envelope.body, envelope.flags, out).map(|()| Decoded::Value)
            }
            None => Err("not an envelope around a value".to_owned()),
        },
        _ => read(writing, bytes, flags, out).map(|()| Decoded::Value),
    };
    if thrown() {
        out.set_null();
        return Err(Thrown);
    }
    match read {
        Ok(Decoded::Value) => return Ok(Decoded::Value),
        Ok(decoded) => {
            out.set_bool(false);
            return Ok(decoded);
        }
        Err(why) => {
            out.set_bool(false);
            warn(&format!(
                "the value cannot be read: {} bytes with flags {flags:#x} ({why})",
                bytes.len()
            ));
        }
    }
    if thrown() { Err(Thrown) } else { Ok(Decoded::Damaged) }
}

/// Reads a value that is kept in a store, for one who writes so. A zero stands behind the bytes.
pub fn read_stored(
    writing: &Cell<Writing>,
    bytes: &[u8],
    flags: u32,
    out: &mut Zval,
) -> Result<(), String> {
    if flags != portable::ENVELOPE {
        return read(writing, bytes, flags, out);
    }
    match Envelope::open(bytes) {
        Some(envelope) if envelope.is_untagged() => {
            read(writing, envelope.body, envelope.flags, out)
        }
        Some(_) => Err("an envelope with tags, which only a cache can judge".to_owned()),
        None => Err("not an envelope around a value".to_owned()),
    }
}

/// Reads a value that is in no envelope.
fn read(writing: &Cell<Writing>, bytes: &[u8], flags: u32, out: &mut Zval) -> Result<(), String> {
    if portable::is(flags) {
        portable::decode(bytes, flags, out)
    } else if flags & FORM_MASK == TEXT {
        string(bytes, out)
    } else if flags & COMPRESSED == 0 {
        read_form(writing, bytes, flags, out)
    } else {
        let restored = compress::restore(bytes, flags)?;
        if flags & TYPE_MASK == STRING {
            restored.into_string(out);
            return Ok(());
        }
        read_form(writing, restored.bytes(), flags, out)
    }
}

fn string(bytes: &[u8], out: &mut Zval) -> Result<(), Why> {
    out.set_zend_string(ext_php_rs::types::ZendStr::new(bytes, false));
    Ok(())
}

/// Reads what [`form`] writes.
fn read_form(writing: &Cell<Writing>, bytes: &[u8], flags: u32, out: &mut Zval) -> Result<(), Why> {
    let sound = match flags & TYPE_MASK {
        STRING => return string(bytes, out),
        LONG => {
            out.set_long(number::parse_long(bytes));
            true
        }
        DOUBLE => number::parse_double(bytes).map(|double| out.set_double(double)).is_some(),
        BOOL => {
            out.set_bool(bytes.first() == Some(&b'1'));
            true
        }
        SERIALIZED => unserialize(bytes, out),
        IGBINARY => read_foreign(Foreign::Igbinary, bytes, out)?,
        JSON => {
            let as_array = writing.get().serializer == Serializer::JsonArray;
            json_decode(bytes, as_array, out)
        }
        MSGPACK => read_foreign(Foreign::Msgpack, bytes, out)?,
        _ => false,
    };
    match (sound, flags & TYPE_MASK) {
        (true, _) => Ok(()),
        (_, DOUBLE) => Err("not a float".to_owned()),
        (_, SERIALIZED) => Err("not serialized by PHP".to_owned()),
        (_, IGBINARY) => Err("not serialized by igbinary".to_owned()),
        (_, JSON) => Err("not JSON".to_owned()),
        (_, MSGPACK) => Err("not serialized by msgpack".to_owned()),
        _ => Err("a type that php-memcached does not have".to_owned()),
    }
}

fn read_foreign(foreign: Foreign, bytes: &[u8], out: &mut Zval) -> Result<bool, Why> {
    let name = foreign.name();
    if !foreign.is_loaded() {
        return Err(format!("serialized by {name}, and the extension {name} is not loaded"));
    }
    if !is_any_class_allowed() {
        return Err(format!(
            "serialized by {name}, which may make objects of any class, and \
             nearcache.unserialize_allowed_classes allows only some"
        ));
    }
    Ok(foreign.unserialize(bytes, out))
}
