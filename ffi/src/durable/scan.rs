//! `nearcache_store_iter`: a walk over keys in their order, page by page.

use std::ffi::c_void;
use std::vec;

use ::nearcache_store::{Durable, Entry, Range, Snapshot};

use super::handle::nearcache_store;
use crate::border::{Out, bytes, cross, cross_quietly};
use crate::item::{nearcache_bytes, nearcache_item};
use crate::iter::lent;
use crate::status::{Failure, NEARCACHE_END, NEARCACHE_OK, nearcache_status};

/// A flag of nearcache_store_iter_range(): without `start` itself.
pub const NEARCACHE_LEFT_OPEN: u32 = 1;
/// A flag of nearcache_store_iter_range(): without `end` itself.
pub const NEARCACHE_RIGHT_OPEN: u32 = 2;
/// A flag of nearcache_store_iter_open() and nearcache_store_iter_range(): everything as of the call, whatever is
/// written meanwhile; of a directory alone.
pub const NEARCACHE_SNAPSHOT: u32 = 4;

/// Entries of the first page, and of the largest; and bytes of values after which pages grow no more.
const PAGE_FIRST: usize = 16;
const PAGE_MAX: usize = 1024;
const PAGE_BYTES: usize = 1 << 20;

/// A walk over a store. Made by nearcache_store_iter_open() or nearcache_store_iter_range(), given back by
/// nearcache_store_iter_close().
pub struct nearcache_store_iter {
    store: Durable,
    snapshot: Option<Snapshot>,
    start: Vec<u8>,
    left_open: bool,
    end: Vec<u8>,
    right_open: bool,
    page: vec::IntoIter<Entry>,
    /// Entries that are asked for with the next page; `None`: there is none.
    next: Option<usize>,
    /// What the walk stands at; its bytes are lent to the caller until the next step.
    met: Option<Entry>,
}

// The header promises that any thread may step an iterator, one at a time.
const _: () = {
    const fn sent<T: Send>() {}
    sent::<nearcache_store_iter>();
};

impl nearcache_store_iter {
    /// An empty `end` is behind the last key.
    fn new(store: &Durable, start: &[u8], end: &[u8], flags: u32) -> Result<Self, Failure> {
        Ok(nearcache_store_iter {
            store: store.clone(),
            snapshot: (flags & NEARCACHE_SNAPSHOT != 0).then(|| store.snapshot()).transpose()?,
            start: start.to_vec(),
            left_open: flags & NEARCACHE_LEFT_OPEN != 0,
            end: end.to_vec(),
            right_open: flags & NEARCACHE_RIGHT_OPEN != 0,
            page: Vec::new().into_iter(),
            next: Some(PAGE_FIRST),
            met: None,
        })
    }

    fn step(&mut self) -> Result<Option<&Entry>, Failure> {
        if self.page.as_slice().is_empty()
            && let Some(max) = self.next
        {
            self.turn(max)?;
        }
        self.met = self.page.next();
        Ok(self.met.as_ref())
    }

    /// Fetches the next page. One that fails may be fetched again.
    fn turn(&mut self, max: usize) -> Result<(), Failure> {
        let (start, end) = (&self.start, &self.end);
        let page = match &self.snapshot {
            Some(snapshot) => snapshot.rget(start, end, self.left_open, self.right_open, max)?,
            None => self.store.rget(start, end, self.left_open, self.right_open, max)?,
        };
        let bytes: usize = page.iter().map(|entry| entry.value.data.len()).sum();
        let larger = if bytes < PAGE_BYTES { (max * 2).min(PAGE_MAX) } else { (max / 2).max(1) };
        self.next = (page.len() == max).then_some(larger);
        if let Some(last) = page.last() {
            self.start.clone_from(&last.key);
            self.left_open = true;
        }
        self.page = page.into_iter();
        Ok(())
    }
}

