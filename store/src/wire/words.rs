//! How the words of the cache core are said in messages: it knows nothing of them.

use nearcache::{Deletion, Expiry, Outcome, Verb};
use serde::{Deserialize, Serialize};

/// See [`Verb`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Verb")]
#[allow(missing_docs)]
pub enum VerbWord {
    Set,
    Add,
    Replace,
    Append,
    Prepend,
    Cas(u64),
}

/// See [`Expiry`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Expiry")]
#[allow(missing_docs)]
pub enum ExpiryWord {
    Never,
    After(u32),
    At(i64),
    Past,
}

/// See [`Outcome`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome")]
#[allow(missing_docs)]
pub enum OutcomeWord {
    Stored(u64),
    NotStored,
    Exists,
    Missing,
}

/// See [`Deletion`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "Deletion")]
#[allow(missing_docs)]
pub enum DeletionWord {
    Deleted,
    Missing,
    Exists,
}
