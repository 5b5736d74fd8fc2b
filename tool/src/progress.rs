//! Long work: how far it is, on a terminal or as lines, and Ctrl-C, which ends it at the next step and not in the middle
//! of one.

use crate::failure::{Failure, note};
use crate::units;
use nearcache_store::Progress;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often a terminal's line is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);
/// How often there is another line where there is no terminal, if lines are asked for.
const LINE: Duration = Duration::from_secs(1);

/// Raised by the signals that end programs. A second one ends it at once.
#[derive(Clone, Debug)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Takes the signals over.
    pub fn on_signals() -> Result<Stop, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first one finds it not raised yet.
            flag::register_conditional_shutdown(signal, 2, Arc::clone(&asked))
                .and_then(|_| flag::register(signal, Arc::clone(&asked)))
                .map_err(|error| Failure::Told(format!("listening to signals: {error}")))?;
        }
        Ok(Stop(asked))
    }

    /// Has one come?
    pub fn is_asked(&self) -> bool {
        // Relaxed: the flag is all there is to know.
        self.0.load(Ordering::Relaxed)
    }
}

/// Where the progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nowhere,
    Terminal,
    Lines,
}

/// The progress of one piece of work.
pub struct Meter {
    doing: &'static str,
    stop: Stop,
    shown: Shown,
    begun: Instant,
    last_shown: Option<Instant>,
    done: u64,
    of: Option<u64>,
}

impl Meter {
    /// Nothing is done yet. With `lines` progress is also told where there is no terminal.
    pub fn start(doing: &'static str, lines: bool) -> Result<Meter, Failure> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let shown = match io::stderr().is_terminal() && !is_dumb {
            true => Shown::Terminal,
            false if lines => Shown::Lines,
            false => Shown::Nowhere,
        };
        let (stop, begun) = (Stop::on_signals()?, Instant::now());
        Ok(Meter { doing, stop, shown, begun, last_shown: None, done: 0, of: None })
    }

    /// So much is done, of about so much; shows it if it is time to. `false`: stop.
    pub fn at(&mut self, done: u64, of: Option<u64>) -> bool {
        if done < self.done {
            // Another pass begins.
            self.begun = Instant::now();
        }
        (self.done, self.of) = (done, of);
        let pause = if self.shown == Shown::Terminal { REDRAW } else { LINE };
        if self.last_shown.is_none_or(|last| last.elapsed() >= pause) {
            self.show();
        }
        !self.stop.is_asked()
    }

    /// The same, as a store asks it.
    pub fn go_on(&mut self) -> impl FnMut(Progress) -> bool {
        |progress| self.at(progress.done, Some(progress.of))
    }

    /// What was done in the end.
    pub fn done(&self) -> u64 {
        self.done
    }

    fn show(&mut self) {
        self.last_shown = Some(Instant::now());
        let line = line(self.doing, self.done, self.of, self.begun.elapsed());
        match self.shown {
            Shown::Nowhere => {}
            // A standard error that is closed is no reason to end.
            Shown::Terminal => drop(write!(io::stderr(), "\r{line}\x1b[K")),
            Shown::Lines => note(&line),
        }
    }
}

impl Drop for Meter {
    /// What is said next has a clean line; the last of the lines tells what there was in the end.
    fn drop(&mut self) {
        match (self.shown, self.last_shown) {
            (Shown::Lines, _) => self.show(),
            (Shown::Terminal, Some(_)) => drop(write!(io::stderr(), "\r\x1b[K")),
            _ => {}
        }
    }
}

/// `verify: 45 %, 450 of 1,000, 150/s, 3 s left`.
fn line(doing: &str, done: u64, of: Option<u64>, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let rate = if seconds > 0.0 { done as f64 / seconds } else { 0.0 };
    let (done_text, rate_text) = (units::count(done), units::rate(rate));
    let Some(of) = of.map(|of| of.max(done)) else {
        return format!("{doing}: {done_text}, {rate_text}/s");
    };
    let share = if of == 0 { 100 } else { u128::from(done) * 100 / u128::from(of) };
    let left = match (of - done) as f64 / rate {
        left if done < of && left.is_finite() => {
            format!(", {} left", units::duration(left.ceil() as i64))
        }
        _ => String::new(),
    };
    format!("{doing}: {share} %, {done_text} of {}, {rate_text}/s{left}", units::count(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let after = Duration::from_secs;
        assert_eq!(line("v", 450, Some(1000), after(3)), "v: 45 %, 450 of 1,000, 150/s, 4 s left");
        assert_eq!(line("v", 1000, Some(1000), after(2)), "v: 100 %, 1,000 of 1,000, 500/s");
        // What is said of the whole may be too little, and nothing is done at once.
        assert_eq!(line("v", 12, Some(10), after(1)), "v: 100 %, 12 of 12, 12/s");
        assert_eq!(line("v", 0, Some(10), after(0)), "v: 0 %, 0 of 10, 0/s");
        assert_eq!(line("v", 0, Some(0), after(1)), "v: 100 %, 0 of 0, 0/s");
        assert_eq!(line("v", 5000, None, after(2)), "v: 5,000, 2,500/s");
    }
}
