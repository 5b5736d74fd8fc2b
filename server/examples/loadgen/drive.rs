//! Drives fifty connections for a while and takes the times. Every reply is compared with the right one, byte by byte.
//!
//! Without a rate each connection sends its next batch when its last is answered (a closed loop), so the server always
//! has work, and throughput and mean latency are the same fact. A server that stalls stalls the load too: at most fifty
//! requests see it. So the percentiles tell how evenly a saturated server treats its connections, and not how long
//! clients wait who come when they like. For those there is a work with a rate: its requests are due at fixed times,
//! and what a request waited since then counts, sent or not. (There the loop polls, to be in time.)

use crate::Outcome;
use crate::peer::Peer;
use crate::work::{Content, Work};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::net::{RecvFlags, SendFlags};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 50;

/// What one round measured, in microseconds.
#[derive(Clone, Copy)]
pub struct Round {
    /// Of the wall's clock for each counted thing.
    pub time: f64,
    /// Of the server's processor for each counted thing.
    pub processor: f64,
    /// The 50th, 99th and 99.9th percentile of the batches' latencies.
    pub percentiles: [f64; 3],
}

/// One round of this work.
pub fn round(peer: &Peer, work: &Work, content: &mut Content, seconds: f64) -> Outcome<Round> {
    let mut load = Load::connect(peer, work, content)?;
    // A fifth of the time warms up.
    load.drive(seconds / 5.0)?;
    let (before, started) = (peer.processor()?, Instant::now());
    let mut took = load.drive(seconds)?;
    let (after, elapsed) = (peer.processor()?, started.elapsed().as_secs_f64());
    if took.is_empty() {
        return Err(format!("{}: nothing was answered in {seconds} s", work.name).into());
    }
    let counted = took.len() as f64 * work.counted() as f64;
    took.sort_unstable();
    let percentile = |part: f64| took[(took.len() as f64 * part) as usize].as_secs_f64() * 1e6;
    Ok(Round {
        time: elapsed * 1e6 / counted,
        processor: (after - before) * 1e6 / counted,
        percentiles: [0.5, 0.99, 0.999].map(percentile),
    })
}

struct Load<'a> {
    work: &'a Work,
    content: &'a mut Content,
    epoll: OwnedFd,
    links: Vec<Link>,
    buffer: Vec<u8>,
}

impl<'a> Load<'a> {
    fn connect(peer: &Peer, work: &'a Work, content: &'a mut Content) -> Outcome<Load<'a>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut links = Vec::new();
        for number in 0..CONNECTIONS {
            let socket = peer.connect()?;
            ioctl_fionbio(&socket, true)?;
            epoll::add(&epoll, &socket, EventData::new_u64(number as u64), EventFlags::IN)?;
            links.push(Link::new(socket));
        }
        let mut load = Load { work, content, epoll, links, buffer: vec![0; 256 << 10] };
        if work.rate.is_none() {
            for link in &mut load.links {
                link.ask(work, load.content, Instant::now())?;
            }
        }
        Ok(load)
    }

    /// Keeps the server busy for so long; answers how long each batch took.
    fn drive(&mut self, seconds: f64) -> Outcome<Vec<Duration>> {
        const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let work = self.work;
        let mut took = Vec::with_capacity(1 << 20);
        let mut events = Vec::with_capacity(CONNECTIONS);
        let started = Instant::now();
        let deadline = started + Duration::from_secs_f64(seconds);
        let gap = work.rate.map(|rate| Duration::from_secs(1) / rate);
        let timeout = gap.map(|_| &NOW);
        let (mut due, mut turn) = (started, 0);
        loop {
            let now = Instant::now();
            if now >= deadline {
                return Ok(took);
            }
            if let Some(gap) = gap {
                while due <= now {
                    self.links[turn % CONNECTIONS].ask(work, self.content, due)?;
                    (due, turn) = (due + gap, turn + 1);
                }
            }
            for link in &mut self.links {
                link.send()?;
            }
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout)?;
            for event in &events {
                let link = &mut self.links[event.data.u64() as usize];
                link.receive(&mut self.buffer)?;
                while let Some(asked) = link.answered() {
                    let now = Instant::now();
                    took.push(now - asked);
                    if gap.is_none() {
                        link.ask(work, self.content, now)?;
                    }
                }
            }
        }
    }
}

/// One connection of the load.
struct Link {
    socket: OwnedFd,
    /// What is to be sent, and how much of it is.
    request: Vec<u8>,
    sent: usize,
    /// What is to come, and how much of it has.
    reply: Vec<u8>,
    seen: usize,
    /// When each batch under way was asked, or was to be, and how long its reply is.
    asked: VecDeque<(Instant, usize)>,
}

impl Link {
    fn new(socket: OwnedFd) -> Link {
        let (request, reply) = (Vec::new(), Vec::new());
        Link { socket, request, sent: 0, reply, seen: 0, asked: VecDeque::new() }
    }

    fn ask(&mut self, work: &Work, content: &mut Content, when: Instant) -> Outcome<()> {
        let before = self.reply.len();
        content.batch(work, &mut self.request, &mut self.reply);
        self.asked.push_back((when, self.reply.len() - before));
        self.send()
    }

    /// Sends what the socket takes.
    fn send(&mut self) -> Outcome<()> {
        while self.sent < self.request.len() {
            match rustix::net::send(&self.socket, &self.request[self.sent..], SendFlags::NOSIGNAL) {
                Ok(count) => self.sent += count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        self.request.clear();
        self.sent = 0;
        Ok(())
    }

    /// Reads what has come, and compares.
    fn receive(&mut self, buffer: &mut [u8]) -> Outcome<()> {
        let count = match rustix::net::recv(&self.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((count, _)) => count,
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let (read, missing) = (&buffer[..count], &self.reply[self.seen..]);
        if count == 0 || !missing.starts_with(read) {
            let shown = |bytes: &[u8]| bytes[..bytes.len().min(200)].escape_ascii().to_string();
            let (read, missing) = (shown(read), shown(missing));
            return Err(format!("a wrong reply: {read:?} instead of {missing:?}").into());
        }
        self.seen += count;
        Ok(())
    }

    /// If the reply to the oldest batch is complete: when that was asked.
    fn answered(&mut self) -> Option<Instant> {
        let &(when, len) = self.asked.front()?;
        if self.seen < len {
            return None;
        }
        self.asked.pop_front();
        self.reply.drain(..len);
        self.seen -= len;
        Some(when)
    }
}
