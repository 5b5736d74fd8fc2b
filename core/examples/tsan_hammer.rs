//! Threads that use one cache with every verb, for the sanitizers: `tests/sanitizers.sh` builds and runs it.
//!
//! The threads are made by `pthread_create` itself, because the standard library is not instrumented and its way of
//! starting and joining threads would be taken for races. What they share is the cache and a few atomic words.
//!
//! `tsan_hammer [operations of a thread] [seed]`

#[path = "../tests/support/blocks.rs"]
mod blocks;

use nearcache::{Cache, Error, Expiry, MetaGet, Options, Outcome, Pin};
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

fn run(cache: &Cache, task: &Task) {
    let mut state = task.seed;
    let mut draw = |bound: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(state) % bound
    };
    let mut pins: Vec<(u64, Pin<'_>)> = Vec::new();
    let (mut value, mut sink) = (Vec::new(), Vec::new());
    for step in 0..task.operations {
        let k = draw(KEYS);
        let name = key(k);
        let len = draw(if k < LARGE_KEYS { 150_000 } else { 3000 }) as usize;
        value.clear();
        blocks::write(k as u32, step, len, &mut value);
        let life = if draw(2) == 0 { Expiry::Never } else { Expiry::After(1 + draw(50) as u32) };
        let met = |bytes: &[u8]| {
            blocks::read(k as u32, bytes).unwrap_or_else(|why| panic!("key {k}: {why}"));
            task.hits.fetch_add(1, SeqCst);
        };
        let done: Result<Option<Outcome>, Error> = match draw(24) {
            0..5 => cache.set(&name, &value, draw(2) as u32, life).map(Some),
            5 => cache.add(&name, &value, 0, life).map(Some),
            6 => cache.replace(&name, &value, 0, life).map(Some),
            7 => cache.append(&name, &value).map(Some),
            8 => cache.prepend(&name, &value).map(Some),
            9 => match cache.get(&name) {
                Ok(Some(old)) => cache.cas(&name, &value, 0, life, old.cas).map(Some),
                other => other.map(|_| None),
            },
            10 => cache.delete(&name).map(|_| None),
            11 => cache.touch(&name, life).map(|_| None),
            12 => cache.incr_or(&key(KEYS + k % 5), 3, 1 << 47, life).map(|_| None),
            13 => cache.decr(&key(KEYS + k % 5), 2).map(|_| None),
            14 => cache.invalidate(&name, None).map(|_| None),
            15 => cache
                .gat(&name, life)
                .map(|hit| hit.iter().for_each(|hit| met(&hit.data)))
                .map(|()| None),
            16 => {
                let found = cache.meta_get(&name, MetaGet::default(), &mut sink);
                found.map(|hit| hit.iter().for_each(|_| met(&sink))).map(|()| None)
            }
            17 => {
                let names = [name.clone(), key(k), name.clone()];
                cache.get_many(&names, |_, _, bytes| met(bytes)).map(|()| None)
            }
            18 => match cache.pin(&name) {
                Ok(Some(pin)) => {
                    pins.push((k, pin));
                    Ok(None)
                }
                other => other.map(|_| None),
            },
            19 if step % 500 == 0 => {
                cache.flush_all(0);
                Ok(None)
            }
            19 if step % 50 == 0 => {
                std::hint::black_box(cache.iter().take(50).count());
                Ok(None)
            }
            _ => {
                let found = cache.get_to(&name, &mut sink);
                found.map(|hit| hit.iter().for_each(|_| met(&sink))).map(|()| None)
            }
        };
        match done {
            Ok(_) | Err(Error::OutOfMemory) => {}
            Err(error) => panic!("key {k}: {error}"),
        }
        if pins.len() > 8 {
            let (k, pin) = pins.swap_remove(draw(8) as usize);
            blocks::read(k as u32, &pin).unwrap_or_else(|why| panic!("pinned key {k}: {why}"));
        }
    }
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
