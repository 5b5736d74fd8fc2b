//! The other end of a daemon's socket: connections that are kept, one for each call under way, and the shared near
//! tier, where hot keys are read without the socket.

use super::place::{Login, Place};
use crate::fork::Maker;
use crate::near::LEASE;
use crate::page::GoOn;
use crate::wire::{self, HEAD, HELLO, Reply, Request};
use crate::{Error, Value};
use nearcache::{Access, Cache, Home};
use parking_lot::{Mutex, RwLock};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a daemon may take to accept a connection or to send the next bytes of an answer, besides what was asked
/// for: it may have a disk that syncs slowly.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections that are kept for the next call.
const KEPT: usize = 64;

/// A daemon that is talked to.
pub struct Client {
    place: Place,
    idle: Mutex<Vec<(Maker, Connection)>>,
    /// The cache of hot keys, if the daemon shares one that this process can read; and by which name.
    near: RwLock<(Option<String>, Option<Cache>)>,
}

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

struct Connection {
    stream: Stream,
    has_greeted: bool,
    /// Nothing more can be asked on it.
    is_over: bool,
}

impl Client {
    /// Connects, to see that somebody is there.
    pub fn connect(place: Place) -> Result<Client, Error> {
        let client = Client { place, idle: Mutex::default(), near: RwLock::default() };
        let connection = client.dial()?;
        client.keep(connection);
        Ok(client)
    }

    /// A new connection.
    fn dial(&self) -> Result<Connection, Error> {
        let unreachable = |e: io::Error| {
            Error::Connection(format!(
                "cannot connect to {}: {e}; is nearcached running there, with --store or --queue?",
                self.place
            ))
        };
        let (stream, login) = match &self.place {
            Place::Unix(path, login) => (UnixStream::connect(path).map(Stream::Unix), login),
            Place::Tcp(address, login) => (dial_tcp(address).map(Stream::Tcp), login),
            Place::Directory(path) => {
                return Err(Error::Connection(format!("{} is no socket", path.display())));
            }
        };
        let stream = stream.map_err(unreachable)?;
        let mut connection = Connection { stream, has_greeted: false, is_over: false };
        let hello = Request::Hello { login: Login::clone(login) };
        match connection.call(&hello, Some(Duration::ZERO), &mut |_| true) {
            Ok(Reply::Welcome(welcome)) => {
                self.attach(welcome.near);
                Ok(connection)
            }
            Ok(other) => Err(unexpected(&other)),
            Err(Fault::Said(e)) => Err(e),
            Err(Fault::Unsent(e) | Fault::Unanswered(e)) => Err(unreachable(e)),
        }
    }

    /// Takes the cache that the daemon shares now. (Whoever opens a store empties the one that was shared before, so
    /// that what is in it is never older than what was acknowledged.)
    fn attach(&self, near: Option<String>) {
        if self.near.read().0 == near {
            return;
        }
        let open = |place: &str| {
            let mut options = nearcache::Options::new(0).home(Home::of(place).ok()?);
            options.access = Access::ReadOnly;
            // Without it every read goes to the daemon.
            options.open().ok()
        };
        let cache = near.as_deref().and_then(open);
        *self.near.write() = (near, cache);
    }

