//! Long work on a view: page by page, so that the engine is let go of in between, with progress told and asked about.

use crate::Error;
use crate::engine::{Range, Space, View};
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// How far something long has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// Entries done.
    pub done: u64,
    /// About how many there are.
    pub of: u64,
}

/// Is asked now and then whether to go on; `false` ends the work with [`Error::Stopped`].
pub type GoOn<'a> = &'a mut dyn FnMut(Progress) -> bool;

/// What is done with each entry.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), Error>;

/// Entries of a page, and between two calls of [`GoOn`].
const STEP: u64 = 1024;

impl Progress {
    /// One entry more; asks now and then whether to go on.
    pub fn step(&mut self, go_on: &mut dyn FnMut(Progress) -> bool) -> Result<(), Error> {
        self.done += 1;
        match self.done.is_multiple_of(STEP) && !go_on(*self) {
            true => Err(Error::Stopped),
            false => Ok(()),
        }
    }
}

/// Shows each entry of a keyspace, in order. The view may be an engine, which changes between the pages.
pub fn each(view: &dyn View, space: Space, visit: Visit<'_>) -> Result<(), Error> {
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
