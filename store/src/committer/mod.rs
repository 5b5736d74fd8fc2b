//! One thread that commits: everybody's writes of a moment are run one after another against the newest state, go to
//! the engine as one batch, and are answered together when the batch is as safe as the policy asks.

mod job;
mod tx;
mod worker;

pub use job::Pending;
pub use tx::{Changes, Tx};

use crate::Error;
use crate::clock::Clock;
use crate::engine::{Engine, Space, View};
use crate::fork::Maker;
use crate::guard::Watermark;
use crate::ledger::{self, Ledger};
use job::{Gate, Job};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread::{self, JoinHandle};
use worker::Worker;

/// When a write is safe enough to be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// When the disk has it: nothing that was acknowledged is lost, whatever happens. One sync serves everybody who
    /// writes at the time.
    #[default]
    Always,
    /// When the operating system has it; a sync follows within so many milliseconds, and writes wait for one that is
    /// late. A process that is killed loses nothing; a loss of power loses at most what was written in that time.
    EveryMillis(u32),
    /// When the operating system has it, which writes it to the disk when it likes. A process that is killed loses
    /// nothing.
    Never,
}

/// Is told of each batch when it is as safe as the policy asks, before those who wait for it. On the committer's
/// thread: what it does is to be brief.
pub trait Observer: Send + Sync {
    /// The batch that was committed.
    fn committed(&self, tx: &Tx<'_>);

    /// The answers of a batch, committed or failed, are about to be given out by this thread, one after another.
    fn answering(&self) {}

    /// They have been given out: who was only told so far can now be woken, once for all of them.
    fn answered(&self) {}
}

/// What is to be done in passing: it joins every batch, and is called at least once a second.
pub trait Chore: Send + Sync {
    /// Does a little; `true`: there is more to do at once. An error undoes it; it is called again with the next batch.
    fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error>;

    /// What it did last was not committed: what it remembers of that is wrong.
    fn undone(&self);
}

/// The committer's end that everybody holds.
pub struct Committer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    maker: Maker,
}

struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
    room: Condvar,
    queue_bytes: usize,
    observers: Mutex<Vec<Arc<dyn Observer>>>,
    chores: Mutex<Vec<Arc<dyn Chore>>>,
    /// Readings for statistics.
    readings: Readings,
    ledger: Mutex<Ledger>,
}

/// What the committer has done, for statistics.
#[derive(Debug, Default)]
pub struct Readings {
    /// Batches committed.
    pub batches: AtomicU64,
    /// Operations in them.
    pub operations: AtomicU64,
    /// Times that the disk was waited for.
    pub syncs: AtomicU64,
    /// Batches that failed.
    pub failures: AtomicU64,
    /// Times that the engine was opened anew.
    pub recoveries: AtomicU64,
    /// The last sequence number that is synced.
    pub synced: AtomicU64,
    /// Does nobody get to write any more, until the store is opened again?
    pub is_stuck: AtomicBool,
}

#[derive(Default)]
struct Inbox {
    jobs: Vec<(Box<dyn Job>, usize)>,
    bytes: usize,
    gate: Arc<Gate>,
    /// The committer sleeps until there are so many jobs; 0: it is awake.
    asleep_until: usize,
    is_nudged: bool,
    is_closed: bool,
}

/// What a committer stands on.
pub struct Ground {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// The time of each batch.
    pub clock: Arc<Clock>,
    /// Where it is noted what is synced.
    pub watermark: Watermark,
    /// The books: new sequence numbers follow its own.
    pub ledger: Ledger,
    /// The last sequence number that the engine has.
    pub committed: u64,
}

