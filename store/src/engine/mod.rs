//! What the store asks of an engine. One is here, on fjall; the trait is the seam for others, one that spreads over
//! many machines included: nothing above this file knows which engine there is.

pub mod fjall;
mod journal;

use crate::Error;
use std::ops::Bound;

/// An ordered keyspace. All of them are in one database, so that one batch may write to several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Space {
    /// The ledger: what the store knows about itself.
    Book,
    /// The store: key to head and value (`item.rs`).
    Items,
    /// Deadline (8 bytes, big-endian) and key of every item that has a lifetime.
    Expiries,
    /// Queues: head, cursors and settings by name.
    Queues,
    /// Messages by queue and sequence number.
    Messages,
    /// What is due when: delays, leases and lifetimes of messages.
    Schedule,
    /// Message ids that were seen, to drop doubles.
    Ids,
}

impl Space {
    /// All of them, in the order of their numbers.
    pub const ALL: [Space; 7] = [
        Space::Book,
        Space::Items,
        Space::Expiries,
        Space::Queues,
        Space::Messages,
        Space::Schedule,
        Space::Ids,
    ];

    /// Its name on disk. Never changed: it is part of the format.
    pub fn name(self) -> &'static str {
        match self {
            Space::Book => "book",
            Space::Items => "items",
            Space::Expiries => "expiries",
            Space::Queues => "queues",
            Space::Messages => "messages",
            Space::Schedule => "schedule",
            Space::Ids => "ids",
        }
    }
}

/// A stretch of keys.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// Where it begins.
    pub from: Bound<&'a [u8]>,
    /// Where it ends.
    pub to: Bound<&'a [u8]>,
}

impl<'a> Range<'a> {
    /// Every key.
    pub const ALL: Range<'static> = Range { from: Bound::Unbounded, to: Bound::Unbounded };

    /// Can no key be in it? (Engines and maps may panic where the ends are the wrong way round.)
    pub fn is_empty(&self) -> bool {
        use Bound::{Excluded, Included, Unbounded};
        match (self.from, self.to) {
            (Unbounded, _) | (_, Unbounded) => false,
            (Included(from), Included(to)) => from > to,
            (Included(from) | Excluded(from), Included(to) | Excluded(to)) => from >= to,
        }
    }

    /// The same, from behind `key` on: how a scan pages.
    pub fn after(self, key: &'a [u8]) -> Range<'a> {
        Range { from: Bound::Excluded(key), ..self }
    }

    /// Where the keys that start with `prefix` end.
    pub fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
        let mut end = prefix.to_vec();
        while let Some(last) = end.pop() {
            if last < u8::MAX {
                end.push(last + 1);
                return Some(end);
            }
        }
        None
    }
}

/// How safe a batch is to be when `commit` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The operating system has it: it outlives the process.
    Written,
    /// The disk has it: it outlives the machine's power.
    Synced,
}

/// What can be read. An engine shows what is newest, a snapshot what was there when it was taken.
pub trait View: Send + Sync {
    /// Shows the value of a key to `seen`; `false`: there is none.
    fn read(&self, space: Space, key: &[u8], seen: &mut dyn FnMut(&[u8])) -> Result<bool, Error>;

    /// Shows the keys and values of a range in order, until `visit` says `false`. A range is read from one moment.
    /// Begin at a key that is known to be there: what was removed in front of it is passed one by one.
    fn scan(
        &self,
        space: Space,
        range: Range<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error>;

    /// A copy of a key's value.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut found = None;
        self.read(space, key, &mut |value| found = Some(value.to_vec()))?;
        Ok(found)
    }
}

/// A change to one key: its new value, or its removal.
pub type Change<'a> = (Space, &'a [u8], Option<&'a [u8]>);

/// An ordered, durable, embedded store of bytes.
///
/// One thread calls `commit` and `sync` (the committer); any thread reads.
pub trait Engine: View {
    /// Applies all changes or none, and makes them as safe as asked before anybody sees them.
    ///
    /// An error means that it is not known whether they were applied: call [`Engine::recover`], and look.
    fn commit(
        &self,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        durability: Durability,
    ) -> Result<(), Error>;

    /// Makes everything committed so far safe from a loss of power. After an error: [`Engine::recover`].
    fn sync(&self) -> Result<(), Error>;

    /// Brings an engine that has failed back to work, with what is safely there. What was committed and reached the
    /// operating system is there again; of a commit that failed either all or nothing.
    fn recover(&self) -> Result<(), Error>;

    /// What is there now, for as long as the view is kept. [`Engine::recover`] ends it.
    fn snapshot(&self) -> Result<Box<dyn View>, Error>;

    /// About how many bytes of disk a keyspace takes, and all of them with their journals.
    fn disk_space(&self, space: Option<Space>) -> Result<u64, Error>;

    /// Rewrites a keyspace without what is dead. Long.
    fn compact(&self, space: Space) -> Result<(), Error>;

    /// Numbers about the engine, for statistics.
    fn numbers(&self) -> Vec<(&'static str, u64)>;
}
