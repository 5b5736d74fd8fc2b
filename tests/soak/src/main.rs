//! The soak: processes in several languages on one named cache, killed every few milliseconds and stopped for up to
//! seconds, while new ones attach. Nobody may read a torn, stale or wrong value, and nobody may wait for the dead or
//! the stopped.
//!
//!     soak [SECONDS] [--seed N] [--slots N] [--size BYTES] [--worker COMMAND]...
//!
//! Each --worker takes a slot (there are 8) with a program instead of a forked Rust worker; `{name}`, `{seed}`,
//! `{slot}` and `{table}` in the command stand for what it is to use (see `table.rs`; its second cache is `{name}.exact`).

mod keeper;
mod table;
mod value;
mod worker;

use keeper::{Keeper, Plan};
use nearcache::{Cache, Expiry, Home, Options};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};
use table::{Note, Table};
use value::counter_name;
use worker::Caches;

const NAME: &str = "soak";
/// Counters: even, half of them for incr and half for cas.
const COUNTERS: usize = 8;
/// Keys of a slot: together several times as much as fits.
const KEYS: usize = 4000;

fn main() -> ExitCode {
    match plan() {
        Ok(plan) => soak(&plan),
        Err(why) => {
            eprintln!(
                "soak: {why}\nusage: soak [SECONDS] [--seed N] [--slots N] [--size BYTES] [--worker COMMAND]..."
            );
            ExitCode::from(2)
        }
    }
}

fn plan() -> Result<Plan, String> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut plan = Plan {
        time: Duration::from_secs(600),
        seed: clock.map_or(0, |now| now.as_nanos() as u64),
        slots: 8,
        size: 16 << 20,
        workers: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|_| format!("{text:?} is no number: a count in decimal is needed"))
        };
        match argument.as_str() {
            "--seed" => plan.seed = number(value()?)?,
            "--slots" => plan.slots = number(value()?)?.clamp(1, 64) as usize,
            "--size" => plan.size = number(value()?)?,
            "--worker" => plan.workers.push(value()?),
            _ => plan.time = Duration::from_secs(number(argument)?),
        }
    }
    match plan.workers.len() > plan.slots {
        true => {
            Err(format!("{} workers for {} slots: raise --slots", plan.workers.len(), plan.slots))
        }
        false => Ok(plan),
    }
}

/// A directory for the caches and the table, removed at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left for whoever looks.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(name: &str, size: u64) -> Cache {
    let cache = Options::new(size).home(Home::Named(name.into())).open();
    cache.unwrap_or_else(|error| panic!("cannot open the cache {name}: {error}"))
}

/// Attaches both caches.
fn attach() -> Caches {
    let [tight, exact] = [NAME.to_string(), format!("{NAME}.exact")].map(|name| {
        let cache = Options::attach(Home::Named(name.clone())).open();
        cache.unwrap_or_else(|error| panic!("cannot attach {name}: {error}"))
    });
    Caches { tight, exact }
}

/// Items of one size that fit: the most that were there at once while far more were stored. They are counted one by one:
/// the statistics may have lost count with those who died.
fn fits(cache: &Cache) -> u64 {
    cache.flush_all(0).expect("a flush does not fail");
    let (mut most, stores) = (0, cache.stats().limit_maxbytes / 150);
    for k in 0..stores {
        let stored = cache.set(format!("fit {k}").as_bytes(), &[7; 300], 0, Expiry::Never);
        stored.expect("there is room");
        if k % (stores / 20) == 0 {
            most = most.max(cache.keys(b"fit").count() as u64);
        }
    }
    most
}

