//! The classic text commands: from one line (without its end) to what it asks for. Nothing is copied; every
//! slice points into the connection's read buffer.

use super::meta::{self, Meta};
use super::token::{Tokens, ends_in_noreply};
use super::{number, reply};
use nearcache::{Expiry, KEY_MAX, Verb};

/// The shortest line, its end included, that can be a command.
const LINE_MIN: usize = 4;

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// `get`, `gets`, `gat`, `gats`.
    Get(Get),
    /// A command whose data follows the line.
    Store(Write<'a>),
    /// A storing line that is wrong, but whose data can be skipped.
    Skip {
        /// How many bytes to skip, the final `\r\n` included.
        bytes: usize,
        /// The answer; nothing with `noreply`.
        words: &'static [u8],
    },
    /// `mg`, `md`, `ma`, `me`.
    Meta(Meta<'a>),
    /// `mn`: answer, and send everything answered so far.
    MetaNoop,
    /// Everything that is one line and one answer.
    Simple {
        /// What to do.
        command: Command<'a>,
        /// Keep silent?
        noreply: bool,
    },
    /// `quit`.
    Quit,
    /// A browser talking to us (or a page making it talk to us): close without a word.
    Http,
}

/// The keys of a `get` are read from the line one after the other, beginning at `keys`: there is no limit to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Get {
    /// Where in the line the first key is to be looked for.
    pub keys: usize,
    /// `gets`, `gats`: show the unique.
    pub cas: bool,
    /// `gat`, `gats`: the new expiry.
    pub touch: Option<Expiry>,
}

/// A command with data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write<'a> {
    /// A classic storing verb.
    Classic(Store<'a>),
    /// `ms`.
    Meta(meta::Store<'a>),
}

impl Write<'_> {
    /// The value's length, without `\r\n`.
    pub fn data_len(&self) -> usize {
        match self {
            Write::Classic(store) => store.len,
            Write::Meta(store) => store.len,
        }
    }
}

/// A storing verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store<'a> {
    /// Which.
    pub verb: Verb,
    /// The key, 1 to 250 bytes.
    pub key: &'a [u8],
    /// The client's flags.
    pub flags: u32,
    /// When it dies.
    pub expiry: Expiry,
    /// The value's length, without `\r\n`.
    pub len: usize,
    /// Keep silent?
    pub noreply: bool,
}

