//! The grammar of a queue's port: from one line (without its end) to what it asks for. MemcacheQ's commands, Kestrel's,
//! and ours in the same style. What is wrong is answered with a sentence that says what would be right.

use super::settings;
use crate::protocol::number;
use crate::protocol::reply;
use crate::protocol::token::{Tokens, ends_in_noreply};
use nearcache::Expiry;
use nearcache_store::queue::{DELAY_MAX, LEASE_MAX, check_name};
use std::borrow::Cow;

/// Most queues of one get.
const NAMES_MAX: usize = 128;
/// Most messages of one queue that a connection may hold open.
const OPEN_MAX: u32 = 1000;
/// The words of a refusal, with their line's end.
pub type Words = Cow<'static, [u8]>;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// `set`: a message, whose data follows.
    Set(Set<'a>),
    /// `get` of queues without options: one message of each, for good.
    Take(Take<'a>),
    /// `get` of one queue with options.
    Get(Get<'a>),
    /// A line that is wrong, but whose data can be skipped.
    Skip {
        /// How many bytes to skip, the final `\r\n` included.
        bytes: usize,
        /// The answer.
        words: Words,
    },
    /// Anything of one line and one answer.
    Simple {
        /// What to do.
        command: Command<'a>,
        /// Keep silent?
        noreply: bool,
    },
    /// `quit`.
    Quit,
    /// A browser: close without a word.
    Http,
}

/// A message that is put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set<'a> {
    /// The queue.
    pub queue: &'a [u8],
    /// The producer's flags.
    pub flags: u32,
    /// When it expires: `Never` is as the queue's settings say.
    pub expiry: Expiry,
    /// `/delay=`: seconds before it is handed out.
    pub delay: u32,
    /// `/id=`: what doubles are known by.
    pub id: &'a [u8],
    /// The data's length, without `\r\n`.
    pub len: usize,
    /// Keep silent?
    pub noreply: bool,
}

/// A get without options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take<'a> {
    /// The queues; one may stand there several times.
    pub queues: Vec<&'a [u8]>,
    /// `gets`: show the message's number.
    pub cas: bool,
}

/// A get with options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Get<'a> {
    /// The queue.
    pub queue: &'a [u8],
    /// As the reply is to name it.
    pub shown: &'a [u8],
    /// `gets`: show the message's number.
    pub cas: bool,
    /// `/t=`: milliseconds to wait for a message.
    pub wait: u32,
    /// `/close`: what was opened first is done with.
    pub close: bool,
    /// `/abort`: what was opened first is refused.
    pub abort: bool,
    /// `/abort/delay=`: seconds before it is handed out again.
    pub delay: Option<u32>,
    /// `/peek`: leave it where it is.
    pub peek: bool,
    /// `/open`, `/open=`: reserve a message, unless so many of this queue are open already; 0: do not.
    pub open: u32,
    /// `/open/lease=`: for so many seconds, instead of as long as the connection lasts.
    pub lease: Option<u32>,
}

impl Get<'_> {
    /// Does it want a message, or only to be rid of one?
    pub fn wants(&self) -> bool {
        self.peek || self.open > 0 || !(self.close || self.abort)
    }
}

