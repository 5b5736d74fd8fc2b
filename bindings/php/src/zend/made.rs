//! Bytes in the making, on the Zend heap: what serializers, compressors and the portable writer make.
//!
//! They lie there and not on Rust's heap because PHP may bail out at any of its allocations, and what is lost then is
//! freed with the request. A zero stands behind the bytes, as several of PHP's own readers want it.

use super::{IS_STRING_EX, bytes_of};
use ext_php_rs::types::{ZendStr, Zval};
use std::ptr;

/// `smart_str` of Zend/zend_smart_str_public.h: a string of the request, or null, that has room for more.
#[repr(C)]
pub struct Made {
    string: *mut ZendStr,
    room: usize,
}

// From Zend/zend_smart_str.h. Gives room for `len` bytes in all and the zero behind them, or does not return.
unsafe extern "C" {
    fn smart_str_erealloc(made: *mut Made, len: usize);
}

impl Made {
    /// Nothing yet.
    pub fn new() -> Made {
        Made { string: ptr::null_mut(), room: 0 }
    }

    /// So many zeros, to be written over.
    pub fn zeros(len: usize) -> Made {
        let mut made = Made::new();
        made.reserve(len);
        // SAFETY: there is room for `len` bytes and one more; each is written.
        unsafe {
            bytes_of(made.string).write_bytes(0, len + 1);
            (*made.string).len = len;
        }
        made
    }

    /// Adds bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let len = self.bytes().len();
        self.reserve(bytes.len());
        // SAFETY: `reserve` has made room behind the `len` bytes for these and a zero; they lie elsewhere, for whoever
        // borrowed them from this string could not have called this.
        unsafe {
            let end = bytes_of(self.string).add(len);
            end.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            end.add(bytes.len()).write(0);
            (*self.string).len = len + bytes.len();
        }
    }

    fn reserve(&mut self, more: usize) {
        let len = self.bytes().len() + more;
        if self.string.is_null() || len > self.room {
            // SAFETY: a smart_str as the engine knows it; lengths are bounded by what a request can hold.
            unsafe { smart_str_erealloc(self, len) };
        }
    }

    /// Keeps the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if len < self.bytes().len() {
            // SAFETY: there are more bytes than `len`, so the string is there and the zero is within it.
            unsafe {
                (*self.string).len = len;
                bytes_of(self.string).add(len).write(0);
            }
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: null, or a string whose `len` bytes are written and that this owns.
        unsafe { self.string.as_ref() }.map_or(b"", |string| string.as_bytes())
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        if self.string.is_null() {
            return &mut [];
        }
        // SAFETY: as in `bytes`; borrowed through `self`, and nobody else knows of the string.
        unsafe { std::slice::from_raw_parts_mut(bytes_of(self.string), (*self.string).len) }
    }

    /// Makes `out` this string.
    pub fn into_string(mut self, out: &mut Zval) {
        if self.string.is_null() {
            out.set_zend_string(ZendStr::new(b"", false));
            return;
        }
        out.set_null();
        out.value.str_ = self.string;
        out.u1.type_info = IS_STRING_EX;
        self.string = ptr::null_mut();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.string.is_null() {
            // SAFETY: owned, counted once.
            drop(unsafe { ext_php_rs::boxed::ZBox::from_raw(self.string) });
        }
    }
}
