//! The faces: how each is found, started and spoken to.

use crate::peer::Peer;
use crate::report::{Standing, Summary};
use crate::run::{self, Clock, Mismatch, Pace};
use crate::server::{Hand, Listen, Server, unix_now};
use crate::table::Case;
use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;

/// The names that may stand in `NEARCACHE_FACES`.
pub const NAMES: [&str; 7] = ["core", "store", "socket", "storesocket", "c", "python", "php"];

/// One way to reach the core, ready to be spoken to.
pub struct Face {
    /// Its column in the summary.
    pub name: String,
    pace: Pace,
    end: End,
}

enum End {
    /// A program started afresh for each case.
    Driver { program: PathBuf, args: Vec<String> },
    /// Servers on which cases follow one another, each behind a `flush_all`.
    Servers(Vec<Server>),
}

/// A request any server answers alike, to know that it has answered all before it.
const LAST_WORD: (&str, &str) = ("mn", "MN");
/// After so many replies waited for in vain a face is asked no more: it hangs, and that has been told.
const SILENCES: usize = 3;
/// Memcacheds that run at once when their clocks are moved: each move takes up to a second.
const MEMCACHEDS: usize = 16;

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The faces `NEARCACHE_FACES` asks for: a comma list, or `core,store,socket,storesocket` if it is not set.
pub fn required() -> Result<Vec<String>, String> {
    let list =
        env::var("NEARCACHE_FACES").unwrap_or_else(|_| "core,store,socket,storesocket".to_string());
    let names: Vec<String> = list.split(',').map(|name| name.trim().to_string()).collect();
    match names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        Some(unknown) => {
            Err(format!("NEARCACHE_FACES names {unknown:?}: the faces are {}", NAMES.join(", ")))
        }
        None => Ok(names),
    }
}

/// What the store answers otherwise, and why.
const STORE_DIFFERS: [(&str, &str); 4] = [
    ("too large a set removes what was there", "it loses nothing that was stored"),
    ("too large a set without an answer removes too", "the same"),
    ("flags take 4 bytes of the limit", "it ends with such a set"),
    ("a key of 250 bytes takes 249 more", "it ends with such a set"),
];

/// Is this case not for this face, because it answers otherwise on purpose?
pub fn differs(face: &str, case: &Case) -> bool {
    face.starts_with("store") && STORE_DIFFERS.iter().any(|(name, _)| *name == case.name)
}

/// Makes a face ready. `core_driver` is the core's driver, which lies where cargo puts this workspace's
/// programs. The error is a sentence that says what to build.
pub fn ready(name: &str, core_driver: &Path) -> Result<Vec<Face>, String> {
    match name {
        "core" => Ok(["many", "copy", "pin"]
            .map(|way| driver(&format!("core ({way})"), core_driver, &[way]))
            .into()),
        "store" => {
            let beside = core_driver.with_file_name("driver_store");
            Ok(["near", "far"].map(|way| driver(&format!("store ({way})"), &beside, &[way])).into())
        }
        "socket" => {
            let program = build_server(core_driver)?;
            // Not every run is root's, and memcached's -u is ignored for others.
            let args = ["--debug-clock", "-u", "root"];
            let unix = Server::start(&program, &args, Listen::Unix, Hand::Command)?;
            let tcp = Server::start(&program, &args, Listen::Tcp, Hand::Command)?;
            Ok(vec![
                servers("socket (unix)", vec![unix], Pace::Stepwise),
                servers("socket (tcp)", vec![tcp], Pace::Pipelined),
            ])
        }
        "storesocket" => {
            let program = build_server(core_driver)?;
            let args = ["--debug-clock", "-u", "root"];
            let unix = Server::start(&program, &args, Listen::StoreUnix, Hand::Command)?;
            let tcp = Server::start(&program, &args, Listen::StoreTcp, Hand::Command)?;
            Ok(vec![
                servers("storesocket (unix)", vec![unix], Pace::Stepwise),
                servers("storesocket (tcp)", vec![tcp], Pace::Pipelined),
            ])
        }
        "c" => {
            let program = root().join("target/c/driver");
            found(&program, "build it with `make test-c`, which compiles tests/c/driver.c")?;
            Ok(vec![driver("c", &program, &[])])
        }
        "python" => {
            let python = root().join(".venv/bin/python");
            found(&python, "make it with `make test-python`, which puts the module there")?;
            found(&root().join("tests/drivers/driver.py"), "it belongs to the repository")?;
            Ok(vec![driver("python", &python, &["tests/drivers/driver.py"])])
        }
        "php" => {
            let extension = "target/php/nearcache.so";
            found(&root().join(extension), "build it with `make test-php`, which puts it there")?;
            found(&root().join("tests/drivers/driver.php"), "it belongs to the repository")?;
            let load = format!("extension={extension}");
            let args = ["-d", &load, "tests/drivers/driver.php"];
            Ok(vec![driver("php", Path::new("php"), &args)])
        }
        other => Err(format!("{other:?} is no face")),
    }
}

