//! One type for whatever a verb may answer, so that the engine's answer and the oracle's can be compared.

use nearcache::Error;
use std::fmt;
use std::rc::Rc;

/// A value's bytes, cheap to clone, short to print.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Rc<[u8]>);

impl Bytes {
    pub fn new(bytes: &[u8]) -> Bytes {
        Bytes(Rc::from(bytes))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = &self.0[..self.0.len().min(24)];
        write!(f, "{} bytes \"{}\"", self.0.len(), head.escape_ascii())?;
        if self.0.len() > head.len() {
            let sum = self
                .0
                .iter()
                .fold(0u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
            write!(f, "... (sum {sum:08x})")?;
        }
        Ok(())
    }
}

/// A hit, without its unique: that is the engine's own choice, compared apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub data: Bytes,
    pub flags: u32,
    pub ttl: Option<u32>,
}

/// The marks of a meta get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    pub won: bool,
    pub stale: bool,
    pub sent: bool,
    /// `None` where memcached's rule leaves it open.
    pub hit_before: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The verb has nothing to say.
    Done,
    Stored,
    /// Stored, and the value has this length now.
    Sized(usize),
    NotStored,
    Exists,
    Missing,
    Deleted,
    Touched,
    Present(bool),
    Hit(Hit),
    /// A hit whose bytes the sink refused.
    Length(usize, u32, Option<u32>),
    MetaHit(Hit, Marks),
    Miss,
    Number(u64),
    /// A number with the time that is left.
    Counted(u64, Option<u32>),
    TooLarge {
        size: usize,
        limit: usize,
    },
    OutOfMemory,
    NotNumeric,
    /// What no verb should answer here.
    Failed(String),
}

impl From<Error> for Answer {
    fn from(error: Error) -> Answer {
        match error {
            Error::ValueTooLarge { size, limit } => Answer::TooLarge { size, limit },
            Error::OutOfMemory => Answer::OutOfMemory,
            Error::NotNumeric => Answer::NotNumeric,
            other => Answer::Failed(format!("{other:?}")),
        }
    }
}

/// An answer and, where the verb tells it, the item's unique.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub answer: Answer,
    pub unique: Option<u64>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Reply {
        Reply { answer, unique: None }
    }
}
