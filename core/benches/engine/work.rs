//! What contenders are asked to do, and how long an operation of it takes.

use crate::load::Key;
use crate::peers::Store;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// Something to do; it answers how long an operation took.
pub trait Work {
    fn nanoseconds<S: Store>(&self, store: &S) -> f64;
}

/// Runs the same on so many threads at once, each with its number; answers nanoseconds from the first beginning to the
/// last end. Each thread looks at the clock itself: one beside them might not run at the moment they begin.
pub fn at_once(threads: usize, run: impl Fn(usize) + Sync) -> f64 {
    let start = Barrier::new(threads);
    let timed = |number| {
        start.wait();
        let began = Instant::now();
        run(number);
        (began, Instant::now())
    };
    let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
        let timed = &timed;
        let running: Vec<_> =
            (0..threads).map(|number| scope.spawn(move || timed(number))).collect();
        running.into_iter().map(|thread| thread.join().expect("a contender panicked")).collect()
    });
    let first = times.iter().map(|(began, _)| *began).min().expect("there is a thread");
    let last = times.iter().map(|(_, ended)| *ended).max().expect("there is a thread");
    last.duration_since(first).as_nanos() as f64
}

/// Gets, of which every `sets`-th is a set instead (0: none), by one or more threads.
pub struct Mixed<'a> {
    pub keys: &'a [Key],
    pub value: &'a [u8],
    pub sets: usize,
    pub threads: usize,
}

impl Mixed<'_> {
    fn thread<S: Store>(&self, store: &S, number: usize) -> usize {
        let mut out = Vec::with_capacity(self.value.len());
        let mut hits = 0;
        let start = number * self.keys.len() / self.threads;
        let (before, after) = self.keys.split_at(start);
        for (at, key) in after.iter().chain(before).enumerate() {
            if self.sets > 0 && at % self.sets == 0 {
                store.set(key, self.value);
            } else {
                hits += usize::from(store.get(key, &mut out));
                black_box(&out);
            }
        }
        hits
    }
}

impl Work for Mixed<'_> {
    fn nanoseconds<S: Store>(&self, store: &S) -> f64 {
        let count = self.keys.len() * self.threads;
        let run = |number| {
            black_box(self.thread(store, number));
        };
        at_once(self.threads, run) / count as f64
    }
}

/// Gets of several keys at once; the time is of one key.
pub struct Many<'a> {
    pub keys: &'a [Key],
    pub at_once: usize,
}

impl Work for Many<'_> {
    fn nanoseconds<S: Store>(&self, store: &S) -> f64 {
        let mut out = Vec::new();
        let began = Instant::now();
        for keys in self.keys.chunks_exact(self.at_once) {
            black_box(store.get_many(keys, &mut out));
            black_box(&out);
        }
        began.elapsed().as_nanos() as f64 / self.keys.len() as f64
    }
}
