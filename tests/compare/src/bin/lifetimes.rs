//! How often a get misses when items have lifetimes and memory holds only a part of what is alive: the engine beside
//! moka, whose entries expire one by one, and beside simulated LRU caches, one that leaves the dead lying about and one
//! that has none.
//!
//! `cargo run --release --bin lifetimes [-- --quick] [--report DIRECTORY]`.

use nearcache::{Cache, Expiry, Options};
use nearcache_compare::chart;
use nearcache_compare::document::{Arguments, Document};
use nearcache_compare::lifetimes::{
    ByteLru, CLUSTERS, Cluster, Keeper, OVERHEAD, Workload, miss_ratio,
};
use nearcache_compare::report::Row;
use std::cell::Cell;
use std::sync::Mutex;
use std::time::Duration;

/// The memory is this part of what is alive at once.
const PART: u64 = 4;

thread_local! {
    /// The seconds that this thread's clock shows.
    static NOW: Cell<u32> = const { Cell::new(0) };
}

/// The clock that the whole program sees: a second is over when [`NOW`] says so. moka has no clock to be moved by hand,
/// and asks the system's through this function of the C library, which a program may define itself.
///
/// # Safety
///
/// As the C library's: `time` is a place for a `timespec`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(
    _: libc::clockid_t,
    time: *mut libc::timespec,
) -> libc::c_int {
    // A while after the epoch, for whoever subtracts.
    let seconds = 1_000_000 + libc::time_t::from(NOW.get());
    // SAFETY: the caller names a place for a `timespec`.
    unsafe { time.write(libc::timespec { tv_sec: seconds, tv_nsec: 0 }) };
    0
}

/// The engine, on its manual clock.
struct Engine<'a> {
    cache: Cache,
    workload: &'a Workload,
    now: u32,
    key: Vec<u8>,
    value: Vec<u8>,
    out: Vec<u8>,
}

impl<'a> Engine<'a> {
    fn new(workload: &'a Workload, bytes: u64) -> Engine<'a> {
        let longest = workload.objects.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0);
        let sum: u64 = workload.objects.iter().map(|(bytes, _)| u64::from(*bytes)).sum();
        let mut options = Options::new(bytes);
        options.manual_clock = true;
        options.item_size_hint = (sum / workload.objects.len() as u64) as usize;
        let cache = options.open().expect("the cache opens with this size");
        let (key, value) = (vec![b'k'; workload.key as usize], vec![b'v'; longest as usize]);
        Engine { cache, workload, now: 0, key, value, out: Vec::new() }
    }

    fn key(&mut self, object: u32) {
        self.key[..4].copy_from_slice(&object.to_le_bytes());
    }
}

impl Keeper for Engine<'_> {
    fn advance(&mut self, now: u32) {
        self.cache.advance_clock(now - self.now).expect("the clock is moved by hand");
        self.now = now;
    }
    fn get(&mut self, object: u32) -> bool {
        self.key(object);
        self.cache.get_to(&self.key, &mut self.out).expect("a get does not fail").is_some()
    }
    fn set(&mut self, object: u32) {
        self.key(object);
        let (bytes, lifetime) = self.workload.objects[object as usize];
        let value = &self.value[..(bytes - self.workload.key) as usize];
        self.cache.set(&self.key, value, 0, Expiry::After(lifetime)).expect("a set does not fail");
    }
    fn delete(&mut self, object: u32) {
        self.key(object);
        self.cache.delete(&self.key).expect("a delete does not fail");
    }
}

/// An entry of moka's: what it weighs, and how long it lives.
type Entry = (u32, u32);

struct PerEntry;

impl moka::Expiry<u32, Entry> for PerEntry {
    fn expire_after_create(
        &self,
        _: &u32,
        entry: &Entry,
        _: std::time::Instant,
    ) -> Option<Duration> {
        Some(Duration::from_secs(entry.1.into()))
    }
    fn expire_after_update(
        &self,
        _: &u32,
        entry: &Entry,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Duration::from_secs(entry.1.into()))
    }
}

struct Moka<'a> {
    cache: moka::sync::Cache<u32, Entry>,
    workload: &'a Workload,
}

