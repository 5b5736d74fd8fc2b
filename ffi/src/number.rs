//! The numeric verbs: incr and decr, with and without an initial value.

use std::ffi::c_void;

use nearcache::{Cache, Error, Expiry};

use crate::border::{Out, bytes, cross};
use crate::cache::nearcache_cache;
use crate::status::{NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// # Safety
/// The pointers are as the header demands of the caller of the C function.
unsafe fn change(
    cache: *mut nearcache_cache,
    (key, key_len): (*const c_void, usize),
    value_out: *mut u64,
    verb: impl FnOnce(&Cache, &[u8]) -> Result<Option<u64>, Error>,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (cache, key, value_out) = unsafe {
            (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?, Out::nullable(value_out))
        };
        let Some(value) = verb(cache, key)? else {
            return Ok(NEARCACHE_MISS);
        };
        if let Some(value_out) = value_out {
            value_out.write(value);
        }
        Ok(NEARCACHE_OK)
    })
}

/// Adds to a decimal number, wrapping at 2^64. The expiry stays, the unique changes.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_incr(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { change(cache, (key, key_len), value_out, |cache, key| cache.incr(key, delta)) }
}

/// Adds to a decimal number, wrapping at 2^64. A missing key is stored as `initial`, without the delta, with this
/// `exptime`; a present one keeps its expiry.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the number now stored);
/// NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_incr_or(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    initial: u64,
    exptime: i64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe {
        change(cache, (key, key_len), value_out, |cache, key| {
            cache.incr_or(key, delta, initial, Expiry::from_exptime(exptime)).map(Some)
        })
    }
}

/// Subtracts from a decimal number, stopping at 0. The expiry stays, the unique changes.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the new number), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_decr(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe { change(cache, (key, key_len), value_out, |cache, key| cache.decr(key, delta)) }
}

/// Subtracts from a decimal number, stopping at 0. A missing key is stored as `initial`, without the delta, with this
/// `exptime`; a present one keeps its expiry.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: `value_out` may be NULL.
/// Returns: NEARCACHE_OK (writes the number now stored);
/// NEARCACHE_INVALID, NEARCACHE_NOT_NUMERIC, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_decr_or(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    delta: u64,
    initial: u64,
    exptime: i64,
    value_out: *mut u64,
) -> nearcache_status {
    // SAFETY: the pointers are passed on as the caller promised them.
    unsafe {
        change(cache, (key, key_len), value_out, |cache, key| {
            cache.decr_or(key, delta, initial, Expiry::from_exptime(exptime)).map(Some)
        })
    }
}
