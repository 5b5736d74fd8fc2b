//! Durable message queues: at least once, first in first out, on the same database as the store, so that "set this key
//! and queue that message" is one step.
//!
//! A message is put in ([`Queue::push`]) and reserved ([`Queue::reserve`]) under a lease. Its consumer acknowledges it
//! ([`Queue::ack`]), which removes it; or refuses it ([`Queue::nak`]), dies, or takes too long: then it is delivered
//! again, in its old place unless it is to wait. A message that was delivered `max_deliveries` times goes to the dead
//! letters, so that none blocks those behind it for ever. `queue+reader` is a reader's own copy of a queue (Kestrel's
//! fan-out): made when first asked, it gets what the queue gets from then on.
//!
//! Messages of one queue are handed out in the order in which they were committed. Every step is as durable as the
//! database's policy asks when it is answered. A queue of ten million messages costs no more per step than one of ten:
//! the cursor in its record says where the first is that nobody was given.
//!
//! ```
//! # let dir = std::env::temp_dir().join(format!("nearcache-store-doc-queue-{}", std::process::id()));
//! use nearcache_store::queue::{Lease, Push, Queues};
//! use nearcache_store::{Database, Options};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! let db = Arc::new(Database::open(&dir, Options::default())?);
//! let orders = Queues::on(db)?.queue(b"orders")?;
//! orders.push(b"order 7", &Push::default())?;
//! let order = orders.reserve_one(Lease::Seconds(30), Duration::ZERO)?.expect("it is there");
//! assert_eq!((order.body.as_slice(), order.deliveries), (b"order 7".as_slice(), 1));
//! assert!(orders.ack(&order.receipt.unwrap())?);
//! assert_eq!(orders.stats()?.messages, 0);
//! # drop(orders);
//! # let _ = std::fs::remove_dir_all(&dir);
//! # Ok::<(), nearcache_store::Error>(())
//! ```

mod bell;
mod check;
mod codec;
mod due;
mod later;
mod line;
mod message;
mod record;
pub mod steps;

pub use bell::Watch;
pub use message::{Message, Receipt};
pub use record::{DELAY_MAX, LEASE_MAX, NAME_MAX, Settings, Totals, check_name};
pub(crate) use record::{check_delay, check_lease};
pub use steps::{Fate, Lease, Limits, Push, Pushed};

use crate::Error;
use crate::committer::{Pending, Tx};
use crate::database::Database;
use crate::fork::Maker;
use bell::{Bells, Waiter};
use line::Line;
use record::Record;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The queues of a database. Clones are the same.
#[derive(Clone)]
pub struct Queues {
    db: Arc<Database>,
    bells: Arc<Bells>,
    limits: Limits,
    maker: Maker,
}

/// A queue under its name; it need not be there yet. Clones are the same; any thread may use one.
#[derive(Clone)]
pub struct Queue {
    queues: Queues,
    name: Vec<u8>,
}

/// What is in a queue, and what has happened to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stats {
    /// The queue's name.
    pub name: Vec<u8>,
    /// All messages: ready, reserved and delayed.
    pub messages: u64,
    /// Messages that can be handed out.
    pub ready: u64,
    /// Messages that somebody has.
    pub reserved: u64,
    /// Messages that wait for their time.
    pub delayed: u64,
    /// Bytes of all messages, with about 30 of each that are ours.
    pub bytes: u64,
    /// Seconds that the first message in line has been in the queue; 0 if there is none.
    pub age: u64,
    /// When the queue was made, as Unix time.
    pub made: u64,
    /// Is nothing handed out?
    pub is_paused: bool,
    /// What has happened since it was made.
    pub totals: Totals,
    /// Readers' copies.
    pub readers: Vec<Vec<u8>>,
}

impl Queues {
    /// The queues of a database that is open. Once for each database.
    pub fn on(db: Arc<Database>) -> Result<Queues, Error> {
        let bells = Arc::new(Bells::default());
        db.committer().run(0, due::end_sessions)?;
        db.committer().observe(bells.clone());
        db.committer().add_chore(Arc::new(due::Due::default()));
        let options = db.options();
        let limits = Limits { message_max: options.item_size_max, quota: options.quota };
        Ok(Queues { db, bells, limits, maker: Maker::this() })
    }

    /// The database, which a store may share.
    pub fn database(&self) -> &Arc<Database> {
        &self.db
    }

