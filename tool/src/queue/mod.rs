//! `nearcache queue`: durable queues, in a directory or behind a daemon's socket.

pub mod arguments;
mod look;
mod manage;
mod messages;
mod settings;

use crate::failure::{Answer, Failure};
use arguments::Command;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

impl arguments::Of {
    /// The queue's name.
    fn name(&self) -> &[u8] {
        self.queue.as_bytes()
    }
}

/// Does what is asked of a queue.
pub fn run(command: &Command, out: &mut dyn Write) -> Result<Answer, Failure> {
    match command {
        Command::List(asked) => look::list(asked, out),
        Command::Stat(asked) => look::stat(asked, out),
        Command::Peek(asked) => look::peek(asked, out),
        Command::Push(asked) => messages::push(asked, out),
        Command::Take(asked) => messages::take(asked, out),
        Command::Requeue(asked) => messages::requeue(asked, out),
        Command::Configure(asked) => settings::configure(asked, out),
        Command::Pause(asked) => manage::pause(&asked.of, true),
        Command::Resume(asked) => manage::pause(&asked.of, false),
        Command::Purge(asked) => manage::purge(asked, out),
        Command::Rm(asked) => manage::rm(asked, out),
    }
}
