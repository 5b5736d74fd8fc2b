//! The meta commands: from one line to what it asks the core for. All of them share one set of flags, which memcached
//! reads in full before it looks at the command: a flag that means nothing to a command is accepted all the same.

use super::ascii::{Request, Write, refused};
use super::token::Tokens;
use super::{base64, number, reply};
use nearcache::{Expiry, KEY_MAX, MetaArith, MetaDelete, MetaGet, MetaMode, MetaSet};

/// The most words a meta command may have, the command and the key included.
const WORDS_MAX: usize = 20;

/// The longest opaque, its letter included.
const OPAQUE_MAX: usize = 32;

/// A meta command without data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta<'a> {
    /// The key, and how to answer.
    pub head: Head<'a>,
    /// What to do.
    pub verb: Verb,
}

/// What the core is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `mg`.
    Get(MetaGet),
    /// `md`.
    Delete(MetaDelete),
    /// `ma`.
    Arith(MetaArith),
    /// `me`.
    Inspect,
}

/// `ms`, whose data follows the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store<'a> {
    /// The key, and how to answer.
    pub head: Head<'a>,
    /// How to store.
    pub ask: MetaSet,
    /// The value's length, without `\r\n`.
    pub len: usize,
}

/// What all meta commands have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The key as sent.
    pub sent: &'a [u8],
    /// Is the key base64 of the true one?
    pub base64: bool,
    /// Send the value?
    pub value: bool,
    /// Keep silent about what was to be expected?
    pub quiet: bool,
    /// The flags as sent; the answer repeats some in this order.
    pub flags: &'a [u8],
}

impl<'a> Head<'a> {
    /// The true key. `None` if it was to be base64 and is not.
    pub fn key<'k>(&self, room: &'k mut [u8; KEY_MAX]) -> Option<&'k [u8]>
    where
        'a: 'k,
    {
        if self.base64 { base64::decode(self.sent, room) } else { Some(self.sent) }
    }
}

/// What the flags say, whatever the command.
#[derive(Debug, Default)]
struct Flags {
    /// T.
    touch: Option<Expiry>,
    /// N.
    vivify: Option<Expiry>,
    /// Did T come behind N?
    touch_is_last: bool,
    /// R.
    recache: Option<u32>,
    /// Did R come behind T?
    recache_after_touch: bool,
    /// C.
    compare: Option<u64>,
    /// E.
    unique: Option<u64>,
    /// F.
    client: u32,
    /// M.
    mode: Option<u8>,
    /// D.
    delta: Option<u64>,
    /// J.
    initial: u64,
    /// I.
    stale: bool,
    /// x.
    drop_value: bool,
    /// u.
    no_bump: bool,
}

impl Flags {
    /// The lifetime of an item that `mg` or `ma` makes: they obey N and T in the order in which they come.
    fn lifetime_made(&self) -> Option<Expiry> {
        if self.touch_is_last { self.touch } else { self.vivify }
    }
}

/// Why a line is not understood, in memcached's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The line as a whole.
    Line(&'static [u8]),
    /// A flag.
    Flag(&'static [u8]),
}

impl Fault {
    fn words(self) -> &'static [u8] {
        match self {
            Fault::Line(words) | Fault::Flag(words) => words,
        }
    }
}

/// Reads the words behind `mg`.
pub fn get<'a>(line: &'a [u8], args: Tokens<'a>) -> Request<'a> {
    command(line, args, |head, flags| {
        Ok(Verb::Get(MetaGet {
            vivify: flags.lifetime_made(),
            recache: flags.recache,
            recache_after_touch: flags.recache_after_touch,
            touch: flags.touch,
            compare: flags.compare,
            unique: flags.unique,
            no_bump: flags.no_bump,
            binary: head.base64,
        }))
    })
}

/// Reads the words behind `md`.
pub fn delete<'a>(line: &'a [u8], args: Tokens<'a>) -> Request<'a> {
    command(line, args, |_, flags| {
        Ok(Verb::Delete(MetaDelete {
            compare: flags.compare,
            unique: flags.unique,
            invalidate: flags.stale,
            expiry: flags.touch,
            drop_value: flags.drop_value,
        }))
    })
}

