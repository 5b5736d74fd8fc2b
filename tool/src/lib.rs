//! What the program `nearcache` does: it looks into the shared caches of this machine, into durable stores and their
//! queues, and keeps house in them.
//! A library of its own so that its manual page and its completions are made of the command line itself.
//!
//! Exit status: 0 done; 1 the answer is no (a miss, nothing to remove, a broken invariant, what is there already);
//! 2 wrong usage or a failure, told in a sentence on standard error. A reader that goes away ends it quietly, with 0.

mod arguments;
mod attach;
mod check;
mod dump;
mod escape;
mod failure;
mod format;
mod items;
mod load;
mod look;
mod manage;
mod progress;
mod queue;
mod rates;
mod store;
mod table;
mod terminal;
mod top;
mod units;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use failure::{Answer, Failure};
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// The command line: every command, option and help text.
pub fn command_line() -> clap::Command {
    Arguments::command()
}

/// Reads the arguments and does what they ask.
pub fn main() -> ExitCode {
    let asked = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    let done = run(&asked.command, &mut out).and_then(|answer| {
        out.flush()?;
        Ok(answer)
    });
    match done {
        Ok(Answer::Yes) | Err(Failure::Pipe) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(Failure::No(why)) => told(&why, 1, &mut out),
        Err(Failure::Told(why)) => told(&why, 2, &mut out),
    }
}

fn told(why: &str, status: u8, out: &mut dyn Write) -> ExitCode {
    // What was written before is shown; that this fails as well is no news.
    let _ = out.flush();
    failure::note(why);
    ExitCode::from(status)
}

fn run(command: &Command, out: &mut dyn Write) -> Result<Answer, Failure> {
    match command {
        Command::Ls(asked) => look::ls(asked, out),
        Command::Stat(asked) => look::stat(asked, out),
        Command::Top(asked) => top::top(asked, out),
        Command::Get(asked) => items::get(asked, out),
        Command::Set(asked) => items::set(asked, out),
        Command::Delete(asked) => items::delete(asked, out),
        Command::Keys(asked) => items::keys(asked, out),
        Command::Rm(asked) => manage::rm(asked, out),
        Command::Create(asked) => manage::create(asked, out),
        Command::Dump(asked) => dump::dump(asked, out),
        Command::Load(asked) => load::load(asked, out),
        Command::Check(asked) => check::check(asked, out),
        Command::Store(asked) => store::run(asked, out),
        Command::Queue(asked) => queue::run(asked, out),
    }
}
