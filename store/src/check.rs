//! Verification: everything is read, so that the engine's checksums speak, and counted again.

use crate::Error;
use crate::clock::Deadline;
use crate::committer::read_ledger;
use crate::engine::{Range, Space, View};
use crate::item::{Head, expiry_key, split_expiry_key};
use crate::store::Store;
use std::ops::Bound;

/// How far something long has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Entries done.
    pub done: u64,
    /// About how many there are.
    pub of: u64,
}

/// Is asked now and then whether to go on; `false` ends the work with an error.
pub type GoOn<'a> = &'a mut dyn FnMut(Progress) -> bool;

/// Entries between two calls of [`GoOn`].
pub(crate) const STEP: u64 = 1024;

impl Progress {
    /// One entry more; asks every [`STEP`] whether to go on.
    pub(crate) fn step(&mut self, go_on: &mut dyn FnMut(Progress) -> bool) -> Result<(), Error> {
        self.done += 1;
        if self.done % STEP == 0 && !go_on(*self) {
            return Err(Error::Stopped);
        }
        Ok(())
    }
}

impl Store {
    /// Reads everything, as of now, and counts it again; the first thing that is wrong is the error. Others may use
    /// the store meanwhile.
    pub fn verify(&self, go_on: GoOn<'_>) -> Result<(), Error> {
        self.check_fork()?;
        let view = self.db.snapshot()?;
        let ledger = read_ledger(view.as_ref())?;
        let mut progress = Progress { done: 0, of: ledger.items + ledger.dead + ledger.messages };
        let (mut items, mut dead, mut lifetimes) = ((0, 0), (0, 0), 0_u64);
        each(view.as_ref(), Space::Items, &mut |key, bytes| {
            let (head, value) = Head::decode(bytes)?;
            let sum = if head.seq <= ledger.flushed { &mut dead } else { &mut items };
            *sum = (sum.0 + 1, sum.1 + (key.len() + head.len() + value.len()) as u64);
            if head.seq > ledger.seq {
                return Err(wrong(format!(
                    "an item has the number {} after the last, {}",
                    head.seq, ledger.seq
                )));
            }
            if let Deadline::At(at) = head.deadline {
                lifetimes += 1;
                if !view.read(Space::Expiries, &expiry_key(at, key), &mut |_| ())? {
                    return Err(wrong(format!(
                        "the lifetime of {:?} is not noted",
                        key.escape_ascii().to_string()
                    )));
                }
            }
            progress.step(go_on)
        })?;
        each(view.as_ref(), Space::Expiries, &mut |key, _| {
            lifetimes = lifetimes
                .checked_sub(1)
                .ok_or_else(|| wrong("a lifetime belongs to no item".into()))?;
            split_expiry_key(key).map(|_| ()).ok_or_else(|| wrong("a lifetime has no date".into()))
        })?;
        if items != (ledger.items, ledger.item_bytes) || dead != (ledger.dead, ledger.dead_bytes) {
            return Err(wrong(format!(
                "the books say {} items of {} bytes and {} flushed ones of {}, but there are {} of {} and {} of {}",
                ledger.items,
                ledger.item_bytes,
                ledger.dead,
                ledger.dead_bytes,
                items.0,
                items.1,
                dead.0,
                dead.1
            )));
        }
        for space in [Space::Queues, Space::Messages, Space::Schedule, Space::Ids] {
            each(view.as_ref(), space, &mut |_, _| progress.step(go_on))?;
        }
        go_on(progress);
        Ok(())
    }
}

fn wrong(what: String) -> Error {
    Error::Damaged(format!("{what}: restore a backup"))
}

/// Shows each entry of a keyspace, in pages, so that the engine is let go of in between.
pub(crate) fn each(
    view: &dyn View,
    space: Space,
    visit: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut last: Option<Vec<u8>> = None;
    loop {
        let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let (mut seen, mut result, mut page_end) = (0, Ok(()), None);
        view.scan(space, Range { from, to: Bound::Unbounded }, &mut |key, bytes| {
            result = visit(key, bytes);
            seen += 1;
            if seen == STEP {
                page_end = Some(key.to_vec());
            }
            result.is_ok() && seen < STEP
        })?;
        result?;
        match page_end {
            Some(end) => last = Some(end),
            None => return Ok(()),
        }
    }
}
