//! What a store has to live through, each in a process of its own: killed under load, a full disk, a read-only one, a
//! fork. `cargo test -p nearcache-store --test disasters -- NAME` runs those whose name has NAME in it.

mod common;

use common::room::{Tried, fill, mounted};
use common::{Dir, Killed, Random, Seeded, seed};
use nearcache::{Expiry, Outcome, Verb};
use nearcache_store::{Error, Options, Policy, Store};
use std::ffi::CString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const NEVER: Expiry = Expiry::Never;
const CHILD: &str = "NEARCACHE_STORE_CHILD";

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).unwrap_or_default();
    if let Ok(scene) = std::env::var(CHILD) {
        return play(&scene);
    }
    let parents: [(&str, fn()); 1] = [("killed_under_load", killed_under_load)];
    let scenes = ["full_disk", "full_from_the_start", "read_only_disk", "forked"];
    let mut failed = 0;
    for (name, scene) in parents {
        if name.contains(&wanted) {
            let done = std::panic::catch_unwind(scene).is_ok();
            println!("test {name} ... {}", if done { "ok" } else { "FAILED" });
            failed += u32::from(!done);
        }
    }
    for name in scenes.iter().filter(|name| name.contains(&wanted)) {
        let dir = Dir::new();
        std::fs::create_dir_all(dir.path()).unwrap();
        let status = child(name, dir.path()).status().unwrap();
        let word = match status.code() {
            Some(0) => "ok",
            Some(SKIPPED) => "left out",
            _ => "FAILED",
        };
        println!("test {name} ... {word}");
        failed += u32::from(word == "FAILED");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

const SKIPPED: i32 = 77;

fn child(scene: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, scene).env("STORE_DIR", dir);
    command
}

fn dir() -> String {
    std::env::var("STORE_DIR").unwrap()
}

fn play(scene: &str) -> ExitCode {
    let tried = match scene {
        "full_disk" => full_disk(),
        "full_from_the_start" => full_from_the_start(),
        "read_only_disk" => read_only_disk(),
        "forked" => forked(),
        "writers" => writers(),
        other => panic!("{other:?} is no scene"),
    };
    match tried {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{scene}: {why}");
            ExitCode::from(SKIPPED as u8)
        }
    }
}

fn policy(name: &str) -> Policy {
    match name {
        "always" => Policy::Always,
        "every" => Policy::EveryMillis(20),
        _ => Policy::Never,
    }
}

fn options(policy: Policy) -> Options {
    let mut options = Options::default();
    options.policy = policy;
    options.near = 4 << 20;
    options
}

const THREADS: u64 = 8;

/// The value of a thread's write: its length and bytes follow from its number.
fn value(thread: u64, n: u64) -> Vec<u8> {
    let mut random = Random(thread << 32 | n);
    let len = if n % 50 == 49 { 20_000 } else { random.below(300) };
    (0..len).map(|_| random.next() as u8).collect()
}

/// Writes without end, and says on its standard output what was acknowledged.
fn writers() -> Tried {
    let policy = policy(&std::env::var("STORE_POLICY").unwrap());
    let store = Store::open(dir(), options(policy)).unwrap();
    let from: u64 = std::env::var("STORE_FROM").unwrap().parse().unwrap();
    let store = &store;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                for n in from.. {
                    let key = format!("{thread}:{n}").into_bytes();
                    if n % 5 == 0 {
                        // A pair, of which never one alone may be there.
                        let mut batch = store.batch();
                        let twin = format!("{thread}:{n}:twin").into_bytes();
                        batch.store(Verb::Set, &twin, b"twin", 0, NEVER).unwrap();
                        batch.store(Verb::Set, &key, &value(thread, n), 0, NEVER).unwrap();
                        batch.commit(store.database()).unwrap();
                    } else {
                        store.set(&key, &value(thread, n), 0, NEVER).unwrap();
                    }
                    store.incr(b"count", 1).unwrap();
                    let mut out = io::stdout().lock();
                    writeln!(out, "{thread} {n}").and_then(|()| out.flush()).unwrap();
                }
            });
        }
    });
    Ok(())
}

