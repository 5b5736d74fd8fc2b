//! How often a request misses, on published traces: the engine beside policies simulated item by item and beside other
//! caches, each with room for as many objects as the engine was measured to hold.
//!
//! `cargo run --release --bin ratios -- DIRECTORY [--quick] [--alone] [--report DIRECTORY]`: `--quick` reads the first
//! million requests of each trace, `--alone` leaves the other caches out.

use nearcache_compare::by_count::{Engine, Foyer, Moka, OPENINGS, QuickCache};
use nearcache_compare::chart;
use nearcache_compare::document::{Arguments, Document};
use nearcache_compare::policies::{Clock, Lru, Policy, S3Fifo, Sieve};
use nearcache_compare::report::Row;
use nearcache_compare::traces::{self, SOURCES, Trace};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

/// How many of a trace's objects a cache has room for, in percent.
const SIZES: [usize; 2] = [1, 10];
/// How far above S3-FIFO by item the engine's misses may be.
const NEAR: f64 = 0.015;

const TEXT: &str = "\
Object miss ratios of published traces, in caches with room for 1 % and 10 % of a trace's objects; all objects are of one \
size. nearcache is the engine itself; S3-FIFO, LRU, CLOCK and SIEVE are simulated item by item, and the other caches run \
by count, each with room for as many objects as the engine held on average once it was full. \
`cd tests/compare && cargo run --release --bin ratios -- DIRECTORY --report results`; without a directory it says where the \
traces come from.";

/// What one trace came to in caches of one size.
struct Measured {
    trace: String,
    percent: usize,
    /// Objects that the engine held, and for which the others have room.
    held: usize,
    /// Miss ratios by contender: the engine's policies first.
    misses: Vec<(&'static str, f64)>,
}

impl Measured {
    fn of(&self, contender: &str) -> f64 {
        let found = self.misses.iter().find(|(name, _)| *name == contender);
        found.map_or(f64::NAN, |(_, ratio)| *ratio)
    }

    /// The engine's misses by another's.
    fn against(&self, contender: &str) -> f64 {
        self.misses[0].1 / self.of(contender)
    }

