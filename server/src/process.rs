//! The process itself: who it runs as, whether it leaves the terminal, its limits, its id file, the processor time it
//! has used. Everything here is what the standard library does not offer and memcached's options ask for.

use crate::options::{EX_USAGE, Options, Wrong};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The exit status for an unknown user (`EX_NOUSER`).
const EX_NOUSER: i32 = 67;

/// The exit status for what the system refuses (`EX_OSERR`).
pub const EX_OSERR: i32 = 71;

/// Descriptors needed besides those of connections: listeners, loops, wake-ups, standard streams, the cache's own.
const OTHER_FILES: u64 = 64;

/// Refuses to run as root without `-u`, and becomes the user named by it.
pub fn become_user(options: &Options) -> Result<(), Wrong> {
    if !rustix::process::geteuid().is_root() && !rustix::process::getuid().is_root() {
        return Ok(());
    }
    let failed = |sentence: String, status| Err(Wrong { sentence, status });
    let Some(user) = &options.user else {
        return failed("can't run as root without the -u switch".into(), EX_USAGE);
    };
    if user == "root" {
        return Ok(());
    }
    let Some((name, uid, gid)) = find_user(user) else {
        return failed(format!("can't find the user {user} to switch to"), EX_NOUSER);
    };
    // SAFETY: `name` is a C string that lives through the calls, and the calls read nothing else. No thread has been
    // started yet (main calls this first), so there is none left behind with the old identity.
    let done = unsafe {
        libc::initgroups(name.as_ptr(), gid) == 0
            && libc::setgid(gid) == 0
            && libc::setuid(uid) == 0
    };
    match done {
        true => Ok(()),
        false => {
            let why = io::Error::last_os_error();
            failed(format!("failed to assume identity of user {user}: {why}"), EX_OSERR)
        }
    }
}

fn find_user(user: &str) -> Option<(CString, libc::uid_t, libc::gid_t)> {
    let name = CString::new(user).ok()?;
    // SAFETY: `name` is a C string. The answer is null or points to static memory of the C library that stays as it is
    // until the next such call; there is no other thread (see above), and it is copied from at once.
    let found = unsafe { libc::getpwnam(name.as_ptr()).as_ref() }?;
    Some((name, found.pw_uid, found.pw_gid))
}

/// Makes room for as many descriptors as connections are allowed, and for core files if asked to.
pub fn raise_limits(options: &Options) -> Result<(), Wrong> {
    if options.core_files {
        let most = getrlimit(Resource::Core).maximum;
        let wanted = Rlimit { current: most, maximum: most };
        let _ = setrlimit(Resource::Core, wanted);
    }
    // A worker has its loop, its wake-up and its share of each UDP socket, of which there are two for each address at
    // most.
    let own = 2 + 2 * options.listen.len().max(1) as u64;
    let wanted = options.connections as u64 + options.threads as u64 * own + OTHER_FILES;
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

/// `-k`. A refusal is a warning, as in memcached.
pub fn lock_memory() {
    // SAFETY: mlockall takes no pointer and changes no contents.
    if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } != 0 {
        let why = io::Error::last_os_error();
        eprintln!("warning: -k invalid, mlockall() failed: {why}");
    }
}

/// `-d`: goes on in the background, in `/` and with its standard streams on `/dev/null` (standard error is kept under
/// `-v`). Call before any thread is started.
pub fn daemonize(verbose: bool) -> io::Result<()> {
    // SAFETY: daemon forks; main calls this while there is one thread, so nothing is left half done in the child.
    match unsafe { libc::daemon(0, i32::from(verbose)) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
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
        fs::write(&unfinished, format!("{}\n", std::process::id()))?;
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
