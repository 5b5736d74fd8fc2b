//! `stats items`, `slabs` and `sizes`: numbers that nobody keeps, found by a walk through the cache in pieces, beside
//! those that were counted by class.

use super::{Event, Table, line};
use crate::buffer::Output;
use crate::classes::{CLASSES, PAGE};
use crate::dispatch::{After, Desk};
use crate::protocol::reply;
use crate::report::{BUCKETS, Long, Report};
use crate::server::{Server, lock};
use nearcache::{Cursor, Seen};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is wanted of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// `stats items`.
    Items,
    /// `stats slabs`.
    Slabs,
    /// `stats sizes`.
    Sizes,
}

/// How many bytes of item size are counted together in `stats sizes`.
const SIZES_STEP: usize = 32;

/// What queues and a crawler would count.
const NOT_HERE: [&str; 10] = [
    "evicted_active",
    "crawler_reclaimed",
    "crawler_items_checked",
    "lrutail_reflocked",
    "moves_to_cold",
    "moves_to_warm",
    "moves_within_lru",
    "direct_reclaims",
    "hits_to_hot",
    "hits_to_warm",
];

/// What the walk has found of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    items: u64,
    bytes: u64,
    /// Seconds since the item was asked for that was not for the longest.
    oldest: u32,
}

/// The walk.
#[derive(Debug)]
pub struct Survey {
    tells: Tells,
    cursor: Cursor,
    classes: [Found; CLASSES],
    sizes: BTreeMap<usize, u64>,
    /// What it came to.
    text: Option<Long>,
}

impl Survey {
    /// Begins one.
    pub fn begin(tells: Tells) -> After {
        let classes = [Found::default(); CLASSES];
        let (cursor, sizes) = (Cursor::default(), BTreeMap::new());
        After::Report(Box::new(Survey { tells, cursor, classes, sizes, text: None }))
    }

    fn see(&mut self, server: &Server, item: Seen<'_>) {
        if self.tells == Tells::Sizes {
            *self.sizes.entry(item.size.div_ceil(SIZES_STEP)).or_default() += 1;
            return;
        }
        let found = &mut self.classes[server.classes.of(item.size)];
        found.items += 1;
        found.bytes += item.size as u64;
        found.oldest = found.oldest.max(item.last_access.unwrap_or(0));
    }

    fn write(&self, server: &Server, out: &mut Output) {
        let counts = server.counts_by_class();
        match self.tells {
            Tells::Items => self.items(server, &counts, out),
            Tells::Slabs => self.slabs(server, &counts, out),
            Tells::Sizes => {
                for (steps, count) in &self.sizes {
                    line(out, steps * SIZES_STEP, count);
                }
            }
        }
        out.text(reply::END);
    }

    /// There is one queue here, whose end is as cold as memcached's COLD: what is asked of the others is 0.
    fn items(&self, server: &Server, counts: &Table, out: &mut Output) {
        let temporary = lock(&server.knobs).temporary_ttl.is_some();
        for class in (1..=server.classes.largest()).filter(|&class| self.classes[class].items > 0) {
            let (found, losses) = (self.classes[class], server.departures.of(class));
            // Relaxed: statistics.
            let lost = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let mut write = |name: &str, value: u64| {
                line(out, format_args!("items:{class}:{name}"), value);
            };
            write("number", found.items);
            write("number_hot", 0);
            write("number_warm", 0);
            write("number_cold", found.items);
            if temporary {
                write("number_temp", 0);
            }
            write("age_hot", 0);
            write("age_warm", 0);
            write("age", u64::from(found.oldest));
            write("mem_requested", found.bytes);
            write("evicted", lost(&losses.evicted));
            write("evicted_nonzero", lost(&losses.evicted_nonzero));
            write("evicted_time", lost(&losses.evicted_time));
            write("outofmemory", counts.get(class, Event::NoMemory));
            write("tailrepairs", 0);
            write("reclaimed", lost(&losses.reclaimed));
            write("expired_unfetched", lost(&losses.expired_unfetched));
            write("evicted_unfetched", lost(&losses.evicted_unfetched));
            for name in NOT_HERE {
                write(name, 0);
            }
            write("hits_to_cold", counts.get(class, Event::Get));
            write("hits_to_temp", 0);
        }
    }

    /// Every item has a chunk of its own size, so none is free, and pages are those that memcached would need.
    fn slabs(&self, server: &Server, counts: &Table, out: &mut Output) {
        let mut active = 0;
        for class in 1..=server.classes.largest() {
            let used = self.classes[class].items;
            active += u64::from(used > 0);
            if used == 0 && !counts.is_used(class) {
                continue;
            }
            let chunk = server.classes.chunk(class);
            let in_page = (PAGE / chunk).max(1) as u64;
            for (name, value) in [
                ("chunk_size", chunk as u64),
                ("chunks_per_page", in_page),
                ("total_pages", used.div_ceil(in_page)),
                ("total_chunks", used),
                ("used_chunks", used),
                ("free_chunks", 0),
                ("free_chunks_end", 0),
                ("get_hits", counts.get(class, Event::Get)),
                ("cmd_set", counts.get(class, Event::Set)),
                ("delete_hits", counts.get(class, Event::Delete)),
                ("incr_hits", counts.get(class, Event::Incr)),
                ("decr_hits", counts.get(class, Event::Decr)),
                ("cas_hits", counts.get(class, Event::CasHit)),
                ("cas_badval", counts.get(class, Event::CasBad)),
                ("touch_hits", counts.get(class, Event::Touch)),
            ] {
                line(out, format_args!("{class}:{name}"), value);
            }
        }
        line(out, "active_slabs", active);
        line(out, "total_malloced", server.cache.stats().bytes);
    }
}

impl Report for Survey {
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool {
        if let Some(text) = &mut self.text {
            return text.more(desk, out);
        }
        let (server, mut cursor) = (desk.server, std::mem::take(&mut self.cursor));
        let scanned = server.cache.scan(&mut cursor, BUCKETS, &mut |item| self.see(server, item));
        self.cursor = cursor;
        match scanned {
            Ok(true) => true,
            Ok(false) => {
                let mut text = Output::default();
                self.write(server, &mut text);
                self.text.insert(Long::new(text)).more(desk, out)
            }
            Err(error) => {
                out.text(format!("SERVER_ERROR {error}\r\n").as_bytes());
                false
            }
        }
    }

    fn held(&self) -> usize {
        self.text.as_ref().map_or(0, Report::held)
    }
}