/// A command of one line and one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `delete`.
    Delete(&'a [u8]),
    /// `flush`.
    Flush(&'a [u8]),
    /// `flush_all`.
    FlushAll,
    /// `touch`: so many seconds more for what is open.
    Touch(&'a [u8], u32),
    /// `queue name`: its settings.
    Show(&'a [u8]),
    /// `queue name key=value ...`: checked already.
    Adjust(&'a [u8], &'a [u8]),
    /// `queue name pause`, `queue name resume`.
    Pause(&'a [u8], bool),
    /// `queue name requeue`: dead letters back, to where they come from or to this queue, so many.
    Requeue(&'a [u8], Option<&'a [u8]>, usize),
    /// `stats`, `dump_stats`, `dump_config`.
    Report(Report),
    /// `version`.
    Version,
    /// `status`.
    Status,
    /// `mn`.
    Noop,
    /// `verbosity`.
    Verbosity(u32),
    /// `shutdown`; gracefully?
    Shutdown(bool),
    /// `debugtime`.
    DebugTime(u32),
    /// Not done: the answer is this line.
    Refused(Words),
}

/// What there is to read about all queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// `stats`.
    Stats,
    /// `stats queue`.
    Queues,
    /// `dump_stats`.
    DumpStats,
    /// `dump_config`.
    DumpConfig,
}

/// A refusal: a sentence for the client.
pub fn client_error(why: &str) -> Words {
    Cow::Owned(format!("CLIENT_ERROR {why}\r\n").into_bytes())
}

/// What a client sent, as a sentence may quote it.
pub fn quoted(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(40)];
    let dots = if shown.len() < bytes.len() { "..." } else { "" };
    format!("\"{}{dots}\"", shown.escape_ascii())
}

/// Reads one line.
pub fn parse(line: &[u8]) -> Request<'_> {
    let mut args = Tokens::new(line, 0);
    let mut lower = [0; 16];
    let verb = args.next().unwrap_or_default();
    // Kestrel's clients may shout.
    let verb = match lower.get_mut(..verb.len()) {
        Some(room) => {
            room.copy_from_slice(verb);
            room.make_ascii_lowercase();
            &*room
        }
        None => verb,
    };
    match verb {
        b"get" | b"gets" if !is_http(line) => get(args, verb == b"gets"),
        b"set" => set(line, args),
        _ => other(verb, line, args),
    }
}

fn is_http(line: &[u8]) -> bool {
    Tokens::new(line, 0).last().unwrap_or_default().starts_with(b"HTTP/")
}

fn simple(command: Command<'_>, noreply: bool) -> Request<'_> {
    Request::Simple { command, noreply }
}

fn refused<'a>(words: Words) -> Request<'a> {
    simple(Command::Refused(words), false)
}

fn refuse<'a>(why: &str) -> Request<'a> {
    refused(client_error(why))
}

/// The queue's name, if it is one; a sentence, if it is none.
fn name(word: &[u8]) -> Result<&[u8], String> {
    check_name(word).map(|()| word).map_err(|e| e.to_string())
}

fn get<'a>(args: Tokens<'a>, cas: bool) -> Request<'a> {
    let words: Vec<&[u8]> = args.take(NAMES_MAX + 1).collect();
    let read = match words.as_slice() {
        [] => return refused(Cow::Borrowed(reply::BAD_FORMAT)),
        [one] if one.contains(&b'/') => options(one, cas).map(Request::Get),
        all if all.len() > NAMES_MAX => {
            Err(format!("a get takes from {NAMES_MAX} queues at most: ask several times"))
        }
        all if all.iter().any(|word| word.contains(&b'/')) => {
            Err("options are for a get of one queue: ask for each by itself".into())
        }
        all => match all.iter().find_map(|word| name(word).err()) {
            Some(why) => Err(why),
            None => Ok(Request::Take(Take { queues: words, cas })),
        },
    };
    read.unwrap_or_else(|why| refuse(&why))
}

/// A number in an option, within its limits.
fn within(what: &str, text: &[u8], least: u32, most: u32) -> Result<u32, String> {
    let found = number::digits(text).and_then(|found| u32::try_from(found).ok());
    found
        .filter(|found| (least..=most).contains(found))
        .ok_or_else(|| format!("{what} is {least} to {most}, not {}", quoted(text)))
}

/// The part before an option's `=`, and the part behind it if there is one.
fn split(option: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'=', option) {
        Some(at) => (&option[..at], Some(&option[at + 1..])),
        None => (option, None),
    }
}

