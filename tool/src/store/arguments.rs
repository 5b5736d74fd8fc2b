//! The command line of `nearcache store`.

use crate::arguments::Key;
use crate::store::at::At;
use clap::{Args, Subcommand, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// What is said under the help of `nearcache store` and of `nearcache queue`.
pub const PLACES: &str = "\
PLACE is a store's directory, or the socket of the nearcached that has it open: unix:PATH, a socket's path, or \
tcp:HOST:PORT; USER:PASSWORD@ goes before PATH or HOST where the daemon asks who one is. One process owns a directory: \
while a daemon or a program has it open, only its socket serves. No command but restore makes a store.";

/// What to do with a store.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what a store is, and its statistics
    Stat(Stat),
    /// List the items in the order of their keys
    List(List),
    /// Write a value to standard output, byte for byte
    Get(Get),
    /// Store a value
    Set(Set),
    /// Remove an item
    Delete(Delete),
    /// Remove every item; messages stay. Asks nothing
    Flush(Flush),
    /// Write every item to a file or to standard output
    Dump(Dump),
    /// Store the items of a dump
    Load(Load),
    /// Copy items and queues to a new directory, while others go on
    Backup(Backup),
    /// Make a store of a backup
    Restore(Restore),
    /// Read everything and count it again
    Verify(Verify),
    /// Give back the disk of what was removed
    Compact(Compact),
}

/// The store.
#[derive(Debug, Args)]
pub struct Where {
    /// A directory, or a daemon's socket: unix:PATH, tcp:HOST:PORT
    #[arg(value_parser = At::parse, value_hint = ValueHint::AnyPath)]
    pub place: At,
}

