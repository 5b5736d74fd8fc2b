//! Where a conversation is, in either language: between two requests, or in one that takes more than a step.

use super::incoming::Value;
use crate::report::Report;
use crate::server::Doing;

/// The stage; `More` is what only one of the languages can be in the middle of.
#[derive(Debug, Default)]
pub enum Stage<More> {
    /// At the beginning of a request.
    #[default]
    Request,
    /// In a value that did not come whole.
    Value(Box<Value>),
    /// In bytes that nobody wants; so many are left.
    Swallow(usize),
    /// In a reply that is made in pieces.
    Report(Box<dyn Report>),
    /// In what the language has besides.
    More(More),
}

impl<More> Stage<More> {
    /// See [`Conversation::room`](super::Conversation::room).
    pub fn room(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Stage::Value(value) => Some(value.make_room()),
            _ => None,
        }
    }

    /// See [`Conversation::goes_on`](super::Conversation::goes_on).
    pub fn goes_on(&self) -> bool {
        matches!(self, Stage::Report(_))
    }

    /// See [`Conversation::held`](super::Conversation::held).
    pub fn held(&self) -> (usize, usize) {
        match self {
            Stage::Value(value) => (value.capacity(), 0),
            Stage::Report(report) => (0, report.held()),
            _ => (0, 0),
        }
    }

    /// See [`Conversation::doing`](super::Conversation::doing).
    pub fn doing(&self) -> Doing {
        match self {
            Stage::Value(_) => Doing::ReadValue,
            Stage::Swallow(_) => Doing::Swallow,
            _ => Doing::Read,
        }
    }
}
