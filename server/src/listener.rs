//! The doors: which sockets are bound, and who is let in. The main thread accepts, counts, and deals the connections
//! out to the workers in turn.

mod places;

pub(crate) use places::{Port, Prefixed, bind_all};

use crate::durable::Role;
use crate::inbox::Inbox;
use crate::options::{Options, Protocol, Security};
use crate::protocol::reply;
use crate::server::{Peer, Server};
use crate::tls;
use crate::udp;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::net::sockopt;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags,
    SocketType,
};
use rustls::ServerConfig;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many connections are accepted before the loop looks for signals again.
const ACCEPTS: usize = 64;

/// A bound socket.
#[derive(Debug)]
pub struct Listener {
    /// The socket.
    pub socket: OwnedFd,
    /// Its address, as memcached writes it.
    pub address: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// With whom.
    pub role: Role,
    /// What protects it.
    pub security: Security,
    /// The port and the name of its family in the port file; `None` of a unix socket.
    inet: Option<(u16, &'static str)>,
}

/// A connection that was let in, on its way to a worker.
#[derive(Debug)]
pub struct Arrival {
    /// The socket.
    pub socket: OwnedFd,
    /// The other end.
    pub peer: Arc<Peer>,
    /// What may be spoken.
    pub protocol: Protocol,
    /// With whom.
    pub role: Role,
    /// The certificate to show, if it is to be under TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// All bound sockets. The unix sockets' files go away with this.
#[derive(Debug)]
pub struct Doors {
    /// The sockets.
    pub listeners: Vec<Listener>,
    /// The UDP sockets, which the workers read.
    pub datagrams: Vec<udp::Door>,
    unix_sockets: Vec<PathBuf>,
    /// A descriptor to give up when there is no other, so that whoever waits can be told.
    spare: Option<OwnedFd>,
    /// Which worker is next.
    turn: usize,
}

impl Drop for Doors {
    fn drop(&mut self) {
        for path in &self.unix_sockets {
            let _ = fs::remove_file(path);
        }
    }
}

/// What became of an attempt to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Nobody is waiting any more, or enough were let in for now.
    Done,
    /// No descriptor is left, or the limit is reached and the rest is to wait: try again when one has gone.
    Full,
}

impl Doors {
    /// Binds the ports that the options name. The error says what could not be bound.
    pub fn open(options: &Options) -> Result<Doors, String> {
        let datagrams = udp::open(options)?;
        let mut doors = Doors {
            listeners: Vec::new(),
            datagrams,
            unix_sockets: Vec::new(),
            spare: spare(),
            turn: 0,
        };
        if options.unix_socket.is_none() && options.port != 0 {
            doors.bind(Role::Cache, Port::Unnamed(options.port), options)?;
        }
        for (role, asked) in options.roles() {
            if asked.port() != 0 {
                doors.bind(role, Port::Own(asked.port()), options)?;
            }
        }
        Ok(doors)
    }

    fn bind(&mut self, role: Role, port: Port, options: &Options) -> Result<(), String> {
        let bound = bind_all(options, port, |address, spoken| tcp(address, role, spoken, options))?;
        self.listeners.extend(bound);
        Ok(())
    }

    /// Makes the files: the unix sockets, and `MEMCACHED_PORT_FILENAME`, without which memcached starts, too. They
    /// belong to whom the process runs as now.
    pub fn make_files(&mut self, options: &Options) -> Result<(), String> {
        let cache = options.unix_socket.iter().map(|path| (Role::Cache, path));
        let roles =
            options.roles().filter_map(|(role, asked)| Some((role, asked.socket.as_ref()?)));
        for (role, path) in cache.chain(roles) {
            self.listeners.push(unix(path, role, options)?);
            self.unix_sockets.push(path.clone());
        }
        let has_ports = options.unix_socket.is_none() || options.roles().next().is_some();
        if let Some(path) = std::env::var_os("MEMCACHED_PORT_FILENAME").filter(|_| has_ports)
            && let Err(error) = self.write_ports(Path::new(&path))
        {
            eprintln!("nearcached: cannot write {}: {error}", Path::new(&path).display());
        }
        Ok(())
    }

    /// The first UDP port, or 0.
    pub fn udp_port(&self) -> u16 {
        self.datagrams.first().map_or(0, |door| door.bound.port())
    }

    /// The cache's first TCP port, or 0.
    pub fn port(&self) -> u16 {
        self.port_of(Role::Cache)
    }

    /// A role's first TCP port, or 0.
    pub fn port_of(&self, role: Role) -> u16 {
        let listeners = self.listeners.iter().filter(|listener| listener.role == role);
        let mut ports = listeners.filter_map(|listener| listener.inet);
        ports.next().map_or(0, |(port, _)| port)
    }