/// Kills writers again and again: what was acknowledged is there, whole; what was not is there whole or not at all.
fn killed_under_load() {
    let rounds: u64 = std::env::var("NEARCACHE_ROUNDS").map_or(4, |text| text.parse().unwrap());
    let seeded = Seeded(seed());
    let mut random = Random(seeded.0);
    for name in ["always", "every", "never"] {
        let dir = Dir::new();
        let store = Store::open(dir.path(), options(policy(name))).unwrap();
        store.set(b"count", b"0", 0, NEVER).unwrap();
        drop(store);
        let mut from = 0;
        let (mut acked, mut counted) = ([0_u64; THREADS as usize], 0);
        for round in 0..rounds {
            let mut command = child("writers", dir.path());
            command.env("STORE_POLICY", name).env("STORE_FROM", from.to_string());
            let mut writers = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
            let mut lines = BufReader::new(writers.0.stdout.take().unwrap()).lines();
            let first = lines.next().expect("a writer was acknowledged").unwrap();
            let until = Instant::now() + Duration::from_millis(random.below(250));
            let mut note = |line: String| {
                let (thread, n) = line.split_once(' ').unwrap();
                let (thread, n): (usize, u64) = (thread.parse().unwrap(), n.parse().unwrap());
                acked[thread] = n + 1;
                counted += 1;
            };
            note(first);
            while Instant::now() < until {
                note(lines.next().unwrap().unwrap());
            }
            writers.0.kill().unwrap();
            // What it had still said. (A line that is cut off was not said.)
            lines
                .map_while(Result::ok)
                .filter(|line| line.split_once(' ').is_some_and(|(_, n)| !n.is_empty()))
                .for_each(&mut note);
            drop(writers);
            from = check_after_kill(dir.path(), name, round, from, &acked, &mut counted);
            acked = [from; THREADS as usize];
        }
    }
}

/// Looks at everything; answers from where the next writers go on.
fn check_after_kill(
    dir: &Path,
    name: &str,
    round: u64,
    from: u64,
    acked: &[u64; THREADS as usize],
    counted: &mut u64,
) -> u64 {
    let opened = Instant::now();
    let store = Store::open(dir, options(policy(name))).unwrap();
    let opened = opened.elapsed();
    let mut last = from;
    for thread in 0..THREADS {
        let there = |n: u64| store.get(format!("{thread}:{n}").as_bytes()).unwrap();
        let end = acked[thread as usize];
        for n in from..end {
            let found =
                there(n).unwrap_or_else(|| panic!("{name} {round}: {thread}:{n} was acknowledged"));
            assert_eq!(found.data, value(thread, n), "{name} {round}: {thread}:{n} is torn");
        }
        // The one on its way, and no other. (Of a line that was cut off the next may be on its way too.)
        let mut end_of_all = end;
        while let Some(found) = there(end_of_all) {
            assert_eq!(found.data, value(thread, end_of_all));
            end_of_all += 1;
        }
        assert!(end_of_all <= end + 2, "{name} {round}: {thread}:{end_of_all} was invented");
        for n in (from..end_of_all + 3).filter(|n| n % 5 == 0) {
            let twin = store.get(format!("{thread}:{n}:twin").as_bytes()).unwrap();
            assert_eq!(twin.is_some(), there(n).is_some(), "{name} {round}: half of {thread}:{n}");
        }
        last = last.max(end_of_all);
    }
    let count = store.get(b"count").unwrap().unwrap().data;
    let count: u64 = String::from_utf8(count).unwrap().trim().parse().unwrap();
    let range = *counted..=*counted + 2 * THREADS;
    assert!(range.contains(&count), "{name} {round}: {count} counted, {range:?} said");
    *counted = count;
    store.verify(&mut |_| true).unwrap();
    println!("{name} {round}: {count} acknowledged, opened again in {opened:?}");
    last
}

fn is_full(error: &Error) -> bool {
    let sentence = error.to_string();
    matches!(error, Error::DiskFull(_))
        && sentence.contains("Make room")
        && sentence.contains(&dir())
}

/// The disk becomes full while several write, three times, and there is room again.
fn full_disk() -> Tried {
    mounted(Path::new(&dir()), 96 << 20)?;
    let at = format!("{}/store", dir());
    for policy in [Policy::Always, Policy::EveryMillis(5), Policy::Never] {
        let store = Store::open(&at, options(policy)).unwrap();
        let mut written = Vec::new();
        let mut random = Random(1);
        let mut refused = 0;
        for round in 0..3 {
            let filler = format!("{}/filler", dir());
            // A little is left, so that it ends in the middle of something.
            fill(&filler, 3 << 20);
            let next = std::sync::atomic::AtomicU64::new(written.len() as u64);
            let done = std::sync::Mutex::new(Vec::new());
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..3000 {
                            let n = next.fetch_add(1, SeqCst);
                            let key = format!("{round}:{n}").into_bytes();
                            match store.set(&key, &value(round, n), 0, NEVER) {
                                Ok(_) => done.lock().unwrap().push((key, round, n)),
                                Err(e) => {
                                    assert!(is_full(&e), "{e:?}");
                                    break;
                                }
                            }
                        }
                    });
                }
            });
            let done = done.into_inner().unwrap();
            let last = next.into_inner();
            assert!(last < written.len() as u64 + 12_000, "the disk was never full");
            for (key, round, n) in &done {
                let found = store.get(key).unwrap().expect("it was acknowledged");
                assert_eq!(found.data, value(*round, *n));
            }
            // A failed write is not there.
            for n in 0..last {
                let key = format!("{round}:{n}").into_bytes();
                if !done.iter().any(|(done, ..)| *done == key) {
                    assert!(store.get(&key).unwrap().is_none(), "{n} was refused");
                    refused += 1;
                }
            }
            written.extend(done);
            std::fs::remove_file(&filler).unwrap();
            let n = random.next() >> 32;
            let key = format!("after:{round}:{n}").into_bytes();
            assert!(
                matches!(store.set(&key, &value(9, n), 0, NEVER), Ok(Outcome::Stored(_))),
                "there is room again"
            );
            written.push((key, 9, n));
        }
        assert!(refused > 0);
        store.verify(&mut |_| true).unwrap();
        drop(store);
        let store = Store::open(&at, options(policy)).unwrap();
        for (key, round, n) in &written {
            let found = store.get(key).unwrap().expect("it was acknowledged");
            assert_eq!(found.data, value(*round, *n));
        }
        drop(store);
        std::fs::remove_dir_all(&at).unwrap();
    }
    Ok(())
}

