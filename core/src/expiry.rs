//! Dead at now? Lifetimes, and what was flushed.

use crate::Expiry;
use crate::clock::PAST;
use crate::flush::Look;
use crate::header::Header;
use crate::item::Item;
use crate::memory::Arena;
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;

/// How an item died.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Death {
    Expired,
    Flushed,
}

/// Items of segments born up to here are flushed. Read once, at the beginning of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Horizon(u64);

impl Op<'_> {
    /// What is flushed now; a delayed flush whose time has come takes effect here.
    #[inline(always)]
    pub fn horizon(&self) -> Horizon {
        Horizon::settled(self.arena).unwrap_or_else(|| self.flush_due())
    }

    #[cold]
    fn flush_due(&self) -> Horizon {
        let superblock = self.arena.superblock();
        let (births, flush) = (&superblock.births.0, &superblock.flush.0);
        if self.is_spectator() {
            return Horizon(births.watch(flush, self.now()));
        }
        loop {
            match births.look(flush, || self.now()) {
                Look::Horizon(birth) => return Horizon(birth),
                Look::Due(given) => {
                    let dead = self.dead_by_flush();
                    if births.flush_from(given, flush, || self.now()) {
                        self.note_flush(dead);
                    }
                }
            }
        }
    }

    /// Kills every item of the segments born until now.
    pub fn flush_now(&self) {
        let superblock = self.arena.superblock();
        let dead = self.dead_by_flush();
        superblock.births.0.flush(&superblock.flush.0, || self.now());
        self.note_flush(dead);
    }

    /// Items and bytes that a flush would kill.
    fn dead_by_flush(&self) -> (u64, u64) {
        let sum = |counter: Counter| -> u64 {
            let of = |seat: &crate::hazard::Seat| {
                seat.counters[counter as usize].load(Ordering::Relaxed)
            };
            self.arena.seats().iter().map(of).fold(0, u64::wrapping_add)
        };
        let dead = |added, gone, dead_gone| {
            sum(added).wrapping_sub(sum(gone)).wrapping_add(sum(dead_gone))
        };
        let items = dead(Counter::ItemsIn, Counter::ItemsOut, Counter::FlushedOut);
        let bytes = dead(Counter::BytesIn, Counter::BytesOut, Counter::FlushedBytesOut);
        (items, bytes)
    }

    /// What is in the index now is dead: the readings of items and bytes leave it out from here on.
    fn note_flush(&self, (items, bytes): (u64, u64)) {
        let flush = &self.arena.superblock().flush.0;
        // Relaxed: readings only.
        flush.items.store(items, Ordering::Relaxed);
        flush.bytes.store(bytes, Ordering::Relaxed);
    }

    /// The clock's reading, as flushes keep it.
    pub fn now(&self) -> u64 {
        u64::from(self.arena.superblock().clock.0.now())
    }

    /// An expiry as items keep it.
    #[inline]
    pub fn deadline(&self, expiry: Expiry) -> u32 {
        let clock = &self.arena.superblock().clock.0;
        match expiry {
            Expiry::Never => 0,
            Expiry::Past => PAST,
            Expiry::After(seconds) => clock.after(seconds),
            Expiry::At(unix) => clock.at(unix),
        }
    }

    /// Seconds until then; `None` is for ever.
    #[inline(always)]
    pub fn ttl(&self, deadline: u32) -> Option<u32> {
        (deadline != 0).then(|| deadline.saturating_sub(self.arena.superblock().clock.0.now()))
    }
}

impl Horizon {
    /// What is flushed now, unless a delayed flush is pending.
    #[inline(always)]
    pub fn settled(arena: &Arena) -> Option<Horizon> {
        let flush = &arena.superblock().flush.0;
        // Acquire: pairs with the Release of whoever set it, and with `finish`, which ends it after the flush.
        let pending = flush.at.load(Ordering::Acquire) != 0;
        (!pending).then(|| Horizon(flush.horizon()))
    }

    /// Is the item dead, and of what? The clock is only asked when the item has a lifetime.
    #[inline(always)]
    pub fn death(self, arena: &Arena, item: &Item, birth: u64) -> Option<Death> {
        if item.origin(arena, birth) <= self.0 {
            return Some(Death::Flushed);
        }
        self.expired(arena, item.header).then_some(Death::Expired)
    }

    #[inline(always)]
    pub fn expired(self, arena: &Arena, header: Header) -> bool {
        let expiry = header.expiry();
        expiry != 0 && expiry <= arena.superblock().clock.0.now()
    }

    /// Seconds until the deadline of an item that has one; `None`: it is past. One reading of the clock.
    #[inline(never)]
    pub fn left(self, arena: &Arena, deadline: u32) -> Option<u32> {
        deadline.checked_sub(arena.superblock().clock.0.now()).filter(|&left| left > 0)
    }

    /// Are all items of a segment of this birth flushed? (Unless they were moved there from a later one.)
    pub fn covers(self, birth: u64) -> bool {
        birth <= self.0
    }
}
