//! One event loop. Each worker thread owns its connections from accept to close; nothing but the cache is shared on
//! the way of a request.
//!
//! The loop sits on `rustix` and epoll rather than on `mio`: it wants level-triggered readiness (after one read that
//! did not fill its buffer there is no second read just to see `EAGAIN`, and a connection that must let others go
//! first needs no bookkeeping of unread sockets), which mio does not offer, and mio's portability buys nothing to a
//! server of unix sockets and eventfds on Linux. rustix's calls are safe, and are the bare system calls.

use crate::buffer::{OUTPUT_HIGH, Pool};
use crate::connection::{Connection, Shop, Turn};
use crate::conversation::Conversation;
use crate::counters::{Count, Counters};
use crate::dispatch::Desk;
use crate::durable::{Call, Role};
use crate::inbox::Inbox;
use crate::listener::Arrival;
use crate::protocol::reply;
use crate::server::{Server, Stop};
use crate::tls::{HANDSHAKE_SECONDS, Stream};
use crate::transport::Transport;
use crate::udp;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use std::cmp::Reverse;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The event data of the wake-up descriptor; connections have their slot's number.
const WAKE: u64 = u64::MAX;

/// The event data of the first UDP socket; the others' follow.
const DATAGRAMS: u64 = 1 << 63;

/// How many sockets are told ready at a time. They are all read and served, and then their replies are sent: to go
/// the same way through the kernel several times in a row keeps it in the processor's caches (a quarter less time for
/// gets of many keys). With a few at a time connections come up in the order in which their requests came; with 256,
/// a request that just missed a long round waited for two, and p99 was 1.4 times as high.
const EVENTS: usize = 16;

/// A connection in its slot.
#[derive(Debug)]
struct Slot {
    connection: Connection,
    /// What epoll watches for.
    interest: EventFlags,
    /// Is it in the list of those that go on at once?
    queued: bool,
    held: (usize, usize),
}

/// What connections hold for reading and for writing.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    bytes: (usize, usize),
    holders: (usize, usize),
}

impl Held {
    /// Is it more than this?
    fn over(&self, limits: (usize, usize)) -> bool {
        self.bytes.0 > limits.0 || self.bytes.1 > limits.1
    }

    /// One connection held `then` and holds `now`.
    fn change(&mut self, then: (usize, usize), now: (usize, usize)) {
        self.bytes.0 = self.bytes.0 + now.0 - then.0;
        self.bytes.1 = self.bytes.1 + now.1 - then.1;
        self.holders.0 = self.holders.0 + usize::from(now.0 > 0) - usize::from(then.0 > 0);
        self.holders.1 = self.holders.1 + usize::from(now.1 > 0) - usize::from(then.1 > 0);
    }
}

/// A worker.
#[derive(Debug)]
pub struct Worker {
    server: Arc<Server>,
    counters: Arc<Counters>,
    inbox: Arc<Inbox>,
    epoll: OwnedFd,
    post: udp::Post,
    slots: Vec<Option<Slot>>,
    free: Vec<usize>,
    /// Slots that go on at once, in turn.
    queue: Vec<usize>,
    /// Slots with replies to send.
    senders: Vec<usize>,
    pool: Pool,
    /// Bytes held by the connections, and how many hold any.
    held: Held,
    /// What they may hold.
    limits: (usize, usize),
    /// Do they hold more?
    crowded: bool,
    now: i64,
    swept: i64,
}