fn options(key: &[u8], cas: bool) -> Result<Get<'_>, String> {
    let mut parts = key.split(|byte| *byte == b'/');
    let queue = name(parts.next().unwrap_or_default())?;
    let mut get = Get { queue, shown: queue, cas, ..Get::default() };
    for option in parts {
        match split(option) {
            (b"t", Some(value)) => get.wait = within("t (milliseconds)", value, 0, u32::MAX)?,
            (b"open", None) => get.open = 1,
            (b"open", Some(value)) => get.open = within("open", value, 1, OPEN_MAX)?,
            (b"close", None) => get.close = true,
            (b"abort", None) => get.abort = true,
            (b"peek", None) => get.peek = true,
            (b"echo", None) => get.shown = key,
            (b"lease", Some(value)) => {
                get.lease = Some(within("lease (seconds)", value, 1, LEASE_MAX)?);
            }
            (b"delay", Some(value)) => {
                get.delay = Some(within("delay (seconds)", value, 0, DELAY_MAX)?);
            }
            // A slash too many.
            (b"", None) => {}
            _ => {
                return Err(format!(
                    "{} is no option of get: they are t=<ms>, open, open=<most>, lease=<s>, close, abort, delay=<s>, \
                     peek, echo",
                    quoted(option)
                ));
            }
        }
    }
    let alone = u8::from(get.peek) + u8::from(get.abort) + u8::from(get.open > 0 || get.close);
    if alone > 1 {
        return Err("peek, abort, and close or open, are three ways of a get: take one".into());
    }
    if get.lease.is_some() && get.open == 0 {
        return Err("lease=<s> goes with open".into());
    }
    if get.delay.is_some() && !get.abort {
        return Err("delay=<s> goes with abort".into());
    }
    Ok(get)
}

fn set<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let (Some(key), Some(flags), Some(exptime), Some(len)) =
        (args.next(), args.next(), args.next(), args.next())
    else {
        return refused(Cow::Borrowed(reply::BAD_FORMAT));
    };
    // Without a length nobody knows where the next command begins: the data is taken for commands.
    let Some(len) = number::data_len(len) else {
        return refused(Cow::Borrowed(reply::BAD_FORMAT));
    };
    let noreply = args.next().is_some() && ends_in_noreply(line);
    let read = match (number::wrapping_u32(flags), number::wrapping_i32(exptime)) {
        (Some(flags), Some(exptime)) => message(key).map(|(queue, delay, id)| {
            let expiry = Expiry::from_exptime(exptime.into());
            Request::Set(Set { queue, flags, expiry, delay, id, len, noreply })
        }),
        _ => Err("bad command line format".into()),
    };
    read.unwrap_or_else(|why| {
        let words = if noreply { Cow::Borrowed(&b""[..]) } else { client_error(&why) };
        Request::Skip { bytes: len + 2, words }
    })
}

/// The queue and the options of a set.
fn message(key: &[u8]) -> Result<(&[u8], u32, &[u8]), String> {
    let mut parts = key.split(|byte| *byte == b'/');
    let queue = name(parts.next().unwrap_or_default())?;
    let (mut delay, mut id) = (0, &b""[..]);
    for option in parts {
        match split(option) {
            (b"delay", Some(value)) => delay = within("delay (seconds)", value, 0, DELAY_MAX)?,
            (b"id", Some(value)) => id = value,
            (b"", None) => {}
            _ => {
                return Err(format!(
                    "{} is no option of set: they are delay=<s>, id=<text>",
                    quoted(option)
                ));
            }
        }
    }
    Ok((queue, delay, id))
}

/// Everything but get and set.
fn other<'a>(verb: &[u8], line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let noreply = ends_in_noreply(line);
    let report = |what| simple(Command::Report(what), false);
    match verb {
        b"delete" => named(args.next(), noreply, Command::Delete),
        b"flush" => named(args.next(), noreply, Command::Flush),
        b"flush_all" => match args.next() {
            None | Some(b"noreply" | b"0") => simple(Command::FlushAll, noreply),
            Some(_) => refuse("flush_all empties the queues at once: it takes no delay"),
        },
        b"touch" => touch(args, noreply),
        b"queue" => admin(line, args, noreply),
        b"stats" => match args.next() {
            None => report(Report::Stats),
            Some(b"queue") => report(Report::Queues),
            Some(word) => refuse(&format!(
                "there are no stats {}: there are stats, and stats queue",
                quoted(word)
            )),
        },
        b"dump_stats" => report(Report::DumpStats),
        b"dump_config" => report(Report::DumpConfig),
        b"version" => simple(Command::Version, false),
        b"mn" => simple(Command::Noop, false),
        b"quit" => Request::Quit,
        b"status" => match args.next() {
            None => simple(Command::Status, false),
            Some(_) => {
                refuse("the status is not set from here: pause a queue with \"queue <name> pause\"")
            }
        },
        b"verbosity" => match args.next().and_then(number::strict_u32) {
            Some(level) => simple(Command::Verbosity(level), noreply),
            None => refused(Cow::Borrowed(reply::BAD_FORMAT)),
        },
        b"shutdown" => match args.next() {
            None => simple(Command::Shutdown(false), false),
            Some(b"graceful") => simple(Command::Shutdown(true), false),
            Some(_) => refused(Cow::Borrowed(reply::BAD_SHUTDOWN)),
        },
        b"debugtime" => match args.next().and_then(number::strict_u32) {
            Some(seconds) => simple(Command::DebugTime(seconds), false),
            None => refused(Cow::Borrowed(reply::ERROR)),
        },
        b"reload" => refuse(
            "there is no file to reload: settings are changed with \"queue <name> <setting>=<value>\"",
        ),
        b"monitor" | b"confirm" => {
            refuse("not served: open several messages with open=<most>, and close each")
        }
        b"add" | b"replace" | b"append" | b"prepend" | b"cas" | b"ms" => {
            let len = args.nth(if verb == b"ms" { 1 } else { 3 });
            senseless(verb, len.and_then(number::data_len), noreply && verb != b"ms")
        }
        b"incr" | b"decr" | b"gat" | b"gats" | b"mg" | b"md" | b"ma" | b"me" => {
            senseless(verb, None, noreply && !verb.starts_with(b"m"))
        }
        _ if is_http(line) => Request::Http,
        _ => refused(Cow::Borrowed(reply::ERROR)),
    }
}

