//! The log's thread: takes the records out of the rings, makes lines of them and gives each watcher those it asked for.
//! It sleeps while nobody watches, looks more often the more there is to tell, and writes to no socket that is not ready.

use super::{Log, Watcher, record::Record, seen, stream};
use crate::bell::Bell;
use crate::server::{Server, lock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How soon the rings are looked at again: after something came, and after nothing did for a while.
const SOON: Duration = Duration::from_millis(1);
const LATE: Duration = Duration::from_millis(64);

/// Room for the line that says what was skipped.
const SKIPPED_LINE: usize = 40;

/// One who watches.
struct Member {
    watcher: Watcher,
    fd: i32,
    address: String,
    /// What came before this is none of its business.
    since: u64,
    unsent: Vec<u8>,
    /// Lines lost since it was told last.
    skipped: u64,
    /// Its socket had no room when this round's lines were given: not tried again for each of them.
    full: bool,
    gone: bool,
}

/// Serves the watchers until the server stops.
pub fn run(server: &Server) {
    let log = &*server.log;
    let Some(bell) = log.bell.get() else {
        return;
    };
    let mut crew: Vec<Member> = Vec::new();
    let mut lost = [0; 16];
    let mut wait = LATE;
    while !server.stopping() {
        let asleep = crew.is_empty() && !log.wants(stream::SAMPLES);
        sleep(bell, &mut crew, (!asleep).then_some(wait));
        bell.heard();
        let arrived = std::mem::take(&mut *lock(&log.arrivals));
        crew.extend(arrived.into_iter().map(|watcher| Member::new(log, server, watcher)));
        hear(log, &crew);
        let records = tell(server, &mut crew);
        lose(log, &mut crew, &mut lost);
        for member in &mut crew {
            member.flush();
        }
        dismiss(server, &mut crew);
        wait = if records > 0 { SOON } else { (wait * 2).min(LATE) };
    }
}

/// Until a socket wants something, or so long; for ever without a time.
fn sleep(bell: &Bell, crew: &mut [Member], wait: Option<Duration>) {
    let wait = wait.map(|wait| Timespec { tv_sec: 0, tv_nsec: wait.as_nanos() as i64 });
    let mut ready: Vec<PollFd<'_>> = vec![PollFd::new(bell, PollFlags::IN)];
    ready.extend(crew.iter().map(|member| {
        let waits = !member.unsent.is_empty() || member.watcher.transport.wants_write();
        let out = if waits { PollFlags::OUT } else { PollFlags::empty() };
        PollFd::new(member.watcher.transport.socket(), PollFlags::IN | out)
    }));
    // An error is an interruption, or as good as one.
    let _ = poll(&mut ready, wait.as_ref());
    let events: Vec<PollFlags> = ready[1..].iter().map(PollFd::revents).collect();
    for (member, events) in crew.iter_mut().zip(events) {
        if events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            member.listen();
        }
    }
}

/// Makes the workers tell what the crew wants to hear.
fn hear(log: &Log, crew: &[Member]) {
    let streams = crew.iter().fold(0, |all, member| all | member.watcher.watch.streams);
    // Relaxed: see `Log::wants`. First more, then less: what stays wanted is wanted all the time.
    log.wanted.fetch_or(streams, Ordering::Relaxed);
    log.wanted.fetch_and(streams | stream::SAMPLES, Ordering::Relaxed);
}

