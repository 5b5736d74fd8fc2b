//! Portable values: what every language of nearcache reads and writes, MessagePack under flags of its own. The contract
//! is `core/src/docs/values.md`; `bindings/python/src/portable.rs` is the same for Python, and one table of bytes tests
//! both.
//!
//! PHP has one type for text and bytes: UTF-8 is written as str, anything else as bin. It has one type for lists and
//! maps: an array with the keys 0, 1, 2, ... in that order is a list, the empty one, too; any other array is a map. A
//! stdClass is always a map, and comes back as an array. Other objects, even a JsonSerializable, are refused: no
//! other language could make them again. An integer above PHP_INT_MAX is read as a string of its digits.

use super::msgpack::{Broken, Reader, UNUSED};
use super::{Why, compress};
use crate::number;
use crate::settings::Writing;
use crate::zend::array::put;
use crate::zend::call::{Thrown, refuse};
use crate::zend::made::Made;
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::array::Iter;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::ce;
use rmp::Marker;
use rmp::encode;
use std::io::{self, Write};

/// The high half of all flags that mean the same in every language.
pub const HIGH: u16 = 0x4e43;
const OURS: u32 = (HIGH as u32) << 16;
/// MessagePack.
const PACKED: u32 = OURS;
/// An integer in decimal digits.
pub const INT: u32 = OURS | 1;
/// A value with what is known of its making around it.
pub const ENVELOPE: u32 = OURS | 2;
/// MessagePack in zlib's format.
const ZIPPED: u32 = OURS | 8;
/// No value: somebody makes it.
pub const LEASE: u32 = OURS | 0xff;

/// Containers in one another, at most.
const DEPTH: usize = 128;
/// Room that is made for elements before they are read: a length alone is believed so far.
const AHEAD: usize = 1024;

/// Is it one of ours?
#[inline]
pub fn is(flags: u32) -> bool {
    flags >> 16 == HIGH.into()
}

