//! `watch`: memcached's log. Whoever has something to tell puts a few words into a ring of its own thread, only if
//! somebody watches for it; a thread of the log's own makes lines of them and sends them to the watchers. A full ring and
//! a watcher that does not read lose lines and are told how many; nobody ever waits.
//!
//! The same way a few of the reads, chosen at random, come to the table of the hottest keys while somebody looks at it.

mod crew;
mod hottest;
mod record;
mod ring;

use crate::bell::Bell;
use crate::dispatch::{Came, Deed, Kind};
use crate::options::Options;
use crate::protocol::token::Tokens;
use crate::server::lock;
use crate::transport::Transport;
use nearcache::size_of_item;
use nearcache::{Gone, Observer, Reason};
use record::{Record, What};
use ring::{RECORD_MAX, Ring};
use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

pub use crew::run;
pub use hottest::{Hot, Hottest};
pub use record::stream;

/// How many may watch at a time, as in memcached.
const WATCHERS_MAX: u64 = 20;

/// One in so many reads is looked at for the table of the hottest keys.
pub const SAMPLED: u64 = 16;

/// A watcher's place. Who drops it gives it back.
#[derive(Debug)]
pub struct Watch {
    log: Arc<Log>,
    /// The streams it wants.
    streams: u16,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Relaxed: a count.
        self.log.watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that now belongs to the log.
#[derive(Debug)]
pub struct Watcher {
    /// What carries it.
    pub transport: Transport,
    /// Its place.
    pub watch: Watch,
}

/// The log.
#[derive(Debug)]
pub struct Log {
    /// The streams that somebody wants.
    wanted: AtomicU16,
    gid: AtomicU64,
    rings: Mutex<Vec<Arc<Ring>>>,
    ring_bytes: usize,
    watcher_bytes: usize,
    arrivals: Mutex<Vec<Watcher>>,
    /// There once the log's thread is to start.
    bell: OnceLock<Bell>,
    watchers: AtomicU64,
    sent: AtomicU64,
    skipped: AtomicU64,
    hottest: Mutex<Hottest>,
}

thread_local! {
    /// This thread's ring, and whose it is: there may be several logs in one process, in tests at least.
    static RING: RefCell<Option<(*const Log, Arc<Ring>)>> = const { RefCell::new(None) };
    static DICE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
}

impl Log {
    /// One that nobody watches yet.
    pub fn new(options: &Options) -> Log {
        Log {
            wanted: AtomicU16::new(0),
            gid: AtomicU64::new(0),
            rings: Mutex::default(),
            ring_bytes: options.knobs.worker_logbuf_size as usize,
            watcher_bytes: options.knobs.watcher_logbuf_size as usize,
            arrivals: Mutex::default(),
            bell: OnceLock::new(),
            watchers: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            hottest: Mutex::default(),
        }
    }

    /// Before [`run`] is called.
    pub fn open(&self) -> io::Result<()> {
        let bell = Bell::new()?;
        self.bell.get_or_init(|| bell);
        Ok(())
    }

    /// Does anybody want one of these streams?
    #[inline]
    pub fn wants(&self, streams: u16) -> bool {
        // Relaxed: a setting; a watcher is told OK after it was set, and what is asked for later sees it.
        self.wanted.load(Ordering::Relaxed) & streams != 0
    }

    /// Gives one more watcher a place.
    pub fn admit(self: &Arc<Log>, streams: u16) -> Option<Watch> {
        // Relaxed: a count, changed in one step.
        let more = |count| (count < WATCHERS_MAX).then_some(count + 1);
        let admitted = self.watchers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        admitted.is_ok().then(|| Watch { log: Arc::clone(self), streams })
    }

    /// Takes over a watcher's connection.
    pub fn take_over(&self, watcher: Watcher) {
        lock(&self.arrivals).push(watcher);
        self.wake();
    }

    /// Makes the log's thread look around.
    pub fn wake(&self) {
        if let Some(bell) = self.bell.get() {
            bell.ring();
        }
    }

