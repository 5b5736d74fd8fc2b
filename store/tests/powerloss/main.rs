//! Losses of power, replayed. A child works on a store and its queues while every write and sync of it is recorded; then
//! directories are made as a loss of power at a random point could have left them, and opened. Nothing acknowledged may
//! be missing under `Always`; under the other policies the first part of the steps is there and nothing else, and at
//! least what was acknowledged before the journal's last sync; nothing is invented or torn, and the books, the records
//! of the queues and their schedule are exact. Then the directory is used as any other, and the next run begins on one of
//! them.
//!
//! A run that treats syncs as if they had not happened must lose something: it shows that the test bites.
//!
//! `NEARCACHE_SEED` repeats a run's steps and its choices (what threads do when is the machine's); `MINUTES` goes on with
//! new seeds for so long. A directory that was found wanting is kept, and named.

#[path = "../common/mod.rs"]
mod common;
mod disk;
mod load;
mod trace;

use common::{Random, Seeded, seed};
use disk::{Log, Op, Syncs};
use load::{LEASE, QUEUES, State};
use nearcache::{Expiry, Verb};
use nearcache_store::queue::{Push, Queues};
use nearcache_store::{Error, Policy, Store};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const CHILD: &str = "NEARCACHE_POWERLOSS_CHILD";
/// The store is made in a directory that has to be made too.
const AT: &str = "some/where/store";

fn main() -> ExitCode {
    let asked = |name: &str| std::env::var(format!("POWERLOSS_{name}")).unwrap_or_default();
    let number = |name: &str| asked(name).parse().unwrap_or(0);
    let dir = PathBuf::from(asked("DIR"));
    match std::env::var(CHILD).as_deref() {
        Ok("load") => {
            let (from, to) = (number("FROM"), number("TO"));
            load::run(
                &dir,
                load::policy(&asked("POLICY")),
                number("RUN"),
                from,
                to,
                number("LARGE") == 1,
            );
            ExitCode::SUCCESS
        }
        Ok("look") => {
            look(&dir, load::policy(&asked("POLICY")));
            ExitCode::SUCCESS
        }
        _ => rounds(),
    }
}

fn rounds() -> ExitCode {
    let minutes = std::env::var("MINUTES").unwrap_or_default();
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse().expect("MINUTES: a number") };
    let until = Instant::now() + Duration::from_secs(60 * minutes);
    let first = seed();
    for round in 0.. {
        let seeded = Seeded(first.wrapping_add(round));
        if let Err(why) = one_round(seeded.0) {
            println!("test powerloss ... left out: {why}");
            return ExitCode::SUCCESS;
        }
        if Instant::now() >= until {
            break;
        }
    }
    println!("test powerloss ... ok");
    ExitCode::SUCCESS
}

fn one_round(seed: u64) -> Result<(), String> {
    for (number, name) in ["always", "every", "never"].into_iter().enumerate() {
        let mut run = Run::new(name, seed.wrapping_mul(3).wrapping_add(number as u64), false);
        for _ in 0..2 {
            let log = run.record(240)?;
            run.images(&log, 30);
            if name == "always" {
                run.control(&log);
            }
            run.go_on(&log);
        }
        if name == "always" {
            let [data, all] = run.losses;
            assert!(data > 0 && all > 0, "without syncs nothing is lost: the test does not bite");
            println!(
                "without syncs of data {data} losses, without any {all}, of 16 directories each"
            );
        }
        run.done();
    }
    // Values so large that journals are full, sealed and removed.
    let mut run = Run::new("always", seed, true);
    let log = run.record(480)?;
    let (begun, removed) = log.journals();
    assert!(begun > 1, "no journal was filled");
    println!("{begun} journals, {removed} of them removed");
    run.images(&log, 6);
    run.done();
    Ok(())
}

/// Runs on one directory, and what is to be in it.
struct Run {
    policy: &'static str,
    seed: u64,
    is_large: bool,
    random: Random,
    dir: PathBuf,
    /// Before the recorded run.
    state: State,
    images: u32,
    /// Of those without syncs of data, and without any, so many were found wanting.
    losses: [u32; 2],
}

/// What came of looking into a directory.
struct Found {
    text: String,
    complaint: String,
}

