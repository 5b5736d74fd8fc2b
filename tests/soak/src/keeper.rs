//! Starts the workers, kills and stops them at random, and notices who hangs.

use crate::table::{Note, Table};
use crate::worker::{self, Caches, Rng};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

/// What is asked for on the command line.
#[derive(Debug)]
pub struct Plan {
    pub time: Duration,
    pub seed: u64,
    pub slots: usize,
    pub size: u64,
    /// Commands of workers that are not forked Rust.
    pub workers: Vec<String>,
}

/// A worker that runs does an operation within this time, however busy the machine is.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// A slot's worker.
#[derive(Debug)]
struct Slot {
    pid: libc::pid_t,
    command: Option<String>,
    /// Stopped until then.
    stopped: Option<Instant>,
    /// Operations of the slot when this worker was started, and how many of its own it may do before it can be killed.
    before: u64,
    grace: u64,
    /// What was last seen of it, and when that was news.
    seen: u64,
    since: Instant,
}

/// Who looks after the slots.
pub struct Keeper<'a> {
    plan: &'a Plan,
    table: &'a Table,
    table_path: &'a Path,
    master: &'a Caches,
    rng: Rng,
    slots: Vec<Slot>,
    pub deaths: u64,
    pub stops: u64,
    pub massacres: u64,
    pub faults: Vec<String>,
}

impl<'a> Keeper<'a> {
    pub fn new(plan: &'a Plan, table: &'a Table, table_path: &'a Path, master: &'a Caches) -> Self {
        let rng = Rng(plan.seed);
        let (slots, faults) = (Vec::new(), Vec::new());
        let mut keeper = Keeper {
            plan,
            table,
            table_path,
            master,
            rng,
            slots,
            deaths: 0,
            stops: 0,
            massacres: 0,
            faults,
        };
        for slot in 0..plan.slots {
            // Foreign workers have the last slots.
            let foreign = (plan.slots - slot).checked_sub(1).and_then(|at| plan.workers.get(at));
            keeper.slots.push(Slot {
                pid: 0,
                command: foreign.cloned(),
                stopped: None,
                before: 0,
                grace: 0,
                seen: 0,
                since: Instant::now(),
            });
            keeper.start(slot);
        }
        keeper
    }

    /// Until the time is over, or something went wrong; then everybody ends.
    pub fn run(&mut self) {
        let end = Instant::now() + self.plan.time;
        let mut massacre = Instant::now() + Duration::from_secs(5);
        while Instant::now() < end && self.faults.is_empty() {
            std::thread::sleep(Duration::from_micros(500 + self.rng.below(7000) as u64));
            self.collect(true);
            self.go_on(Instant::now());
            if Instant::now() > massacre {
                // Everybody at once: what comes next attaches a cache that nobody has.
                (0..self.slots.len()).for_each(|slot| self.kill(slot));
                self.massacres += 1;
                massacre =
                    Instant::now() + Duration::from_millis(2000 + self.rng.below(8000) as u64);
                continue;
            }
            let slot = self.rng.below(self.slots.len());
            match self.rng.below(16) {
                0 => self.stop(slot),
                _ if self.may_die(slot) => self.kill(slot),
                _ => {}
            }
            self.notice_who_hangs();
        }
        self.finish();
    }