/// Empties the rings; answers how many records there were.
fn tell(server: &Server, crew: &mut [Member]) -> usize {
    let log = &*server.log;
    let mut lines: Vec<(u64, u16, Vec<u8>)> = Vec::new();
    let mut records = 0;
    let watched = crew.iter().fold(0, |all, member| all | member.watcher.watch.streams);
    let mut hottest = lock(&log.hottest);
    for ring in log.rings() {
        ring.drain(|words| {
            records += 1;
            Record::decode(words, |record| {
                if record.streams & stream::SAMPLES != 0 {
                    hottest.add(record.text);
                }
                if record.streams & watched != 0 {
                    let mut line = Vec::with_capacity(160);
                    record.line(&server.classes, &mut line);
                    lines.push((record.gid, record.streams, line));
                }
            });
        });
    }
    hottest.fade(Instant::now());
    drop(hottest);
    crew.iter_mut().for_each(|member| member.full = false);
    // Each ring is in order; together they are not.
    lines.sort_unstable_by_key(|&(gid, ..)| gid);
    for (gid, streams, line) in &lines {
        for member in crew.iter_mut() {
            if streams & member.watcher.watch.streams != 0 && *gid > member.since {
                member.give(log, line);
            }
        }
    }
    records
}

/// Tells the watchers what the rings had no room for since it was told last.
fn lose(log: &Log, crew: &mut [Member], known: &mut [u64; 16]) {
    let mut now = [0; 16];
    for ring in log.rings() {
        for (sum, lost) in now.iter_mut().zip(seen(ring.lost())) {
            *sum += lost;
        }
    }
    for member in crew {
        let mine = |stream: &usize| member.watcher.watch.streams & 1 << stream != 0;
        member.skipped +=
            (0..16).filter(mine).map(|stream| now[stream] - known[stream]).sum::<u64>();
        if member.unsent.len() + SKIPPED_LINE <= log.watcher_bytes {
            member.say_skipped();
        }
    }
    *known = now;
}

/// Closes the connections of those who have gone.
fn dismiss(server: &Server, crew: &mut Vec<Member>) {
    crew.retain(|member| {
        if member.gone {
            server.log.conn_close(member.fd, &member.address, "normal");
            // Before the descriptor is closed: its number then belongs to somebody else.
            server.connections.close(member.fd);
        }
        !member.gone
    });
    hear(&server.log, crew);
}

impl Member {
    fn new(log: &Log, server: &Server, watcher: Watcher) -> Member {
        let fd = watcher.transport.socket().as_raw_fd();
        Member {
            fd,
            address: server.connections.address(fd),
            // Relaxed: numbers given out before it came.
            since: log.gid.load(Ordering::Relaxed),
            unsent: b"OK\r\n".to_vec(),
            skipped: 0,
            full: false,
            gone: false,
            watcher,
        }
    }

    /// What a watcher sends is not for anybody, as in memcached; its end is.
    fn listen(&mut self) {
        let mut unheard = Vec::with_capacity(4096);
        // A few reads at a time: one that talks without end must not keep the others waiting.
        for _ in 0..4 {
            unheard.clear();
            match self.watcher.transport.read(&mut unheard) {
                Ok(0) => return self.gone = true,
                Ok(_) => {}
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(_) => return self.gone = true,
            }
        }
    }

    fn give(&mut self, log: &Log, line: &[u8]) {
        if self.unsent.len() + line.len() + SKIPPED_LINE > log.watcher_bytes && !self.full {
            // What can be sent makes room.
            self.flush();
        }
        if self.unsent.len() + line.len() + SKIPPED_LINE > log.watcher_bytes {
            self.skipped += 1;
            // Relaxed: a count.
            log.skipped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.say_skipped();
        self.unsent.extend_from_slice(line);
        // Relaxed: a count.
        log.sent.fetch_add(1, Ordering::Relaxed);
    }

    fn say_skipped(&mut self) {
        if self.skipped > 0 {
            let skipped = std::mem::take(&mut self.skipped);
            // Writing to memory cannot fail.
            let _ = writeln!(self.unsent, "skipped={skipped}");
        }
    }

    fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.unsent.len() && !self.gone {
            match self.watcher.transport.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    self.full = true;
                    break;
                }
                Err(_) => self.gone = true,
            }
        }
        self.unsent.drain(..sent);
        match self.watcher.transport.flush() {
            Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => self.gone = true,
        }
    }
}
