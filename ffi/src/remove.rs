//! The verbs that end an item or move its end: touch, delete, delete_cas.

use std::ffi::c_void;

use nearcache::{Deletion, Expiry, Touch};

use crate::border::{bytes, cross};
use crate::cache::nearcache_cache;
use crate::status::{NEARCACHE_EXISTS, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// Gives the item a new expiry; its unique stays.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOMEM (the item had to be moved to be touched), NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_touch(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    exptime: i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (cache, key) =
            unsafe { (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?) };
        Ok(match cache.touch(key, Expiry::from_exptime(exptime))? {
            Touch::Touched => NEARCACHE_OK,
            Touch::Missing => NEARCACHE_MISS,
        })
    })
}

/// Removes the item.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_delete(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (cache, key) =
            unsafe { (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?) };
        Ok(deleted(cache.delete(key)?))
    })
}

/// Removes the item only if its unique is still `unique`, as nearcache_gets() told it.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_EXISTS (the item was changed), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_delete_cas(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    unique: u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (cache, key) =
            unsafe { (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?) };
        Ok(deleted(cache.delete_cas(key, unique)?))
    })
}

pub(crate) fn deleted(answer: Deletion) -> nearcache_status {
    match answer {
        Deletion::Deleted => NEARCACHE_OK,
        Deletion::Missing => NEARCACHE_MISS,
        Deletion::Exists => NEARCACHE_EXISTS,
    }
}
