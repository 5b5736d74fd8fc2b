//! Where a store is, as text: a directory, or a daemon's socket.

use crate::Error;
use std::fmt;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

/// Where a store and its queues are.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory, which this process is to own.
    Directory(PathBuf),
    /// The unix socket of a daemon.
    Unix(PathBuf, Login),
    /// Host and port of a daemon.
    Tcp(String, Login),
}

/// A user's name and password.
pub type Login = Option<(String, String)>;

impl Place {
    /// `unix:PATH` and `tcp:HOST:PORT` are sockets; anything else is a path, of a socket if there is one, else of a
    /// directory. Where the daemon asks who one is, `USER:PASSWORD@` goes before PATH or HOST.
    pub fn parse(text: &str) -> Result<Place, Error> {
        if text.is_empty() || text.contains('\0') {
            return Err(Error::InvalidOptions(
                "where is the store? A directory, a daemon's socket as unix:PATH, or tcp:HOST:PORT"
                    .into(),
            ));
        }
        if let Some(rest) = text.strip_prefix("unix:") {
            let (login, path) = split_login(rest);
            if path.is_empty() {
                return Err(Error::InvalidOptions("unix: is followed by the socket's path".into()));
            }
            return Ok(Place::Unix(path.into(), login));
        }
        if let Some(rest) = text.strip_prefix("tcp:") {
            let (login, address) = split_login(rest.trim_start_matches("//"));
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                return Err(Error::InvalidOptions(format!(
                    "{address:?} is no address: tcp: is followed by HOST:PORT"
                )));
            }
            return Ok(Place::Tcp(address.to_string(), login));
        }
        let path = PathBuf::from(text);
        let is_socket = path.metadata().is_ok_and(|found| found.file_type().is_socket());
        Ok(if is_socket { Place::Unix(path, None) } else { Place::Directory(path) })
    }
}

fn split_login(text: &str) -> (Login, &str) {
    let split =
        text.rsplit_once('@').and_then(|(login, rest)| Some((login.split_once(':')?, rest)));
    match split {
        Some(((user, password), rest)) => (Some((user.to_string(), password.to_string())), rest),
        None => (None, text),
    }
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) => write!(f, "{}", path.display()),
            Place::Unix(path, _) => write!(f, "unix:{}", path.display()),
            Place::Tcp(address, _) => write!(f, "tcp:{address}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
