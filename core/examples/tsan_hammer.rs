//! Threads that use one cache with every verb, for the sanitizers: `tests/sanitizers.sh` builds and runs it.
//!
//! The threads are made by `pthread_create` itself, because the standard library is not instrumented and its way of
//! starting and joining threads would be taken for races. What they share is the cache and a few atomic words.
//!
//! `tsan_hammer [operations of a thread] [seed]`

#[path = "../tests/support/blocks.rs"]
mod blocks;

use nearcache::{Cache, Error, Expiry, MetaGet, Options, Pin};
use std::ffi::c_void;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What `blocks` takes from the tests' support.
mod seed {
    pub use crate::mix;
}

const THREADS: usize = 4;
const KEYS: u64 = 300;
/// Keys below this one have large values.
const LARGE_KEYS: u64 = 10;

/// The finalizer of SplitMix64.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a thread is given. It lives until all threads are joined.
struct Task {
    cache: *const Cache,
    operations: u64,
    seed: u64,
    hits: AtomicU64,
}

extern "C" fn start(task: *mut c_void) -> *mut c_void {
    // SAFETY: `main` passes a `Task` that outlives the thread and that nobody changes but through its atomics.
    let task = unsafe { &*task.cast::<Task>() };
    // SAFETY: `main` drops the cache after it has joined the thread.
    let cache = unsafe { &*task.cache };
    run(cache, task);
    std::ptr::null_mut()
}

fn key(number: u64) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0) % bound
    }
}

/// A value that was read is whole and of its key.
fn check(k: u64, bytes: &[u8]) {
    blocks::read(k as u32, bytes).unwrap_or_else(|why| panic!("key {k}: {why}"));
}

fn run(cache: &Cache, task: &Task) {
    let mut rng = Rng(task.seed);
    let mut pins: Vec<(u64, Pin<'_>)> = Vec::new();
    for step in 0..task.operations {
        let k = rng.below(KEYS);
        let done = match rng.below(4) {
            0 => write(cache, &mut rng, k, step),
            1 => change(cache, &mut rng, k, step),
            _ => read(cache, &mut rng, k, &task.hits),
        };
        match done {
            Ok(()) | Err(Error::OutOfMemory) => {}
            Err(error) => panic!("key {k}: {error}"),
        }
        if step.is_multiple_of(10) {
            pins.extend(cache.pin(&key(k)).expect("a pin does not fail").map(|pin| (k, pin)));
        }
        if pins.len() > 8 {
            let (k, pin) = pins.swap_remove(rng.below(8) as usize);
            check(k, &pin);
        }
    }
}

fn life(rng: &mut Rng) -> Expiry {
    if rng.below(2) == 0 { Expiry::Never } else { Expiry::After(1 + rng.below(50) as u32) }
}

fn write(cache: &Cache, rng: &mut Rng, k: u64, step: u64) -> Result<(), Error> {
    let (name, life) = (key(k), life(rng));
    let len = rng.below(if k < LARGE_KEYS { 150_000 } else { 3000 }) as usize;
    let mut value = Vec::new();
    blocks::write(k as u32, step, len, &mut value);
    let flags = rng.below(2) as u32;
    match rng.below(10) {
        0..5 => cache.set(&name, &value, flags, life),
        5 => cache.add(&name, &value, flags, life),
        6 => cache.replace(&name, &value, flags, life),
        7 => cache.append(&name, &value),
        8 => cache.prepend(&name, &value),
        _ => match cache.get(&name)? {
            Some(old) => cache.cas(&name, &value, flags, life, old.cas),
            None => return Ok(()),
        },
    }
    .map(drop)
}

fn change(cache: &Cache, rng: &mut Rng, k: u64, step: u64) -> Result<(), Error> {
    let (name, number, life) = (key(k), key(KEYS + k % 5), life(rng));
    match rng.below(6) {
        0 => cache.delete(&name).map(drop),
        1 => cache.touch(&name, life).map(drop),
        2 => cache.incr_or(&number, 3, 1 << 47, life).map(drop),
        3 => cache.decr(&number, 2).map(drop),
        4 => cache.invalidate(&name, None).map(drop),
        _ => {
            if step.is_multiple_of(100) {
                cache.flush_all(0).expect("the cache may be written");
            }
            Ok(())
        }
    }
}

fn read(cache: &Cache, rng: &mut Rng, k: u64, hits: &AtomicU64) -> Result<(), Error> {
    let name = key(k);
    let mut sink = Vec::new();
    let met = |bytes: &[u8]| {
        check(k, bytes);
        hits.fetch_add(1, SeqCst);
    };
    match rng.below(8) {
        0 => cache.gat(&name, life(rng))?.iter().for_each(|hit| met(&hit.data)),
        1 => {
            let found = cache.meta_get(&name, MetaGet::default(), &mut sink)?;
            found.iter().for_each(|_| met(&sink));
        }
        2 => cache.get_many(&[&name, &name], |_, _, bytes| met(bytes))?,
        3 if rng.below(20) == 0 => _ = std::hint::black_box(cache.iter().take(50).count()),
        _ => {
            let found = cache.get_to(&name, &mut sink)?;
            found.iter().for_each(|_| met(&sink));
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|text| {
        text.parse::<u64>()
            .unwrap_or_else(|_| panic!("{text:?} is no number; give operations and a seed"))
    });
    let operations = arguments.next().unwrap_or(10_000);
    let seed = arguments.next().unwrap_or(1);
    let cache = match Options::new(2 << 20).open() {
        Ok(cache) => cache,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let tasks: Vec<Task> = (0..THREADS as u64)
        .map(|thread| Task {
            cache: &raw const cache,
            operations,
            seed: mix(seed ^ thread << 32),
            hits: AtomicU64::new(0),
        })
        .collect();
    let mut threads = Vec::new();
    for task in &tasks {
        // SAFETY: all zeroes is a valid value of the integer or pointer that a `pthread_t` is.
        let mut thread: libc::pthread_t = unsafe { std::mem::zeroed() };
        let task = std::ptr::from_ref(task).cast_mut().cast::<c_void>();
        // SAFETY: `thread` is writable, no attributes are given, and `start` takes what it is passed.
        let failed = unsafe { libc::pthread_create(&mut thread, std::ptr::null(), start, task) };
        assert_eq!(failed, 0, "pthread_create");
        threads.push(thread);
    }
    for thread in threads {
        // SAFETY: the thread was made above and is joined once.
        let failed = unsafe { libc::pthread_join(thread, std::ptr::null_mut()) };
        assert_eq!(failed, 0, "pthread_join");
    }
    let hits: u64 = tasks.iter().map(|task| task.hits.load(SeqCst)).sum();
    match cache.check() {
        Ok(()) => {
            println!("{hits} hits of {} operations, seed {seed}", operations * THREADS as u64);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}; seed {seed}");
            ExitCode::FAILURE
        }
    }
}
