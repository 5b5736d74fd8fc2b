//! What the server counts besides the cache. Each worker has its own counters and is their only writer, so a
//! count is a load and a store, no locked instruction; `stats` adds them up.

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

/// The counters of one worker.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes read from sockets.
    pub bytes_read: Counter,
    /// Bytes written to sockets.
    pub bytes_written: Counter,
    /// Times a connection had to let others go first.
    pub conn_yields: Counter,
    /// Values refused before they were read.
    pub too_large: Counter,
    /// Deletes made for a `set` that was too large: what the core counts and a client did not ask for.
    pub unlink_hits: Counter,
    /// As above, of keys that were not there.
    pub unlink_misses: Counter,
    /// Connections closed for idleness.
    pub idle_kicks: Counter,
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
    /// The counts (not the readings), for `stats reset`'s base line.
    pub fn counts(&self) -> [u64; 7] {
        [
            self.bytes_read.get(),
            self.bytes_written.get(),
            self.conn_yields.get(),
            self.too_large.get(),
            self.unlink_hits.get(),
            self.unlink_misses.get(),
            self.idle_kicks.get(),
        ]
    }
}
