//! memcached's knobs: the geometry of its slabs, its LRU queues and their crawler, its buffers and its flash storage.
//! Most turn nothing here. They are checked as memcached checks them and kept, so that `stats settings` shows what an
//! operator has set, and the classes that statistics are counted by follow those of the slabs.

use super::Wrong;
use crate::classes::Geometry;
use std::fmt::Display;
use std::str::FromStr;

/// The knobs, with memcached's values unless others are given.
#[derive(Clone, Debug, PartialEq)]
pub struct Knobs {
    /// `-f`, `-n`, `slab_chunk_max`, `slab_sizes`.
    pub classes: Geometry,
    /// Was `slab_chunk_max` given?
    pub chunk_max_given: bool,
    /// `-N`.
    pub napi_ids: u32,
    /// `hashpower`.
    pub hashpower: u32,
    /// `[no_]slab_reassign`.
    pub slab_reassign: bool,
    /// `slab_automove`.
    pub slab_automove: u32,
    /// `slab_automove_ratio`.
    pub slab_automove_ratio: f64,
    /// `slab_automove_window`.
    pub slab_automove_window: u32,
    /// `slab_automove_freeratio`.
    pub slab_automove_freeratio: f64,
    /// `tail_repair_time`.
    pub tail_repair_time: u32,
    /// `[no_]lru_crawler`.
    pub lru_crawler: bool,
    /// `lru_crawler_sleep`.
    pub lru_crawler_sleep: u32,
    /// `lru_crawler_tocrawl`.
    pub lru_crawler_tocrawl: u32,
    /// `[no_]lru_maintainer`.
    pub lru_maintainer: bool,
    /// `lru mode`.
    pub lru_segmented: bool,
    /// `hot_lru_pct`.
    pub hot_lru_pct: u32,
    /// `warm_lru_pct`.
    pub warm_lru_pct: u32,
    /// `hot_max_factor`.
    pub hot_max_factor: f64,
    /// `warm_max_factor`.
    pub warm_max_factor: f64,
    /// `temporary_ttl`, if there is a temporary queue.
    pub temporary_ttl: Option<u32>,
    /// `watcher_logbuf_size`, in bytes (kilobytes are given).
    pub watcher_logbuf_size: u64,
    /// `worker_logbuf_size`, in bytes (kilobytes are given).
    pub worker_logbuf_size: u64,
    /// `track_sizes`.
    pub track_sizes: bool,
    /// `ext_*`.
    pub flash: Flash,
}

/// The knobs of memcached's flash storage.
#[derive(Clone, Debug, PartialEq)]
pub struct Flash {
    /// `ext_item_size`.
    pub item_size: u32,
    /// `ext_item_age`.
    pub item_age: u32,
    /// `ext_low_ttl`.
    pub low_ttl: u32,
    /// `ext_recache_rate`.
    pub recache_rate: u32,
    /// `ext_wbuf_size`, in bytes (megabytes are given).
    pub wbuf_size: u64,
    /// `ext_compact_under`.
    pub compact_under: u32,
    /// `ext_drop_under`.
    pub drop_under: u32,
    /// `ext_max_sleep`.
    pub max_sleep: u32,
    /// `ext_max_frag`.
    pub max_frag: f64,
    /// `ext_drop_unread`.
    pub drop_unread: bool,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            classes: Geometry::default(),
            chunk_max_given: false,
            napi_ids: 0,
            hashpower: 0,
            slab_reassign: true,
            slab_automove: 1,
            slab_automove_ratio: 0.8,
            slab_automove_window: 30,
            slab_automove_freeratio: 0.01,
            tail_repair_time: 0,
            lru_crawler: true,
            lru_crawler_sleep: 100,
            lru_crawler_tocrawl: 0,
            lru_maintainer: true,
            lru_segmented: true,
            hot_lru_pct: 20,
            warm_lru_pct: 40,
            hot_max_factor: 0.2,
            warm_max_factor: 2.0,
            temporary_ttl: None,
            watcher_logbuf_size: 256 << 10,
            worker_logbuf_size: 64 << 10,
            track_sizes: false,
            flash: Flash {
                item_size: 512,
                item_age: u32::MAX,
                low_ttl: 0,
                recache_rate: 2000,
                wbuf_size: 4 << 20,
                compact_under: 0,
                drop_under: 0,
                max_sleep: 1_000_000,
                max_frag: 0.8,
                drop_unread: false,
            },
        }
    }
}

