//! Forked children of tests that are single-threaded when they fork: made, waited for, stopped and killed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A child that takes longer hangs; the alarm ends it, and its parent sees by which signal.
pub const HANGS_AFTER: u32 = 120;

/// A child of this process. One that is dropped unwaited is killed.
#[derive(Debug)]
pub struct Child {
    pid: libc::pid_t,
    over: bool,
}

/// What became of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Exited(i32),
    Killed(i32),
    Stopped,
}

/// Forks; the child runs `work` and ends without destructors: with status 0, or 101 after a panic.
pub fn fork(work: impl FnOnce()) -> Child {
    // SAFETY: the caller has one thread, so the child may do anything.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "cannot fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: an alarm has no preconditions, and nothing of this process is left to be done.
        unsafe {
            libc::alarm(HANGS_AFTER);
            let panicked = catch_unwind(AssertUnwindSafe(work)).is_err();
            libc::_exit(if panicked { 101 } else { 0 });
        }
    }
    Child { pid, over: false }
}

impl Child {
    pub fn pid(&self) -> u32 {
        self.pid as u32
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: the child was not waited for, so the number is still its own.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0, "cannot signal {}", self.pid);
    }

    /// Waits until the child has ended, or is stopped.
    pub fn wait(&mut self) -> Fate {
        assert!(!self.over, "{} was waited for", self.pid);
        let mut status = 0;
        // SAFETY: `status` is a valid int that the call fills.
        let waited = unsafe { libc::waitpid(self.pid, &mut status, libc::WUNTRACED) };
        assert_eq!(waited, self.pid, "{}", std::io::Error::last_os_error());
        if libc::WIFSTOPPED(status) {
            return Fate::Stopped;
        }
        self.over = true;
        match libc::WIFEXITED(status) {
            true => Fate::Exited(libc::WEXITSTATUS(status)),
            false => Fate::Killed(libc::WTERMSIG(status)),
        }
    }

    /// Waits until the child has ended or is stopped, and leaves it as it is: a dead one stays a zombie.
    pub fn await_end(&self) {
        // SAFETY: a struct of numbers that the call fills.
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let how = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT;
            let waited = libc::waitid(libc::P_PID, self.pid as libc::id_t, &mut info, how);
            assert_eq!(waited, 0, "{}", std::io::Error::last_os_error());
        }
    }

    /// The child ends well.
    pub fn succeeds(&mut self, what: &str) {
        let fate = self.wait();
        assert_eq!(fate, Fate::Exited(0), "{what}");
    }

    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        assert_eq!(self.wait(), Fate::Killed(libc::SIGKILL));
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.over {
            // SAFETY: the child was not waited for, so the number is still its own.
            unsafe {
                libc::kill(self.pid, libc::SIGKILL);
                libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            }
        }
    }
}

/// The processor time that this process (or thread) has used.
pub fn cpu_time(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec that the call fills.
    unsafe { libc::clock_gettime(clock, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How often this process has gone to sleep of its own will.
pub fn sleeps() -> u64 {
    // SAFETY: a struct of numbers that the call fills.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage.ru_nvcsw as u64
    }
}
