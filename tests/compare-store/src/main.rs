//! The store and the queues beside SQLite, LMDB and Redis, on one file system and in turns: `make bench-store`.
//!
//! `--quick` is less exact, `--tiny` only shows that everything runs; `puts`, `gets`, `reopen` and `queues` are parts;
//! `--report DIRECTORY` writes a table and a chart; `BARS=1` fails if a bar is missed. The data is in DATA, or below
//! target/, and goes at the end.

mod bars;
mod contest;
mod lmdb;
mod peers;
mod queues;
mod redis_server;
mod sqlite;
mod store;

/// The rows, the table and the chart are those of the other benchmarks, taken in by path.
#[allow(dead_code)]
#[path = "../../compare/src/chart.rs"]
mod chart;
#[allow(dead_code)]
#[path = "../../compare/src/document.rs"]
mod document;
#[allow(dead_code)]
#[path = "../../../core/benches/engine/report.rs"]
mod report;

use document::{Arguments, CELLS, Document, table};
use peers::Safety;
use queues::Line;
use redis_server::Redis;
use report::Row;
use sqlite::Sqlite;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much is done.
#[derive(Clone, Copy)]
pub struct Plan {
    rounds: usize,
    /// A round of one contender.
    time: Duration,
    /// Items of the stores.
    items: u64,
    /// Messages of the deep queues.
    deep: u64,
}

impl Plan {
    fn of(arguments: &Arguments) -> Plan {
        let plan = |rounds, time, items, deep| Plan {
            rounds,
            time: Duration::from_millis(time),
            items,
            deep,
        };
        match arguments {
            Arguments { tiny: true, .. } => plan(2, 20, 2_000, 2_000),
            Arguments { quick: true, .. } => plan(3, 200, 200_000, 200_000),
            _ => plan(7, 500, 1_000_000, 10_000_000),
        }
    }
}

fn main() {
    if let Some(dir) = std::env::var_os(store::FILL) {
        store::fill_and_die(Path::new(&dir));
    }
    let arguments = Arguments::read();
    let plan = Plan::of(&arguments);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = std::env::var_os("DATA").map_or(root.join("target/bench/data"), PathBuf::from);
    let data = data.join(format!("store-{}", std::process::id()));
    std::fs::create_dir_all(&data).expect("a directory for the data can be made");
    let data = data.canonicalize().expect("it is there");
    let is_asked =
        |part: &str| arguments.rest.is_empty() || arguments.rest.iter().any(|a| a == part);
    let mut rows = Vec::new();
    if ["puts", "gets", "reopen"].into_iter().any(is_asked) {
        let stores = store::Stores::fill(&data, plan);
        if is_asked("reopen") {
            rows.extend(stores.reopen());
        }
        if is_asked("gets") {
            rows.extend(stores.gets());
        }
        if is_asked("puts") {
            rows.extend(stores.puts());
        }
    }
    if is_asked("queues") {
        rows.extend(all_queues(&data, plan));
    }
    std::fs::remove_dir_all(&data).expect("the data can be removed");
    finish(&rows, &arguments, &root);
}

/// Prints, writes what is to be written, and looks at the bars.
fn finish(rows: &[Row], arguments: &Arguments, root: &Path) {
    let document = Document {
        name: "store",
        title: "The store and the queues beside SQLite, LMDB and Redis",
        text: format!(
            "Microseconds an operation of all clients together (milliseconds to reopen, bytes an item), medians of \
             rounds in which all took turns; keys of 16 bytes, values and messages of 100. {CELLS} Synced: answered \
             when the disk has it (SQLite: WAL, `synchronous=FULL`; LMDB: its default; Redis: `appendfsync always`); \
             written: when the operating system has it (`OFF`, `MDB_NOSYNC`, `appendfsync no`). Each client of SQLite \
             is a thread with a connection, of Redis a connection to its unix socket; each write is a transaction of \
             its own unless it says how many are one. Redis keeps its items in memory, and no order of them. \
             `make bench-store REPORT=tests/compare-store/results`"
        ),
        table: table(rows, "work"),
        summary: bars::sentences(rows),
        charts: vec![(
            "store".into(),
            chart::ratios("Time beside nearcache's (left of 1: nearcache is faster)", rows),
        )],
    };
    println!();
    document.print();
    // A part of the works is no result.
    if !arguments.tiny && arguments.rest.is_empty() {
        let json = report::write(rows, &root.join("target/bench/store.json"));
        println!("written to {}", json.expect("the results can be written").display());
    }
    if let Some(directory) = &arguments.report {
        let path = document.write_report(directory).expect("the report can be written");
        println!("reported in {}", path.display());
    }
    let is_strict = std::env::var("BARS").is_ok_and(|bars| bars == "1");
    if is_strict && bars::are_missed(rows) {
        std::process::exit(1);
    }
}

