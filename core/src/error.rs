//! Failures and outcomes. An outcome is an answer a cache is expected to give; an error is a failure.

use std::fmt;
use std::io;

/// The longest key, in bytes (memcached's limit).
pub const KEY_MAX: usize = 250;

/// The answer of a storing verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored; the new item's cas unique.
    Stored(u64),
    /// The verb's condition did not hold: `add` of a present key, `replace`, `append` or `prepend` of a
    /// missing one, or an `append`/`prepend` that would grow the item past the limit or the memory.
    NotStored,
    /// `cas`: the item was changed since the unique was read.
    Exists,
    /// `cas`: there is no such item.
    Missing,
}

/// The answer of `delete`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// The item was there and is gone.
    Deleted,
    /// There was no such item.
    Missing,
    /// A compare-and-delete found another cas unique.
    Exists,
}

/// The answer of `touch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// The item has its new expiry.
    Touched,
    /// There was no such item.
    Missing,
}

/// Why an operation failed. Nothing else in the cache was changed by a failed operation, except where
/// memcached's own rule says so: a `set` that is too large or finds no memory removes the old value.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A key of no bytes.
    KeyEmpty,
    /// A key of more than [`KEY_MAX`] bytes.
    KeyTooLong {
        /// The key's length in bytes.
        len: usize,
    },
    /// An item larger than [`Options::item_size_max`](crate::Options).
    ValueTooLarge {
        /// The item's size as memcached counts it (key, value and its header), in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// No memory could be freed: evictions are off, or every segment is pinned.
    OutOfMemory,
    /// `incr` or `decr` of a value that is not a decimal number of 64 bits.
    NotNumeric,
    /// Options that cannot be met; the sentence says which, the limit, and what to do.
    InvalidOptions(String),
    /// The operating system refused; the sentence says what was asked of it.
    System(String, io::Error),
    /// The arena's words contradict one another; the sentence names the broken invariant.
    Corrupt(String),
    /// There is no such cache to attach; the sentence says where it was looked for.
    NoRegion(String),
    /// The cache to be created is there already; the sentence says where.
    RegionExists(String),
    /// What is there is no cache, or one that this user may not attach; the sentence says what was found, and what
    /// to do.
    ForeignRegion(String),
    /// What is there is a cache of another layout; the sentence says of which, and what to do.
    LayoutMismatch(String),
    /// A verb that writes, on a cache that is attached for reading alone.
    ReadOnly,
    /// Every place for a thread (or a process) in a shared cache is taken; the sentence says how many there are.
    TooManyThreads(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::KeyEmpty => write!(f, "the key is empty: a key has 1 to {KEY_MAX} bytes"),
            Error::KeyTooLong { len } => {
                write!(f, "the key has {len} bytes: the limit is {KEY_MAX}")
            }
            Error::ValueTooLarge { size, limit } => write!(
                f,
                "the item takes {size} bytes: the limit is {limit}; raise item_size_max to store it"
            ),
            Error::OutOfMemory => write!(
                f,
                "out of memory storing the item: raise the memory limit, or allow evictions"
            ),
            Error::NotNumeric => {
                write!(f, "cannot increment or decrement a non-numeric value")
            }
            Error::InvalidOptions(why) => write!(f, "{why}"),
            Error::System(what, source) => write!(f, "{what}: {source}"),
            Error::Corrupt(what) => write!(f, "the arena is damaged: {what}"),
            Error::NoRegion(why)
            | Error::RegionExists(why)
            | Error::ForeignRegion(why)
            | Error::LayoutMismatch(why)
            | Error::TooManyThreads(why) => write!(f, "{why}"),
            Error::ReadOnly => {
                write!(
                    f,
                    "the cache is attached for reading alone: open it for writing to change it"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::System(_, source) => Some(source),
            _ => None,
        }
    }
}
