//! The committer's thread: batches, chores, syncs, and the way back after a failure.

use crate::Error;
use crate::clock::Clock;
use crate::committer::job::{Gate, Job, Opening};
use crate::committer::tx::Tx;
use crate::committer::{Ground, Inbox, Policy, Shared, read_ledger};
use crate::engine::{Durability, Engine};
use crate::guard::Watermark;
use crate::ledger::Ledger;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Most operations, and most bytes, of one batch.
const BATCH_JOBS: usize = 4096;
const BATCH_BYTES: usize = 16 << 20;
/// Longest wait for those who are about to come again.
const GATHER_MAX: Duration = Duration::from_millis(1);
const TICK: Duration = Duration::from_secs(1);

/// The thread's own.
pub(super) struct Worker {
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
    /// How many are writing at a time, and how long it pays to wait for them.
    writers: usize,
    gather: Duration,
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
    /// It runs when [`Worker::run`] is called.
    pub fn new(shared: Arc<Shared>, ground: Ground, policy: Policy) -> Worker {
        let Ground { engine, clock, watermark, ledger, committed } = ground;
        Worker {
            shared,
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
            writers: 0,
            gather: Duration::ZERO,
        }
    }

    /// Until the committer is closed.
    pub fn run(&mut self) {
        loop {
            let (mut jobs, gate, is_last) = self.take();
            let gate = Opening(gate);
            let (taken, begun) = (jobs.len(), Instant::now());
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
            self.expect(taken, begun.elapsed());
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
        let is_idle = |inbox: &Inbox| !inbox.is_closed && !inbox.is_nudged;
        while inbox.jobs.is_empty() && is_idle(&inbox) {
            inbox.asleep_until = 1;
            if self.shared.arrived.wait_until(&mut inbox, until).timed_out() {
                break;
            }
        }
        // Those who were answered just now are about to come again. Who does not wait for them syncs for half of all
        // writers, and then for the other half.
        let until = Instant::now() + self.gather;
        while inbox.jobs.len() < self.writers && is_idle(&inbox) {
            inbox.asleep_until = self.writers;
            if self.shared.arrived.wait_until(&mut inbox, until).timed_out() {
                break;
            }
        }
        (inbox.asleep_until, inbox.is_nudged, inbox.bytes) = (0, false, 0);
        self.shared.room.notify_all();
        let jobs = std::mem::take(&mut inbox.jobs);
        (jobs, std::mem::take(&mut inbox.gate), inbox.is_closed)
    }

    /// Learns from a batch how many will come again, and how much of a sync's time may be spent on waiting for them.
    fn expect(&mut self, taken: usize, took: Duration) {
        let waiting = self.shared.inbox.lock().jobs.len();
        let is_worth_it = self.policy == Policy::Always && taken + waiting > 1;
        (self.writers, self.gather) = match is_worth_it {
            true => (taken + waiting, (took / 8).min(GATHER_MAX)),
            false => (0, Duration::ZERO),
        };
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
        if fate.is_err() {
            let chores = self.shared.chores.lock().clone();
            chores.iter().for_each(|chore| chore.undone());
        }
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
                Ok(Err(_)) | Err(_) => {
                    tx.roll_back();
                    chore.undone();
                }
            }
        }
        has_more
    }

    fn answer(&self, jobs: Jobs, fate: &Result<(), Error>) {
        let observers = self.shared.observers.lock().clone();
        observers.iter().for_each(|observer| observer.answering());
        jobs.into_iter().for_each(|(job, _)| job.answer(fate));
        observers.iter().for_each(|observer| observer.answered());
    }

    /// Commits the batch, by the policy. When this returns without an error it is safe enough to be told.
    fn commit(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let ledger = tx.seal();
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
            return self.engine.sync().map_err(|e| self.stick(e));
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
    pub fn give_up(&mut self, why: String) {
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
