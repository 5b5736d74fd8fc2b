//! Dead at now? Lifetimes, and what was flushed.

use crate::Expiry;
use crate::clock::PAST;
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

    /// memcached's rule for a delayed flush: in the second it falls due everything is hidden, also what is
    /// stored then; from the next second on what was stored until then is dead.
    #[cold]
    fn flush_due(&self) -> Horizon {
        let superblock = self.arena.superblock();
        let flush = &superblock.flush.0;
        let births = superblock.births.0.load(Ordering::Acquire);
        let at = flush.at.load(Ordering::Acquire);
        let now = u64::from(superblock.clock.0.now());
        if at != 0 && now == at {
            return Horizon(u64::MAX);
        }
        if at != 0 && now > at {
            if self.is_spectator() {
                return Horizon(births);
            }
            self.flush_up_to(births);
            // AcqRel: a later flush_all that replaced this one stays. Nobody minds a failure.
            let _ = flush.at.compare_exchange(at, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
        Horizon(flush.birth.load(Ordering::Acquire))
    }

    /// Kills every item of the segments born until now.
    pub fn flush_now(&self) {
        // Acquire: the births given until now are covered.
        self.flush_up_to(self.arena.superblock().births.0.load(Ordering::Acquire));
    }

    fn flush_up_to(&self, births: u64) {
        let flush = &self.arena.superblock().flush.0;
        // What is in the index now is dead: the readings of items and bytes leave it out from here on.
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
        // AcqRel: the linearization point of a flush; it never goes back.
        flush.birth.fetch_max(births, Ordering::AcqRel);
        // Relaxed: readings only.
        flush.items.store(items, Ordering::Relaxed);
        flush.bytes.store(bytes, Ordering::Relaxed);
    }

    /// An expiry as items keep it.
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
        // Acquire, both: pairs with the Release of whoever set it; the births that it covers are seen.
        let pending = flush.at.load(Ordering::Acquire) != 0;
        (!pending).then(|| Horizon(flush.birth.load(Ordering::Acquire)))
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