/// A value's bytes and flags; not an integer's alone. Throws for what other languages do not have.
pub fn encode(value: &Zval, writing: Writing) -> Result<(Made, u32), Thrown> {
    let mut made = Made::new();
    write(&mut made, value, DEPTH)?;
    if writing.compress
        && made.bytes().len() >= writing.threshold
        && let Some(shorter) = compress::shorten_portable(made.bytes(), writing)
    {
        return Ok((shorter, ZIPPED));
    }
    Ok((made, PACKED))
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(out: &mut Made, value: &Zval, depth: usize) -> Result<(), Thrown> {
    let value = value.dereference();
    if let Some(string) = value.zend_str() {
        write_string(out, string.as_bytes())?;
    } else if let Some(long) = value.long() {
        wrote(encode::write_sint(out, long));
    } else if let Some(double) = value.double() {
        wrote(encode::write_f64(out, double));
    } else if let Some(truth) = value.bool() {
        wrote(encode::write_bool(out, truth));
    } else if value.is_null() {
        wrote(encode::write_nil(out));
    } else if let Some(array) = value.array() {
        if !is_list(array) {
            return write_map(out, array, depth);
        }
        let depth = deeper(depth)?;
        wrote(encode::write_array_len(out, length(array.len())?));
        for element in array.values() {
            write(out, element, depth)?;
        }
    } else if let Some(object) = value.object() {
        let class = object.get_class_entry();
        if !std::ptr::eq(class, ce::stdclass()) {
            return Err(refuse(format!(
                "a portable value is null, a bool, int, float, string, array or stdClass, not an object of class {}: \
                 store an array of what is in it, or choose another serializer",
                class.name().unwrap_or_default()
            )));
        }
        match object.get_properties() {
            Ok(properties) => write_map(out, properties, depth)?,
            Err(error) => return Err(refuse(format!("the object cannot be read: {error}"))),
        }
    } else {
        return Err(refuse(super::RESOURCE));
    }
    Ok(())
}

/// Are its keys 0, 1, 2, ... in this order?
fn is_list(array: &ZendHashTable) -> bool {
    let mut entries = Iter::new(array);
    let mut next = 0;
    while let Some((key, _)) = entries.next_zval() {
        if key.long() != Some(next) {
            return false;
        }
        next += 1;
    }
    true
}

fn write_map(out: &mut Made, map: &ZendHashTable, depth: usize) -> Result<(), Thrown> {
    let depth = deeper(depth)?;
    wrote(encode::write_map_len(out, length(map.len())?));
    let mut entries = Iter::new(map);
    while let Some((key, value)) = entries.next_zval() {
        match key.zend_str() {
            Some(string) => write_string(out, string.as_bytes())?,
            None => wrote(encode::write_sint(out, key.long().unwrap_or_default())),
        }
        write(out, value, depth)?;
    }
    Ok(())
}

fn write_string(out: &mut Made, bytes: &[u8]) -> Result<(), Thrown> {
    let len = length(bytes.len())?;
    match std::str::from_utf8(bytes) {
        Ok(_) => wrote(encode::write_str_len(out, len)),
        Err(_) => wrote(encode::write_bin_len(out, len)),
    }
    out.push(bytes);
    Ok(())
}

/// Growing memory takes every byte.
fn wrote<T, E: std::fmt::Debug>(written: Result<T, E>) {
    written.expect("a string in memory refuses nothing");
}

fn deeper(depth: usize) -> Result<usize, Thrown> {
    depth.checked_sub(1).ok_or_else(|| {
        refuse(format!(
            "a portable value has at most {DEPTH} arrays and objects in one another (this one may contain itself)"
        ))
    })
}

fn length(len: usize) -> Result<u32, Thrown> {
    u32::try_from(len)
        .map_err(|_| refuse("a portable value's parts have at most 2**32 - 1 elements each"))
}

/// Makes `out` the value that bytes with portable flags stand for; an envelope or a lease is none.
pub fn decode(bytes: &[u8], flags: u32, out: &mut Zval) -> Result<(), Why> {
    match flags {
        INT => integer(bytes, out).ok_or("not a decimal number of 64 bits".to_owned()),
        PACKED => unpack(bytes, out),
        ZIPPED => unpack(compress::restore_portable(bytes)?.bytes(), out),
        _ => Err("portable flags that this version does not know".to_owned()),
    }
}

fn integer(bytes: &[u8], out: &mut Zval) -> Option<()> {
    // memcached pads a number that decr made shorter with spaces behind it.
    let digits = bytes.trim_ascii();
    let unsigned = digits.strip_prefix(b"-").unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: i128 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    set_number(number, out)
}

/// An int, or above `PHP_INT_MAX` a string of digits. `None` if it has more than 64 bits.
fn set_number(number: i128, out: &mut Zval) -> Option<()> {
    match i64::try_from(number) {
        Ok(long) => out.set_long(long),
        Err(_) => {
            let digits = number::unsigned(u64::try_from(number).ok()?);
            out.set_zend_string(ZendStr::new(digits.bytes(), false));
        }
    }
    Some(())
}

fn unpack(bytes: &[u8], out: &mut Zval) -> Result<(), Why> {
    let mut reader = Reader { rest: bytes };
    let broken = |why| format!("MessagePack, but {why}");
    read(&mut reader, DEPTH, out).map_err(broken)?;
    match reader.rest.is_empty() {
        true => Ok(()),
        false => Err(broken("more than one value")),
    }
}

fn read(reader: &mut Reader<'_>, depth: usize, out: &mut Zval) -> Result<(), Broken> {
    let marker = reader.marker()?;
    match marker {
        Marker::Null => out.set_null(),
        Marker::True => out.set_bool(true),
        Marker::False => out.set_bool(false),
        Marker::F32 | Marker::F64 => out.set_double(reader.float(marker)?),
        Marker::Array16 | Marker::Array32 | Marker::FixArray(_) => {
            let depth = shallower(depth)?;
            let len = reader.elements(marker)?;
            let mut array = with_room(len);
            for _ in 0..len {
                let mut element = Zval::null();
                read(reader, depth, &mut element)?;
                array.push(element).map_err(|_| "more elements than an array can have")?;
            }
            out.set_hashtable(array);
        }
        Marker::Map16 | Marker::Map32 | Marker::FixMap(_) => {
            let depth = shallower(depth)?;
            let len = reader.elements(marker)?;
            let mut array = with_room(len);
            for _ in 0..len {
                let mut key = Zval::null();
                let marker = reader.marker()?;
                scalar(reader, marker, &mut key).map_err(|why| match why {
                    UNUSED => "a map with a key that is no str, bin or int",
                    why => why,
                })?;
                let mut value = Zval::null();
                read(reader, depth, &mut value)?;
                put(&mut array, &key, value);
            }
            out.set_hashtable(array);
        }
        _ => scalar(reader, marker, out)?,
    }
    Ok(())
}

/// A number, a str or a bin: what a key may be.
fn scalar(reader: &mut Reader<'_>, marker: Marker, out: &mut Zval) -> Result<(), Broken> {
    match marker {
        Marker::Str8 | Marker::Str16 | Marker::Str32 | Marker::FixStr(_) => {}
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {}
        // Every number of MessagePack has 64 bits at most.
        _ => return set_number(reader.number(marker)?, out).ok_or(UNUSED),
    }
    out.set_zend_string(ZendStr::new(reader.string(marker)?, false));
    Ok(())
}

fn with_room(len: usize) -> ZBox<ZendHashTable> {
    ZendHashTable::with_capacity(len.min(AHEAD) as u32)
}

fn shallower(depth: usize) -> Result<usize, Broken> {
    depth.checked_sub(1).ok_or("more than 128 containers in one another")
}
