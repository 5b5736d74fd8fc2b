//! Where an arena's bytes come from: with `file`, the only rooms that ask the operating system for memory.

use crate::error::Error;
use crate::memory::file::reserve_more;
use crate::memory::fork::{close_file, file_id, note_file, own_number};
use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;

/// What lies before and behind a private region: nothing; in the builds that damage arenas a page that may not be
/// touched, so that an access outside of the region ends the process.
const GUARD: usize = if cfg!(nearcache_damage) { 4096 } else { 0 };

/// Page-aligned memory of a fixed size, given back when dropped.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
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
    /// `is_sparse`: not all of it is meant to be.
    pub fn private(len: usize, is_sparse: bool) -> Result<Region, Error> {
        let sparse = if is_sparse { libc::MAP_NORESERVE } else { 0 };
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | sparse;
        let mapping = Mapping::new(len, flags, -1, false)?;
        // Huge pages save a TLB miss on nearly every get of a large cache; where the system does not grant
        // them, nothing is lost.
        #[cfg(not(miri))]
        // SAFETY: the range is the mapping made above; the advice changes no contents.
        unsafe {
            libc::madvise(mapping.base.as_ptr().cast(), len, libc::MADV_HUGEPAGE);
        }
        Ok(Region { mapping, len, file: None, read_only: false })
    }

    /// The bytes of an open file, which the region takes over.
    pub fn of_file(file: RawFd, len: usize, read_only: bool) -> Result<Region, Error> {
        let mapping = Mapping::new(len, libc::MAP_SHARED, file, read_only);
        let id = file_id(file);
        match (mapping, id) {
            (Ok(mapping), Some(id)) => {
                let file = own_number(file, id);
                note_file(file, id);
                Ok(Region { mapping, len, file: Some((file, id)), read_only })
            }
            (mapping, _) => {
                // SAFETY: the caller gave the descriptor away.
                unsafe { libc::close(file) };
                Err(mapping.err().unwrap_or(Error::System(
                    "cannot look at the cache's open file".into(),
                    io::Error::last_os_error(),
                )))
            }
        }
    }

    pub fn base(&self) -> *mut u8 {
        self.mapping.base.as_ptr()
    }

    /// Has the system put new shared memory into huge pages (Linux 6.1 and newer), which saves a TLB miss on nearly
    /// every get of a large cache. One page of each must be there already. Where it does not, nothing is lost.
    pub fn gather(&self, len: usize) {
        const MADV_COLLAPSE: libc::c_int = 25;
        // SAFETY: the range is the region's mapping; the advice changes no contents.
        unsafe {
            libc::madvise(self.base().cast(), len & !(HUGE - 1), MADV_COLLAPSE);
        }
    }

    /// Gives whole pages back to the system. Where a file system cannot, nothing is lost.
    pub fn give_back(&self, at: u64, len: u64) {
        let advice = if self.is_shared() { libc::MADV_REMOVE } else { libc::MADV_DONTNEED };
        if at + len <= self.len as u64 {
            // SAFETY: the range lies within the mapping; nobody reads from it what he does not look at again.
            unsafe {
                libc::madvise(self.base().wrapping_add(at as usize).cast(), len as usize, advice)
            };
        }
    }

    /// Takes the bytes of a file from the system; `total` is what the arena is to have then. Private memory is taken when
    /// it is first written.
    pub fn reserve(&self, at: u64, len: u64, total: u64) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        let closed = || {
            let error = io::Error::from_raw_os_error(libc::EBADF);
            Error::System(
                "the host has closed the cache's file: open the cache again".into(),
                error,
            )
        };
        reserve_more(self.file().ok_or_else(closed)?, at, len, total)
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

/// Addresses that were reserved, and the bytes in them.
#[derive(Debug)]
struct Mapping {
    start: *mut libc::c_void,
    total: usize,
    base: NonNull<u8>,
}

impl Mapping {
    /// Maps `len` bytes. Those of a file begin on a boundary of huge pages, so that they can be mapped by them.
    fn new(len: usize, flags: libc::c_int, file: RawFd, read_only: bool) -> Result<Mapping, Error> {
        let protection = if read_only { 0 } else { libc::PROT_WRITE } | libc::PROT_READ;
        let failed = || {
            let what = match file {
                -1 => format!("cannot reserve {len} bytes of memory; ask for a smaller cache"),
                _ => format!("cannot map the cache's file, {len} bytes long"),
            };
            Error::System(what, io::Error::last_os_error())
        };
        let map = |at, len, protection, flags, file| {
            // SAFETY: a new mapping replaces nothing but what was reserved for it below.
            let start = unsafe { libc::mmap(at, len, protection, flags, file, 0) };
            if start == libc::MAP_FAILED { Err(failed()) } else { Ok(start) }
        };
        let nowhere = std::ptr::null_mut();
        let align = if file >= 0 { HUGE } else { 0 };
        let mapping = if GUARD + align == 0 {
            let start = map(nowhere, len, protection, flags, file)?;
            (start, len, start)
        } else {
            let total = len + 2 * GUARD + align;
            let none = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            let start = map(nowhere, total, libc::PROT_NONE, none, -1)?;
            let at = start.wrapping_byte_add(GUARD);
            let at = at.wrapping_byte_add(at.align_offset(align.max(1)));
            map(at, len, protection, flags | libc::MAP_FIXED, file).inspect_err(|_| {
                // SAFETY: the addresses were reserved above, and nobody uses them.
                unsafe { libc::munmap(start, total) };
            })?;
            (start, total, at)
        };
        let (start, total, base) = mapping;
        // mmap never returns null for a mapping it chose the place of.
        let base = NonNull::new(base.cast()).ok_or_else(|| {
            Error::System("mmap returned address 0".into(), io::Error::other("null mapping"))
        })?;
        Ok(Mapping { start, total, base })
    }
}

/// A huge page of x86-64, and of most others.
pub(crate) const HUGE: usize = 2 << 20;

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the addresses were reserved by `new`; whoever borrowed from the region borrowed the arena that owns it.
        unsafe {
            libc::munmap(self.start, self.total);
        }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some((file, id)) = self.file {
            close_file(file, id);
        }
    }
}
