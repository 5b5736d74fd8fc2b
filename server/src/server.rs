//! What all threads share: the cache, the options, and the register of connections.

use crate::auth::Users;
use crate::classes::Classes;
use crate::counters::{Counters, Counts};
use crate::dump::Crawler;
use crate::durable::Durable;
use crate::listener::{Doors, Listener};
use crate::log::Log;
use crate::options::{Knobs, Options};
use crate::stats::{Departures, Table};
use crate::tls::Tls;
use nearcache::Cache;
use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// How a `shutdown` command wants to end the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As SIGINT.
    Now,
    /// As SIGUSR1.
    Graceful,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    /// The cache.
    pub cache: Cache,
    /// How it was started.
    pub options: Options,
    /// The TCP port bound (the first, if several); 0 is none.
    pub bound_port: u16,
    /// The UDP port bound (the first, if several); 0 is none.
    pub bound_udp_port: u16,
    /// The listeners: descriptor and address.
    pub listeners: Vec<(i32, String)>,
    /// When it was started, by the cache's clock.
    pub started: i64,
    /// Each worker's counters.
    pub counters: Vec<Arc<Counters>>,
    /// The connections.
    pub connections: Connections,
    /// The certificates, with `-Z`.
    pub tls: Option<Tls>,
    /// The slab classes that are counted by.
    pub classes: Arc<Classes>,
    /// What left the cache unasked.
    pub departures: Arc<Departures>,
    /// The dumps.
    pub crawler: Arc<Crawler>,
    /// memcached's knobs as they were set last.
    pub knobs: Mutex<Knobs>,
    /// What `watch` shows. Of evictions it hears only if it is the cache's observer, too.
    pub log: Arc<Log>,
    /// What the durable roles stand on.
    pub durable: Durable,
    /// Who may use it; anybody if `None`.
    users: Option<RwLock<Users>>,
    verbosity: AtomicU8,
    stopping: AtomicBool,
    base: Mutex<Base>,
    count_prefixes: AtomicBool,
}

/// What the workers had counted when the statistics were reset.
#[derive(Debug, Default)]
struct Base {
    counts: Vec<Counts>,
    classes: Table,
}

impl Server {
    /// A server that is about to start; `departures` are told by the cache.
    pub fn new(
        cache: Cache,
        options: Options,
        users: Option<Users>,
        doors: &Doors,
        departures: Arc<Departures>,
    ) -> Server {
        let name = |listener: &Listener| (listener.socket.as_raw_fd(), listener.address.clone());
        Server {
            started: cache.unix_time(),
            counters: (0..options.threads).map(|_| Arc::default()).collect(),
            connections: Connections::default(),
            tls: None,
            log: Arc::new(Log::new(&options)),
            durable: Durable::default(),
            users: users.map(RwLock::new),
            verbosity: AtomicU8::new(options.verbosity),
            stopping: AtomicBool::new(false),
            base: Mutex::new(Base {
                counts: vec![Counts::default(); options.threads],
                classes: Table::default(),
            }),
            classes: Arc::clone(departures.classes()),
            departures,
            crawler: Arc::default(),
            knobs: Mutex::new(options.knobs.clone()),
            count_prefixes: AtomicBool::new(options.count_prefixes),
            bound_port: doors.port(),
            bound_udp_port: doors.udp_port(),
            listeners: doors.listeners.iter().map(name).collect(),
            cache,
            options,
        }
    }

    /// The same, with these certificates.
    pub fn with_tls(mut self, tls: Option<Tls>) -> Server {
        if let Some(tls) = &tls {
            tls.set_refreshed(self.started);
        }
        self.tls = tls;
        self
    }

    /// Must a client say who it is before anything else?
    #[inline]
    pub fn asks_who(&self) -> bool {
        self.users.is_some()
    }

    /// May this user with this password come in?
    pub fn admits(&self, user: &[u8], password: &[u8]) -> bool {
        let Some(users) = &self.users else {
            return true;
        };
        users.read().unwrap_or_else(PoisonError::into_inner).admit(user, password)
    }

