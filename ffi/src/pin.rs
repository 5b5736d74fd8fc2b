//! `nearcache_pinned`: a value read in place, and the give-back call.

use std::ffi::c_void;
use std::sync::Arc;

use nearcache::{Cache, Pin};

use crate::border::{Out, bytes, cross, cross_quietly};
use crate::cache::nearcache_cache;
use crate::item::nearcache_item;
use crate::status::{NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// A value held in place. Made by nearcache_pin(), given back by nearcache_unpin().
pub struct nearcache_pinned {
    // Dropped in this order: the pin points into the cache and goes first.
    _pin: Pin<'static>,
    _cache: Arc<Cache>,
}

/// Reads a value in place, without a copy. Its bytes neither move nor change while the pin lives, whatever
/// happens to the key; the pin may be kept across any other calls, nearcache_close() included. While pins
/// live, the memory around them cannot be reused: hold few, and briefly. A value that does not lie in one piece
/// (one of hundreds of KiB), or that finds too many pins held, is copied and the pin holds the copy.
///
/// Lifetimes: `key` is borrowed for the call. *value_out, item_out->len bytes, is valid until nearcache_unpin().
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any; the value may be read by all threads. A pin must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_pin(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    pinned_out: *mut *mut nearcache_pinned,
    value_out: *mut *const c_void,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (cache, key, pinned_out, value_out, item_out) = unsafe {
            (
                nearcache_cache::share(cache)?,
                bytes("key", key, key_len)?,
                Out::required("pinned_out", pinned_out)?,
                Out::required("value_out", value_out)?,
                Out::required("item_out", item_out)?,
            )
        };
        let Some(pin) = cache.pin(key)? else {
            return Ok(NEARCACHE_MISS);
        };
        value_out.write(pin.as_ptr().cast());
        item_out.write(pin.meta().into());
        // SAFETY: the pin borrows the Cache inside the Arc, which neither moves nor dies before it: the struct
        // drops the pin before its share of the Arc, and gives no reference out.
        let pin = unsafe { std::mem::transmute::<Pin<'_>, Pin<'static>>(pin) };
        let pinned = nearcache_pinned { _pin: pin, _cache: cache };
        pinned_out.write(Box::into_raw(Box::new(pinned)));
        Ok(NEARCACHE_OK)
    })
}

/// Gives a pin back.
///
/// Lifetimes: the pin and its value are dead afterwards.
/// NULL: `pinned` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, also another than the one that pinned. In a forked child it does nothing to the parent's pin.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_unpin(pinned: *mut nearcache_pinned) {
    cross_quietly(|| {
        if !pinned.is_null() {
            // SAFETY: it came from Box::into_raw in nearcache_pin(), and the caller gives it back once.
            drop(unsafe { Box::from_raw(pinned) });
        }
    });
}

// The header promises that any thread may give a pin back.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<nearcache_pinned>();
};
