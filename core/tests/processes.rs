//! Shared caches and several processes: created by many at once, forked with, killed, in other namespaces, on file
//! systems that are full or cannot be written.
//!
//! It has no test harness: it forks, and so has one thread. A name as argument runs the tests that have it in theirs.

#[path = "processes/files.rs"]
mod files;
#[path = "processes/forks.rs"]
mod forks;
#[path = "processes/lives.rs"]
mod lives;
mod support;

use nearcache::{Cache, Expiry, Home, Options, Outcome};
use std::time::Instant;
use support::children::{Fate, fork};
use support::scratch::Scratch;

/// A small cache.
pub const SIZE: u64 = 1 << 20;
/// What is stored for good.
pub const NEVER: Expiry = Expiry::Never;

/// Either it holds (and everything was tried), or it says what the machine does not allow.
pub type Tried = Result<(), String>;

/// A test and its name.
pub type Test = (&'static str, fn() -> Tried);

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let tests: Vec<Test> = [files::TESTS, forks::TESTS, lives::TESTS].concat();
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for (name, test) in tests {
        if !only.is_empty() && !only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let begun = Instant::now();
        // In a child: so each has a process, an environment and a directory of its own.
        let scratch = Scratch::new();
        let note = scratch.join(".skipped");
        let fate = fork(|| {
            // SAFETY: this process has one thread.
            unsafe { std::env::set_var("NEARCACHE_DIR", scratch.path()) };
            if let Err(why) = test() {
                std::fs::write(&note, why).expect("the reason is written");
            }
        })
        .wait();
        let why = std::fs::read_to_string(&note).ok();
        let said = match (&fate, why) {
            (Fate::Exited(0), None) => "ok".to_string(),
            (Fate::Exited(0), Some(why)) => format!("skipped: {why}"),
            _ => format!("FAILED: {fate:?}"),
        };
        match said.as_str() {
            "ok" => passed += 1,
            _ if said.starts_with("skipped") => skipped += 1,
            _ => failed.push(name),
        }
        println!("test {name} ... {said} ({:.2} s)", begun.elapsed().as_secs_f64());
    }
    println!("{passed} passed, {skipped} skipped, {} failed {failed:?}", failed.len());
    if !failed.is_empty() {
        std::process::exit(101);
    }
}

/// Options of a cache of this name.
pub fn named(name: &str) -> Options {
    Options::new(SIZE).home(Home::Named(name.into()))
}

/// Opens or creates it.
pub fn open(name: &str) -> Cache {
    named(name).open().expect("the cache opens")
}

/// Attaches it; it is there.
pub fn attach(name: &str) -> Cache {
    Options::attach(Home::Named(name.into())).open().expect("the cache attaches")
}

/// Stores text.
pub fn set(cache: &Cache, key: &str, value: &str) {
    let stored = cache.set(key.as_bytes(), value.as_bytes(), 0, NEVER);
    assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
}

/// The text that is stored.
pub fn get(cache: &Cache, key: &str) -> Option<String> {
    let got = cache.get(key.as_bytes()).expect("a get does not fail");
    got.map(|value| String::from_utf8(value.data).expect("it was text"))
}
