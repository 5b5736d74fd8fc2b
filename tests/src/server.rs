//! A server started for the table, the daemon or memcached itself: its start, its clock, its end.

use crate::peer::Peer;
use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(30);

/// The system's Unix time.
pub fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub enum Listen {
    /// A unix socket in a folder of its own.
    Unix,
    /// A TCP port of the system's choice.
    Tcp,
}

/// A server started for the table, ended with it.
pub struct Server {
    child: Mutex<Child>,
    folder: PathBuf,
    listen: Listen,
    started: i64,
    advanced: Mutex<u32>,
}

impl Server {
    /// Starts it and waits until it listens.
    pub fn start(program: &Path, args: &[&str], listen: Listen) -> Result<Server, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        // Relaxed: the number only has to be another one each time.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("nearcache-faces-{}-{number}", process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let log = File::create(folder.join("log")).map_err(|e| format!("the server's log: {e}"))?;
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        match listen {
            Listen::Unix => command.arg("-s").arg(folder.join("sock")),
            Listen::Tcp => command
                .args(["-p", "-1", "-U", "0", "-l", "127.0.0.1"])
                .env("MEMCACHED_PORT_FILENAME", folder.join("ports")),
        };
        let started = unix_now();
        let child = command
            .spawn()
            .map_err(|e| format!("{} does not start: {e}", program.display()))?;
        let server = Server {
            child: Mutex::new(child),
            folder,
            listen,
            started,
            advanced: Mutex::new(0),
        };
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
            Listen::Unix => Peer::unix(UnixStream::connect(self.folder.join("sock"))?),
            Listen::Tcp => Peer::tcp(TcpStream::connect(("127.0.0.1", self.port()?))?),
        }
    }

    fn port(&self) -> io::Result<u16> {
        let ports = fs::read_to_string(self.folder.join("ports"))?;
        let port = ports
            .lines()
            .find_map(|line| line.strip_prefix("TCP INET: ")?.trim().parse().ok());
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
                other => Err(io::Error::other(format!(
                    "flush_all was answered {other:?}"
                ))),
            }
        };
        match self.listen {
            Listen::Unix => {
                let mut stream = UnixStream::connect(self.folder.join("sock"))?;
                stream.set_read_timeout(Some(START))?;
                flushed(&mut stream)?;
                stream.set_read_timeout(None)?;
                Peer::unix(stream)
            }
            Listen::Tcp => {
                let mut stream = TcpStream::connect(("127.0.0.1", self.port()?))?;
                stream.set_read_timeout(Some(START))?;
                flushed(&mut stream)?;
                stream.set_read_timeout(None)?;
                Peer::tcp(stream)
            }
        }
    }

    /// The present as the server's hand-moved clock has it, to within its start.
    pub fn now(&self) -> i64 {
        self.started
            + self
                .advanced
                .lock()
                .map_or(0, |seconds| i64::from(*seconds))
    }

    /// Notes that its clock was moved.
    pub fn advance(&self, seconds: u32) {
        if let Ok(mut advanced) = self.advanced.lock() {
            *advanced += seconds;
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
