//! The process itself: who it runs as, whether it leaves the terminal, its limits, its id file, the processor time it
//! has used. Everything here is what the standard library does not offer and memcached's options ask for.

use crate::options::{EX_USAGE, Options, Wrong};
use rustix::pipe::PipeFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The exit status for an unknown user (`EX_NOUSER`).
const EX_NOUSER: i32 = 67;

/// The exit status for what the system refuses (`EX_OSERR`).
pub const EX_OSERR: i32 = 71;

/// Descriptors needed besides those of connections: listeners, loops, wake-ups, standard streams, the cache's own.
const OTHER_FILES: u64 = 64;

/// Files that an engine keeps open: the tables of a large database, and its journals.
const ENGINE_FILES: u64 = 1024;

/// A user to become.
#[derive(Debug)]
pub struct User {
    name: CString,
    uid: libc::uid_t,
    gid: libc::gid_t,
}

impl User {
    /// The user named by `-u`, if this is root; without `-u` root is refused.
    pub fn wanted(options: &Options) -> Result<Option<User>, Wrong> {
        if !rustix::process::geteuid().is_root() && !rustix::process::getuid().is_root() {
            return Ok(None);
        }
        match options.user.as_deref() {
            None => Err(Wrong {
                sentence: "can't run as root without the -u switch".into(),
                status: EX_USAGE,
            }),
            Some("root") => Ok(None),
            Some(user) => User::find(user).map(Some).ok_or_else(|| Wrong {
                sentence: format!("can't find the user {user} to switch to"),
                status: EX_NOUSER,
            }),
        }
    }

    fn find(user: &str) -> Option<User> {
        let name = CString::new(user).ok()?;
        // SAFETY: `name` is a C string. The answer is null or points to static memory of the C library that stays as
        // it is until the next such call; there is no other thread (see below), and it is copied from at once.
        let found = unsafe { libc::getpwnam(name.as_ptr()).as_ref() }?;
        Some(User { name, uid: found.pw_uid, gid: found.pw_gid })
    }

    /// Becomes that user, with its groups and no others.
    pub fn assume(&self, options: &Options) -> Result<(), Wrong> {
        // SAFETY: `name` is a C string that lives through the calls, and the calls read nothing else. No thread has
        // been started yet (the server calls this first), so there is none left behind with the old identity.
        let done = unsafe {
            libc::initgroups(self.name.as_ptr(), self.gid) == 0
                && libc::setgid(self.gid) == 0
                && libc::setuid(self.uid) == 0
        };
        if !done {
            let why = io::Error::last_os_error();
            let name = self.name.to_string_lossy();
            let sentence = format!("failed to assume identity of user {name}: {why}");
            return Err(Wrong { sentence, status: EX_OSERR });
        }
        if options.core_files {
            // The kernel writes no core of a process that has changed its user, unless told.
            let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable);
        }
        Ok(())
    }
}

/// Makes room for as many descriptors as connections are allowed, and for core files and locked memory if asked to.
/// Only root may raise a limit over its maximum, so call it before becoming another user.
pub fn raise_limits(options: &Options) -> Result<(), Wrong> {
    if options.core_files {
        as_far_as_allowed(Resource::Core);
    }
    if options.lock_memory {
        as_far_as_allowed(Resource::Memlock);
    }
    // A worker has its loop, its wake-up and its share of each UDP socket, of which there are two for each address at
    // most.
    let own = 2 + 2 * options.listen.len().max(1) as u64;
    let wanted = options.connections as u64
        + options.threads as u64 * own
        + OTHER_FILES
        + options.roles().count() as u64 * ENGINE_FILES;
    let files = getrlimit(Resource::Nofile);
    if files.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised =
        Rlimit { current: Some(wanted), maximum: files.maximum.map(|most| most.max(wanted)) };
    setrlimit(Resource::Nofile, raised).map_err(|error| Wrong {
        sentence: format!(
            "failed to set rlimit for open files to {wanted}: {error}; \
             start as root or ask for fewer connections (-c)"
        ),
        status: EX_OSERR,
    })
}

fn as_far_as_allowed(resource: Resource) {
    let endless = Rlimit { current: None, maximum: None };
    if setrlimit(resource, endless).is_err() {
        let most = getrlimit(resource).maximum;
        let _ = setrlimit(resource, Rlimit { current: most, maximum: most });
    }
}

/// `-k`. A refusal is a warning, as in memcached. Each page is locked when it is first used: the cache's addresses go as far
/// as its limit could be raised.
pub fn lock_memory() {
    let what = libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: mlockall takes no pointer and changes no contents.
    if unsafe { libc::mlockall(what) } != 0 {
        let why = io::Error::last_os_error();
        eprintln!("warning: -k invalid, mlockall() failed: {why}");
    }
}

/// The process that was started with `-d`, and waits to hear whether the one in the background serves.
#[derive(Debug)]
pub struct Starter(File);

/// What the starter hears when all went well; anything else is the exit status and the sentence to end with.
const SERVES: &str = "serves";

/// `-d`: goes on in the background, in `/` and with its standard streams on `/dev/null` (standard error is kept under
/// `-v`). Call before any thread is started.
pub fn daemonize(verbose: bool) -> io::Result<Starter> {
    let (hears, tells) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: the server calls this while there is one thread, so nothing is left half done in the child.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => drop(hears),
        _ => {
            drop(tells);
            wait_and_exit(File::from(hears));
        }
    }
    rustix::process::setsid()?;
    std::env::set_current_dir("/")?;
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    if !verbose {
        rustix::stdio::dup2_stderr(&nothing)?;
    }
    Ok(Starter(File::from(tells)))
}

fn wait_and_exit(mut hears: File) -> ! {
    let mut heard = String::new();
    let _ = hears.read_to_string(&mut heard);
    if heard == SERVES {
        std::process::exit(0);
    }
    let (status, sentence) = heard.split_once(' ').unwrap_or(("", "it ended while it started"));
    eprintln!("nearcached: {sentence}");
    std::process::exit(status.parse().unwrap_or(EX_OSERR))
}

impl Starter {
    /// Says that it serves, or why not.
    pub fn tell<T>(mut self, came: &Result<T, Wrong>) {
        let text = match came {
            Ok(_) => SERVES.to_string(),
            Err(wrong) => format!("{} {wrong}", wrong.status),
        };
        let _ = self.0.write_all(text.as_bytes());
    }
}

/// The file of `-P`; it goes away with this.
#[derive(Debug)]
pub struct PidFile(PathBuf);

impl PidFile {
    /// Writes it.
    pub fn write(path: &Path) -> io::Result<PidFile> {
        if let Ok(text) = fs::read_to_string(path) {
            let running = |pid: &i32| Path::new(&format!("/proc/{pid}")).exists();
            if let Some(pid) = text.trim().parse::<i32>().ok().filter(running) {
                eprintln!("WARNING: The pid file contained the following (running) pid: {pid}");
            }
        }
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".tmp");
        // What lies there may be a link that leads elsewhere.
        let _ = fs::remove_file(&unfinished);
        let mut file = File::create_new(&unfinished)?;
        writeln!(file, "{}", std::process::id())?;
        fs::rename(&unfinished, path)?;
        Ok(PidFile(path.to_path_buf()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Processor time used so far, by the program itself and by the system for it.
pub fn processor_time() -> (Duration, Duration) {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to memory of the right type; all zeroes is a value of it should the call fail.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::new(time.tv_sec.max(0) as u64, (time.tv_usec.max(0) as u32) * 1000)
    };
    (time(usage.ru_utime), time(usage.ru_stime))
}
