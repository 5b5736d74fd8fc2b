//! The verbs.

mod compose;
mod glance;
mod meta;
mod number;
mod pin;
mod read;
mod remove;
mod stats;
mod store;
mod update;
mod walk;

pub(crate) use pin::Pinned;
pub(crate) use read::{get, get_many, get_to};
pub(crate) use walk::{entries, scan};

use crate::{Error, KEY_MAX};

/// Is this a key?
#[inline(always)]
pub(crate) fn check_key(key: &[u8]) -> Result<(), Error> {
    match key.len() {
        1..=KEY_MAX => Ok(()),
        0 => Err(Error::KeyEmpty),
        len => Err(Error::KeyTooLong { len }),
    }
}