fn full_from_the_start() -> Tried {
    mounted(Path::new(&dir()), 96 << 20)?;
    let at = format!("{}/store", dir());
    let filler = format!("{}/filler", dir());
    fill(&filler, 0);
    let error = Store::open(&at, options(Policy::Always)).unwrap_err();
    assert!(is_full(&error), "{error:?}");
    std::fs::remove_file(&filler).unwrap();
    // What was begun there is taken up.
    let store = Store::open(&at, options(Policy::Always)).unwrap();
    store.set(b"a", b"1", 0, NEVER).unwrap();
    drop(store);
    fill(&filler, 0);
    let store = Store::open(&at, options(Policy::Always)).unwrap();
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"1", "it can be read");
    // Nothing that becomes small in the journal.
    let mut random = Random(7);
    let large: Vec<u8> = (0..100_000).map(|_| random.next() as u8).collect();
    let error = store.set(b"b", &large, 0, NEVER).unwrap_err();
    assert!(is_full(&error), "{error:?}");
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"1", "it can still be read");
    std::fs::remove_file(&filler).unwrap();
    store.set(b"b", &large, 0, NEVER).unwrap();
    drop(store);
    // Lifetimes end while nothing can be written: what could not be removed then is removed later.
    let mut manual = options(Policy::Always);
    manual.manual_clock = Some(1_700_000_000);
    let store = Store::open(&at, manual).unwrap();
    let set = |n: u64| {
        let mut random = Random(n);
        // Keys alone are enough to fill a journal's last page.
        let key: Vec<u8> = (0..240).map(|_| random.next() as u8).collect();
        let ask = nearcache::MetaSet { expiry: Expiry::After(5), ..nearcache::MetaSet::default() };
        store.submit_set(&key, b"", ask).unwrap()
    };
    let all: Vec<_> = (0..600).map(set).collect();
    all.into_iter().for_each(|pending| assert!(pending.wait().is_ok()));
    fill(&filler, 0);
    let failed = || store.database().committer().readings().failures.load(SeqCst);
    let before = failed();
    store.advance_clock(6).unwrap();
    common::eventually("the sweep fails", || failed() > before);
    std::fs::remove_file(&filler).unwrap();
    common::eventually("the sweep is done", || store.database().ledger().items == 2);
    store.verify(&mut |_| true).unwrap();
    Ok(())
}

fn read_only_disk() -> Tried {
    mounted(Path::new(&dir()), 96 << 20)?;
    let at = format!("{}/store", dir());
    drop(Store::open(&at, options(Policy::Always)).unwrap());
    let target = CString::new(dir()).unwrap();
    let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
    // SAFETY: the strings end with a NUL.
    let done = unsafe {
        libc::mount(c"none".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), flags, std::ptr::null())
    };
    if done != 0 {
        return Err(format!("cannot remount: {}", io::Error::last_os_error()));
    }
    for at in [at.clone(), format!("{}/another", dir())] {
        let error = Store::open(&at, options(Policy::Always)).unwrap_err();
        assert!(matches!(error, Error::ReadOnly(_)), "{error:?}");
        assert!(error.to_string().contains(&at), "{error}");
    }
    Ok(())
}

/// A child of a fork can use nothing, harms nothing, and ends.
fn forked() -> Tried {
    let at = format!("{}/store", dir());
    let store = Store::open(&at, options(Policy::Always)).unwrap();
    store.set(b"a", b"1", 0, NEVER).unwrap();
    // SAFETY: the child calls what is refused before any lock, and ends without unwinding.
    match unsafe { libc::fork() } {
        0 => {
            let refused = matches!(store.get(b"a"), Err(Error::Forked))
                && matches!(store.set(b"a", b"2", 0, NEVER), Err(Error::Forked))
                && matches!(store.stats(), Err(Error::Forked));
            drop(store);
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(!refused)) }
        }
        pid => {
            let mut status = 0;
            // SAFETY: the call fills the status.
            assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
            assert_eq!(status, 0, "the child was not refused");
        }
    }
    store.set(b"a", b"3", 0, NEVER).unwrap();
    let error = Store::open(&at, options(Policy::Always)).unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error:?}");
    drop(store);
    let store = Store::open(&at, options(Policy::Always)).unwrap();
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"3");
    Ok(())
}
