//! `nearcache store`: durable stores, in a directory or behind a daemon's socket.

pub mod arguments;
pub mod at;
mod entries;
pub mod items;
mod look;
mod transfer;
mod work;

use crate::failure::{Answer, Failure};
use arguments::Command;
use std::io::Write;

/// Does what is asked of a store.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Answer, Failure> {
    match command {
        Command::Stat(asked) => look::stat(asked, out),
        Command::List(asked) => look::list(asked, out),
        Command::Get(asked) => items::get(asked, out),
        Command::Set(asked) => items::set(asked, out),
        Command::Delete(asked) => items::delete(asked, out),
        Command::Flush(asked) => items::flush(asked),
        Command::Dump(asked) => transfer::dump(asked, out),
        Command::Load(asked) => transfer::load(asked, out),
        Command::Backup(asked) => work::backup(asked, out),
        Command::Restore(asked) => work::restore(asked, out),
        Command::Verify(asked) => work::verify(asked, out),
        Command::Compact(asked) => work::compact(asked, out),
    }
}
