//! The faces: how each is found, started and spoken to.

use crate::peer::Peer;
use crate::report::{Standing, Summary};
use crate::run::{self, Dialect, Mismatch, Pace};
use crate::table::Case;
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

/// The names that may stand in `NEARCACHE_FACES`.
pub const NAMES: [&str; 5] = ["core", "socket", "c", "python", "php"];
/// How long a server may take to listen.
const START: Duration = Duration::from_secs(30);

/// One way to reach the core, ready to be spoken to.
pub struct Face {
    /// Its column in the summary.
    pub name: String,
    pace: Pace,
    dialect: Dialect,
    end: End,
}

enum End {
    /// A program started afresh for each case.
    Driver { program: PathBuf, args: Vec<String> },
    /// A server whose cases follow one another, each behind a `flush_all`.
    Server(Server),
}

const DRIVER: Dialect = Dialect {
    advance: "advance",
    last_word: None,
};
const SOCKET: Dialect = Dialect {
    advance: "debugtime",
    last_word: Some(("mn", "MN")),
};

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The faces `NEARCACHE_FACES` asks for: a comma list, or `core,socket` if it is not set.
pub fn required() -> Result<Vec<String>, String> {
    let list = env::var("NEARCACHE_FACES").unwrap_or_else(|_| "core,socket".to_string());
    let names: Vec<String> = list
        .split(',')
        .map(|name| name.trim().to_string())
        .collect();
    match names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        Some(unknown) => Err(format!(
            "NEARCACHE_FACES names {unknown:?}: the faces are {}",
            NAMES.join(", ")
        )),
        None => Ok(names),
    }
}

/// Makes a face ready. `core_driver` is the core's driver, which lies where cargo puts this workspace's
/// programs. The error is a sentence that says what to build.
pub fn ready(name: &str, core_driver: &Path) -> Result<Vec<Face>, String> {
    match name {
        "core" => Ok(["many", "copy", "pin"]
            .map(|way| driver(&format!("core ({way})"), core_driver, &[way]))
            .into()),
        "socket" => {
            let program = build_server(core_driver)?;
            // Not every run is root's, and memcached's -u is ignored for others.
            let args = ["--debug-clock", "-u", "root"];
            let unix = Server::start(&program, &args, Listen::Unix)?;
            let tcp = Server::start(&program, &args, Listen::Tcp)?;
            Ok(vec![
                server("socket (unix)", unix, Pace::Stepwise),
                server("socket (tcp)", tcp, Pace::Pipelined),
            ])
        }
        "c" => {
            let program = root().join("target/c/driver");
            found(
                &program,
                "build it with `make test-c`, which compiles tests/c/driver.c",
            )?;
            Ok(vec![driver("c", &program, &[])])
        }
        "python" => {
            let python = root().join(".venv/bin/python");
            found(&python, "make it with `python3 -m venv .venv`")?;
            found(
                &root().join("tests/drivers/driver.py"),
                "it belongs to the repository",
            )?;
            Ok(vec![driver(
                "python",
                &python,
                &["tests/drivers/driver.py"],
            )])
        }
        "php" => {
            let extension = "target/php/nearcache.so";
            found(
                &root().join(extension),
                "build it with `make test-php`, which puts it there",
            )?;
            found(
                &root().join("tests/drivers/driver.php"),
                "it belongs to the repository",
            )?;
            let load = format!("extension={extension}");
            let args = ["-d", &load, "tests/drivers/driver.php"];
            Ok(vec![driver("php", Path::new("php"), &args)])
        }
        other => Err(format!("{other:?} is no face")),
    }
}

/// The memcached of this machine, as two faces; an error if there is none.
pub fn memcached() -> Result<Vec<Face>, String> {
    let program = Path::new("memcached");
    let args = ["-u", "root"];
    let unix = Server::start(program, &args, Listen::Unix)?;
    let tcp = Server::start(program, &args, Listen::Tcp)?;
    Ok(vec![
        server("memcached (unix)", unix, Pace::Stepwise),
        server("memcached (tcp)", tcp, Pace::Pipelined),
    ])
}

fn found(path: &Path, remedy: &str) -> Result<(), String> {
    match path.exists() {
        true => Ok(()),
        false => Err(format!("{} is missing: {remedy}", path.display())),
    }
}

fn driver(name: &str, program: &Path, args: &[&str]) -> Face {
    Face {
        name: name.to_string(),
        pace: Pace::Pipelined,
        dialect: DRIVER,
        end: End::Driver {
            program: program.to_path_buf(),
            args: args.iter().map(ToString::to_string).collect(),
        },
    }
}

fn server(name: &str, server: Server, pace: Pace) -> Face {
    Face {
        name: name.to_string(),
        pace,
        dialect: SOCKET,
        end: End::Server(server),
    }
}

