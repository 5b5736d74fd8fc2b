//! What the server counts besides the cache. Each worker has its own counters and is their only writer, so a
//! count is a load and a store, no locked instruction; `stats` adds them up.

use crate::stats::{ByClass, Prefixes};
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one thread changes and any may read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning thread calls this.
    #[inline]
    pub fn add(&self, count: u64) {
        // Relaxed: a statistic publishes nothing, and with one writer no increment can be lost.
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_add(count), Ordering::Relaxed);
    }

    /// Replaces a reading; only the owning thread calls this.
    pub fn set(&self, value: u64) {
        // Relaxed: as above.
        self.0.store(value, Ordering::Relaxed);
    }

    /// The value, from any thread.
    pub fn get(&self) -> u64 {
        // Relaxed: as above.
        self.0.load(Ordering::Relaxed)
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Bytes read from sockets.
    BytesRead,
    /// Bytes written to sockets.
    BytesWritten,
    /// Times a connection had to let others go first.
    Yields,
    /// Values refused before they were read.
    TooLarge,
    /// Deletes made for a `set` that was too large: what the core counts and a client did not ask for.
    UnlinkHits,
    /// As above, of keys that were not there.
    UnlinkMisses,
    /// Keys of a multiget that the core was asked for again, because the output was full the first time.
    AskedAgain,
    /// Of those, the ones that were there.
    AskedAgainHits,
    /// Times a client said who it is.
    AuthCommands,
    /// Of those, the ones that were refused.
    AuthErrors,
    /// TLS handshakes that failed or took too long.
    HandshakeErrors,
    /// TLS connections that ended in what is no TLS.
    RecordErrors,
    /// TLS sessions that did not go on from earlier ones.
    NewSessions,
    /// Connections closed for idleness.
    IdleKicks,
    /// Connections closed because what was read from all was too much.
    ReadOom,
    /// Connections closed because what waits to be read by all was too much.
    ReplyOom,
}

/// One number for each [`Count`], in its order.
pub type Counts = [u64; Count::ReplyOom as usize + 1];

/// The counters of one worker.
#[derive(Debug, Default)]
pub struct Counters {
    counts: [Counter; Count::ReplyOom as usize + 1],
    /// By slab class.
    pub classes: ByClass,
    /// By prefix, while that is wanted.
    pub prefixes: Prefixes,
    /// Reading: bytes in buffers for reading, values half received included.
    pub read_buffer_bytes: Counter,
    /// Reading: connections that hold some.
    pub read_buffers: Counter,
    /// Reading: bytes in buffers for writing.
    pub write_buffer_bytes: Counter,
    /// Reading: connections that hold some.
    pub write_buffers: Counter,
    /// Reading: pooled buffers' bytes.
    pub pooled_bytes: Counter,
}

impl Counters {
    /// Counts.
    #[inline]
    pub fn add(&self, what: Count, count: u64) {
        self.counts[what as usize].add(count);
    }

    /// The counts (not the readings).
    pub fn counts(&self) -> Counts {
        std::array::from_fn(|number| self.counts[number].get())
    }
}