/// A command of one line and one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `incr`.
    Incr(&'a [u8], u64),
    /// `decr`.
    Decr(&'a [u8], u64),
    /// `touch`.
    Touch(&'a [u8], Expiry),
    /// `delete`.
    Delete(&'a [u8]),
    /// `flush_all`: the delay as sent (an absolute time if over 30 days).
    FlushAll(i32),
    /// `version`.
    Version,
    /// `verbosity`.
    Verbosity(u32),
    /// `cache_memlimit`, in megabytes.
    MemoryLimit(u32),
    /// `shutdown`.
    Shutdown(Shutdown),
    /// `stats` and the words behind it.
    Stats(&'a [u8]),
    /// A command with words of its own, which are behind it.
    Admin(Admin, &'a [u8]),
    /// `debugtime`, in seconds; only under the manual clock.
    DebugTime(u32),
    /// Not understood: the answer is this line.
    Refused(&'static [u8]),
}

/// The commands of an operator that have a grammar each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// `slabs`.
    Slabs,
    /// `lru`.
    Lru,
    /// `lru_crawler`.
    LruCrawler,
    /// `watch`.
    Watch,
    /// `extstore`.
    Extstore,
    /// `refresh_certs`.
    RefreshCerts,
}

/// The modes of `shutdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// At once.
    Now,
    /// `graceful`.
    Graceful,
    /// Another word.
    Unknown,
}

/// Reads one line. `next` is its length with its end (memcached's shortest-line rule counts it).
pub fn parse(line: &[u8], next: usize) -> Request<'_> {
    if next < LINE_MIN {
        return refused(reply::BAD_FORMAT, false);
    }
    let name_len = memchr::memchr(b' ', line).unwrap_or(line.len());
    let (name, args) = (&line[..name_len], Tokens::new(line, name_len));
    match name {
        b"get" => get(args, false),
        b"gets" => get(args, true),
        b"set" => store(Verb::Set, line, args),
        b"gat" => gat(args, false),
        b"gats" => gat(args, true),
        b"mg" => meta::get(line, args),
        b"ms" => meta::set(line, args),
        b"md" => meta::delete(line, args),
        b"ma" => meta::arith(line, args),
        b"me" => meta::inspect(line, args),
        b"mn" => Request::MetaNoop,
        b"add" => store(Verb::Add, line, args),
        b"cas" => store(Verb::Cas(0), line, args),
        b"append" => store(Verb::Append, line, args),
        b"prepend" => store(Verb::Prepend, line, args),
        b"replace" => store(Verb::Replace, line, args),
        b"incr" => arithmetic(line, args, Command::Incr),
        b"decr" => arithmetic(line, args, Command::Decr),
        b"touch" => touch(line, args),
        b"delete" => delete(line, args),
        b"quit" => Request::Quit,
        _ => administration(name, line, args),
    }
}

/// Is every key from byte `at` of the line on short enough?
pub fn keys_fit(line: &[u8], at: usize) -> bool {
    Tokens::new(line, at).all(|key| key.len() <= KEY_MAX)
}

fn get(mut args: Tokens<'_>, cas: bool) -> Request<'_> {
    let keys = args.position();
    if args.next().is_none() {
        return refused(reply::BAD_FORMAT, false);
    }
    Request::Get(Get { keys, cas, touch: None })
}

fn gat(mut args: Tokens<'_>, cas: bool) -> Request<'_> {
    let exptime = args.next();
    let keys = args.position();
    let (Some(exptime), Some(_)) = (exptime, args.next()) else {
        return refused(reply::BAD_FORMAT, false);
    };
    match number::strict_i32(exptime) {
        Some(exptime) => {
            Request::Get(Get { keys, cas, touch: Some(Expiry::from_exptime(i64::from(exptime))) })
        }
        None => refused(reply::BAD_EXPTIME, false),
    }
}

fn store<'a>(verb: Verb, line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let (Some(key), Some(flags), Some(exptime), Some(len)) =
        (args.next(), args.next(), args.next(), args.next())
    else {
        return refused(reply::BAD_FORMAT, false);
    };
    // Without a length nobody knows where the next command begins: the data is taken for commands.
    let Some(len) = number::data_len(len) else {
        return refused(reply::BAD_FORMAT, false);
    };
    let next = args.next();
    // Only a line with something behind the length can end in noreply.
    let noreply = next.is_some() && ends_in_noreply(line);
    let verb = match verb {
        Verb::Cas(_) => next.and_then(number::digits).map(Verb::Cas),
        verb => Some(verb),
    };
    let flags = number::wrapping_u32(flags);
    let exptime = number::wrapping_i32(exptime);
    match (verb, flags, exptime) {
        (Some(verb), Some(flags), Some(exptime)) if key.len() <= KEY_MAX => {
            let expiry = Expiry::from_exptime(i64::from(exptime));
            Request::Store(Write::Classic(Store { verb, key, flags, expiry, len, noreply }))
        }
        _ => Request::Skip { bytes: len + 2, words: if noreply { b"" } else { reply::BAD_FORMAT } },
    }
}

fn arithmetic<'a>(
    line: &'a [u8],
    mut args: Tokens<'a>,
    make: fn(&'a [u8], u64) -> Command<'a>,
) -> Request<'a> {
    let (Some(key), Some(delta)) = (args.next(), args.next()) else {
        return refused(reply::BAD_FORMAT, false);
    };
    let noreply = ends_in_noreply(line);
    if key.len() > KEY_MAX {
        return refused(reply::BAD_FORMAT, noreply);
    }
    match number::digits(delta) {
        Some(delta) => simple(make(key, delta), noreply),
        None => refused(reply::BAD_DELTA, noreply),
    }
}

fn touch<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let (Some(key), Some(exptime)) = (args.next(), args.next()) else {
        return refused(reply::BAD_FORMAT, false);
    };
    let noreply = ends_in_noreply(line);
    if key.len() > KEY_MAX {
        return refused(reply::BAD_FORMAT, noreply);
    }
    match number::strict_i32(exptime) {
        Some(exptime) => {
            let expiry = Expiry::from_exptime(i64::from(exptime));
            simple(Command::Touch(key, expiry), noreply)
        }
        None => refused(reply::BAD_EXPTIME, noreply),
    }
}

fn delete<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let Some(key) = args.next() else {
        return refused(reply::BAD_FORMAT, false);
    };
    let noreply = ends_in_noreply(line);
    if key.len() > KEY_MAX {
        return refused(reply::BAD_FORMAT, noreply);
    }
    simple(Command::Delete(key), noreply)
}

/// The commands of an operator; rare, so found last.
fn administration<'a>(name: &[u8], line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let rest = &line[args.position()..];
    let noreply = ends_in_noreply(line);
    match name {
        b"flush_all" => {
            let delay = args.next().filter(|&word| word != b"noreply");
            match delay.map_or(Some(0), number::wrapping_i32) {
                Some(delay) => simple(Command::FlushAll(delay), noreply),
                None => refused(reply::BAD_EXPTIME, noreply),
            }
        }
        b"version" => simple(Command::Version, false),
        b"verbosity" => match args.next().map(number::strict_u32) {
            Some(Some(level)) => simple(Command::Verbosity(level), noreply),
            Some(None) => refused(reply::BAD_FORMAT, noreply),
            None => refused(reply::BAD_FORMAT, false),
        },
        b"cache_memlimit" => match args.next().map(number::strict_u32) {
            Some(Some(megabytes)) => simple(Command::MemoryLimit(megabytes), noreply),
            Some(None) => refused(reply::ERROR, noreply),
            None => refused(reply::ERROR, false),
        },
        b"shutdown" => {
            let mode = match (args.next(), args.next()) {
                (None, _) => Shutdown::Now,
                (Some(b"graceful"), None) => Shutdown::Graceful,
                _ => Shutdown::Unknown,
            };
            simple(Command::Shutdown(mode), false)
        }
        b"stats" => simple(Command::Stats(rest), false),
        b"slabs" => simple(Command::Admin(Admin::Slabs, rest), noreply),
        b"lru" => simple(Command::Admin(Admin::Lru, rest), noreply),
        b"lru_crawler" => simple(Command::Admin(Admin::LruCrawler, rest), noreply),
        b"watch" => simple(Command::Admin(Admin::Watch, rest), false),
        b"extstore" => simple(Command::Admin(Admin::Extstore, rest), noreply),
        b"refresh_certs" => simple(Command::Admin(Admin::RefreshCerts, rest), noreply),
        b"debugtime" => match args.next().and_then(number::strict_u32) {
            Some(seconds) => simple(Command::DebugTime(seconds), false),
            None => refused(reply::ERROR, false),
        },
        _ if last_word(line).starts_with(b"HTTP/") => Request::Http,
        _ => refused(reply::ERROR, false),
    }
}

