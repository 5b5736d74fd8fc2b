//! The UDP sockets: bound by the main thread, read by every worker. All workers wait at the same socket, each through a
//! descriptor of its own; a datagram wakes one of them.

use super::{Exchange, HEADER};
use crate::buffer::Pool;
use crate::counters::Count;
use crate::dispatch::Desk;
use crate::listener::{Port, bind_all};
use crate::options::{Options, Protocol, Security, Verify};
use crate::server::{Peer, Stop};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketFlags,
    SocketType, sockopt,
};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the sockets' queues are asked to hold; the system gives what `net.core.rmem_max` and `wmem_max` allow. A burst of
/// requests waits there while the workers are busy, and a long reply while the network is.
const QUEUE_BYTES: usize = 8 << 20;

/// A bound UDP socket.
#[derive(Debug)]
pub struct Door {
    /// The socket.
    pub socket: OwnedFd,
    /// Its address.
    pub bound: SocketAddr,
    /// What is spoken there.
    pub protocol: Protocol,
}

impl Door {
    /// The name of its family in the port file.
    pub fn family(&self) -> &'static str {
        if self.bound.is_ipv4() { "INET" } else { "INET6" }
    }
}

/// Binds the UDP sockets the options ask for: one at each address of `-l`, or one of each family. A port named in `-l` is
/// the UDP port there, too, as it is memcached's.
pub fn open(options: &Options) -> Result<Vec<Door>, String> {
    if options.udp_port == 0 || options.unix_socket.is_some() {
        return Ok(Vec::new());
    }
    bind_all(options, Port::Unnamed(options.udp_port), |address, spoken| {
        if spoken.security == Security::Tls(Verify::Demanded) {
            return Err(
                "-U: a datagram shows no certificate, and clients are asked for one; leave -U out, or put notls: \
                 before the place in -l"
                    .into(),
            );
        }
        bind(address, spoken.protocol)
    })
}

fn bind(address: SocketAddr, protocol: Protocol) -> Result<Door, String> {
    let bind = || -> rustix::io::Result<Door> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
        if address.is_ipv6() {
            // The IPv4 side has its own socket.
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        let _ = sockopt::set_socket_recv_buffer_size(&socket, QUEUE_BYTES);
        let _ = sockopt::set_socket_send_buffer_size(&socket, QUEUE_BYTES);
        rustix::net::bind(&socket, &address)?;
        let bound = SocketAddr::try_from(rustix::net::getsockname(&socket)?)?;
        Ok(Door { socket, bound, protocol })
    };
    bind().map_err(|error| {
        format!("failed to listen on UDP {address}: {error}; is another server there?")
    })
}

/// A worker's share of a socket.
#[derive(Debug)]
struct Window {
    socket: OwnedFd,
    peer: Arc<Peer>,
    protocol: Protocol,
}

/// A worker's UDP side.
#[derive(Debug, Default)]
pub struct Post {
    windows: Vec<Window>,
    exchange: Exchange,
}

impl Post {
    /// The side of one worker; its epoll gets the data `first`, `first + 1`, ... for the sockets.
    pub fn new(doors: &[Door], epoll: &OwnedFd, first: u64, now: i64) -> io::Result<Post> {
        let mut windows = Vec::new();
        for (door, number) in doors.iter().zip(first..) {
            let socket = door.socket.try_clone()?;
            let events = EventFlags::IN | EventFlags::EXCLUSIVE;
            epoll::add(epoll, &socket, EventData::new_u64(number), events)?;
            let address = format!("udp{}:{}", &door.family()[4..], door.bound);
            let peer = Arc::new(Peer::new(socket.as_raw_fd(), address, String::new(), now));
            windows.push(Window { socket, peer, protocol: door.protocol });
        }
        Ok(Post { windows, exchange: Exchange::default() })
    }

    /// What `stats conns` shows.
    pub fn peers(&self) -> impl Iterator<Item = &Arc<Peer>> {
        self.windows.iter().map(|window| &window.peer)
    }

    /// Answers what waits at the socket of this number, but not for longer than a connection's turn: what is left is
    /// there when the others have had theirs.
    pub fn ready(
        &mut self,
        number: usize,
        desk: Desk<'_>,
        pool: &mut Pool,
        now: i64,
    ) -> Option<Stop> {
        let Window { socket, peer, protocol } = self.windows.get(number)?;
        let desk = Desk { fd: peer.fd, ..desk };
        let mut left = desk.server.options.requests_per_turn;
        while left > 0 {
            let room = spare_capacity(self.exchange.room(pool));
            let (count, sender) = match rustix::net::recvfrom(socket, room, RecvFlags::empty()) {
                Ok((count, _, sender)) => (count, sender),
                Err(Errno::AGAIN) => return None,
                // What an earlier reply met on its way.
                Err(_) => {
                    left -= 1;
                    continue;
                }
            };
            // Relaxed: a statistic.
            peer.last_command.store(now, Ordering::Relaxed);
            desk.counters.add(Count::BytesRead, count as u64);
            let mut send = |header: &[u8; HEADER], bytes: &[u8]| {
                let sent = sender.as_ref().and_then(|to| send(socket, to, header, bytes));
                desk.counters.add(Count::BytesWritten, sent.unwrap_or(0) as u64);
                sent.is_some()
            };
            let whom = (peer, *protocol);
            let (commands, stop) = self.exchange.answer(whom, desk, pool, &mut send);
            if stop.is_some() {
                return stop;
            }
            left = left.saturating_sub(commands.max(1));
        }
        desk.counters.add(Count::Yields, 1);
        None
    }
}

/// Sends one piece; nothing if there was no room for it.
fn send(
    socket: &OwnedFd,
    to: &SocketAddrAny,
    header: &[u8; HEADER],
    bytes: &[u8],
) -> Option<usize> {
    let parts = [IoSlice::new(header), IoSlice::new(bytes)];
    let mut nothing = SendAncillaryBuffer::default();
    rustix::net::sendmsg_addr(socket, to, &parts, &mut nothing, SendFlags::empty()).ok()
}
