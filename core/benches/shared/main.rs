//! What it costs to share: the same work on a cache in shared memory and on a private one, in turns; and how long it
//! takes to attach, beside opening a private cache of the same size.
//!
//! `cargo bench -p nearcache --bench shared`, or with `-- --quick` for a short look.

#[allow(dead_code)]
#[path = "../engine/load.rs"]
mod load;
#[allow(dead_code)]
#[path = "../engine/peers.rs"]
mod peers;
#[path = "../engine/report.rs"]
mod report;
#[allow(dead_code)]
#[path = "../engine/work.rs"]
mod work;

use load::{key, uniform, zipf};
use nearcache::{Home, Options, unlink};
use peers::{Engine, Store};
use report::Row;
use std::path::PathBuf;
use std::time::Instant;
use work::{Mixed, Work};

const VALUE: [u8; 100] = [b'v'; 100];
const PEER: &str = "private";

/// The same work on both, in turns; the first round warms up.
fn compare(name: &str, rounds: usize, pair: &[Engine; 2], run: &impl Work, rows: &mut Vec<Row>) {
    let mut taken = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (times, engine) in taken.iter_mut().zip(pair) {
            let time = run.nanoseconds(engine);
            if round > 0 {
                times.push(time);
            }
        }
    }
    rows.push(Row::new(name, PEER, "ns/op", &taken[0], &taken[1]));
    report::print(&rows[rows.len() - 1..]);
}

fn pair(size: u64, items: u64) -> [Engine; 2] {
    [Home::Inherited, Home::Private].map(|home| {
        let engine = Engine(Options::new(size).home(home).open().expect("the cache opens"));
        (0..items).for_each(|number| engine.set(&key(number), &VALUE));
        engine
    })
}

/// Attaching a cache of 256 MiB with a million items, one operation included.
fn attach(rounds: usize, rows: &mut Vec<Row>) {
    let home = Home::Named(format!("bench.{}", std::process::id()));
    let options = Options::new(256 << 20).home(home.clone());
    let first = Engine(options.open().expect("the cache opens"));
    (0..1_000_000).for_each(|number| first.set(&key(number), &VALUE));
    let timed = |options: &Options| {
        let began = Instant::now();
        let cache = options.open().expect("the cache opens");
        cache.get(b"nothing").expect("a get does not fail");
        began.elapsed().as_nanos() as f64 / 1000.0
    };
    let private = Options::new(256 << 20);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds * 4 {
        ours.push(timed(&Options::attach(home.clone())));
        theirs.push(timed(&private));
    }
    unlink(&home).expect("the name is there");
    rows.push(Row::new("attach 256 MiB, and one get", "open private", "us", &ours, &theirs));
    report::print(&rows[rows.len() - 1..]);
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, count) = if quick { (3, 200_000) } else { (15, 2_000_000) };
    let mut rows = Vec::new();
    {
        let pair = pair(8 << 20, 1000);
        let keys = &uniform(1000, count)[..];
        let gets = Mixed { keys, value: &VALUE, sets: 0, threads: 1 };
        compare("get, 1000 items, shared", rounds, &pair, &gets, &mut rows);
    }
    {
        let pair = pair(256 << 20, 1_000_000);
        let keys = &zipf(1_000_000, count)[..];
        let mixed = |sets| Mixed { keys, value: &VALUE, sets, threads: 1 };
        compare("get, 1 M items, Zipf 0.99, shared", rounds, &pair, &mixed(0), &mut rows);
        compare("half sets, 1 M items, Zipf 0.99, shared", rounds, &pair, &mixed(2), &mut rows);
    }
    {
        let pair = pair(64 << 20, 1_000_000);
        let keys = &uniform(4_000_000, count)[..];
        let sets = Mixed { keys, value: &VALUE, sets: 1, threads: 1 };
        compare("set with eviction, 64 MiB, shared", rounds, &pair, &sets, &mut rows);
    }
    attach(rounds, &mut rows);
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from);
    match report::write(&rows, &target.join("bench/shared.json")) {
        Ok(path) => println!("written to {}", path.display()),
        Err(error) => eprintln!("the report was not written: {error}"),
    }
}