impl<'a> Moka<'a> {
    fn new(workload: &'a Workload, bytes: u64) -> Moka<'a> {
        let builder = moka::sync::Cache::builder().max_capacity(bytes);
        let builder = builder.weigher(|_, entry: &Entry| entry.0).expire_after(PerEntry);
        Moka { cache: builder.build(), workload }
    }
}

impl Keeper for Moka<'_> {
    fn advance(&mut self, now: u32) {
        NOW.set(now);
    }
    fn get(&mut self, object: u32) -> bool {
        self.cache.get(&object).is_some()
    }
    fn set(&mut self, object: u32) {
        let (bytes, lifetime) = self.workload.objects[object as usize];
        self.cache.insert(object, (bytes + OVERHEAD, lifetime));
    }
    fn delete(&mut self, object: u32) {
        self.cache.invalidate(&object);
    }
}

/// What one cluster came to.
struct Measured {
    number: u32,
    category: u32,
    memory: u64,
    ours: f64,
    theirs: [(&'static str, f64); 3],
}

fn measure(cluster: &Cluster, count: usize) -> Measured {
    let workload = &cluster.draw(count);
    let mut boundless = ByteLru::perfect(workload, u64::MAX);
    miss_ratio(workload, &mut boundless);
    let memory = (boundless.peak / PART).max(Options::SIZE_MIN);
    let ours = miss_ratio(workload, &mut Engine::new(workload, memory));
    NOW.set(0);
    let theirs = [
        ("LRU, perfect expiry", miss_ratio(workload, &mut ByteLru::perfect(workload, memory))),
        ("LRU, lazy expiry", miss_ratio(workload, &mut ByteLru::lazy(workload, memory))),
        ("moka", miss_ratio(workload, &mut Moka::new(workload, memory))),
    ];
    Measured { number: cluster.number, category: cluster.category, memory, ours, theirs }
}

/// All clusters, on as many threads as there are processors. (moka works on the thread that calls it, so that a clock
/// of the thread's own is enough.)
fn measure_all(count: usize) -> Vec<Measured> {
    let jobs = Mutex::new(CLUSTERS.iter());
    let done = Mutex::new(Vec::new());
    let next = || jobs.lock().expect("no worker panics with the lock").next();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(cluster) = next() {
                    let measured = measure(cluster, count);
                    done.lock().expect("no worker panics with the lock").push(measured);
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panicked with the lock");
    done.sort_by_key(|measured| measured.number);
    done
}

fn table(all: &[Measured]) -> Vec<Vec<String>> {
    let names = all[0].theirs.map(|(name, _)| name);
    let head = ["cluster", "category", "memory", "nearcache"].into_iter().chain(names);
    let mut table = vec![head.map(String::from).collect::<Vec<_>>()];
    for measured in all {
        let mut line = vec![
            measured.number.to_string(),
            measured.category.to_string(),
            format!("{:.1} MiB", measured.memory as f64 / f64::from(1 << 20)),
            format!("{:.4}", measured.ours),
        ];
        let change = |theirs: f64| (measured.ours / theirs - 1.0) * 100.0;
        line.extend(
            measured.theirs.map(|(_, theirs)| format!("{theirs:.4} ({:+.1} %)", change(theirs))),
        );
        table.push(line);
    }
    table
}

fn main() {
    let arguments = Arguments::read();
    let count = match arguments {
        Arguments { tiny: true, .. } => 50_000,
        Arguments { quick: true, .. } => 2_000_000,
        _ => 8_000_000,
    };
    let all = measure_all(count);
    let rows: Vec<Row> = all
        .iter()
        .flat_map(|measured| {
            let work = format!("miss ratio, cluster {}", measured.number);
            measured.theirs.map(|(peer, theirs)| {
                Row::new(&work, peer, "misses/get", &[measured.ours], &[theirs])
            })
        })
        .collect();
    let summary = all[0].theirs.map(|(peer, _)| {
        let below = rows.iter().filter(|row| row.peer == peer && row.ratio < 1.0).count();
        format!("Fewer misses than {peer} on {below} of {} clusters.", all.len())
    });
    let text = format!(
        "Misses of gets (a get that misses sets) on {count} requests drawn from the figures of eight clusters of Twitter's \
         (Yang et al., OSDI'20): lengths, lifetimes, operations, Zipf's exponent, requests for each object. The memory \
         is a quarter of what is alive at once; the simulated caches and moka take each item for key + value + \
         {OVERHEAD} bytes, the engine has its tables in that memory. In brackets how many more or fewer ours are. \
         `cd tests/compare && cargo run --release --bin lifetimes -- --report results`"
    );
    let document = Document {
        name: "lifetimes",
        title: "Lifetimes",
        text,
        table: table(&all),
        summary: summary.into(),
        charts: vec![(
            "lifetimes".into(),
            chart::ratios("Misses: ours / theirs, items with lifetimes", &rows),
        )],
    };
    document.print();
    document.write(&rows, &arguments);
}
