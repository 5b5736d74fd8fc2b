//! What the tests share: a daemon of their own on a port of its own choosing, and a client that times out instead of
//! hanging.
#![allow(dead_code)] // Each test binary uses its part.

pub mod memcached;
pub mod packets;

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The most a connection may hold in the middle of a reply that is made in pieces: what may be unsent before the next
/// piece waits, one piece, and the doubling of the buffer.
pub const HELD_BY_A_REPORT: u64 = 2 * (64 + 64) * 1024;

/// A directory that goes away.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new() -> Place {
        Place::within(&std::env::temp_dir())
    }

    pub fn within(parent: &Path) -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nearcached-{}-{number}", std::process::id());
        let path = parent.join(name);
        // Regions are looked for in a directory that is their user's alone.
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a temporary directory");
        Place(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    pub child: Child,
    pub place: Place,
    pub port: u16,
    /// What it said until it was ready.
    pub said: String,
}

/// The program with these arguments, run to its end: exit status and what it said on standard error.
pub fn run(arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_nearcached"))
        .args(arguments)
        .output()
        .expect("the daemon runs");
    (
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

impl Daemon {
    /// On TCP.
    pub fn start(arguments: &[&str]) -> Daemon {
        let arguments: Vec<&str> =
            ["-p", "-1", "-l", "127.0.0.1"].iter().chain(arguments).copied().collect();
        Daemon::launch(Place::new(), &arguments)
    }

    /// On a unix socket `socket` in its directory.
    pub fn start_unix(arguments: &[&str]) -> Daemon {
        let place = Place::new();
        let socket = place.0.join("socket");
        let arguments: Vec<&str> = ["-s", socket.to_str().expect("a plain path")]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        Daemon::launch(place, &arguments)
    }

    /// Starts the program and waits until it says that it is ready.
    pub fn launch(place: Place, arguments: &[&str]) -> Daemon {
        Daemon::launch_with(place, arguments, &[])
    }

    /// The same, with these environment variables.
    pub fn launch_with(place: Place, arguments: &[&str], variables: &[(&str, &OsStr)]) -> Daemon {
        let ports = place.0.join("ports");
        let mut child = Command::new(env!("CARGO_BIN_EXE_nearcached"))
            .args(["-u", "root", "-v"])
            .args(arguments)
            .env("MEMCACHED_PORT_FILENAME", &ports)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut before = String::new();
        loop {
            let mut line = String::new();
            let count = said.read_line(&mut line).expect("words");
            assert!(count > 0, "the daemon ended: {before}");
            before.push_str(&line);
            if line.trim_end() == "nearcached: ready" {
                break;
            }
        }
        // Its later words are passed on, so that the pipe never fills.
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                eprintln!("daemon: {line}");
            }
        });
        let port = fs::read_to_string(&ports).ok().and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("TCP INET: "))?;
            line["TCP INET: ".len()..].trim().parse().ok()
        });
        Daemon { child, place, port: port.unwrap_or(0), said: before }
    }

    pub fn socket(&self) -> PathBuf {
        self.place.0.join("socket")
    }

    pub fn connect(&self) -> Client {
        connect_tcp(self.port)
    }

    /// To a durable role, under its name in the port file.
    pub fn connect_to(&self, role: &str) -> Client {
        connect_tcp(self.port_of(role))
    }

    /// A durable role's port, by its name in the port file.
    pub fn port_of(&self, role: &str) -> u16 {
        let ports = fs::read_to_string(self.place.0.join("ports")).expect("the port file");
        let name = format!("{role} INET: ");
        let port = ports.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse().ok());
        port.unwrap_or_else(|| panic!("no {role} in {ports}"))
    }

    /// Sends `request` on a connection of its own to an emptied cache, and expects `reply`.
    pub fn converse(&self, request: &str, reply: &str) {
        let mut client = self.connect();
        client.expect("flush_all\r\n", "OK\r\n");
        client.send(request);
        let got = client.finish();
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        assert_eq!(shown(&got), shown(reply.as_bytes()), "to {request}");
    }

    pub fn connect_unix(&self) -> Client {
        connect_unix(&self.socket())
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// SIGHUP, until the main thread has dealt with it and sleeps again.
    pub fn hang_up(&self) {
        self.signal("HUP");
        eventually(|| {
            let path = format!("/proc/{}/status", self.child.id());
            let text = fs::read_to_string(path).expect("status");
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.expect("a field").trim()
            };
            let pending = u64::from_str_radix(field("ShdPnd:"), 16).expect("a mask");
            (pending & 1 == 0 && field("State:").starts_with('S')).then_some(())
        });
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        eventually(|| self.child.try_wait().expect("a child"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn connect_tcp(port: u16) -> Client {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    stream.set_nodelay(true).expect("no delay");
    Client::new(Box::new(stream))
}

pub fn connect_unix(path: &Path) -> Client {
    Client::new(Box::new(UnixStream::connect(path).expect("connects")))
}

/// A byte stream with the two calls that TCP and unix sockets share.
pub trait Stream: Read + Write + Send {
    fn patience(&self, time: Duration);
    fn end_writing(&mut self);
}

impl Stream for TcpStream {
    fn patience(&self, time: Duration) {
        self.set_read_timeout(Some(time)).expect("a timeout");
        self.set_write_timeout(Some(time)).expect("a timeout");
    }
    fn end_writing(&mut self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

impl Stream for UnixStream {
    fn patience(&self, time: Duration) {
        self.set_read_timeout(Some(time)).expect("a timeout");
        self.set_write_timeout(Some(time)).expect("a timeout");
    }
    fn end_writing(&mut self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

/// A client.
pub struct Client {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

impl Client {
    pub fn new(stream: Box<dyn Stream>) -> Client {
        stream.patience(PATIENCE);
        Client { stream, unread: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("sends");
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// One read. A process that was stopped and goes on meanwhile makes the system interrupt it.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// Half-closes, and reads to the end.
    pub fn finish(mut self) -> Vec<u8> {
        self.stream.end_writing();
        self.rest()
    }

    /// Reads until the server closes.
    pub fn rest(mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.unread);
        let mut buffer = [0; 65536];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return bytes,
                Ok(count) => bytes.extend(&buffer[..count]),
                // Closed with our bytes unread: it is closed.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return bytes,
                Err(error) => panic!("reading: {error}; so far {}", bytes.escape_ascii()),
            }
        }
    }

    /// Reads exactly so many bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let mut buffer = [0; 65536];
        while self.unread.len() < count {
            let read = self.read(&mut buffer).expect("reads");
            assert!(read > 0, "closed after {}", self.unread.escape_ascii());
            self.unread.extend(&buffer[..read]);
        }
        self.unread.drain(..count).collect()
    }

    /// Reads until what was read ends in `end`.
    pub fn until(&mut self, end: &str) -> Vec<u8> {
        let mut buffer = [0; 65536];
        while !self.unread.ends_with(end.as_bytes()) {
            let read = self.read(&mut buffer).expect("reads");
            assert!(read > 0, "closed after {}", self.unread.escape_ascii());
            self.unread.extend(&buffer[..read]);
        }
        std::mem::take(&mut self.unread)
    }

    /// Reads to an empty line, which is left off.
    pub fn head(&mut self) -> String {
        let mut head = String::new();
        loop {
            match self.line().trim_end() {
                "" => return head,
                line => head += &format!("{line}\n"),
            }
        }
    }

    /// Reads one line; its end is left off, but for a `\r`.
    pub fn line(&mut self) -> String {
        let mut buffer = [0; 65536];
        loop {
            if let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
                let line = self.unread.drain(..=end).take(end).collect();
                return String::from_utf8(line).expect("text");
            }
            let read = self.stream.read(&mut buffer).expect("reads");
            assert!(read > 0, "closed after {}", self.unread.escape_ascii());
            self.unread.extend(&buffer[..read]);
        }
    }

    /// Reads one line, unless the server has gone.
    pub fn try_line(&mut self) -> Option<String> {
        let mut buffer = [0; 65536];
        while !self.unread.contains(&b'\n') {
            match self.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.unread.extend(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("no answer"),
                Err(_) => return None,
            }
        }
        Some(self.line())
    }

    /// Sends, and asserts that exactly this comes back.
    #[track_caller]
    pub fn expect(&mut self, request: impl AsRef<[u8]>, reply: &str) {
        self.send(&request);
        let mut buffer = [0; 65536];
        // Compared as it comes: a shorter answer than expected is seen at once, not when patience ends.
        while self.unread.len() < reply.len() && reply.as_bytes().starts_with(&self.unread) {
            let read = self.read(&mut buffer).expect("reads");
            assert!(read > 0, "closed after {}", self.unread.escape_ascii());
            self.unread.extend(&buffer[..read]);
        }
        let count = reply.len().min(self.unread.len());
        let got: Vec<u8> = self.unread.drain(..count).collect();
        assert_eq!(
            got.escape_ascii().to_string(),
            reply.as_bytes().escape_ascii().to_string(),
            "to {}",
            request.as_ref().escape_ascii()
        );
    }

    /// What `stats` with these words tells, as pairs.
    pub fn stats(&mut self, words: &str) -> Vec<(String, String)> {
        self.send(format!("stats {words}\r\n"));
        let text = String::from_utf8(self.until("END\r\n")).expect("text");
        let pair = |line: &str| {
            let line = line.strip_prefix("STAT ").unwrap_or_else(|| panic!("no STAT: {line}"));
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            (name.to_string(), value.to_string())
        };
        text.lines().filter(|line| *line != "END").map(pair).collect()
    }

    /// One statistic.
    pub fn stat(&mut self, name: &str) -> u64 {
        self.send("stats\r\n");
        let text = String::from_utf8(self.until("END\r\n")).expect("text");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("STAT {name} ")))
            .unwrap_or_else(|| panic!("no {name} in {text}"));
        line.parse().unwrap_or_else(|_| panic!("{name} is no number: {line}"))
    }

    /// Asks until a statistic is as wanted: the server acts when it acts.
    pub fn stat_until(&mut self, name: &str, wanted: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.stat(name);
            if wanted(value) {
                return;
            }
            assert!(Instant::now() < deadline, "{name} stays {value}");
            thread::yield_now();
        }
    }
}

/// A small generator of random numbers, seeded by `NEARCACHED_SEED` or else by the clock; a failing run names it.
pub struct Random {
    state: u64,
    pub seed: u64,
}

impl Random {
    pub fn new() -> Random {
        let seed = match std::env::var("NEARCACHED_SEED") {
            Ok(text) => text.parse().expect("NEARCACHED_SEED is a number"),
            Err(_) => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(1, |time| time.as_nanos() as u64),
        };
        println!("NEARCACHED_SEED={seed} repeats this run");
        Random::seeded(seed)
    }

    /// One of this seed, which was drawn by another.
    pub fn seeded(seed: u64) -> Random {
        Random { state: seed, seed }
    }

    pub fn next(&mut self) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Asks until there is an answer, for what another process does in its own time.
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "it does not happen");
        thread::sleep(Duration::from_millis(2));
    }
}
