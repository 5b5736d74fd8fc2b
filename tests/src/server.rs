//! A server started for the table, the daemon or memcached itself: its start, its clock, its end.

use crate::peer::Peer;
use crate::run::Clock;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(30);

/// The system's Unix time.
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub enum Listen {
    /// A unix socket in a folder of its own.
    Unix,
    /// A TCP port of the system's choice.
    Tcp,
    /// A unix socket of the daemon's store, whose directory is beside it.
    StoreUnix,
    /// A TCP port of the daemon's store.
    StoreTcp,
}

impl Listen {
    /// Where a server's folder is: in memory if it is to hold a store, and if there is such a place.
    fn place(self) -> PathBuf {
        let memory = Path::new("/dev/shm");
        match self {
            Listen::StoreUnix | Listen::StoreTcp if memory.is_dir() => memory.to_path_buf(),
            _ => env::temp_dir(),
        }
    }
}

/// How a server's clock is moved.
#[derive(Clone, Debug)]
pub enum Hand {
    /// Not at all: it is the system's.
    None,
    /// By its command `debugtime`.
    Command,
    /// By libfaketime, from this file: the server believes the time we write for it.
    Faketime(PathBuf),
}

/// A server started for the table, ended with it.
pub struct Server {
    child: Mutex<Child>,
    folder: PathBuf,
    listen: Listen,
    hand: Hand,
    now: AtomicI64,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(
        program: &Path,
        args: &[&str],
        listen: Listen,
        hand: Hand,
    ) -> Result<Server, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the number only has to be another one each time.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = listen.place().join(format!("nearcache-faces-{}-{number}", process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let log = File::create(folder.join("log")).map_err(|e| format!("the server's log: {e}"))?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        match listen {
            Listen::Unix => command.arg("-s").arg(folder.join("sock")),
            Listen::Tcp => command
                .args(["-p", "-1", "-U", "0", "-l", "127.0.0.1"])
                .env("MEMCACHED_PORT_FILENAME", folder.join("ports")),
            Listen::StoreUnix | Listen::StoreTcp => command
                // What the disk does is another test's: here it is about the answers.
                .args(["-p", "0", "-l", "127.0.0.1", "--store-sync", "never", "--store"])
                .arg(folder.join("store"))
                .env("MEMCACHED_PORT_FILENAME", folder.join("ports")),
        };
        match listen {
            Listen::StoreUnix => command.arg("--store-socket").arg(folder.join("sock")),
            Listen::StoreTcp => command.args(["--store-port", "-1"]),
            Listen::Unix | Listen::Tcp => &mut command,
        };
        let now = unix_now();
        if let Hand::Faketime(library) = &hand {
            let time = folder.join("time");
            fs::write(&time, format!("{now}\n")).map_err(|e| format!("{}: {e}", time.display()))?;
            command
                .env("LD_PRELOAD", library)
                .env("FAKETIME_TIMESTAMP_FILE", time)
                .env("FAKETIME_FMT", "%s")
                .env("FAKETIME_NO_CACHE", "1");
        }
        let child =
            command.spawn().map_err(|e| format!("{} does not start: {e}", program.display()))?;
        let server =
            Server { child: Mutex::new(child), folder, listen, hand, now: AtomicI64::new(now) };
        let deadline = Instant::now() + START;
        loop {
            match server.connect() {
                Ok(_) => return Ok(server),
                Err(e) if Instant::now() > deadline || server.is_gone() => {
                    return Err(format!(
                        "{} does not listen: {}",
                        program.display(),
                        server.fate(&e)
                    ));
                }
                // Not luck but a condition asked again: the loop ends when the server listens.
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn connect(&self) -> io::Result<Peer> {
        match self.listen {
            Listen::Unix | Listen::StoreUnix => {
                Peer::unix(UnixStream::connect(self.folder.join("sock"))?)
            }
            Listen::Tcp | Listen::StoreTcp => {
                Peer::tcp(TcpStream::connect(("127.0.0.1", self.port()?))?)
            }
        }
    }

    fn port(&self) -> io::Result<u16> {
        let ports = fs::read_to_string(self.folder.join("ports"))?;
        let name = match self.listen {
            Listen::StoreTcp => "STORE INET: ",
            _ => "TCP INET: ",
        };
        let port = ports.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        port.ok_or_else(|| io::Error::other(format!("no TCP port in {ports:?}")))
    }

    /// A new connection to an emptied cache.
    pub fn connect_and_flush(&self) -> io::Result<Peer> {
        let flushed = |stream: &mut dyn ReadWrite| -> io::Result<()> {
            stream.write_all(b"flush_all\r\n")?;
            let mut reply = [0; 4];
            stream.read_exact(&mut reply)?;
            match &reply {
                b"OK\r\n" => Ok(()),
                other => Err(io::Error::other(format!("flush_all was answered {other:?}"))),
            }
        };
        match self.listen {
            Listen::Unix | Listen::StoreUnix => {
                let mut stream = UnixStream::connect(self.folder.join("sock"))?;
                stream.set_read_timeout(Some(START))?;
                flushed(&mut stream)?;
                stream.set_read_timeout(None)?;
                Peer::unix(stream)
            }
            Listen::Tcp | Listen::StoreTcp => {
                let mut stream = TcpStream::connect(("127.0.0.1", self.port()?))?;
                stream.set_read_timeout(Some(START))?;
                flushed(&mut stream)?;
                stream.set_read_timeout(None)?;
                Peer::tcp(stream)
            }
        }
    }

    fn is_gone(&self) -> bool {
        self.child
            .lock()
            .is_ok_and(|mut child| child.try_wait().is_ok_and(|status| status.is_some()))
    }

    /// What became of it: an error, and the last lines it wrote.
    pub fn fate(&self, error: &io::Error) -> String {
        let lines: Vec<String> = File::open(self.folder.join("log"))
            .map(|log| BufReader::new(log).lines().map_while(Result::ok).collect())
            .unwrap_or_default();
        let tail = lines[lines.len().saturating_sub(5)..].join(" | ");
        let gone = if self.is_gone() { "it has ended; " } else { "" };
        format!("{error}; {gone}it wrote: {tail:?}")
    }
}

impl Server {
    /// Writes the time the server is to believe, and waits until it does: memcached looks at the clock once a
    /// second.
    fn believe(&self, time: i64) -> Result<(), String> {
        let told = |e: io::Error| format!("the clock cannot be moved: {e}");
        // Renamed into place, so that no half-written number is read.
        let fresh = self.folder.join("time.new");
        fs::write(&fresh, format!("{time}\n")).map_err(told)?;
        fs::rename(&fresh, self.folder.join("time")).map_err(told)?;
        let deadline = Instant::now() + START;
        loop {
            let seen = self.time_told().map_err(told)?;
            if seen == time {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("the server believes it is {seen}, not {time}"));
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The time in the server's statistics.
    fn time_told(&self) -> io::Result<i64> {
        let mut stream = UnixStream::connect(self.folder.join("sock"))?;
        stream.set_read_timeout(Some(START))?;
        stream.write_all(b"stats\r\n")?;
        let mut time = None;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            if line == "END" {
                break;
            }
            time = time.or_else(|| line.strip_prefix("STAT time ")?.parse().ok());
        }
        time.ok_or_else(|| io::Error::other("the statistics have no time"))
    }
}

impl Clock for Server {
    fn now(&self) -> i64 {
        // Relaxed: one thread at a time runs cases on a server.
        self.now.load(Ordering::Relaxed)
    }

    fn advance(&self, seconds: u32) -> Result<Option<String>, String> {
        // Relaxed: as above.
        let now = self.now.fetch_add(i64::from(seconds), Ordering::Relaxed) + i64::from(seconds);
        match self.hand {
            Hand::None => Err("this server's clock is the system's".to_string()),
            Hand::Command => Ok(Some(format!("debugtime {seconds}"))),
            Hand::Faketime(_) => self.believe(now).map(|()| None),
        }
    }
}

trait ReadWrite: io::Read + Write {}
impl<T: io::Read + Write> ReadWrite for T {}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            // Both fail only if it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        // The temporary folder is the system's to clean if this fails.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
