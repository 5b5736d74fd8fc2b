//! A directory that is open: the guard, the engine and the committer, which stores and queues share.

use crate::clock::Clock;
use crate::committer::{Committer, Ground, read_ledger};
use crate::engine::fjall::Fjall;
use crate::engine::{Engine, View};
use crate::fork::Maker;
use crate::guard::{Guard, Watermark};
use crate::ledger::Ledger;
use crate::{Error, Options};
use std::path::Path;
use std::sync::Arc;

/// Sequence numbers that are passed over when a store is opened after a crash: those of writes that were answered but
/// are lost (which only other policies than `Always` allow) may be in somebody's hands as uniques.
const LEAP: u64 = 1 << 32;

/// An open directory. [`Store`](crate::Store) and the queues are faces of it.
pub struct Database {
    // In the order in which they have to go.
    committer: Committer,
    engine: Arc<dyn Engine>,
    clock: Arc<Clock>,
    options: Options,
    guard: Guard,
    maker: Maker,
}

impl Database {
    /// Opens the directory, or makes it.
    pub fn open(dir: &Path, options: Options) -> Result<Database, Error> {
        options.check()?;
        let mut guard = Guard::take(dir, options.create)?;
        let mut watermark = Watermark::open(&guard)?;
        let engine = Fjall::open(&guard.data(), options.block_cache, options.workers)?;
        if guard.is_new() {
            engine.sync()?;
            guard.finish()?;
        }
        let found = read_ledger(&engine)?;
        let synced = watermark.synced();
        if found.seq < synced {
            if !options.accept_loss {
                let dir = guard.dir().to_path_buf();
                return Err(Error::Lost { dir, recovered: found.seq, synced });
            }
            watermark.note(found.seq)?;
            watermark.sync()?;
        }
        // After a clean end both are the same.
        let seq = if found.seq == synced { found.seq } else { found.seq.max(synced) + LEAP };
        let clock = Arc::new(Clock::new(options.manual_clock));
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let ground = Ground {
            engine: engine.clone(),
            clock: clock.clone(),
            watermark,
            ledger: Ledger { seq, ..found },
            committed: found.seq,
        };
        let committer = Committer::start(ground, options.policy, options.queue_bytes)?;
        Ok(Database { committer, engine, clock, options, guard, maker: Maker::this() })
    }

    /// Who runs what changes something.
    pub fn committer(&self) -> &Committer {
        &self.committer
    }

    /// What is newest, to read from.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// What was there at one moment, for as long as it is kept.
    pub fn snapshot(&self) -> Result<Box<dyn View>, Error> {
        self.engine.snapshot()
    }

    /// The time by which lifetimes end.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// How it was opened.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.guard.dir()
    }

    /// The random number that the store was given when it was made.
    pub fn id(&self) -> u128 {
        self.guard.id()
    }

    /// The books as of the last batch.
    pub fn ledger(&self) -> Ledger {
        self.committer.ledger()
    }

    pub(crate) fn check_fork(&self) -> Result<(), Error> {
        if self.maker.is_this() { Ok(()) } else { Err(Error::Forked) }
    }

    /// Commits and syncs what is under way; later writes are [`Error::Closed`]. Dropping it does the same.
    pub fn close(&self) {
        self.committer.close();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !self.maker.is_this() {
            // The child of a fork: it would wait for the parent's threads, and unlock the parent's directory.
            std::mem::forget(self.engine.clone());
            self.guard.leave();
            return;
        }
        self.committer.close();
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("guard", &self.guard).finish_non_exhaustive()
    }
}