impl Worker {
    /// The worker of this number.
    pub fn new(
        server: Arc<Server>,
        number: usize,
        inbox: Arc<Inbox>,
        doors: &[udp::Door],
    ) -> io::Result<Worker> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, inbox.as_ref(), EventData::new_u64(WAKE), EventFlags::IN)?;
        let threads = server.options.threads as u64;
        let item_size_max = server.cache.item_size_max();
        let share = |limit: u64| match limit {
            0 => usize::MAX,
            // The largest item comes and goes in any case.
            limit => ((limit / threads) as usize).max(2 * (item_size_max + 2 * OUTPUT_HIGH)),
        };
        let now = server.cache.unix_time();
        let post = udp::Post::new(doors, &epoll, DATAGRAMS, now)?;
        for peer in post.peers() {
            server.connections.open(peer);
        }
        Ok(Worker {
            limits: (share(server.options.read_memory), share(server.options.reply_memory)),
            counters: Arc::clone(&server.counters[number]),
            server,
            inbox,
            epoll,
            post,
            slots: Vec::new(),
            free: Vec::new(),
            queue: Vec::new(),
            senders: Vec::with_capacity(EVENTS),
            pool: Pool::default(),
            held: Held::default(),
            crowded: false,
            now,
            swept: now,
        })
    }

    /// Serves until the server stops.
    pub fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        while !self.server.stopping() {
            events.clear();
            match self.wait(&mut events) {
                Ok(()) | Err(Errno::INTR) => {}
                Err(error) => {
                    eprintln!("nearcached: epoll failed: {error}; the server ends");
                    request_stop(Stop::Now);
                    return;
                }
            }
            self.now = self.server.cache.unix_time();
            self.go_on(events.is_empty());
            let mut woken = false;
            let count = events.len();
            let more = count == EVENTS;
            for (index, event) in events.iter().enumerate() {
                match event.data.u64() {
                    WAKE => woken = true,
                    data @ DATAGRAMS.. => self.datagrams((data - DATAGRAMS) as usize),
                    slot => self.ready(slot as usize, event.flags, more || index + 1 < count),
                }
            }
            self.deliver();
            // After the events: a slot freed by one of them must not be another connection's for the next.
            if woken {
                let (arrivals, answered) = self.inbox.take();
                self.welcome(arrivals);
                self.hand_out(answered);
            }
            self.relieve();
            self.sweep();
            self.note();
        }
        for slot in 0..self.slots.len() {
            self.close(slot, "shutdown");
        }
    }

    fn wait(&self, events: &mut Vec<epoll::Event>) -> Result<(), Errno> {
        const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        const SECOND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
        let timeout = match (self.queue.is_empty(), self.sweeps()) {
            (false, _) => Some(&NOW),
            (true, false) => None,
            (true, true) => Some(&SECOND),
        };
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), timeout)?;
        Ok(())
    }

    /// The connections that had to let others go first.
    fn go_on(&mut self, alone: bool) {
        let queue = std::mem::take(&mut self.queue);
        let count = queue.len();
        for slot in queue {
            self.turn(slot, !alone || count > 1, Connection::again);
        }
        self.deliver();
    }

    fn ready(&mut self, slot: usize, flags: EventFlags, more: bool) {
        let Some(Some(found)) = self.slots.get(slot) else {
            return;
        };
        // One that goes on at once anyway has had its turn; one that waits for an answer goes on with that, even if its
        // client is gone: what it has asked for before is still done.
        if found.queued || found.interest == EventFlags::ET {
            return;
        }
        let others_wait = more || !self.queue.is_empty();
        if found.interest.contains(EventFlags::OUT) {
            self.turn(slot, others_wait, Connection::writable);
        } else if flags.intersects(EventFlags::IN | EventFlags::ERR | EventFlags::HUP) {
            self.turn(slot, others_wait, Connection::readable);
        }
    }

    /// Sends the replies that are ready.
    fn deliver(&mut self) {
        let mut senders = std::mem::take(&mut self.senders);
        for slot in senders.drain(..) {
            self.turn(slot, true, Connection::deliver);
        }
        self.senders = senders;
    }

    fn datagrams(&mut self, number: usize) {
        let desk = Desk { server: &self.server, counters: &self.counters, fd: -1 };
        if let Some(stop) = self.post.ready(number, desk, &mut self.pool, self.now) {
            request_stop(stop);
        }
    }

    fn turn(
        &mut self,
        slot: usize,
        others_wait: bool,
        work: fn(&mut Connection, &mut Shop<'_>) -> Turn,
    ) {
        let Some(Some(found)) = self.slots.get_mut(slot) else {
            return;
        };
        found.queued = false;
        let mut shop = Shop {
            desk: Desk {
                server: &self.server,
                counters: &self.counters,
                fd: found.connection.peer().fd,
            },
            pool: &mut self.pool,
            others_wait,
            now: self.now,
        };
        let turn = work(&mut found.connection, &mut shop);
        let held = found.connection.held();
        if held != found.held {
            self.held.change(found.held, held);
            found.held = held;
            self.crowded |= self.held.over(self.limits);
        }
        let interest = match turn {
            Turn::Read => EventFlags::IN,
            Turn::Send => {
                self.senders.push(slot);
                EventFlags::IN
            }
            Turn::Write => EventFlags::OUT,
            Turn::Again => {
                found.queued = true;
                self.queue.push(slot);
                EventFlags::IN
            }
            // That the client has gone is told all the same; once, so that it does no harm.
            Turn::Wait => EventFlags::ET,
            Turn::Close => return self.close(slot, "normal"),
            Turn::Watch => return self.hand_over(slot),
            Turn::Stop(stop) => {
                self.close(slot, "normal");
                return request_stop(stop);
            }
        };
        if interest != found.interest {
            found.interest = interest;
            let data = EventData::new_u64(slot as u64);
            if epoll::modify(&self.epoll, found.connection.socket(), data, interest).is_err() {
                self.close(slot, "error");
            }
        }
    }

    /// Goes on with the connections whose answers have come. One that cannot be written, or has its turn soon, finds
    /// them then.
    fn hand_out(&mut self, answered: Vec<usize>) {
        for slot in answered {
            let Some(Some(found)) = self.slots.get(slot) else {
                continue;
            };
            if !found.queued && !found.interest.contains(EventFlags::OUT) {
                self.turn(slot, true, Connection::again);
            }
        }
        self.deliver();
    }

    /// Takes in the connections dealt to this worker.
    fn welcome(&mut self, arrivals: Vec<Arrival>) {
        for Arrival { socket, peer, protocol, role, tls } in arrivals {
            let transport = match tls {
                None => Transport::Plain(socket),
                Some(config) => {
                    let buffer = self.server.options.tls_options.buffer;
                    match Stream::new(socket, config, buffer) {
                        Ok(stream) => Transport::Tls(Box::new(stream)),
                        Err((socket, error)) => {
                            eprintln!("nearcached: TLS with {} failed: {error}", peer.address);
                            self.server.connections.close(peer.fd);
                            drop(socket);
                            continue;
                        }
                    }
                }
            };
            let slot = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            });
            let data = EventData::new_u64(slot as u64);
            let added = epoll::add(&self.epoll, transport.socket(), data, EventFlags::IN);
            if self.server.verbosity() > 1 {
                eprintln!("<{} new {protocol} client connection", peer.fd);
            }
            self.server.log.conn_new(peer.fd, &peer.address);
            let conversation = match role {
                Role::Cache => Conversation::new(peer, protocol),
                role => {
                    let call = Call::new(Arc::clone(&self.inbox), slot);
                    Conversation::durable(peer, protocol, role, call)
                }
            };
            self.slots[slot] = Some(Slot {
                connection: Connection::new(transport, conversation),
                interest: EventFlags::IN,
                queued: false,
                held: (0, 0),
            });
            if let Err(error) = added {
                if self.server.verbosity() > 0 {
                    eprintln!("nearcached: epoll did not take a connection: {error}");
                }
                self.close(slot, "error");
            }
        }
    }

    /// Takes a connection out of its slot.
    fn release(&mut self, slot: usize) -> Option<Connection> {
        let found = self.slots[slot].take()?;
        self.held.change(found.held, (0, 0));
        self.queue.retain(|&queued| queued != slot);
        self.free.push(slot);
        Some(found.connection)
    }

    /// The connection is the log's from now on.
    fn hand_over(&mut self, slot: usize) {
        let Some(connection) = self.release(slot) else {
            return;
        };
        let _ = epoll::delete(&self.epoll, connection.socket());
        if let Some(watcher) = connection.into_watcher() {
            self.server.log.take_over(watcher);
        }
    }

    fn close(&mut self, slot: usize, reason: &'static str) {
        let Some(connection) = self.release(slot) else {
            return;
        };
        let peer = connection.peer();
        let fd = peer.fd;
        self.server.log.conn_close(fd, &peer.address, reason);
        if self.server.verbosity() > 1 {
            eprintln!("<{fd} connection closed.");
        }
        self.server.connections.close(fd);
    }

    /// `-o read_buf_mem_limit` and `resp_obj_mem_limit`: whoever has sent nothing for longest, and of these the one
    /// that holds most, makes room for the others.
    fn relieve(&mut self) {
        if !std::mem::take(&mut self.crowded) {
            return;
        }
        for (count, held) in [
            (Count::ReadOom, (|held| held.0) as fn((usize, usize)) -> usize),
            (Count::ReplyOom, |held| held.1),
        ] {
            while held(self.held.bytes) > held(self.limits) {
                let holders = self.slots.iter().enumerate().filter_map(|(number, slot)| {
                    let slot = slot.as_ref().filter(|slot| held(slot.held) > 0)?;
                    // Relaxed: this thread is the one that stores it.
                    let last = slot.connection.peer().last_command.load(Ordering::Relaxed);
                    Some((last, Reverse(held(slot.held)), number))
                });
                let Some((_, _, number)) = holders.min() else {
                    break;
                };
                if let (Count::ReadOom, Some(slot)) = (count, &mut self.slots[number]) {
                    slot.connection.refuse(reply::NO_MEMORY_READING);
                }
                self.counters.add(count, 1);
                self.close(number, "error");
            }
        }
    }

    /// Are there connections that may be silent for too long?
    fn sweeps(&self) -> bool {
        self.server.options.idle_timeout > 0 || self.server.options.tls
    }

    /// Once a second, closes the connections that have been silent for longer than `-o idle_timeout`, and those that
    /// do not get done with their handshake.
    fn sweep(&mut self) {
        if !self.sweeps() || self.now == self.swept {
            return;
        }
        let limit = match self.server.options.idle_timeout {
            0 => i64::MAX,
            seconds => i64::from(seconds),
        };
        self.swept = self.now;
        for slot in 0..self.slots.len() {
            let Some(found) = &self.slots[slot] else {
                continue;
            };
            // Relaxed: this thread is the one that stores it.
            let last = found.connection.peer().last_command.load(Ordering::Relaxed);
            let silent = self.now - last;
            let handshaking = found.connection.is_handshaking();
            if handshaking && silent > limit.min(HANDSHAKE_SECONDS) {
                self.counters.add(Count::HandshakeErrors, 1);
                self.close(slot, "error");
            } else if silent > limit && found.interest != EventFlags::ET {
                self.counters.add(Count::IdleKicks, 1);
                self.close(slot, "idle_timeout");
            }
        }
    }

    /// Notes what the buffers hold, for `stats`.
    fn note(&self) {
        let Held { bytes, holders } = self.held;
        self.counters.read_buffer_bytes.set(bytes.0 as u64);
        self.counters.write_buffer_bytes.set(bytes.1 as u64);
        self.counters.read_buffers.set(holders.0 as u64);
        self.counters.write_buffers.set(holders.1 as u64);
        self.counters.pooled_bytes.set(self.pool.bytes() as u64);
    }
}

/// Ends the server the way it always ends: by a signal to the main thread.
pub fn request_stop(stop: Stop) {
    let signal = match stop {
        Stop::Now => Signal::INT,
        Stop::Graceful => Signal::USR1,
    };
    let _ = kill_process(getpid(), signal);
}
