//! `nearcache_lease`: one caller fills, the others wait. Built on the meta get's vivify, so that leases and meta
//! commands through any other face of the cache mean the same.

use std::ffi::c_void;

use nearcache::{Expiry, MetaGet, MetaHit};

use crate::border::{Buffer, Out, bytes, cross};
use crate::cache::nearcache_cache;
use crate::item::nearcache_item;
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_WAIT, NEARCACHE_WON, nearcache_status};

/// A get for cache-aside use that keeps a crowd from computing one missing value together. Three answers:
///
/// - Hit (NEARCACHE_OK): here is the value.
/// - Won (NEARCACHE_WON): there is none. This caller computes it and stores it with nearcache_cas() and
///   item_out->cas, within `lease_seconds`. If that cas says NEARCACHE_MISS or NEARCACHE_EXISTS, the key was
///   deleted, invalidated or stored meanwhile, or the lease ran out: the value computed may be old and is
///   rightly not stored. To give up early, call nearcache_delete_cas() with the same unique.
/// - Wait (NEARCACHE_WAIT): there is none, and another caller is at it. Ask again later, or compute the value
///   without storing it. If the winner never stores, the lease runs out and the next to ask wins.
///
/// After nearcache_invalidate() there is a stale value: won and wait then come with it, item_out->state has
/// NEARCACHE_STATE_STALE, item_out->len is its length, and its bytes are in the buffer if they fit (item_out->len
/// <= capacity). It may serve in the meantime. The right to refresh a stale value is given once; if the winner
/// never stores, the value stays stale until its own expiry, so give nearcache_invalidate() an exptime.
///
/// While a lease on a missing key runs, the key holds an empty item: nearcache_get() hits it and nearcache_add()
/// does not store. Read such keys by nearcache_lease(). An empty value whose recache was won through
/// nearcache_meta_get() cannot be told from a lease and is answered with wait.
///
/// Lifetimes: `key` and `buffer` are borrowed for the call.
/// NULL: `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK, NEARCACHE_SHORT_BUFFER (a hit), NEARCACHE_WON, NEARCACHE_WAIT (all write the output);
/// NEARCACHE_INVALID (also if `lease_seconds` is 0), NEARCACHE_TOO_BIG, NEARCACHE_NOMEM (there is no room for
/// the lease), NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_lease(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    lease_seconds: u32,
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
        if lease_seconds == 0 {
            return Err(Failure::Invalid(
                "`lease_seconds` is 0: a lease lasts 1 second or more".to_owned(),
            ));
        }
        let ask = MetaGet { vivify: Some(Expiry::After(lease_seconds)), ..MetaGet::default() };
        let Some(hit) = cache.meta_get(key, ask, &mut buffer)? else {
            // A vivify of a missing key stores or fails; a miss would mean it was evicted in between.
            return Ok(NEARCACHE_MISS);
        };
        item_out.write(hit.into());
        Ok(state(&hit).unwrap_or_else(|| buffer.status(hit.meta.len)))
    })
}

/// The lease's status, or `None` for a hit.
fn state(hit: &MetaHit) -> Option<nearcache_status> {
    if hit.won {
        Some(NEARCACHE_WON)
    } else if hit.sent && (hit.stale || hit.meta.len == 0) {
        // A recache under way of a live value (sent, neither stale nor empty) is a hit.
        Some(NEARCACHE_WAIT)
    } else {
        None
    }
}
