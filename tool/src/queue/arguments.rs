//! The command line of `nearcache queue`.

use crate::store::arguments::{Shown, Where};
use clap::{Args, Subcommand, ValueHint};
use std::ffi::OsString;

/// What to do with queues.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the queues
    List(List),
    /// Show what is in a queue, what has happened to it, and its settings
    Stat(Stat),
    /// Show the first messages in line, which stay there
    Peek(Peek),
    /// Put a message in
    Push(Push),
    /// Write the first message to standard output, and remove it
    Take(Take),
    /// Move messages back to the queues that they come from: dead letters, and what has expired
    Requeue(Requeue),
    /// Show or change a queue's settings
    Configure(Configure),
    /// Hand nothing out; messages are put in as before
    Pause(Pause),
    /// Go on after a pause
    Resume(Resume),
    /// Drop every message of a queue, whoever has it; asks nothing
    Purge(Purge),
    /// Remove queues with their messages; asks nothing
    Rm(Rm),
}

/// A queue.
#[derive(Debug, Args)]
pub struct Of {
    #[command(flatten)]
    pub at: Where,
    /// The queue's name
    pub queue: OsString,
}

#[derive(Debug, Args)]
#[command(after_help = "\
READY can be handed out, RESERVED somebody has, DELAYED waits for its time; AGE is that of the first in line. PUSHED, \
ACKED and DEAD count what happened since the queue was made; dead letters lie in a queue of their own, NAME.dead unless \
the settings say otherwise.

Examples:
  nearcache queue list data
  nearcache queue list unix:/run/nearcached/store --json | jq -r '.[] | select(.paused).name'")]
pub struct List {
    #[command(flatten)]
    pub at: Where,
    /// An array of objects
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there is no such queue.

Examples:
  nearcache queue stat data orders
  nearcache queue stat data orders --json | jq .dead_letters")]
pub struct Stat {
    #[command(flatten)]
    pub of: Of,
    /// An object with counts, totals, settings and dead_letters
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A line for each message; what is long is cut there, and whole with --json. FROM is the queue that a dead letter comes \
from. Exit status 1: there is no such queue.

Examples:
  nearcache queue peek data orders.dead -n 3
  nearcache queue peek data orders --json | jq -r '.[].body'")]
pub struct Peek {
    #[command(flatten)]
    pub of: Of,
    /// Most messages
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub number: u16,
    /// An array of objects with seq, at, size, deliveries, expires, flags, id, origin and body
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The queue is made if there is none. The message is on the disk when the command ends (over a socket: as the daemon's \
sync policy says). Exit status 1: a message with this id was put in before, and is not put in again.

Examples:
  nearcache queue push data orders 'order 7' --id 7
  nearcache queue push data mails - --delay 60 < mail.eml")]
pub struct Push {
    #[command(flatten)]
    pub of: Of,
    /// The message; from standard input if it is left out or '-'
    #[arg(value_hint = ValueHint::Other)]
    pub message: Option<OsString>,
    /// Seconds before it is handed out, up to a year
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub delay: u32,
    /// Seconds after which it has expired, 0 for never; as the queue's settings say if it is left out
    #[arg(long, value_name = "S")]
    pub expire: Option<u32>,
    /// An id of up to 250 bytes, by which doubles are dropped
    #[arg(long)]
    pub id: Option<OsString>,
    /// The client's flags, a number of 32 bits
    #[arg(long, value_name = "F", default_value_t = 0)]
    pub flags: u32,
    /// An object with seq and duplicate
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The message is removed when it has been written: if that fails it goes back, and if the command is killed in between it \
is delivered again when its lease ends. Exit status 1: there was none.

Examples:
  nearcache queue take data orders > order
  nearcache queue take unix:/run/nearcached/store orders --wait 30 --json")]
pub struct Take {
    #[command(flatten)]
    pub of: Of,
    /// Seconds to wait for a message
    #[arg(short, long, value_name = "S", default_value_t = 0)]
    pub wait: u32,
    /// An object as `peek` has it
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The oldest go first. What was moved counts as never delivered, and does not expire. --all moves as many as there are at \
the beginning, so messages that die again meanwhile do not go round for ever.

Examples:
  nearcache queue requeue data orders.dead --all
  nearcache queue requeue data orders.dead -n 1 --to orders.retry")]
pub struct Requeue {
    #[command(flatten)]
    pub of: Of,
    /// The queue to move them to, whichever they come from
    #[arg(long, value_name = "QUEUE")]
    pub to: Option<OsString>,
    /// So many at most
    #[arg(short = 'n', long, value_name = "N", required_unless_present = "all")]
    pub number: Option<u64>,
    /// All of them
    #[arg(long, conflicts_with = "number")]
    pub all: bool,
    #[command(flatten)]
    pub shown: Shown,
    /// An object with moved
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without SETTING the settings are shown. A queue that is not there is made. The settings:
  max_messages=N      most messages, 0: no limit
  max_bytes=SIZE      most bytes of messages, as 64M; 0: no limit
  max_message=SIZE    the largest message; 0: the store's largest item
  discard_old=yes|no  when full, drop the oldest message instead of refusing the new one
  lease=S             seconds that a reserved message is somebody's, unless he says for how long
  max_deliveries=N    then it goes to the dead letters; 0: no limit
  dead_letters=QUEUE  where that is; empty: NAME.dead
  expire=S            seconds after which a message has expired; 0: never
  expired_to=QUEUE    where those go; empty: they are dropped
  dedup_window=S      seconds for which ids are remembered; 0: they are not looked at
  retry_delay=S       seconds that a message which comes back waits

Examples:
  nearcache queue configure data orders
  nearcache queue configure data orders lease=300 max_deliveries=5 max_bytes=1G")]
pub struct Configure {
    #[command(flatten)]
    pub of: Of,
    /// As name=value
    #[arg(value_name = "SETTING", value_hint = ValueHint::Other)]
    pub settings: Vec<String>,
    /// An object with all settings, as they are then
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there is no such queue.

Examples:
  nearcache queue pause data orders")]
pub struct Pause {
    #[command(flatten)]
    pub of: Of,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: there is no such queue.

Examples:
  nearcache queue resume data orders")]
pub struct Resume {
    #[command(flatten)]
    pub of: Of,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Settings, totals and readers stay. Exit status 1: there is no such queue.

Examples:
  nearcache queue purge data orders.dead")]
pub struct Purge {
    #[command(flatten)]
    pub of: Of,
    /// An object with purged
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 1: one was not there; the others are removed.

Examples:
  nearcache queue rm data orders orders.dead")]
pub struct Rm {
    #[command(flatten)]
    pub at: Where,
    /// Names of queues
    #[arg(required = true)]
    pub queues: Vec<OsString>,
    /// An array of objects with name and removed
    #[arg(long)]
    pub json: bool,
}