    fn name(&self) -> String {
        format!("{}, {} %", self.trace, self.percent)
    }
}

fn miss_ratio(trace: &Trace, policy: &mut impl Policy) -> f64 {
    let misses = trace.requests.iter().filter(|object| !policy.request(**object)).count();
    misses as f64 / trace.requests.len() as f64
}

fn measure(trace: &Trace, percent: usize, alone: bool) -> Measured {
    let wanted = trace.objects * percent / 100;
    let mut misses = Vec::new();
    let mut held = 0;
    for (name, open) in OPENINGS {
        let mut engine = Engine::new(wanted, *open);
        misses.push((*name, miss_ratio(trace, &mut engine)));
        if held == 0 {
            held = engine.held();
        }
    }
    let all = trace.objects;
    misses.push(("S3-FIFO", miss_ratio(trace, &mut S3Fifo::new(held, all))));
    misses.push(("LRU", miss_ratio(trace, &mut Lru::new(held, all))));
    misses.push(("CLOCK", miss_ratio(trace, &mut Clock::new(held, all))));
    misses.push(("SIEVE", miss_ratio(trace, &mut Sieve::new(held, all))));
    if !alone {
        misses.push(("quick_cache", miss_ratio(trace, &mut QuickCache::new(held))));
        misses.push(("moka", miss_ratio(trace, &mut Moka::new(held))));
        misses.push(("foyer S3-FIFO", miss_ratio(trace, &mut Foyer::s3_fifo(held))));
        misses.push(("foyer TinyLFU", miss_ratio(trace, &mut Foyer::tiny_lfu(held))));
    }
    Measured { trace: trace.name.clone(), percent, held, misses }
}

/// Measures every trace at every size, on as many threads as there are processors, the longest first.
fn measure_all(traces: &[Trace], alone: bool) -> Vec<Measured> {
    let mut jobs: Vec<(&Trace, usize)> =
        traces.iter().flat_map(|trace| SIZES.map(|percent| (trace, percent))).collect();
    jobs.sort_by_key(|(trace, _)| trace.requests.len());
    let (jobs, done) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    let next = || jobs.lock().expect("no worker panics with the lock").pop();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((trace, percent)) = next() {
                    let began = Instant::now();
                    let measured = measure(trace, percent, alone);
                    let seconds = began.elapsed().as_secs_f64();
                    eprintln!("{}: {seconds:.1} s", measured.name());
                    done.lock().expect("no worker panics with the lock").push(measured);
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panicked with the lock");
    done.sort_by_key(|measured| (measured.percent, measured.trace.to_lowercase()));
    done
}

/// The table of miss ratios, as text and as Markdown.
fn table(all: &[Measured]) -> Vec<Vec<String>> {
    let titles = all[0].misses.iter().map(|(name, _)| (*name).to_string());
    let head = ["trace".into(), "size".into(), "objects".into()].into_iter().chain(titles);
    let mut rows =
        vec![head.chain(["against S3-FIFO".into(), "against LRU".into()]).collect::<Vec<_>>()];
    for measured in all {
        let change = |contender| format!("{:+.1} %", (measured.against(contender) - 1.0) * 100.0);
        let mut row = vec![
            measured.trace.clone(),
            format!("{} %", measured.percent),
            measured.held.to_string(),
        ];
        row.extend(measured.misses.iter().map(|(_, ratio)| format!("{ratio:.4}")));
        row.extend([change("S3-FIFO"), change("LRU")]);
        rows.push(row);
    }
    rows
}

/// What the table comes to.
fn summary(all: &[Measured]) -> Vec<String> {
    let share = |count: usize| 100.0 * count as f64 / all.len() as f64;
    let against: Vec<f64> = all.iter().map(|measured| measured.against("S3-FIFO")).collect();
    let mean = against.iter().sum::<f64>() / against.len() as f64 - 1.0;
    let near = against.iter().filter(|ratio| **ratio <= 1.0 + NEAR).count();
    let below = all.iter().filter(|measured| measured.against("LRU") < 1.0).count();
    let worst = all.iter().max_by(|a, b| a.against("S3-FIFO").total_cmp(&b.against("S3-FIFO")));
    let worst = worst.map_or(String::new(), |measured| {
        format!(
            "; the worst is {} at {:+.1} %",
            measured.name(),
            (measured.against("S3-FIFO") - 1.0) * 100.0
        )
    });
    vec![
        format!(
            "Against S3-FIFO by item: {:+.2} % misses on average, at most {:.1} % above it on {near} of {} pairs \
             ({:.0} %){worst}.",
            mean * 100.0,
            NEAR * 100.0,
            all.len(),
            share(near)
        ),
        format!(
            "Fewer misses than strict LRU on {below} of {} pairs ({:.0} %).",
            all.len(),
            share(below)
        ),
    ]
}

fn rows(all: &[Measured]) -> Vec<Row> {
    let peers = |measured: &Measured| -> Vec<Row> {
        let work = format!("miss ratio, {}", measured.name());
        let ours = measured.misses[0].1;
        let others = &measured.misses[1..];
        others
            .iter()
            .map(|(peer, theirs)| Row::new(&work, peer, "misses/request", &[ours], &[*theirs]))
            .collect()
    };
    all.iter().flat_map(peers).collect()
}

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let [directory] = &arguments.rest[..] else {
        eprintln!("usage: ratios DIRECTORY [--quick] [--alone] [--report DIRECTORY]\n{SOURCES}");
        return ExitCode::from(2);
    };
    let most = if arguments.quick { 1_000_000 } else { usize::MAX };
    let traces = match traces::read_all(directory.as_ref(), most) {
        Ok(traces) if !traces.is_empty() => traces,
        Ok(_) => {
            eprintln!("error: there is no trace in {directory}: {SOURCES}");
            return ExitCode::from(2);
        }
        Err(error) => {
            eprintln!("error: a trace cannot be read: {error}");
            return ExitCode::FAILURE;
        }
    };
    let all = measure_all(&traces, arguments.alone);
    let rows = rows(&all);
    let chart = |percent: usize| {
        let suffix = format!(", {percent} %");
        let some: Vec<Row> =
            rows.iter().filter(|row| row.work.ends_with(&suffix)).cloned().collect();
        let title = format!("Misses: ours / theirs, room for {percent} % of the objects");
        (format!("ratios-{percent}"), chart::ratios(&title, &some))
    };
    let document = Document {
        name: "ratios",
        title: "Hit ratios",
        text: TEXT.into(),
        table: table(&all),
        summary: summary(&all),
        charts: SIZES.map(chart).into(),
    };
    document.print();
    document.write(&rows, &arguments);
    ExitCode::SUCCESS
}
