//! Reading keys in order: MemcacheDB's `rget`, prefixes page by page, and consistent snapshots of both.

use crate::Error;
use crate::committer::read_ledger;
use crate::engine::{Range, Space, View};
use crate::error::check_key;
use crate::item::Head;
use crate::ledger::Ledger;
use crate::store::Store;
use crate::value::{Entry, Value};
use std::ops::Bound;

/// What is alive in a view.
struct Living<'a> {
    view: &'a dyn View,
    ledger: Ledger,
    now: i64,
}

impl Living<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        check_key(key)?;
        let mut found = None;
        self.view.read(Space::Items, key, &mut |bytes| found = Some(self.shown(bytes)))?;
        found.transpose().map(Option::flatten)
    }

    fn shown(&self, bytes: &[u8]) -> Result<Option<Value>, Error> {
        let (head, value) = Head::decode(bytes)?;
        let is_alive = head.is_alive(&self.ledger, self.now);
        Ok(is_alive.then(|| Value::of(&head, value.to_vec(), self.now)))
    }

    fn range(&self, range: Range<'_>, max: usize) -> Result<Vec<Entry>, Error> {
        let (mut entries, mut result) = (Vec::new(), Ok(()));
        if max == 0 {
            return Ok(entries);
        }
        self.view.scan(Space::Items, range, &mut |key, bytes| {
            match self.shown(bytes) {
                Ok(Some(value)) => entries.push(Entry { key: key.to_vec(), value }),
                Ok(None) => {}
                Err(e) => result = Err(e),
            }
            result.is_ok() && entries.len() < max
        })?;
        result.map(|()| entries)
    }

    fn rget(
        &self,
        start: &[u8],
        end: &[u8],
        left_open: bool,
        right_open: bool,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        let bound =
            |key, is_open| if is_open { Bound::Excluded(key) } else { Bound::Included(key) };
        let to = if end.is_empty() { Bound::Unbounded } else { bound(end, right_open) };
        self.range(Range { from: bound(start, left_open), to }, max)
    }

    fn prefix(&self, prefix: &[u8], after: Option<&[u8]>, max: usize) -> Result<Vec<Entry>, Error> {
        let end = Range::end_of_prefix(prefix);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let from = match after {
            Some(last) if last >= prefix => Bound::Excluded(last),
            _ => Bound::Included(prefix),
        };
        self.range(Range { from, to }, max)
    }
}

impl Store {
    fn living<'a>(&self, view: &'a dyn View) -> Result<Living<'a>, Error> {
        self.check_fork()?;
        Ok(Living { view, ledger: self.db.ledger(), now: self.db.clock().now() })
    }

    /// Up to `max` entries from `start` to `end` in the order of their keys; an end that is open is left out itself. An
    /// empty `end` is behind the last key. All of them are of one moment.
    pub fn rget(
        &self,
        start: &[u8],
        end: &[u8],
        left_open: bool,
        right_open: bool,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.living(self.db.engine().as_ref())?.rget(start, end, left_open, right_open, max)
    }

    /// Up to `max` entries whose keys begin with `prefix`, in the order of their keys: a page. The next one is asked for
    /// with the last key of this; a page that is not full is the last.
    pub fn prefix(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.living(self.db.engine().as_ref())?.prefix(prefix, after, max)
    }

    /// What is there now, unchanged for as long as it is kept, time included. It keeps the disk of what is deleted
    /// meanwhile.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.check_fork()?;
        let view = self.db.snapshot()?;
        let ledger = read_ledger(view.as_ref())?;
        Ok(Snapshot { view, ledger, now: self.db.clock().now() })
    }
}

/// The store at one moment.
pub struct Snapshot {
    view: Box<dyn View>,
    ledger: Ledger,
    now: i64,
}

impl Snapshot {
    fn living(&self) -> Living<'_> {
        Living { view: self.view.as_ref(), ledger: self.ledger, now: self.now }
    }

    /// The last write that it shows.
    pub fn seq(&self) -> u64 {
        self.ledger.seq
    }

    /// As [`Store::get`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        self.living().get(key)
    }

    /// As [`Store::rget`].
    pub fn rget(
        &self,
        start: &[u8],
        end: &[u8],
        left_open: bool,
        right_open: bool,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.living().rget(start, end, left_open, right_open, max)
    }

    /// As [`Store::prefix`].
    pub fn prefix(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        max: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.living().prefix(prefix, after, max)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("seq", &self.ledger.seq).finish_non_exhaustive()
    }
}
