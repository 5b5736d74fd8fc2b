//! The words of the meta commands' answers. An answer is a code of two letters and the flags that were asked for, in the
//! order in which they were sent.

use super::meta::Head;
use super::{base64, token::Tokens};
use nearcache::{Deletion, MetaSum, Outcome};

/// What is told of an item.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The value's length.
    pub len: usize,
    /// The client's flags.
    pub flags: u32,
    /// The unique as the client is to see it.
    pub cas: u64,
    /// Seconds that were left to live before a touch; `None` is for ever.
    pub ttl_before: Option<u32>,
    /// Seconds left to live.
    pub ttl: Option<u32>,
    /// Had it been read before?
    pub hit_before: bool,
    /// Seconds since it was last asked for.
    pub last_access: u32,
    /// W: this caller has won the right to recache.
    pub won: bool,
    /// X: it is stale.
    pub stale: bool,
    /// Z: the right to recache was given to another before.
    pub sent: bool,
    /// b: the key is binary.
    pub binary: bool,
    /// The whole item's size.
    pub size: usize,
}

/// A head that outlives the line it came in.
#[derive(Clone, Debug)]
pub struct Kept {
    sent: Vec<u8>,
    flags: Vec<u8>,
    base64: bool,
    value: bool,
    quiet: bool,
}

impl Kept {
    /// Keeps it.
    pub fn new(head: &Head<'_>) -> Kept {
        let &Head { sent, base64, value, quiet, flags } = head;
        Kept { sent: sent.to_vec(), flags: flags.to_vec(), base64, value, quiet }
    }

    /// The head again.
    pub fn head(&self) -> Head<'_> {
        let &Kept { ref sent, ref flags, base64, value, quiet } = self;
        Head { sent, base64, value, quiet, flags }
    }
}

/// The line of an answer.
struct Line(Vec<u8>);

impl Line {
    fn new(code: &[u8]) -> Line {
        let mut line = Vec::with_capacity(64);
        line.extend_from_slice(code);
        Line(line)
    }

    fn number(&mut self, letter: u8, number: u64) {
        self.0.extend([b' ', letter]);
        self.0.extend(itoa::Buffer::new().format(number).bytes());
    }

    /// t: -1 is for ever.
    fn ttl(&mut self, ttl: Option<u32>) {
        match ttl {
            Some(seconds) => self.number(b't', u64::from(seconds)),
            None => self.0.extend(b" t-1"),
        }
    }

    /// O and k are repeated whatever the answer is.
    fn repeat(&mut self, word: &[u8], head: &Head<'_>) {
        match word[0] {
            b'O' => {
                self.0.push(b' ');
                self.0.extend(word);
            }
            b'k' => {
                self.0.extend(b" k");
                self.0.extend(head.sent);
                if head.base64 {
                    self.0.extend(b" b");
                }
            }
            _ => {}
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend(b"\r\n");
        self.0
    }
}

impl<'a> Head<'a> {
    fn words(&self) -> Tokens<'a> {
        Tokens::new(self.flags, 0)
    }
}

/// An answer that tells of no item.
pub fn bare(code: &[u8], head: &Head<'_>) -> Vec<u8> {
    let mut line = Line::new(code);
    for word in head.words() {
        line.repeat(word, head);
    }
    line.end()
}

/// The line of a hit.
pub fn hit(head: &Head<'_>, key: &[u8], told: &Told, with_value: bool) -> Vec<u8> {
    let mut line = Line::new(if with_value { b"VA " } else { b"HD" });
    if with_value {
        line.0.extend(itoa::Buffer::new().format(told.len).bytes());
    }
    let mut ttl = told.ttl_before;
    for word in head.words() {
        match word[0] {
            b'c' => line.number(b'c', told.cas),
            // What is shown is what was there when its flag came.
            b'T' => ttl = told.ttl,
            b'f' => line.number(b'f', u64::from(told.flags)),
            b'h' => line.number(b'h', u64::from(told.hit_before)),
            b'l' => line.number(b'l', u64::from(told.last_access)),
            b's' => line.number(b's', told.len as u64),
            b't' => line.ttl(ttl),
            // The key as the item has it, so that a binary one is never sent as it is.
            b'k' => {
                line.0.extend(b" k");
                shown_key(key, told.binary, &mut line.0);
                if told.binary {
                    line.0.extend(b" b");
                }
            }
            _ => line.repeat(word, head),
        }
    }
    for (is_so, letter) in [(told.sent, b'Z'), (told.stale, b'X'), (told.won, b'W')] {
        if is_so {
            line.0.extend([b' ', letter]);
        }
    }
    line.end()
}

/// The answer of `ms`; nothing, if it is quiet and has stored.
pub fn stored(head: &Head<'_>, outcome: Outcome, len: usize, shows_unique: bool) -> Vec<u8> {
    let (code, unique) = match outcome {
        Outcome::Stored(_) if head.quiet => return Vec::new(),
        Outcome::Stored(unique) => (b"HD", unique),
        Outcome::NotStored => (b"NS", 0),
        Outcome::Exists => (b"EX", 0),
        Outcome::Missing => (b"NF", 0),
    };
    let mut line = Line::new(code);
    for word in head.words() {
        match word[0] {
            b'c' => line.number(b'c', if shows_unique { unique } else { 0 }),
            b's' => line.number(b's', len as u64),
            _ => line.repeat(word, head),
        }
    }
    line.end()
}

/// The answer of `md`; nothing, if it is quiet and has deleted.
pub fn deleted(head: &Head<'_>, deletion: Deletion) -> Vec<u8> {
    match deletion {
        Deletion::Deleted if head.quiet => Vec::new(),
        Deletion::Deleted => bare(b"HD", head),
        Deletion::Missing => bare(b"NF", head),
        Deletion::Exists => bare(b"EX", head),
    }
}

/// The answer of `ma`; nothing, if it is quiet and has counted.
pub fn sum(head: &Head<'_>, sum: MetaSum, shows_unique: bool) -> Vec<u8> {
    let (number, cas, ttl) = match sum {
        MetaSum::Number { .. } if head.quiet => return Vec::new(),
        MetaSum::Number { number, cas, ttl } => (number, cas, ttl),
        MetaSum::Missing => return bare(b"NF", head),
        MetaSum::Exists => return bare(b"EX", head),
    };
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    let mut line = Line::new(if head.value { b"VA " } else { b"HD" });
    if head.value {
        line.0.extend(itoa::Buffer::new().format(digits.len()).bytes());
    }
    for word in head.words() {
        match word[0] {
            b'c' => line.number(b'c', if shows_unique { cas } else { 0 }),
            b't' => line.ttl(ttl),
            _ => line.repeat(word, head),
        }
    }
    let mut answer = line.end();
    if head.value {
        answer.extend(digits.bytes());
        answer.extend(b"\r\n");
    }
    answer
}

/// The answer of `me`.
pub fn inspected(key: &[u8], told: &Told, class: usize) -> Vec<u8> {
    let mut line = b"ME ".to_vec();
    shown_key(key, told.binary, &mut line);
    let ttl = told.ttl.map_or(-1, i64::from);
    let fetched = if told.hit_before { "yes" } else { "no" };
    let (access, unique, size) = (told.last_access, told.cas, told.size);
    line.extend(
        format!(" exp={ttl} la={access} cas={unique} fetch={fetched} cls={class} size={size}\r\n")
            .bytes(),
    );
    line
}

/// A key as the meta commands show it: a binary one as base64.
fn shown_key(key: &[u8], binary: bool, into: &mut Vec<u8>) {
    match binary {
        true => base64::encode(key, into),
        false => into.extend(key),
    }
}