fn last_word(line: &[u8]) -> &[u8] {
    Tokens::new(line, 0).last().unwrap_or_default()
}

fn simple(command: Command<'_>, noreply: bool) -> Request<'_> {
    Request::Simple { command, noreply }
}

/// A line that is answered with these words alone.
pub(super) fn refused<'a>(words: &'static [u8], noreply: bool) -> Request<'a> {
    simple(Command::Refused(words), noreply)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Request<'_> {
        parse(line.as_bytes(), line.len() + 2)
    }

    #[test]
    fn storing_lines() {
        let Request::Store(Write::Classic(store)) = parsed("set   a  7 -1   3  noreply") else {
            panic!("not a store");
        };
        assert_eq!((store.key, store.flags, store.len), (&b"a"[..], 7, 3));
        assert_eq!(store.expiry, Expiry::Past);
        assert!(store.noreply);
        let cas = parsed("cas a 0 0 1 5");
        assert!(matches!(cas, Request::Store(Write::Classic(s)) if s.verb == Verb::Cas(5)));
        // The length is good, something else is not: the data goes by.
        for line in ["set a x 0 1", "set a 0 x 1", "cas a 0 0 1", "cas a 0 0 1 -1"] {
            assert_eq!(
                parsed(line),
                Request::Skip { bytes: 3, words: reply::BAD_FORMAT },
                "{line}"
            );
        }
        // The length is bad: nobody knows where the data ends.
        for line in ["set a 0 0", "set a 0 0 -1", "set a 0 0 +1", "set a 0 0 2147483646"] {
            assert_eq!(parsed(line), refused(reply::BAD_FORMAT, false), "{line}");
        }
    }

    #[test]
    fn noreply_is_the_last_word_even_when_it_is_the_key() {
        let expected = simple(Command::Delete(b"noreply"), true);
        assert_eq!(parsed("delete noreply"), expected);
        assert_eq!(parsed("delete a 10"), simple(Command::Delete(b"a"), false));
    }

    #[test]
    fn browsers_are_not_clients() {
        assert_eq!(parsed("GET / HTTP/1.1"), Request::Http);
        assert_eq!(parsed("GET / HTTP"), refused(reply::ERROR, false));
    }
}
