//! Where an arena's bytes come from: with `file`, the only rooms that ask the operating system for memory.

use crate::error::Error;
use crate::memory::fork::{close_if_ours, file_id};
use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;

/// What lies before and behind a private region: nothing; in the builds that damage arenas a page that may not be
/// touched, so that an access outside of the region ends the process.
const GUARD: usize = if cfg!(nearcache_damage) { 4096 } else { 0 };

/// Page-aligned memory of a fixed size, given back when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    base: NonNull<u8>,
    len: usize,
    /// The open file behind it, with its device and inode: a daemonizing host may close it and give its number to
    /// another file.
    file: Option<(RawFd, (u64, u64))>,
    pub read_only: bool,
}

// SAFETY: the region is plain memory; `Arena` is what makes access to it atomic.
unsafe impl Send for Region {}
// SAFETY: as above; `Region` itself only hands out its address.
unsafe impl Sync for Region {}

impl Region {
    /// Zeroed memory of this process alone. Its pages are taken from the system when they are first written.
    pub fn private(len: usize) -> Result<Region, Error> {
        let base = map(len, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, false)?;
        // Huge pages save a TLB miss on nearly every get of a large cache; where the system does not grant
        // them, nothing is lost.
        #[cfg(not(miri))]
        // SAFETY: the range is the mapping made above; the advice changes no contents.
        unsafe {
            libc::madvise(base.as_ptr().cast(), len, libc::MADV_HUGEPAGE);
        }
        Ok(Region { base, len, file: None, read_only: false })
    }

    /// The bytes of an open file, which the region takes over.
    pub fn of_file(file: RawFd, len: usize, read_only: bool) -> Result<Region, Error> {
        let base = map(len, libc::MAP_SHARED, file, read_only);
        let id = file_id(file);
        match (base, id) {
            (Ok(base), Some(id)) => Ok(Region { base, len, file: Some((file, id)), read_only }),
            (base, _) => {
                // SAFETY: the caller gave the descriptor away.
                unsafe { libc::close(file) };
                Err(base.err().unwrap_or(Error::System(
                    "cannot look at the cache's open file".into(),
                    io::Error::last_os_error(),
                )))
            }
        }
    }

    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_shared(&self) -> bool {
        self.file.is_some()
    }

    /// The open file, unless the host has closed it.
    pub fn file(&self) -> Option<RawFd> {
        let (fd, id) = self.file?;
        (file_id(fd) == Some(id)).then_some(fd)
    }

    /// Owner and permission bits of the file; this process's user and 0o600 if there is none.
    pub fn owner(&self) -> (u32, u32) {
        // SAFETY: a struct of numbers, which the call fills; the other asks for a number.
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            match self.file().filter(|&file| libc::fstat(file, &mut stat) == 0) {
                Some(_) => (stat.st_uid, stat.st_mode & 0o777),
                None => (libc::geteuid(), 0o600),
            }
        }
    }

    /// Device and inode of the file.
    pub fn id(&self) -> Option<(u64, u64)> {
        self.file.map(|(_, id)| id)
    }
}

/// Maps `len` bytes.
fn map(len: usize, flags: libc::c_int, file: RawFd, read_only: bool) -> Result<NonNull<u8>, Error> {
    let protection = if read_only { 0 } else { libc::PROT_WRITE } | libc::PROT_READ;
    let failed = || {
        let what = format!("cannot reserve {len} bytes of memory; ask for a smaller cache");
        Error::System(what, io::Error::last_os_error())
    };
    let mut at = std::ptr::null_mut();
    let mut flags = flags;
    if GUARD > 0 {
        let nowhere = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let none = libc::PROT_NONE;
        // SAFETY: a new mapping replaces nothing.
        let around = unsafe { libc::mmap(at, len + 2 * GUARD, none, nowhere, -1, 0) };
        if around == libc::MAP_FAILED {
            return Err(failed());
        }
        (at, flags) = (around.wrapping_byte_add(GUARD), flags | libc::MAP_FIXED);
    }
    // SAFETY: a new mapping replaces nothing but what was reserved for it above.
    let base = unsafe { libc::mmap(at, len, protection, flags, file, 0) };
    if base == libc::MAP_FAILED {
        return Err(failed());
    }
    // mmap never returns null for a mapping it chose the place of.
    NonNull::new(base.cast()).ok_or_else(|| {
        Error::System("mmap returned address 0".into(), io::Error::other("null mapping"))
    })
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length; whoever borrowed from the region borrowed the arena
        // that owns it.
        unsafe {
            libc::munmap(self.base.as_ptr().sub(GUARD).cast(), self.len + 2 * GUARD);
        }
        if let Some((file, id)) = self.file {
            close_if_ours(file, id);
        }
    }
}
