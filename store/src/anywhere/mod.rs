//! A store and its queues wherever they are: in a directory that this process opens, or behind a daemon's socket. The
//! faces of other languages stand on this.

mod client;
mod open;
mod place;

pub use place::{Login, Place};

use crate::page::GoOn;
use crate::queue::{Fate, Lease, Message, Push, Pushed, Receipt, Settings, Stats};
use crate::wire::{Change, Reply, Request, Service, Store as Storing, Welcome};
use crate::{Entry, Error, Options, Snapshot, Value};
use client::{Client, unexpected};
use nearcache::{Deletion, Expiry, Outcome, Verb};
use serde_bytes::ByteBuf;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A store and its queues. Clones are the same; any thread may use one.
///
/// A directory is opened once in a process, however many ask for it, and closed when the last has gone; other processes
/// reach it through the daemon that has it open. What differs over a socket: a write whose daemon went away before it
/// answered may or may not have been done, which the error says ([`Error::Connection`]); there are no snapshots; and an
/// item may be shown up to a second after its time, or after a delayed flush. After a fork a directory is the parent's
/// ([`Error::Forked`]), and a socket's child makes connections of its own.
#[derive(Clone, Debug)]
pub struct Durable {
    end: End,
}

#[derive(Clone)]
enum End {
    Here(Arc<Service>),
    There(Arc<Client>),
}

/// Matches the one answer that there can be.
macro_rules! answer {
    ($reply:expr, $kind:pat => $value:expr) => {
        match $reply? {
            $kind => Ok($value),
            other => Err(unexpected(&other)),
        }
    };
}

impl Durable {
    /// Opens what is at a place. Options are those of a directory (`None`: the default ones, or those that it is open
    /// with in this process); a daemon has its own, and any that are given here are refused.
    pub fn open(place: &Place, options: Option<Options>) -> Result<Durable, Error> {
        let end = match (place, options) {
            (Place::Directory(dir), options) => End::Here(open::open(dir, options)?),
            (_, None) => End::There(Arc::new(Client::connect(place.clone())?)),
            (_, Some(_)) => {
                return Err(Error::InvalidOptions(format!(
                    "{place} is a daemon's socket, and how its store is opened is the daemon's to say: open it without \
                     options"
                )));
            }
        };
        Ok(Durable { end })
    }

    /// The directory, if it is open in this process.
    pub fn local(&self) -> Option<&Service> {
        match &self.end {
            End::Here(service) => Some(service),
            End::There(_) => None,
        }
    }

    /// What is open: where, of which format, and how it is written.
    pub fn about(&self) -> Result<Welcome, Error> {
        answer!(self.call(Request::Hello { login: None }), Reply::Welcome(welcome) => welcome)
    }

    fn call(&self, request: Request) -> Result<Reply, Error> {
        self.wait(request, Duration::ZERO)
    }

    /// The answer may take so much longer than usual.
    fn wait(&self, request: Request, wait: Duration) -> Result<Reply, Error> {
        match &self.end {
            End::Here(service) => service.call(request, &mut |_| true),
            End::There(client) => client.call(&request, Some(wait), &mut |_| true),
        }
    }

    /// The answer may take as long as it takes.
    fn long(&self, request: Request, go_on: GoOn<'_>) -> Result<Reply, Error> {
        match &self.end {
            End::Here(service) => service.call(request, go_on),
            End::There(client) => client.call(&request, None, go_on),
        }
    }

