//! The machine's own memcached, to compare with.

use super::{Place, eventually};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

/// A running memcached on a unix socket; killed when dropped.
pub struct Memcached {
    child: Child,
    pub place: Place,
}

impl Memcached {
    /// `None` if there is none on this machine.
    pub fn start() -> Option<Memcached> {
        let place = Place::new();
        let socket = place.0.join("socket");
        let child = Command::new("memcached")
            .args(["-u", "root", "-t", "1", "-s"])
            .arg(&socket)
            .stdin(Stdio::null())
            .spawn()
            .ok()?;
        eventually(|| UnixStream::connect(&socket).ok());
        Some(Memcached { child, place })
    }
}

impl Drop for Memcached {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
