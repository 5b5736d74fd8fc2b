//! The table of the processes that use an arena, and whether one of them is there still.
//!
//! A process is known by its place in the table and the place's generation, so that what is named after one that has
//! gone is never taken for its successor's. Nobody waits for an answer of this room: it decides only what may be given
//! back.

use crate::memory::fork;
use crate::sync::{AtomicU64, Ordering};
use crate::types::Life;
use std::os::fd::RawFd;

/// So many seconds a process of another namespace must have seemed gone before what it held is given back. (Of one
/// in the same namespace it is certain.)
pub(crate) const QUARANTINE: u32 = 10;

const GENERATION: u64 = (1 << 24) - 1;
const PID_SHIFT: u32 = 8;
const GENERATION_SHIFT: u32 = 40;
const TAKEN: u64 = 1;
/// The process holds a lock on its place's byte of the file.
const LOCKED: u64 = 2;

/// A process's place in an arena.
///
/// *Thread safety:* all of it. *Invariants:* 1. `word` is `generation24 | pid32 | LOCKED1 | TAKEN1`, and its generation
/// grows whenever it is taken; 2. the other words are the taker's if they carry the same generation in their lower 24
/// bits, and else say nothing.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Process {
    word: AtomicU64,
    /// When the process started, in ticks since the machine did.
    start: AtomicU64,
    /// Its pid namespace.
    space: AtomicU64,
    /// When it was first missed, by the arena's clock.
    missed: AtomicU64,
    /// When it took the place, by the arena's clock.
    since: AtomicU64,
    name: [AtomicU64; 2],
    _spare: [AtomicU64; 9],
}

/// A place and its generation, as seats name it: `generation24 | place + 1 in 16 bits`. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessId(pub u64);

impl ProcessId {
    pub const BITS: u32 = 40;
    fn new(place: usize, generation: u64) -> ProcessId {
        ProcessId((generation & GENERATION) << 16 | (place as u64 + 1))
    }
    pub fn place(self) -> usize {
        ((self.0 & 0xffff) as usize).wrapping_sub(1)
    }
    fn generation(self) -> u64 {
        self.0 >> 16 & GENERATION
    }
}

/// What is known of the process that asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    pub pid: u32,
    space: u64,
    /// Is the arena shared with other processes? In a private one everybody else is gone: it is a copy.
    pub shared: bool,
    /// The open file whose bytes are locked.
    pub file: Option<RawFd>,
    /// The arena's file.
    inode: u64,
    /// It may not write down whom it has missed.
    pub read_only: bool,
    /// It has the time to read in `/proc` whether a number is another process's by now, or a zombie's.
    pub thorough: bool,
    /// `/proc` is of its own pid namespace, and numbers mean the same there.
    has_proc: bool,
}

impl Asker {
    pub fn new(shared: bool, file: Option<RawFd>, inode: u64, read_only: bool) -> Asker {
        let space = if shared { space() } else { 0 };
        let pid = std::process::id();
        let own = || std::fs::read_link("/proc/self").is_ok_and(|to| to == *pid.to_string());
        Asker {
            pid,
            space,
            shared,
            file,
            inode,
            read_only,
            thorough: true,
            has_proc: shared && own(),
        }
    }
}

impl Process {
    /// Takes the place if it is free. Its byte is locked before that is told.
    pub fn take(&self, place: usize, now: u32, asker: &Asker) -> Option<ProcessId> {
        // Acquire: pairs with the Release of `free`; what its last owner held is given back.
        let seen = self.word.load(Ordering::Acquire);
        if seen & TAKEN != 0 {
            return None;
        }
        let locked = match asker.file {
            // Somebody who was taken for dead holds it.
            Some(file) if !lock(file, place) => return None,
            file => file.is_some(),
        };
        // Asked before the place is taken, for it takes long.
        let own = asker.has_proc.then(|| status(asker.pid)).flatten();
        let start = own.map_or(0, |status| status.start);
        let generation = (seen >> GENERATION_SHIFT).wrapping_add(1) & GENERATION;
        let flags = TAKEN | if locked { LOCKED } else { 0 };
        let word = generation << GENERATION_SHIFT | u64::from(asker.pid) << PID_SHIFT | flags;
        // AcqRel: as above, and whoever sees the place taken sees it taken by this process.
        if self.word.compare_exchange(seen, word, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            // Another thread of this process has it: the lock is both's, and stays.
            return None;
        }
        let tagged = |value: u64| value << 24 | generation;
        // Relaxed, all: each carries the generation, and is believed only with it.
        if asker.shared {
            // First, because of whom it is not known nothing is certain: killed before, he keeps the place for long.
            self.space.store(tagged(asker.space), Ordering::Relaxed);
            self.start.store(tagged(start), Ordering::Relaxed);
        }
        self.since.store(tagged(u64::from(now)), Ordering::Relaxed);
        if asker.shared {
            self.note_name();
        }
        Some(ProcessId::new(place, generation))
    }