    /// SIGHUP: reads again what may have changed, the users and the certificates, and says what could not be taken.
    pub fn reload(&self) {
        if let Err(why) = self.reload_users() {
            eprintln!("nearcached: SIGHUP: the users stay as they were: {why}");
        }
        if let Some(tls) = &self.tls
            && let Err(why) = tls.refresh(self.cache.unix_time())
        {
            eprintln!("nearcached: SIGHUP: the certificates stay as they were: {why}");
        }
    }

    /// Reads the users again. If the file is not good the old ones stay.
    fn reload_users(&self) -> Result<(), String> {
        let (Some(users), Some(path)) = (&self.users, self.options.users_file()) else {
            return Ok(());
        };
        let new = Users::read(&path)?;
        *users.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    /// How much is said on standard error: 0 nothing, 1 what goes wrong, 2 every command.
    #[inline]
    pub fn verbosity(&self) -> u8 {
        // Relaxed: a setting that may take effect a moment later.
        self.verbosity.load(Ordering::Relaxed)
    }

    /// Sets it; memcached stops at 2.
    pub fn set_verbosity(&self, level: u32) {
        // Relaxed: as above.
        self.verbosity.store(level.min(2) as u8, Ordering::Relaxed);
    }

    /// Have the workers been asked to end?
    #[inline]
    pub fn stopping(&self) -> bool {
        // Acquire: pairs with the Release in `stop`; what was done before it is seen by the ending worker.
        self.stopping.load(Ordering::Acquire)
    }

    /// Asks them (whoever calls this also wakes them).
    pub fn stop(&self) {
        // Release: pairs with the Acquire in `stopping`.
        self.stopping.store(true, Ordering::Release);
    }

    /// The workers' counts since the last reset, added up, one for each [`Count`](crate::counters::Count).
    pub fn counts(&self) -> Counts {
        let base = lock(&self.base);
        let mut sums = Counts::default();
        for (counters, base) in self.counters.iter().zip(base.counts.iter()) {
            for ((sum, now), then) in sums.iter_mut().zip(counters.counts()).zip(base) {
                *sum += now.saturating_sub(*then);
            }
        }
        sums
    }

    /// The workers' counts by slab class since the last reset, added up.
    pub fn counts_by_class(&self) -> Table {
        self.all_by_class().since(&lock(&self.base).classes)
    }

    fn all_by_class(&self) -> Table {
        let mut sums = Table::default();
        for counters in &self.counters {
            counters.classes.add_to(&mut sums);
        }
        sums
    }

    /// Are gets and sets counted by prefix?
    #[inline]
    pub fn counts_prefixes(&self) -> bool {
        // Relaxed: a setting that may take effect a moment later.
        self.count_prefixes.load(Ordering::Relaxed)
    }

    /// `stats detail on` and `off`.
    pub fn count_prefixes(&self, wanted: bool) {
        // Relaxed: as above.
        self.count_prefixes.store(wanted, Ordering::Relaxed);
    }

    /// Where the region lies that is served; nothing if the cache is private.
    pub fn region(&self) -> Option<String> {
        self.options.region.as_ref()?;
        self.cache.info().path.map(|path| path.display().to_string())
    }

    /// `stats reset`. The workers alone write their counters, so the present values become the base line.
    pub fn reset_counts(&self) -> Result<(), nearcache::Error> {
        self.cache.reset_stats()?;
        let mut base = lock(&self.base);
        for (base, counters) in base.counts.iter_mut().zip(&self.counters) {
            *base = counters.counts();
            counters.prefixes.clear();
        }
        base.classes = self.all_by_class();
        self.departures.reset();
        self.connections.reset();
        Ok(())
    }
}

/// The connections by file descriptor, and what is counted about them.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<BTreeMap<i32, Arc<Peer>>>,
    current: AtomicU64,
    total: AtomicU64,
    rejected: AtomicU64,
    most: AtomicU64,
    /// Times the listeners were silenced for want of descriptors or room.
    pub listen_disabled: AtomicU64,
    /// Microseconds they were.
    pub listen_disabled_us: AtomicU64,
    /// Are they heard now?
    pub not_accepting: AtomicBool,
}