/// Begins a walk over the items whose keys start with `prefix`, in the order of the keys' bytes; no prefix is all of
/// them. The items of a page (some of those that follow) are of one moment, the pages are not, unless
/// NEARCACHE_SNAPSHOT is given.
///
/// Lifetimes: `prefix` is borrowed for the call. The iterator is the caller's, until nearcache_store_iter_close(); it
/// may outlive nearcache_store_close(), and keeps the store open.
/// NULL: `prefix` may be NULL if `prefix_len` is 0.
/// Returns: NEARCACHE_OK; NEARCACHE_UNSUPPORTED (NEARCACHE_SNAPSHOT over a socket), the failures of
/// nearcache_store_get().
/// Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_iter_open(
    store: *mut nearcache_store,
    prefix: *const c_void,
    prefix_len: usize,
    flags: u32,
    iter_out: *mut *mut nearcache_store_iter,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (store, prefix, iter_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                bytes("prefix", prefix, prefix_len)?,
                Out::required("iter_out", iter_out)?,
            )
        };
        check_flags(flags, NEARCACHE_SNAPSHOT, "the only flag is NEARCACHE_SNAPSHOT")?;
        let end = Range::end_of_prefix(prefix).unwrap_or_default();
        let iter = nearcache_store_iter::new(store, prefix, &end, flags | NEARCACHE_RIGHT_OPEN)?;
        iter_out.write(Box::into_raw(Box::new(iter)));
        Ok(NEARCACHE_OK)
    })
}

/// Begins a walk over the items from the key `start` to the key `end`, in the order of the keys' bytes; both belong to
/// it, unless NEARCACHE_LEFT_OPEN or NEARCACHE_RIGHT_OPEN says otherwise. An empty `end` is behind the last key.
///
/// Lifetimes: `start` and `end` are borrowed for the call. The iterator as from nearcache_store_iter_open().
/// NULL: `start` may be NULL if `start_len` is 0, `end` if `end_len` is 0.
/// Returns: as nearcache_store_iter_open().
/// Threads: any; the other threads go on reading and writing. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_iter_range(
    store: *mut nearcache_store,
    start: *const c_void,
    start_len: usize,
    end: *const c_void,
    end_len: usize,
    flags: u32,
    iter_out: *mut *mut nearcache_store_iter,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, bytes in and outputs.
        let (store, start, end, iter_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                bytes("start", start, start_len)?,
                bytes("end", end, end_len)?,
                Out::required("iter_out", iter_out)?,
            )
        };
        check_flags(
            flags,
            NEARCACHE_LEFT_OPEN | NEARCACHE_RIGHT_OPEN | NEARCACHE_SNAPSHOT,
            "the flags are NEARCACHE_LEFT_OPEN, NEARCACHE_RIGHT_OPEN and NEARCACHE_SNAPSHOT",
        )?;
        let iter = nearcache_store_iter::new(store, start, end, flags)?;
        iter_out.write(Box::into_raw(Box::new(iter)));
        Ok(NEARCACHE_OK)
    })
}

/// Takes the next step of a walk. After NEARCACHE_END it may be called again and says so again; after a failure it
/// tries again where it was.
///
/// Lifetimes: *key_out and *value_out are valid until the next step, or nearcache_store_iter_close().
/// NULL: `value_out` and `item_out` may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_END; the failures of nearcache_store_get(), of which NEARCACHE_CLOSED means that
/// a failure of the disk has ended the snapshot.
/// Threads: one at a time for each iterator. An iterator must not be used in a forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_iter_next(
    iter: *mut nearcache_store_iter,
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
        let Some(entry) = iter.step()? else {
            return Ok(NEARCACHE_END);
        };
        key_out.write(lent(&entry.key));
        if let Some(value_out) = value_out {
            value_out.write(lent(&entry.value.data));
        }
        if let Some(item_out) = item_out {
            item_out.write((&entry.value).into());
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
pub unsafe extern "C" fn nearcache_store_iter_close(iter: *mut nearcache_store_iter) {
    cross_quietly(|| {
        if !iter.is_null() {
            // SAFETY: it came from Box::into_raw above, and the caller gives it back once.
            drop(unsafe { Box::from_raw(iter) });
        }
    });
}

fn check_flags(flags: u32, known: u32, say: &str) -> Result<(), Failure> {
    match flags & !known {
        0 => Ok(()),
        _ => Err(Failure::Invalid(format!("`flags` is {flags:#x}: {say}"))),
    }
}
