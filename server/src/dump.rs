//! Dumps of the keys: `lru_crawler metadump` and `mgdump`, and `stats cachedump`. Each is a walk through the cache in
//! pieces, so a million items hold up neither the other clients nor the memory. The items that are there from its
//! beginning to its end are all shown.

use crate::buffer::Output;
use crate::classes::CLASSES;
use crate::dispatch::{After, Desk};
use crate::protocol::token::{self, Tokens};
use crate::protocol::{base64, number, reply, uri};
use crate::report::{BUCKETS, Report};
use nearcache::{Cursor, Seen};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What `stats cachedump` shows at most, in bytes.
const CACHEDUMP_MAX: usize = 2 << 20;

/// `stats cachedump` shows what memcached would have in its cold queue: what was not asked for in this many seconds.
const COLD_AFTER: u32 = 60;

/// Slab classes by number, one bit each.
pub type ClassSet = u64;

/// All of them.
pub const ALL: ClassSet = u64::MAX;

/// How a dump shows items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `metadump`: all that is known of an item.
    Meta,
    /// `mgdump`: the keys, as commands that fetch them.
    Get,
    /// `cachedump`: the end of a cold queue.
    Cache {
        /// So many items are still wanted.
        items: u64,
        /// So many bytes may still be written.
        bytes: usize,
    },
}

/// Counts the dumps, which are memcached's crawls.
#[derive(Debug, Default)]
pub struct Crawler {
    running: AtomicU64,
    starts: AtomicU64,
    checked: AtomicU64,
}

impl Crawler {
    /// Is one under way? Relaxed here and below: statistics.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed) > 0
    }

    /// How many have begun.
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// How many items they have looked at.
    pub fn checked(&self) -> u64 {
        self.checked.load(Ordering::Relaxed)
    }

    /// One that ends with its beginning: there is nothing that a crawl could reclaim before the engine does.
    pub fn start(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }
}

/// A crawl that is under way.
#[derive(Debug)]
struct Crawl(Arc<Crawler>);

impl Crawl {
    fn begin(crawler: &Arc<Crawler>) -> Crawl {
        crawler.start();
        crawler.running.fetch_add(1, Ordering::Relaxed);
        Crawl(Arc::clone(crawler))
    }
}

impl Drop for Crawl {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A dump.
#[derive(Debug)]
pub struct Dump {
    form: Form,
    classes: ClassSet,
    cursor: Cursor,
    crawl: Option<Crawl>,
}

impl Dump {
    /// Of the items of these classes.
    pub fn begin(desk: Desk<'_>, form: Form, classes: ClassSet) -> After {
        let crawled = !matches!(form, Form::Cache { .. });
        let crawl = crawled.then(|| Crawl::begin(&desk.server.crawler));
        After::Report(Box::new(Dump { form, classes, cursor: Cursor::default(), crawl }))
    }

    /// Writes an item's line; false if there is no room for it in the dump.
    fn show(&mut self, desk: Desk<'_>, now: i64, item: Seen<'_>, out: &mut Output) -> bool {
        let class = desk.server.classes.of(item.size);
        if self.classes & 1 << class == 0 {
            return true;
        }
        let ends = item.ttl.map(|ttl| now + i64::from(ttl));
        let mut line = Vec::with_capacity(item.key.len() + 128);
        match &mut self.form {
            Form::Meta => {
                line.extend(b"key=");
                uri::encode(item.key, &mut line);
                // 0 where the region was made without access times.
                let asked = item.last_access.map_or(0, |ago| now - i64::from(ago));
                let unique = if desk.server.options.cas { item.cas } else { 0 };
                let (fetched, size) = (if item.fetched { "yes" } else { "no" }, item.size);
                let (ends, flags) = (ends.unwrap_or(-1), item.flags);
                append(
                    &mut line,
                    format_args!(
                        " exp={ends} la={asked} cas={unique} fetch={fetched} cls={class} size={size} flags={flags}\n"
                    ),
                );
            }
            Form::Get => {
                line.extend(b"mg ");
                match item.binary || !token::is_word(item.key) {
                    true => {
                        base64::encode(item.key, &mut line);
                        line.extend(b" b");
                    }
                    false => line.extend(item.key),
                }
                line.extend(b"\r\n");
            }
            Form::Cache { items, bytes } => {
                let is_shown = !item.binary && token::is_word(item.key);
                if !is_shown || item.last_access.is_some_and(|ago| ago < COLD_AFTER) {
                    return true;
                }
                line.extend(b"ITEM ");
                line.extend(item.key);
                let (len, ends) = (item.value_len, ends.unwrap_or(0));
                append(&mut line, format_args!(" [{len} b; {ends} s]\r\n"));
                if *items == 0 || line.len() > *bytes {
                    return false;
                }
                (*items, *bytes) = (*items - 1, *bytes - line.len());
            }
        }
        out.text(&line);
        true
    }
}

fn append(line: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    use std::io::Write;
    // Writing to memory does not fail.
    let _ = line.write_fmt(text);
}

impl Report for Dump {
    fn more(&mut self, desk: Desk<'_>, out: &mut Output) -> bool {
        let (cache, mut cursor) = (&desk.server.cache, std::mem::take(&mut self.cursor));
        let (now, mut seen, mut room) = (cache.unix_time(), 0, true);
        let scanned = cache.scan(&mut cursor, BUCKETS, &mut |item| {
            seen += 1;
            room = room && self.show(desk, now, item, out);
        });
        self.cursor = cursor;
        if let Some(Crawl(crawler)) = &self.crawl {
            crawler.checked.fetch_add(seen, Ordering::Relaxed);
        }
        match scanned {
            Ok(true) if room => return true,
            Ok(_) => out.text(match self.form {
                Form::Meta | Form::Cache { .. } => reply::END,
                Form::Get => reply::META_MISS,
            }),
            Err(error) => out.text(format!("SERVER_ERROR {error}\r\n").as_bytes()),
        }
        false
    }
}

/// Answers `stats cachedump`.
pub fn cachedump(desk: Desk<'_>, mut words: Tokens<'_>, out: &mut Output) -> After {
    let refused = match (words.next(), words.next()) {
        _ if !desk.server.options.dump => reply::CACHEDUMP_DISABLED,
        (Some(class), Some(limit)) => {
            match (number::strict_u32(class), number::strict_u32(limit)) {
                (Some(class), Some(_)) if class as usize >= CLASSES => reply::BAD_SLAB_ID,
                (Some(class), Some(limit)) => {
                    let items = if limit == 0 { u64::MAX } else { u64::from(limit) };
                    let form = Form::Cache { items, bytes: CACHEDUMP_MAX };
                    return Dump::begin(desk, form, 1 << class);
                }
                _ => reply::BAD_FORMAT,
            }
        }
        _ => reply::BAD_CACHEDUMP,
    };
    out.text(refused);
    After::Nothing
}