/// What became of a name.
pub enum Turned {
    /// It is none of memcached's.
    Unknown,
    /// It was set, and turns nothing.
    Idle,
    /// It was set, and is obeyed.
    Obeyed,
}

impl Knobs {
    /// memcached's `temporary_ttl` until it is set.
    pub const TEMPORARY_TTL: u32 = 61;

    /// What hot and warm queues may take together, in percent.
    pub const QUEUES_MAX: u32 = 80;

    /// Sets one of `-o`'s.
    pub fn turn(&mut self, name: &str, value: Option<&str>) -> Result<Turned, Wrong> {
        let given = Given { name, value };
        if self.turn_flag(name) || self.turn_number(&given)? || self.flash.turn(&given)? {
            return Ok(Turned::Idle);
        }
        match name {
            "track_sizes" => self.track_sizes = true,
            "slab_sizes" => self.classes.sizes = sizes(&given)?,
            "slab_chunk_max" => {
                self.classes.chunk_max = given.within(2, 1 << 30)?;
                self.chunk_max_given = true;
            }
            "watcher_logbuf_size" => {
                self.watcher_logbuf_size = given.within::<u64>(1, 1 << 20)? << 10
            }
            "worker_logbuf_size" => {
                self.worker_logbuf_size = given.within::<u64>(1, 1 << 20)? << 10
            }
            _ => return Ok(Turned::Unknown),
        }
        Ok(Turned::Obeyed)
    }

    fn turn_flag(&mut self, name: &str) -> bool {
        match name {
            "slab_reassign" => self.slab_reassign = true,
            "no_slab_reassign" => self.slab_reassign = false,
            "no_slab_automove" => self.slab_automove = 0,
            "lru_crawler" => self.lru_crawler = true,
            "no_lru_crawler" => self.lru_crawler = false,
            "lru_maintainer" => (self.lru_maintainer, self.lru_segmented) = (true, true),
            "no_lru_maintainer" => (self.lru_maintainer, self.lru_segmented) = (false, false),
            "no_modern" => {
                (self.slab_reassign, self.slab_automove) = (false, 0);
                self.classes.chunk_max = crate::classes::PAGE;
                self.lru_crawler = false;
                (self.lru_maintainer, self.lru_segmented) = (false, false);
            }
            "modern"
            | "no_hashexpand"
            | "no_chunked_items"
            | "inline_ascii_resp"
            | "no_inline_ascii_resp"
            | "drop_privileges"
            | "no_drop_privileges"
            | "sock_cookie_id"
            | "ext_path" => {}
            _ => return false,
        }
        true
    }

