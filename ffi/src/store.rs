//! The storing verbs: set, add, replace, append, prepend, cas.

use std::ffi::c_void;

use nearcache::{Expiry, Outcome, Verb};

use crate::border::{Out, bytes, cross};
use crate::cache::nearcache_cache;
use crate::status::{
    NEARCACHE_EXISTS, NEARCACHE_MISS, NEARCACHE_NOT_STORED, NEARCACHE_OK, nearcache_status,
};

/// What all storing verbs take.
struct Item {
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
}

impl Item {
    /// # Safety
    /// The pointers are as the header demands of the caller of the C function.
    #[inline(always)]
    unsafe fn store(self, verb: Verb) -> nearcache_status {
        cross(|| {
            // SAFETY: the caller's promises about handles, bytes in and outputs.
            let (cache, key, value, cas_out) = unsafe {
                (
                    nearcache_cache::borrow(self.cache)?,
                    bytes("key", self.key, self.key_len)?,
                    bytes("value", self.value, self.value_len)?,
                    Out::nullable(self.cas_out),
                )
            };
            let expiry = Expiry::from_exptime(self.exptime);
            Ok(match cache.store(verb, key, value, self.flags, expiry)? {
                Outcome::Stored(unique) => {
                    if let Some(cas_out) = cas_out {
                        cas_out.write(unique);
                    }
                    NEARCACHE_OK
                }
                Outcome::NotStored => NEARCACHE_NOT_STORED,
                Outcome::Exists => NEARCACHE_EXISTS,
                Outcome::Missing => NEARCACHE_MISS,
            })
        })
    }
}

/// Stores, whatever is there. If the item is too large or finds no memory, the old one is gone too, as in
/// memcached.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_set(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Set) }
}

/// Stores only if the key is missing.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is present);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_add(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Add) }
}

/// Stores only if the key is present.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_replace(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Replace) }
}

/// Adds bytes behind the present value; its flags and expiry stay.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
/// outgrow the limit or the memory);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_append(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags: 0, exptime: 0, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Append) }
}

/// Adds bytes before the present value; its flags and expiry stay.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
/// outgrow the limit or the memory);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_prepend(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags: 0, exptime: 0, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Prepend) }
}

/// Stores only if the item's unique is still `unique`, as nearcache_gets() told it.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS (there
/// is no item);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_cas(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    unique: u64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { cache, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Cas(unique)) }
}
