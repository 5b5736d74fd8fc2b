//! Has requests done on an open directory: one place says what each means, whoever asks, and however he waits.

use super::request::{Change, Reply, Request, Store as Storing, Welcome};
use crate::batch::Batch;
use crate::committer::Tx;
use crate::later;
use crate::page::{GoOn, Progress};
use crate::queue::{self, Queue, Queues, steps};
use crate::store::asked;
use crate::{Database, Error, FORMAT, Options, Store};
use nearcache::{MetaArith, MetaDelete, MetaSum};
use serde_bytes::ByteBuf;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Most entries, or messages, of one answer.
const MANY: usize = 10_000;

/// An open directory: its store and its queues.
pub struct Service {
    /// The store.
    pub store: Arc<Store>,
    /// The queues.
    pub queues: Queues,
}

/// A change, to be run by the committer.
pub type Work = Box<dyn FnOnce(&mut Tx<'_>) -> Result<Reply, Error> + Send>;

/// Long work, which tells how far it is.
pub type Long = Box<dyn FnOnce(GoOn<'_>) -> Result<Reply, Error> + Send>;

/// How a request is done.
pub enum Plan {
    /// It is done already: it was a read.
    Now(Reply),
    /// By the committer: `Committer::run`, or `submit_with`; about so many bytes are written.
    Write(usize, Work),
    /// As soon as the queue has something, or the time is over: [`Get::again`] whenever its queue's watch calls.
    Get(Get),
    /// On a thread of its own: it reads or copies everything.
    Long(Long),
}

/// Messages that are asked for.
#[derive(Clone)]
pub struct Get {
    /// Of which queue.
    pub queue: Queue,
    /// How long the caller waits for the first one.
    pub wait: Duration,
    max: usize,
    /// `None`: taken for good.
    lease: Option<queue::Lease>,
}

impl Get {
    /// What the committer is to run now; no messages: there were none.
    pub fn again(&self) -> Work {
        let (name, max, lease) = (self.queue.name().to_vec(), self.max, self.lease);
        Box::new(move |tx| {
            Ok(Reply::Messages(match lease {
                Some(lease) => steps::reserve(tx, &name, max, lease)?,
                None => steps::take(tx, &name, max)?,
            }))
        })
    }

    fn run(self) -> Result<Reply, Error> {
        Ok(Reply::Messages(match self.lease {
            Some(lease) => self.queue.reserve(self.max, lease, self.wait)?,
            None => self.queue.take(self.max, self.wait)?,
        }))
    }
}

impl Service {
    /// Opens a directory, or makes it.
    pub fn open(dir: &Path, options: Options) -> Result<Service, Error> {
        Service::on(Arc::new(Database::open(dir, options)?))
    }

    /// The store and the queues of a directory that is open. Once for each database.
    pub fn on(db: Arc<Database>) -> Result<Service, Error> {
        Ok(Service { store: Arc::new(Store::on(db.clone())?), queues: Queues::on(db)? })
    }

    /// The directory.
    pub fn database(&self) -> &Arc<Database> {
        self.store.database()
    }

    /// Does what is asked, and waits for it.
    pub fn call(&self, request: Request, go_on: GoOn<'_>) -> Result<Reply, Error> {
        match self.plan(request)? {
            Plan::Now(reply) => Ok(reply),
            Plan::Write(bytes, work) => self.database().committer().run(bytes, work),
            Plan::Get(get) => get.run(),
            Plan::Long(work) => work(go_on),
        }
    }

    /// What there is to tell a caller.
    pub fn welcome(&self) -> Welcome {
        let options = self.database().options();
        let near = match options.near {
            0 => None,
            _ => options.near_home.place(),
        };
        Welcome {
            version: env!("CARGO_PKG_VERSION").to_string(),
            dir: self.database().dir().to_path_buf(),
            format: FORMAT,
            id: self.database().id(),
            policy: options.policy,
            near,
            item_size_max: options.item_size_max,
        }
    }

    /// How a request is to be done. Reads are done here; what was wrong with a request is the error.
    pub fn plan(&self, request: Request) -> Result<Plan, Error> {
        self.database().check_fork()?;
        let (store, queues) = (&self.store, &self.queues);
        let now = |reply| Ok(Plan::Now(reply));
        match request {
            Request::Hello { .. } => now(Reply::Welcome(self.welcome())),
            Request::Get { keys } => {
                let mut values = vec![None; keys.len()];
                store.get_many(&keys, |at, value| values[at] = Some(value))?;
                now(Reply::Values(values))
            }
            Request::Rget { start, end, left_open, right_open, max } => now(Reply::Entries(
                store.rget(&start, &end, left_open, right_open, max.min(MANY))?,
            )),
            Request::Prefix { prefix, after, max } => now(Reply::Entries(store.prefix(
                &prefix,
                after.as_ref().map(|key| key.as_slice()),
                max.min(MANY),
            )?)),
            Request::StoreStats => {
                let stats = store.stats()?;
                now(Reply::Facts(
                    stats.into_iter().map(|(name, n)| (name.to_string(), n)).collect(),
                ))
            }
            Request::Peek { queue, max } => now(Reply::Messages(queues.queue(&queue)?.peek(max)?)),
            Request::Settings { queue } => now(Reply::Settings(queues.queue(&queue)?.settings()?)),
            Request::QueueStats { queue } => now(Reply::QueueStats(queues.queue(&queue)?.stats()?)),
            Request::QueueNames => {
                now(Reply::Names(queues.names()?.into_iter().map(ByteBuf::from).collect()))
            }
            Request::Reserve { queue, max, lease, wait_millis } => {
                self.get(&queue, max, Some(lease), wait_millis)
            }
            Request::Take { queue, max, wait_millis } => self.get(&queue, max, None, wait_millis),
            Request::Backup { to } => {
                let db = self.database().clone();
                Ok(Plan::Long(Box::new(move |go_on| db.backup(&to, go_on).map(|()| Reply::Done))))
            }
            Request::Verify => {
                let (store, queues) = (self.store.clone(), self.queues.clone());
                Ok(Plan::Long(Box::new(move |go_on| {
                    // Two pieces of work, told as one: messages are read twice.
                    let (mut first, more) = (0, store.database().ledger().messages);
                    store.verify(&mut |Progress { done, of }| {
                        first = done;
                        go_on(Progress { done, of: of + more })
                    })?;
                    queues.verify(&mut |Progress { done, of }| {
                        go_on(Progress { done: first + done, of: first + of })
                    })?;
                    Ok(Reply::Done)
                })))
            }
            Request::Compact => {
                let db = self.database().clone();
                Ok(Plan::Long(Box::new(move |go_on| db.compact(go_on).map(|()| Reply::Done))))
            }
            write => self.write(write),
        }
    }

    fn get(
        &self,
        queue: &[u8],
        max: usize,
        lease: Option<queue::Lease>,
        wait_millis: u64,
    ) -> Result<Plan, Error> {
        if let Some(queue::Lease::Seconds(seconds)) = lease {
            queue::check_lease(seconds)?;
        }
        let (queue, wait) = (self.queues.queue(queue)?, Duration::from_millis(wait_millis));
        Ok(Plan::Get(Get { queue, wait, max: max.min(MANY), lease }))
    }

    /// What is done by the committer.
    fn write(&self, request: Request) -> Result<Plan, Error> {
        let store = &self.store;
        let name = |queue: &ByteBuf| Ok(self.queues.queue(queue)?.name().to_vec());
        Ok(match request {
            Request::Set(Storing { verb, key, value, flags, expiry }) => {
                let work = store.set_work(&key, &value, asked(verb, flags, expiry))?;
                then(work, |stored| Reply::Outcome(stored.outcome))
            }
            Request::Count { key, delta, down } => {
                let work =
                    store.arith_work(&key, MetaArith { delta, down, ..MetaArith::default() });
                then(work?, |sum| {
                    Reply::Number(match sum {
                        MetaSum::Number { number, .. } => Some(number),
                        MetaSum::Missing | MetaSum::Exists => None,
                    })
                })
            }
            Request::Touch { key, expiry, wants_value } => {
                then(store.touch_work(&key, expiry)?, move |mut found| {
                    if let Some(value) = found.as_mut().filter(|_| !wants_value) {
                        value.data.clear();
                    }
                    Reply::Values(vec![found])
                })
            }
            Request::Delete { key, unique } => {
                let ask = MetaDelete { compare: unique, ..MetaDelete::default() };
                then(store.delete_work(&key, ask)?, |(deletion, _)| Reply::Deletion(deletion))
            }
            Request::Flush { delay } => then(store.flush_work(delay)?, |()| Reply::Done),
            Request::Batch(changes) => {
                let mut batch = store.batch();
                changes.into_iter().try_for_each(|change| self.add(&mut batch, change))?;
                let (bytes, work) = batch.into_work();
                write(bytes, |tx| work(tx).map(Reply::Numbers))
            }
            Request::Push { queue, body, push } => {
                steps::check_push(&queue, &push)?;
                let limits = self.queues.limits();
                write(queue.len() + body.len(), move |tx| {
                    steps::push(tx, &limits, &queue, &body, &push).map(Reply::Pushed)
                })
            }
            Request::Ack { queue, receipts } => {
                let queue = name(&queue)?;
                write(0, move |tx| {
                    let acked = receipts.iter().map(|receipt| steps::ack(tx, &queue, receipt));
                    acked.collect::<Result<_, _>>().map(Reply::Many)
                })
            }
            Request::Nak { queue, receipt, delay } => {
                let queue = name(&queue)?;
                queue::check_delay("the delay", delay.unwrap_or(0))?;
                write(0, move |tx| steps::nak(tx, &queue, &receipt, delay).map(Reply::Fate))
            }
            Request::Extend { queue, receipt, seconds } => {
                let queue = name(&queue)?;
                queue::check_lease(seconds)?;
                write(0, move |tx| steps::extend(tx, &queue, &receipt, seconds).map(Reply::Receipt))
            }
            Request::Configure { queue, settings } => {
                let queue = name(&queue)?;
                settings.check(&queue)?;
                write(0, move |tx| steps::configure(tx, &queue, settings).map(|()| Reply::Done))
            }
            Request::Pause { queue, is_paused } => {
                let queue = name(&queue)?;
                write(0, move |tx| {
                    steps::change(tx, &queue, |record| record.is_paused = is_paused)?;
                    Ok(Reply::Done)
                })
            }
            Request::Purge { queue } => {
                let queue = name(&queue)?;
                write(0, move |tx| steps::purge(tx, &queue).map(|n| Reply::Number(Some(n))))
            }
            Request::DeleteQueue { queue } => {
                let queue = name(&queue)?;
                write(0, move |tx| steps::delete(tx, &queue).map(Reply::Yes))
            }
            Request::Requeue { queue, to, max } => {
                let queue = name(&queue)?;
                let to = to.as_ref().map(name).transpose()?;
                write(0, move |tx| {
                    let moved = steps::requeue(tx, &queue, to.as_deref(), max.min(MANY))?;
                    Ok(Reply::Number(Some(moved as u64)))
                })
            }
            read => unreachable!("{read:?} is no write: plan() has done it"),
        })
    }

    /// A change as a step of a batch.
    fn add(&self, batch: &mut Batch, change: Change) -> Result<(), Error> {
        match change {
            Change::Set(Storing { verb, key, value, flags, expiry }) => {
                batch.store(verb, &key, &value, flags, expiry)
            }
            Change::Delete { key } => batch.delete(&key),
            Change::Count { key, delta, down } => batch.count(&key, delta, down),
            Change::Push { queue, body, push } => batch.push(&self.queues, &queue, &body, &push),
            Change::Ack { queue, receipt } => batch.ack(&self.queues, &queue, &receipt),
        }
    }
}

fn write(
    bytes: usize,
    work: impl FnOnce(&mut Tx<'_>) -> Result<Reply, Error> + Send + 'static,
) -> Plan {
    Plan::Write(bytes, Box::new(work))
}

/// A verb of the store, and its answer as a reply.
fn then<T: 'static>(
    (bytes, work): later::Work<T>,
    reply: impl FnOnce(T) -> Reply + Send + 'static,
) -> Plan {
    write(bytes, |tx| work(tx).map(reply))
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("database", self.database()).finish_non_exhaustive()
    }
}