/// The memcached of this machine, over both kinds of socket.
pub fn memcached() -> Result<Vec<Face>, String> {
    let start = |listen| Server::start(Path::new("memcached"), &["-u", "root"], listen, Hand::None);
    Ok(vec![
        servers("memcached (unix)", vec![start(Listen::Unix)?], Pace::Stepwise),
        servers("memcached (tcp)", vec![start(Listen::Tcp)?], Pace::Pipelined),
    ])
}

/// The memcached of this machine with its clock in our hand, by this libfaketime.
pub fn memcached_and_clock(libfaketime: &Path) -> Result<Face, String> {
    let start = |_| {
        let hand = Hand::Faketime(libfaketime.to_path_buf());
        Server::start(Path::new("memcached"), &["-u", "root"], Listen::Unix, hand)
    };
    let all: Result<Vec<Server>, String> = (0..MEMCACHEDS).map(start).collect();
    Ok(servers("memcached (clock)", all?, Pace::Stepwise))
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
        end: End::Driver {
            program: program.to_path_buf(),
            args: args.iter().map(ToString::to_string).collect(),
        },
    }
}

fn servers(name: &str, servers: Vec<Server>, pace: Pace) -> Face {
    Face { name: name.to_string(), pace, end: End::Servers(servers) }
}

/// Builds the daemon with the profile this test was built with, and says where it is. Cargo itself knows
/// whether that is any work.
fn build_server(beside: &Path) -> Result<PathBuf, String> {
    let bins = beside.parent().ok_or("the core's driver lies in no folder")?;
    let profile = bins.file_name().map(|name| name.to_string_lossy().into_owned());
    let above = bins.parent().ok_or("cargo's target folder is not where it should be")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "nearcached", "--bin", "nearcached"]);
    match profile.as_deref() {
        Some("debug") | None => {}
        Some(profile) => {
            cargo.args(["--profile", profile]);
        }
    }
    // Cargo marks its target folder; a folder between it and the profile's is named after the target.
    match (above.join("CACHEDIR.TAG").exists(), above.parent(), above.file_name()) {
        (false, Some(target), Some(triple)) => {
            cargo.arg("--target").arg(triple).arg("--target-dir").arg(target);
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
        Err(e) => Err(format!("cargo could not be started to build the daemon: {e}")),
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
        let silences = AtomicUsize::new(0);
        let verdicts = Mutex::new(Vec::new());
        let workers = match self.end {
            End::Servers(ref servers) => servers.len(),
            End::Driver { .. } => thread::available_parallelism().map_or(2, usize::from),
        };
        thread::scope(|scope| {
            for worker in 0..workers {
                let (next, wanted, verdicts, silences) = (&next, &wanted, &verdicts, &silences);
                scope.spawn(move || {
                    // Relaxed: only the counters themselves are shared; the verdicts are behind their lock.
                    while let Some(case) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if silences.load(Ordering::Relaxed) >= SILENCES {
                            break;
                        }
                        let verdict = self.run_by(worker, case);
                        if verdict.as_ref().is_err_and(|mismatch| mismatch.silent) {
                            silences.fetch_add(1, Ordering::Relaxed);
                        }
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
            let standing = if verdict.is_ok() { Standing::Held } else { Standing::Failed };
            summary.note(&chapter, &self.name, standing);
            mismatches.extend(verdict.err().map(|mismatch| *mismatch));
        }
        mismatches.sort_by(|a, b| a.place.cmp(&b.place));
        mismatches
    }

    /// Is it the daemon, or memcached itself?
    pub fn is_socket(&self) -> bool {
        matches!(self.end, End::Servers(_))
    }

    /// Runs one case.
    pub fn run(&self, case: &Case) -> Result<(), Box<Mismatch>> {
        self.run_by(0, case)
    }

    fn run_by(&self, worker: usize, case: &Case) -> Result<(), Box<Mismatch>> {
        let pace = match case.can_be_pipelined() {
            true => self.pace,
            false => Pace::Stepwise,
        };
        match &self.end {
            End::Driver { program, args } => {
                let peer = start_driver(program, args);
                let peer = peer.map_err(|e| unreachable_face(case, &self.name, &e.to_string()))?;
                let clock = DriverClock(AtomicI64::new(unix_now()));
                run::run(case, &self.name, peer, &clock, None, pace)
            }
            End::Servers(servers) => {
                let server = &servers[worker];
                let peer = server.connect_and_flush();
                let peer =
                    peer.map_err(|e| unreachable_face(case, &self.name, &server.fate(&e)))?;
                run::run(case, &self.name, peer, server, Some(LAST_WORD), pace)
            }
        }
    }
}

/// A driver's clock starts with the system's and is moved by a command.
struct DriverClock(AtomicI64);

impl Clock for DriverClock {
    fn now(&self) -> i64 {
        // Relaxed: one thread runs a case.
        self.0.load(Ordering::Relaxed)
    }

    fn advance(&self, seconds: u32) -> Result<Option<String>, String> {
        // Relaxed: as above.
        self.0.fetch_add(i64::from(seconds), Ordering::Relaxed);
        Ok(Some(format!("advance {seconds}")))
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
        silent: false,
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
            io::Error::new(e.kind(), format!("{} does not start: {e}", program.display()))
        })?;
    Peer::process(child)
}
