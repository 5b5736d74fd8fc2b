//! What carries a conversation's bytes over a socket: the bare socket, or TLS on it.

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use std::os::fd::OwnedFd;

/// A connected stream. Neither call blocks: `Errno::AGAIN` means to wait until the socket is ready.
#[derive(Debug)]
pub enum Transport {
    /// The bare socket.
    Plain(OwnedFd),
}

impl Transport {
    /// The socket, to wait for.
    pub fn socket(&self) -> &OwnedFd {
        match self {
            Transport::Plain(socket) => socket,
        }
    }

    /// Appends what has come, as far as the buffer's spare capacity goes; 0 is the end of the stream.
    #[inline]
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        match self {
            Transport::Plain(socket) => {
                let room = spare_capacity(buffer);
                rustix::net::recv(socket, room, RecvFlags::empty()).map(|(count, _)| count)
            }
        }
    }

    /// Sends the beginning of `bytes`.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Transport::Plain(socket) => rustix::net::send(socket, bytes, SendFlags::NOSIGNAL),
        }
    }
}
