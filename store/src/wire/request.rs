//! What can be asked, and what is answered.

use super::words::{DeletionWord, ExpiryWord, OutcomeWord, VerbWord};
use crate::committer::Policy;
use crate::page::Progress;
use crate::queue::{Fate, Lease, Message, Push, Pushed, Receipt, Settings, Stats};
use crate::{Entry, Error, Value};
use nearcache::{Deletion, Expiry, Outcome, Verb};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use std::path::PathBuf;

/// One question, or one thing to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Request {
    /// Who is there? Answered with [`Reply::Welcome`]; also shows who one is, where that is asked.
    Hello {
        login: Option<(String, String)>,
    },

    /// Answered with [`Reply::Values`], one for each key.
    Get {
        keys: Vec<ByteBuf>,
    },
    Set(Store),
    Count {
        key: ByteBuf,
        delta: u64,
        down: bool,
    },
    /// Get and touch; without `wants_value` the value's bytes are left out.
    Touch {
        key: ByteBuf,
        #[serde(with = "ExpiryWord")]
        expiry: Expiry,
        wants_value: bool,
    },
    Delete {
        key: ByteBuf,
        unique: Option<u64>,
    },
    Flush {
        delay: u32,
    },
    Rget {
        start: ByteBuf,
        end: ByteBuf,
        left_open: bool,
        right_open: bool,
        max: usize,
    },
    Prefix {
        prefix: ByteBuf,
        after: Option<ByteBuf>,
        max: usize,
    },
    Batch(Vec<Change>),
    StoreStats,

    Push {
        queue: ByteBuf,
        body: ByteBuf,
        push: Push,
    },
    Reserve {
        queue: ByteBuf,
        max: usize,
        lease: Lease,
        wait_millis: u64,
    },
    /// Takes messages for good.
    Take {
        queue: ByteBuf,
        max: usize,
        wait_millis: u64,
    },
    Ack {
        queue: ByteBuf,
        receipts: Vec<Receipt>,
    },
    Nak {
        queue: ByteBuf,
        receipt: Receipt,
        delay: Option<u32>,
    },
    Extend {
        queue: ByteBuf,
        receipt: Receipt,
        seconds: u32,
    },
    Peek {
        queue: ByteBuf,
        max: usize,
    },
    Configure {
        queue: ByteBuf,
        settings: Settings,
    },
    Settings {
        queue: ByteBuf,
    },
    Pause {
        queue: ByteBuf,
        is_paused: bool,
    },
    Purge {
        queue: ByteBuf,
    },
    DeleteQueue {
        queue: ByteBuf,
    },
    Requeue {
        queue: ByteBuf,
        to: Option<ByteBuf>,
        max: usize,
    },
    QueueStats {
        queue: ByteBuf,
    },
    QueueNames,

    /// Long work: copies everything to a directory of the daemon's machine.
    Backup {
        to: PathBuf,
    },
    Verify,
    Compact,
}

/// A storing verb and what it stores.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Store {
    #[serde(with = "VerbWord")]
    pub verb: Verb,
    #[serde(with = "serde_bytes")]
    pub key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
    pub flags: u32,
    #[serde(with = "ExpiryWord")]
    pub expiry: Expiry,
}

/// One change of a batch. Its number, in the batch's answer, is said beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Change {
    /// The new unique. If the verb's condition does not hold the batch is refused.
    Set(Store),
    /// 1, or 0 if there was nothing.
    Delete { key: ByteBuf },
    /// The new number. A missing key refuses the batch.
    Count { key: ByteBuf, delta: u64, down: bool },
    /// The message's sequence number.
    Push { queue: ByteBuf, body: ByteBuf, push: Push },
    /// 1. If the message is not this receipt's any more the batch is refused: so what a consumer writes happens once.
    Ack { queue: ByteBuf, receipt: Receipt },
}

/// What whoever has a directory open says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Welcome {
    /// The version of the program that has it open.
    pub version: String,
    /// The directory.
    pub dir: PathBuf,
    /// The version of its format.
    pub format: u32,
    /// Its random number.
    pub id: u128,
    /// When a write is answered.
    pub policy: Policy,
    /// The shared near tier to read hot keys from, by name or path.
    pub near: Option<String>,
    /// The largest item, as `Options::item_size_max`.
    pub item_size_max: usize,
}

/// An answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Reply {
    Welcome(Welcome),
    Failed(Error),
    /// Long work goes on; the answer follows.
    Progress(Progress),
    Done,
    Values(Vec<Option<Value>>),
    Outcome(#[serde(with = "OutcomeWord")] Outcome),
    Deletion(#[serde(with = "DeletionWord")] Deletion),
    Number(Option<u64>),
    Numbers(Vec<u64>),
    Yes(bool),
    Many(Vec<bool>),
    Entries(Vec<Entry>),
    Facts(Vec<(String, u64)>),
    Pushed(Pushed),
    Messages(Vec<Message>),
    Fate(Fate),
    Receipt(Option<Receipt>),
    Settings(Settings),
    QueueStats(Stats),
    Names(Vec<ByteBuf>),
}
