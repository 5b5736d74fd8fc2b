//! What carries a conversation's bytes over a socket: the bare socket, or TLS on it.

use crate::tls::{News, Stream};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown};
use std::os::fd::OwnedFd;

/// A connected stream. Neither call blocks: `Errno::AGAIN` means to wait until the socket is ready.
#[derive(Debug)]
pub enum Transport {
    /// The bare socket.
    Plain(OwnedFd),
    /// TLS.
    Tls(Box<Stream>),
}

impl Transport {
    /// The socket, to wait for.
    pub fn socket(&self) -> &OwnedFd {
        match self {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => stream.socket(),
        }
    }

    /// Is there something to read though nothing is left in the socket?
    #[inline]
    pub fn has_unread(&self) -> bool {
        matches!(self, Transport::Tls(stream) if stream.has_unread())
    }

    /// Is there something to send besides what is written?
    #[inline]
    pub fn wants_write(&self) -> bool {
        matches!(self, Transport::Tls(stream) if stream.wants_write())
    }

    /// Have the two ends still to agree on how to talk?
    pub fn is_handshaking(&self) -> bool {
        matches!(self, Transport::Tls(stream) if stream.is_handshaking())
    }

    /// Bytes held for reading and for writing.
    #[inline]
    pub fn held(&self) -> (usize, usize) {
        match self {
            Transport::Plain(_) => (0, 0),
            Transport::Tls(stream) => stream.held(),
        }
    }

    /// What is to be counted, once.
    #[inline]
    pub fn news(&mut self) -> Option<News> {
        match self {
            Transport::Plain(_) => None,
            Transport::Tls(stream) => stream.news(),
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
            Transport::Tls(stream) => stream.read(buffer),
        }
    }

    /// Nothing more is sent. What has come is read and forgotten: closing a socket with unread bytes resets the
    /// connection, and the client might never see what was sent last.
    pub fn finish(&self) {
        let _ = rustix::net::shutdown(self.socket(), Shutdown::Write);
        let mut unread = [0u8; 16 << 10];
        for _ in 0..64 {
            match rustix::net::recv(self.socket(), &mut unread[..], RecvFlags::DONTWAIT) {
                Ok((1.., _)) => {}
                _ => break,
            }
        }
    }

    /// Sends the beginning of `bytes`, or takes it in to be sent: see [`Transport::flush`].
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        match self {
            Transport::Plain(socket) => rustix::net::send(socket, bytes, SendFlags::NOSIGNAL),
            Transport::Tls(stream) => stream.write(bytes),
        }
    }

    /// Sends what was taken in.
    #[inline]
    pub fn flush(&mut self) -> Result<(), Errno> {
        match self {
            Transport::Plain(_) => Ok(()),
            Transport::Tls(stream) => stream.flush(),
        }
    }
}