    /// Begins or ends the sampling of reads.
    pub fn sample(&self, on: bool) {
        if self.wants(stream::SAMPLES) == on {
            return;
        }
        // Relaxed: see `wants`.
        match on {
            true => self.wanted.fetch_or(stream::SAMPLES, Ordering::Relaxed),
            false => self.wanted.fetch_and(!stream::SAMPLES, Ordering::Relaxed),
        };
        *lock(&self.hottest) = Hottest::default();
        self.wake();
    }

    /// The keys that are read most at present, the hottest first.
    pub fn hottest(&self, count: usize) -> Vec<Hot> {
        lock(&self.hottest).top(count)
    }

    /// A client came.
    pub fn conn_new(&self, fd: i32, address: &str) {
        self.connection(What::ConnNew, fd, address, "");
    }

    /// A client went, for this reason.
    pub fn conn_close(&self, fd: i32, address: &str, reason: &'static str) {
        self.connection(What::ConnClose, fd, address, reason);
    }

    fn connection(&self, what: What, fd: i32, address: &str, reason: &'static str) {
        if self.wants(stream::CONNECTIONS) {
            let (streams, words) = (stream::CONNECTIONS, [reason, ""]);
            let text = address.as_bytes();
            self.push(Record { what, streams, fd, words, text, ..Default::default() });
        }
    }

    /// A request was executed. To be called only if `wants` says that somebody cares.
    #[cold]
    pub fn deed(&self, fd: i32, deed: Deed<'_>) {
        let size = |len, flags| size_of_item(deed.key.len(), len, flags) as u64;
        let mut record = Record { fd, text: deed.key, ..Default::default() };
        if let Some(item) = deed.item {
            record.len = item.len as u64;
            record.size = size(item.len, item.flags);
            record.ttl = item.ttl.map_or(-1, i64::from);
        }
        match deed.kind {
            Kind::Store | Kind::Cas => {
                (record.what, record.streams) = (What::Store, stream::MUTATIONS);
                record.words = [status(deed.came), deed.command];
                return self.push(record);
            }
            Kind::Delete if deed.came == Came::Done && deed.item.is_some() => {
                let words = [deed.command, ""];
                let (what, streams) = (What::Deleted, stream::DELETIONS);
                self.push(Record { what, streams, words, ..record });
            }
            _ => {}
        }
        record.streams = stream::FETCHERS;
        let is_read = matches!(deed.kind, Kind::Fetch | Kind::FetchAndTouch);
        if is_read && deed.came == Came::Done && chosen() {
            record.streams |= stream::SAMPLES;
        }
        let found = if deed.came == Came::Missing { "not_found" } else { "found" };
        self.push(Record { words: [found, ""], ..record });
    }

