//! Where a get lands: short values on the stack, longer ones straight in a new Zend string.
//!
//! So a string is copied once, from the cache into the string that PHP keeps; and a number, which is short, costs
//! no allocation at all. The core holds no lock and no pin while it asks for room (its `Sink` says so), so the
//! allocation may bail out; a string half filled then dies with the request's heap.

use super::{IS_STRING_EX, bytes_of, string_alloc, string_free};
use ext_php_rs::types::{ZendStr, Zval};
use nearcache::Sink;
use std::mem::MaybeUninit;
use std::ptr;

/// Values up to here land on the stack; with the zero behind them it is a whole number of words.
const SHORT: usize = 47;

/// A value on its way into PHP.
pub struct Landing {
    len: usize,
    /// One more for the zero that stands behind the bytes, as behind those of a string.
    short: [MaybeUninit<u8>; SHORT + 1],
    /// Null, or a string of `len` bytes that nobody else knows of.
    string: *mut ZendStr,
}

impl Landing {
    /// Nothing landed yet.
    #[inline]
    pub fn new() -> Landing {
        Landing {
            len: 0,
            short: [const { MaybeUninit::uninit() }; SHORT + 1],
            string: ptr::null_mut(),
        }
    }

    /// The bytes landed. A zero stands behind them.
    ///
    /// # Safety
    ///
    /// The get that landed here must have returned a hit: the core has then written every byte of the room it
    /// asked for last.
    #[inline]
    pub unsafe fn bytes(&self) -> &[u8] {
        let start = if self.string.is_null() {
            self.short.as_ptr().cast::<u8>()
        } else {
            // SAFETY: not null, so it came from `string_alloc`.
            unsafe { bytes_of(self.string) }.cast_const()
        };
        // SAFETY: `len` bytes are there by `room`, and written by the caller's word.
        unsafe { std::slice::from_raw_parts(start, self.len) }
    }

    /// Makes `out` a string of the bytes landed, and forgets them.
    ///
    /// # Safety
    ///
    /// As for [`Landing::bytes`].
    #[inline(always)]
    pub unsafe fn give_string(&mut self, out: &mut Zval) {
        if self.string.is_null() {
            // SAFETY: the caller's.
            out.set_zend_string(ZendStr::new(unsafe { self.bytes() }, false));
            self.len = 0;
            return;
        }
        if !out.is_null() {
            out.set_null();
        }
        out.value.str_ = self.string;
        out.u1.type_info = IS_STRING_EX;
        self.string = ptr::null_mut();
    }

    fn release(&mut self) {
        if !self.string.is_null() {
            // SAFETY: made by `room`, given to nobody.
            unsafe { string_free(self.string) };
            self.string = ptr::null_mut();
        }
    }
}

impl Sink for Landing {
    #[inline]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        // The item changed while it was copied, and the core asks again.
        self.release();
        self.len = len;
        if len <= SHORT {
            self.short[len].write(0);
            return Some(&mut self.short[..len]);
        }
        self.string = string_alloc(len);
        // SAFETY: `len` writable bytes, just made, borrowed through `self`.
        Some(unsafe { std::slice::from_raw_parts_mut(bytes_of(self.string).cast(), len) })
    }
}

impl Drop for Landing {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}