    /// `MEMCACHED_PORT_FILENAME`: whoever waits for the file finds it complete, for it is renamed into place.
    fn write_ports(&self, path: &Path) -> io::Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".lck");
        let mut file = fs::File::create(&unfinished)?;
        for listener in &self.listeners {
            let Some((port, family)) = listener.inet else {
                continue;
            };
            // Who knows memcached's file alone finds the cache's ports.
            let name = match listener.role {
                Role::Cache => "TCP",
                Role::Store => "STORE",
                Role::Queue => "QUEUE",
            };
            writeln!(file, "{name} {family}: {port}")?;
        }
        for door in &self.datagrams {
            writeln!(file, "UDP {}: {}", door.family(), door.bound.port())?;
        }
        drop(file);
        fs::rename(&unfinished, path)
    }

    /// Lets in whoever waits at this listener.
    pub fn accept(&mut self, number: usize, server: &Server, inboxes: &[Arc<Inbox>]) -> Accepted {
        let listener = &self.listeners[number];
        for _ in 0..ACCEPTS {
            if !server.options.refuse_over_limit
                && server.connections.current() >= server.options.connections as u64
            {
                return Accepted::Full;
            }
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let (socket, address) = match rustix::net::acceptfrom_with(&listener.socket, flags) {
                Ok(accepted) => accepted,
                Err(Errno::MFILE | Errno::NFILE)
                    if server.options.refuse_over_limit && self.spare.take().is_some() =>
                {
                    if let Ok(socket) = rustix::net::accept_with(&listener.socket, flags) {
                        server.connections.reject();
                        turn_away(&socket, listener.security);
                    }
                    self.spare = spare();
                    continue;
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    if self.spare.is_none() {
                        self.spare = spare();
                    }
                    if server.verbosity() > 0 {
                        eprintln!(
                            "nearcached: too many open files: no connection is accepted until one closes"
                        );
                    }
                    return Accepted::Full;
                }
                Err(Errno::AGAIN) => return Accepted::Done,
                // The client has gone already, or the like: on to the next.
                Err(_) => continue,
            };
            let tls = match listener.security {
                Security::Plain => None,
                Security::Tls(verify) => {
                    match server.tls.as_ref().and_then(|tls| tls.config(verify)) {
                        Some(config) => Some(config),
                        // Never in plain where TLS was asked for.
                        None => continue,
                    }
                }
            };
            if !server.connections.admit(server.options.connections) {
                server.connections.reject();
                turn_away(&socket, listener.security);
                continue;
            }
            if listener.inet.is_some() {
                let _ = sockopt::set_tcp_nodelay(&socket, true);
                let _ = sockopt::set_socket_keepalive(&socket, true);
            }
            let peer = Arc::new(Peer::new(
                socket.as_raw_fd(),
                peer_address(address, &listener.address),
                listener.address.clone(),
                server.cache.unix_time(),
            ));
            server.connections.open(&peer);
            let (protocol, role) = (listener.protocol, listener.role);
            inboxes[self.turn % inboxes.len()].deal(Arrival { socket, peer, protocol, role, tls });
            self.turn = self.turn.wrapping_add(1);
        }
        Accepted::Done
    }
}

/// A descriptor of nothing.
fn spare() -> Option<OwnedFd> {
    fs::File::open("/dev/null").ok().map(OwnedFd::from)
}

/// Says why, and closes. What the client has sent already is read: closing a socket with unread bytes resets the
/// connection, and the client might never see the sentence.
fn turn_away(socket: &OwnedFd, security: Security) {
    let words = match security {
        Security::Plain => reply::TOO_MANY_CONNECTIONS,
        Security::Tls(_) => tls::ALERT,
    };
    let _ = rustix::net::send(socket, words, SendFlags::NOSIGNAL);
    let _ = rustix::net::shutdown(socket, Shutdown::Write);
    let mut unread = [0u8; 4096];
    let _ = rustix::net::recv(socket, &mut unread[..], RecvFlags::DONTWAIT);
}

fn peer_address(address: Option<SocketAddrAny>, listener: &str) -> String {
    match address.map(SocketAddr::try_from) {
        Some(Ok(address)) => tcp_name(address),
        _ => listener.to_string(),
    }
}

fn tcp_name(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(_) => format!("tcp:{address}"),
        SocketAddr::V6(_) => format!("tcp6:{address}"),
    }
}

fn tcp(
    address: SocketAddr,
    role: Role,
    spoken: &Prefixed<'_>,
    options: &Options,
) -> Result<Listener, String> {
    let bind = || -> rustix::io::Result<(OwnedFd, SocketAddr)> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let socket = listening_socket(family)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            // The IPv4 side has its own socket.
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
        rustix::net::bind(&socket, &address)?;
        rustix::net::listen(&socket, options.backlog)?;
        let bound = rustix::net::getsockname(&socket)?;
        Ok((socket, SocketAddr::try_from(bound)?))
    };
    let (socket, bound) = bind().map_err(|error| {
        format!("failed to listen on TCP {address}: {error}; is another server there?")
    })?;
    let family = if bound.is_ipv4() { "INET" } else { "INET6" };
    Ok(Listener {
        socket,
        address: tcp_name(bound),
        protocol: spoken.protocol,
        role,
        security: spoken.security,
        inet: Some((bound.port(), family)),
    })
}

fn listening_socket(family: AddressFamily) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    rustix::net::socket_with(family, SocketType::STREAM, flags, None)
}

fn unix(path: &Path, role: Role, options: &Options) -> Result<Listener, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("failed to listen on UNIX socket {}: {error}", path.display())
    };
    // A socket left by a server that was killed is in the way; anything else is somebody's file.
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(failed(&"there is a file of that name that is no socket"));
        }
        fs::remove_file(path).map_err(|error| failed(&error))?;
    }
    let bind = || -> rustix::io::Result<OwnedFd> {
        let address = SocketAddrUnix::new(path)?;
        let socket = listening_socket(AddressFamily::UNIX)?;
        // The mask is in force from the moment the file exists.
        let before = rustix::process::umask(Mode::from_raw_mode(!options.unix_mask & 0o777));
        let bound = rustix::net::bind(&socket, &address);
        rustix::process::umask(before);
        bound?;
        rustix::net::listen(&socket, options.backlog)?;
        Ok(socket)
    };
    Ok(Listener {
        socket: bind().map_err(|error| failed(&error))?,
        address: format!("unix:{}", path.display()),
        protocol: options.protocol,
        role,
        // As in memcached: what goes through a file of this machine is not seen by others.
        security: Security::Plain,
        inet: None,
    })
}