    /// A read of one key, without the socket if it is hot.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<Value>, Error> {
        let hot = self.near.read().1.as_ref().map(|cache| cache.get(key));
        if let Some(Ok(Some(value))) = hot
            && value.flags != LEASE
        {
            let nearcache::Value { data, flags, cas, ttl, .. } = value;
            return Ok(Some(Value { data, flags, cas, ttl }));
        }
        let request = Request::Get { keys: vec![key.to_vec().into()] };
        match self.call(&request, Some(Duration::ZERO), &mut |_| true)? {
            Reply::Values(mut values) => Ok(values.pop().flatten()),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks, and waits for the answer. The daemon may take `wait` longer than usual; `None`: as long as it lives.
    pub fn call(
        &self,
        request: &Request,
        wait: Option<Duration>,
        go_on: GoOn<'_>,
    ) -> Result<Reply, Error> {
        loop {
            let (mut connection, is_new) = match self.kept() {
                Some(connection) => (connection, false),
                None => (self.dial()?, true),
            };
            match connection.call(request, wait, go_on) {
                Ok(reply) => {
                    self.keep(connection);
                    return Ok(reply);
                }
                Err(Fault::Said(e)) => {
                    self.keep(connection);
                    return Err(e);
                }
                // The daemon has gone since the last call, and has not seen this one.
                Err(Fault::Unsent(_)) if !is_new => {}
                Err(Fault::Unanswered(_)) if !is_new && is_read(request) => {}
                Err(Fault::Unsent(e) | Fault::Unanswered(e)) => {
                    let known = match is_read(request) {
                        true => "nothing was changed",
                        false => "whether it has done what was asked is not known",
                    };
                    return Err(Error::Connection(format!(
                        "{} has not answered ({e}): {known}",
                        self.place
                    )));
                }
            }
        }
    }

    /// A connection of an earlier call that still stands. One of before a fork is the parent's.
    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        while let Some((maker, connection)) = idle.pop() {
            if maker.is_this() && connection.stands() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock();
        if idle.len() < KEPT && !connection.is_over {
            idle.push((Maker::this(), connection));
        }
    }
}

/// Why a call has no answer.
enum Fault {
    /// The daemon has answered that it failed.
    Said(Error),
    /// It cannot have been heard whole.
    Unsent(io::Error),
    /// It may have been heard.
    Unanswered(io::Error),
}

impl Connection {
    fn call(
        &mut self,
        request: &Request,
        wait: Option<Duration>,
        go_on: GoOn<'_>,
    ) -> Result<Reply, Fault> {
        let mut bytes = wire::encode(request).map_err(Fault::Said)?;
        if !self.has_greeted {
            self.has_greeted = true;
            bytes.splice(..0, HELLO);
        }
        self.stream.set_patience(Some(PATIENCE)).map_err(Fault::Unsent)?;
        if let Err(e) = (&self.stream).write_all(&bytes) {
            // A daemon that will not read it all has said why, and closed.
            self.is_over = true;
            return match self.hear(&mut bytes) {
                Ok(Reply::Failed(why)) => Err(Fault::Said(why)),
                _ => Err(Fault::Unsent(e)),
            };
        }
        let patience = wait.map(|wait| PATIENCE.saturating_add(wait));
        self.stream.set_patience(patience).map_err(Fault::Unanswered)?;
        loop {
            match self.hear(&mut bytes)? {
                Reply::Progress(progress) => {
                    if !go_on(progress) {
                        // The daemon sees it by the connection's end.
                        self.is_over = true;
                        return Err(Fault::Said(Error::Stopped));
                    }
                }
                Reply::Failed(e) => return Err(Fault::Said(e)),
                reply => return Ok(reply),
            }
        }
    }

    fn hear(&self, into: &mut Vec<u8>) -> Result<Reply, Fault> {
        let silent = |e: io::Error| match e.kind() {
            ErrorKind::WouldBlock => {
                io::Error::new(ErrorKind::TimedOut, "it was silent for too long")
            }
            _ => e,
        };
        let frame = read_frame(&self.stream, into).map_err(|e| Fault::Unanswered(silent(e)))?;
        wire::decode(frame).map_err(Fault::Said)
    }

    /// Is the other end there, with nothing to say?
    fn stands(&self) -> bool {
        let mut one = libc::pollfd { fd: self.stream.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor, which is open, and its place.
        unsafe { libc::poll(&mut one, 1, 0) == 0 }
    }
}

fn read_frame<'a>(mut stream: &Stream, into: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
    let mut head = [0; HEAD];
    stream.read_exact(&mut head)?;
    let len = u32::from_le_bytes(head) as usize;
    into.clear();
    // As it comes: what a foreign server says of its length takes no memory.
    let read = stream.take(len as u64).read_to_end(into)?;
    match read == len {
        true => Ok(into),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

impl Stream {
    fn set_patience(&self, time: Option<Duration>) -> io::Result<()> {
        match self {
            Stream::Unix(s) => s.set_read_timeout(time).and(s.set_write_timeout(time)),
            Stream::Tcp(s) => s.set_read_timeout(time).and(s.set_write_timeout(time)),
        }
    }

    fn fd(&self) -> RawFd {
        match self {
            Stream::Unix(stream) => stream.as_raw_fd(),
            Stream::Tcp(stream) => stream.as_raw_fd(),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&mut &*stream).read(buffer),
            Stream::Tcp(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => (&mut &*stream).write(bytes),
            Stream::Tcp(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn dial_tcp(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for one in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&one, PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

/// Does it change nothing?
fn is_read(request: &Request) -> bool {
    use Request::{
        Get, Hello, Peek, Prefix, QueueNames, QueueStats, Rget, Settings, StoreStats, Verify,
    };
    matches!(
        request,
        Hello { .. }
            | Get { .. }
            | Rget { .. }
            | Prefix { .. }
            | StoreStats
            | Peek { .. }
            | Settings { .. }
            | QueueStats { .. }
            | QueueNames
            | Verify
    )
}

/// The daemon has answered another question.
pub fn unexpected(reply: &Reply) -> Error {
    Error::Connection(format!("the daemon answered something else: {reply:?}"))
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("place", &self.place).finish_non_exhaustive()
    }
}