impl Committer {
    /// Starts the thread.
    pub fn start(ground: Ground, policy: Policy, queue_bytes: usize) -> Result<Committer, Error> {
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
            queue_bytes,
            observers: Mutex::default(),
            chores: Mutex::default(),
            readings: Readings::default(),
            ledger: Mutex::new(ground.ledger),
        });
        let mut worker = Worker::new(shared.clone(), ground, policy);
        let thread = thread::Builder::new().name("nearcache-store".into()).spawn(move || {
            let ran = catch_unwind(AssertUnwindSafe(|| worker.run()));
            let _ = ran.inspect_err(|panic| worker.give_up(job::said(panic.as_ref())));
        });
        let thread = thread.map_err(|e| {
            Error::System("cannot start the committer's thread".into(), Arc::new(e))
        })?;
        Ok(Committer { shared, thread: Mutex::new(Some(thread)), maker: Maker::this() })
    }

    /// Runs `work` as one atomic step in commit order, and waits until it is safe. An error of `work` undoes what it
    /// did and nothing else. `bytes` is about what it will write: while too much is waiting, callers wait here.
    pub fn run<T, F>(&self, bytes: usize, work: F) -> Result<T, Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(bytes, work)?.wait()
    }

    /// The same, to be waited for later.
    pub fn submit<T, F>(&self, bytes: usize, work: F) -> Result<Pending<T>, Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let (job, pending) = job::waiting(work);
        Ok(pending(self.send(job, bytes, true)?))
    }

    /// The same for who must not wait, be it for room: `then` gets the answer, on the committer's thread, and is to be
    /// brief. How much may be under way so is the caller's to bound.
    pub fn submit_with<T, F, G>(&self, bytes: usize, work: F, then: G) -> Result<(), Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        G: FnOnce(Result<T, Error>) + Send + 'static,
        T: Send + 'static,
    {
        self.send(job::calling(work, then), bytes, false).map(|_| ())
    }

    fn send(&self, job: Box<dyn Job>, bytes: usize, waits: bool) -> Result<Arc<Gate>, Error> {
        if !self.maker.is_this() {
            return Err(Error::Forked);
        }
        let shared = &*self.shared;
        let mut inbox = shared.inbox.lock();
        let is_full =
            |inbox: &Inbox| !inbox.jobs.is_empty() && inbox.bytes + bytes > shared.queue_bytes;
        while waits && !inbox.is_closed && is_full(&inbox) {
            shared.room.wait(&mut inbox);
        }
        if inbox.is_closed {
            return Err(Error::Closed);
        }
        inbox.jobs.push((job, bytes));
        inbox.bytes += bytes;
        if (1..=inbox.jobs.len()).contains(&inbox.asleep_until) {
            inbox.asleep_until = 0;
            shared.arrived.notify_one();
        }
        Ok(inbox.gate.clone())
    }

    /// Has the chores run soon: the clock was moved, or there is something to do.
    pub fn nudge(&self) {
        let mut inbox = self.shared.inbox.lock();
        inbox.is_nudged = true;
        self.shared.arrived.notify_one();
    }

    /// Has an observer told of each batch from now on.
    pub fn observe(&self, observer: Arc<dyn Observer>) {
        self.shared.observers.lock().push(observer);
    }

    /// Adds a chore.
    pub fn add_chore(&self, chore: Arc<dyn Chore>) {
        self.shared.chores.lock().push(chore);
    }

    /// The books as of the last batch.
    pub fn ledger(&self) -> Ledger {
        *self.shared.ledger.lock()
    }

    /// What was done so far.
    pub fn readings(&self) -> &Readings {
        &self.shared.readings
    }

    /// Commits what is waiting, syncs whatever the policy, and ends the thread. Later operations are refused.
    pub fn close(&self) {
        // In the child of a fork there is no such thread, and who knows who holds the lock.
        if !self.maker.is_this() {
            return;
        }
        {
            let mut inbox = self.shared.inbox.lock();
            inbox.is_closed = true;
            self.shared.arrived.notify_one();
            self.shared.room.notify_all();
        }
        if let Some(thread) = self.thread.lock().take() {
            // It does not panic: `give_up` has told everybody.
            let _ = thread.join();
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.close();
    }
}

/// The books as the engine has them; new ones, if it has none.
pub fn read_ledger(view: &dyn View) -> Result<Ledger, Error> {
    match view.get(Space::Book, ledger::KEY)? {
        Some(bytes) => Ledger::decode(&bytes),
        None => Ok(Ledger::default()),
    }
}