    fn turn_number(&mut self, given: &Given<'_>) -> Result<bool, Wrong> {
        match given.name {
            "hashpower" => self.hashpower = given.within(12, 32)?,
            "slab_automove" if given.value.is_none() => self.slab_automove = 1,
            "slab_automove" => self.slab_automove = given.within(0, 2)?,
            "slab_automove_ratio" => self.slab_automove_ratio = given.fraction(0.0, 1.0)?,
            "slab_automove_window" => self.slab_automove_window = given.within(3, i64::MAX)?,
            "slab_automove_freeratio" => {
                self.slab_automove_freeratio = given.fraction(f64::MIN, f64::MAX)?;
            }
            "tail_repair_time" => self.tail_repair_time = given.within(10, i64::MAX)?,
            "hash_algorithm" => match given.value {
                Some("jenkins" | "murmur3" | "xxh3") => {}
                _ => return given.wrong("jenkins, murmur3 or xxh3"),
            },
            "lru_crawler_sleep" => self.lru_crawler_sleep = given.within(0, 1_000_000)?,
            "lru_crawler_tocrawl" => self.lru_crawler_tocrawl = given.any()?,
            "hot_lru_pct" => self.hot_lru_pct = given.within(1, 79)?,
            "warm_lru_pct" => self.warm_lru_pct = given.within(1, 79)?,
            "hot_max_factor" => self.hot_max_factor = given.fraction(0.0, f64::MAX)?,
            "warm_max_factor" => self.warm_max_factor = given.fraction(0.0, f64::MAX)?,
            "temporary_ttl" => self.temporary_ttl = Some(given.any()?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What memcached checks when all is read; its status for that is that of a wrong command line.
    pub fn check(&self, item_size_max: usize) -> Result<(), Wrong> {
        if self.hot_lru_pct + self.warm_lru_pct > Knobs::QUEUES_MAX {
            return super::wrong("hot_lru_pct + warm_lru_pct cannot be more than 80% combined");
        }
        let chunk = self.classes.chunk_max;
        if self.chunk_max_given {
            if chunk > item_size_max {
                return super::wrong(format!(
                    "slab_chunk_max (bytes: {chunk}) cannot be larger than -I (item_size_max {item_size_max})"
                ));
            }
            for (whole, what) in [(item_size_max, "-I"), (crate::classes::PAGE, "a slab page")] {
                if !whole.is_multiple_of(chunk) {
                    return super::wrong(format!(
                        "slab_chunk_max (bytes: {chunk}) must divide {what} ({whole} bytes) evenly"
                    ));
                }
            }
        }
        let mut before = 0;
        for &size in &self.classes.sizes {
            if size < 48 || size > chunk {
                return super::wrong(format!(
                    "slab size {size} is out of valid range: 48 to slab_chunk_max, {chunk}"
                ));
            }
            if size < before + 8 {
                return super::wrong(format!(
                    "slab size {size} must be at least 8 bytes larger than the one before, {before}"
                ));
            }
            before = size;
        }
        Ok(())
    }
}

impl Flash {
    fn turn(&mut self, given: &Given<'_>) -> Result<bool, Wrong> {
        match given.name {
            "ext_page_size" | "ext_threads" | "ext_io_depth" => {
                let _: u32 = given.any()?;
            }
            "ext_wbuf_size" => self.wbuf_size = given.within::<u64>(1, 1 << 20)? << 20,
            "ext_item_size" => self.item_size = given.any()?,
            "ext_item_age" => self.item_age = given.any()?,
            "ext_low_ttl" => self.low_ttl = given.any()?,
            "ext_recache_rate" => self.recache_rate = given.any()?,
            "ext_compact_under" => self.compact_under = given.any()?,
            "ext_drop_under" => self.drop_under = given.any()?,
            "ext_max_sleep" => self.max_sleep = given.any()?,
            "ext_max_frag" => self.max_frag = given.fraction(f64::MIN, f64::MAX)?,
            "ext_drop_unread" => self.drop_unread = true,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A knob as given.
struct Given<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl Given<'_> {
    fn wrong<T>(&self, what: impl Display) -> Result<T, Wrong> {
        let given = self.value.map(|value| format!("={value}")).unwrap_or_default();
        // memcached's status for a wrong value.
        let sentence = format!("-o {}{given}: wants {what}", self.name);
        Err(Wrong { sentence, status: 1 })
    }

    fn value<T: FromStr>(&self) -> Option<T> {
        self.value?.parse().ok()
    }

    fn within<T: TryFrom<i64>>(&self, least: i64, most: i64) -> Result<T, Wrong> {
        let number = self.value::<i64>().filter(|number| (least..=most).contains(number));
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None if most == i64::MAX => self.wrong(format_args!("a number of {least} or more")),
            None => self.wrong(format_args!("a number, {least} to {most}")),
        }
    }

    fn any(&self) -> Result<u32, Wrong> {
        self.within(0, i64::from(u32::MAX))
    }

    /// A fraction between the two, and neither of them.
    fn fraction(&self, above: f64, below: f64) -> Result<f64, Wrong> {
        match self.value::<f64>().filter(|number| *number > above && *number < below) {
            Some(number) => Ok(number),
            None if above == f64::MIN => self.wrong("a number"),
            None if below == f64::MAX => self.wrong(format_args!("a number over {above}")),
            None => self.wrong(format_args!("a number over {above} and under {below}")),
        }
    }
}

fn sizes(given: &Given<'_>) -> Result<Vec<usize>, Wrong> {
    let read = || given.value?.split('-').map(|size| size.parse().ok()).collect();
    let sizes: Option<Vec<usize>> = read();
    match sizes {
        Some(sizes) if sizes.len() < crate::classes::CLASSES - 1 => Ok(sizes),
        _ => given.wrong("up to 62 sizes with '-' between them, as in 100-200-400"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, parse};
    use super::*;

    fn asked(list: &str) -> Result<Knobs, Wrong> {
        match parse(&["-o".to_string(), list.to_string()])? {
            Asked::Serve(options) => Ok(options.knobs),
            other => panic!("{list}: {other:?}"),
        }
    }

    #[test]
    fn knobs_are_kept() {
        let knobs = |list| asked(list).expect(list);
        assert_eq!(knobs("modern"), Knobs::default());
        let old = knobs("no_modern,slab_automove=2,temporary_ttl=5,hot_lru_pct=10");
        assert!(!old.slab_reassign && !old.lru_segmented && !old.lru_crawler);
        assert_eq!((old.slab_automove, old.temporary_ttl, old.hot_lru_pct), (2, Some(5), 10));
        let own = knobs("worker_logbuf_size=32,ext_wbuf_size=8,slab_chunk_max=16384,track_sizes");
        assert_eq!((own.worker_logbuf_size, own.flash.wbuf_size), (32 << 10, 8 << 20));
        assert!(own.track_sizes && own.classes.chunk_max == 16384);
        assert_eq!(knobs("slab_sizes=100-200-1000").classes.sizes, [100, 200, 1000]);
    }

    #[test]
    fn wrong_knobs_have_memcacheds_status() {
        // Measured at memcached 1.6.18.
        for (line, status) in [
            ("hashpower=5", 1),
            ("hashpower=33", 1),
            ("hashpower", 1),
            ("slab_automove=3", 1),
            ("slab_automove_ratio=1", 1),
            ("slab_automove_window=2", 1),
            ("slab_automove_freeratio=x", 1),
            ("tail_repair_time=9", 1),
            ("hash_algorithm=md5", 1),
            ("lru_crawler_sleep=1000001", 1),
            ("lru_crawler_tocrawl=x", 1),
            ("hot_lru_pct=80", 1),
            ("hot_lru_pct=50", 64),
            ("warm_max_factor=0", 1),
            ("temporary_ttl", 1),
            ("worker_logbuf_size=x", 1),
            ("ext_max_frag=x", 1),
            ("ext_item_age", 1),
            ("slab_sizes=100-50", 64),
            ("slab_sizes=100-104", 64),
            ("slab_sizes=10-200", 64),
            ("slab_sizes=100-600000", 64),
            ("slab_chunk_max=1000", 64),
            ("slab_chunk_max=2097152", 64),
            ("nonsense", 1),
            ("slab_sizes", 1),
        ] {
            let wrong = asked(line).expect_err(line);
            assert_eq!(wrong.status, status, "{line}: {wrong}");
        }
    }
}
