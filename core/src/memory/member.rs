//! This process's place in an arena's table of processes: taken at its first operation, anew in a forked child, and
//! given back with the arena.

use crate::hazard::{cell_owner, unguard_all};
use crate::memory::Arena;
use crate::memory::fork;
use crate::memory::process::{Asker, ProcessId, lock, open_for_locks};
use crate::sync::{AtomicU64, Ordering};
use std::os::fd::RawFd;

/// *Invariants:* 1. each word carries in its upper 24 bits the era that it was written in; 2. one of another era (a
/// parent's, or nobody's) says nothing.
#[derive(Debug, Default)]
pub(crate) struct Member {
    /// The place: a [`ProcessId`].
    place: AtomicU64,
    /// The descriptor + 1 of the open file whose byte is locked for the place.
    lock: AtomicU64,
}

const ERA_SHIFT: u32 = ProcessId::BITS;
const REST: u64 = (1 << ERA_SHIFT) - 1;

impl Arena {
    /// This process's place, taken if it has none. `None`: there is none left.
    pub fn join(&self) -> Option<ProcessId> {
        let era = fork::era(self.era);
        loop {
            // Acquire: pairs with the Release below.
            let seen = self.member.place.load(Ordering::Acquire);
            let id = ProcessId(seen & REST);
            if seen >> ERA_SHIFT == era && self.taker(id.place()) == Some(id) {
                return Some(id);
            }
            let (asker, now) = (self.asker(), self.superblock().clock.0.now());
            let mut places = self.processes().iter().enumerate();
            let id = places.find_map(|(place, process)| process.take(place, now, &asker))?;
            let next = era << ERA_SHIFT | id.0;
            let word = &self.member.place;
            match word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Some(id),
                // Another thread has taken one.
                Err(_) => self.processes()[id.place()].give_back(id, &asker),
            }
        }
    }

    /// Who has a place in the table.
    pub fn taker(&self, place: usize) -> Option<ProcessId> {
        self.processes().get(place)?.taker(place)
    }

    /// What is to be known of this process to judge the life of others.
    pub fn asker(&self) -> Asker {
        let region = self.region();
        let inode = region.id().map_or(0, |(_, inode)| inode);
        Asker::new(region.is_shared(), self.lock_file(), inode, self.is_read_only())
    }

    /// The open file for this process's locks; one that its parent had is none.
    fn lock_file(&self) -> Option<RawFd> {
        let (file, id) = (self.region().file(), self.region().id()?);
        if self.is_read_only() {
            return file;
        }
        let era = fork::era(self.era);
        let word = &self.member.lock;
        let seen = word.load(Ordering::Acquire);
        let noted = (seen & REST) as RawFd - 1;
        if seen >> ERA_SHIFT == era && noted >= 0 && fork::file_id(noted) == Some(id) {
            return Some(noted);
        }
        let fd = open_for_locks(file?)?;
        let next = era << ERA_SHIFT | (fd as u64 + 1);
        match word.compare_exchange(seen, next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                if seen >> ERA_SHIFT == era && noted >= 0 {
                    // The host has closed it. What it had locked is locked again.
                    fork::close_lock(noted, id);
                    let place = self.member.place.load(Ordering::Acquire);
                    if place >> ERA_SHIFT == era {
                        lock(fd, ProcessId(place & REST).place());
                    }
                }
                Some(fd)
            }
            Err(now) => {
                fork::close_lock(fd, id);
                Some((now & REST) as RawFd - 1)
            }
        }
    }
}

impl Drop for Arena {
    /// Gives the place back, and the seats of threads that keep them still. Nobody is in the middle of anything: that
    /// would have borrowed the arena.
    fn drop(&mut self) {
        if !self.region().is_shared() || self.is_read_only() {
            return;
        }
        let era = fork::era(self.era);
        let place = self.member.place.load(Ordering::Acquire);
        let id = ProcessId(place & REST);
        if place >> ERA_SHIFT == era && self.taker(id.place()) == Some(id) {
            for seat in self.seats() {
                seat.leave(id.0);
            }
            // Of pins that were forgotten, and not dropped.
            unguard_all(self.cells(), cell_owner(id.0));
            self.processes()[id.place()].give_back(id, &self.asker());
        }
        let lock = self.member.lock.load(Ordering::Acquire);
        if lock >> ERA_SHIFT == era
            && let Some(file) = self.region().id()
        {
            fork::close_lock((lock & REST) as RawFd - 1, file);
        }
    }
}
