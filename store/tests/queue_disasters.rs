//! What queues have to live through, each in a process of its own: producers and consumers that are killed under load,
//! and a disk that becomes full while they work. `cargo test -p nearcache-store --test queue_disasters -- NAME` runs
//! those whose name has NAME in it; NEARCACHE_ROUNDS says how often they are killed.

mod common;

use common::room::{Tried, fill, mounted};
use common::{Dir, Killed, Random, Seeded, seed};
use nearcache_store::queue::{Fate, Lease, Push, Queues, Receipt, Settings};
use nearcache_store::{Database, Error, Options, Policy};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CHILD: &str = "NEARCACHE_STORE_CHILD";
const START: i64 = 1_700_000_000;
/// Seconds of the leases that do not end with the process.
const LEASE: u32 = 100;
const PRODUCERS: usize = 4;
/// Consumers of each queue.
const CONSUMERS: usize = 3;
/// A queue, and a reader's copy of it.
const QUEUES: [&str; 2] = ["orders", "orders+audit"];
/// Messages after which another directory is begun.
const LOOKED_AT: usize = 4000;
const SKIPPED: u8 = 77;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).filter(|arg| !arg.starts_with('-')).unwrap_or_default();
    match std::env::var(CHILD).as_deref() {
        Ok("workers") => workers(),
        Ok("full_disk") => match full_disk() {
            Ok(()) => return ExitCode::SUCCESS,
            Err(why) => {
                println!("full_disk: {why}");
                return ExitCode::from(SKIPPED);
            }
        },
        Ok(other) => panic!("{other:?} is no scene"),
        Err(_) => {}
    }
    let mut failed = 0;
    let mut tell = |name: &str, word: &str| {
        println!("test {name} ... {word}");
        failed += u32::from(word == "FAILED");
    };
    if "killed_under_load".contains(&wanted) {
        let done = std::panic::catch_unwind(killed_under_load).is_ok();
        tell("killed_under_load", if done { "ok" } else { "FAILED" });
    }
    if "full_disk".contains(&wanted) {
        let dir = Dir::new();
        std::fs::create_dir_all(dir.path()).unwrap();
        let status = child("full_disk", dir.path()).status().unwrap();
        let word = match status.code() {
            Some(0) => "ok",
            Some(code) if code == i32::from(SKIPPED) => "left out",
            _ => "FAILED",
        };
        tell("full_disk", word);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn child(scene: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(CHILD, scene).env("STORE_DIR", dir);
    command
}

fn dir() -> PathBuf {
    std::env::var("STORE_DIR").unwrap().into()
}

fn open(dir: &Path, policy: &str) -> Queues {
    let mut options = Options::default();
    options.policy = match policy {
        "always" => Policy::Always,
        "every" => Policy::EveryMillis(20),
        "never" => Policy::Never,
        other => panic!("{other:?} is no policy"),
    };
    options.near = 0;
    options.manual_clock = Some(START);
    Queues::on(Arc::new(Database::open(dir, options).unwrap())).unwrap()
}

/// Makes the queue and the reader's copy of it.
fn make(queues: &Queues) {
    let mut settings = Settings::default();
    settings.max_deliveries = 0;
    for name in QUEUES {
        queues.queue(name.as_bytes()).unwrap().configure(settings.clone()).unwrap();
    }
}

/// A producer's message: its number, and bytes that follow from it.
fn body(producer: usize, n: u64) -> Vec<u8> {
    let mut random = Random((producer as u64) << 32 | n);
    let len = if n % 40 == 39 { 20_000 } else { random.below(300) };
    let mut body = format!("{producer} {n} ").into_bytes();
    body.extend((0..len).map(|_| random.next() as u8));
    body
}

/// Whose message it is, and which.
fn read(told: &[u8]) -> (usize, u64) {
    let mut words = told.splitn(3, |byte| *byte == b' ');
    let mut word = || std::str::from_utf8(words.next()?).ok()?.parse::<u64>().ok();
    let (producer, n) = (word().unwrap() as usize, word().unwrap());
    assert!(told == body(producer, n), "message {n} of {producer} is torn");
    (producer, n)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

/// Put in, reserve, acknowledge and refuse without end, and say what was answered: "put PRODUCER N"; and of a queue
/// "got", "ack" (begun) and "done" (answered).
fn workers() {
    let queues = open(&dir(), &std::env::var("STORE_POLICY").unwrap());
    let from: Vec<u64> =
        std::env::var("STORE_FROM").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
    let queues = &queues;
    std::thread::scope(|scope| {
        for (producer, from) in from.iter().copied().enumerate() {
            scope.spawn(move || {
                let queue = queues.queue(QUEUES[0].as_bytes()).unwrap();
                for n in from.. {
                    queue.push(&body(producer, n), &Push::default()).unwrap();
                    say(&format!("put {producer} {n}"));
                }
            });
        }
        for (at, consumer) in (0..QUEUES.len()).flat_map(|at| (0..CONSUMERS).map(move |c| (at, c)))
        {
            scope.spawn(move || consume(queues, at, consumer));
        }
    });
}

fn consume(queues: &Queues, at: usize, consumer: usize) {
    let queue = queues.queue(QUEUES[at].as_bytes()).unwrap();
    let mut random = Random((at * CONSUMERS + consumer) as u64);
    let mut newest = [None; PRODUCERS];
    loop {
        let lease = *random.pick(&[Lease::Session, Lease::Seconds(LEASE)]);
        let max = 1 + random.below(4) as usize;
        for message in queue.reserve(max, lease, Duration::from_secs(1)).unwrap() {
            let (producer, n) = read(&message.body);
            say(&format!("got {at} {producer} {n}"));
            if message.deliveries == 1 {
                // What nobody had before comes in the order of its producer.
                assert!(newest[producer] < Some(n), "{n} of {producer} after {newest:?}");
                newest[producer] = Some(n);
            }
            let receipt = message.receipt.unwrap();
            if random.below(4) == 0 {
                assert_eq!(queue.nak(&receipt, None).unwrap(), Fate::Again);
            } else {
                say(&format!("ack {at} {producer} {n}"));
                assert!(queue.ack(&receipt).unwrap());
                assert!(!queue.ack(&receipt).unwrap(), "acknowledged twice");
                say(&format!("done {at} {producer} {n}"));
            }
        }
    }
}

type Messages = BTreeSet<(usize, u64)>;

/// What the workers have said, since the queues were made.
#[derive(Default)]
struct Said {
    put: Messages,
    /// Of each queue: acknowledgements begun, and answered.
    begun: [Messages; 2],
    done: [Messages; 2],
}

impl Said {
    fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        let verb = words.next().unwrap();
        let mut number = || words.next().unwrap().parse::<u64>().unwrap();
        if verb == "put" {
            self.put.insert((number() as usize, number()));
            return;
        }
        let (at, one) = (number() as usize, (number() as usize, number()));
        match verb {
            "got" => assert!(!self.done[at].contains(&one), "{one:?} was acknowledged: {line}"),
            "ack" => _ = self.begun[at].insert(one),
            "done" => _ = self.done[at].insert(one),
            other => panic!("{other:?} was never to be said"),
        }
    }
}

fn killed_under_load() {
    let rounds: u64 = std::env::var("NEARCACHE_ROUNDS").map_or(4, |text| text.parse().unwrap());
    let seeded = Seeded(seed());
    let mut random = Random(seeded.0);
    for policy in ["always", "every", "never"] {
        let mut dir = Dir::new();
        let (mut said, mut from) = (Said::default(), [0; PRODUCERS]);
        for round in 0..rounds {
            // What is there is looked at message by message.
            if round == 0 || said.put.len() > LOOKED_AT {
                (dir, said, from) = (Dir::new(), Said::default(), [0; PRODUCERS]);
                make(&open(dir.path(), policy));
            }
            let mut command = child("workers", dir.path());
            command
                .env("STORE_POLICY", policy)
                .env("STORE_FROM", from.map(|n| n.to_string()).join(" "));
            let mut workers = Killed(command.stdout(Stdio::piped()).spawn().unwrap());
            let mut lines = BufReader::new(workers.0.stdout.take().unwrap());
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let until = Instant::now() + Duration::from_millis(random.below(300));
            said.note(line.trim());
            line.clear();
            // A line that is cut off was not said.
            while lines.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
                said.note(line.trim());
                line.clear();
                if Instant::now() >= until {
                    workers.0.kill().unwrap();
                }
            }
            drop(workers);
            from = check(dir.path(), policy, round, &said, from);
        }
    }
}

