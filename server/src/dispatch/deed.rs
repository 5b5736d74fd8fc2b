//! What a request did to a key: told here once, for all who count by size or prefix and for those who watch.

use super::Desk;
use crate::log::stream;
use crate::protocol::number;
use crate::stats::Event;
use nearcache::Meta;
use nearcache::size_of_item;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The value: `get`, `gets`, `mg`.
    Fetch,
    /// The value and a new expiry: `gat`, `gats`.
    FetchAndTouch,
    /// A new expiry: `touch`.
    Touch,
    /// To be stored.
    Store,
    /// To be stored, if the unique is this: `cas`.
    Cas,
    /// To be removed.
    Delete,
    /// A larger number.
    Incr,
    /// A smaller number.
    Decr,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Found, stored, removed.
    Done,
    /// There was no such item.
    Missing,
    /// The verb's condition did not hold.
    NotStored,
    /// The unique was another one.
    Exists,
    /// The item would be too large.
    TooLarge,
    /// There was no memory for it.
    NoMemory,
}

/// A deed.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// What was asked.
    pub kind: Kind,
    /// By which command, under its name.
    pub command: &'static str,
    /// Of which key.
    pub key: &'a [u8],
    /// What came of it.
    pub came: Came,
    /// The item that was found or stored, where the core tells.
    pub item: Option<Item>,
}

/// What is known about an item.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// The value's length.
    pub len: usize,
    /// The client's flags.
    pub flags: u32,
    /// Seconds left to live; `None` is for ever.
    pub ttl: Option<u32>,
}

impl Item {
    /// A number, of which the core tells nothing else.
    pub fn number(value: u64) -> Item {
        Item { len: number::width(value), flags: 0, ttl: None }
    }
}

impl From<Meta> for Item {
    fn from(meta: Meta) -> Item {
        Item { len: meta.len, flags: meta.flags, ttl: meta.ttl }
    }
}

impl Desk<'_> {
    /// Does anybody want to hear of misses and failures, too? (A get of many keys does not look for them otherwise.)
    #[inline]
    pub fn noting(self) -> bool {
        self.server.counts_prefixes() || self.server.log.wants(stream::FETCHERS)
    }

    /// Notes a deed.
    #[inline]
    pub fn note(self, deed: Deed<'_>) {
        self.count_by_class(&deed);
        if self.server.counts_prefixes() {
            self.counters.prefixes.note(self.server.options.prefix_delimiter, &deed);
        }
        if self.server.log.wants(stream::DEEDS) {
            self.server.log.deed(self.fd, deed);
        }
    }

    /// Counts a deed by the class of its item, where the core tells its size.
    #[inline]
    fn count_by_class(self, deed: &Deed<'_>) {
        let (Some(item), counters) = (deed.item, &self.counters.classes) else {
            return;
        };
        let size = size_of_item(deed.key.len(), item.len, item.flags);
        let class = self.server.classes.of(size);
        match (deed.kind, deed.came) {
            (Kind::Store | Kind::Cas, came) => {
                counters.add(class, Event::Set);
                match (deed.kind, came) {
                    (_, Came::NoMemory) => counters.add(class, Event::NoMemory),
                    (Kind::Cas, Came::Done) => counters.add(class, Event::CasHit),
                    (Kind::Cas, Came::Exists) => counters.add(class, Event::CasBad),
                    _ => {}
                }
            }
            (_, came) if came != Came::Done => {}
            (Kind::Fetch, _) => counters.add(class, Event::Get),
            (Kind::FetchAndTouch, _) => {
                counters.add(class, Event::Get);
                counters.add(class, Event::Touch);
            }
            (Kind::Touch, _) => counters.add(class, Event::Touch),
            (Kind::Delete, _) => counters.add(class, Event::Delete),
            (Kind::Incr, _) => counters.add(class, Event::Incr),
            (Kind::Decr, _) => counters.add(class, Event::Decr),
        }
    }
}