impl Run {
    fn new(policy: &'static str, seed: u64, is_large: bool) -> Run {
        let name = format!("nearcache-powerloss-{}-{policy}-{is_large}", std::process::id());
        // Real syncs are not needed here: a file system in memory is as good, and quicker.
        let memory = PathBuf::from("/dev/shm");
        let dir = if memory.is_dir() { memory } else { std::env::temp_dir() }.join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("disk")).unwrap();
        let (random, state) = (Random(seed), State::default());
        Run { policy, seed, is_large, random, dir, state, images: 0, losses: [0; 2] }
    }

    fn disk(&self) -> PathBuf {
        self.dir.join("disk")
    }

    fn child(&self, what: &str, dir: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(CHILD, what).env("POWERLOSS_DIR", dir.join(AT));
        command.env("POWERLOSS_POLICY", self.policy);
        command
    }

    /// Has a child do so many steps.
    fn record(&mut self, steps: u64) -> Result<Log, String> {
        let mut command = self.child("load", &self.disk());
        for (name, number) in [
            ("RUN", self.seed),
            ("FROM", self.state.steps),
            ("TO", self.state.steps + steps),
            ("LARGE", u64::from(self.is_large)),
        ] {
            command.env(format!("POWERLOSS_{name}"), number.to_string());
        }
        let log = trace::record(&self.disk(), command)?;
        // Nothing was missed.
        let whole = self.dir.join("whole");
        log.image(&whole, log.ops.len(), Syncs::All, true, &mut self.random);
        disk::assert_same(&whole, &self.disk());
        std::fs::remove_dir_all(&whole).unwrap();
        Ok(log)
    }

    /// Looks at so many directories, as losses of power may leave them.
    fn images(&mut self, log: &Log, count: u32) {
        for _ in 0..count {
            let cut = self.cut(log);
            let (image, choice) = (self.dir.join("image"), self.random.next());
            log.image(&image, cut, Syncs::All, false, &mut Random(choice));
            let found = self.look(&image);
            if let Err(why) = self.judge(log, cut, &found) {
                let kept = self.dir.join("kept");
                log.image(&kept, cut, Syncs::All, false, &mut Random(choice));
                std::fs::write(self.dir.join("operations"), log.tell(cut)).unwrap();
                panic!(
                    "{} (seed {}, cut {cut} of {}, choice {choice}): {why}\nas it was, with the operations beside it: {}",
                    self.policy,
                    self.seed,
                    log.ops.len(),
                    kept.display()
                );
            }
            std::fs::remove_dir_all(&image).unwrap();
            self.images += 1;
        }
    }

    /// Somewhere; or just before something is synced, or just after.
    fn cut(&mut self, log: &Log) -> usize {
        let any = self.random.below(log.ops.len() as u64 + 1) as usize;
        let is_sync = |index: &usize| matches!(log.ops[*index], Op::Sync { .. });
        let next = (any..log.ops.len()).find(is_sync).unwrap_or(any);
        match self.random.below(4) {
            0 => next,
            1 => (next + 1 + self.random.below(3) as usize).min(log.ops.len()),
            _ => any,
        }
    }

    /// As if syncs did nothing: what was acknowledged must be missing, and be found to be.
    fn control(&mut self, log: &Log) {
        for (number, syncs) in [Syncs::NotOfData, Syncs::None].into_iter().enumerate() {
            for _ in 0..8 {
                let cut = log.ops.len() / 2 + self.random.below(log.ops.len() as u64 / 2) as usize;
                let image = self.dir.join("control");
                log.image(&image, cut, syncs, false, &mut self.random);
                let found = self.look(&image);
                self.losses[number] += u32::from(self.judge(log, cut, &found).is_err());
                std::fs::remove_dir_all(&image).unwrap();
            }
        }
    }

    /// The next run begins on what a loss of power has left.
    fn go_on(&mut self, log: &Log) {
        let (cut, choice) = (self.cut(log), self.random.next());
        let image = self.dir.join("image");
        log.image(&image, cut, Syncs::All, false, &mut Random(choice));
        let found = self.look(&image);
        std::fs::remove_dir_all(&image).unwrap();
        let steps = self.judge(log, cut, &found).unwrap();
        while self.state.steps < steps {
            self.state.step(self.seed, self.is_large);
        }
        self.state.end();
        std::fs::remove_dir_all(self.disk()).unwrap();
        log.image(&self.disk(), cut, Syncs::All, false, &mut Random(choice));
    }

    fn done(self) {
        let (policy, seed, images) = (self.policy, self.seed, self.images);
        println!("{policy}, seed {seed}: {images} directories, nothing lost");
        std::fs::remove_dir_all(&self.dir).unwrap();
    }

    /// Opens the directory in a child, which says what is there.
    fn look(&self, dir: &Path) -> Found {
        let said = self.dir.join("said");
        let out = std::fs::File::create(&said).unwrap();
        let complaints = self.dir.join("complaints");
        let err = std::fs::File::create(&complaints).unwrap();
        let mut command = self.child("look", dir);
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                let complaint = "it was not opened and read within a minute".into();
                return Found { text: String::new(), complaint };
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let text = std::fs::read_to_string(said).unwrap();
        Found { text, complaint: std::fs::read_to_string(complaints).unwrap() }
    }

    /// Is what was found right for this point? How many steps it holds.
    fn judge(&self, log: &Log, cut: usize, found: &Found) -> Result<u64, String> {
        let steps = found.text.lines().next().and_then(|line| line.strip_prefix("steps "));
        let Some(steps) = steps.and_then(|n| n.parse::<u64>().ok()) else {
            return Err(format!("it cannot be read: {}", found.complaint));
        };
        let before = self.state.steps;
        let acked = |upto: usize| {
            let marks = log.ops[..upto].iter().rev().filter_map(|op| match op {
                Op::Mark(said) => str::from_utf8(said).ok()?.strip_prefix("acked "),
                _ => None,
            });
            marks.take(1).map(|n| n.trim().parse::<u64>().unwrap() + 1).max().unwrap_or(before)
        };
        let synced = log.ops[..cut].iter().rev().find_map(|op| match op {
            Op::Sync { id, since, .. } if log.is_journal(*id) => Some(*since),
            _ => None,
        });
        let at_least = match load::policy(self.policy) {
            Policy::Always => acked(cut),
            _ => acked(synced.unwrap_or(0)),
        };
        if steps < at_least {
            return Err(format!("{steps} steps are there, and {at_least} are safe"));
        }
        if steps > acked(cut) + 33 {
            return Err(format!("{steps} steps are there, and {} are acknowledged", acked(cut)));
        }
        let mut state = self.state.clone();
        while state.steps < steps {
            state.step(self.seed, self.is_large);
        }
        state.end();
        let wanted = tell(&state) + "fine\n";
        match found.text == wanted {
            true => Ok(steps),
            false => Err(format!("{}{}", difference(&found.text, &wanted), found.complaint)),
        }
    }
}