/// Looks at everything; answers from where the producers go on.
fn check(
    dir: &Path,
    policy: &str,
    round: u64,
    said: &Said,
    from: [u64; PRODUCERS],
) -> [u64; PRODUCERS] {
    let queues = open(dir, policy);
    queues.verify(&mut |_| true).unwrap();
    assert!(queues.database().clock().advance(LEASE));
    queues.run(0, |_| Ok(())).unwrap();
    let mut next = from;
    for (producer, n) in &said.put {
        next[*producer] = next[*producer].max(n + 1);
    }
    let answered = next;
    for (at, name) in QUEUES.iter().enumerate() {
        let queue = queues.queue(name.as_bytes()).unwrap();
        let there: Vec<_> =
            queue.peek(10_000).unwrap().iter().map(|message| read(&message.body)).collect();
        let stats = queue.stats().unwrap();
        assert_eq!(
            (stats.ready, stats.reserved),
            (there.len() as u64, 0),
            "{policy} {round} {name}"
        );
        assert_eq!(stats.totals.pushed - stats.totals.acked, stats.messages);
        let mut newest = [None; PRODUCERS];
        for (producer, n) in &there {
            assert!(
                newest[*producer] < Some(*n),
                "{policy} {round} {name}: the order of {producer}"
            );
            newest[*producer] = Some(*n);
        }
        let there: Messages = there.into_iter().collect();
        for one in said.put.difference(&said.begun[at]) {
            assert!(there.contains(one), "{policy} {round} {name}: {one:?} is lost");
        }
        for one in &there {
            assert!(
                !said.done[at].contains(one),
                "{policy} {round} {name}: {one:?} is there again"
            );
            if !said.put.contains(one) {
                // The one on its way, and no other. (Of a line that was cut off the next may be on its way too.)
                let (producer, n) = *one;
                assert!(n < answered[producer] + 2, "{policy} {round} {name}: {one:?} is invented");
                next[producer] = next[producer].max(n + 1);
            }
        }
        // One that was on its way may have been handed out and acknowledged already.
        for (producer, n) in &said.begun[at] {
            next[*producer] = next[*producer].max(n + 1);
        }
    }
    queues.verify(&mut |_| true).unwrap();
    let done = said.done.each_ref().map(BTreeSet::len);
    println!("{policy} {round}: {} put in, {done:?} acknowledged", said.put.len());
    next
}

