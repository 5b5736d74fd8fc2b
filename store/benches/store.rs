//! How fast a store is: synced puts of many threads beside a file to which each put is appended and synced by itself;
//! gets from the near tier, and from the engine, beside gets of a cache.
//!
//! `cargo bench -p nearcache-store` writes target/bench/store.json. `-- --quick` is less exact; `-- puts`, `-- gets` and
//! `-- reopen` are parts.

use nearcache::Expiry;
use nearcache_store::{Options, Policy, Store};
use std::fs::{self, File};
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const NEVER: Expiry = Expiry::Never;
const VALUE: [u8; 100] = [b'v'; 100];
const THREADS: u64 = 64;
const KEYS: u64 = 10_000;

fn main() {
    if let Some(dir) = std::env::var_os("NEARCACHE_STORE_FILL") {
        fill(Path::new(&dir));
    }
    let quick = std::env::args().any(|arg| arg == "--quick");
    let only = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    let (rounds, time) = if quick { (3, 300) } else { (7, 1500) };
    let time = Duration::from_millis(time);
    let place = std::env::temp_dir().join(format!("nearcache-store-bench-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    let mut lines = Vec::new();
    if "puts".contains(&only) {
        lines.extend(all_puts(&place, rounds, time));
    }
    if "gets".contains(&only) {
        // Short ones, and many: what else the machine does then falls on both.
        lines.extend(all_gets(&place, rounds * 5, time / 10));
    }
    if "reopen".contains(&only) {
        reopening(&place.join("million"));
    }
    let _ = fs::remove_dir_all(&place);
    if only.is_empty() {
        let json = format!("[\n{}\n]\n", lines.join(",\n"));
        let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("store.json"), json).unwrap();
    }
}

fn all_puts(place: &Path, rounds: usize, time: Duration) -> Vec<String> {
    let policies = if std::env::var_os("NEVER").is_some() {
        [("never", Policy::Never)]
    } else {
        [("always", Policy::Always)]
    };
    let each = policies.into_iter().map(|(name, policy)| {
        let work = format!("puts of 64 threads, synced {name}");
        let (ours, theirs) = (|| puts(place, policy, time), || appends(place, time));
        compare(&work, "append and fdatasync each", rounds, "us", ours, theirs)
    });
    each.collect()
}

fn all_gets(place: &Path, rounds: usize, time: Duration) -> Vec<String> {
    let dir = place.join("gets");
    let store = Store::open(&dir, Options::default()).unwrap();
    let cache = nearcache::Options::new(64 << 20).open().unwrap();
    let mut last = None;
    for k in 0..KEYS {
        let ask = nearcache::MetaSet::default();
        last = Some(store.submit_set(&key(k), &VALUE, ask).unwrap());
        cache.set(&key(k), &VALUE, 0, NEVER).unwrap();
    }
    last.unwrap().wait().unwrap();
    let theirs = || gets(time, |key| cache.get(key).unwrap().is_some());
    let ours = || gets(time, |key| store.get(key).unwrap().is_some());
    let near = compare("get that hits the near tier", "Cache::get", rounds, "ns", ours, theirs);
    drop(store);
    let mut far = Options::default();
    far.near = 0;
    let store = Store::open(&dir, far).unwrap();
    let ours = || gets(time, |key| store.get(key).unwrap().is_some());
    let far = compare("get from the engine", "Cache::get", rounds, "ns", ours, theirs);
    vec![near, far]
}

fn key(k: u64) -> Vec<u8> {
    format!("a key {k:010}").into_bytes()
}

/// Time for each put, in microseconds, of all threads together.
fn puts(place: &Path, policy: Policy, time: Duration) -> f64 {
    let dir = place.join("puts");
    let mut options = Options::default();
    options.policy = policy;
    let store = Store::open(&dir, options).unwrap();
    let mut ru: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut ru) };
    let cpu0 = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) as f64 * 1e6
        + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) as f64;
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..std::env::var("THREADS").map_or(THREADS, |t| t.parse().unwrap()) {
            let (store, stop, done) = (&store, &stop, &done);
            scope.spawn(move || {
                let mut n = 0;
                while !stop.load(Relaxed) {
                    store.set(&key(thread << 32 | n), &VALUE, 0, NEVER).unwrap();
                    n += 1;
                }
                done.fetch_add(n, Relaxed);
            });
        }
        std::thread::sleep(time);
        stop.store(true, Relaxed);
    });
    let mut ru: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut ru) };
    let cpu = (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) as f64 * 1e6
        + (ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) as f64
        - cpu0;
    println!(
        "CPU {:.2} us/op  cs {:.2}/op",
        cpu / done.load(Relaxed) as f64,
        (ru.ru_nvcsw + ru.ru_nivcsw) as f64 / done.load(Relaxed) as f64
    );
    let took = begun.elapsed().as_secs_f64() * 1e6 / done.into_inner() as f64;
    if std::env::var_os("VERBOSE").is_some() {
        let stats: std::collections::BTreeMap<_, _> = store.stats().unwrap().into_iter().collect();
        println!("{took:.1} us a put, {:?} in {:?} batches", stats["operations"], stats["batches"]);
    }
    drop(store);
    fs::remove_dir_all(dir).unwrap();
    took
}

