//! The writing verbs of a store: set, add, replace, append, prepend, cas, incr, decr, touch, delete, flush_all.

use std::ffi::c_void;

use nearcache::{Expiry, Outcome, Verb};

use super::handle::nearcache_store;
use crate::border::{Out, bytes, cross};
use crate::remove::deleted;
use crate::status::{
    NEARCACHE_EXISTS, NEARCACHE_MISS, NEARCACHE_NOT_STORED, NEARCACHE_OK, nearcache_status,
};

/// What all storing verbs take.
struct Item {
    store: *mut nearcache_store,
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
    unsafe fn store(self, verb: Verb) -> nearcache_status {
        cross(|| {
            // SAFETY: the caller's promises about handles, bytes in and outputs.
            let (store, key, value, cas_out) = unsafe {
                (
                    nearcache_store::borrow(self.store)?,
                    bytes("key", self.key, self.key_len)?,
                    bytes("value", self.value, self.value_len)?,
                    Out::nullable(self.cas_out),
                )
            };
            let expiry = Expiry::from_exptime(self.exptime);
            Ok(match store.store(verb, key, value, self.flags, expiry)? {
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

/// Stores, whatever is there, and answers when it is as safe as nearcache_store_options.sync asks. A write that fails has
/// changed nothing: an item that is too large leaves the old one, unlike nearcache_set().
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique);
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, NEARCACHE_OVER_QUOTA,
/// NEARCACHE_CORRUPT, NEARCACHE_SYSTEM, NEARCACHE_CLOSED, NEARCACHE_FORKED, NEARCACHE_CONNECTION (over a socket; the
/// sentence says whether the write may have been done), NEARCACHE_UNSUPPORTED (the daemon has no such role, or is of
/// another version), NEARCACHE_PANIC.
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_set(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Set) }
}

/// Stores only if the key is missing.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is present);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_add(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Add) }
}

/// Stores only if the key is present.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_replace(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Replace) }
}

/// Adds bytes behind the present value; its flags and expiry stay.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
/// outgrow the limit);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_append(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags: 0, exptime: 0, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Append) }
}

/// Adds bytes before the present value; its flags and expiry stay.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_NOT_STORED (the key is missing, or the item would
/// outgrow the limit);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_prepend(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags: 0, exptime: 0, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Prepend) }
}

/// Stores only if the item's unique is still `unique`, as nearcache_store_gets() told it.
///
/// Lifetimes: `key` and `value` are borrowed for the call.
/// NULL: `value` may be NULL if `value_len` is 0; `cas_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new unique), NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS (there
/// is no item);
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_cas(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    exptime: i64,
    unique: u64,
    cas_out: *mut u64,
) -> nearcache_status {
    let item = Item { store, key, key_len, value, value_len, flags, exptime, cas_out };
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { item.store(Verb::Cas(unique)) }
}

/// # Safety
/// The pointers are as the header demands of the caller of the C function.
unsafe fn count(
    store: *mut nearcache_store,
    key: (*const c_void, usize),
    delta: u64,
    down: bool,
    value_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (store, key, value_out) = unsafe {
            (nearcache_store::borrow(store)?, bytes("key", key.0, key.1)?, Out::nullable(value_out))
        };
        let Some(number) = store.count(key, delta, down)? else {
            return Ok(NEARCACHE_MISS);
        };
        if let Some(value_out) = value_out {
            value_out.write(number);
        }
        Ok(NEARCACHE_OK)
    })
}

/// Adds to a decimal number, wrapping at 2^64. The expiry stays, the unique changes.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
/// NEARCACHE_NOT_NUMERIC, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_incr(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { count(store, (key, key_len), delta, false, value_out) }
}

/// Subtracts from a decimal number, stopping at 0. The expiry stays, the unique changes.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
/// NEARCACHE_NOT_NUMERIC, the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_decr(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { count(store, (key, key_len), delta, true, value_out) }
}

/// Gives the item a new expiry; its unique stays.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS; the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_touch(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    exptime: i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (store, key) =
            unsafe { (nearcache_store::borrow(store)?, bytes("key", key, key_len)?) };
        let is_there = store.touch(key, Expiry::from_exptime(exptime))?;
        Ok(if is_there { NEARCACHE_OK } else { NEARCACHE_MISS })
    })
}

/// Removes the item.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS; the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_delete(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (store, key) =
            unsafe { (nearcache_store::borrow(store)?, bytes("key", key, key_len)?) };
        Ok(deleted(store.delete(key, None)?))
    })
}

/// Removes the item only if its unique is still `unique`, as nearcache_store_gets() told it.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS; the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_delete_cas(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    unique: u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (store, key) =
            unsafe { (nearcache_store::borrow(store)?, bytes("key", key, key_len)?) };
        Ok(deleted(store.delete(key, Some(unique))?))
    })
}

/// All items die: now if `delay` is 0, else when that many seconds have passed, and then what was stored in the meantime
/// too. A second call replaces a pending one, which outlives the process. Messages stay.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_flush_all(
    store: *mut nearcache_store,
    delay: u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        unsafe { nearcache_store::borrow(store)? }.flush_all(delay)?;
        Ok(NEARCACHE_OK)
    })
}