fn is_full(error: &Error) -> bool {
    matches!(error, Error::DiskFull(_)) && error.to_string().contains("Make room")
}

/// The disk becomes full while several put in and take out, and there is room again.
fn full_disk() -> Tried {
    mounted(&dir(), 96 << 20)?;
    let at = dir().join("store");
    let filler = dir().join("filler");
    let filler = filler.to_str().unwrap();
    for policy in ["always", "every", "never"] {
        let queues = open(&at, policy);
        make(&queues);
        let mut there = Messages::new();
        let mut next = [0; PRODUCERS];
        for _ in 0..3 {
            // A little is left, so that it ends in the middle of something.
            fill(filler, 3 << 20);
            let held = until_full(&queues, &mut there, &mut next);
            // What was refused is not there, and what was not is.
            queues.verify(&mut |_| true).unwrap();
            std::fs::remove_file(filler).unwrap();
            let queue = queues.queue(QUEUES[0].as_bytes()).unwrap();
            // An acknowledgement that failed has changed nothing: it is done again.
            for (one, receipt) in held {
                assert!(queue.ack(&receipt).unwrap(), "{one:?} was still reserved");
                there.remove(&one);
            }
            queue.push(&body(0, next[0]), &Push::default()).expect("there is room again");
            there.insert((0, next[0]));
            next[0] += 1;
            let found = queue.peek(10_000).unwrap();
            let found: Messages = found.iter().map(|message| read(&message.body)).collect();
            assert!(found == there, "{policy}: not what was acknowledged");
        }
        drop(queues);
        let queues = open(&at, policy);
        queues.verify(&mut |_| true).unwrap();
        let queue = queues.queue(QUEUES[0].as_bytes()).unwrap();
        let found: Vec<_> =
            queue.peek(10_000).unwrap().iter().map(|message| read(&message.body)).collect();
        assert!(found.iter().copied().collect::<Messages>() == there, "{policy}: after reopening");
        drop((queue, queues));
        std::fs::remove_dir_all(&at).unwrap();
    }
    Ok(())
}

/// Puts in and takes out until everybody was refused; what was reserved and could not be acknowledged.
fn until_full(
    queues: &Queues,
    there: &mut Messages,
    next: &mut [u64; PRODUCERS],
) -> Vec<((usize, u64), Receipt)> {
    let put = Mutex::new(Messages::new());
    let (done, held) = (Mutex::new(Messages::new()), Mutex::new(Vec::new()));
    let is_full_now = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (producer, next) in next.iter_mut().enumerate() {
            let (put, is_full_now) = (&put, &is_full_now);
            scope.spawn(move || {
                let queue = queues.queue(QUEUES[0].as_bytes()).unwrap();
                for _ in 0..20_000 {
                    match queue.push(&body(producer, *next), &Push::default()) {
                        Ok(_) => _ = put.lock().unwrap().insert((producer, *next)),
                        Err(e) => {
                            assert!(is_full(&e), "{e:?}");
                            is_full_now.store(true, SeqCst);
                            return;
                        }
                    }
                    *next += 1;
                }
                panic!("the disk was never full");
            });
        }
        for _ in 0..CONSUMERS {
            scope.spawn(|| {
                let queue = queues.queue(QUEUES[0].as_bytes()).unwrap();
                while !is_full_now.load(SeqCst) {
                    let reserved = queue.reserve(1, Lease::Session, Duration::from_millis(50));
                    let Some(message) = reserved
                        .unwrap_or_else(|e| {
                            assert!(is_full(&e), "{e:?}");
                            Vec::new()
                        })
                        .pop()
                    else {
                        continue;
                    };
                    let (one, receipt) = (read(&message.body), message.receipt.unwrap());
                    match queue.ack(&receipt) {
                        Ok(was_ours) => {
                            assert!(was_ours);
                            done.lock().unwrap().insert(one);
                        }
                        Err(e) => {
                            assert!(is_full(&e), "{e:?}");
                            held.lock().unwrap().push((one, receipt));
                        }
                    }
                }
            });
        }
    });
    there.extend(put.into_inner().unwrap());
    done.into_inner().unwrap().iter().for_each(|one| assert!(there.remove(one)));
    held.into_inner().unwrap()
}
