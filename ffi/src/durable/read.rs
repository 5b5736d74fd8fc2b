//! The reading verbs of a store: get, gets, gat, get_many.

use std::ffi::c_void;

use ::nearcache_store::Value;
use nearcache::Expiry;

use super::handle::nearcache_store;
use crate::border::{Buffer, Out, bytes, cross};
use crate::item::{NEARCACHE_TTL_NEVER, nearcache_bytes, nearcache_item};
use crate::read::{key_array, nearcache_hit_fn};
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

impl From<&Value> for nearcache_item {
    fn from(value: &Value) -> Self {
        nearcache_item {
            cas: value.cas,
            ttl: value.ttl.map_or(NEARCACHE_TTL_NEVER, i64::from),
            len: value.data.len(),
            flags: value.flags,
            state: 0,
        }
    }
}

/// Copies a value into the caller's buffer. With `buffer` NULL and `capacity` 0 it asks for the length. A hot key is
/// read from the near tier, over a socket too if the daemon shares its own.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0; `flags_out` may be NULL.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the outputs), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_CORRUPT, NEARCACHE_SYSTEM, NEARCACHE_CLOSED, NEARCACHE_FORKED, NEARCACHE_CONNECTION,
/// NEARCACHE_UNSUPPORTED (the daemon has no such role, or is of another version), NEARCACHE_PANIC.
/// Threads: any; what is not near waits for the disk, or for the daemon.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_get(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    buffer: *mut c_void,
    capacity: usize,
    len_out: *mut usize,
    flags_out: *mut u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (store, key, buffer, len_out, flags_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("len_out", len_out)?,
                Out::nullable(flags_out),
            )
        };
        let Some(value) = store.get(key)? else {
            return Ok(NEARCACHE_MISS);
        };
        len_out.write(value.data.len());
        if let Some(flags_out) = flags_out {
            flags_out.write(value.flags);
        }
        Ok(buffer.fill(&value.data))
    })
}

/// Copies a value into the caller's buffer and tells all about the item: length, flags, unique, time left.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
/// the failures of nearcache_store_get().
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_gets(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    buffer: *mut c_void,
    capacity: usize,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (store, key, buffer, item_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("item_out", item_out)?,
            )
        };
        let Some(value) = store.get(key)? else {
            return Ok(NEARCACHE_MISS);
        };
        item_out.write((&value).into());
        Ok(buffer.fill(&value.data))
    })
}

/// Get and touch: as nearcache_store_gets(), and the item gets a new expiry. If the buffer is too short the item is
/// left as it was, so that the call can be made again with a longer one. It is a write.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
/// the failures of nearcache_store_set().
/// Threads: any; it waits until the write is safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_gat(
    store: *mut nearcache_store,
    key: *const c_void,
    key_len: usize,
    exptime: i64,
    buffer: *mut c_void,
    capacity: usize,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (store, key, buffer, item_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("item_out", item_out)?,
            )
        };
        let found = match store.get(key)? {
            Some(value) if value.data.len() > capacity => Some(value),
            Some(_) => store.gat(key, Expiry::from_exptime(exptime))?,
            None => None,
        };
        let Some(value) = found else {
            return Ok(NEARCACHE_MISS);
        };
        item_out.write((&value).into());
        Ok(buffer.fill(&value.data))
    })
}

/// Calls `hit` for each of `count` keys that is present, in the order of the keys; a key given twice is met twice.
/// Over a socket it is one question. A bad key fails the call before anything is read. It is no snapshot: each key is
/// read at a moment of its own.
///
/// Lifetimes: `keys` and what they point to are borrowed for the call; what `hit` is given, for its call.
/// NULL: `keys` may be NULL if `count` is 0; `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK (also if nothing was hit); the failures of nearcache_store_get().
/// Threads: any; `hit` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_get_many(
    store: *mut nearcache_store,
    keys: *const nearcache_bytes,
    count: usize,
    hit: nearcache_hit_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in, here an array of them.
        let (store, keys) = unsafe { (nearcache_store::borrow(store)?, key_array(keys, count)?) };
        let hit = hit.ok_or(Failure::Null("hit"))?;
        for (index, found) in store.get_many(keys)?.into_iter().enumerate() {
            let Some(value) = found else { continue };
            let item = nearcache_item::from(&value);
            // SAFETY: the caller gives a function of this type, which returns normally; the item and the value live
            // until it does.
            unsafe { hit(user, index, &raw const item, value.data.as_ptr().cast()) }
        }
        Ok(NEARCACHE_OK)
    })
}