    /// The limits that steps in a batch of the caller's own are to be given.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The queue of this name. 1 to 240 bytes, without spaces, control characters and '/'.
    pub fn queue(&self, name: &[u8]) -> Result<Queue, Error> {
        check_name(name)?;
        Ok(Queue { queues: self.clone(), name: name.to_vec() })
    }

    /// The names of all queues that are there, in order.
    pub fn names(&self) -> Result<Vec<Vec<u8>>, Error> {
        self.check_fork()?;
        steps::names(self.db.engine().as_ref())
    }

    /// Runs steps of the caller's own ([`steps`], and those of the store) as one, and waits until it is durable.
    pub fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.submit(bytes, work)?.wait()
    }

    fn submit<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Pending<T>, Error> {
        self.check_fork()?;
        self.db.committer().submit(bytes, work)
    }

    fn check_fork(&self) -> Result<(), Error> {
        if self.maker.is_this() { Ok(()) } else { Err(Error::Forked) }
    }
}

impl Queue {
    /// The queue's name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Puts a message in; the queue is made if there is none. Its readers' copies get it in the same step.
    pub fn push(&self, body: &[u8], push: &Push) -> Result<Pushed, Error> {
        self.submit_push(body, push)?.wait()
    }

    /// The same, to be waited for later: so one thread has many messages on their way, in the order of its calls.
    pub fn submit_push(&self, body: &[u8], push: &Push) -> Result<Pending<Pushed>, Error> {
        steps::check_push(&self.name, push)?;
        let (name, body, push) = (self.name.clone(), body.to_vec(), push.clone());
        let limits = self.queues.limits;
        let bytes = body.len() + name.len();
        self.queues.submit(bytes, move |tx| steps::push(tx, &limits, &name, &body, &push))
    }

    /// Reserves up to `max` messages (at most 10,000), and waits so long for the first. Each is nobody else's until its
    /// lease ends. An empty answer: there was none in that time.
    pub fn reserve(&self, max: usize, lease: Lease, wait: Duration) -> Result<Vec<Message>, Error> {
        if let Lease::Seconds(seconds) = lease {
            check_lease(seconds)?;
        }
        self.get(max, wait, move |tx, name, max| steps::reserve(tx, name, max, lease))
    }

    /// Reserves one message.
    pub fn reserve_one(&self, lease: Lease, wait: Duration) -> Result<Option<Message>, Error> {
        Ok(self.reserve(1, lease, wait)?.pop())
    }

    /// Takes up to `max` messages for good, as MemcacheQ does: who dies with them has lost them.
    pub fn take(&self, max: usize, wait: Duration) -> Result<Vec<Message>, Error> {
        self.get(max, wait, steps::take)
    }