fn soak(plan: &Plan) -> ExitCode {
    let base =
        if Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
    let scratch = Scratch(base.join(format!("nearcache-soak.{}", std::process::id())));
    std::fs::create_dir(&scratch.0).expect("a directory for the soak");
    std::fs::set_permissions(&scratch.0, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("the directory is ours");
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("NEARCACHE_DIR", &scratch.0) };
    println!(
        "seed {} (--seed replays the draws), {} slots, {:?}",
        plan.seed, plan.slots, plan.time
    );
    let table_path = scratch.0.join(".table");
    let table = Table::create(&table_path, plan.slots, KEYS, COUNTERS);
    let fresh = open("fresh", plan.size);
    let room = fits(&fresh);
    let footprint = fresh.stats().bytes / fresh.len().max(1);
    drop(fresh);
    let made =
        Caches { tight: open(NAME, plan.size), exact: open(&format!("{NAME}.exact"), 8 << 20) };
    for counter in 0..COUNTERS {
        made.exact
            .set(counter_name(counter).as_bytes(), b"0", 0, Expiry::Never)
            .expect("there is room");
    }
    drop(made);
    // A master that only forks: it attaches, and does nothing.
    let master = attach();
    let begun = Instant::now();
    let mut keeper = Keeper::new(plan, &table, &table_path, &master);
    keeper.run();
    let took = begun.elapsed();
    let Keeper { deaths, stops, massacres, mut faults, .. } = keeper;
    drop(master);
    let caches = attach();
    faults.extend(settled(&caches, &table));
    let sleeps = table.sum(Note::Sleeps);
    let operations = table.sum(Note::Operations);
    let worst = (0..plan.slots)
        .map(|slot| table.note(slot, Note::Worst))
        .map(|w| w.load(std::sync::atomic::Ordering::SeqCst));
    let worst = Duration::from_nanos(worst.max().unwrap_or(0));
    // A stop in the middle of an operation is a sleep of each thread; a page that is just being mapped may be one.
    let most = 2 * stops + operations / 10_000 + 100;
    if sleeps > most {
        faults.push(format!("operations slept {sleeps} times: {most} are explained"));
    }
    if worst > Duration::from_secs(2) {
        faults.push(format!("an operation took {worst:?} of processor time"));
    }
    let left = fits(&caches.tight);
    println!(
        "{} deaths ({} of everybody at once), {} stops, {} attached anew, in {:.0} s",
        deaths,
        massacres,
        stops,
        table.sum(Note::Starts),
        took.as_secs_f64()
    );
    println!(
        "{operations} operations, {} hits, {} misses, {} refused; worst latency {worst:?} of processor time, {sleeps} sleeps",
        table.sum(Note::Hits),
        table.sum(Note::Misses),
        table.sum(Note::Refusals),
    );
    let by_slot: Vec<String> = (0..plan.slots)
        .map(|slot| {
            let load = |which| table.note(slot, which).load(SeqCst);
            format!("{} in {} lives", load(Note::Operations), load(Note::Starts))
        })
        .collect();
    println!("operations of each slot, foreign workers last: {}", by_slot.join(", "));
    let leaked = room.saturating_sub(left) * footprint;
    println!(
        "{leaked} bytes leaked: {room} items of {footprint} bytes fitted before, {left} fit now"
    );
    // A twentieth may lie in segments that a lane has just opened, for lifetimes that the first cache knew nothing of.
    if left * 100 < room * 94 {
        faults.push(format!("{leaked} bytes did not come back"));
    }
    for fault in &faults {
        println!("FAULT: {fault}");
    }
    match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => {
            println!("replay the draws with --seed {}", plan.seed);
            ExitCode::FAILURE
        }
    }
}

/// What is wrong when everybody has ended.
fn settled(caches: &Caches, table: &Table) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, cache) in [("the tight cache", &caches.tight), ("the exact cache", &caches.exact)] {
        // What died before it had told its namespace is certain after ten seconds.
        let patience = Instant::now() + Duration::from_secs(15);
        let others = || {
            let me = std::process::id();
            cache.processes().into_iter().filter(|process| process.pid != me).collect::<Vec<_>>()
        };
        cache.reap().expect("reaping does not fail");
        while !others().is_empty() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(200));
            cache.reap().expect("reaping does not fail");
        }
        if !others().is_empty() {
            faults.push(format!("{name} knows of {:?}, who have ended", others()));
        }
        if let Err(error) = cache.check() {
            faults.push(format!("{name}: {error}"));
        }
    }
    for counter in 0..table.counters {
        let name = counter_name(counter);
        let got = caches.exact.get(name.as_bytes()).expect("a get does not fail");
        let text = got.map(|got| String::from_utf8_lossy(&got.data).trim().to_string());
        let number = text.as_deref().and_then(|text| text.parse::<u64>().ok());
        let bounds = table.least(counter)..=table.most(counter);
        match number {
            Some(number) if bounds.contains(&number) => {}
            _ => faults.push(format!("{name} is {text:?} in the end, and should be in {bounds:?}")),
        }
    }
    if caches.exact.stats().evictions > 0 {
        faults.push("the exact cache has evicted: its counters prove nothing".into());
    }
    faults
}
