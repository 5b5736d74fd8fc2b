//! How fast the engine is, beside the least work that any cache could do (the ideal loop) and beside the plain way
//! to have one (a map behind a mutex). Rounds of the contenders take turns, so that a slow moment of the machine
//! meets all of them; medians are shown, and the spread of the rounds' ratios.
//!
//! `cargo bench -p nearcache --bench engine`, or with `-- --quick` for a short look.

mod load;
mod peers;
mod report;
mod work;

use load::{Key, VALUE, key, uniform, zipf};
use peers::{Engine, Ideal, Plain, Store};
use report::Row;
use std::path::PathBuf;
use work::{Many, Mixed, Work};

const MILLION: u64 = 1_000_000;

struct Plan {
    rounds: usize,
    /// Operations of a round.
    count: usize,
}

/// Three caches with the same work before them.
struct Contenders {
    engine: Engine,
    ideal: Ideal<VALUE>,
    plain: Plain,
}

impl Contenders {
    /// `size` bytes for the engine, so many `items` for the others.
    fn new(size: u64, items: u64) -> Contenders {
        Contenders { engine: Engine::new(size), ideal: Ideal::new(items), plain: Plain::new(items) }
    }

    fn fill(&self, items: u64) {
        for number in 0..items {
            let key = key(number);
            self.engine.set(&key, &VALUE_BYTES);
            self.ideal.set(&key, &VALUE_BYTES);
            self.plain.set(&key, &VALUE_BYTES);
        }
    }

    /// Measures one work on each in turns.
    fn compare(&self, plan: &Plan, work: &str, run: &impl Work, rows: &mut Vec<Row>) {
        let mut taken: [Vec<f64>; 3] = Default::default();
        for round in 0..=plan.rounds {
            let times = [
                run.nanoseconds(&self.engine),
                run.nanoseconds(&self.ideal),
                run.nanoseconds(&self.plain),
            ];
            // The first round warms up.
            if round > 0 {
                (0..3).for_each(|at| taken[at].push(times[at]));
            }
        }
        let [ours, ideal, plain] = &taken;
        rows.push(Row::new(work, "ideal loop", "ns/op", ours, ideal));
        rows.push(Row::new(work, "mutex + map", "ns/op", ours, plain));
        report::print(&rows[rows.len() - 2..]);
    }
}

/// What every set stores.
const VALUE_BYTES: [u8; VALUE] = [b'v'; VALUE];

/// Memory that an item of a full cache takes, index and all.
fn bytes_per_item() -> Row {
    const SIZE: u64 = 64 << 20;
    let engine = Engine::new(SIZE);
    for number in 0..MILLION {
        engine.set(&key(number), &VALUE_BYTES);
    }
    let stats = engine.0.stats();
    assert!(stats.evictions > 0, "the cache is not full");
    let ours = SIZE as f64 / stats.curr_items as f64;
    let payload = (size_of::<Key>() + VALUE) as f64;
    Row::new("memory of an item, 16 + 100 bytes", "key + value", "bytes", &[ours], &[payload])
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let plan = if quick {
        Plan { rounds: 3, count: 200_000 }
    } else {
        Plan { rounds: 15, count: 2_000_000 }
    };
    let mut rows = Vec::new();
    {
        // 1 M items of 128 bytes fit with room to spare; a few may meet a full bucket of the index.
        let all = Contenders::new(256 << 20, 2 * MILLION);
        all.fill(MILLION);
        let stats = all.engine.0.stats();
        assert!(stats.curr_items > MILLION - MILLION / 1000, "{} items", stats.curr_items);
        let keys = &zipf(MILLION, plan.count)[..];
        let mixed = |sets, threads| Mixed { keys, value: &VALUE_BYTES, sets, threads };
        all.compare(&plan, "get hit, 1 M items, Zipf 0.99", &mixed(0, 1), &mut rows);
        all.compare(&plan, "get hit, 1 M items, Zipf 0.99, 2 threads", &mixed(0, 2), &mut rows);
        all.compare(&plan, "95 % get 5 % set, 1 M items, Zipf 0.99", &mixed(20, 1), &mut rows);
        all.compare(&plan, "95 % get 5 % set, 2 threads", &mixed(20, 2), &mut rows);
        let keys = &uniform(MILLION, plan.count)[..];
        let many = |at_once| Many { keys, at_once };
        all.compare(&plan, "multi-get of 1, 1 M items, uniform", &many(1), &mut rows);
        all.compare(&plan, "multi-get of 16, 1 M items, uniform", &many(16), &mut rows);
        all.compare(&plan, "multi-get of 64, 1 M items, uniform", &many(64), &mut rows);
    }
    {
        // 1000 items fit into the processor's caches.
        let all = Contenders::new(8 << 20, 2000);
        all.fill(1000);
        let keys = &uniform(1000, plan.count)[..];
        let gets = Mixed { keys, value: &VALUE_BYTES, sets: 0, threads: 1 };
        all.compare(&plan, "get hit, 1000 items, uniform", &gets, &mut rows);
    }
    {
        let all = Contenders::new(64 << 20, 400_000);
        all.fill(MILLION);
        let keys = &uniform(4 * MILLION, plan.count)[..];
        let sets = |threads| Mixed { keys, value: &VALUE_BYTES, sets: 1, threads };
        all.compare(&plan, "set with eviction, 64 MiB", &sets(1), &mut rows);
        all.compare(&plan, "set with eviction, 64 MiB, 2 threads", &sets(2), &mut rows);
        assert!(all.engine.0.stats().evictions > 0);
    }
    rows.push(bytes_per_item());
    report::print(&rows[rows.len() - 1..]);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    match report::write(&rows, &target.join("bench/engine.json")) {
        Ok(path) => println!("written to {}", path.display()),
        Err(error) => eprintln!("the report was not written: {error}"),
    }
}
