//! Verification: everything is read, so that the engine's checksums speak, and counted again. And compaction.

use crate::Error;
use crate::clock::Deadline;
use crate::committer::read_ledger;
use crate::database::Database;
use crate::engine::Space;
use crate::item::{Head, expiry_key, split_expiry_key};
use crate::page::{GoOn, Progress, each};
use crate::store::Store;

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
            each(view.as_ref(), space, &mut |_, _| match space {
                // As they are counted.
                Space::Messages => progress.step(go_on),
                _ => Ok(()),
            })?;
        }
        go_on(progress);
        Ok(())
    }
}

impl Database {
    /// Rewrites the keyspaces without what was removed, one after another; each is a step. Long; others go on.
    pub fn compact(&self, go_on: GoOn<'_>) -> Result<(), Error> {
        self.check_fork()?;
        let mut progress = Progress { done: 0, of: Space::ALL.len() as u64 };
        for space in Space::ALL {
            self.engine().compact(space)?;
            progress.done += 1;
            if !go_on(progress) {
                return Err(Error::Stopped);
            }
        }
        Ok(())
    }
}

/// What is there contradicts itself.
pub(crate) fn wrong(what: String) -> Error {
    Error::Damaged(format!("{what}: restore a backup"))
}
