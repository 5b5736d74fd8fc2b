//! Ends lifetimes, and buries what a flush has killed: a little with each batch, so that the books stay exact and disk
//! comes back.

use crate::Error;
use crate::committer::{Chore, Tx};
use crate::engine::{Range, Space, View};
use crate::item::{Head, expiry_key, split_expiry_key};
use crate::verbs;
use parking_lot::Mutex;
use std::ops::Bound;

/// Most items that are expired, and looked at for a flush, with one batch.
const EXPIRED_MAX: usize = 256;
const LOOKED_AT: usize = 512;

/// The store's chore.
#[derive(Default)]
pub struct Sweep {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When lifetimes were last looked for, and where the next one is.
    looked: i64,
    head: Vec<u8>,
    /// How far the burying of this flush has come.
    flushed: u64,
    cursor: Vec<u8>,
}

impl Chore for Sweep {
    fn run(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let mut state = self.state.lock();
        let (now, flush_at) = (tx.now(), tx.ledger().flush_at);
        if flush_at != 0 && now > flush_at {
            verbs::flush_now(tx);
            tx.ledger_mut().flush_at = 0;
        }
        let expired = state.expire(tx)?;
        let buried = state.bury(tx)?;
        Ok(expired || buried)
    }

    fn undone(&self) {
        *self.state.lock() = State::default();
    }
}

impl State {
    /// Removes items whose time has come; `true`: there may be more.
    fn expire(&mut self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let now = tx.now();
        if now == self.looked {
            return Ok(false);
        }
        if now < self.looked {
            // The system's clock was set back: what is stored now may come before what was removed.
            self.head.clear();
        }
        let end = expiry_key(now.saturating_add(1), &[]);
        let head = std::mem::take(&mut self.head);
        let range = Range { from: Bound::Included(&head), to: Bound::Excluded(&end) };
        let mut due = Vec::new();
        tx.scan(Space::Expiries, range, &mut |key, _| {
            due.push(key.to_vec());
            due.len() < EXPIRED_MAX
        })?;
        for entry in &due {
            if let Some((at, key)) = split_expiry_key(entry) {
                verbs::expire(tx, key, at)?;
            }
        }
        let has_more = due.len() == EXPIRED_MAX;
        // Not from the beginning: what was removed is passed one by one.
        self.head = due.pop().unwrap_or(head);
        self.looked = if has_more { i64::MIN + 1 } else { now };
        Ok(has_more)
    }

    /// Removes items that a flush has killed; `true`: there may be more.
    fn bury(&mut self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let ledger = *tx.ledger();
        if ledger.dead == 0 {
            return Ok(false);
        }
        if ledger.flushed != self.flushed {
            (self.flushed, self.cursor) = (ledger.flushed, Vec::new());
        }
        let (mut dead, mut last, mut looked) = (Vec::new(), None, 0);
        let range = Range { from: Bound::Excluded(&self.cursor), to: Bound::Unbounded };
        tx.scan(Space::Items, range, &mut |key, bytes| {
            if Head::decode(bytes).is_ok_and(|(head, _)| head.seq <= ledger.flushed) {
                dead.push(key.to_vec());
            }
            looked += 1;
            if looked == LOOKED_AT {
                last = Some(key.to_vec());
            }
            looked < LOOKED_AT
        })?;
        for key in &dead {
            verbs::bury(tx, key)?;
        }
        let has_more = last.is_some();
        self.cursor = last.unwrap_or_default();
        Ok(has_more)
    }
}