/// Reads the words behind `ma`.
pub fn arith<'a>(line: &'a [u8], args: Tokens<'a>) -> Request<'a> {
    let request = |head: &Head<'a>, flags: &Flags| {
        let down = match flags.mode {
            None | Some(b'I' | b'+') => false,
            Some(b'D' | b'-') => true,
            Some(_) => return Err(Fault::Line(reply::BAD_ARITH_MODE)),
        };
        Ok(Verb::Arith(MetaArith {
            down,
            delta: flags.delta.unwrap_or(1),
            compare: flags.compare,
            unique: flags.unique,
            vivify: flags.lifetime_made(),
            initial: flags.initial,
            touch: flags.touch,
            binary: head.base64,
        }))
    };
    match read_command(line, args, request) {
        Ok(meta) => Request::Meta(meta),
        // memcached does not say here which flag is wrong, or how.
        Err(Fault::Flag(_)) => refused(reply::BAD_FLAGS, false),
        Err(Fault::Line(words)) => refused(words, false),
    }
}

/// Reads the words behind `me`: the only flag is `b`, anything else goes by.
pub fn inspect<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let Some(sent) = args.next().filter(|key| key.len() <= KEY_MAX) else {
        return refused(reply::BAD_FORMAT, false);
    };
    let flags = &line[args.position()..];
    let base64 = args.any(|word| word == b"b");
    if base64 && base64::decode(sent, &mut [0; KEY_MAX]).is_none() {
        return refused(reply::BAD_FORMAT, false);
    }
    let head = Head { sent, base64, value: false, quiet: false, flags };
    Request::Meta(Meta { head, verb: Verb::Inspect })
}

/// Reads the words behind `ms`.
pub fn set<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    // Without a length nobody knows where the next command begins: the data is taken for commands.
    let (Some(key), Some(len)) = (args.next(), args.next().and_then(number::data_len)) else {
        return refused(reply::BAD_FORMAT, false);
    };
    match read_set(line, key, len, args) {
        Ok(store) => Request::Store(Write::Meta(store)),
        Err(fault) => Request::Skip { bytes: len + 2, words: fault.words() },
    }
}

fn read_set<'a>(
    line: &'a [u8],
    key: &'a [u8],
    len: usize,
    args: Tokens<'a>,
) -> Result<Store<'a>, Fault> {
    let (head, flags) = read(key, line, args, 3)?;
    let mode = match flags.mode {
        None | Some(b'S') => MetaMode::Set,
        Some(b'E') => MetaMode::Add,
        Some(b'A') => MetaMode::Append,
        Some(b'P') => MetaMode::Prepend,
        Some(b'R') => MetaMode::Replace,
        Some(_) => return Err(Fault::Line(reply::BAD_SET_MODE)),
    };
    let ask = MetaSet {
        mode,
        flags: flags.client,
        expiry: flags.touch.unwrap_or_default(),
        compare: flags.compare,
        unique: flags.unique,
        stale: flags.stale,
        vivify: flags.vivify,
        binary: head.base64,
    };
    Ok(Store { head, ask, len })
}

/// A command of a key and flags.
fn command<'a>(
    line: &'a [u8],
    args: Tokens<'a>,
    verb: impl FnOnce(&Head<'a>, &Flags) -> Result<Verb, Fault>,
) -> Request<'a> {
    match read_command(line, args, verb) {
        Ok(meta) => Request::Meta(meta),
        Err(fault) => refused(fault.words(), false),
    }
}

fn read_command<'a>(
    line: &'a [u8],
    mut args: Tokens<'a>,
    verb: impl FnOnce(&Head<'a>, &Flags) -> Result<Verb, Fault>,
) -> Result<Meta<'a>, Fault> {
    let key = args.next().ok_or(Fault::Line(reply::BAD_FORMAT))?;
    let (head, flags) = read(key, line, args, 2)?;
    Ok(Meta { head, verb: verb(&head, &flags)? })
}