    fn finish(&mut self) {
        self.go_on(Instant::now() + Duration::from_secs(3600));
        self.table.end();
        let patience = Instant::now() + HANGS_AFTER;
        while self.slots.iter().any(|slot| slot.pid != 0) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
            self.collect(false);
        }
        for slot in 0..self.slots.len() {
            if self.slots[slot].pid != 0 {
                self.faults.push(format!("the worker of slot {slot} does not end"));
                self.kill(slot);
                self.wait(slot, 0);
            }
        }
    }

    fn start(&mut self, slot: usize) {
        let seed = self.rng.next();
        self.table.note(slot, Note::Starts).fetch_add(1, SeqCst);
        // Some workers are killed while they attach, some have a while.
        let grace = [0, 1, 10, 100, 1000, 10_000][self.rng.below(6)];
        let command = self.slots[slot].command.as_ref().map(|command| {
            command
                .replace("{name}", crate::NAME)
                .replace("{seed}", &(seed >> 33).to_string())
                .replace("{slot}", &slot.to_string())
                .replace("{table}", &self.table_path.display().to_string())
        });
        // SAFETY: this process has one thread, so the child may do anything.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            self.be(slot, seed, command);
        }
        assert!(pid > 0, "cannot fork: {}", std::io::Error::last_os_error());
        let operations = self.table.note(slot, Note::Operations).load(SeqCst);
        let own = &mut self.slots[slot];
        own.pid = pid;
        own.stopped = None;
        (own.before, own.grace) = (operations, grace);
        (own.seen, own.since) = (operations, Instant::now());
    }

    /// What the child does.
    fn be(&self, slot: usize, seed: u64, command: Option<String>) -> ! {
        // SAFETY: the signal has no preconditions. Nobody is left behind if the keeper is killed.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        if let Some(command) = command {
            use std::os::unix::process::CommandExt;
            let error = std::process::Command::new("/bin/sh")
                .arg("-c")
                .arg(format!("exec {command}"))
                .exec();
            eprintln!("cannot start {command:?}: {error}");
            std::process::exit(4);
        }
        // Half of them attach by name, half use what their parent has attached.
        match seed & 1 {
            0 => worker::run(self.master, self.table, slot, seed),
            _ => worker::run(&crate::attach(), self.table, slot, seed),
        }
        std::process::exit(0);
    }

    /// Has the worker done what it was given time for? Now and then it is killed regardless.
    fn may_die(&mut self, slot: usize) -> bool {
        let own = &self.slots[slot];
        let done = self.table.note(slot, Note::Operations).load(SeqCst) - own.before;
        own.pid != 0 && (done >= own.grace || self.rng.below(50) == 0)
    }

    fn kill(&mut self, slot: usize) {
        let own = &mut self.slots[slot];
        if own.pid != 0 {
            own.stopped = None;
            // SAFETY: the child was not waited for, so the number is still its own.
            unsafe { libc::kill(own.pid, libc::SIGKILL) };
        }
    }

    fn stop(&mut self, slot: usize) {
        let stopped = self.slots.iter().filter(|slot| slot.stopped.is_some()).count();
        let own = &mut self.slots[slot];
        if own.pid == 0 || own.stopped.is_some() || stopped * 3 >= self.plan.slots {
            return;
        }
        // SAFETY: as in `kill`.
        unsafe { libc::kill(own.pid, libc::SIGSTOP) };
        own.stopped = Some(Instant::now() + Duration::from_millis(self.rng.below(2500) as u64));
        self.stops += 1;
    }

    /// Lets go on who was stopped for long enough.
    fn go_on(&mut self, now: Instant) {
        for slot in &mut self.slots {
            if slot.pid != 0 && slot.stopped.is_some_and(|until| until <= now) {
                slot.stopped = None;
                slot.since = Instant::now();
                // SAFETY: as in `kill`.
                unsafe { libc::kill(slot.pid, libc::SIGCONT) };
            }
        }
    }

    /// Waits for those who have ended, and starts others in their slots.
    fn collect(&mut self, restart: bool) {
        for slot in 0..self.slots.len() {
            if self.slots[slot].pid != 0 && self.wait(slot, libc::WNOHANG) && restart {
                self.start(slot);
            }
        }
    }

    /// Has the worker ended?
    fn wait(&mut self, slot: usize, how: i32) -> bool {
        let mut status = 0;
        // SAFETY: `status` is a valid int that the call fills.
        if unsafe { libc::waitpid(self.slots[slot].pid, &mut status, how) } == 0 {
            return false;
        }
        self.slots[slot].pid = 0;
        if libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGKILL {
            self.deaths += 1;
        } else if libc::WIFSIGNALED(status) {
            self.faults.push(format!(
                "the worker of slot {slot} died of signal {}",
                libc::WTERMSIG(status)
            ));
        } else if libc::WEXITSTATUS(status) != 0 {
            self.faults.push(format!(
                "the worker of slot {slot} ended with status {}: see what it said above",
                libc::WEXITSTATUS(status)
            ));
        } else if !self.table.is_over() {
            self.faults.push(format!("the worker of slot {slot} has ended before its time"));
        }
        true
    }

    fn notice_who_hangs(&mut self) {
        for (number, slot) in self.slots.iter_mut().enumerate() {
            let seen = self.table.note(number, Note::Operations).load(SeqCst);
            if seen != slot.seen || slot.stopped.is_some() {
                (slot.seen, slot.since) = (seen, Instant::now());
            } else if slot.pid != 0 && slot.since.elapsed() > HANGS_AFTER {
                self.faults.push(format!("the worker of slot {number} hangs: pid {}", slot.pid));
                slot.since = Instant::now();
            }
        }
    }
}
