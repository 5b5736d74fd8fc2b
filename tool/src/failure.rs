//! How a command ends: with yes, with no, with a failure told in a sentence, or because nobody reads on.

use std::fmt;
use std::io::{self, Write};

/// What a command that did its work has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done; exit status 0.
    Yes,
    /// The answer is no; exit status 1.
    No,
}

impl Answer {
    /// Yes if it holds.
    pub fn of(holds: bool) -> Answer {
        match holds {
            true => Answer::Yes,
            false => Answer::No,
        }
    }
}

/// Why a command did not do its work.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Whoever read the output has gone: nothing is wrong.
    Pipe,
    /// The answer is no, for which there is this sentence; exit status 1.
    No(String),
    /// The sentence for the user; exit status 2.
    Told(String),
}

impl Failure {
    /// A failure with this sentence.
    pub fn told(why: impl Into<String>) -> Failure {
        Failure::Told(why.into())
    }

    /// The same, with what was being done in front of the sentence.
    pub fn when(self, doing: impl fmt::Display) -> Failure {
        match self {
            Failure::Pipe => Failure::Pipe,
            Failure::No(why) => Failure::No(format!("{doing}: {why}")),
            Failure::Told(why) => Failure::Told(format!("{doing}: {why}")),
        }
    }
}

impl From<nearcache::Error> for Failure {
    fn from(error: nearcache::Error) -> Failure {
        Failure::Told(error.to_string())
    }
}

impl From<nearcache_store::Error> for Failure {
    fn from(error: nearcache_store::Error) -> Failure {
        use nearcache_store::Error::{InUse, Missing, NoQueue};
        match error {
            NoQueue(_) => Failure::No(error.to_string()),
            InUse { .. } => Failure::Told(format!(
                "{error}, by naming its socket in place of the directory: unix:PATH or tcp:HOST:PORT"
            )),
            Missing(why) => Failure::Told(format!(
                "{why}, with nearcached or a program of yours, or restore a backup to it"
            )),
            other => Failure::Told(other.to_string()),
        }
    }
}

/// Only for what is written: errors of reading are worded where the input's name is known.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Pipe,
            _ => Failure::Told(format!("writing the output: {error}")),
        }
    }
}

/// A line for the user beside the output. A standard error that is closed is no reason to end.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "nearcache: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_goes_away_is_no_failure_to_be_told() {
        assert_eq!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), Failure::Pipe);
        assert_eq!(Failure::Pipe.when("app"), Failure::Pipe);
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_ne!(full, Failure::Pipe);
        assert_eq!(Failure::told("b").when("a"), Failure::told("a: b"));
    }
}