    /// As [`Store::get`](crate::Store::get). A hot key costs what it costs in a cache, over a socket too if the daemon
    /// shares its near tier.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        match &self.end {
            End::Here(service) => service.store.get(key),
            End::There(client) => client.get(key),
        }
    }

    /// The values of many keys, in their order.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value>>, Error> {
        let keys = keys.iter().map(|key| ByteBuf::from(key.as_ref())).collect();
        answer!(self.call(Request::Get { keys }), Reply::Values(values) => values)
    }

    /// Any storing verb.
    pub fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        let request = Request::Set(storing(verb, key, value, flags, expiry));
        answer!(self.call(request), Reply::Outcome(outcome) => outcome)
    }

    /// Adds to a decimal number, or subtracts. `None` is a miss.
    pub fn count(&self, key: &[u8], delta: u64, down: bool) -> Result<Option<u64>, Error> {
        let request = Request::Count { key: bytes(key), delta, down };
        answer!(self.call(request), Reply::Number(number) => number)
    }

    /// Gives the item a new expiry; `false` is a miss.
    pub fn touch(&self, key: &[u8], expiry: Expiry) -> Result<bool, Error> {
        let request = Request::Touch { key: bytes(key), expiry, wants_value: false };
        answer!(self.call(request), Reply::Values(found) => matches!(found.as_slice(), [Some(_)]))
    }

    /// Get and touch.
    pub fn gat(&self, key: &[u8], expiry: Expiry) -> Result<Option<Value>, Error> {
        let request = Request::Touch { key: bytes(key), expiry, wants_value: true };
        answer!(self.call(request), Reply::Values(mut found) => found.pop().flatten())
    }

    /// Removes the item; with a unique only if that is still its own.
    pub fn delete(&self, key: &[u8], unique: Option<u64>) -> Result<Deletion, Error> {
        let request = Request::Delete { key: bytes(key), unique };
        answer!(self.call(request), Reply::Deletion(deletion) => deletion)
    }

    /// As [`Store::flush_all`](crate::Store::flush_all): items die, messages do not.
    pub fn flush_all(&self, delay: u32) -> Result<(), Error> {
        answer!(self.call(Request::Flush { delay }), Reply::Done => ())
    }

    /// As [`Store::rget`](crate::Store::rget); at most 10,000 entries.
    pub fn rget(
        &self,
        start: &[u8],
        end: &[u8],
        left_open: bool,
        right_open: bool,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        let (start, end) = (bytes(start), bytes(end));
        let request = Request::Rget { start, end, left_open, right_open, max };
        answer!(self.call(request), Reply::Entries(entries) => entries)
    }

    /// As [`Store::prefix`](crate::Store::prefix): a page of at most 10,000 entries.
    pub fn prefix(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        let request = Request::Prefix { prefix: bytes(prefix), after: after.map(bytes), max };
        answer!(self.call(request), Reply::Entries(entries) => entries)
    }

    /// What is there now; of a directory alone.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        let service = self.local().ok_or_else(|| {
            Error::Unsupported(
                "a snapshot is taken by the process that has the store open: over a socket there is none".into(),
            )
        })?;
        service.store.snapshot()
    }

    /// All changes in one atomic step, in their order, or none; their numbers ([`Change`]).
    pub fn commit(&self, changes: Vec<Change>) -> Result<Vec<u64>, Error> {
        answer!(self.call(Request::Batch(changes)), Reply::Numbers(numbers) => numbers)
    }

    /// As [`Store::stats`](crate::Store::stats).
    pub fn stats(&self) -> Result<Vec<(String, u64)>, Error> {
        answer!(self.call(Request::StoreStats), Reply::Facts(facts) => facts)
    }

    /// As [`Queue::push`](crate::queue::Queue::push).
    pub fn push(&self, queue: &[u8], body: &[u8], push: &Push) -> Result<Pushed, Error> {
        let request = Request::Push { queue: bytes(queue), body: bytes(body), push: push.clone() };
        answer!(self.call(request), Reply::Pushed(pushed) => pushed)
    }

    /// As [`Queue::reserve`](crate::queue::Queue::reserve). A lease for the session is of a directory alone: over a
    /// socket nobody would know whose it is.
    pub fn reserve(
        &self,
        queue: &[u8],
        max: usize,
        lease: Lease,
        wait: Duration,
    ) -> Result<Vec<Message>, Error> {
        if lease == Lease::Session && self.local().is_none() {
            return Err(Error::Unsupported(
                "a lease over a socket has a time: give it seconds, or the queue's own".into(),
            ));
        }
        let request =
            Request::Reserve { queue: bytes(queue), max, lease, wait_millis: millis(wait) };
        answer!(self.wait(request, wait), Reply::Messages(messages) => messages)
    }

    /// As [`Queue::take`](crate::queue::Queue::take): for good.
    pub fn take(&self, queue: &[u8], max: usize, wait: Duration) -> Result<Vec<Message>, Error> {
        let request = Request::Take { queue: bytes(queue), max, wait_millis: millis(wait) };
        answer!(self.wait(request, wait), Reply::Messages(messages) => messages)
    }

    /// The messages are done with. `false`, each: it was acknowledged before, or its lease has ended.
    pub fn ack(&self, queue: &[u8], receipts: &[Receipt]) -> Result<Vec<bool>, Error> {
        let request = Request::Ack { queue: bytes(queue), receipts: receipts.to_vec() };
        answer!(self.call(request), Reply::Many(acked) => acked)
    }

    /// As [`Queue::nak`](crate::queue::Queue::nak).
    pub fn nak(&self, queue: &[u8], receipt: &Receipt, delay: Option<u32>) -> Result<Fate, Error> {
        let request = Request::Nak { queue: bytes(queue), receipt: *receipt, delay };
        answer!(self.call(request), Reply::Fate(fate) => fate)
    }

    /// As [`Queue::extend`](crate::queue::Queue::extend).
    pub fn extend(
        &self,
        queue: &[u8],
        receipt: &Receipt,
        seconds: u32,
    ) -> Result<Option<Receipt>, Error> {
        let request = Request::Extend { queue: bytes(queue), receipt: *receipt, seconds };
        answer!(self.call(request), Reply::Receipt(renewed) => renewed)
    }

    /// As [`Queue::peek`](crate::queue::Queue::peek).
    pub fn peek(&self, queue: &[u8], max: usize) -> Result<Vec<Message>, Error> {
        let request = Request::Peek { queue: bytes(queue), max };
        answer!(self.call(request), Reply::Messages(messages) => messages)
    }

    /// As [`Queue::configure`](crate::queue::Queue::configure).
    pub fn configure(&self, queue: &[u8], settings: Settings) -> Result<(), Error> {
        let request = Request::Configure { queue: bytes(queue), settings };
        answer!(self.call(request), Reply::Done => ())
    }

    /// As [`Queue::settings`](crate::queue::Queue::settings).
    pub fn settings(&self, queue: &[u8]) -> Result<Settings, Error> {
        let request = Request::Settings { queue: bytes(queue) };
        answer!(self.call(request), Reply::Settings(settings) => settings)
    }

    /// As [`Queue::pause`](crate::queue::Queue::pause), or, with `false`, `resume`.
    pub fn pause(&self, queue: &[u8], is_paused: bool) -> Result<(), Error> {
        answer!(self.call(Request::Pause { queue: bytes(queue), is_paused }), Reply::Done => ())
    }

    /// As [`Queue::purge`](crate::queue::Queue::purge).
    pub fn purge(&self, queue: &[u8]) -> Result<u64, Error> {
        let request = Request::Purge { queue: bytes(queue) };
        answer!(self.call(request), Reply::Number(Some(purged)) => purged)
    }

    /// As [`Queue::delete`](crate::queue::Queue::delete).
    pub fn delete_queue(&self, queue: &[u8]) -> Result<bool, Error> {
        answer!(self.call(Request::DeleteQueue { queue: bytes(queue) }), Reply::Yes(yes) => yes)
    }

    /// As [`Queue::requeue`](crate::queue::Queue::requeue).
    pub fn requeue(&self, queue: &[u8], to: Option<&[u8]>, max: usize) -> Result<u64, Error> {
        let request = Request::Requeue { queue: bytes(queue), to: to.map(bytes), max };
        answer!(self.call(request), Reply::Number(Some(moved)) => moved)
    }

    /// As [`Queue::stats`](crate::queue::Queue::stats).
    pub fn queue_stats(&self, queue: &[u8]) -> Result<Stats, Error> {
        let request = Request::QueueStats { queue: bytes(queue) };
        answer!(self.call(request), Reply::QueueStats(stats) => stats)
    }

    /// The names of all queues, in order.
    pub fn queue_names(&self) -> Result<Vec<Vec<u8>>, Error> {
        answer!(self.call(Request::QueueNames), Reply::Names(names) =>
            names.into_iter().map(ByteBuf::into_vec).collect())
    }

    /// Copies everything to a new directory, which over a socket is one of the daemon's machine, while others go on.
    pub fn backup(&self, to: PathBuf, go_on: GoOn<'_>) -> Result<(), Error> {
        answer!(self.long(Request::Backup { to }, go_on), Reply::Done => ())
    }

    /// Reads everything and counts it again; the first thing that is wrong is the error.
    pub fn verify(&self, go_on: GoOn<'_>) -> Result<(), Error> {
        answer!(self.long(Request::Verify, go_on), Reply::Done => ())
    }

    /// Rewrites the files without what was removed.
    pub fn compact(&self, go_on: GoOn<'_>) -> Result<(), Error> {
        answer!(self.long(Request::Compact, go_on), Reply::Done => ())
    }
}

/// What a storing verb stores, for a request or a batch.
pub fn storing(verb: Verb, key: &[u8], value: &[u8], flags: u32, expiry: Expiry) -> Storing {
    Storing { verb, key: key.to_vec(), value: value.to_vec(), flags, expiry }
}

fn bytes(bytes: &[u8]) -> ByteBuf {
    ByteBuf::from(bytes)
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Here(service) => service.fmt(f),
            End::There(client) => client.fmt(f),
        }
    }
}
