//! `nearcache_store`: the handle, its opening and closing, and its clock.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use ::nearcache_store::{Durable, Error, Place, Store};

use super::options::nearcache_store_options;
use crate::border::{Out, cross, cross_quietly, string};
use crate::region;
use crate::status::{Failure, NEARCACHE_OK, nearcache_status};

/// A durable store and its queues. Opened by nearcache_store_open(), given back by nearcache_store_close().
pub struct nearcache_store(Durable);

// The header promises that any thread may use a handle.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<nearcache_store>();
};

impl nearcache_store {
    /// # Safety
    /// `store` is NULL or was given by nearcache_store_open() and not yet to nearcache_store_close(), which is not
    /// running either; the caller of the C function guarantees it ("Handles" of the header).
    #[inline(always)]
    pub(super) unsafe fn borrow<'a>(store: *const nearcache_store) -> Result<&'a Durable, Failure> {
        // SAFETY: as above; a handle comes from Box and is only ever read.
        match unsafe { store.as_ref() } {
            Some(handle) => Ok(&handle.0),
            None => Err(Failure::Null("store")),
        }
    }

    /// The store of a directory that this process has open.
    ///
    /// # Safety
    /// As [`nearcache_store::borrow`].
    unsafe fn here<'a>(store: *const nearcache_store) -> Result<&'a Store, Failure> {
        // SAFETY: as above.
        match unsafe { Self::borrow(store)? }.local() {
            Some(service) => Ok(&service.store),
            None => Err(Error::Unsupported(
                "a daemon's clock is the system's of its machine: a directory that is opened here has one to ask and to \
                 move"
                    .into(),
            )
            .into()),
        }
    }
}

/// Opens a store with its queues: a directory, which belongs to this process until it is closed, and is made if it is
/// not there; or the socket of the daemon that has one open. `place` is a path, of a socket if there is one, else of a
/// directory; or "unix:PATH" or "tcp:HOST:PORT", with "USER:PASSWORD@" before PATH or HOST where the daemon asks who
/// one is. A directory may be opened again by the process that has it open, with the same options or with NULL: the
/// handles are of one store, and the last that is closed closes it.
///
/// Lifetimes: `place`, a terminated string, and `options` are borrowed for the call. The handle is the caller's, until
/// nearcache_store_close().
/// NULL: `options` may be NULL, for the defaults, and is for a socket: a daemon has options of its own.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID (also options that differ from those the directory is open with),
/// NEARCACHE_LAYOUT (the program was compiled for another call ABI), NEARCACHE_IN_USE, NEARCACHE_NO_STORE,
/// NEARCACHE_FOREIGN, NEARCACHE_NEWER, NEARCACHE_CORRUPT, NEARCACHE_LOST, NEARCACHE_DISK_FULL, NEARCACHE_NOT_WRITABLE,
/// NEARCACHE_CONNECTION, NEARCACHE_UNSUPPORTED (the daemon speaks another version), NEARCACHE_SYSTEM, NEARCACHE_PANIC.
/// Threads: any. Opening a directory starts threads of the library's own, in which all signals are blocked.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_open(
    place: *const c_char,
    options: *const nearcache_store_options,
    store_out: *mut *mut nearcache_store,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about strings, the struct and what it points to, and outputs.
        let (place, options, store_out) = unsafe {
            (
                parse_place(string("place", place)?)?,
                nearcache_store_options::parse(options)?,
                Out::required("store_out", store_out)?,
            )
        };
        let store = without_signals(|| Durable::open(&place, options))?;
        store_out.write(Box::into_raw(Box::new(nearcache_store(store))));
        Ok(NEARCACHE_OK)
    })
}

/// Gives a store back. The last handle of a directory waits until what is under way is written and synced; iterators
/// and batches keep it open until they are given back too.
///
/// Lifetimes: the handle is dead afterwards.
/// NULL: `store` may be NULL; nothing is done.
/// Returns: nothing.
/// Threads: any, when no other call on this handle is running or follows. In a forked child it does nothing to the
/// parent's store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_close(store: *mut nearcache_store) {
    cross_quietly(|| {
        if !store.is_null() {
            // SAFETY: it came from Box::into_raw in nearcache_store_open(), and the caller gives it back once.
            drop(unsafe { Box::from_raw(store) });
        }
    });
}

/// The store's idea of the Unix time, in seconds; of a directory alone.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_UNSUPPORTED (a daemon's), NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_unix_time(
    store: *mut nearcache_store,
    seconds_out: *mut i64,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (store, seconds_out) =
            unsafe { (nearcache_store::here(store)?, Out::required("seconds_out", seconds_out)?) };
        seconds_out.write(store.unix_time());
        Ok(NEARCACHE_OK)
    })
}

/// Moves the clock forward, if it is one that is moved by hand (nearcache_store_options.manual_clock). Leases and
/// delays that are over then end in passing, soon after.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK;
/// NEARCACHE_INVALID (the store runs on the system's clock), NEARCACHE_UNSUPPORTED (a daemon's), NEARCACHE_SYSTEM,
/// NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_store_advance_clock(
    store: *mut nearcache_store,
    seconds: u32,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        unsafe { nearcache_store::here(store)? }.advance_clock(seconds)?;
        Ok(NEARCACHE_OK)
    })
}

/// A place as the caller wrote it. A directory's path may have any encoding.
fn parse_place(text: &[u8]) -> Result<Place, Failure> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Place::parse(text)?),
        Err(_) if text.starts_with(b"unix:") || text.starts_with(b"tcp:") => Err(Failure::Invalid(
            "`place` is a socket's address that is no UTF-8: give a path to it that is".into(),
        )),
        Err(_) => Ok(Place::Directory(region::path(text).to_owned())),
    }
}

/// Runs what starts threads, so that no signal is ever handled in them: a program's handlers run where it expects them.
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both sets are of this frame: the first is filled before it is used, the second by the last call.
    let blocked = unsafe {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) == 0
    };
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(start));
    if blocked {
        // SAFETY: the call above has filled the set.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    }
    started.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
