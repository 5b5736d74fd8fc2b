//! Draws cases from seeds, for builds without libFuzzer.
//!
//! * `NEARCACHE_FUZZ_SECONDS=<seconds>` says how long (default 10).
//! * `NEARCACHE_SEED=<number>` replays one case; every failing case prints its own.
//! * Arguments are files whose bytes are run as cases: libFuzzer's finds, or the corpus.

use crate::support::seed::{Rng, Told, mix, of_run};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// A case that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(30);
/// The longest case drawn, in bytes.
const LONGEST: usize = 6000;

/// The seed of the case that runs.
static SEED: AtomicU64 = AtomicU64::new(0);
/// How many cases have begun: the watchdog's sign of life.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// Runs a target as the arguments and the environment say.
pub fn run(name: &str, target: fn(&[u8])) {
    let corpus = corpus(name);
    let files: Vec<String> = std::env::args().skip(1).collect();
    watch();
    for file in &files {
        BEGUN.fetch_add(1, SeqCst);
        println!("{name}: {file}");
        target(&std::fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}")));
    }
    if !files.is_empty() {
        return;
    }
    let seconds = match std::env::var("NEARCACHE_FUZZ_SECONDS") {
        Ok(text) => text.parse().unwrap_or_else(|_| {
            panic!("NEARCACHE_FUZZ_SECONDS is {text:?}: it must be a number of seconds")
        }),
        Err(_) => 10,
    };
    let is_replay = std::env::var_os("NEARCACHE_SEED").is_some();
    let (begin, mut seed) = (Instant::now(), of_run());
    let mut slowest = (Duration::ZERO, seed);
    loop {
        let started = Instant::now();
        SEED.store(seed, SeqCst);
        BEGUN.fetch_add(1, SeqCst);
        let told = Told(seed);
        target(&draw(seed, &corpus));
        drop(told);
        slowest = slowest.max((started.elapsed(), seed));
        if is_replay || begin.elapsed().as_secs() >= seconds {
            break;
        }
        seed = mix(seed.wrapping_add(1));
    }
    let (time, seed) = slowest;
    println!(
        "{name}: {} cases, nothing found; the slowest took {time:.1?}, seed {seed}",
        BEGUN.load(SeqCst)
    );
}

/// The committed cases of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let listing = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = listing.map(|file| file.path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a file of the corpus")).collect()
}

/// The case of a seed: new bytes, or one of the corpus with a few changes.
fn draw(seed: u64, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    if corpus.is_empty() || rng.chance(50) {
        let longest = if rng.chance(30) { LONGEST } else { LONGEST / 10 };
        let len = rng.index(longest);
        return (0..len).map(|_| rng.next() as u8).collect();
    }
    let mut case = corpus[rng.index(corpus.len())].clone();
    for _ in 0..1 + rng.index(8) {
        let (from, len) = (rng.index(case.len() + 1), rng.index(64));
        let to = case.len().min(from + len);
        match rng.below(5) {
            0 => drop(case.drain(from..to)),
            1 => drop(case.splice(from..from, (0..len).map(|_| rng.next() as u8))),
            2 => {
                // A part of another case: both parts keep their meaning, mostly.
                let other = &corpus[rng.index(corpus.len())];
                let start = rng.index(other.len() + 1);
                drop(case.splice(from.., other[start..].iter().copied()));
            }
            _ => case[from..to.min(from + 4)].iter_mut().for_each(|byte| *byte = rng.next() as u8),
        }
    }
    case.truncate(LONGEST);
    case
}

/// Ends the process, with the case's seed, when a case hangs or kills it.
fn watch() {
    for signal in SIGNALS {
        // SAFETY: an action of zeros is a valid one, and `died` is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_flags = libc::SA_ONSTACK;
            action.sa_sigaction = died as *const () as usize;
            let mut before: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, &action, &mut before);
            let _ = BEFORE[signal as usize].set(before);
        }
    }
    std::thread::spawn(|| {
        let (mut met, mut since) = (0, Instant::now());
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let begun = BEGUN.load(SeqCst);
            if begun != met {
                (met, since) = (begun, Instant::now());
            } else if since.elapsed() > DEADLINE {
                eprintln!("the case hangs");
                std::process::abort();
            }
        }
    });
}

const SIGNALS: [libc::c_int; 3] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT];
/// What was done about a signal before.
static BEFORE: [OnceLock<libc::sigaction>; 32] = [const { OnceLock::new() }; 32];

/// Tells the seed, and leaves the signal to whoever had it before (a sanitizer, say): it comes again at once.
extern "C" fn died(signal: libc::c_int) {
    let before = b"replay with NEARCACHE_SEED=";
    let mut text = *b"00000000000000000000\n";
    let (mut left, mut at) = (SEED.load(SeqCst), text.len() - 2);
    while left > 9 {
        text[at] = b'0' + (left % 10) as u8;
        left /= 10;
        at -= 1;
    }
    text[at] = b'0' + left as u8;
    let text = &text[at..];
    // SAFETY: both texts are valid for their lengths, and what was there before is a valid action.
    unsafe {
        libc::write(2, before.as_ptr().cast(), before.len());
        libc::write(2, text.as_ptr().cast(), text.len());
        match BEFORE[signal as usize].get() {
            Some(before) => libc::sigaction(signal, before, std::ptr::null_mut()),
            None => libc::raise(libc::SIGKILL),
        };
    }
}