/// Reads the flags that are left in `args`, behind `before` other words.
fn read<'a>(
    key: &'a [u8],
    line: &'a [u8],
    args: Tokens<'a>,
    before: usize,
) -> Result<(Head<'a>, Flags), Fault> {
    let mut words = args;
    if key.len() > KEY_MAX || !words.all(|word| word[0].is_ascii_alphabetic()) {
        return Err(Fault::Line(reply::BAD_FORMAT));
    }
    if args.count() + before > WORDS_MAX {
        return Err(Fault::Line(reply::TOO_MANY_FLAGS));
    }
    let sent = &line[args.position()..];
    let mut head = Head { sent: key, base64: false, value: false, quiet: false, flags: sent };
    let mut flags = Flags::default();
    let mut seen: u128 = 0;
    // The last flag with a wrong word is the one that memcached tells of, unless one is unknown or twice there.
    let (mut wrong, mut opaque) = (None, 0);
    for word in args {
        let letter = word[0];
        if seen & (1 << letter) != 0 {
            return Err(Fault::Flag(reply::DUPLICATE_FLAG));
        }
        seen |= 1 << letter;
        match letter {
            b'O' => opaque = word.len(),
            b'F' => match number::digits(&word[1..]).map(u32::try_from) {
                Some(Ok(client)) => flags.client = client,
                _ => wrong = wrong.or(Some(reply::BAD_FORMAT)),
            },
            _ => wrong = read_flag(letter, &word[1..], &mut head, &mut flags)?.or(wrong),
        }
    }
    match wrong {
        Some(words) => Err(Fault::Flag(words)),
        None if opaque > OPAQUE_MAX => Err(Fault::Line(reply::OPAQUE_TOO_LONG)),
        None => Ok((head, flags)),
    }
}

