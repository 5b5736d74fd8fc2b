//! The command line: every command, its options, and the help with its examples.

use crate::attach::Place;
use crate::store::arguments::PLACES;
use crate::units::parse_size;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const ABOUT: &str = "Look into shared caches, durable stores and queues, and keep house in them";

const AFTER: &str = "\
NAME is the name a program opened its cache by (in /dev/shm/nearcache.<uid>; NEARCACHE_DIR names another directory), \
or a path: what has a '/' in it. 'store' and 'queue' take a directory or a socket instead. Commands that only read attach for reading alone: nobody notices, and no hits are counted.

Exit status: 0 done; 1 the answer is no (a miss, nothing to remove, a broken cache); 2 wrong usage or a failure.
Colours only on a terminal, and never if NO_COLOR is set.

Examples:
  nearcache ls                          what caches there are
  nearcache stat app                    one of them
  nearcache get app user:1              a value
  nearcache dump app | gzip > app.gz    everything in it
  nearcache store verify data           a durable store, in a directory or behind a daemon's socket
  nearcache queue list data             its queues";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "nearcache", version, about = ABOUT, after_help = AFTER, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the caches of this user on this machine
    Ls(Ls),
    /// Show what a cache is, its statistics under memcached's names, and its processes
    Stat(Stat),
    /// Watch what goes on in one cache, or in all of them
    Top(Top),
    /// Write a value to standard output, byte for byte
    Get(Get),
    /// Store a value
    Set(Set),
    /// Remove an item
    Delete(Delete),
    /// List the keys, in no order
    Keys(Keys),
    /// Remove caches; asks nothing
    Rm(Rm),
    /// Create a cache
    Create(Create),
    /// Write every item to a file or to standard output
    Dump(Dump),
    /// Store the items of a dump
    Load(Load),
    /// Recount a cache and name the first broken invariant
    Check(Check),
    /// Look into durable stores, and keep house in them: stat, list, get, backup, verify and more
    #[command(subcommand, after_help = PLACES)]
    Store(crate::store::arguments::Command),
    /// Look into durable queues, and keep house in them: list, peek, push, requeue and more
    #[command(subcommand, after_help = PLACES)]
    Queue(crate::queue::arguments::Command),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Processes are those that have used the cache and are there; who attached for reading alone leaves no trace. A file that \
cannot be attached is told with the reason.

Examples:
  nearcache ls
  nearcache ls --json | jq -r '.[].name'")]
pub struct Ls {
    /// An array of objects
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A process is 'alive', 'suspect' (it seems to have ended; given back within ten seconds), or 'dead'.

Examples:
  nearcache stat app
  nearcache stat app --json | jq .stats.evictions")]
pub struct Stat {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// An object with info, stats, hit_ratio and processes
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
On a terminal the screen is drawn anew at each interval until q or Ctrl-C. Elsewhere, and with --iterations or --json, a \
line is printed per cache and interval. Rates are per second, over the interval. Ends with 1 if the cache it watches is \
removed.

Examples:
  nearcache top
  nearcache top app --interval 0.2
  nearcache top app --iterations 10 --json")]
pub struct Top {
    /// A name or a path; all caches of this user if there is none
    #[arg(value_parser = Place::parse)]
    pub name: Option<Place>,
    /// Seconds between two readings: 0.01 to 3600
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = interval)]
    pub interval: f64,
    /// Print this many readings as lines, then end
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: Option<u64>,
    /// An object per line
    #[arg(long)]
    pub json: bool,
}

