//! A get on its way: to an array that is kept, or into a landing.

use super::frozen::show;
use super::{L1, Sought};
use crate::handle::Handle;
use crate::settings::Serializer;
use crate::value::{self, Decoded};
use crate::zend::call::Thrown;
use crate::zend::landing::Landing;
use ext_php_rs::ffi::zend_array;
use ext_php_rs::types::Zval;
use nearcache::{Meta, Sink};
use std::mem::MaybeUninit;
use std::ptr;

/// A sink that refuses the bytes of an array that is kept.
pub struct Seek<'a> {
    landing: Landing,
    this: &'a Handle,
    key: &'a [u8],
    /// Null, or the array that the item asked for last was made into.
    array: *mut zend_array,
}

impl<'a> Seek<'a> {
    /// Nothing was asked for yet.
    #[inline(always)]
    pub fn new(this: &'a Handle, key: &'a [u8]) -> Seek<'a> {
        Seek { landing: Landing::new(), this, key, array: ptr::null_mut() }
    }

    /// Makes `out` the value found. Else it says why there is none.
    ///
    /// # Safety
    ///
    /// The get that this was the sink of must have returned a hit, with this `meta`.
    #[inline]
    pub unsafe fn decode(&mut self, meta: &Meta, out: &mut Zval) -> Result<Decoded, Thrown> {
        match may_be_array(meta.flags) {
            // SAFETY: the caller's; a scalar is never refused.
            false => unsafe { value::decode(self.this, &mut self.landing, meta.flags, out) },
            // SAFETY: the caller's.
            true => unsafe { self.decode_array(meta, out) },
        }
    }

    /// # Safety
    ///
    /// As for [`decode`](Seek::decode).
    #[inline(never)]
    unsafe fn decode_array(&mut self, meta: &Meta, out: &mut Zval) -> Result<Decoded, Thrown> {
        if !self.array.is_null() {
            // SAFETY: kept, and marked as given out to this request.
            unsafe { show(self.array, out) };
            return Ok(Decoded::Value);
        }
        // SAFETY: the caller's: a hit, and it was not refused.
        let decoded = unsafe { value::decode(self.this, &mut self.landing, meta.flags, out) };
        if let (Ok(Decoded::Value), Some(array)) = (&decoded, out.array())
            && is_of_its_unique(meta.flags)
        {
            let sought = sought(self.this, self.key);
            L1.with_borrow_mut(|arrays| arrays.decoded(sought, meta, array));
        }
        decoded
    }
}

fn sought<'a>(this: &'a Handle, key: &'a [u8]) -> Sought<'a> {
    let json_arrays = this.settings().writing.get().serializer == Serializer::JsonArray;
    Sought { cache: this.shared(), key, json_arrays }
}

/// The portable forms, and above them the highest of the user's flags, which are rare.
const PORTABLE: u32 = 0x4e43_0000;

/// Is it perhaps of a type that arrays are stored as? Strings, ints, floats and bools are not.
#[inline(always)]
fn may_be_array(flags: u32) -> bool {
    flags & 0xf > 3 || flags >= PORTABLE
}

/// Does its unique say all of it? Whether an envelope or a lease is a hit depends on more.
fn is_of_its_unique(flags: u32) -> bool {
    flags >> 16 != PORTABLE >> 16 || matches!(flags as u16, 0 | 8)
}

#[inline(never)]
fn find(this: &Handle, key: &[u8], meta: &Meta) -> *mut zend_array {
    L1.with_borrow_mut(|arrays| arrays.find(sought(this, key), meta)).unwrap_or(ptr::null_mut())
}

impl Sink for Seek<'_> {
    #[inline]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.landing.room(len)
    }

    #[inline(always)]
    fn room_for(&mut self, meta: &Meta) -> Option<&mut [MaybeUninit<u8>]> {
        self.array = ptr::null_mut();
        if may_be_array(meta.flags) {
            self.array = find(self.this, self.key, meta);
            if !self.array.is_null() {
                return None;
            }
        }
        self.landing.room(meta.len)
    }
}