fn difference(found: &str, wanted: &str) -> String {
    let other = found.lines().zip(wanted.lines()).find(|(found, wanted)| found != wanted);
    match other {
        Some((found, wanted)) => format!("found\n  {found}\nand not\n  {wanted}\n"),
        None => {
            format!("found {} lines and not {}\n", found.lines().count(), wanted.lines().count())
        }
    }
}

/// A state in words, the same whoever tells it.
fn tell(state: &State) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut text = format!("steps {}\n", state.steps);
    for (key, value) in &state.items {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        text += &format!("{key}: {} bytes, {:016x}\n", value.len(), hasher.finish());
    }
    for (name, line) in QUEUES.iter().zip(&state.lines) {
        text += &format!("{name}: ready {:?}, leased {:?}\n", line.ready, line.leased);
    }
    text
}

/// The child that opens a directory, says what is there, and uses it.
fn look(dir: &Path, policy: Policy) {
    let (store, queues) = load::open(dir, policy).unwrap_or_else(|e| panic!("{e}"));
    let verify = |store: &Store, queues: &Queues| {
        store.verify(&mut |_| true).unwrap_or_else(|e| panic!("{e}"));
        queues.verify(&mut |_| true).unwrap_or_else(|e| panic!("{e}"));
    };
    verify(&store, &queues);
    let mut state = State::default();
    for entry in store.prefix(b"", None, 1000).unwrap() {
        let key = String::from_utf8(entry.key).unwrap();
        match key.as_str() {
            "last" => {
                let last = String::from_utf8(entry.value.data).unwrap();
                state.steps = last.parse::<u64>().unwrap() + 1;
            }
            _ => _ = state.items.insert(key, entry.value.data),
        }
    }
    for (name, line) in QUEUES.iter().zip(&mut state.lines) {
        line.ready = bodies(&queues, name);
    }
    // Leases end in their time, and in the order in which the messages were put in.
    assert!(queues.database().clock().advance(LEASE));
    queues.run(0, |_| Ok(())).unwrap();
    for (name, line) in QUEUES.iter().zip(&mut state.lines) {
        let all = bodies(&queues, name);
        let is_ready = |n: &u64| line.ready.contains(n);
        let leased = all.iter().copied().filter(|n| !is_ready(n)).collect();
        assert!(all.is_sorted(), "the order of {name}: {all:?}");
        line.leased = leased;
    }
    verify(&store, &queues);
    print!("{}", tell(&state));
    store.set(b"after", b"1", 0, Expiry::Never).unwrap();
    let pushed = queues.queue(b"after").unwrap().push(b"1", &Push::default()).unwrap();
    let mut batch = store.batch();
    batch.store(Verb::Append, b"after", b"2", 0, Expiry::Never).unwrap();
    batch.commit(store.database()).unwrap();
    drop((store, queues));
    let (store, queues) = load::open(dir, policy).unwrap_or_else(|e| panic!("{e}"));
    verify(&store, &queues);
    assert_eq!(store.get(b"after").unwrap().unwrap().data, b"12");
    assert_eq!(queues.queue(b"after").unwrap().peek(1).unwrap()[0].seq, pushed.seq);
    println!("fine");
}

/// The numbers of the messages that are ready, in their order.
fn bodies(queues: &Queues, name: &str) -> Vec<u64> {
    let messages = match queues.queue(name.as_bytes()).unwrap().peek(10_000) {
        Err(Error::NoQueue(_)) => Vec::new(),
        messages => messages.unwrap(),
    };
    let number = |body: &[u8]| {
        let text = std::str::from_utf8(body).unwrap();
        let n = text.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
        assert_eq!(body, load::body(n), "a message is torn");
        n
    };
    messages.iter().map(|message| number(&message.body)).collect()
}