/// How long work is shown.
#[derive(Debug, Args)]
pub struct Shown {
    /// Tell the progress in lines where standard error is no terminal
    #[arg(long)]
    pub progress: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Format and id are known of a directory alone. Counters are since the store was opened, so for a directory they are zeros.

Examples:
  nearcache store stat /var/lib/nearcached/store
  nearcache store stat unix:/run/nearcached/store --json | jq .stats.curr_items")]
pub struct Stat {
    #[command(flatten)]
    pub at: Where,
    /// An object with info, stats and queues
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A line for each item: bytes of the value, seconds left to live ('-': for ever), cas unique, key. Keys are escaped as \
those of 'nearcache keys', so that a line is an item. Over a socket, items that come or go meanwhile may or may not be listed.

Examples:
  nearcache store list data
  nearcache store list data --prefix user: --limit 10
  nearcache store list data --from 2026-01 --to 2026-02 --json
  nearcache store list data -0 | xargs -0 -n1 nearcache store get data")]
pub struct List {
    #[command(flatten)]
    pub at: Where,
    /// Only keys that start with this
    #[arg(short, long, value_name = "KEY")]
    pub prefix: Option<OsString>,
    /// Only keys from this one on
    #[arg(long, value_name = "KEY")]
    pub from: Option<OsString>,
    /// Only keys before this one
    #[arg(long, value_name = "KEY")]
    pub to: Option<OsString>,
    /// Most items
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<u64>,
    /// The keys given here are escaped, as those in the output
    #[arg(short, long)]
    pub escaped: bool,
    /// Keys alone
    #[arg(short, long, conflicts_with = "json")]
    pub keys: bool,
    /// Keys alone, each ended by a zero byte, and nothing escaped
    #[arg(short = '0', long, conflicts_with_all = ["json", "keys"])]
    pub null: bool,
    /// An array of objects with key, size, flags, cas and ttl
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there is no such item.

Examples:
  nearcache store get data user:1
  nearcache store get data user:1 --json | jq .ttl")]
pub struct Get {
    #[command(flatten)]
    pub at: Where,
    #[command(flatten)]
    pub key: Key,
    /// An object with key, value, flags, cas and ttl; what is no UTF-8 is {"hex": "..."}
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
It is on the disk when the command ends (over a socket: as the daemon's sync policy says).

Examples:
  nearcache store set data motd 'Back at noon' --ttl 3600
  nearcache store set unix:/run/nearcached/store page:/ - < index.html")]
pub struct Set {
    #[command(flatten)]
    pub at: Where,
    #[command(flatten)]
    pub key: Key,
    /// The value; from standard input if it is left out or '-'
    pub value: Option<OsString>,
    /// Seconds to live; for ever if it is left out
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    pub ttl: Option<u32>,
    /// The client's flags, a number of 32 bits
    #[arg(long, value_name = "F", default_value_t = 0)]
    pub flags: u32,
    /// An object with stored and cas
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there was no such item.

Examples:
  nearcache store delete data user:1")]
pub struct Delete {
    #[command(flatten)]
    pub at: Where,
    #[command(flatten)]
    pub key: Key,
    /// An object with deleted
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nearcache store flush data
  nearcache store flush data --delay 60")]
pub struct Flush {
    #[command(flatten)]
    pub at: Where,
    /// Seconds until then; what is stored until then goes as well
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub delay: u32,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The form is that of 'nearcache dump', so what is dumped from a store can be loaded into a cache, and the other way round: \
key, value, flags and seconds to live. Messages, and the cas uniques, are not in it: 'backup' keeps all. Over a socket, \
items that come or go meanwhile may or may not be in it. A file appears when it is complete, readable by its owner alone.

Examples:
  nearcache store dump data all.dump
  nearcache store dump data | nearcache load app")]
pub struct Dump {
    #[command(flatten)]
    pub at: Where,
    /// The file to write; standard output if it is left out or '-'
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub shown: Shown,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A file is checked to its end before its first item is stored; what comes through a pipe is checked item by item. What \
should have died since the dump is not loaded. Exit status 1: the store refused items that are too large.

Examples:
  nearcache store load data all.dump
  nearcache dump app | nearcache store load data --keep")]
pub struct Load {
    #[command(flatten)]
    pub at: Where,
    /// The file to read; standard input if it is left out or '-'
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Leave items alone that are there already
    #[arg(long)]
    pub keep: bool,
    /// Give each item all the seconds that it had left when it was dumped
    #[arg(long)]
    pub keep_ttl: bool,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with the counts
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The copy is of one moment, and a store: it can be opened where it is, or given to 'restore'. One that failed or was \
stopped is none, and its directory can be given again. Over a unix socket the daemon writes it, as its own user; over \
TCP there is none.

Examples:
  nearcache store backup unix:/run/nearcached/store /backup/monday
  nearcache store backup data /backup/monday && nearcache store verify /backup/monday")]
pub struct Backup {
    #[command(flatten)]
    pub at: Where,
    /// A directory that is not there yet, or empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with entries and seconds
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The backup stays as it is. Neither directory may be open anywhere.

Examples:
  nearcache store restore /backup/monday /var/lib/nearcached/store")]
pub struct Restore {
    /// A backup, or any store that nobody has open
    #[arg(value_hint = ValueHint::DirPath)]
    pub backup: PathBuf,
    /// A directory that is not there yet, or empty
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub to: PathBuf,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with entries and seconds
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Items, lifetimes, queues, messages and the books about them are read, so that every checksum speaks, and counted again. \
Exit status 1: something is wrong; what, is told.

Examples:
  nearcache store verify data && echo sound
  nearcache store verify unix:/run/nearcached/store --json")]
pub struct Verify {
    #[command(flatten)]
    pub at: Where,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with sound and broken
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The engine does this by itself in passing; by hand it is worth its time after much was removed. It is done in a few \
steps, and Ctrl-C ends it after the one under way.

Examples:
  nearcache store compact data")]
pub struct Compact {
    #[command(flatten)]
    pub at: Where,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with disk_before and disk_after
    #[arg(long)]
    pub json: bool,
}
