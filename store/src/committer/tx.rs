//! What an operation sees and changes: the newest state, the changes of the batch under way included. Operations run
//! one after another on the committer's thread, so a read followed by a write is one step for everybody.

use crate::Error;
use crate::engine::{Change, Engine, Range, Space, View};
use crate::ledger::{self, Ledger};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Changes by key: a new value, or a removal.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What to put back: a key, and its change before, if it had one.
type Undo = (Space, Vec<u8>, Option<Option<Vec<u8>>>);

/// The batch under way.
pub struct Tx<'a> {
    engine: &'a dyn Engine,
    spaces: [Changes; Space::ALL.len()],
    /// What the running operation has changed, and what was in the batch before.
    undo: Vec<Undo>,
    ledger: Ledger,
    /// The ledger as the running operation found it.
    found: Ledger,
    /// The last sequence number before the batch.
    first: u64,
    now: i64,
}

impl<'a> Tx<'a> {
    pub(super) fn new(engine: &'a dyn Engine, ledger: Ledger, now: i64) -> Tx<'a> {
        let spaces = std::array::from_fn(|_| Changes::new());
        Tx { engine, spaces, undo: Vec::new(), ledger, found: ledger, first: ledger.seq, now }
    }

    /// The Unix time of the whole batch, in seconds.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The books. A write to `items` or `messages` keeps them too.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The books, to be changed. Who changes nothing else takes a sequence number for it.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// A new sequence number, higher than any that was ever answered.
    pub fn next_seq(&mut self) -> u64 {
        self.ledger.seq += 1;
        self.ledger.seq
    }

    /// Puts a value.
    pub fn put(&mut self, space: Space, key: &[u8], value: Vec<u8>) {
        self.change(space, key, Some(value));
    }

    /// Removes a key, whether or not it is there.
    pub fn remove(&mut self, space: Space, key: &[u8]) {
        self.change(space, key, None);
    }

    fn change(&mut self, space: Space, key: &[u8], value: Option<Vec<u8>>) {
        let before = match self.spaces[space as usize].entry(key.to_vec()) {
            Entry::Occupied(mut entry) => Some(entry.insert(value)),
            Entry::Vacant(entry) => {
                entry.insert(value);
                None
            }
        };
        self.undo.push((space, key.to_vec(), before));
    }

    /// Has anything been changed, be it the books alone?
    pub(super) fn is_changed(&self) -> bool {
        self.ledger.seq != self.first || self.spaces.iter().any(|changes| !changes.is_empty())
    }

    /// The changes to a keyspace.
    pub fn changes(&self, space: Space) -> &Changes {
        &self.spaces[space as usize]
    }

    /// The books as they are written with the batch. Each batch has a number of its own, also one of removals alone: by it
    /// the engine's recovery tells whether the batch is there.
    pub(super) fn seal(&mut self) -> Ledger {
        if self.ledger.seq == self.first {
            self.next_seq();
        }
        let ledger = self.ledger;
        self.put(Space::Book, ledger::KEY, ledger.encode().to_vec());
        ledger
    }

    /// All changes, for the engine.
    pub(super) fn all(&self) -> impl Iterator<Item = Change<'_>> {
        Space::ALL.into_iter().flat_map(move |space| {
            self.spaces[space as usize]
                .iter()
                .map(move |(key, value)| (space, key.as_slice(), value.as_deref()))
        })
    }

    /// An operation begins.
    pub(super) fn begin(&mut self) {
        self.undo.clear();
        self.found = self.ledger;
    }

    /// The operation has failed: the batch is as it was, but for the sequence numbers.
    pub(super) fn roll_back(&mut self) {
        let undo = std::mem::take(&mut self.undo);
        for (space, key, before) in undo.into_iter().rev() {
            let changes = &mut self.spaces[space as usize];
            match before {
                Some(before) => changes.insert(key, before),
                None => changes.remove(&key),
            };
        }
        self.ledger = Ledger { seq: self.ledger.seq, ..self.found };
    }
}

impl View for Tx<'_> {
    fn read(&self, space: Space, key: &[u8], seen: &mut dyn FnMut(&[u8])) -> Result<bool, Error> {
        match self.spaces[space as usize].get(key) {
            Some(Some(value)) => {
                seen(value);
                Ok(true)
            }
            Some(None) => Ok(false),
            None => self.engine.read(space, key, seen),
        }
    }

    fn scan(
        &self,
        space: Space,
        range: Range<'_>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), Error> {
        if range.is_empty() {
            return Ok(());
        }
        let changes = &self.spaces[space as usize];
        let mut ours = changes.range::<[u8], _>((range.from, range.to)).peekable();
        let mut goes_on = true;
        self.engine.scan(space, range, &mut |key, value| {
            while let Some((our_key, our_value)) = ours.peek() {
                let is_same = our_key.as_slice() == key;
                if our_key.as_slice() > key {
                    break;
                }
                if let Some(value) = our_value {
                    goes_on = visit(our_key, value);
                }
                ours.next();
                if is_same || !goes_on {
                    return goes_on;
                }
            }
            goes_on = visit(key, value);
            goes_on
        })?;
        for (key, value) in ours {
            if !goes_on {
                break;
            }
            if let Some(value) = value {
                goes_on = visit(key, value);
            }
        }
        Ok(())
    }
}
