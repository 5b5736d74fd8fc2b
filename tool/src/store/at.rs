//! A store as the command line names it, and how it is opened.

use crate::failure::Failure;
use nearcache_store::{Durable, Error, Options, Place};
use std::fmt;

/// A directory or a socket.
#[derive(Clone, Debug)]
pub struct At(pub Place);

impl At {
    /// For clap, which words the error.
    pub fn parse(text: &str) -> Result<At, String> {
        Place::parse(text).map(At).map_err(|error| error.to_string())
    }

    /// Opens it.
    pub fn open(&self) -> Result<Durable, Failure> {
        Ok(self.try_open()?)
    }

    /// Opens it, for those who tell damage from failure.
    pub fn try_open(&self) -> Result<Durable, Error> {
        Durable::open(&self.0, matches!(self.0, Place::Directory(_)).then(options))
    }
}

/// How a directory is opened: one that is there, with little memory. What is in it may be larger than usual.
pub fn options() -> Options {
    let mut options = Options::default();
    options.create = false;
    options.near = 0;
    options.block_cache = 16 << 20;
    options.item_size_max = ITEM_MAX;
    options
}

/// No item, and no message, can be larger anywhere.
pub const ITEM_MAX: usize = 1 << 30;

/// Without the password.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
