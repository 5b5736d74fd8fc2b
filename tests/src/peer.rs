//! The other end of a conversation, a driver's pipes or a socket, read and written by threads of their own,
//! so that neither side can fill a pipe and wait for ever on the other.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// What came from the peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Bytes.
    Bytes(Vec<u8>),
    /// The end of its output.
    Closed,
    /// Nothing, for as long as the caller would wait.
    Silence,
}

enum Owner {
    Process(Child),
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// The other end of a conversation.
pub struct Peer {
    outgoing: Option<Sender<Vec<u8>>>,
    incoming: Receiver<Vec<u8>>,
    owner: Owner,
}

impl Peer {
    /// A driver, started with piped standard input and output.
    pub fn process(mut child: Child) -> io::Result<Peer> {
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the driver was started without pipes"));
        };
        Ok(Peer::over(stdout, stdin, Owner::Process(child)))
    }

    /// A connection over a unix socket.
    pub fn unix(stream: UnixStream) -> io::Result<Peer> {
        Ok(Peer::over(stream.try_clone()?, stream.try_clone()?, Owner::Unix(stream)))
    }

    /// A connection over TCP.
    pub fn tcp(stream: TcpStream) -> io::Result<Peer> {
        stream.set_nodelay(true)?;
        Ok(Peer::over(stream.try_clone()?, stream.try_clone()?, Owner::Tcp(stream)))
    }

    fn over(
        mut read: impl Read + Send + 'static,
        mut write: impl Write + Send + 'static,
        owner: Owner,
    ) -> Peer {
        let (outgoing, to_send) = mpsc::channel::<Vec<u8>>();
        let (arrived, incoming) = mpsc::channel();
        // A failed write or read ends its thread; the runner meets it as the peer's silence or closing.
        thread::spawn(move || {
            for bytes in to_send {
                if write.write_all(&bytes).and_then(|()| write.flush()).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                match read.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) if arrived.send(buffer[..n].to_vec()).is_ok() => {}
                    Ok(_) => break,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
        });
        Peer { outgoing: Some(outgoing), incoming, owner }
    }

    /// Sends these bytes, behind those sent before.
    pub fn send(&self, bytes: Vec<u8>) {
        if let Some(outgoing) = &self.outgoing {
            // A writer that has ended means the peer is gone, which reading will tell.
            let _ = outgoing.send(bytes);
        }
    }

    /// Nothing more will be sent: a driver meets the end of its input.
    pub fn hang_up(&mut self) {
        self.outgoing = None;
    }

    /// Waits for bytes, for at most this long.
    pub fn receive(&self, patience: Duration) -> Event {
        match self.incoming.recv_timeout(patience) {
            Ok(bytes) => Event::Bytes(bytes),
            Err(RecvTimeoutError::Timeout) => Event::Silence,
            Err(RecvTimeoutError::Disconnected) => Event::Closed,
        }
    }

    /// What has come besides, without waiting.
    pub fn rest(&self) -> Vec<u8> {
        self.incoming.try_iter().flatten().collect()
    }

    /// How a driver that has ended its output ended: `None` for a socket or a clean exit.
    pub fn failure(&mut self) -> Option<String> {
        match &mut self.owner {
            Owner::Process(child) => match child.wait() {
                Ok(status) if status.success() => None,
                Ok(status) => Some(format!("the driver ended with {status}")),
                Err(e) => Some(format!("the driver's end is unknown: {e}")),
            },
            Owner::Unix(_) | Owner::Tcp(_) => None,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // All of these fail only if the peer has gone already.
        match &mut self.owner {
            Owner::Process(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Owner::Unix(stream) => {
                let _ = stream.shutdown(Shutdown::Both);
            }
            Owner::Tcp(stream) => {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}
