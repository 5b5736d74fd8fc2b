//! The counters, under memcached's names: all of them by a callback, one by its name. Both forms let the list
//! grow without changing any struct.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use nearcache::Stats;

use crate::border::{Out, cross, string};
use crate::cache::nearcache_cache;
use crate::status::{Failure, NEARCACHE_MISS, NEARCACHE_OK, nearcache_status};

/// Called by nearcache_stats(), nearcache_store_stats() and nearcache_queue_stats() for each counter. `name` is lent for
/// the call; that of nearcache_stats() is static. It may call any nearcache function. It returns normally: no longjmp,
/// no exception.
pub type nearcache_stat_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, name: *const c_char, value: u64)>;

/// Calls `stat` for each counter, under memcached's names: "cmd_get", "get_hits", "curr_items", "bytes",
/// "limit_maxbytes", "evictions" and so on. More may be added; their order has no meaning.
///
/// Lifetimes: the names are static.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any; `stat` runs in the calling thread. The counters are read one by one, not at one instant.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_stats(
    cache: *mut nearcache_cache,
    stat: nearcache_stat_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        let stat = stat.ok_or(Failure::Null("stat"))?;
        let stats = cache.stats();
        for (name, (_, value)) in names().iter().zip(stats.pairs()) {
            // SAFETY: the caller gives a function of this type, which returns normally; the name is static.
            unsafe { stat(user, name.as_ptr(), value) };
        }
        Ok(NEARCACHE_OK)
    })
}

/// Reads one counter by its name. A name that this library does not know is NEARCACHE_MISS, so that a program
/// may ask for counters of later releases.
///
/// Lifetimes: `name`, a terminated string, is borrowed for the call.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK, NEARCACHE_MISS (no such counter); NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_stat(
    cache: *mut nearcache_cache,
    name: *const c_char,
    value_out: *mut u64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs, and that the name is terminated.
        let (cache, name, value_out) = unsafe {
            (
                nearcache_cache::borrow(cache)?,
                string("name", name)?,
                Out::required("value_out", value_out)?,
            )
        };
        match cache.stats().pairs().find(|(known, _)| known.as_bytes() == name) {
            Some((_, value)) => {
                value_out.write(value);
                Ok(NEARCACHE_OK)
            }
            None => Ok(NEARCACHE_MISS),
        }
    })
}

/// Sets the counters to 0, but not the readings curr_items, bytes and limit_maxbytes.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any; what other threads count meanwhile may be lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_reset_stats(cache: *mut nearcache_cache) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        cache.reset_stats()?;
        Ok(NEARCACHE_OK)
    })
}

/// The core's names, terminated; in the order of `Stats::pairs`. They are kept from the first call on, without a lock:
/// a child that is forked while another thread is here would find it held for ever.
fn names() -> &'static [CString] {
    static NAMES: AtomicPtr<Vec<CString>> = AtomicPtr::new(ptr::null_mut());
    // Acquire: pairs with the Release below; the names are seen as they were made.
    let mut kept = NAMES.load(Ordering::Acquire);
    if kept.is_null() {
        let terminated = |(name, _)| CString::new(name).expect("a counter's name holds no NUL");
        let made = Box::into_raw(Box::new(Stats::default().pairs().map(terminated).collect()));
        // Release: pairs with the Acquire above and here, of whoever finds them.
        let kept_before =
            NAMES.compare_exchange(ptr::null_mut(), made, Ordering::Release, Ordering::Acquire);
        kept = match kept_before {
            Ok(_) => made,
            Err(first) => {
                // SAFETY: it came from Box::into_raw and nobody else was shown it.
                drop(unsafe { Box::from_raw(made) });
                first
            }
        };
    }
    // SAFETY: not null; it came from Box::into_raw, and is neither changed nor freed once it is kept.
    unsafe { &*kept }
}
