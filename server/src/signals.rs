//! Signals as readable events: they are blocked in every thread and read from a descriptor by the main loop, so no
//! code ever runs in a handler.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGINT, SIGTERM, SIGUSR1: end. The name is memcached's word for the signal.
    End(&'static str),
    /// SIGHUP: read files again.
    Reload,
}

/// The signals waiting to be dealt with.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// Blocks the signals and opens their descriptor. Call before any thread is started: threads inherit the mask.
    pub fn open() -> io::Result<Signals> {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: `set` is memory of the right type which sigemptyset initialises before anything reads it; the
        // other calls get it initialised, and null where no old mask is wanted.
        let fd = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, libc::SIGHUP] {
                libc::sigaddset(set.as_mut_ptr(), signal);
            }
            let refused =
                libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut());
            if refused != 0 {
                return Err(io::Error::from_raw_os_error(refused));
            }
            libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened by signalfd, and nobody else knows it.
        Ok(Signals(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The next waiting signal.
    pub fn next(&self) -> Option<Asked> {
        let mut record = [0u8; size_of::<libc::signalfd_siginfo>()];
        let count = rustix::io::read(&self.0, &mut record[..]).ok()?;
        // The signal's number is the record's first field.
        let number = record.first_chunk().filter(|_| count == record.len())?;
        match u32::from_ne_bytes(*number) as i32 {
            libc::SIGHUP => Some(Asked::Reload),
            libc::SIGTERM => Some(Asked::End("Terminated")),
            libc::SIGUSR1 => Some(Asked::End("User defined signal 1")),
            _ => Some(Asked::End("Interrupt")),
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