impl Connections {
    /// Counts a connection in, unless there are `limit` already.
    pub fn admit(&self, limit: usize) -> bool {
        // Relaxed: one thread admits; a connection just leaving may be counted a moment longer.
        let current = self.current.load(Ordering::Relaxed);
        if current >= limit as u64 {
            return false;
        }
        let current = self.current.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(current, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Counts one that was turned away.
    pub fn reject(&self) {
        // Relaxed: a statistic.
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// Registers an admitted connection.
    pub fn open(&self, peer: &Arc<Peer>) {
        lock(&self.open).insert(peer.fd, Arc::clone(peer));
    }

    /// Forgets one; call it before the descriptor is closed, whose number then belongs to somebody else.
    pub fn close(&self, fd: i32) {
        lock(&self.open).remove(&fd);
        // Relaxed: see `admit`.
        self.current.fetch_sub(1, Ordering::Relaxed);
    }

    /// The other end's address.
    pub fn address(&self, fd: i32) -> String {
        lock(&self.open).get(&fd).map(|peer| peer.address.clone()).unwrap_or_default()
    }

    /// The address of the listener that let it in.
    pub fn listener(&self, fd: i32) -> String {
        lock(&self.open).get(&fd).map(|peer| peer.listener.clone()).unwrap_or_default()
    }

    /// Open now.
    pub fn current(&self) -> u64 {
        // Relaxed: a statistic.
        self.current.load(Ordering::Relaxed)
    }

    /// Open now, accepted so far, turned away, most at a time.
    pub fn readings(&self) -> [u64; 4] {
        // Relaxed: statistics.
        [&self.current, &self.total, &self.rejected, &self.most]
            .map(|number| number.load(Ordering::Relaxed))
    }

    /// Every open connection, by descriptor.
    pub fn list(&self) -> Vec<Arc<Peer>> {
        lock(&self.open).values().cloned().collect()
    }

    fn reset(&self) {
        // Relaxed: statistics.
        self.total.store(0, Ordering::Relaxed);
        self.rejected.store(0, Ordering::Relaxed);
        self.listen_disabled.store(0, Ordering::Relaxed);
    }
}

/// What is known about the other end of a connection.
#[derive(Debug)]
pub struct Peer {
    /// The descriptor.
    pub fd: i32,
    /// The other end's address, as memcached writes it.
    pub address: String,
    /// The listener's address.
    pub listener: String,
    /// When the last bytes came, in the cache's seconds.
    pub last_command: AtomicI64,
    state: AtomicU8,
}

/// What a connection is doing, under memcached's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Doing {
    /// Waiting for a command.
    Read,
    /// In the middle of a value.
    ReadValue,
    /// Skipping a value.
    Swallow,
    /// Waiting for the client to read.
    Write,
    /// Watching the log.
    Watch,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Read => "conn_read",
            Doing::ReadValue => "conn_nread",
            Doing::Swallow => "conn_swallow",
            Doing::Write => "conn_mwrite",
            Doing::Watch => "conn_watch",
        })
    }
}

impl Peer {
    /// Is it on a unix socket, and so on this machine?
    pub fn is_local(&self) -> bool {
        self.listener.starts_with("unix:")
    }

    /// Is it nobody in particular: a socket that anybody's datagrams come to?
    pub fn is_udp(&self) -> bool {
        self.address.starts_with("udp")
    }

    /// A connection just accepted.
    pub fn new(fd: i32, address: String, listener: String, now: i64) -> Peer {
        Peer {
            fd,
            address,
            listener,
            last_command: AtomicI64::new(now),
            state: AtomicU8::new(Doing::Read as u8),
        }
    }

    /// Notes what it is doing.
    pub fn set_doing(&self, doing: Doing) {
        // Relaxed: a statistic.
        self.state.store(doing as u8, Ordering::Relaxed);
    }

    /// What it is doing.
    pub fn doing(&self) -> Doing {
        // Relaxed: a statistic.
        match self.state.load(Ordering::Relaxed) {
            1 => Doing::ReadValue,
            2 => Doing::Swallow,
            3 => Doing::Write,
            4 => Doing::Watch,
            _ => Doing::Read,
        }
    }
}

/// Locks; no code panics while holding one of these locks, so a poisoned one is as good as any.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