    /// Notes what this process is called.
    fn note_name(&self) {
        let comm = std::fs::read("/proc/self/comm").unwrap_or_default();
        let mut name = [0; 16];
        for (to, from) in name.iter_mut().zip(comm.trim_ascii()) {
            *to = *from;
        }
        for (word, bytes) in self.name.iter().zip(name.as_chunks::<8>().0) {
            word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
        }
    }

    /// Who has the place.
    pub fn taker(&self, place: usize) -> Option<ProcessId> {
        let word = self.word.load(Ordering::Acquire);
        (word & TAKEN != 0).then(|| ProcessId::new(place, word >> GENERATION_SHIFT))
    }

    /// Gives up a place of one's own.
    pub fn give_back(&self, id: ProcessId, asker: &Asker) {
        // First: from when it is free the lock may be another thread's of this process.
        if let Some(file) = asker.file {
            unlock(file, id.place());
        }
        self.free(id);
    }

    /// Frees the place, unless it is another's already: its taker has gone, and all that it held was given back.
    pub fn free(&self, id: ProcessId) {
        let word = self.word.load(Ordering::Relaxed);
        if word & TAKEN != 0 && word >> GENERATION_SHIFT == id.generation() {
            let free = word & GENERATION << GENERATION_SHIFT;
            // Release: pairs with the Acquire of `take`. Somebody else may have been faster.
            let _ = self.word.compare_exchange(word, free, Ordering::Release, Ordering::Relaxed);
        }
    }

    pub fn pid(&self) -> u32 {
        (self.word.load(Ordering::Relaxed) >> PID_SHIFT) as u32
    }

    /// Its name, and when it took the place by the arena's clock.
    pub fn known_as(&self) -> (String, u32) {
        let bytes: Vec<u8> = self
            .name
            .iter()
            .flat_map(|word| word.load(Ordering::Relaxed).to_le_bytes())
            .take_while(|&byte| byte != 0)
            .collect();
        let since = self.since.load(Ordering::Relaxed) >> 24;
        (String::from_utf8_lossy(&bytes).into_owned(), since as u32)
    }

    /// Is the process there still? `now` is the arena's clock.
    pub fn life(&self, id: ProcessId, now: u32, asker: &Asker) -> Life {
        let word = self.word.load(Ordering::Acquire);
        if word & TAKEN == 0 || word >> GENERATION_SHIFT != id.generation() {
            return Life::Dead;
        }
        let pid = (word >> PID_SHIFT) as u32;
        if !asker.shared {
            return if pid == asker.pid { Life::Alive } else { Life::Dead };
        }
        let noted = |word: &AtomicU64| {
            let word = word.load(Ordering::Relaxed);
            (word & GENERATION == id.generation()).then_some(word >> 24)
        };
        let is_unlocked =
            || word & LOCKED != 0 && asker.file.is_some_and(|file| is_unlocked(file, id.place()));
        let seems_gone = match noted(&self.space) {
            Some(space) if space == asker.space && space != 0 => {
                if has_ended(pid, noted(&self.start), asker, is_unlocked) {
                    return Life::Dead;
                }
                false
            }
            // In another namespace (or one that was not told yet) its number says nothing.
            _ => is_unlocked(),
        };
        if !seems_gone {
            if noted(&self.missed).is_some() && !asker.read_only {
                self.missed.store(0, Ordering::Relaxed);
            }
            return Life::Alive;
        }
        match noted(&self.missed) {
            Some(then) if u64::from(now) >= then + u64::from(QUARANTINE) => Life::Dead,
            Some(_) => Life::Suspect,
            None if asker.read_only => Life::Suspect,
            None => {
                let missed = u64::from(now) << 24 | id.generation();
                self.missed.store(missed, Ordering::Relaxed);
                Life::Suspect
            }
        }
    }
}