    fn push(&self, record: Record<'_>) {
        // Relaxed: see `wants`.
        let streams = record.streams & self.wanted.load(Ordering::Relaxed);
        if streams == 0 {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Relaxed: only its being unique counts.
        let gid = self.gid.fetch_add(1, Ordering::Relaxed) + 1;
        let record = Record { streams, gid, time: now.as_micros() as u64, ..record };
        let mut words = [0; RECORD_MAX];
        let words = record.encode(&mut words);
        RING.with_borrow_mut(|ring| {
            let (_, ring) = match ring {
                Some(mine) if std::ptr::eq(mine.0, self) => mine,
                other => other.insert((self, self.ring())),
            };
            ring.push(words, streams);
        });
    }

    fn ring(&self) -> Arc<Ring> {
        let ring = Arc::new(Ring::new(self.ring_bytes));
        lock(&self.rings).push(Arc::clone(&ring));
        ring
    }

    fn rings(&self) -> Vec<Arc<Ring>> {
        lock(&self.rings).clone()
    }

    /// What `stats` tells of the log.
    pub fn readings(&self) -> Readings {
        let rings = self.rings();
        // Relaxed: counts.
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Readings {
            // A record is lost under each stream it belongs to; those of the samples nobody was to see.
            worker_dropped: rings.iter().map(|ring| seen(ring.lost()).iter().sum::<u64>()).sum(),
            worker_written: rings.iter().map(|ring| ring.records()).sum(),
            watcher_skipped: load(&self.skipped),
            watcher_sent: load(&self.sent),
            watchers: load(&self.watchers),
        }
    }
}

/// Without the samples.
fn seen(mut lost: [u64; 16]) -> [u64; 16] {
    lost[stream::SAMPLES.trailing_zeros() as usize] = 0;
    lost
}

/// memcached's numbers of its log, as `stats` names them with `log_` before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readings {
    /// Records that found a ring full.
    pub worker_dropped: u64,
    /// Records that found room.
    pub worker_written: u64,
    /// Lines that a watcher did not read in time.
    pub watcher_skipped: u64,
    /// Lines given to a watcher.
    pub watcher_sent: u64,
    /// Watchers at present.
    pub watchers: u64,
}

/// What memcached calls what came of a store.
fn status(came: Came) -> &'static str {
    match came {
        Came::Done => "stored",
        Came::Missing => "not_found",
        Came::NotStored => "not_stored",
        Came::Exists => "exists",
        Came::TooLarge => "too_large",
        Came::NoMemory => "no_memory",
    }
}

/// Is this read one of the samples? At random: every n-th would see only some keys of a client that goes in circles.
fn chosen() -> bool {
    // Marsaglia's xorshift.
    let mut dice = DICE.get();
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    DICE.set(dice);
    dice.is_multiple_of(SAMPLED)
}

/// What the cache tells of items that make room for others. The log is opened before the cache, and its thread later.
impl Observer for Log {
    fn gone(&self, item: &Gone<'_>) {
        if item.reason == Reason::Evicted && self.wants(stream::EVICTIONS) {
            self.push(Record {
                what: What::Eviction,
                streams: stream::EVICTIONS,
                len: item.value_len as u64,
                size: item.size as u64,
                ttl: item.ttl.map_or(-1, i64::from),
                access: item.last_access.unwrap_or(0),
                fetched: item.fetched,
                text: item.key,
                ..Default::default()
            });
        }
    }
}

/// The streams that the words behind `watch` name; without words it is `fetchers`.
pub fn streams(words: &[u8]) -> Option<u16> {
    let mut streams = 0;
    for word in Tokens::new(words, 0) {
        streams |= match word {
            b"fetchers" => stream::FETCHERS,
            b"mutations" => stream::MUTATIONS,
            b"evictions" => stream::EVICTIONS,
            b"connevents" => stream::CONNECTIONS,
            b"deletions" => stream::DELETIONS,
            b"rawcmds" | b"sysevents" | b"proxyreqs" | b"proxyevents" | b"proxyuser" => {
                stream::SILENT
            }
            _ => return None,
        };
    }
    Some(if streams == 0 { stream::FETCHERS } else { streams })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watcher_says_what_it_wants() {
        assert_eq!(streams(b""), Some(stream::FETCHERS));
        let both = stream::MUTATIONS | stream::EVICTIONS;
        assert_eq!(streams(b" mutations  evictions"), Some(both));
        assert_eq!(streams(b"proxyreqs"), Some(stream::SILENT));
        assert_eq!(streams(b"fetchers foo"), None);
    }

    #[test]
    fn no_more_than_so_many_watch() {
        let log = Arc::new(Log::new(&Options::default()));
        let mut watches: Vec<Watch> =
            (0..WATCHERS_MAX).map(|_| log.admit(stream::FETCHERS).expect("a place")).collect();
        assert!(log.admit(stream::FETCHERS).is_none());
        watches.pop();
        assert!(log.admit(stream::FETCHERS).is_some(), "a place was given back");
    }

    #[test]
    fn one_read_in_sixteen_is_sampled() {
        let count = (0..160_000).filter(|_| chosen()).count();
        assert!((9_000..11_000).contains(&count), "{count}");
    }
}
