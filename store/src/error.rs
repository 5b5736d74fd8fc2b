//! Failures of the store and the queues, each a sentence: what was wrong, the limit, what to do.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why an operation failed. One that failed has changed nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Error {
    /// A key of no bytes.
    KeyEmpty,
    /// A key of more than [`nearcache::KEY_MAX`] bytes.
    KeyTooLong {
        /// The key's length in bytes.
        len: usize,
    },
    /// A value or a message over the limit.
    ValueTooLarge {
        /// Its size in bytes, as the limit counts it.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// `incr` or `decr` of a value that is not a decimal number of 64 bits.
    NotNumeric,
    /// Options that cannot be met; the sentence says which, the limit, and what to do.
    InvalidOptions(String),
    /// The directory is open in another process.
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who has it: process number, program and since when, as it noted them itself.
        by: String,
    },
    /// There is no store where one was to be.
    Missing(String),
    /// What is there is no store, or one that must not be touched; the sentence says what was found.
    Foreign(String),
    /// The store was written by a newer version.
    Newer(String),
    /// What is there contradicts itself; the sentence names what.
    Damaged(String),
    /// The engine has recovered less than was once safely written.
    Lost {
        /// The directory.
        dir: PathBuf,
        /// The last sequence number that the engine found.
        recovered: u64,
        /// The last one that had been synced.
        synced: u64,
    },
    /// The disk is full. What was being written has not been stored.
    DiskFull(String),
    /// The file system or the directory may not be written.
    ReadOnly(String),
    /// The operating system refused; the sentence says what was asked of it.
    System(String, #[serde(with = "said")] Arc<io::Error>),
    /// The write would make the store larger than its quota.
    OverQuota {
        /// Bytes of keys, values and messages that are there.
        used: u64,
        /// Bytes that would be added.
        wanted: u64,
        /// The limit.
        quota: u64,
    },
    /// The store is closed, or its committer has ended.
    Closed,
    /// The process has forked since it opened the store.
    Forked,
    /// An operation panicked, which is a bug; nothing of it was stored.
    Panicked(String),
    /// The engine was opened anew after a failure of the disk, which ends the snapshots taken before.
    SnapshotGone,
    /// A batch was refused, because the condition of one of its steps did not hold; nothing of it was done.
    Refused {
        /// Which step, from 0.
        step: usize,
        /// What it met.
        why: String,
    },
    /// Long work was stopped by its caller.
    Stopped,
    /// There is no queue of this name (escaped as in a string).
    NoQueue(String),
    /// A queue has as many messages, or bytes, as it may.
    QueueFull {
        /// Its name, escaped as in a string.
        queue: String,
        /// Messages that are in it.
        messages: u64,
        /// Their bytes.
        bytes: u64,
        /// Most messages; 0: no limit.
        max_messages: u64,
        /// Most bytes; 0: no limit.
        max_bytes: u64,
    },
    /// The near tier could not be made.
    Near(String),
    /// The daemon that has the store cannot be reached, or went away before it answered; the sentence says whether the
    /// write may have been done.
    Connection(String),
    /// What was asked for is not offered here; the sentence says where it is.
    Unsupported(String),
}

/// What the operating system said, on its way through a socket: its number, or else its words.
mod said {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::io;
    use std::sync::Arc;

    pub fn serialize<S: Serializer>(error: &Arc<io::Error>, to: S) -> Result<S::Ok, S::Error> {
        (error.raw_os_error(), error.to_string()).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<io::Error>, D::Error> {
        let (number, words) = <(Option<i32>, String)>::deserialize(from)?;
        Ok(Arc::new(number.map_or_else(|| io::Error::other(words), io::Error::from_raw_os_error)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::KeyEmpty => {
                write!(f, "the key is empty: a key has 1 to {} bytes", nearcache::KEY_MAX)
            }
            Error::KeyTooLong { len } => {
                write!(f, "the key has {len} bytes: the limit is {}", nearcache::KEY_MAX)
            }
            Error::ValueTooLarge { size, limit } => {
                write!(
                    f,
                    "the value takes {size} bytes: the limit is {limit}; raise it to store it"
                )
            }
            Error::NotNumeric => write!(f, "cannot increment or decrement a non-numeric value"),
            Error::InUse { dir, by } => write!(
                f,
                "{} is in use by {by}: one process owns a store; close it there, or reach it through the daemon",
                dir.display()
            ),
            Error::Lost { dir, recovered, synced } => write!(
                f,
                "{} has lost writes: {synced} was the last that was synced, but the engine recovers only up to \
                 {recovered}; the disk may have damaged a journal. Nothing was opened: restore a backup, or open \
                 it with accept_loss to go on with what is there",
                dir.display()
            ),
            Error::System(what, source) => write!(f, "{what}: {source}"),
            Error::OverQuota { used, wanted, quota } => write!(
                f,
                "over quota: {used} bytes are stored and {wanted} more were to be, the quota is {quota}; delete \
                 something, or raise it"
            ),
            Error::NoQueue(name) => {
                write!(
                    f,
                    "there is no queue \"{name}\": the first message makes it, or configure it"
                )
            }
            Error::QueueFull { queue, messages, bytes, max_messages, max_bytes } => write!(
                f,
                "the queue \"{queue}\" is full: it has {messages} messages of {bytes} bytes, its limits are \
                 {max_messages} messages and {max_bytes} bytes (0 is none); consume some, raise the limits, or let it \
                 discard_old"
            ),
            Error::Closed => write!(f, "the store is closed: open it again"),
            Error::Forked => write!(
                f,
                "the store was opened before a fork, and belongs to the parent: open it after the fork, in one \
                 process, or reach it through the daemon"
            ),
            Error::Panicked(what) => {
                write!(
                    f,
                    "an operation of the store panicked, and nothing of it was stored: {what}"
                )
            }
            Error::Refused { step, why } => write!(
                f,
                "the batch was refused, and nothing of it was done: step {step} met {why}"
            ),
            Error::Stopped => write!(f, "stopped before the end, as was asked"),
            Error::SnapshotGone => write!(
                f,
                "the snapshot has ended: the engine was opened anew after a failure of the disk; take another"
            ),
            Error::InvalidOptions(why)
            | Error::Missing(why)
            | Error::Foreign(why)
            | Error::Newer(why)
            | Error::Damaged(why)
            | Error::DiskFull(why)
            | Error::ReadOnly(why)
            | Error::Near(why)
            | Error::Connection(why)
            | Error::Unsupported(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::System(_, source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl Error {
    /// What the operating system said when `what` was asked of it at `path`.
    pub(crate) fn system(what: &str, path: &Path, e: io::Error) -> Error {
        let at = path.display();
        match e.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => Error::DiskFull(format!(
                "cannot {what} {at}: {e}; what was being written has not been stored. Make room: writes work again \
                 as soon as there is some"
            )),
            Some(libc::EROFS | libc::EACCES | libc::EPERM) => Error::ReadOnly(format!(
                "cannot {what} {at}: {e}; the store needs a directory that this user may write"
            )),
            _ => Error::System(format!("cannot {what} {at}"), Arc::new(e)),
        }
    }
}

/// A key is 1 to [`nearcache::KEY_MAX`] bytes.
pub(crate) fn check_key(key: &[u8]) -> Result<(), Error> {
    match key.len() {
        0 => Err(Error::KeyEmpty),
        len if len > nearcache::KEY_MAX => Err(Error::KeyTooLong { len }),
        _ => Ok(()),
    }
}
