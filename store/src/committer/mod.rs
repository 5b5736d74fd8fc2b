//! One thread that commits: everybody's writes of a moment are run one after another against the newest state, go to
//! the engine as one batch, and are answered together when the batch is as safe as the policy asks.

mod job;
mod tx;

pub use job::Pending;
pub use tx::{Changes, Tx};

use crate::Error;
use crate::clock::Clock;
use crate::engine::{Durability, Engine, Space, View};
use crate::fork::Maker;
use crate::guard::Watermark;
use crate::ledger::{self, Ledger};
use job::{Gate, Job, Opening};
use parking_lot::{Condvar, Mutex};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// When a write is safe enough to be answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

/// What is to be done in passing: it joins every batch, and is called at least once a second.
pub trait Chore: Send + Sync {
    /// Does a little; `true`: there is more to do at once. An error undoes it; it is called again with the next batch.
    fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error>;
}

/// Most operations, and most bytes, of one batch.
const BATCH_JOBS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;
const TICK: Duration = Duration::from_secs(1);

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
    is_asleep: bool,
    is_nudged: bool,
    is_closed: bool,
}

impl Committer {
    /// Starts the thread on an engine that has `committed` as its last sequence number. New ones follow that of
    /// `ledger`, which may be higher.
    pub fn start(
        engine: Arc<dyn Engine>,
        clock: Arc<Clock>,
        watermark: Watermark,
        ledger: Ledger,
        committed: u64,
        policy: Policy,
        queue_bytes: usize,
    ) -> Result<Committer, Error> {
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
            queue_bytes,
            observers: Mutex::default(),
            chores: Mutex::default(),
            readings: Readings::default(),
            ledger: Mutex::new(ledger),
        });
        let mut worker = Worker {
            shared: shared.clone(),
            engine,
            clock,
            watermark,
            ledger,
            committed,
            policy,
            unsynced_since: None,
            marked: Instant::now(),
            is_mark_synced: true,
            trouble: None,
        };
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
        Ok(pending(self.send(job, bytes)?))
    }

    /// The same for who must not wait: `then` gets the answer, on the committer's thread, and is to be brief.
    pub fn submit_with<T, F, G>(&self, bytes: usize, work: F, then: G) -> Result<(), Error>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        G: FnOnce(Result<T, Error>) + Send + 'static,
        T: Send + 'static,
    {
        self.send(job::calling(work, then), bytes).map(|_| ())
    }

    fn send(&self, job: Box<dyn Job>, bytes: usize) -> Result<Arc<Gate>, Error> {
        if !self.maker.is_this() {
            return Err(Error::Forked);
        }
        let shared = &*self.shared;
        let mut inbox = shared.inbox.lock();
        while !inbox.is_closed && !inbox.jobs.is_empty() && inbox.bytes + bytes > shared.queue_bytes
        {
            shared.room.wait(&mut inbox);
        }
        if inbox.is_closed {
            return Err(Error::Closed);
        }
        inbox.jobs.push((job, bytes));
        inbox.bytes += bytes;
        if std::mem::take(&mut inbox.is_asleep) {
            shared.arrived.notify_one();
        }
        Ok(inbox.gate.clone())
    }

    /// Has the chores run soon: the clock was moved, or there is something to do.
    pub fn nudge(&self) {
        let mut inbox = self.shared.inbox.lock();
        inbox.is_nudged = true;
        if std::mem::take(&mut inbox.is_asleep) {
            self.shared.arrived.notify_one();
        }
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
            inbox.is_asleep = false;
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

/// The thread's own.
struct Worker {
    shared: Arc<Shared>,
    engine: Arc<dyn Engine>,
    clock: Arc<Clock>,
    watermark: Watermark,
    /// As of the last batch that is in the engine.
    ledger: Ledger,
    /// The sequence number that the engine has to have, whatever happens to it.
    committed: u64,
    policy: Policy,
    /// When the oldest write that is not synced was written.
    unsynced_since: Option<Instant>,
    /// When the watermark was last synced, and whether it was noted since.
    marked: Instant,
    is_mark_synced: bool,
    trouble: Option<Trouble>,
}

/// Why nothing can be written.
enum Trouble {
    /// The engine could not be opened anew yet; tried again with each batch.
    Broken,
    /// Nothing helps but to open the store again, by somebody who knows why.
    Stuck(Error),
}

type Jobs = Vec<(Box<dyn Job>, usize)>;

impl Worker {
    fn run(&mut self) {
        loop {
            let (mut jobs, gate, is_last) = self.take();
            let gate = Opening(gate);
            // Chores and syncs have their turn also when there are no operations.
            loop {
                let rest = jobs.split_off(batch_len(&jobs));
                let has_more = self.batch(jobs);
                jobs = rest;
                if jobs.is_empty() {
                    if has_more {
                        self.shared.inbox.lock().is_nudged = true;
                    }
                    break;
                }
            }
            drop(gate);
            if is_last {
                self.finish();
                return;
            }
        }
    }

    /// Waits for something to do: operations, a chore's time, a sync that is due, or the end.
    fn take(&mut self) -> (Jobs, Arc<Gate>, bool) {
        let until = Instant::now() + self.patience();
        let mut inbox = self.shared.inbox.lock();
        while inbox.jobs.is_empty() && !inbox.is_closed && !inbox.is_nudged {
            inbox.is_asleep = true;
            if self.shared.arrived.wait_until(&mut inbox, until).timed_out() {
                break;
            }
        }
        (inbox.is_asleep, inbox.is_nudged, inbox.bytes) = (false, false, 0);
        self.shared.room.notify_all();
        let jobs = std::mem::take(&mut inbox.jobs);
        (jobs, std::mem::take(&mut inbox.gate), inbox.is_closed)
    }

    /// How long to sleep when nobody writes.
    fn patience(&self) -> Duration {
        match (self.policy, self.unsynced_since) {
            (Policy::EveryMillis(n), Some(since)) => {
                Duration::from_millis(u64::from(n)).saturating_sub(since.elapsed()).min(TICK)
            }
            _ => TICK,
        }
    }

    /// Runs the operations and the chores, commits what they changed, and answers. `true`: a chore wants more.
    fn batch(&mut self, mut jobs: Jobs) -> bool {
        let engine = self.engine.clone();
        if let Err(e) = self.mend() {
            self.answer(jobs, &Err(e));
            return false;
        }
        let mut tx = Tx::new(engine.as_ref(), self.ledger, self.clock.now());
        // Chores first: they end what is past before anybody meets it.
        let has_more = self.do_chores(&mut tx);
        for (job, _) in &mut jobs {
            tx.begin();
            if !job.run(&mut tx) {
                tx.roll_back();
            }
        }
        let is_changed = tx.is_changed();
        let fate = match is_changed {
            true => self.commit(&mut tx),
            false => self.keep_up(),
        };
        if fate.is_ok() && is_changed {
            let observers = self.shared.observers.lock().clone();
            observers.iter().for_each(|observer| observer.committed(&tx));
        }
        drop(tx);
        let readings = &self.shared.readings;
        // Relaxed, here and below: readings.
        readings.operations.fetch_add(jobs.len() as u64, Ordering::Relaxed);
        self.answer(jobs, &fate);
        has_more && fate.is_ok()
    }

    fn do_chores(&self, tx: &mut Tx<'_>) -> bool {
        let chores = self.shared.chores.lock().clone();
        let mut has_more = false;
        for chore in chores {
            tx.begin();
            match catch_unwind(AssertUnwindSafe(|| chore.run(tx))) {
                Ok(Ok(more)) => has_more |= more,
                // It comes again with the next batch; what is wrong, the operations will meet too.
                Ok(Err(_)) | Err(_) => tx.roll_back(),
            }
        }
        has_more
    }

    fn answer(&self, jobs: Jobs, fate: &Result<(), Error>) {
        jobs.into_iter().for_each(|(job, _)| job.answer(fate));
    }

    /// Commits the batch, by the policy. When this returns without an error it is safe enough to be told.
    fn commit(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let ledger = *tx.ledger();
        tx.put(Space::Book, ledger::KEY, ledger.encode().to_vec());
        let durability = match self.policy {
            Policy::Always => Durability::Synced,
            Policy::EveryMillis(_) | Policy::Never => Durability::Written,
        };
        let started = Instant::now();
        if let Err(e) = self.engine.commit(&mut tx.all(), durability) {
            // Relaxed: a reading.
            self.shared.readings.failures.fetch_add(1, Ordering::Relaxed);
            self.after_failure(e, &ledger, tx, durability)?;
        }
        (self.ledger, self.committed) = (ledger, ledger.seq);
        *self.shared.ledger.lock() = ledger;
        // Relaxed: a reading.
        self.shared.readings.batches.fetch_add(1, Ordering::Relaxed);
        match durability {
            Durability::Synced => self.note_synced(),
            Durability::Written => {
                self.unsynced_since.get_or_insert(started);
                self.keep_up()
            }
        }
    }

    /// The engine has failed a batch. It is opened anew, which decides the batch's fate.
    fn after_failure(
        &mut self,
        e: Error,
        ledger: &Ledger,
        tx: &Tx<'_>,
        durability: Durability,
    ) -> Result<(), Error> {
        // A disk that lost a write, or became read-only, is not to be written on: what is cached may say other than
        // what is stored. Reads go on.
        let from_system =
            |e: &Error| matches!(e, Error::System(_, io) if io.raw_os_error().is_some());
        if from_system(&e) || matches!(e, Error::ReadOnly(_) | Error::Damaged(_)) {
            return Err(self.stick(e));
        }
        self.trouble = Some(Trouble::Broken);
        self.mend()
            .map_err(|again| if matches!(again, Error::Lost { .. }) { again } else { e.clone() })?;
        if self.recovered_seq()? == ledger.seq {
            // It was written whole before the failure.
            return self.engine.sync();
        }
        if matches!(e, Error::DiskFull(_)) {
            return Err(e);
        }
        // One of the engine's own threads had failed, and nothing was written.
        self.engine.commit(&mut tx.all(), durability).inspect_err(|_| {
            self.trouble = Some(Trouble::Broken);
        })
    }

    fn stick(&mut self, e: Error) -> Error {
        self.trouble = Some(Trouble::Stuck(e.clone()));
        // Relaxed: a reading.
        self.shared.readings.is_stuck.store(true, Ordering::Relaxed);
        e
    }

    /// Opens the engine anew if it has failed, and looks whether everything is there.
    fn mend(&mut self) -> Result<(), Error> {
        match &self.trouble {
            None => return Ok(()),
            Some(Trouble::Stuck(e)) => return Err(e.clone()),
            Some(Trouble::Broken) => {}
        }
        // Relaxed: a reading.
        self.shared.readings.recoveries.fetch_add(1, Ordering::Relaxed);
        self.engine.recover()?;
        let recovered = self.recovered_seq()?;
        if recovered < self.committed {
            let dir = self.watermark.dir();
            return Err(self.stick(Error::Lost { dir, recovered, synced: self.committed }));
        }
        self.trouble = None;
        Ok(())
    }

    fn recovered_seq(&self) -> Result<u64, Error> {
        Ok(read_ledger(self.engine.as_ref())?.seq)
    }

    /// Syncs if the policy says that it is time.
    fn keep_up(&mut self) -> Result<(), Error> {
        match (self.policy, self.unsynced_since) {
            (Policy::EveryMillis(n), Some(since))
                if since.elapsed() >= Duration::from_millis(u64::from(n)) =>
            {
                self.sync()
            }
            _ => {
                self.sync_mark(TICK);
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> Result<(), Error> {
        match self.engine.sync() {
            Ok(()) => {
                self.unsynced_since = None;
                self.note_synced()
            }
            Err(e) => Err(self.stick(e)),
        }
    }

    /// The engine has synced everything up to the ledger's number.
    fn note_synced(&mut self) -> Result<(), Error> {
        let readings = &self.shared.readings;
        // Relaxed: readings.
        readings.syncs.fetch_add(1, Ordering::Relaxed);
        readings.synced.store(self.committed, Ordering::Relaxed);
        // The batch is safe whether or not the watermark can be written: it is allowed to lag.
        if self.watermark.note(self.committed).is_ok() {
            self.is_mark_synced = false;
        }
        self.sync_mark(TICK);
        Ok(())
    }

    fn sync_mark(&mut self, after: Duration) {
        if !self.is_mark_synced && self.marked.elapsed() >= after {
            self.marked = Instant::now();
            self.is_mark_synced = self.watermark.sync().is_ok();
        }
    }

    /// The end: whatever the policy, what was written is synced. (If nothing was, the watermark stays, so that the next
    /// to open knows of a crash before this.)
    fn finish(&mut self) {
        // Relaxed: this thread's own.
        let is_changed = self.shared.readings.batches.load(Ordering::Relaxed) > 0;
        if is_changed && self.mend().is_ok() && self.engine.sync().is_ok() {
            let _ = self.note_synced();
            self.sync_mark(Duration::ZERO);
        }
    }

    /// The thread has panicked, which is a bug: nobody may wait for it for ever.
    fn give_up(&mut self, why: String) {
        let mut inbox = self.shared.inbox.lock();
        inbox.is_closed = true;
        let jobs = std::mem::take(&mut inbox.jobs);
        let gate = inbox.gate.clone();
        self.shared.room.notify_all();
        drop(inbox);
        let _gate = Opening(gate);
        self.answer(jobs, &Err(Error::Panicked(why)));
    }
}

/// How many of the first jobs make a batch.
fn batch_len(jobs: &Jobs) -> usize {
    let mut sum = 0;
    let fits = |(_, bytes): &&(Box<dyn Job>, usize)| {
        let fits = sum == 0 || sum + bytes <= BATCH_BYTES;
        sum += bytes;
        fits
    };
    jobs.iter().take(BATCH_JOBS).take_while(fits).count()
}

/// The books as the engine has them; new ones, if it has none.
pub fn read_ledger(view: &dyn View) -> Result<Ledger, Error> {
    match view.get(Space::Book, ledger::KEY)? {
        Some(bytes) => Ledger::decode(&bytes),
        None => Ok(Ledger::default()),
    }
}
