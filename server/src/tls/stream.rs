//! TLS on one socket: bytes of a conversation in and out, records on the wire. Nothing blocks, and little is held: at
//! most one record that is not whole, what one read brought more than there was room for, and `ssl_wbuf_size` bytes
//! that are encrypted and not yet sent.

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use rustls::{Error, HandshakeKind, ServerConfig, ServerConnection};
use std::cell::RefCell;
use std::io::{self, BufRead, IoSlice, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What one read of the socket takes at most.
const READ_SIZE: usize = 32 << 10;

/// So many reads may bring nothing for the conversation (a handshake does) before others have their turn.
const FRUITLESS: usize = 16;

thread_local! {
    /// Where the thread reads records, on their way to be decrypted at once.
    static RECORDS: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// What is to be counted about a stream.
#[derive(Debug)]
pub enum News {
    /// Its handshake is done, and the session is a new one.
    NewSession,
    /// Its handshake is done, and the session goes on from an earlier connection.
    Resumed,
    /// Its handshake failed.
    NoHandshake(String),
    /// What came behind the handshake is no TLS.
    NoRecord(String),
}

/// A socket under TLS.
#[derive(Debug)]
pub struct Stream {
    socket: OwnedFd,
    session: ServerConnection,
    handshaking: bool,
    /// The client will send no more.
    ended: bool,
    /// An error was met, and told the client: there is nothing more to say.
    failed: bool,
    /// Decrypted and not yet taken.
    unread: usize,
    /// Encrypted and not yet sent, about.
    queued: usize,
    news: Option<News>,
}

impl Stream {
    /// The server's side, at its beginning. If there can be none, the socket is given back.
    pub fn new(
        socket: OwnedFd,
        config: Arc<ServerConfig>,
        buffer: usize,
    ) -> Result<Stream, (OwnedFd, Error)> {
        let mut session = match ServerConnection::new(config) {
            Ok(session) => session,
            Err(error) => return Err((socket, error)),
        };
        session.set_buffer_limit(Some(buffer));
        Ok(Stream {
            socket,
            session,
            handshaking: true,
            ended: false,
            failed: false,
            unread: 0,
            queued: 0,
            news: None,
        })
    }

    /// The socket, to wait for.
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Is there something to read though nothing is left in the socket?
    pub fn has_unread(&self) -> bool {
        self.unread > 0 || self.ended
    }

    /// Is there something to send?
    pub fn wants_write(&self) -> bool {
        self.session.wants_write() && !self.failed
    }

    /// Is it not yet known who speaks?
    pub fn is_handshaking(&self) -> bool {
        self.handshaking
    }

    /// Bytes held for reading and for writing. What rustls keeps of every connection, busy or idle, is not among them:
    /// to close the idle ones would make no room for the others.
    pub fn held(&self) -> (usize, usize) {
        (self.unread, self.queued)
    }

    /// What is to be counted, once.
    pub fn news(&mut self) -> Option<News> {
        self.news.take()
    }

    /// Appends what has come, as far as the buffer's spare capacity goes; 0 is the end.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
        let before = buffer.len();
        self.take(buffer);
        for _ in 0..FRUITLESS {
            if buffer.len() > before || self.ended {
                return Ok(buffer.len() - before);
            }
            self.receive(buffer)?;
        }
        Err(Errno::AGAIN)
    }

    /// Takes in the beginning of `bytes`, and sends what the socket takes of it.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.flush()?;
        let count = self.session.writer().write(bytes).map_err(errno)?;
        self.queued += count;
        match self.flush() {
            Ok(()) | Err(Errno::AGAIN) => Ok(count),
            Err(error) => Err(error),
        }
    }

    /// Sends what is encrypted and waits.
    pub fn flush(&mut self) -> Result<(), Errno> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Socket(&self.socket)) {
                Ok(count) => self.queued = self.queued.saturating_sub(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(errno(error)),
            }
        }
        self.queued = 0;
        Ok(())
    }

    /// Moves what is decrypted into the buffer, as far as there is room.
    fn take(&mut self, buffer: &mut Vec<u8>) {
        let mut reader = self.session.reader();
        while buffer.len() < buffer.capacity() {
            match reader.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    return;
                }
                Ok(chunk) => {
                    let count = chunk.len().min(buffer.capacity() - buffer.len());
                    buffer.extend_from_slice(&chunk[..count]);
                    reader.consume(count);
                    self.unread = self.unread.saturating_sub(count);
                }
                Err(_) => return,
            }
        }
    }

    /// One read of the socket. It takes no more than the buffer has room for, so that what is decrypted more than
    /// that is less than one record, for which rustls has room.
    fn receive(&mut self, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        RECORDS.with_borrow_mut(|records| {
            let room = (buffer.capacity() - buffer.len()).clamp(1, records.len());
            let (count, _) =
                rustix::net::recv(&self.socket, &mut records[..room], RecvFlags::empty())?;
            if count == 0 {
                self.ended = true;
                if self.handshaking {
                    self.handshaking = false;
                    self.news = Some(News::NoHandshake("the client has gone".into()));
                }
                return Ok(());
            }
            let mut unread = &records[..count];
            while !unread.is_empty() {
                let taken = self.session.read_tls(&mut unread).map_err(errno)?;
                let state = match self.session.process_new_packets() {
                    Ok(state) => state,
                    Err(error) => return self.fail(&error),
                };
                self.unread = state.plaintext_bytes_to_read();
                self.take(buffer);
                if taken == 0 {
                    break;
                }
            }
            self.note_handshake();
            match self.flush() {
                Ok(()) | Err(Errno::AGAIN) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn note_handshake(&mut self) {
        if self.handshaking && !self.session.is_handshaking() {
            self.handshaking = false;
            self.news = Some(match self.session.handshake_kind() {
                Some(HandshakeKind::Resumed) => News::Resumed,
                _ => News::NewSession,
            });
        }
    }

    /// Sends the alert that rustls has ready. What the client has sent behind its error is read: closing a socket with
    /// unread bytes resets the connection, and the client might never see the alert.
    fn fail(&mut self, error: &Error) -> Result<(), Errno> {
        let why = error.to_string();
        self.news = Some(match self.handshaking {
            true => News::NoHandshake(why),
            false => News::NoRecord(why),
        });
        let _ = self.flush();
        self.failed = true;
        let _ = rustix::net::shutdown(&self.socket, Shutdown::Write);
        let mut rest = [0; 4096];
        let _ = rustix::net::recv(&self.socket, &mut rest[..], RecvFlags::DONTWAIT);
        Err(Errno::PROTO)
    }
}

impl Drop for Stream {
    /// Says that nothing more will come, if there is room to say it.
    fn drop(&mut self) {
        if !self.failed {
            self.session.send_close_notify();
            let _ = self.flush();
        }
    }
}

/// Where rustls writes its records.
struct Socket<'a>(&'a OwnedFd);

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut nothing = SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(self.0, pieces, &mut nothing, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::PROTO)
}