/// A key, and how it is written.
#[derive(Debug, Args)]
pub struct Key {
    /// The key, 1 to 250 bytes
    pub key: OsString,
    /// KEY is written as `nearcache keys` writes it: \\, \n, \r, \t and \xNN stand for bytes
    #[arg(short, long)]
    pub escaped: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there is no such item.

Examples:
  nearcache get app user:1
  nearcache get app -e 'raw\\x00\\xff' | xxd
  nearcache get app user:1 --json | jq .ttl")]
pub struct Get {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    #[command(flatten)]
    pub key: Key,
    /// An object with key, value, flags, cas and ttl; what is no UTF-8 is {"hex": "..."}
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The key and the value are stored as they are given, byte for byte; a language's client may expect its own form.

Examples:
  nearcache set app motd 'Back at noon' --ttl 3600
  nearcache set app page:/ - < index.html")]
pub struct Set {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
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
  nearcache delete app user:1
  nearcache keys app session: -0 | xargs -0 -n1 nearcache delete app")]
pub struct Delete {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    #[command(flatten)]
    pub key: Key,
    /// An object with deleted
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
One key a line; bytes that are no UTF-8, control characters and '\\' are escaped, so that a line is a key, and \
'nearcache get -e' takes it back. With -0 keys are written as they are.

Examples:
  nearcache keys app | wc -l
  nearcache keys app user:
  nearcache keys app -0 | xargs -0 -n1 nearcache get app")]
pub struct Keys {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// Only keys that start with this
    pub prefix: Option<OsString>,
    /// PREFIX is escaped, as the keys are in the output
    #[arg(short, long)]
    pub escaped: bool,
    /// End each key with a zero byte, and escape nothing
    #[arg(short = '0', long, conflicts_with = "json")]
    pub null: bool,
    /// An array of strings; what is no UTF-8 is {"hex": "..."}
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The memory goes when the last process that is attached has ended; the next to open the name gets a new cache. Processes \
that attached for reading alone leave no trace, so they hinder nothing, and go on with what they have.
A name that living processes have is refused without --force; the other names are removed. Exit status 1: one was not there.

Examples:
  nearcache rm app
  nearcache rm app sessions --force")]
pub struct Rm {
    /// Names or paths
    #[arg(value_parser = Place::parse, required = true)]
    pub names: Vec<Place>,
    /// Even if living processes are attached, or nobody can tell
    #[arg(short, long)]
    pub force: bool,
    /// An array of objects with name and removed, and why if it was not
    #[arg(long)]
    pub json: bool,
}

/// What to evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Policy {
    /// What was not read soon after it was stored, then what is read least
    S3fifo,
    /// What was not read for longest
    Lru,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: it is there already.

Examples:
  nearcache create app 64M
  nearcache create /dev/shm/team 1G --permissions 660 --item-size-max 8M")]
pub struct Create {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// Memory in all, 1 MiB to 4 TiB: bytes, or with K, M, G or T (powers of 1024)
    #[arg(value_parser = parse_size)]
    pub size: u64,
    /// The largest item, 1 KiB to 1 GiB [default: 1M]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub item_size_max: Option<u64>,
    /// The expected average of key and value; sizes the index [default: 100]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub item_size_hint: Option<u64>,
    /// Refuse to store when the memory is full, instead of evicting
    #[arg(long)]
    pub no_evict: bool,
    /// What to evict
    #[arg(long, value_enum, default_value_t = Policy::S3fifo)]
    pub policy: Policy,
    /// Keep when each item was last asked for (4 bytes an item, mostly padding)
    #[arg(long)]
    pub track_access: bool,
    /// The file's permission bits, octal. Who may write it is trusted
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = permissions)]
    pub permissions: u32,
    /// An object as `stat` has it under info
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Items that come or go meanwhile may or may not be in it. A file appears when it is complete, readable by its owner alone.

The form, version 1:
  nearcache-dump 1 <Unix time of the dump>
  item <bytes of key> <bytes of value> <flags> <seconds to live, or '-' for ever>
  <key><value> <sum>
  ...
  end <number of items> <sum>
A sum is the CRC-32 (gzip's) of every byte before it, in eight hexadecimal digits.

Examples:
  nearcache dump app app.dump
  nearcache dump app | ssh other nearcache load app")]
pub struct Dump {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// The file to write; standard output if it is left out or '-'
    pub file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A file is checked to its end before its first item is stored. What comes through a pipe cannot be: each item is \
checked before it is stored, and an error says how many were. What should have died since the dump is not loaded.
Exit status 1: the cache refused items (too large, or no memory).

Examples:
  nearcache load app app.dump
  gunzip < app.gz | nearcache load app --keep")]
pub struct Load {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// The file to read; standard input if it is left out or '-'
    pub file: Option<PathBuf>,
    /// Leave items alone that are there already
    #[arg(long)]
    pub keep: bool,
    /// Give each item all the seconds that it had left when it was dumped
    #[arg(long)]
    pub keep_ttl: bool,
    /// An object with the counts
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Nobody may write to the cache meanwhile: what changes while it is counted may look broken. What killed processes have left \
half done is finished first, so the cache is attached for writing. Exit status 1: it is broken, or was written to.

Examples:
  nearcache check app && echo sound")]
pub struct Check {
    /// A name or a path
    #[arg(value_parser = Place::parse)]
    pub name: Place,
    /// An object with sound and broken
    #[arg(long)]
    pub json: bool,
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.01..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "an interval is 0.01 to 3600 seconds".to_string())
}

fn permissions(text: &str) -> Result<u32, String> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777);
    bits.ok_or_else(|| "permissions are octal digits, 0 to 777, as in 660".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound_and_every_command_shows_an_example() {
        let mut whole = Arguments::command();
        whole.clone().debug_assert();
        let told = examples(&mut whole, "nearcache");
        assert!(told > 30, "{told}");
    }

    /// How many commands there are, each with an example of itself.
    fn examples(command: &mut clap::Command, name: &str) -> u64 {
        if !command.has_subcommands() {
            let help = command.render_help().to_string();
            let examples = help.split_once("Examples:").map_or("", |(_, examples)| examples);
            assert!(examples.contains(name), "{help}");
            return 1;
        }
        let each = command.get_subcommands_mut().map(|command| {
            let name = format!("{name} {}", command.get_name());
            examples(command, &name)
        });
        each.sum()
    }

    #[test]
    fn limits_are_told() {
        assert_eq!([interval("0.05"), interval("3600")], [Ok(0.05), Ok(3600.0)]);
        for text in ["0", "-1", "nan", "inf", "3601", "x"] {
            assert!(interval(text).unwrap_err().contains("0.01 to 3600"), "{text}");
        }
        assert_eq!(permissions("660"), Ok(0o660));
        assert!(permissions("888").is_err() && permissions("1777").is_err());
    }
}