/// Reads one flag. `Ok(Some(words))`: its word is wrong; an error: there is no such flag.
fn read_flag(
    letter: u8,
    word: &[u8],
    head: &mut Head<'_>,
    flags: &mut Flags,
) -> Result<Option<&'static [u8]>, Fault> {
    let expiry =
        || number::strict_i32(word).map(|exptime| Expiry::from_exptime(i64::from(exptime)));
    let read = |is_read: bool, words| if is_read { None } else { Some(words) };
    Ok(match letter {
        b'c' | b'f' | b'h' | b'k' | b'l' | b's' | b't' | b'P' | b'L' => None,
        b'b' => {
            head.base64 = true;
            read(base64::decode(head.sent, &mut [0; KEY_MAX]).is_some(), reply::BAD_BASE64)
        }
        b'v' => {
            head.value = true;
            None
        }
        b'q' => {
            head.quiet = true;
            None
        }
        b'u' => {
            flags.no_bump = true;
            None
        }
        b'x' => {
            flags.drop_value = true;
            None
        }
        b'I' => {
            flags.stale = true;
            None
        }
        b'M' => {
            flags.mode = Some(word.first().copied().unwrap_or(b' '));
            None
        }
        b'N' => {
            flags.vivify = expiry();
            read(flags.vivify.is_some(), reply::BAD_TOKEN)
        }
        b'T' => {
            flags.touch = expiry();
            flags.touch_is_last = flags.vivify.is_some();
            read(flags.touch.is_some(), reply::BAD_TOKEN)
        }
        b'R' => {
            flags.recache_after_touch = flags.touch.is_some();
            flags.recache = number::strict_i32(word).map(|seconds| seconds.max(0) as u32);
            read(flags.recache.is_some(), reply::BAD_TOKEN)
        }
        b'C' => {
            flags.compare = number::digits(word);
            read(flags.compare.is_some(), reply::BAD_TOKEN)
        }
        b'E' => {
            flags.unique = number::digits(word);
            read(flags.unique.is_some(), reply::BAD_TOKEN)
        }
        b'D' => {
            flags.delta = number::digits(word);
            read(flags.delta.is_some(), reply::BAD_META_DELTA)
        }
        b'J' => {
            let initial = number::digits(word);
            flags.initial = initial.unwrap_or(0);
            read(initial.is_some(), reply::BAD_INITIAL)
        }
        _ => return Err(Fault::Flag(reply::INVALID_FLAG)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ascii::parse;
    use super::*;

    fn parsed(line: &str) -> Request<'_> {
        parse(line.as_bytes(), line.len() + 2)
    }

    #[test]
    fn flags_are_read_once_each() {
        assert!(
            matches!(parsed("mg a v t O1 q"), Request::Meta(m) if m.head.value && m.head.quiet)
        );
        for (line, words) in [
            ("mg a v v", reply::DUPLICATE_FLAG),
            ("mg a y", reply::INVALID_FLAG),
            ("mg a T2147483648", reply::BAD_TOKEN),
            ("mg a !", reply::BAD_FORMAT),
            ("mg a Tx y", reply::INVALID_FLAG),
            ("mg a Tx Dx", reply::BAD_META_DELTA),
            ("mg a Tx Fx", reply::BAD_TOKEN),
            ("md a Jx", reply::BAD_INITIAL),
            ("md !!! b", reply::BAD_BASE64),
            ("md", reply::BAD_FORMAT),
            ("ma a Jx", reply::BAD_FLAGS),
            ("ma a v v", reply::BAD_FLAGS),
            ("ma a Mi", reply::BAD_ARITH_MODE),
            ("ma a !", reply::BAD_FORMAT),
            ("me", reply::BAD_FORMAT),
            ("me !!! b", reply::BAD_FORMAT),
        ] {
            assert_eq!(parsed(line), refused(words, false), "{line}");
        }
        let made = |line| match parsed(line) {
            Request::Meta(Meta { verb: Verb::Get(ask), .. }) => ask.vivify,
            other => panic!("{other:?}"),
        };
        assert_eq!(made("mg a N5 T9"), Some(Expiry::After(9)));
        assert_eq!(made("mg a T9 N5"), Some(Expiry::After(5)));
        assert_eq!(made("mg a T9"), None);
        // What means nothing to a command is no error in it.
        for line in ["mg a I x M J5 D1 F3", "md a R5 N0 v Mz", "ma a x I R3", "me a x !"] {
            assert!(matches!(parsed(line), Request::Meta(_)), "{line}");
        }
    }

    #[test]
    fn a_set_that_is_wrong_behind_its_length_is_skipped() {
        for (line, words) in [
            ("ms a 5 y", reply::INVALID_FLAG),
            ("ms a 5 !", reply::BAD_FORMAT),
            ("ms a 5 F4294967296", reply::BAD_FORMAT),
            ("ms a 5 Ms", reply::BAD_SET_MODE),
            ("ms a 5 M", reply::BAD_SET_MODE),
            ("ms !!! 5 b", reply::BAD_BASE64),
            ("ms a 5 b c f h k l s t u v q x P L I M S N T", reply::TOO_MANY_FLAGS),
        ] {
            assert_eq!(parsed(line), Request::Skip { bytes: 7, words }, "{line}");
        }
        for line in ["ms", "ms a", "ms a b", "ms a -1", "ms a +1", "ms a 2147483646"] {
            assert_eq!(parsed(line), refused(reply::BAD_FORMAT, false), "{line}");
        }
        let Request::Store(Write::Meta(store)) = parsed("ms  Zm9v 3  b T5 F7 MP q C9 E10 I") else {
            panic!("not a store");
        };
        let ask = store.ask;
        assert_eq!((store.head.key(&mut [0; KEY_MAX]), store.len), (Some(&b"foo"[..]), 3));
        assert_eq!((ask.mode, ask.flags, ask.expiry), (MetaMode::Prepend, 7, Expiry::After(5)));
        assert_eq!((ask.compare, ask.unique), (Some(9), Some(10)));
        assert!(ask.stale && ask.binary && store.head.quiet);
    }
}
