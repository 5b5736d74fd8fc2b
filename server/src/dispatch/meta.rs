//! The meta commands: one call of the core each, and the words of its answer. An answer is a code of two letters and
//! the flags that were asked for, in the order in which they were sent.

use super::{Came, Deed, Desk, Item, Kind, error_came};
use crate::buffer::Output;
use crate::protocol::meta::{Head, Meta, Store, Verb};
use crate::protocol::{base64, reply, token::Tokens};
use nearcache::{
    Deletion, Error, KEY_MAX, MetaArith, MetaDelete, MetaGet, MetaHit, MetaSet, MetaSum, Outcome,
};

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

    /// An answer that tells of no item.
    fn bare(code: &[u8], head: &Head<'_>) -> Vec<u8> {
        let mut line = Line::new(code);
        for word in head.words() {
            line.repeat(word, head);
        }
        line.end()
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

impl Desk<'_> {
    /// Executes a meta command that has no data.
    pub fn meta(self, meta: &Meta<'_>, out: &mut Output) {
        let (head, mut room) = (&meta.head, [0; KEY_MAX]);
        let Some(key) = head.key(&mut room) else {
            return out.text(reply::BAD_BASE64);
        };
        match meta.verb {
            Verb::Get(ask) => self.meta_get(head, key, ask, out),
            Verb::Delete(ask) => self.meta_delete(head, key, ask, out),
            Verb::Arith(ask) => self.meta_arith(head, key, ask, out),
            Verb::Inspect => self.inspect(key, out),
        }
    }

    fn meta_get(self, head: &Head<'_>, key: &[u8], ask: MetaGet, out: &mut Output) {
        // Without uniques (`-C`) none can be asked for.
        let ask = match self.server.options.cas {
            true => ask,
            false => MetaGet { compare: None, unique: None, ..ask },
        };
        let mark = out.mark();
        let mut data = out.data(head.value);
        let kind = if ask.touch.is_some() { Kind::FetchAndTouch } else { Kind::Fetch };
        let mut deed = Deed { kind, command: "mg", key, came: Came::Missing, item: None };
        let found = match self.server.cache.meta_get(key, ask, &mut data) {
            // There is no memory for an item that it was to make: a miss all the same.
            Err(Error::OutOfMemory) if ask.vivify.is_some() => Ok(None),
            found => found,
        };
        match found {
            Ok(Some(hit)) => {
                deed.item = Some(hit.meta.into());
                // One that was made is a miss.
                let made = ask.vivify.is_some() && hit.won && !hit.stale && !hit.hit_before;
                if !made || hit.meta.len > 0 {
                    deed.came = Came::Done;
                }
                let with_value = head.value && !hit.same;
                match with_value {
                    true => data.hit(),
                    false => data.miss(),
                }
                out.insert(mark, &self.hit_line(head, key, &hit, with_value));
            }
            Ok(None) if head.quiet => {}
            Ok(None) => out.text(&Line::bare(b"EN", head)),
            Err(error) => self.failed(&error, reply::NO_MEMORY, out),
        }
        self.note(deed);
    }

    fn hit_line(self, head: &Head<'_>, key: &[u8], hit: &MetaHit, with_value: bool) -> Vec<u8> {
        let meta = hit.meta;
        let mut line = Line::new(if with_value { b"VA " } else { b"HD" });
        if with_value {
            line.0.extend(itoa::Buffer::new().format(meta.len).bytes());
        }
        let mut ttl = hit.ttl_before;
        for word in head.words() {
            match word[0] {
                b'c' => line.number(b'c', self.shown(meta)),
                // What is shown is what was there when its flag came.
                b'T' => ttl = meta.ttl,
                b'f' => line.number(b'f', u64::from(meta.flags)),
                b'h' => line.number(b'h', u64::from(hit.hit_before)),
                // A region that was made elsewhere need not know it.
                b'l' => line.number(b'l', u64::from(hit.last_access.unwrap_or(0))),
                b's' => line.number(b's', meta.len as u64),
                b't' => line.ttl(ttl),
                // The key as the item has it, so that a binary one is never sent as it is.
                b'k' => {
                    line.0.extend(b" k");
                    shown_key(key, hit.binary, &mut line.0);
                    if hit.binary {
                        line.0.extend(b" b");
                    }
                }
                _ => line.repeat(word, head),
            }
        }
        for (is_so, letter) in [(hit.sent, b'Z'), (hit.stale, b'X'), (hit.won, b'W')] {
            if is_so {
                line.0.extend([b' ', letter]);
            }
        }
        line.end()
    }

    /// Stores what came behind an `ms`.
    pub(super) fn meta_set(self, store: &Store<'_>, value: &[u8], out: &mut Output) {
        let (head, cache, mut room) = (&store.head, &self.server.cache, [0; KEY_MAX]);
        let Some(key) = head.key(&mut room) else {
            return out.text(reply::BAD_BASE64);
        };
        let ask = match self.server.options.cas {
            true => store.ask,
            // Without uniques none can match: no item has the unique 0.
            false => {
                let compare = store.ask.compare.map(|_| 0);
                MetaSet { compare, unique: None, ..store.ask }
            }
        };
        let kind = if ask.compare.is_some() { Kind::Cas } else { Kind::Store };
        let item = Some(Item { len: value.len(), flags: ask.flags, ttl: None });
        let mut deed = Deed { kind, command: "ms", key, came: Came::Done, item };
        let stored = match cache.meta_set(key, value, ask) {
            Ok(stored) => stored,
            Err(error) => {
                deed.came = error_came(&error);
                self.note(deed);
                return self.failed(&error, reply::NO_MEMORY_STORING, out);
            }
        };
        deed.came = match stored.outcome {
            Outcome::Stored(_) => Came::Done,
            Outcome::NotStored => Came::NotStored,
            Outcome::Exists => Came::Exists,
            Outcome::Missing => Came::Missing,
        };
        self.note(deed);
        let (code, unique) = match stored.outcome {
            Outcome::Stored(_) if head.quiet => return,
            Outcome::Stored(unique) => (b"HD", unique),
            Outcome::NotStored => (b"NS", 0),
            Outcome::Exists => (b"EX", 0),
            Outcome::Missing => (b"NF", 0),
        };
        let mut line = Line::new(code);
        for word in head.words() {
            match word[0] {
                b'c' => line.number(b'c', if self.server.options.cas { unique } else { 0 }),
                b's' => line.number(b's', stored.len as u64),
                _ => line.repeat(word, head),
            }
        }
        out.text(&line.end());
    }

    fn meta_delete(self, head: &Head<'_>, key: &[u8], ask: MetaDelete, out: &mut Output) {
        let ask = match self.server.options.cas {
            true => ask,
            // Every item's unique is 0 to the client, and never 0 to the core.
            false => {
                let compare = ask.compare.filter(|&unique| unique != 0).map(|_| 0);
                MetaDelete { compare, unique: None, ..ask }
            }
        };
        let deleted = self.server.cache.meta_delete_seen(key, ask);
        // What is only invalidated is not deleted.
        let met = deleted.as_ref().ok().and_then(|(_, met)| *met).filter(|_| !ask.invalidate);
        let item = met.map(Item::from);
        let deletion = deleted.map(|(deletion, _)| deletion);
        let came = match &deletion {
            Ok(Deletion::Deleted) => Came::Done,
            Ok(Deletion::Missing) => Came::Missing,
            Ok(Deletion::Exists) => Came::Exists,
            Err(error) => error_came(error),
        };
        self.note(Deed { kind: Kind::Delete, command: "md", key, came, item });
        match deletion {
            Ok(Deletion::Deleted) if head.quiet => {}
            Ok(Deletion::Deleted) => out.text(&Line::bare(b"HD", head)),
            Ok(Deletion::Missing) => out.text(&Line::bare(b"NF", head)),
            Ok(Deletion::Exists) => out.text(&Line::bare(b"EX", head)),
            Err(error) => self.failed(&error, reply::NO_MEMORY, out),
        }
    }

    fn meta_arith(self, head: &Head<'_>, key: &[u8], ask: MetaArith, out: &mut Output) {
        let cache = &self.server.cache;
        let sum = match self.server.options.cas {
            true => cache.meta_arith(key, ask),
            false if ask.compare.is_some_and(|unique| unique != 0) => {
                // Without uniques none can match.
                cache.contains(key).map(|found| match found {
                    true => MetaSum::Exists,
                    false => MetaSum::Missing,
                })
            }
            false => cache.meta_arith(key, MetaArith { unique: None, ..ask }),
        };
        let came = match &sum {
            Ok(MetaSum::Number { .. }) => Came::Done,
            Ok(MetaSum::Missing) => Came::Missing,
            Ok(MetaSum::Exists) => Came::Exists,
            Err(error) => error_came(error),
        };
        let kind = if ask.down { Kind::Decr } else { Kind::Incr };
        let item = match sum {
            Ok(MetaSum::Number { number, .. }) => Some(Item::number(number)),
            _ => None,
        };
        self.note(Deed { kind, command: "ma", key, came, item });
        let (number, cas, ttl) = match sum {
            Ok(MetaSum::Number { .. }) if head.quiet => return,
            Ok(MetaSum::Number { number, cas, ttl }) => (number, cas, ttl),
            Ok(MetaSum::Missing) => return out.text(&Line::bare(b"NF", head)),
            Ok(MetaSum::Exists) => return out.text(&Line::bare(b"EX", head)),
            Err(error) => {
                let making = ask.vivify.is_some();
                let words = if making { reply::NO_MEMORY_MAKING } else { reply::NO_MEMORY };
                return self.failed(&error, words, out);
            }
        };
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        let mut line = Line::new(if head.value { b"VA " } else { b"HD" });
        if head.value {
            line.0.extend(itoa::Buffer::new().format(digits.len()).bytes());
        }
        for word in head.words() {
            match word[0] {
                b'c' => line.number(b'c', if self.server.options.cas { cas } else { 0 }),
                b't' => line.ttl(ttl),
                _ => line.repeat(word, head),
            }
        }
        out.text(&line.end());
        if head.value {
            out.text(digits.as_bytes());
            out.text(b"\r\n");
        }
    }

    fn inspect(self, key: &[u8], out: &mut Output) {
        let hit = match self.server.cache.inspect(key) {
            Ok(Some(hit)) => hit,
            Ok(None) => return out.text(reply::META_MISS),
            Err(error) => return self.failed(&error, reply::NO_MEMORY, out),
        };
        let mut line = b"ME ".to_vec();
        shown_key(key, hit.binary, &mut line);
        let ttl = hit.meta.ttl.map_or(-1, i64::from);
        let access = hit.last_access.unwrap_or(0);
        let fetched = if hit.hit_before { "yes" } else { "no" };
        let (unique, class, size) =
            (self.shown(hit.meta), self.server.classes.of(hit.size), hit.size);
        line.extend(
            format!(" exp={ttl} la={access} cas={unique} fetch={fetched} cls={class} size={size}")
                .bytes(),
        );
        line.extend(b"\r\n");
        out.text(&line);
    }
}

/// A key as the meta commands show it: a binary one as base64.
fn shown_key(key: &[u8], binary: bool, into: &mut Vec<u8>) {
    match binary {
        true => base64::encode(key, into),
        false => into.extend(key),
    }
}
