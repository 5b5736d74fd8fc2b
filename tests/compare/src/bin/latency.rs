//! How long the slow operations are: percentiles of single gets and sets by the wall clock, and the worst set while
//! memory is reclaimed by the thread's own processor time, which no other program's turn is counted in.
//!
//! `cargo run --release --bin latency [-- --quick] [--report DIRECTORY]`.

use nearcache::Options;
use nearcache_compare::chart;
use nearcache_compare::document::{Arguments, Document, table};
use nearcache_compare::load::{Key, key, mix, uniform, zipf};
use nearcache_compare::others::{Foyer, Moka, QuickCache};
use nearcache_compare::peers::{Engine, Store};
use nearcache_compare::report::Row;
use std::hint::black_box;
use std::time::Instant;

const PEERS: [&str; 3] = ["quick_cache", "moka", "foyer"];
const ITEM: u64 = 116;
/// The least memory, about, in which the engine's segments have their largest size, 1 MiB.
const BIG: u64 = 288 << 20;
/// No set of ours may take longer than this, in microseconds.
const STALL: f64 = 1000.0;

/// What is measured, sorted: nanoseconds of each operation.
struct Times(Vec<u32>);

impl Times {
    fn of(mut each: Vec<u32>) -> Times {
        each.sort_unstable();
        Times(each)
    }

    /// The time that this share of the operations stays below.
    fn at(&self, share: f64) -> f64 {
        f64::from(self.0[((self.0.len() - 1) as f64 * share) as usize])
    }

    /// The time of the so-manieth slowest operation, from 0.
    fn worst(&self, nth: usize) -> f64 {
        f64::from(self.0[self.0.len() - 1 - nth])
    }
}

/// Each operation by the wall clock, less what a look at the clock takes.
fn wall(count: usize, mut run: impl FnMut(usize)) -> Times {
    let look = || {
        let began = Instant::now();
        began.elapsed().as_nanos() as u32
    };
    let looks = Times::of((0..10_000).map(|_| look()).collect()).at(0.5) as u32;
    let each = |at| {
        let began = Instant::now();
        run(at);
        (began.elapsed().as_nanos() as u32).saturating_sub(looks)
    };
    Times::of((0..count).map(each).collect())
}

/// Nanoseconds that the processor has worked for this thread.
fn processor_time() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one timespec, which `time` is.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(done, 0, "the thread's clock cannot be read");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A store under work whose slowest set is looked for.
#[derive(Clone, Copy, PartialEq)]
enum Load {
    /// Items of 16 + 100 bytes, never read.
    Small,
    /// Values of 16 bytes to 64 KiB, as many of each power of two.
    Mixed,
    /// Small items, all read four times before the sets and every so often between them: most are worth keeping.
    Kept,
}

/// Sets with eviction in a store of `bytes`; answers the processor time of each.
fn stalls<S: Store>(store: &S, load: Load, bytes: u64, count: usize) -> Times {
    let value = vec![b'v'; 64 << 10];
    let length = |number: u64| match load {
        Load::Mixed => {
            let bits = mix(number ^ 0x5eed);
            let power = 16 << (bits % 12);
            power + (bits >> 32) as usize % power
        }
        _ => 100,
    };
    let value_of = |number: u64| &value[..length(number).min(value.len())];
    let mean = (0..4096).map(|number| value_of(number).len() as u64 + 16).sum::<u64>() / 4096;
    let full = bytes / mean;
    // Once over the whole memory before the clock runs: the system's first page faults are no stall of the cache's.
    for number in 0..full * 5 / 4 {
        store.set(&key(number), value_of(number));
    }
    let mut out = Vec::new();
    let mut read = |newest: u64| {
        for _ in 0..4 {
            for number in newest.saturating_sub(full)..newest {
                black_box(store.get(&key(number), &mut out));
            }
        }
    };
    let first = full * 5 / 4;
    let mut each = Vec::with_capacity(count);
    for next in first..first + count as u64 {
        if load == Load::Kept && (next - first).is_multiple_of(full / 2) {
            read(next);
        }
        let (key, value) = (key(next), value_of(next));
        let began = processor_time();
        store.set(&key, value);
        each.push((processor_time() - began) as u32);
    }
    Times::of(each)
}

/// Rows for a measure of every contender's times; ours are the first.
fn put(
    rows: &mut Vec<Row>,
    work: &str,
    unit: &'static str,
    times: &[Times; 4],
    measure: impl Fn(&Times) -> f64,
) {
    let ours = [measure(&times[0])];
    for (peer, times) in PEERS.into_iter().zip(&times[1..]) {
        // A clock that reads 0 between two looks is not worth a division by it.
        rows.push(Row::new(work, peer, unit, &ours, &[measure(times).max(0.001)]));
    }
}

fn contenders(bytes: u64, item: u64) -> (Engine, QuickCache, Moka, Foyer) {
    let mut options = Options::new(bytes);
    options.item_size_hint = item as usize;
    let engine = Engine(options.open().expect("the cache opens with this size"));
    (engine, QuickCache::new(bytes, item), Moka::new(bytes), Foyer::new(bytes))
}

