//! memcached's meta get, and invalidate, its partner.

use std::ffi::c_void;

use nearcache::{Expiry, MetaGet, Touch};

use crate::border::{Buffer, Out, bytes, cross};
use crate::cache::nearcache_cache;
use crate::item::nearcache_item;
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// A bit of nearcache_ask.wishes: on a miss, make an empty item with the expiry `vivify`, and win it.
pub const NEARCACHE_ASK_VIVIFY: u32 = 1;
/// A bit of nearcache_ask.wishes: if fewer than `recache` seconds are left, the first to ask wins the recache.
pub const NEARCACHE_ASK_RECACHE: u32 = 2;
/// A bit of nearcache_ask.wishes: give the item the expiry `touch`.
pub const NEARCACHE_ASK_TOUCH: u32 = 4;

/// The wishes of nearcache_meta_get(). Fields whose bit is not set are ignored.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nearcache_ask {
    /// NEARCACHE_ASK_ bits.
    pub wishes: u32,
    /// Seconds.
    pub recache: u32,
    /// An exptime.
    pub vivify: i64,
    /// An exptime.
    pub touch: i64,
}

impl nearcache_ask {
    fn parse(&self) -> Result<MetaGet, Failure> {
        let unknown =
            self.wishes & !(NEARCACHE_ASK_VIVIFY | NEARCACHE_ASK_RECACHE | NEARCACHE_ASK_TOUCH);
        if unknown != 0 {
            return Err(Failure::Invalid(format!(
                "ask->wishes has the unknown bits {unknown:#x}; the known ones are \
                 NEARCACHE_ASK_VIVIFY, NEARCACHE_ASK_RECACHE and NEARCACHE_ASK_TOUCH"
            )));
        }
        let wished = |bit: u32| self.wishes & bit != 0;
        Ok(MetaGet {
            vivify: wished(NEARCACHE_ASK_VIVIFY).then(|| Expiry::from_exptime(self.vivify)),
            recache: wished(NEARCACHE_ASK_RECACHE).then_some(self.recache),
            touch: wished(NEARCACHE_ASK_TOUCH).then(|| Expiry::from_exptime(self.touch)),
            ..MetaGet::default()
        })
    }
}

/// A get that can vivify, win a recache, and see staleness: memcached's `mg`. item_out->state tells whether this
/// caller won the right to store the item anew (WON), whether another had won it before (SENT), whether the
/// item is stale (STALE), and whether it had been read before (HIT_BEFORE). A vivified miss is NEARCACHE_OK with
/// an empty value and WON. The wishes are fulfilled also if the buffer is too short.
///
/// Lifetimes: `key`, `ask` and `buffer` are borrowed for the call.
/// NULL: `ask` may be NULL, for no wishes; `buffer` may be NULL if `capacity` is 0.
/// Returns: NEARCACHE_OK and NEARCACHE_SHORT_BUFFER (both write the output), NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_TOO_BIG, NEARCACHE_NOMEM (vivifying or touching found no memory),
/// NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_meta_get(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    ask: *const nearcache_ask,
    buffer: *mut c_void,
    capacity: usize,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in (`ask` is NULL or a whole struct), bytes out
        // and outputs.
        let (cache, key, ask, mut buffer, item_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                bytes("key", key, key_len)?,
                ask.as_ref(),
                Buffer::new(buffer, capacity)?,
                Out::required("item_out", item_out)?,
            )
        };
        let ask = ask.map_or(Ok(MetaGet::default()), nearcache_ask::parse)?;
        let Some(hit) = cache.meta_get(key, ask, &mut buffer)? else {
            return Ok(NEARCACHE_MISS);
        };
        item_out.write(hit.into());
        Ok(buffer.status(hit.meta.len))
    })
}

/// Marks the item stale and gives it a new unique: readers by nearcache_get() still see it, the next
/// nearcache_meta_get() or nearcache_lease() wins the right to store it anew, and a nearcache_cas() begun before
/// fails. With `exptime` the item gets a new expiry as well: the time that its stale value may still serve.
///
/// Lifetimes: `key` and `exptime` are borrowed for the call.
/// NULL: `exptime` may be NULL; the expiry then stays.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS;
/// NEARCACHE_INVALID, NEARCACHE_NOMEM, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_invalidate(
    cache: *mut nearcache_cache,
    key: *const c_void,
    key_len: usize,
    exptime: *const i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and bytes in (`exptime` is NULL or a number).
        let (cache, key, exptime) = unsafe {
            (nearcache_cache::borrow(cache)?, bytes("key", key, key_len)?, exptime.as_ref())
        };
        let expiry = exptime.map(|&exptime| Expiry::from_exptime(exptime));
        Ok(match cache.invalidate(key, expiry)? {
            Touch::Touched => NEARCACHE_OK,
            Touch::Missing => NEARCACHE_MISS,
        })
    })
}
