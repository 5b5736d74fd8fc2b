//! A reply that takes time, in pieces: a walk through the cache for a dump or for numbers by size, a long text, a memory
//! limit that is lowered. Between two pieces the other connections of the worker have their turns, and a client that does
//! not read makes no more of them.

use crate::buffer::Output;
use crate::dispatch::{After, Desk};
use std::fmt::Debug;

/// A reply in pieces.
pub trait Report: Debug + Send {
    /// Does a small piece of the work and writes what it has to say; false when the reply is complete. A piece takes
    /// well under a millisecond and writes a few kilobytes at most.
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool;

    /// Bytes of the reply that are there already and wait for the client to read what goes before them.
    fn held(&self) -> usize {
        0
    }
}

/// Buckets of the index that one piece of a walk looks at.
pub const BUCKETS: usize = 16;

/// What one piece of a long text takes.
const PIECE: usize = 16 << 10;

/// A text that is there as a whole, and is too long to be sent at once.
#[derive(Debug)]
pub struct Long(Output);

impl Long {
    /// Of this text.
    pub fn new(text: Output) -> Long {
        Long(text)
    }

    /// As what follows a command.
    pub fn reply(text: Output) -> After {
        After::Report(Box::new(Long(text)))
    }
}

impl Report for Long {
    fn more(&mut self, _desk: Desk<'_>, out: &mut Output) -> bool {
        let unsent = self.0.unsent();
        let count = unsent.len().min(PIECE);
        out.text(&unsent[..count]);
        self.0.advance(count);
        !self.0.unsent().is_empty()
    }

    fn held(&self) -> usize {
        self.0.capacity()
    }
}

/// A report whose words nobody wants (`noreply`).
#[derive(Debug)]
pub struct Silent(pub Box<dyn Report>);

impl Report for Silent {
    fn more(&mut self, desk: Desk<'_>, _out: &mut Output) -> bool {
        self.0.more(desk, &mut Output::default())
    }

    fn held(&self) -> usize {
        self.0.held()
    }
}