/// Has the process of this number in our namespace, which began at `then`, ended for certain?
fn has_ended(pid: u32, then: Option<u64>, asker: &Asker, is_unlocked: impl Fn() -> bool) -> bool {
    if !exists(pid) {
        return true;
    }
    if !asker.thorough || !asker.has_proc {
        return false;
    }
    let Some(now) = status(pid) else { return false };
    let is_another = then.is_some_and(|then| then != 0 && now.start != then);
    // `exec` keeps the number and the beginning, and neither lock nor memory.
    let is_replaced = || pid != asker.pid && is_unlocked() && !maps(pid, asker.inode);
    is_another || now.is_over || is_replaced()
}

/// Is there a process of this number in our namespace?
fn exists(pid: u32) -> bool {
    // SAFETY: signal 0 is sent to nobody; it asks whether one could be.
    let answer = unsafe { libc::kill(pid as libc::pid_t, 0) };
    answer == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// What `/proc` tells of a process.
struct Status {
    start: u64,
    /// All of its threads have ended, and its parent has not asked yet.
    is_over: bool,
}

fn status(pid: u32) -> Option<Status> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let is_zombie = matches!(fields.next()?, "Z" | "X");
    // Fields 20 and 22 of proc(5).
    let threads: u64 = fields.nth(16)?.parse().ok()?;
    let start = fields.nth(1)?.parse().ok()?;
    Some(Status { start, is_over: is_zombie && threads <= 1 })
}

/// Has a process this file mapped? A host that has closed all descriptors has; one that was replaced by `exec` has not.
fn maps(pid: u32, inode: u64) -> bool {
    let Ok(maps) = std::fs::read_to_string(format!("/proc/{pid}/maps")) else {
        // It may not be looked at, or is just ending.
        return true;
    };
    let inode = inode.to_string();
    maps.lines().any(|line| line.split_ascii_whitespace().nth(4) == Some(&inode))
}

/// The pid namespace, or 0.
fn space() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino() & ((1 << 40) - 1))
}

/// Where the locks are: beyond what any file holds.
const LOCKS_AT: i64 = 1 << 60;

fn range(place: i64, kind: libc::c_int) -> libc::flock {
    // SAFETY: a struct of numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = LOCKS_AT + place;
    lock.l_len = 1;
    lock
}

fn set(file: RawFd, place: i64, kind: libc::c_int) -> bool {
    let lock = range(place, kind);
    // SAFETY: the call reads the struct; a wrong descriptor is an error.
    unsafe { libc::fcntl(file, libc::F_OFD_SETLK, &lock) == 0 }
}

/// Locks a place's byte for as long as the open file exists; never waits.
pub(crate) fn lock(file: RawFd, place: usize) -> bool {
    set(file, place as i64, libc::F_WRLCK)
}

fn unlock(file: RawFd, place: usize) {
    set(file, place as i64, libc::F_UNLCK);
}

/// Locks the file's name against others who would replace it; given up with the open file.
pub(crate) fn lock_name(file: RawFd) -> bool {
    set(file, -1, libc::F_WRLCK)
}

/// Does nobody hold a place's lock? (One's own counts as nobody's.)
fn is_unlocked(file: RawFd, place: usize) -> bool {
    let mut lock = range(place as i64, libc::F_WRLCK);
    // SAFETY: the call reads and fills the struct; a wrong descriptor is an error.
    let asked = unsafe { libc::fcntl(file, libc::F_OFD_GETLK, &mut lock) == 0 };
    asked && lock.l_type == libc::F_UNLCK as libc::c_short
}

/// Opens an arena's file once more, for locks of this process alone.
pub(crate) fn open_for_locks(file: RawFd) -> Option<RawFd> {
    let path = std::ffi::CString::new(format!("/proc/self/fd/{file}")).ok()?;
    let id = fork::file_id(file)?;
    // SAFETY: the path ends with a NUL.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    if fd < 0 {
        return None;
    }
    let fd = fork::own_number(fd, id);
    fork::note_lock(fd, id);
    Some(fd)
}
