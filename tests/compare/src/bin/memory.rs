//! What an item costs in memory beside other caches, and how much of the engine's memory holds live items when many
//! sets replace what is there. A counting allocator measures the others; the engine's memory is its limit.
//!
//! `cargo run --release --bin memory [-- --quick] [--report DIRECTORY]`.

use nearcache::Options;
use nearcache_compare::document::{Arguments, Document, table};
use nearcache_compare::load::{Key, key, mix, zipf};
use nearcache_compare::others::{Foyer, Moka, QuickCache};
use nearcache_compare::peers::{Engine, Store};
use nearcache_compare::report::Row;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Key and value of an item, in bytes.
const ITEM: u64 = 116;
/// The least part of the memory that live items are to take.
const LIVE: f64 = 0.8;

/// The system's allocator, which adds up what is handed out.
struct Counting;

static TAKEN: AtomicU64 = AtomicU64::new(0);

/// What glibc takes for a request: 8 bytes of header, whole 16 bytes, at least 32. Large ones are whole pages.
fn taken(size: usize) -> u64 {
    ((size + 8).next_multiple_of(16) as u64).max(32)
}

// SAFETY: everything is the system allocator's; the counter changes nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(taken(layout.size()), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(taken(layout.size()), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Fills a peer with new items until it has been evicting for long; answers its bytes for each item.
fn bytes_per_item<S: Store>(make: impl Fn() -> S, count: u64, items: impl Fn(&S) -> u64) -> f64 {
    let before = TAKEN.load(Relaxed);
    let store = make();
    for number in 0..count {
        store.set(&key(number), &[b'v'; 100]);
    }
    let items = items(&store);
    assert!(items < count * 9 / 10, "the cache is not full");
    (TAKEN.load(Relaxed) - before) as f64 / items as f64
}

fn engine(bytes: u64, hint: Option<usize>) -> Engine {
    let mut options = Options::new(bytes);
    options.item_size_hint = hint.unwrap_or(options.item_size_hint);
    Engine(options.open().expect("the cache opens with this size"))
}

fn items(quick: bool, rows: &mut Vec<Row>) {
    let bytes: u64 = if quick { 16 << 20 } else { 64 << 20 };
    let count = bytes / ITEM * 4;
    let ours = |hint| {
        let engine = engine(bytes, hint);
        (0..count).for_each(|number| engine.set(&key(number), &[b'v'; 100]));
        let stats = engine.0.stats();
        assert!(stats.evictions > 0, "the cache is not full");
        bytes as f64 / stats.curr_items as f64
    };
    let theirs = [
        ("key + value", ITEM as f64),
        (
            "quick_cache",
            bytes_per_item(|| QuickCache::new(bytes, ITEM), count, |cache| cache.0.len() as u64),
        ),
        ("moka", {
            let items = |cache: &Moka| {
                cache.0.run_pending_tasks();
                cache.0.entry_count()
            };
            bytes_per_item(|| Moka::new(bytes), count, items)
        }),
        ("foyer", bytes_per_item(|| Foyer::new(bytes), count, |cache| cache.0.entries() as u64)),
    ];
    let hints = [("item_size_hint 116", Some(ITEM as usize)), ("item_size_hint default", None)];
    for (text, hint) in hints {
        let ours = ours(hint);
        let work = format!("an item of 16 + 100 bytes, {text}");
        rows.extend(
            theirs.map(|(peer, theirs)| Row::new(&work, peer, "bytes", &[ours], &[theirs])),
        );
    }
}

/// Half gets, half sets, Zipf, in memory for a tenth of the data: bytes of the arena for each live one, at samples of
/// the second half.
fn update_heavy(keys: u64, count: usize, length: impl Fn(u64) -> usize, item: u64) -> Vec<f64> {
    let bytes = (keys * item / 10).max(Options::SIZE_MIN);
    let engine = engine(bytes, Some(item as usize));
    let value = vec![b'v'; 4096];
    let mut out = Vec::new();
    let mut samples = Vec::new();
    let asked: Vec<Key> = zipf(keys, count);
    for (at, key) in asked.iter().enumerate() {
        let draw = mix(at as u64 ^ 0xbeef);
        if draw.is_multiple_of(2) {
            engine.set(key, &value[..length(draw >> 8)]);
        } else {
            engine.get(key, &mut out);
        }
        if at > count / 2 && at % (count / 200) == 0 {
            samples.push(bytes as f64 / engine.0.stats().bytes as f64);
        }
    }
    assert!(engine.0.stats().evictions > 0, "nothing was evicted");
    samples
}

fn updates(quick: bool, rows: &mut Vec<Row>) {
    let (keys, count) = if quick { (500_000, 1_000_000) } else { (2_000_000, 8_000_000) };
    let cases = [
        ("values of 100 bytes", update_heavy(keys, count, |_| 100, ITEM)),
        ("values of 1 KiB", update_heavy(keys / 4, count / 2, |_| 1024, 1040)),
        (
            "values of 1 to 1000 bytes",
            update_heavy(keys / 2, count, |draw| 1 + draw as usize % 1000, 516),
        ),
    ];
    for (text, samples) in cases {
        let bar = vec![1.0 / LIVE; samples.len()];
        let work = format!("arena for each live byte, half sets, {text}");
        rows.push(Row::new(&work, "80 % live", "bytes", &samples, &bar));
    }
}

fn main() {
    let arguments = Arguments::read();
    let short = arguments.quick || arguments.tiny;
    let mut rows = Vec::new();
    items(short, &mut rows);
    updates(short, &mut rows);
    let text = "Bytes that an item takes when a cache is full, all its tables counted: of nearcache its memory limit by \
                the items in it, of the others what they have allocated (with malloc's header and rounding) by theirs. \
                The last lines are half gets and half sets, Zipf 0.99, in memory for a tenth of the data: the memory \
                for each byte of live items (`stats().bytes`), which is to be at most 1.25. \
                `cd tests/compare && cargo run --release --bin memory -- --report results`";
    let live = rows.iter().filter(|row| row.peer == "80 % live");
    let summary =
        live.map(|row| format!("{}: {:.1} % live.", row.work, 100.0 / row.ours)).collect();
    let document = Document {
        name: "memory",
        title: "Memory",
        text: text.into(),
        table: table(&rows, "what"),
        summary,
        charts: Vec::new(),
    };
    document.print();
    document.write(&rows, &arguments);
}
