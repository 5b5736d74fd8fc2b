//! `rget`: items in the order of their keys, as of one moment.

use super::verbs::failed;
use crate::buffer::{OUTPUT_HIGH, Output};
use crate::protocol::{reply, uri};
use nearcache_store::{Error, Snapshot, Store};

/// The most items of one `rget`, which is MemcacheDB's limit.
pub const ITEMS_MOST: usize = 100;

/// Items that are read at a time: each may be as large as an item may be.
const PAGE: usize = 8;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rget<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The last key.
    pub end: &'a [u8],
    /// Is the first left out?
    pub left_open: bool,
    /// Is the last left out?
    pub right_open: bool,
    /// The most items.
    pub max: usize,
}

/// How far it is.
#[derive(Debug)]
pub struct Range {
    start: Vec<u8>,
    end: Vec<u8>,
    left_open: bool,
    right_open: bool,
    left: usize,
    snapshot: Option<Snapshot>,
}

impl Range {
    /// One that has not begun.
    pub fn new(asked: &Rget<'_>) -> Range {
        let &Rget { start, end, left_open, right_open, max } = asked;
        let (start, end) = (start.to_vec(), end.to_vec());
        Range { start, end, left_open, right_open, left: max, snapshot: None }
    }

    /// Writes what fits; `false`: that was all.
    pub fn more(&mut self, store: &Store, out: &mut Output) -> bool {
        match self.pages(store, out) {
            Ok(goes_on) => {
                if !goes_on {
                    out.text(reply::END);
                }
                goes_on
            }
            Err(error) => {
                out.text(&failed(&error));
                false
            }
        }
    }

    fn pages(&mut self, store: &Store, out: &mut Output) -> Result<bool, Error> {
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => store.snapshot()?,
        };
        while self.left > 0 {
            if out.unsent().len() >= OUTPUT_HIGH {
                self.snapshot = Some(snapshot);
                return Ok(true);
            }
            let max = self.left.min(PAGE);
            let page =
                snapshot.rget(&self.start, &self.end, self.left_open, self.right_open, max)?;
            for entry in &page {
                let value = &entry.value;
                // Other faces store keys of any bytes; a word of a line is all that can be shown here.
                out.value_copied(&uri::printable(&entry.key), false, value.flags, 0, &value.data);
            }
            self.left = if page.len() < max { 0 } else { self.left - max };
            if let Some(last) = page.into_iter().next_back() {
                (self.start, self.left_open) = (last.key, true);
            }
        }
        Ok(false)
    }
}