/// A verb that a queue cannot have, with the length of its data if there are any.
fn senseless<'a>(verb: &[u8], len: Option<usize>, noreply: bool) -> Request<'a> {
    let why = format!(
        "{} makes no sense for a queue: put messages in with set, take them with get",
        verb.escape_ascii()
    );
    match (len, noreply) {
        (Some(len), true) => Request::Skip { bytes: len + 2, words: Cow::Borrowed(b"") },
        (Some(len), false) => Request::Skip { bytes: len + 2, words: client_error(&why) },
        (None, noreply) => simple(Command::Refused(client_error(&why)), noreply),
    }
}

fn named<'a>(
    word: Option<&'a [u8]>,
    noreply: bool,
    make: fn(&'a [u8]) -> Command<'a>,
) -> Request<'a> {
    match word.map(name) {
        None => refused(Cow::Borrowed(reply::BAD_FORMAT)),
        Some(Ok(queue)) => simple(make(queue), noreply),
        Some(Err(why)) => simple(Command::Refused(client_error(&why)), noreply),
    }
}

fn touch<'a>(mut args: Tokens<'a>, noreply: bool) -> Request<'a> {
    let (Some(queue), Some(seconds)) = (args.next(), args.next()) else {
        return refused(Cow::Borrowed(reply::BAD_FORMAT));
    };
    let read = name(queue).and_then(|queue| {
        Ok(Command::Touch(queue, within("a lease (seconds)", seconds, 1, LEASE_MAX)?))
    });
    simple(read.unwrap_or_else(|why| Command::Refused(client_error(&why))), noreply)
}

/// `queue name` and what is behind it.
fn admin<'a>(line: &'a [u8], mut args: Tokens<'a>, noreply: bool) -> Request<'a> {
    let Some(queue) = args.next() else {
        return refuse(settings::USAGE);
    };
    let rest = &line[args.position()..];
    let mut words = args.filter(|word| *word != b"noreply");
    let read = name(queue).and_then(|queue| match words.next() {
        None => Ok(Command::Show(queue)),
        Some(b"pause") => Ok(Command::Pause(queue, true)),
        Some(b"resume") => Ok(Command::Pause(queue, false)),
        Some(b"requeue") => requeue(queue, words),
        Some(_) => settings::check(rest).map(|()| Command::Adjust(queue, rest)),
    });
    simple(read.unwrap_or_else(|why| Command::Refused(client_error(&why))), noreply)
}

fn requeue<'a>(
    queue: &'a [u8],
    words: impl Iterator<Item = &'a [u8]>,
) -> Result<Command<'a>, String> {
    let (mut to, mut max) = (None, usize::MAX);
    for word in words {
        match split(word) {
            (b"to", Some(other)) => to = Some(name(other)?),
            (b"max", Some(most)) => max = within("max", most, 1, u32::MAX)? as usize,
            _ => return Err(format!("requeue takes to=<queue> and max=<n>, not {}", quoted(word))),
        }
    }
    Ok(Command::Requeue(queue, to, max))
}