/// Single operations by the wall clock.
fn percentiles(count: usize, keys: u64, rows: &mut Vec<Row>) {
    let value = [b'v'; 100];
    let fill = |store: &dyn Fn(&Key)| (0..keys).for_each(|number| store(&key(number)));
    let gets = |store: &dyn Fn(&Key, &mut Vec<u8>) -> bool| {
        let (asked, mut out) = (zipf(keys, count), Vec::new());
        wall(count, |at| {
            black_box(store(&asked[at], &mut out));
        })
    };
    let sets = |store: &dyn Fn(&Key)| {
        let asked = uniform(keys, count);
        wall(count, |at| store(&asked[at]))
    };
    let mut measures: Vec<(&str, [Times; 4])> = Vec::new();
    {
        let (a, b, c, d) = contenders(keys * ITEM * 2, ITEM);
        fill(&|key| {
            a.set(key, &value);
            b.set(key, &value);
            c.set(key, &value);
            d.set(key, &value);
        });
        c.0.run_pending_tasks();
        let times = [
            gets(&|key, out| a.get(key, out)),
            gets(&|key, out| b.get(key, out)),
            gets(&|key, out| c.get(key, out)),
            gets(&|key, out| d.get(key, out)),
        ];
        measures.push(("get, Zipf", times));
    }
    {
        let (a, b, c, d) = contenders((keys * ITEM / 4).max(Options::SIZE_MIN), ITEM);
        fill(&|key| {
            a.set(key, &value);
            b.set(key, &value);
            c.set(key, &value);
            d.set(key, &value);
        });
        let times = [
            sets(&|key| a.set(key, &value)),
            sets(&|key| b.set(key, &value)),
            sets(&|key| c.set(key, &value)),
            sets(&|key| d.set(key, &value)),
        ];
        measures.push(("set with eviction", times));
    }
    for (work, times) in &measures {
        put(rows, &format!("{work}: p50"), "ns", times, |times| times.at(0.5));
        put(rows, &format!("{work}: p99"), "ns", times, |times| times.at(0.99));
        put(rows, &format!("{work}: p99.9"), "ns", times, |times| times.at(0.999));
        put(rows, &format!("{work}: worst"), "us", times, |times| times.worst(0) / 1000.0);
    }
}

/// The worst sets by processor time. Answers ours.
fn worst_sets(count: usize, big: u64, rows: &mut Vec<Row>) -> f64 {
    let cases = [
        ("small items, 64 MiB", Load::Small, 64 << 20, count),
        ("small items, a segment of 1 MiB", Load::Small, big, count),
        ("mixed sizes, a segment of 1 MiB", Load::Mixed, big, count / 8),
        ("items kept, 64 MiB", Load::Kept, 64 << 20, count),
        ("items kept, a segment of 1 MiB", Load::Kept, big, count),
    ];
    let mut worst: f64 = 0.0;
    for (text, load, bytes, count) in cases {
        let item = if load == Load::Mixed { 16_000 } else { ITEM };
        let (a, b, c, d) = contenders(bytes, item);
        let times = [
            stalls(&a, load, bytes, count),
            stalls(&b, load, bytes, count),
            stalls(&c, load, bytes, count),
            stalls(&d, load, bytes, count),
        ];
        assert!(a.0.stats().evictions > 0, "nothing was evicted");
        worst = worst.max(times[0].worst(0) / 1000.0);
        put(rows, &format!("worst set, {text}"), "us CPU", &times, |times| times.worst(0) / 1000.0);
        put(rows, &format!("tenth worst set, {text}"), "us CPU", &times, |times| {
            times.worst(9) / 1000.0
        });
    }
    worst
}

fn main() {
    let arguments = Arguments::read();
    let (count, keys, big) = match arguments {
        Arguments { tiny: true, .. } => (20_000, 20_000, 64 << 20),
        Arguments { quick: true, .. } => (300_000, 200_000, BIG),
        _ => (2_000_000, 1_000_000, BIG),
    };
    let mut rows = Vec::new();
    percentiles(count, keys, &mut rows);
    let worst = worst_sets(count, big, &mut rows);
    let verdict = if worst < STALL { "below" } else { "ABOVE" };
    let text = format!(
        "Single operations on items of 16 + 100 bytes. Percentiles are by the wall clock, {} operations, with the cost \
         of a look at the clock (its median) taken off; the worst of them has the system's interruptions in it. The \
         worst sets are by the thread's processor time, around each of {count} sets that reclaim memory (an eighth as \
         many of mixed sizes), the memory having been written once before. \
         `cd tests/compare && cargo run --release --bin latency -- --report results`",
        count
    );
    let summary = format!(
        "The worst set of nearcache took {worst:.0} us of processor time: {verdict} {STALL:.0} us."
    );
    let document = Document {
        name: "latency",
        title: "Latency",
        text,
        table: table(&rows, "operation"),
        summary: vec![summary],
        charts: vec![("latency".into(), chart::ratios("Latency: ours / theirs", &rows))],
    };
    document.print();
    document.write(&rows, &arguments);
}
