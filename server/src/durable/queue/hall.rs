//! What all connections to the queues share: the queues, the room where gets wait, and what is counted.

use super::waiting::Waiting;
use nearcache_store::Error;
use nearcache_store::queue::Queues;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// The role's own.
pub struct Hall {
    /// The queues.
    pub queues: Queues,
    /// Gets that wait for a message.
    pub waiting: Waiting,
    /// What happened so far.
    pub counts: Counts,
}

/// Counts under Kestrel's names.
#[derive(Debug, Default)]
pub struct Counts {
    /// `cmd_get`.
    pub gets: Count,
    /// `cmd_set`.
    pub sets: Count,
    /// `cmd_peek`.
    pub peeks: Count,
    /// `get_hits`.
    pub hits: Count,
    /// `get_misses`.
    pub misses: Count,
    /// `cmd_get_open_dropped`: messages that a connection held open when it ended.
    pub dropped: Count,
}

/// A number that grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// So many more.
    pub fn add(&self, more: u64) {
        // Relaxed, here and below: a statistic.
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Hall {
    /// Over these queues; starts a thread.
    pub fn open(queues: Queues) -> io::Result<Hall> {
        let waiting = Waiting::start(queues.clone())?;
        Ok(Hall { queues, waiting, counts: Counts::default() })
    }

    /// `debugtime`: moves the database's clock, if that stands still by itself. `false`: it does not.
    pub fn advance_clock(&self, seconds: u32) -> bool {
        let database = self.queues.database();
        let moved = database.clock().advance(seconds);
        database.committer().nudge();
        moved
    }

    /// Is there nothing to take from this queue, as far as can be seen from outside?
    pub fn is_empty(&self, name: &[u8]) -> Result<bool, Error> {
        let queue = self.queues.queue(name)?;
        // A reader's copy that is not there is made by the asking.
        Ok(queue.ready()? == 0 && (!name.contains(&b'+') || queue.exists()?))
    }
}

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hall").field("counts", &self.counts).finish_non_exhaustive()
    }
}
