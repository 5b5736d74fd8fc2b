//! How a forked child learns that it is one: a word in a page that the kernel wipes in the child. It also keeps the lock
//! descriptors that a child has inherited and must close.

use crate::sync::{AtomicPtr, AtomicU64, Ordering};
use std::os::fd::RawFd;
use std::ptr::NonNull;

/// The number of this process in its line of forks, never 0; a child finds 0 here. To be compared at each operation,
/// which costs a load.
pub(crate) fn word() -> &'static AtomicU64 {
    // Acquire: pairs with the AcqRel below.
    let found = WORD.load(Ordering::Acquire);
    let Some(found) = NonNull::new(found) else {
        let made = std::ptr::from_ref(page()).cast_mut();
        // AcqRel: the page is seen with its address. A lock would be held for ever in the child of a fork that another
        // thread does now; a page too many is lost.
        let won =
            WORD.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
        #[cfg(not(miri))]
        if won.is_ok() {
            // SAFETY: the handler is a function without captures, and what it does is allowed in a child: it stores to
            // memory and closes descriptors.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        }
        let word = won.map_or_else(|other| other, |_| made);
        // SAFETY: the page is never unmapped.
        return unsafe { &*word };
    };
    // SAFETY: as above.
    unsafe { found.as_ref() }
}

static WORD: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// This process's number; a child takes a new one.
pub(crate) fn era(word: &AtomicU64) -> u64 {
    /// Ordinary memory: a child goes on from its parent's number.
    static LAST: AtomicU64 = AtomicU64::new(0);
    // Relaxed, all: only that the number differs from the parent's matters.
    match word.load(Ordering::Relaxed) {
        0 => {
            let next = (LAST.fetch_add(1, Ordering::Relaxed) + 1) & ERA_MASK;
            match word.compare_exchange(0, next.max(1), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => next.max(1),
                Err(now) => now,
            }
        }
        era => era,
    }
}

/// An era fits beside a process's place in one word.
pub(crate) const ERA_MASK: u64 = (1 << 24) - 1;

/// A page of memory that a forked child finds empty.
fn page() -> &'static AtomicU64 {
    #[cfg(not(miri))]
    // SAFETY: a new anonymous mapping replaces nothing; it is never unmapped, and holds zeros, which are an atomic word.
    unsafe {
        let (read_write, anonymous) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let page = libc::mmap(std::ptr::null_mut(), 4096, read_write, anonymous, -1, 0);
        if page != libc::MAP_FAILED {
            // Where the kernel is older than 4.14 the handler below does it, for those who fork through libc.
            libc::madvise(page, 4096, libc::MADV_WIPEONFORK);
            return &*page.cast::<AtomicU64>();
        }
    }
    Box::leak(Box::new(AtomicU64::new(0)))
}

/// Noted descriptors: `fd + 1`, device and inode.
type Notes = [[AtomicU64; 3]; 256];

/// Where the locks are that say that this process lives.
static LOCKS: Notes = [const { [const { AtomicU64::new(0) }; 3] }; 256];
/// The open files of regions.
static FILES: Notes = [const { [const { AtomicU64::new(0) }; 3] }; 256];

/// Closes what the child has inherited: else it would keep a dead parent alive.
#[cfg(not(miri))]
extern "C" fn in_child() {
    word().store(0, Ordering::Relaxed);
    for lock in &LOCKS {
        let fd = lock[0].swap(0, Ordering::Relaxed);
        if (1..u64::from(u32::MAX)).contains(&fd) {
            close_if_ours((fd - 1) as RawFd, id_of(lock));
        }
    }
}

fn id_of(lock: &[AtomicU64; 3]) -> (u64, u64) {
    (lock[1].load(Ordering::Relaxed), lock[2].load(Ordering::Relaxed))
}

/// Notes a descriptor that a child must close; `false`: there are too many, and a child will keep it.
pub(crate) fn note_lock(fd: RawFd, id: (u64, u64)) -> bool {
    note(&LOCKS, fd, id)
}

/// Notes the open file of a region.
pub(crate) fn note_file(fd: RawFd, id: (u64, u64)) {
    note(&FILES, fd, id);
}

fn note(notes: &Notes, fd: RawFd, id: (u64, u64)) -> bool {
    const TAKEN: u64 = u64::MAX;
    notes.iter().any(|entry| {
        // Relaxed: a child has one thread. A fork in between finds TAKEN, and nothing to close.
        let won = entry[0].compare_exchange(0, TAKEN, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if won {
            entry[1].store(id.0, Ordering::Relaxed);
            entry[2].store(id.1, Ordering::Relaxed);
            entry[0].store(fd as u64 + 1, Ordering::Relaxed);
        }
        won
    })
}

/// Gives an open file a number that no other handle on the same file takes for its own: device and inode do not tell
/// them apart when a host has closed all descriptors, and the next to be opened are given their numbers.
pub(crate) fn own_number(mut fd: RawFd, id: (u64, u64)) -> RawFd {
    let is_noted = |notes: &Notes, fd: RawFd| {
        let noted = fd as u64 + 1;
        notes.iter().any(|entry| entry[0].load(Ordering::Relaxed) == noted && id_of(entry) == id)
    };
    while is_noted(&LOCKS, fd) || is_noted(&FILES, fd) {
        // SAFETY: the descriptor was just opened by the caller, who gave it away; a wrong one is an error.
        let next = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, fd + 1) };
        if next < 0 {
            break;
        }
        // SAFETY: as above.
        unsafe { libc::close(fd) };
        fd = next;
    }
    fd
}

/// Closes a lock's descriptor that was noted, unless a fork has done it.
pub(crate) fn close_lock(fd: RawFd, id: (u64, u64)) {
    if forget(&LOCKS, fd, id) {
        close_if_ours(fd, id);
    }
}

/// Closes the open file of a region.
pub(crate) fn close_file(fd: RawFd, id: (u64, u64)) {
    forget(&FILES, fd, id);
    close_if_ours(fd, id);
}

/// Was the descriptor noted? It is not any more.
fn forget(notes: &Notes, fd: RawFd, id: (u64, u64)) -> bool {
    let noted = fd as u64 + 1;
    notes.iter().any(|entry| {
        id_of(entry) == id
            && entry[0].compare_exchange(noted, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    })
}

/// Closes a descriptor, unless a daemonizing host has closed it and given its number to another file.
fn close_if_ours(fd: RawFd, id: (u64, u64)) {
    if file_id(fd) == Some(id) {
        // SAFETY: the descriptor is of our file, and whoever notes one has nobody else close it.
        unsafe { libc::close(fd) };
    }
}

/// Device and inode of an open file.
pub(crate) fn file_id(fd: RawFd) -> Option<(u64, u64)> {
    // SAFETY: `stat` is a struct of numbers, which the call fills; a wrong descriptor is an error.
    unsafe {
        let mut stat: libc::stat = std::mem::zeroed();
        (libc::fstat(fd, &mut stat) == 0).then_some((stat.st_dev, stat.st_ino))
    }
}