/// The same bytes appended to a file, each synced by itself.
fn appends(place: &Path, time: Duration) -> f64 {
    if std::env::var_os("ALONE").is_some() {
        return 1.0;
    }
    let path: PathBuf = place.join("appended");
    let mut file = File::create(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    let (begun, mut n) = (Instant::now(), 0);
    while begun.elapsed() < time {
        file.write_all(&key(n)).unwrap();
        file.write_all(&VALUE).unwrap();
        file.sync_data().unwrap();
        n += 1;
    }
    let took = begun.elapsed().as_secs_f64() * 1e6 / n as f64;
    fs::remove_file(path).unwrap();
    took
}

const MILLION: u64 = 1_000_000;

/// Stores a million items, and ends as if it were killed.
fn fill(dir: &Path) -> ! {
    let store = Store::open(dir, Options::default()).unwrap();
    let mut under_way = std::collections::VecDeque::new();
    for k in 0..MILLION {
        under_way.push_back(store.submit_set(&key(k), &VALUE, Default::default()).unwrap());
        if under_way.len() > 256 {
            under_way.pop_front().unwrap().wait().unwrap();
        }
    }
    under_way.into_iter().for_each(|pending| assert!(pending.wait().is_ok()));
    std::process::abort();
}

/// How long it takes to open a store of a million items after its process was killed.
fn reopening(dir: &Path) {
    let begun = Instant::now();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    let status = child.env("NEARCACHE_STORE_FILL", dir).status().unwrap();
    assert!(!status.success());
    let filled = begun.elapsed();
    let (begun, before) = (Instant::now(), processor_time());
    let store = Store::open(dir, Options::default()).unwrap();
    let (opened, used) = (begun.elapsed(), processor_time() - before);
    assert!(store.get(&key(MILLION - 1)).unwrap().is_some());
    assert_eq!(store.database().ledger().items, MILLION);
    println!(
        "a million items stored in {filled:.1?}; opened after a kill in {opened:.2?}, {used:.2} s of the processor"
    );
}

/// What this thread has used so far, in seconds.
fn processor_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Nanoseconds of the processor for each get of a random key.
fn gets(time: Duration, get: impl Fn(&[u8]) -> bool) -> f64 {
    let keys: Vec<Vec<u8>> = (0..KEYS).map(key).collect();
    let (begun, used, mut n, mut at) = (Instant::now(), processor_time(), 0_u64, 1_u64);
    while begun.elapsed() < time {
        for _ in 0..1000 {
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            assert!(black_box(get(&keys[((at >> 33) % KEYS) as usize])));
        }
        n += 1000;
    }
    (processor_time() - used) * 1e9 / n as f64
}

/// Rounds of both in turn; prints, and answers as a line of JSON.
fn compare(
    work: &str,
    peer: &str,
    rounds: usize,
    unit: &str,
    ours: impl Fn() -> f64,
    theirs: impl Fn() -> f64,
) -> String {
    let mut all: Vec<(f64, f64)> = (0..rounds).map(|_| (ours(), theirs())).collect();
    let median = |of: fn(&(f64, f64)) -> f64, all: &mut Vec<(f64, f64)>| {
        all.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&all[all.len() / 2])
    };
    let (a, b) = (median(|x| x.0, &mut all), median(|x| x.1, &mut all));
    let ratio = median(|x| x.0 / x.1, &mut all);
    let of = |x: &(f64, f64)| x.0 / x.1;
    let spread = (of(&all[all.len() - 1]) - of(&all[0])) / ratio;
    println!(
        "{work}: {a:.2} {unit}; {peer}: {b:.2} {unit}; ratio {ratio:.3}, spread {:.0} %",
        spread * 100.0
    );
    format!(
        "{{\"work\":\"{work}\",\"peer\":\"{peer}\",\"ours\":{a:.3},\"theirs\":{b:.3},\"unit\":\"{unit}\",\
         \"ratio\":{ratio:.4},\"spread\":{spread:.4}}}"
    )
}
