//! What a call through the C library costs over the same call in Rust: a get of a 100-byte value into a buffer.
//!
//! Run by `tests/c/bench.sh`, which compiles the C loop against the installed shared library and names it in
//! NEARCACHE_BENCH_LOOP. Both loops run in this process and take turns, so that a change of the machine's speed
//! meets both; each has a cache of its own, of the same content. The difference of a round is taken within it.

use std::ffi::{CStr, CString, c_char, c_void};
use std::hint::black_box;
use std::io::Write;
use std::mem::MaybeUninit;

use nearcache::{Cache, Expiry, Options, Sink};

const SIZE: u64 = 64 << 20;
/// Few enough to stay in the nearest cache: the cost of the call is asked for, not that of a memory.
const KEYS: usize = 64;
const KEY_LEN: usize = 16;
const VALUE_LEN: usize = 100;
const GETS: usize = 20_000;
const ROUNDS: usize = 501;
const SUM: u64 = GETS as u64 * (VALUE_LEN as u64 + b'v' as u64);

type Open = unsafe extern "C" fn(u64, usize) -> *mut c_void;
type Gets = unsafe extern "C" fn(*mut c_void, *const c_char, usize, usize) -> u64;
type Close = unsafe extern "C" fn(*mut c_void);

/// The loop compiled from tests/c/bench_loop.c.
struct CLoop {
    gets: Gets,
    close: Close,
    cache: *mut c_void,
}

impl CLoop {
    fn load(path: &str) -> CLoop {
        let path = CString::new(path).expect("a path holds no NUL");
        // SAFETY: the library is tests/c/bench_loop.c, whose functions have these types, and is never unloaded.
        unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            assert!(!library.is_null(), "{}", CStr::from_ptr(libc::dlerror()).to_string_lossy());
            let symbol = |name: &CStr| {
                let found = libc::dlsym(library, name.as_ptr());
                assert!(!found.is_null(), "no symbol {name:?}");
                found
            };
            let open: Open = std::mem::transmute(symbol(c"bench_open"));
            let cache = open(SIZE, KEYS);
            assert!(!cache.is_null(), "the C side cannot open its cache");
            CLoop {
                gets: std::mem::transmute::<*mut c_void, Gets>(symbol(c"bench_gets")),
                close: std::mem::transmute::<*mut c_void, Close>(symbol(c"bench_close")),
                cache,
            }
        }
    }

    fn run(&self, names: &[u8]) -> u64 {
        // SAFETY: `names` holds KEYS names of KEY_LEN bytes, and the cache is open until drop.
        unsafe { (self.gets)(self.cache, names.as_ptr().cast(), KEYS, GETS) }
    }
}

impl Drop for CLoop {
    fn drop(&mut self) {
        // SAFETY: opened in `load`, closed once.
        unsafe { (self.close)(self.cache) }
    }
}

/// A buffer as the C side has one.
struct Into<'a>(&'a mut [MaybeUninit<u8>]);

impl Sink for Into<'_> {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.0.get_mut(..len)
    }
}

#[inline(never)]
fn rust_gets(cache: &Cache, names: &[u8]) -> u64 {
    let mut sum = 0;
    let mut buffer = [MaybeUninit::uninit(); 128];
    let mut at = 0;
    for _ in 0..GETS {
        let key = black_box(&names[at * KEY_LEN..][..KEY_LEN]);
        let meta = cache.get_to(key, &mut Into(&mut buffer)).expect("a good key").expect("a hit");
        // SAFETY: the value has VALUE_LEN bytes, more than one, and get_to has written them.
        sum += meta.len as u64 + u64::from(unsafe { black_box(&buffer)[0].assume_init() });
        at += 1;
        if at == KEYS {
            at = 0;
        }
    }
    sum
}

/// This thread's time on a processor, in nanoseconds: what other programs take is not counted.
fn processor_time() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to write to.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "the thread's clock can be read");
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn nanoseconds(run: impl FnOnce() -> u64) -> f64 {
    let start = processor_time();
    let sum = run();
    let elapsed = (processor_time() - start) as f64 / GETS as f64;
    assert_eq!(sum, SUM, "a get missed or was wrong");
    elapsed
}

fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}

fn main() {
    let Some(path) = std::env::var("NEARCACHE_BENCH_LOOP").ok() else {
        println!("run tests/c/bench.sh: it compiles the C loop that this benchmark compares with");
        return;
    };
    let names: Vec<u8> = (0..KEYS).flat_map(|i| format!("key-{i:012}").into_bytes()).collect();
    let cache = Options::new(SIZE).open().expect("a cache of 64 MiB");
    for key in names.chunks(KEY_LEN) {
        cache.set(key, &[b'v'; VALUE_LEN], 0, Expiry::Never).expect("a stored item");
    }
    let c = CLoop::load(&path);
    nanoseconds(|| rust_gets(&cache, &names));
    nanoseconds(|| c.run(&names));

    let (mut rust, mut ours, mut over) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever goes first meets colder caches: they take turns at that too.
        let first = (round % 2 == 0).then(|| nanoseconds(|| rust_gets(&cache, &names)));
        let from_c = nanoseconds(|| c.run(&names));
        let from_rust = first.unwrap_or_else(|| nanoseconds(|| rust_gets(&cache, &names)));
        rust.push(from_rust);
        ours.push(from_c);
        over.push(from_c - from_rust);
    }
    report(&mut rust, &mut ours, &mut over);
}

fn report(rust: &mut [f64], ours: &mut [f64], over: &mut [f64]) {
    let (theirs, mine) = (quantile(rust, 0.5), quantile(ours, 0.5));
    let spread = (quantile(ours, 0.75) - quantile(ours, 0.25)) / mine;
    let (low, middle, high) = (quantile(over, 0.25), quantile(over, 0.5), quantile(over, 0.75));
    println!(
        "get of {VALUE_LEN} bytes: C {mine:.1} ns, Rust {theirs:.1} ns; C is {middle:.1} ns slower \
         (quartiles {low:.1} to {high:.1}, {ROUNDS} rounds of {GETS})"
    );
    if let Ok(path) = std::env::var("NEARCACHE_BENCH_JSON") {
        let mut file = std::fs::File::create(&path).expect("the result file can be made");
        writeln!(
            file,
            "[\n  {{\"work\": \"get 100 B through the shared library\", \"peer\": \"Rust Cache::get_to\", \
             \"ours\": {mine:.2}, \"theirs\": {theirs:.2}, \"unit\": \"ns\", \"ratio\": {:.4}, \
             \"spread\": {spread:.4}, \"slower_by\": {middle:.2}}}\n]",
            mine / theirs
        )
        .expect("the result can be written");
    }
    if middle > 10.0 {
        println!("the bar is 10 ns");
        std::process::exit(1);
    }
}
