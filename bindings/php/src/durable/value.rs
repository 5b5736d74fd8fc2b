//! Values between PHP and the store: written as `NearCache\Cache` writes them, and read into a string of PHP's first, so
//! that nothing of Rust's is held while PHP rebuilds them.

use super::error::damaged;
use crate::settings::Writing;
use crate::value::{self, Payload};
use crate::zend::call::{Answer, Thrown};
use crate::zend::thrown;
use ext_php_rs::types::{ZendStr, Zval};
use ext_php_rs::zend::BailoutGuard;
use nearcache_store::Value;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// A value's bytes and flags.
pub fn encode(value: Option<&Zval>, writing: Writing) -> Result<(Payload<'_>, u32), Thrown> {
    match value {
        Some(value) => value::encode(value, writing),
        // The engine has seen to it that a method has its arguments.
        None => Ok((Payload::Borrowed(b""), 0)),
    }
}

/// Why bytes have become no value.
pub enum Unread {
    /// An exception is under way.
    Thrown,
    /// They are not what their flags say.
    Damaged(String),
}

/// Makes `out` the value of bytes with these flags, or the string of the bytes if they cannot be read.
pub fn decode(bytes: Vec<u8>, flags: u32, writing: Writing, out: &mut Zval) -> Result<(), Unread> {
    let mut string = Zval::new();
    land(bytes, &mut string);
    if value::is_string(flags) {
        *out = string;
        return Ok(());
    }
    let bytes = string.zend_str().map_or(&b""[..], |string| string.as_bytes());
    let read = value::read_stored(&Cell::new(writing), bytes, flags, out);
    let why = match read {
        _ if thrown() => Unread::Thrown,
        Ok(()) => return Ok(()),
        Err(why) => Unread::Damaged(format!("{} bytes with flags {flags:#x} ({why})", bytes.len())),
    };
    *out = string;
    Err(why)
}

/// Makes `out` a string of PHP's. A short one is copied aside first, which costs less than the guard that a bailout in
/// the allocation asks for.
fn land(bytes: Vec<u8>, out: &mut Zval) {
    const SHORT: usize = 2048;
    let len = bytes.len();
    if len > SHORT {
        let bytes = BailoutGuard::new(bytes);
        out.set_zend_string(ZendStr::new(bytes.as_slice(), false));
        return;
    }
    let mut short = [MaybeUninit::<u8>::uninit(); SHORT];
    let copied = short[..len].write_copy_of_slice(&bytes);
    drop(bytes);
    out.set_zend_string(ZendStr::new(copied, false));
}

/// Makes `out` the value of an item; an exception names the key of one that cannot be read.
pub fn show(key: &[u8], value: Value, writing: Writing, out: &mut Zval) -> Answer {
    decode(value.data, value.flags, writing, out).map_err(|unread| {
        out.set_null();
        match unread {
            Unread::Thrown => Thrown,
            Unread::Damaged(what) => damaged(format!(
                "the value of the key \"{}\" cannot be read: {what}; getRaw() gives its bytes",
                key.escape_ascii()
            )),
        }
    })
}
