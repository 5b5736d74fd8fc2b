//! A screen that is drawn anew and a keyboard that is listened to, both given back as they were.

use crate::failure::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Another screen, without a cursor, where long lines end at the edge.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &[u8] = b"\x1b[?7h\x1b[?25h\x1b[?1049l";
const CTRL_C: u8 = 3;

/// Can there be a screen: is a person at both ends?
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The time is over.
    Over,
    /// The user, or a signal, wants an end.
    Quit,
}

/// The terminal while it is drawn on.
pub struct Screen<'a> {
    out: &'a mut dyn Write,
    before: Termios,
    asked_to_end: Arc<AtomicBool>,
}

impl<'a> Screen<'a> {
    /// Takes the terminal: keys come one by one and unseen, Ctrl-C among them.
    pub fn enter(out: &'a mut dyn Write) -> Result<Screen<'a>, Failure> {
        let refused = |error: io::Error| Failure::Told(format!("taking the terminal: {error}"));
        let asked_to_end = Arc::new(AtomicBool::new(false));
        // A signal that ended the program at once would leave the terminal without echo.
        for signal in [SIGTERM, SIGHUP, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&asked_to_end)).map_err(refused)?;
        }
        let before = tcgetattr(io::stdin()).map_err(|error| refused(error.into()))?;
        let mut keys = before.clone();
        keys.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        keys.special_codes[SpecialCodeIndex::VMIN] = 1;
        keys.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &keys)
            .map_err(|error| refused(error.into()))?;
        let screen = Screen { out, before, asked_to_end };
        screen.out.write_all(ENTER)?;
        Ok(screen)
    }

    /// Draws the lines from the top; those that do not fit are left out.
    pub fn draw(&mut self, lines: &[String]) -> Result<(), Failure> {
        let rows = tcgetwinsize(io::stdin()).map_or(24, |size| usize::from(size.ws_row));
        self.out.write_all(b"\x1b[H")?;
        let mut ended = "";
        for line in lines.iter().take(if rows == 0 { 24 } else { rows }) {
            write!(self.out, "{ended}{line}\x1b[K")?;
            ended = "\r\n";
        }
        self.out.write_all(b"\x1b[J")?;
        self.out.flush()?;
        Ok(())
    }

    /// Waits for the time to be over, for `q` or Ctrl-C, or for a signal that ends programs.
    pub fn wait(&mut self, interval: Duration) -> Result<Waited, Failure> {
        let end = Instant::now() + interval;
        loop {
            // Relaxed: the flag is all there is to know.
            if self.asked_to_end.load(Ordering::Relaxed) {
                return Ok(Waited::Quit);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Waited::Over);
            }
            let left =
                Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let input = io::stdin();
            let mut keyboard = [PollFd::new(&input, PollFlags::IN)];
            match poll(&mut keyboard, Some(&left)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(Failure::Told(format!("waiting for a key: {error}"))),
            }
            let mut keys = [0; 64];
            match rustix::io::read(&input, &mut keys) {
                Err(Errno::INTR) => {}
                // The terminal went away.
                Ok(0) | Err(_) => return Ok(Waited::Quit),
                Ok(count) => {
                    if keys[..count].iter().any(|key| matches!(key, b'q' | b'Q' | &CTRL_C)) {
                        return Ok(Waited::Quit);
                    }
                }
            }
        }
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        // A terminal that went away cannot be given back.
        let _ = self.out.write_all(LEAVE);
        let _ = self.out.flush();
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
