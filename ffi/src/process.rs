//! The processes that share a cache: who they are, and what is taken back from those that have died.

use std::ffi::{c_char, c_void};

use nearcache::Life;

use crate::border::{Out, cross};
use crate::cache::nearcache_cache;
use crate::region::text;
use crate::status::{Failure, NEARCACHE_OK, nearcache_status};

/// nearcache_process.life: it is there, or nobody can tell.
pub const NEARCACHE_ALIVE: u32 = 0;
/// nearcache_process.life: it seems to be gone; ten seconds after that was first noticed, what it held is given
/// back.
pub const NEARCACHE_SUSPECT: u32 = 1;
/// nearcache_process.life: it is gone; what it held is given back by whoever passes by.
pub const NEARCACHE_DEAD: u32 = 2;

/// A process that has used a cache, as nearcache_processes() tells it.
#[repr(C)]
pub struct nearcache_process {
    /// Its program's name when it attached; terminated, never NULL, lent for the callback's call.
    pub name: *const c_char,
    /// When it first used the cache, as a Unix time in seconds.
    pub since: i64,
    /// Its number, in its own namespace.
    pub pid: u32,
    /// Its threads that keep a place of their own in the cache.
    pub threads: u32,
    /// NEARCACHE_ALIVE, NEARCACHE_SUSPECT or NEARCACHE_DEAD.
    pub life: u32,
}

/// Called by nearcache_processes() for each process; what the pointer points to is gone when it returns. It may
/// call any nearcache function. It returns normally: no longjmp, no exception.
pub type nearcache_process_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, process: *const nearcache_process)>;

/// Calls `met` for each process that has used the cache and whose place in it was not given back yet. Those that
/// have it open without having used it, or that attached it for reading alone, are not known to it.
///
/// Lifetimes: what `met` is given is valid until it returns.
/// NULL: `user` may be NULL, it is only handed on.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_PANIC.
/// Threads: any; `met` runs in the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_processes(
    cache: *mut nearcache_cache,
    met: nearcache_process_fn,
    user: *mut c_void,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promise about handles.
        let cache = unsafe { nearcache_cache::borrow(cache)? };
        let met = met.ok_or(Failure::Null("met"))?;
        for process in cache.processes() {
            let name = text(process.name.as_bytes());
            let lent = nearcache_process {
                name: name.as_ptr(),
                since: process.since,
                pid: process.pid,
                threads: u32::try_from(process.threads).unwrap_or(u32::MAX),
                life: match process.life {
                    Life::Alive => NEARCACHE_ALIVE,
                    Life::Suspect => NEARCACHE_SUSPECT,
                    Life::Dead => NEARCACHE_DEAD,
                },
            };
            // SAFETY: the caller gives a function of this type, which returns normally; what it is lent lives on
            // until the next turn of the loop.
            unsafe { met(user, &raw const lent) };
        }
        Ok(NEARCACHE_OK)
    })
}

/// Gives back what processes held that are not there any more, and tells how many such processes were met. Nobody
/// needs to call it: whoever takes a place in the cache, or runs short of memory, does the same in passing.
///
/// Lifetimes: none.
/// NULL: nothing may be NULL.
/// Returns: NEARCACHE_OK; NEARCACHE_INVALID, NEARCACHE_NOT_WRITABLE, NEARCACHE_PANIC.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nearcache_reap(
    cache: *mut nearcache_cache,
    processes_out: *mut usize,
) -> nearcache_status {
    cross(|| {
        // SAFETY: the caller's promises about handles and outputs.
        let (cache, processes_out) = unsafe {
            (nearcache_cache::borrow(cache)?, Out::required("processes_out", processes_out)?)
        };
        processes_out.write(cache.reap()?);
        Ok(NEARCACHE_OK)
    })
}
