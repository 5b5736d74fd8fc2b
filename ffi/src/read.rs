//! The reading verbs: get, gets, gat, contains, get_many.

use std::ffi::c_void;

use nearcache::Expiry;

use crate::border::{Buffer, GET, GETS, Out, Own, bytes, cross};
use crate::cache::nearcache_cache;
use crate::item::{nearcache_bytes, nearcache_item};
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// Called by nearcache_get_many() and nearcache_store_get_many() for each hit: `index` is the key's place among the
/// keys, `value` holds item->len bytes. What the pointers point to is gone when it returns. It may call any nearcache
/// function. It returns normally: no longjmp, no exception.
pub type nearcache_hit_fn = Option<
    unsafe extern "C" fn(
        user: *mut c_void,
        index: usize,
        item: *const nearcache_item,
        value: *const c_void,
    ),
>;

/// Copies a value into the caller's buffer. With `buffer` NULL and `capacity` 0 it asks for the length.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0; `flags_out` may be NULL.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the outputs), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_get(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    buffer: *mut c_void,
    capacity: usize,
    len_out: *mut usize,
    flags_out: *mut u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (cache, key, buffer, len_out, flags_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("len_out", len_out)?,
                Out::nullable(flags_out),
            )
        };
        let mut buffer = Own::<GET>(buffer);
        let Some(meta) = cache.get_to(key, &mut buffer)? else {
            return Ok(NEARCACHE_MISS);
        };
        len_out.write(meta.len);
        if let Some(flags_out) = flags_out {
            flags_out.write(meta.flags);
        }
        Ok(buffer.0.status(meta.len))
    })
}

/// Copies a value into the caller's buffer and tells all about the item: length, flags, unique, time left.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_gets(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    buffer: *mut c_void,
    capacity: usize,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (cache, key, buffer, item_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("item_out", item_out)?,
            )
        };
        let mut buffer = Own::<GETS>(buffer);
        let Some(meta) = cache.get_to(key, &mut buffer)? else {
            return Ok(NEARCACHE_MISS);
        };
        item_out.write(meta.into());
        Ok(buffer.0.status(meta.len))
    })
}

/// Get and touch: as nearcache_gets(), and the item gets a new expiry. If the buffer is too short the item is
/// left as it was, so that the call can be made again with a longer one.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOMEM (the item had to be moved to be touched), NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_gat(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    exptime: i64,
    buffer: *mut c_void,
    capacity: usize,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in, bytes out and outputs.
        let (cache, key, mut buffer, item_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                bytes("key", key, key_len)?,
                Buffer::new(buffer, capacity)?,
                Out::required("item_out", item_out)?,
            )
        };
        let expiry = Expiry::from_exptime(exptime);
        if let Some(meta) = cache.peek(key)?
            && meta.len > capacity
        {
            item_out.write(meta.into());
            return Ok(buffer.status(meta.len));
        }
        let Some(meta) = cache.gat_to(key, expiry, &mut buffer)? else {
            return Ok(NEARCACHE_MISS);
        };
        item_out.write(meta.into());
        Ok(buffer.status(meta.len))
    })
}

/// Is the key present? Copies nothing and counts no hit.
///
/// Lifetimes: `key` is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK (present), NEARCACHE_MISS; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_contains(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in.
        let (cache, key) =
            unsafe { (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?) };
        Ok(if cache.contains(key)? { NEARCACHE_OK } else { NEARCACHE_MISS })
    })
}

/// Calls `hit` for each of `count` keys that is present, in the order of the keys; a key given twice is met
/// twice. It is faster than as many gets, for it fetches memory for all keys together. A bad key fails the call
/// before anything is read.
///
/// Lifetimes: `keys` and what they point to are borrowed for the call; what `hit` is given, for its call.
/// NULL: `keys` may be NULL if `count` is 0; `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK (also if nothing was hit); NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any; `hit` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_get_many(
    cache: *mut nearcache_cache,
    keys: *const nearcache_bytes,
    count: usize,
    hit: nearcache_hit_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in, here an array of them.
        let (cache, keys) = unsafe { (nearcache_cache::borrow(cache)?, key_array(keys, count)?) };
        let hit = hit.ok_or(Failure::Null("hit"))?;
        cache.get_many(keys, |index, meta, value| {
            let item = nearcache_item::from(meta);
            // SAFETY: the caller gives a function of this type, which returns normally; the item and the value
            // live until it does.
            unsafe { hit(user, index, &raw const item, value.as_ptr().cast()) }
        })?;
        Ok(NEARCACHE_OK)
    })
}

/// A key of the array, once it is known to be good.
#[repr(transparent)]
pub(crate) struct Key(nearcache_bytes);

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        if self.0.data.is_null() {
            return &[];
        }
        // SAFETY: `key_array` checked the length, and the caller promised the bytes for the call.
        unsafe { std::slice::from_raw_parts(self.0.data.cast(), self.0.len) }
    }
}

/// # Safety
/// `keys` is NULL or holds `count` elements, and each element's bytes are as for [`bytes`]; the caller of
/// the C function guarantees it.
pub(crate) unsafe fn key_array<'a>(
    keys: *const nearcache_bytes,
    count: usize,
) -> Result<&'a [Key], Failure> {
    if keys.is_null() && count == 0 {
        return Ok(&[]);
    }
    if keys.is_null() {
        return Err(Failure::Null("keys"));
    }
    if count > isize::MAX as usize / size_of::<nearcache_bytes>() {
        return Err(Failure::Invalid(format!("`count` is {count}: no array is that long")));
    }
    // SAFETY: the caller's promise; Key is transparent over the element.
    let keys: &[Key] = unsafe { std::slice::from_raw_parts(keys.cast(), count) };
    for Key(key) in keys {
        // SAFETY: the caller's promise about each element.
        unsafe { bytes("keys[].data", key.data, key.len)? };
    }
    Ok(keys)
}