/// Builds the daemon with the profile this test was built with, and says where it is. Cargo itself knows
/// whether that is any work.
fn build_server(beside: &Path) -> Result<PathBuf, String> {
    let bins = beside
        .parent()
        .ok_or("the core's driver lies in no folder")?;
    let profile = bins
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let above = bins
        .parent()
        .ok_or("cargo's target folder is not where it should be")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "-p",
        "nearcached",
        "--bin",
        "nearcached",
    ]);
    match profile.as_deref() {
        Some("debug") | None => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
    }
    // Cargo marks its target folder; a folder between it and the profile's is named after the target.
    match (
        above.join("CACHEDIR.TAG").exists(),
        above.parent(),
        above.file_name(),
    ) {
        (false, Some(target), Some(triple)) => {
            cargo
                .arg("--target")
                .arg(triple)
                .arg("--target-dir")
                .arg(target);
        }
        _ => {
            cargo.arg("--target-dir").arg(above);
        }
    }
    let built = cargo.current_dir(root()).status();
    let program = bins.join("nearcached");
    match built {
        Ok(status) if status.success() && program.exists() => Ok(program),
        Ok(status) => Err(format!(
            "the daemon is not to be had: `cargo build -p nearcached` ended with {status}, and the program \
             should lie beside the core's driver: build it there"
        )),
        Err(e) => Err(format!(
            "cargo could not be started to build the daemon: {e}"
        )),
    }
}

impl Face {
    /// Runs every case that is for this face, in the table's order for a server and a few at a time for a
    /// driver; notes each in the summary and returns the mismatches.
    pub fn run_all(
        &self,
        cases: &[Case],
        summary: &mut Summary,
        skip: fn(&Case) -> bool,
    ) -> Vec<Mismatch> {
        let (wanted, left_out): (Vec<&Case>, Vec<&Case>) = cases
            .iter()
            .partition(|case| !skip(case) && (self.is_socket() || case.socket.is_none()));
        let next = AtomicUsize::new(0);
        let verdicts = Mutex::new(Vec::new());
        let workers = match self.end {
            End::Server(_) => 1,
            End::Driver { .. } => thread::available_parallelism().map_or(2, usize::from),
        };
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    // Relaxed: only the counter itself is shared; the verdicts are behind their lock.
                    while let Some(case) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let verdict = self.run(case);
                        if let Ok(mut all) = verdicts.lock() {
                            all.push((case.chapter.clone(), verdict));
                        }
                    }
                });
            }
        });
        for case in left_out {
            summary.note(&case.chapter, &self.name, Standing::LeftOut);
        }
        let verdicts = verdicts.into_inner().unwrap_or_default();
        let mut mismatches = Vec::new();
        for (chapter, verdict) in verdicts {
            let standing = if verdict.is_ok() {
                Standing::Held
            } else {
                Standing::Failed
            };
            summary.note(&chapter, &self.name, standing);
            mismatches.extend(verdict.err().map(|mismatch| *mismatch));
        }
        mismatches.sort_by(|a, b| a.place.cmp(&b.place));
        mismatches
    }

    /// Is it the daemon, or memcached itself?
    pub fn is_socket(&self) -> bool {
        matches!(self.end, End::Server(_))
    }

    /// Runs one case.
    pub fn run(&self, case: &Case) -> Result<(), Box<Mismatch>> {
        let pace = if case.can_be_pipelined() {
            self.pace
        } else {
            Pace::Stepwise
        };
        let mut advanced = 0;
        match &self.end {
            End::Driver { program, args } => {
                let peer = start_driver(program, args);
                let peer = peer.map_err(|e| unreachable_face(case, &self.name, &e.to_string()))?;
                run::run(
                    case,
                    &self.name,
                    peer,
                    self.dialect,
                    pace,
                    unix_now(),
                    &mut advanced,
                )
            }
            End::Server(server) => {
                let peer = server.connect_and_flush();
                let peer =
                    peer.map_err(|e| unreachable_face(case, &self.name, &server.fate(&e)))?;
                let now = server.now();
                let verdict = run::run(
                    case,
                    &self.name,
                    peer,
                    self.dialect,
                    pace,
                    now,
                    &mut advanced,
                );
                server.advance(advanced);
                verdict
            }
        }
    }
}

fn unreachable_face(case: &Case, face: &str, why: &str) -> Box<Mismatch> {
    Box::new(Mismatch {
        case: case.name.clone(),
        place: case.place(),
        face: face.to_string(),
        request: Vec::new(),
        expected: Vec::new(),
        got: String::new(),
        why: why.to_string(),
    })
}

fn start_driver(program: &Path, args: &[String]) -> io::Result<Peer> {
    let child = Command::new(program)
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| {
            io::Error::new(
                e.kind(),
                format!("{} does not start: {e}", program.display()),
            )
        })?;
    Peer::process(child)
}

fn unix_now() -> i64 {
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
    fn connect_and_flush(&self) -> io::Result<Peer> {
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
    fn now(&self) -> i64 {
        self.started
            + self
                .advanced
                .lock()
                .map_or(0, |seconds| i64::from(*seconds))
    }

    fn advance(&self, seconds: u32) {
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
    fn fate(&self, error: &io::Error) -> String {
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
