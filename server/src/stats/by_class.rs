//! What was asked for, by the slab class that memcached would have the item in. Each worker counts for itself.

use crate::classes::CLASSES;
use crate::counters::Counter;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A value was fetched.
    Get,
    /// A store was asked for.
    Set,
    /// A delete removed.
    Delete,
    /// An increment was done.
    Incr,
    /// A decrement was done.
    Decr,
    /// A cas stored.
    CasHit,
    /// A cas met another unique.
    CasBad,
    /// A touch touched.
    Touch,
    /// A store found no memory.
    NoMemory,
}

const EVENTS: usize = Event::NoMemory as usize + 1;

/// The counts by class and event.
#[derive(Clone, Debug)]
pub struct Table([[u64; EVENTS]; CLASSES]);

impl Default for Table {
    fn default() -> Table {
        Table([[0; EVENTS]; CLASSES])
    }
}

impl Table {
    /// One count.
    pub fn get(&self, class: usize, event: Event) -> u64 {
        self.0[class][event as usize]
    }

    /// Was anything counted in this class?
    pub fn is_used(&self, class: usize) -> bool {
        self.0[class].iter().any(|&count| count > 0)
    }

    /// What was counted since `then`.
    pub fn since(mut self, then: &Table) -> Table {
        for (now, then) in self.0.as_flattened_mut().iter_mut().zip(then.0.as_flattened()) {
            *now = now.saturating_sub(*then);
        }
        self
    }
}

/// The counters of one worker.
#[derive(Debug)]
pub struct ByClass([[Counter; EVENTS]; CLASSES]);

impl Default for ByClass {
    fn default() -> ByClass {
        ByClass(std::array::from_fn(|_| Default::default()))
    }
}

impl ByClass {
    /// Counts; only the owning thread calls this.
    #[inline]
    pub fn add(&self, class: usize, event: Event) {
        self.0[class % CLASSES][event as usize].add(1);
    }

    /// Adds the counts to a table.
    pub fn add_to(&self, table: &mut Table) {
        for (sum, counter) in table.0.as_flattened_mut().iter_mut().zip(self.0.as_flattened()) {
            *sum += counter.get();
        }
    }
}
