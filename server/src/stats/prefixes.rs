//! `stats detail`: gets, hits, sets and deletes by what stands before the delimiter (`-D`) in a key. Each worker counts
//! for itself, so its lock is free but for a dump; how many prefixes it remembers is bounded, since clients name them.

use crate::buffer::Output;
use crate::dispatch::{After, Came, Deed, Kind};
use crate::protocol::{reply, uri};
use crate::report::Long;
use crate::server::{Server, lock};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

/// The most prefixes that a worker remembers: some 1.5 MB of the longest. The counts of further ones are lost.
pub const PREFIXES_MAX: usize = 4096;

/// What was asked for under a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Uses {
    gets: u64,
    hits: u64,
    sets: u64,
    deletes: u64,
}

/// The prefixes that one worker has met.
#[derive(Debug, Default)]
pub struct Prefixes(Mutex<HashMap<Box<[u8]>, Uses>>);

impl Prefixes {
    /// Counts a deed. Keys without a delimiter are nobody's.
    pub fn note(&self, delimiter: u8, deed: &Deed<'_>) {
        let Some(end) = memchr::memchr(delimiter, deed.key) else {
            return;
        };
        let prefix = &deed.key[..end];
        let mut known = lock(&self.0);
        if !known.contains_key(prefix) {
            if known.len() >= PREFIXES_MAX {
                return;
            }
            known.insert(prefix.into(), Uses::default());
        }
        let Some(uses) = known.get_mut(prefix) else {
            return;
        };
        match deed.kind {
            Kind::Fetch | Kind::FetchAndTouch => {
                uses.gets += 1;
                uses.hits += u64::from(deed.came == Came::Done);
            }
            Kind::Store | Kind::Cas => uses.sets += 1,
            Kind::Delete => uses.deletes += 1,
            Kind::Touch | Kind::Incr | Kind::Decr => {}
        }
    }

    /// `stats reset`.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// Answers `stats detail` and the word behind it.
pub fn detail(server: &Server, word: Option<&[u8]>, out: &mut Output) -> After {
    match word {
        _ if !server.options.dump => {
            out.text(reply::DETAIL_DISABLED);
            return After::Nothing;
        }
        Some(b"on") => server.count_prefixes(true),
        Some(b"off") => server.count_prefixes(false),
        Some(b"dump") => return Long::reply(dump(server)),
        _ => {
            out.text(reply::DETAIL_USAGE);
            return After::Nothing;
        }
    }
    out.text(reply::OK);
    After::Nothing
}

fn dump(server: &Server) -> Output {
    let mut sums: BTreeMap<Box<[u8]>, Uses> = BTreeMap::new();
    for counters in &server.counters {
        for (prefix, uses) in lock(&counters.prefixes.0).iter() {
            let sum = sums.entry(prefix.clone()).or_default();
            sum.gets += uses.gets;
            sum.hits += uses.hits;
            sum.sets += uses.sets;
            sum.deletes += uses.deletes;
        }
    }
    let mut text = Output::default();
    for (prefix, Uses { gets, hits, sets, deletes }) in &sums {
        text.text(b"PREFIX ");
        text.text(&uri::printable(prefix));
        text.text(format!(" get {gets} hit {hits} set {sets} del {deletes}\r\n").as_bytes());
    }
    text.text(reply::END);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_prefixes_than_the_limit() {
        let prefixes = Prefixes::default();
        let fetch = |key: &str| {
            let (kind, command, came) = (Kind::Fetch, "get", Came::Missing);
            prefixes.note(b':', &Deed { kind, command, key: key.as_bytes(), came, item: None });
        };
        for number in 0..PREFIXES_MAX + 100 {
            fetch(&format!("p{number}:key"));
        }
        fetch("p0:again");
        fetch("no prefix");
        let known = lock(&prefixes.0);
        assert_eq!(known.len(), PREFIXES_MAX);
        assert_eq!(known[&b"p0"[..]].gets, 2);
    }
}
