//! A reply that takes time, in pieces: a walk through the cache for a dump or for numbers by size. Between two pieces
//! the other connections of the worker have their turns, and a client that does not read makes no more of them.

use crate::buffer::Output;
use crate::dispatch::Desk;
use std::fmt::Debug;

/// A reply in pieces.
pub trait Report: Debug + Send {
    /// Does a small piece of the work and writes what it has to say; false when the reply is complete. A piece takes
    /// well under a millisecond and writes a few kilobytes at most.
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool;
}
