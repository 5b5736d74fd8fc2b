//! One visitor: reads a request's head, sends the answer, and waits for the next. A head is short and comes soon, or the
//! visitor goes.

use super::Desk;
use super::answer::{Answer, Request, Status, answer};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The longest head of a request.
const HEAD_MAX: usize = 8 << 10;

/// The most lines of a head.
const LINES_MAX: usize = 64;

/// How long a request may take to come, an answer to be taken, and a connection to be idle.
const PATIENCE: Duration = Duration::from_secs(15);

/// A visitor.
pub struct Visitor {
    /// Its socket.
    pub socket: TcpStream,
    /// When it has to be done.
    pub deadline: Instant,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    /// Is it to go once everything is sent?
    last: bool,
    gone: bool,
}

/// What a head says that is of interest.
enum Head {
    /// It has not come whole.
    Partial,
    /// It is wrong: this is the answer, and the last.
    Wrong(Status),
    /// So many bytes long; does the visitor stay?
    Whole(Request, usize, bool),
}

impl Visitor {
    /// One that has just come.
    pub fn new(socket: TcpStream, now: Instant) -> Option<Visitor> {
        socket.set_nonblocking(true).ok()?;
        let _ = socket.set_nodelay(true);
        let (input, output) = (Vec::new(), Vec::new());
        let deadline = now + PATIENCE;
        Some(Visitor { socket, deadline, input, output, sent: 0, last: false, gone: false })
    }

    /// Has it gone, or is it to go?
    pub fn is_over(&self, now: Instant) -> bool {
        self.gone || now >= self.deadline
    }

    /// Does it wait for room to write, and not for a request?
    pub fn is_writing(&self) -> bool {
        self.sent < self.output.len()
    }

    /// Its socket is ready.
    pub fn go_on(&mut self, desk: &mut Desk<'_>) {
        if !self.is_writing() && !self.read() {
            self.gone = true;
        }
        while !self.gone {
            self.write();
            if self.is_writing() || self.gone {
                return;
            }
            match head(&self.input) {
                Head::Partial => return,
                Head::Wrong(status) => self.say(Answer::status(status), false, true),
                Head::Whole(request, len, stays) => {
                    self.input.drain(..len);
                    let head_only = request.head_only;
                    self.say(answer(desk, &request), head_only, !stays);
                }
            }
        }
    }

    /// Reads what there is; false at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; HEAD_MAX];
        match self.socket.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.input.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    fn write(&mut self) {
        while self.is_writing() {
            match self.socket.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.gone = true,
            }
        }
        if self.last {
            // What it sent besides is read: closing a socket with unread bytes resets the connection, and the visitor
            // might never see the answer.
            let _ = self.socket.shutdown(std::net::Shutdown::Write);
            let _ = self.read();
            self.gone = true;
        }
        if !self.output.is_empty() {
            self.output = Vec::new();
            self.sent = 0;
            self.deadline = Instant::now() + PATIENCE;
        }
    }

    fn say(&mut self, answer: Answer, head_only: bool, last: bool) {
        self.last = last;
        self.output = answer.into_bytes(head_only, last);
        self.sent = 0;
        self.deadline = Instant::now() + PATIENCE;
    }
}

/// Reads a head.
fn head(input: &[u8]) -> Head {
    let mut lines = [httparse::EMPTY_HEADER; LINES_MAX];
    let mut parsed = httparse::Request::new(&mut lines);
    let len = match parsed.parse(input) {
        Ok(httparse::Status::Complete(len)) if len <= HEAD_MAX => len,
        Ok(httparse::Status::Partial) if input.len() < HEAD_MAX => return Head::Partial,
        Err(httparse::Error::TooManyHeaders) | Ok(_) => return Head::Wrong(Status::TooLong),
        Err(_) => return Head::Wrong(Status::Bad),
    };
    let all = |name: &str| -> Vec<&[u8]> {
        let lines = parsed.headers.iter().filter(|line| line.name.eq_ignore_ascii_case(name));
        lines.map(|line| line.value).collect()
    };
    let head_only = match parsed.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Head::Wrong(Status::Method),
    };
    let is_new = parsed.version == Some(1);
    let hosts = all("host");
    let host = match hosts[..] {
        [host] => Some(String::from_utf8_lossy(host).into_owned()),
        [] if !is_new => None,
        _ => return Head::Wrong(Status::Bad),
    };
    // Nothing here takes a body, and what might be one must not be taken for a request.
    let body = all("content-length").iter().any(|len| *len != b"0");
    if body || !all("transfer-encoding").is_empty() {
        return Head::Wrong(Status::Body);
    }
    let says = |word: &str| {
        all("connection").iter().any(|line| {
            let line = String::from_utf8_lossy(line).to_ascii_lowercase();
            line.split(',').any(|part| part.trim() == word)
        })
    };
    let stays = if is_new { !says("close") } else { says("keep-alive") };
    let path = parsed.path.unwrap_or_default().to_string();
    Head::Whole(Request { path, host, head_only }, len, stays)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads() {
        let whole = |text: &str| match head(text.as_bytes()) {
            Head::Whole(request, len, stays) => (request.path, len == text.len(), stays),
            _ => panic!("not whole: {text}"),
        };
        let path = "/metrics".to_string();
        let new = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";
        assert_eq!(whole(&format!("{new}\r\n")), (path.clone(), true, true));
        let closes = format!("{new}Connection: Upgrade, Close\r\n\r\n");
        assert_eq!(whole(&closes), (path.clone(), true, false));
        assert_eq!(whole("GET /metrics HTTP/1.0\r\n\r\n"), (path, true, false));
        assert!(matches!(head(new.as_bytes()), Head::Partial));
        let wrong = |text: &str| match head(text.as_bytes()) {
            Head::Wrong(status) => status,
            _ => panic!("not wrong: {text}"),
        };
        assert_eq!(wrong("nonsense\r\n\r\n"), Status::Bad);
        assert_eq!(wrong("GET / HTTP/1.1\r\n\r\n"), Status::Bad);
        assert_eq!(wrong(&format!("{new}Host: evil.example\r\n\r\n")), Status::Bad);
        assert_eq!(wrong(&new.replace("GET", "POST").replace("\r\n", "\r\n\r\n")), Status::Method);
        assert_eq!(wrong(&format!("{new}Content-Length: 5\r\n\r\n")), Status::Body);
        assert_eq!(wrong(&format!("{new}Transfer-Encoding: chunked\r\n\r\n")), Status::Body);
        assert_eq!(wrong(&format!("{new}X: {}", "x".repeat(HEAD_MAX))), Status::TooLong);
        assert_eq!(wrong(&format!("{new}{}\r\n", "A: b\r\n".repeat(LINES_MAX))), Status::TooLong);
    }
}
