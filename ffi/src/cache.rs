//! `nearcache_cache`: the handle, its opening and closing, and the calls about the cache as a whole.

use std::sync::Arc;

use nearcache::Cache;

use crate::border::{Out, cross, cross_quietly};
use crate::options::nearcache_options;
use crate::status::{Failure, NEARCACHE_OK, nearcache_status};

/// A cache. Opened by nearcache_open(), given back by nearcache_close().
pub struct nearcache_cache(Arc<Cache>);

// The header promises that any thread may use a handle.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<nearcache_cache>();
};

impl nearcache_cache {
    /// # Safety
    /// `cache` is NULL or was given by nearcache_open() and not yet to nearcache_close(), which is not running
    /// either; the caller of the C function guarantees it ("Handles" of the header).
    #[inline(always)]
    pub(crate) unsafe fn borrow<'a>(cache: *const nearcache_cache) -> Result<&'a Cache, Failure> {
        // SAFETY: as above; a handle comes from Box and is only ever read.
        match unsafe { cache.as_ref() } {
            Some(handle) => Ok(&handle.0),
            None => Err(Failure::Null("cache")),
        }
    }

    /// A share of the cache, for what may outlive the handle.
    ///
    /// # Safety
    /// As [`nearcache_cache::borrow`].
    pub(crate) unsafe fn share(cache: *const nearcache_cache) -> Result<Arc<Cache>, Failure> {
        // SAFETY: as in `borrow`.
        match unsafe { cache.as_ref() } {
            Some(handle) => Ok(Arc::clone(&handle.0)),
            None => Err(Failure::Null("cache")),
        }
    }
}

/// Opens a cache: one that is private to this process, one that is shared with the children it forks, or one that
/// all processes of this user share under a name, which is created or attached; see nearcache_options. A shared
/// cache holds what it held also when every process that had it open has ended, however they ended, until
/// nearcache_unlink() or a restart of the machine; one that is shared over fork goes with the last of them.
///
/// Lifetimes: `options` is borrowed for the call. The handle is the caller's, until nearcache_close().
/// NULL: `options` may be NULL, for the defaults.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (an option out of range, options that contradict each other, or one
/// this library does not know), NEARCACHE_SYSTEM (the memory or the file was refused), NEARCACHE_LAYOUT (the
/// program was compiled for another call ABI, or the cache was made with another layout), NEARCACHE_CORRUPT,
/// NEARCACHE_NO_REGION, NEARCACHE_REGION_EXISTS, NEARCACHE_FOREIGN, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_open(
    options: *const nearcache_options,
    cache_out: *mut *mut nearcache_cache,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about `options`, the string in it, and about outputs.
        let (options, cache_out) = unsafe {
            (nearcache_options::read(options)?.parse()?, Out::required("cache_out", cache_out)?)
        };
        let cache = options.open()?;
        cache_out.write(Box::into_raw(Box::new(nearcache_cache(Arc::new(cache)))));
        Ok(NEARCACHE_OK)
    })
}

/// Gives a cache back. Its memory is freed when its pins and iterators have been given back too; that of a shared
/// one is unmapped here, and stays for the others.
///
/// Lifetimes: the handle is dead afterwards.
/// NULL: `cache` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, when no other call on this handle is running or follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_close(cache: *mut nearcache_cache) {
    cross_quietly(|| {
        if !cache.is_null() {
            // SAFETY: it came from Box::into_raw in nearcache_open(), and the caller gives it back once.
            drop(unsafe { Box::from_raw(cache) });
        }
    });
}

/// Everything dies: now if `delay` is 0, else when that many seconds have passed, and then what was stored
/// in the meantime too. A second call replaces a pending one.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_flush_all(
    cache: *mut nearcache_cache,
    delay: u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        cache.flush_all(delay)?;
        Ok(NEARCACHE_OK)
    })
}

/// The largest item in bytes, as memcached counts it: key, value and about 60 bytes.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_item_size_max(
    cache: *mut nearcache_cache,
    bytes_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (cache, bytes_out) =
            unsafe { (nearcache_cache::borrow(cache)?, Out::required("bytes_out", bytes_out)?) };
        bytes_out.write(cache.item_size_max());
        Ok(NEARCACHE_OK)
    })
}

/// The cache's idea of the Unix time, in seconds.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_unix_time(
    cache: *mut nearcache_cache,
    seconds_out: *mut i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (cache, seconds_out) = unsafe {
            (nearcache_cache::borrow(cache)?, Out::required("seconds_out", seconds_out)?)
        };
        seconds_out.write(cache.unix_time());
        Ok(NEARCACHE_OK)
    })
}

/// Moves the clock forward, if it is one that is moved by hand (NEARCACHE_MANUAL_CLOCK).
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK;
/// NEARCACHE_INVALID (the cache runs on the system's clock), NEARCACHE_NOT_WRITABLE, NEARCACHE_TOO_MANY,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_advance_clock(
    cache: *mut nearcache_cache,
    seconds: u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        cache.advance_clock(seconds)?;
        Ok(NEARCACHE_OK)
    })
}

/// Recounts the cache and names, in nearcache_last_error(), the first broken invariant. For tests and for
/// doubt: it reads everything. What a process held that was killed counts as broken until it was given back.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_CORRUPT, NEARCACHE_PANIC.
/// Threads: any, while no other thread of any process writes to this cache.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_check(cache: *mut nearcache_cache) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        cache.check()?;
        Ok(NEARCACHE_OK)
    })
}