/// Messages in and out, of queues that are nearly empty and of deep ones.
fn all_queues(data: &Path, plan: Plan) -> Vec<Row> {
    const CLIENTS: usize = 64;
    let mut rows = Vec::new();
    for (safety, word) in [(Safety::Synced, "synced"), (Safety::Written, "written")] {
        // Only once: what is deep is filled for a long time.
        let deep = if safety == Safety::Synced { plan.deep } else { 0 };
        let dir = |name: &str| data.join(format!("{name}-{word}"));
        let ours = queues::Ours::open(&dir("queue"), safety, 0);
        let sqlite = Sqlite::open(&dir("sqlite-queue"), safety);
        let redis = Redis::open(&dir("redis-queue"), safety);
        let stream = redis.as_ref().map(|redis| redis.queue("shallow", 0));
        let mut lines: Vec<&dyn Line> = vec![&ours, &sqlite];
        lines.extend(stream.as_ref().map(|stream| stream as &dyn Line));
        for clients in [1, CLIENTS] {
            rows.extend(in_and_out(&format!("{word}, {clients} clients"), plan, &lines, clients));
        }
        let work = format!("{word}, {CLIENTS} clients, {} deep", thousands(deep));
        if deep == 0 || !contest::is_asked(&work) {
            continue;
        }
        let deep_ours = queues::Ours::open(&dir("deep"), safety, deep);
        let deep_sqlite = Sqlite::open(&dir("sqlite-deep"), safety);
        deep_sqlite.fill_queue(deep);
        let deep_stream = redis.as_ref().map(|redis| redis.queue("deep", deep));
        let mut lines: Vec<&dyn Line> = vec![&deep_ours, &deep_sqlite];
        lines.extend(deep_stream.as_ref().map(|stream| stream as &dyn Line));
        let shallow = bars::Renamed("nearly empty", &ours);
        lines.push(&shallow);
        rows.extend(in_and_out(&work, plan, &lines, CLIENTS));
    }
    rows
}

/// Rounds of messages in, and then out as long as there are any.
fn in_and_out(work: &str, plan: Plan, lines: &[&dyn Line], clients: usize) -> Vec<Row> {
    if !contest::is_asked(work) {
        return Vec::new();
    }
    let mut measures = [vec![Vec::new(); lines.len()], vec![Vec::new(); lines.len()]];
    let mut at_work: Vec<_> = lines
        .iter()
        .map(|line| [queues::producers(*line, clients), queues::consumers(*line, clients)])
        .collect();
    for round in 0..plan.rounds {
        for (at, [producers, consumers]) in at_work.iter_mut().enumerate() {
            measures[0][at].push(producers.run(plan.time, round as u64));
            measures[1][at].push(consumers.run(plan.time * 5, round as u64));
        }
    }
    let names: Vec<&'static str> = lines.iter().map(|line| line.name()).collect();
    let [ins, outs] = &measures;
    let mut rows = contest::rows(&format!("queue in, {work}"), "us", &names, ins);
    rows.extend(contest::rows(&format!("queue out, {work}"), "us", &names, outs));
    rows
}

/// A number in words.
pub fn thousands(count: u64) -> String {
    match count {
        1_000_000.. => format!("{} million", count / 1_000_000),
        _ => count.to_string(),
    }
}
