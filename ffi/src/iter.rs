//! `nearcache_iter`: a weakly consistent walk over the items, or over the keys alone.

use std::ffi::c_void;
use std::sync::Arc;

use nearcache::{Cache, Entries, Entry, Keys};

use crate::border::{Out, bytes, cross, cross_quietly};
use crate::cache::nearcache_cache;
use crate::item::{NEARCACHE_TTL_NEVER, nearcache_bytes, nearcache_item};
use crate::status::{Failure, NEARCACHE_END, NEARCACHE_OK, nearcache_status};

/// A flag of nearcache_iter_open(): walk over the keys alone, without copying values.
pub const NEARCACHE_KEYS_ONLY: u32 = 1;

/// A walk over a cache. Made by nearcache_iter_open(), given back by nearcache_iter_close().
pub struct nearcache_iter {
    // Dropped in this order: the walk borrows the cache and goes first.
    walk: Walk,
    met: Option<Met>,
    prefix: Vec<u8>,
    _cache: Arc<Cache>,
}

enum Walk {
    Items(Entries<'static>),
    Keys(Keys<'static>),
}

/// What the walk stands at; its bytes are lent to the caller until the next step.
enum Met {
    Item(Entry),
    Key(Vec<u8>),
}

impl nearcache_iter {
    fn new(cache: Arc<Cache>, prefix: &[u8], keys_only: bool) -> Self {
        // SAFETY: the Cache sits inside the Arc, so it neither moves nor dies before the walk: the struct drops
        // the walk before its share of the Arc, and gives no reference to the cache out.
        let lasting: &'static Cache = unsafe { &*Arc::as_ptr(&cache) };
        let walk =
            if keys_only { Walk::Keys(lasting.keys(prefix)) } else { Walk::Items(lasting.iter()) };
        nearcache_iter { walk, met: None, prefix: prefix.to_vec(), _cache: cache }
    }

    fn step(&mut self) -> Option<&Met> {
        self.met = match &mut self.walk {
            Walk::Items(items) => {
                items.find(|entry| entry.key.starts_with(&self.prefix)).map(Met::Item)
            }
            Walk::Keys(keys) => keys.next().map(Met::Key),
        };
        self.met.as_ref()
    }
}

/// Begins a walk over the items whose keys start with `prefix`; no prefix is all of them. It is weakly
/// consistent: what is there throughout is met once; what comes, goes or changes meanwhile may or may not be
/// met. It has no order. It counts no hits.
///
/// Lifetimes: `prefix` is borrowed for the call. The iterator is the caller's, until nearcache_iter_close(); it
/// may outlive nearcache_close().
/// NULL: `prefix` may be NULL if `prefix_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (also for a flag other than NEARCACHE_KEYS_ONLY), NEARCACHE_PANIC.
/// Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_iter_open(
    cache: *mut nearcache_cache,
    prefix: *const c_void,
    prefix_len: usize,
    flags: u32,
    iter_out: *mut *mut nearcache_iter,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (cache, prefix, iter_out) = unsafe {
            (
                nearcache_cache::share(cache)?,
                bytes("prefix", prefix, prefix_len)?,
                Out::required("iter_out", iter_out)?,
            )
        };
        if flags & !NEARCACHE_KEYS_ONLY != 0 {
            return Err(Failure::Invalid(format!(
                "`flags` is {flags:#x}: the only flag is NEARCACHE_KEYS_ONLY"
            )));
        }
        let iter = nearcache_iter::new(cache, prefix, flags & NEARCACHE_KEYS_ONLY != 0);
        iter_out.write(Box::into_raw(Box::new(iter)));
        Ok(NEARCACHE_OK)
    })
}

/// Takes the next step of a walk. After NEARCACHE_END it may be called again and says so again.
///
/// Lifetimes: *key_out and *value_out are valid until the next step, or nearcache_iter_close().
/// NULL: `value_out` and `item_out` may be NULL, and must be if the iterator was opened with
/// NEARCACHE_KEYS_ONLY.
/// Returns: NEARCACHE_OK, NEARCACHE_END; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: one at a time for each iterator. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_iter_next(
    iter: *mut nearcache_iter,
    key_out: *mut nearcache_bytes,
    value_out: *mut nearcache_bytes,
    item_out: *mut nearcache_item,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about outputs, and that `iter` is NULL or an open iterator that no other
        // thread is using.
        let (iter, key_out, value_out, item_out) = unsafe {
            (
                iter.as_mut().ok_or(Failure::Null("iter"))?,
                Out::required("key_out", key_out)?,
                Out::nullable(value_out),
                Out::nullable(item_out),
            )
        };
        if matches!(iter.walk, Walk::Keys(_)) && (value_out.is_some() || item_out.is_some()) {
            return Err(Failure::Invalid(
                "the iterator was opened with NEARCACHE_KEYS_ONLY: `value_out` and `item_out` must be NULL"
                    .to_owned(),
            ));
        }
        match iter.step() {
            None => return Ok(NEARCACHE_END),
            Some(Met::Key(key)) => key_out.write(lent(key)),
            Some(Met::Item(entry)) => {
                key_out.write(lent(&entry.key));
                if let Some(value_out) = value_out {
                    value_out.write(lent(&entry.value.data));
                }
                if let Some(item_out) = item_out {
                    item_out.write(item_of(entry));
                }
            }
        }
        Ok(NEARCACHE_OK)
    })
}

/// Ends a walk.
///
/// Lifetimes: the iterator, and what its last step gave, are dead afterwards.
/// NULL: `iter` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, also another than the one that opened it. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_iter_close(iter: *mut nearcache_iter) {
    cross_quietly(|| {
        if !iter.is_null() {
            // SAFETY: it came from Box::into_raw in nearcache_iter_open(), and the caller gives it back once.
            drop(unsafe { Box::from_raw(iter) });
        }
    });
}

pub(crate) fn lent(bytes: &[u8]) -> nearcache_bytes {
    nearcache_bytes { data: bytes.as_ptr().cast(), len: bytes.len() }
}

fn item_of(entry: &Entry) -> nearcache_item {
    nearcache_item {
        cas: entry.value.cas,
        ttl: entry.value.ttl.map_or(NEARCACHE_TTL_NEVER, i64::from),
        len: entry.value.data.len(),
        flags: entry.value.flags,
        state: 0,
    }
}

// The header promises that any thread may step an iterator, one at a time.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<nearcache_iter>();
};
