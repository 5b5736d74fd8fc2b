//! How fast the engine is beside other caches and beside the least work that any cache could do. Rounds of the
//! contenders take turns, so that a slow moment of the machine meets all of them.
//!
//! `cargo run --release --bin speed [-- --quick] [--report DIRECTORY]`; needs about 8 GiB. `--tiny` only shows that
//! everything runs.

use nearcache::{Cache, Expiry, Options};
use nearcache_compare::chart;
use nearcache_compare::document::{Arguments, CELLS, Document, table};
use nearcache_compare::load::{Key, key, uniform, zipf};
use nearcache_compare::others::{Foyer, Moka, QuickCache};
use nearcache_compare::peers::{Engine, Ideal, Store};
use nearcache_compare::report::{self, Row};
use nearcache_compare::work::{Many, Mixed, Work, at_once};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// How much is done.
#[derive(Clone, Copy)]
struct Plan {
    rounds: usize,
    /// Operations of a round.
    count: usize,
    /// Keys of the large set.
    keys: u64,
}

impl Plan {
    fn of(arguments: &Arguments) -> Plan {
        match arguments {
            Arguments { tiny: true, .. } => Plan { rounds: 2, count: 5_000, keys: 20_000 },
            Arguments { quick: true, .. } => Plan { rounds: 3, count: 100_000, keys: 1_000_000 },
            _ => Plan { rounds: 15, count: 200_000, keys: 1_000_000 },
        }
    }
}

/// The caches with the same work before them.
struct Field<const VALUE: usize> {
    engine: Engine,
    ideal: Ideal<VALUE>,
    quick_cache: QuickCache,
    moka: Moka,
    foyer: Foyer,
}

impl<const VALUE: usize> Field<VALUE> {
    /// `bytes` for each, and filled with so many items.
    fn new(bytes: u64, items: u64) -> Field<VALUE> {
        let item = 16 + VALUE as u64;
        let mut options = Options::new(bytes.max(Options::SIZE_MIN));
        options.item_size_hint = item as usize;
        let field = Field {
            engine: Engine(options.open().expect("the cache opens with this size")),
            ideal: Ideal::new((bytes / item).max(1000)),
            quick_cache: QuickCache::new(bytes, item),
            moka: Moka::new(bytes),
            foyer: Foyer::new(bytes),
        };
        for number in 0..items {
            let (key, value) = (key(number), [b'v'; VALUE]);
            field.engine.set(&key, &value);
            field.ideal.set(&key, &value);
            field.quick_cache.set(&key, &value);
            field.moka.set(&key, &value);
            field.foyer.set(&key, &value);
        }
        field.moka.0.run_pending_tasks();
        field
    }

    /// Measures one work on each in turns.
    fn compare(&self, plan: Plan, work: &str, run: &impl Work, rows: &mut Vec<Row>) {
        let mut taken: [Vec<f64>; 5] = Default::default();
        for round in 0..=plan.rounds {
            let times = [
                run.nanoseconds(&self.engine),
                run.nanoseconds(&self.ideal),
                run.nanoseconds(&self.quick_cache),
                run.nanoseconds(&self.moka),
                run.nanoseconds(&self.foyer),
            ];
            // The first round warms up.
            if round > 0 {
                taken.iter_mut().zip(times).for_each(|(taken, time)| taken.push(time));
            }
        }
        let [ours, theirs @ ..] = &taken;
        let work = format!("{work}, {VALUE} B");
        let first = rows.len();
        for (peer, theirs) in ["ideal loop", "quick_cache", "moka", "foyer"].into_iter().zip(theirs)
        {
            rows.push(Row::new(&work, peer, "ns/op", ours, theirs));
        }
        report::print(&rows[first..]);
    }
}

/// A cache before a slow source: what a get misses is set.
struct ReadThrough<'a> {
    keys: &'a [Key],
    value: &'a [u8],
    threads: usize,
}

impl Work for ReadThrough<'_> {
    fn nanoseconds<S: Store>(&self, store: &S) -> f64 {
        let run = |number| {
            let mut out = Vec::with_capacity(self.value.len());
            let (before, after) = self.keys.split_at(number * self.keys.len() / self.threads);
            for key in after.iter().chain(before) {
                if !store.get(key, &mut out) {
                    store.set(key, self.value);
                }
                black_box(&out);
            }
        };
        at_once(self.threads, run) / (self.keys.len() * self.threads) as f64
    }
}

