//! A process is killed, stopped or ended before each of its stores to a shared cache, and the others go on.
//!
//! For each failpoint k a forked victim runs a mix of verbs and falls at its k-th store; two survivors run theirs beside
//! it, and more after it fell. They must get through without waiting, what all of them were answered must be
//! linearizable (what the victim was at took effect once or never), the cache must be whole, and what the victim held
//! must come back. Needs `--cfg nearcache_failpoints`: `core/tests/failpoints.sh` runs it.
//!
//! It has no test harness: it forks, and so has one thread.

#[cfg(nearcache_failpoints)]
#[path = "failpoints/rounds.rs"]
mod rounds;
#[cfg(nearcache_failpoints)]
#[path = "failpoints/scenes.rs"]
mod scenes;
#[cfg(nearcache_failpoints)]
mod support;

#[cfg(nearcache_failpoints)]
fn main() {
    rounds::all();
}

#[cfg(not(nearcache_failpoints))]
fn main() {
    println!("this build has no failpoints: core/tests/failpoints.sh makes one that has");
}
