//! The iterators.

use crate::memory::Arena;
use crate::ops;
use crate::types::{Cursor, Entry};
use std::sync::Arc;

/// A walk over the index, a bucket at a time.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    arena: &'a Arc<Arena>,
    cursor: Cursor,
    prefix: Vec<u8>,
    with_values: bool,
    met: std::vec::IntoIter<Entry>,
}

impl<'a> Steps<'a> {
    pub fn new(arena: &'a Arc<Arena>, prefix: &[u8], with_values: bool) -> Steps<'a> {
        let met = Vec::new().into_iter();
        Steps { arena, cursor: Cursor::default(), prefix: prefix.to_vec(), with_values, met }
    }
    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(entry) = self.met.next() {
                return Some(entry);
            }
            let cursor = &mut self.cursor;
            let met = ops::entries(self.arena, cursor, &self.prefix, self.with_values)?;
            self.met = met.into_iter();
        }
    }
}

/// Iterator of [`Cache::iter`](crate::Cache::iter).
#[derive(Debug)]
pub struct Entries<'a>(pub(super) Steps<'a>);

impl Iterator for Entries<'_> {
    type Item = Entry;
    fn next(&mut self) -> Option<Entry> {
        self.0.next()
    }
}

/// Iterator of [`Cache::keys`](crate::Cache::keys).
#[derive(Debug)]
pub struct Keys<'a>(pub(super) Steps<'a>);

impl Iterator for Keys<'_> {
    type Item = Vec<u8>;
    fn next(&mut self) -> Option<Vec<u8>> {
        self.0.next().map(|entry| entry.key)
    }
}
