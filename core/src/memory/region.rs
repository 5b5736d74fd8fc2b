//! Where an arena's bytes come from: the only room that asks the operating system for memory.

use crate::error::Error;
use std::io;
use std::ptr::NonNull;

/// What lies before and behind a region: nothing; in the builds that damage arenas a page that may not be touched,
/// so that an access outside of the region ends the process.
const GUARD: usize = if cfg!(nearcache_damage) { 4096 } else { 0 };

/// Zeroed, page-aligned memory of a fixed size, given back when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the region is plain memory; `Arena` is what makes access to it atomic.
unsafe impl Send for Region {}
// SAFETY: as above; `Region` itself only hands out its address.
unsafe impl Sync for Region {}

impl Region {
    /// Memory of this process alone. Its pages are taken from the system when they are first written.
    pub fn private(len: usize) -> Result<Region, Error> {
        // SAFETY: a new anonymous mapping replaces nothing.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len + 2 * GUARD,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            let what = format!("cannot reserve {len} bytes of memory; ask for a smaller cache");
            return Err(Error::System(what, io::Error::last_os_error()));
        }
        let base = start.wrapping_byte_add(GUARD);
        #[cfg(nearcache_damage)]
        // SAFETY: both pages are of the mapping made above, and nobody uses them.
        unsafe {
            libc::mprotect(start, GUARD, libc::PROT_NONE);
            libc::mprotect(base.byte_add(len), GUARD, libc::PROT_NONE);
        }
        // Huge pages save a TLB miss on nearly every get of a large cache; where the system does not grant
        // them, nothing is lost.
        #[cfg(not(miri))]
        // SAFETY: the range is the mapping made above; the advice changes no contents.
        unsafe {
            libc::madvise(base, len, libc::MADV_HUGEPAGE);
        }
        // mmap never returns null for a mapping it chose the place of.
        let base = NonNull::new(base.cast()).ok_or_else(|| {
            Error::System("mmap returned address 0".into(), io::Error::other("null mapping"))
        })?;
        Ok(Region { base, len })
    }

    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.len
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `private` with this length; whoever borrowed from the region
        // borrowed the arena that owns it.
        unsafe {
            libc::munmap(self.base.as_ptr().sub(GUARD).cast(), self.len + 2 * GUARD);
        }
    }
}