/// Everything that is measured on values of one length.
fn values<const VALUE: usize>(plan: Plan, rows: &mut Vec<Row>) {
    let item = 16 + VALUE as u64;
    let value = &[b'v'; VALUE][..];
    let keys = &zipf(plan.keys, plan.count)[..];
    let even = &uniform(plan.keys, plan.count)[..];
    {
        // Twice the data's memory: everything is a hit, whatever a cache takes for itself.
        let field = Field::<VALUE>::new(plan.keys * item * 2, plan.keys);
        let mixed = |keys, sets, threads| Mixed { keys, value, sets, threads };
        for threads in [1, 2] {
            let with = |text: &str| {
                if threads == 1 { text.to_string() } else { format!("{text}, 2 threads") }
            };
            field.compare(plan, &with("get, Zipf"), &mixed(keys, 0, threads), rows);
            field.compare(plan, &with("get, uniform"), &mixed(even, 0, threads), rows);
            field.compare(plan, &with("95 % get 5 % set, Zipf"), &mixed(keys, 20, threads), rows);
            field.compare(plan, &with("half get half set, Zipf"), &mixed(keys, 2, threads), rows);
        }
        if VALUE < 1024 {
            many(plan, even, &field.engine, rows);
        }
    }
    {
        let field = Field::<VALUE>::new(1000 * item * 8, 1000);
        let few = &zipf(1000, plan.count)[..];
        let few_even = &uniform(1000, plan.count)[..];
        let gets = |keys, threads| Mixed { keys, value, sets: 0, threads };
        field.compare(plan, "get, 1000 keys, Zipf", &gets(few, 1), rows);
        field.compare(plan, "get, 1000 keys, uniform", &gets(few_even, 1), rows);
        field.compare(plan, "get, 1000 keys, Zipf, 2 threads", &gets(few, 2), rows);
    }
    {
        let field = Field::<VALUE>::new(plan.keys * item / 4, plan.keys);
        let sets = |threads| Mixed { keys: even, value, sets: 1, threads };
        field.compare(plan, "set with eviction, uniform", &sets(1), rows);
        field.compare(plan, "set with eviction, uniform, 2 threads", &sets(2), rows);
        assert!(field.engine.0.stats().evictions > 0, "nothing was evicted");
    }
    {
        let field = Field::<VALUE>::new(plan.keys * item / 10, plan.keys);
        let through = |threads| ReadThrough { keys, value, threads };
        field.compare(plan, "read-through, Zipf", &through(1), rows);
        field.compare(plan, "read-through, Zipf, 2 threads", &through(2), rows);
    }
}

/// Gets of several keys at once beside as many single ones, both of the engine.
fn many(plan: Plan, keys: &[Key], engine: &Engine, rows: &mut Vec<Row>) {
    for at_once in [16, 64] {
        let (mut ours, mut single) = (Vec::new(), Vec::new());
        for round in 0..=plan.rounds {
            let times = [
                Many { keys, at_once }.nanoseconds(engine),
                Mixed { keys, value: &[], sets: 0, threads: 1 }.nanoseconds(engine),
            ];
            if round > 0 {
                ours.push(times[0]);
                single.push(times[1]);
            }
        }
        let work = format!("multi-get of {at_once}, a key, uniform, 100 B");
        rows.push(Row::new(&work, "our single gets", "ns/op", &ours, &single));
        report::print(&rows[rows.len() - 1..]);
    }
}

/// Two threads count on one key, beside two threads on one word of shared memory.
fn counter(plan: Plan, rows: &mut Vec<Row>) {
    let cache: Cache = Options::new(8 << 20).open().expect("the cache opens with this size");
    cache.set(b"counter", b"0", 0, Expiry::Never).expect("a set does not fail");
    let word = AtomicU64::new(0);
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    let count = plan.count;
    for round in 0..=plan.rounds {
        let incr = |_| {
            for _ in 0..count {
                black_box(cache.incr(b"counter", 1).expect("a count does not fail"));
            }
        };
        let add = |_| {
            for _ in 0..count {
                black_box(word.fetch_add(1, Relaxed));
            }
        };
        let times = [at_once(2, incr), at_once(2, add)].map(|time| time / (2 * count) as f64);
        if round > 0 {
            ours.push(times[0]);
            plain.push(times[1]);
        }
    }
    let sum = cache.incr(b"counter", 0).expect("a count does not fail");
    assert_eq!(sum, Some((2 * count * (plan.rounds + 1)) as u64), "counts were lost");
    rows.push(Row::new("hot counter, 2 threads", "AtomicU64", "ns/op", &ours, &plain));
    report::print(&rows[rows.len() - 1..]);
}

fn main() {
    let arguments = Arguments::read();
    let plan = Plan::of(&arguments);
    let began = Instant::now();
    let mut rows = Vec::new();
    values::<100>(plan, &mut rows);
    values::<1024>(plan, &mut rows);
    counter(plan, &mut rows);
    let text = format!(
        "Nanoseconds an operation, medians of {} rounds in which the caches took turns; keys of 16 bytes, {} of them \
         unless said. Sets with eviction have memory for a quarter of the data, read-through for a tenth. \
         `cd tests/compare && cargo run --release --bin speed -- --report results`\n\n{CELLS}",
        plan.rounds, plan.keys
    );
    let document = Document {
        name: "speed",
        title: "Speed",
        text,
        table: table(&rows, "work"),
        summary: Vec::new(),
        charts: vec![("speed".into(), chart::ratios("Time of an operation: ours / theirs", &rows))],
    };
    println!();
    document.print();
    document.write(&rows, &arguments);
    println!("{:.0} s", began.elapsed().as_secs_f64());
}
