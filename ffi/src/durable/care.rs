//! The store as a whole: its numbers, and the long work of looking after it.

use std::ffi::{CString, c_char, c_void};

use ::nearcache_store::{Error, GoOn, Progress};

use super::handle::nearcache_store;
use crate::border::{Out, cross, string};
use crate::region::{self, text};
use crate::stats::nearcache_stat_fn;
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// Called by nearcache_store_backup(), nearcache_store_verify() and nearcache_store_compact() now and then: `done` of
/// about `of` entries (keyspaces, for nearcache_store_compact()) are done. 0 goes on; anything else ends the work with
/// NEARCACHE_STOPPED. It may call any nearcache function. It returns normally: no longjmp, no exception.
pub type nearcache_progress_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, done: u64, of: u64) -> i32>;

/// Calls `stat` for each number of a store: memcached's names ("cmd_get", "curr_items", "bytes"), those of the near tier
/// ("near_hits"), of what is written ("batches", "syncs", "synced_sequence") and of the disk ("disk_bytes"). More may be
/// added; their order has no meaning.
///
/// Lifetimes: a name is valid until `stat` returns.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; the failures of nearcache_store_get().
/// Threads: any; `stat` runs in the calling thread. The numbers are read one by one, not at one instant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_stats(
    store: *mut nearcache_store,
    stat: nearcache_stat_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let store = unsafe { nearcache_store::borrow(store)? };
        let stat = stat.ok_or(Failure::Null("stat"))?;
        let stats: Vec<(CString, u64)> =
            store.stats()?.iter().map(|(name, value)| (text(name.as_bytes()), *value)).collect();
        for (name, value) in &stats {
            // SAFETY: the caller gives a function of this type, which returns normally; the name lives until then.
            unsafe { stat(user, name.as_ptr(), *value) };
        }
        Ok(NEARCACHE_OK)
    })
}

/// Reads one number of a store by its name. A name that this library does not know is NEARCACHE_MISS.
///
/// Lifetimes: `name`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (no such number); the failures of nearcache_store_get().
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_stat(
    store: *mut nearcache_store,
    name: *const c_char,
    value_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles, strings and outputs.
        let (store, name, value_out) = unsafe {
            (
                nearcache_store::borrow(store)?,
                string("name", name)?,
                Out::required("value_out", value_out)?,
            )
        };
        match store.stats()?.iter().find(|(known, _)| known.as_bytes() == name) {
            Some((_, value)) => {
                value_out.write(*value);
                Ok(NEARCACHE_OK)
            }
            None => Ok(NEARCACHE_MISS),
        }
    })
}

/// Copies everything, items and messages, as of now, to a new directory, which is a store that can be opened, while
/// others go on. Over a socket the directory is one of the daemon's machine. If it fails or is stopped, the directory
/// holds what is no store yet, and may be given again.
///
/// Lifetimes: `directory`, a terminated string, is borrowed for the call.
/// NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_STOPPED, NEARCACHE_IN_USE and NEARCACHE_FOREIGN (of the new directory, which must be
/// empty, or not there), NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, the failures of nearcache_store_get().
/// Threads: any; `progress` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_backup(
    store: *mut nearcache_store,
    directory: *const c_char,
    progress: nearcache_progress_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and strings.
        let (store, directory) =
            unsafe { (nearcache_store::borrow(store)?, string("directory", directory)?) };
        if directory.is_empty() {
            return Err(Failure::Invalid(
                "`directory` is empty: where is the backup to go?".into(),
            ));
        }
        let to = region::path(directory).to_owned();
        long(progress, user, |go_on| store.backup(to, go_on))
    })
}

/// Reads everything and counts it again; the first thing that is wrong is the sentence of NEARCACHE_CORRUPT. Others go
/// on meanwhile.
///
/// Lifetimes: none.
/// NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_STOPPED, the failures of nearcache_store_get().
/// Threads: any; `progress` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_verify(
    store: *mut nearcache_store,
    progress: nearcache_progress_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let store = unsafe { nearcache_store::borrow(store)? };
        long(progress, user, |go_on| store.verify(go_on))
    })
}

/// Rewrites the files without what was removed, while others go on.
///
/// Lifetimes: none.
/// NULL: `progress` may be NULL, then it goes on to the end; `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_STOPPED, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE, the failures of
/// nearcache_store_get().
/// Threads: any; `progress` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_compact(
    store: *mut nearcache_store,
    progress: nearcache_progress_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let store = unsafe { nearcache_store::borrow(store)? };
        long(progress, user, |go_on| store.compact(go_on))
    })
}

fn long(
    progress: nearcache_progress_fn,
    user: *mut c_void,
    work: impl FnOnce(GoOn<'_>) -> Result<(), Error>,
) -> Result<nearcache_status, Failure> {
    work(&mut |now: Progress| {
        // SAFETY: the caller gives a function of this type, which returns normally.
        progress.is_none_or(|progress| unsafe { progress(user, now.done, now.of) == 0 })
    })?;
    Ok(NEARCACHE_OK)
}