    fn get(
        &self,
        max: usize,
        wait: Duration,
        step: impl Fn(&mut Tx<'_>, &[u8], usize) -> Result<Vec<Message>, Error> + Clone + Send + 'static,
    ) -> Result<Vec<Message>, Error> {
        let max = max.min(GET_MAX);
        let once = |is_new: bool| {
            // Nobody's turn with the committer is taken for nothing.
            if !is_new && self.ready()? == 0 {
                return Ok(Vec::new());
            }
            let (name, step) = (self.name.clone(), step.clone());
            self.queues.run(0, move |tx| step(tx, &name, max))
        };
        // A reader's copy is made by the asking.
        let found = once(record::split_child(&self.name).is_some())?;
        if !found.is_empty() || wait.is_zero() || max == 0 {
            return Ok(found);
        }
        let until = Instant::now().checked_add(wait).unwrap_or_else(far);
        let waiter = Arc::new(Waiter::default());
        let ringing = waiter.clone();
        let _watch = self.watch(move || ringing.ring());
        loop {
            let found = once(false)?;
            if !found.is_empty() || !waiter.wait(until) {
                return Ok(found);
            }
        }
    }

    /// Has `call` called whenever the queue may have something to hand out, as long as the watch is kept. On the
    /// committer's thread: it is to be brief, and must not wait for a step. For servers, which have no thread to let
    /// wait.
    pub fn watch(&self, call: impl Fn() + Send + Sync + 'static) -> Watch {
        self.queues.bells.watch(&self.name, Arc::new(call))
    }

    /// The message is done with. `false`: it was acknowledged before, or its lease has ended.
    pub fn ack(&self, receipt: &Receipt) -> Result<bool, Error> {
        self.submit_ack(receipt)?.wait()
    }

    /// The same, to be waited for later.
    pub fn submit_ack(&self, receipt: &Receipt) -> Result<Pending<bool>, Error> {
        let (name, receipt) = (self.name.clone(), *receipt);
        self.queues.submit(0, move |tx| steps::ack(tx, &name, &receipt))
    }

    /// The consumer will not have it: it is delivered again after `delay` seconds, or as the queue's settings say.
    pub fn nak(&self, receipt: &Receipt, delay: Option<u32>) -> Result<Fate, Error> {
        check_delay("the delay", delay.unwrap_or(0))?;
        let (name, receipt) = (self.name.clone(), *receipt);
        self.queues.run(0, move |tx| steps::nak(tx, &name, &receipt, delay))
    }

    /// The consumer needs so many seconds more, from now on. The new receipt, or `None`: the lease has ended already.
    pub fn extend(&self, receipt: &Receipt, seconds: u32) -> Result<Option<Receipt>, Error> {
        check_lease(seconds)?;
        let (name, receipt) = (self.name.clone(), *receipt);
        self.queues.run(0, move |tx| steps::extend(tx, &name, &receipt, seconds))
    }

    /// The first messages in line, which stay there. Their `deliveries` are those of before.
    pub fn peek(&self, max: usize) -> Result<Vec<Message>, Error> {
        let view = self.queues.db.snapshot()?;
        let record = Record::load(view.as_ref(), &self.name)?;
        let record = record.ok_or_else(|| steps::no_queue(&self.name))?;
        Line { name: self.name.clone(), record }.peek(view.as_ref(), max.min(GET_MAX))
    }

    /// Gives the queue settings; it is made if there is none.
    pub fn configure(&self, settings: Settings) -> Result<(), Error> {
        settings.check(&self.name)?;
        let name = self.name.clone();
        self.queues.run(0, move |tx| steps::configure(tx, &name, settings))
    }

    /// The queue's settings.
    pub fn settings(&self) -> Result<Settings, Error> {
        Ok(self.record()?.settings)
    }

    /// Hands nothing out until [`Queue::resume`]; messages are put in as before.
    pub fn pause(&self) -> Result<(), Error> {
        self.change(|record| record.is_paused = true)
    }

    /// Goes on after [`Queue::pause`].
    pub fn resume(&self) -> Result<(), Error> {
        self.change(|record| record.is_paused = false)
    }

    fn change(&self, change: impl FnOnce(&mut Record) + Send + 'static) -> Result<(), Error> {
        let name = self.name.clone();
        self.queues.run(0, move |tx| steps::change(tx, &name, change))
    }

    /// Drops every message, whoever has it; how many there were. Their disk comes back in passing.
    pub fn purge(&self) -> Result<u64, Error> {
        let name = self.name.clone();
        self.queues.run(0, move |tx| steps::purge(tx, &name))
    }

    /// Removes the queue and its messages; `false`: there was none.
    pub fn delete(&self) -> Result<bool, Error> {
        let name = self.name.clone();
        self.queues.run(0, move |tx| steps::delete(tx, &name))
    }

    /// Moves up to `max` messages back to the queues that they come from (dead letters know), or to `to`; how many.
    pub fn requeue(&self, to: Option<&Queue>, max: usize) -> Result<usize, Error> {
        let (name, to) = (self.name.clone(), to.map(|queue| queue.name.clone()));
        let max = max.min(GET_MAX);
        self.queues.run(0, move |tx| steps::requeue(tx, &name, to.as_deref(), max))
    }

    /// What is in it, and what has happened to it.
    pub fn stats(&self) -> Result<Stats, Error> {
        let record = self.record()?;
        let line = Line { name: self.name.clone(), record };
        let first = line.peek(self.queues.db.snapshot()?.as_ref(), 1)?;
        let now = self.queues.db.clock().now().max(0) as u64;
        let record = line.record;
        Ok(Stats {
            name: line.name,
            messages: record.len(),
            ready: record.ready(),
            reserved: record.reserved,
            delayed: record.delayed,
            bytes: record.bytes,
            age: first.first().map_or(0, |message| now.saturating_sub(message.at)),
            made: record.made,
            is_paused: record.is_paused,
            totals: record.totals,
            readers: record.children,
        })
    }

    fn record(&self) -> Result<Record, Error> {
        self.queues.check_fork()?;
        let record = Record::load(self.queues.db.engine().as_ref(), &self.name)?;
        record.ok_or_else(|| steps::no_queue(&self.name))
    }
}

/// Most messages of one step: while it runs, nobody else's does.
const GET_MAX: usize = 10_000;

fn far() -> Instant {
    Instant::now() + Duration::from_secs(u32::MAX.into())
}
