//! What the recorded child does: numbered steps, each a batch that follows from its number, the seed and the steps
//! before it; and the plain model of the state after any of them. So whoever knows how many steps a directory holds
//! knows everything that is to be in it.

use crate::common::Random;
use nearcache::{Expiry, Verb};
use nearcache_store::queue::{Lease, Push, Queues, Receipt, Settings, steps};
use nearcache_store::{Database, Options, Policy, Store};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub const START: i64 = 1_700_000_000;
/// Leases that end by themselves take so many seconds.
pub const LEASE: u32 = 100;
pub const QUEUES: [&str; 2] = ["a", "b"];
const KEYS: u64 = 40;
/// Most steps on their way at once.
const UNDER_WAY: usize = 32;

pub fn policy(name: &str) -> Policy {
    match name {
        "always" => Policy::Always,
        "every" => Policy::EveryMillis(5),
        "never" => Policy::Never,
        other => panic!("{other:?} is no policy"),
    }
}

pub fn open(dir: &Path, policy: Policy) -> Result<(Store, Queues), nearcache_store::Error> {
    let mut options = Options::default();
    options.policy = policy;
    options.near = 0;
    options.block_cache = 4 << 20;
    options.manual_clock = Some(START);
    let db = Arc::new(Database::open(dir, options)?);
    Ok((Store::on(db.clone())?, Queues::on(db)?))
}

/// One step.
pub enum Step {
    Set(String, Vec<u8>),
    Delete(String),
    Push(usize, Push),
    Reserve(usize, usize, Lease),
    Ack(usize),
    Nak(usize),
}

impl Step {
    /// The step of this number; `is_large`: with values of hundreds of kilobytes.
    pub fn of(seed: u64, n: u64, is_large: bool) -> Step {
        let mut random = Random(seed ^ n.wrapping_mul(0xA24B_AED4_963E_E407));
        let (kind, queue) = (random.below(12), random.below(2) as usize);
        let key = format!("key {}", random.below(KEYS));
        match kind {
            0..4 => {
                let len = match random.below(24) {
                    _ if is_large => 300_000 + random.below(600_000),
                    0 => 20_000,
                    1 | 2 => 4000,
                    _ => random.below(300),
                };
                Step::Set(key, (0..len).map(|_| random.next() as u8).collect())
            }
            4 => Step::Delete(key),
            5..8 => {
                let id = if kind == 5 { n.to_string().into_bytes() } else { Vec::new() };
                let expire = (kind == 6).then_some(1_000_000);
                Step::Push(queue, Push { id, expire, ..Push::default() })
            }
            8 => {
                let lease = [Lease::Session, Lease::Seconds(LEASE)][random.below(2) as usize];
                Step::Reserve(queue, 1 + random.below(3) as usize, lease)
            }
            9 | 10 => Step::Ack(queue),
            _ => Step::Nak(queue),
        }
    }
}

/// The body of the message that a step puts in.
pub fn body(n: u64) -> Vec<u8> {
    let len = (n * 31 % 700) as usize;
    format!("message {n} {}", "x".repeat(len)).into_bytes()
}

/// Does steps `from..to`, and says on its standard output what is acknowledged: "acked N". Steps are in the order of
/// their numbers, so that all before N are acknowledged too.
pub fn run(dir: &Path, policy: Policy, seed: u64, from: u64, to: u64, is_large: bool) {
    let (store, queues) = open(dir, policy).unwrap();
    let held: [Arc<Mutex<VecDeque<Receipt>>>; 2] = Default::default();
    let mut random = Random(seed ^ from);
    let mut under_way = VecDeque::new();
    let db = store.database().clone();
    std::thread::scope(|scope| {
        for n in from..to {
            if (n - from) % ((to - from) / if is_large { 8 } else { 4 }) == 1 {
                // Tables are written and merged, and versions of them, beside what goes on.
                let db = db.clone();
                scope.spawn(move || db.compact(&mut |_| true).unwrap());
            }
            under_way.push_back((n, submit(&store, &queues, &held, seed, n, is_large)));
            let most = 1 + random.below(UNDER_WAY as u64) as usize;
            while under_way.len() > most || (n + 1 == to && !under_way.is_empty()) {
                let (n, pending) = under_way.pop_front().unwrap();
                pending.wait().unwrap();
                println!("acked {n}");
            }
        }
    });
    if seed.is_multiple_of(2) {
        // The end without an end: what was not synced stays so.
        std::process::exit(0);
    }
}

type Pending = nearcache_store::Pending<Vec<u64>>;

fn submit(
    store: &Store,
    queues: &Queues,
    held: &[Arc<Mutex<VecDeque<Receipt>>>; 2],
    seed: u64,
    n: u64,
    is_large: bool,
) -> Pending {
    let mut batch = store.batch();
    if n == 0 {
        for name in QUEUES {
            batch.step(0, move |tx| {
                let mut settings = Settings::default();
                settings.max_deliveries = 0;
                steps::configure(tx, name.as_bytes(), settings).map(|()| 0)
            });
        }
    }
    match Step::of(seed, n, is_large) {
        Step::Set(key, value) => {
            batch.store(Verb::Set, key.as_bytes(), &value, 0, Expiry::Never).unwrap();
        }
        Step::Delete(key) => batch.delete(key.as_bytes()).unwrap(),
        Step::Push(queue, push) => {
            let (limits, body) = (queues.limits(), body(n));
            batch.step(body.len(), move |tx| {
                let name = QUEUES[queue].as_bytes();
                steps::push(tx, &limits, name, &body, &push).map(|pushed| pushed.seq)
            });
        }
        Step::Reserve(queue, max, lease) => {
            let held = held[queue].clone();
            batch.step(0, move |tx| {
                let found = steps::reserve(tx, QUEUES[queue].as_bytes(), max, lease)?;
                held.lock().unwrap().extend(found.iter().filter_map(|message| message.receipt));
                Ok(found.len() as u64)
            });
        }
        Step::Ack(queue) => {
            let held = held[queue].clone();
            batch.step(0, move |tx| match held.lock().unwrap().pop_front() {
                Some(receipt) => {
                    assert!(steps::ack(tx, QUEUES[queue].as_bytes(), &receipt)?);
                    Ok(1)
                }
                None => Ok(0),
            });
        }
        Step::Nak(queue) => {
            let held = held[queue].clone();
            batch.step(0, move |tx| match held.lock().unwrap().pop_front() {
                Some(receipt) => {
                    steps::nak(tx, QUEUES[queue].as_bytes(), &receipt, None).map(|_| 1)
                }
                None => Ok(0),
            });
        }
    }
    batch.store(Verb::Set, b"last", n.to_string().as_bytes(), 0, Expiry::Never).unwrap();
    batch.submit(store.database()).unwrap()
}

/// What is to be there after some steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// How many steps there were.
    pub steps: u64,
    pub items: BTreeMap<String, Vec<u8>>,
    pub lines: [Line; 2],
}

/// A queue: the numbers of the steps that put in what is in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub ready: Vec<u64>,
    /// Those whose leases end by themselves, and whose holder is gone.
    pub leased: Vec<u64>,
    /// Those that the running child has, oldest first; and is it until its end?
    held: VecDeque<(u64, bool)>,
}

impl Line {
    fn give_back(&mut self, n: u64) {
        let at = self.ready.partition_point(|other| *other < n);
        self.ready.insert(at, n);
    }
}

impl State {
    /// The next step is done.
    pub fn step(&mut self, seed: u64, is_large: bool) {
        let n = self.steps;
        self.steps += 1;
        match Step::of(seed, n, is_large) {
            Step::Set(key, value) => _ = self.items.insert(key, value),
            Step::Delete(key) => _ = self.items.remove(&key),
            Step::Push(queue, _) => self.lines[queue].ready.push(n),
            Step::Reserve(queue, max, lease) => {
                let line = &mut self.lines[queue];
                let max = max.min(line.ready.len());
                let is_session = lease == Lease::Session;
                line.held.extend(line.ready.drain(..max).map(|n| (n, is_session)));
            }
            Step::Ack(queue) => _ = self.lines[queue].held.pop_front(),
            Step::Nak(queue) => {
                if let Some((n, _)) = self.lines[queue].held.pop_front() {
                    self.lines[queue].give_back(n);
                }
            }
        }
    }

    /// The child is gone.
    pub fn end(&mut self) {
        for line in &mut self.lines {
            for (n, is_session) in std::mem::take(&mut line.held) {
                match is_session {
                    true => line.give_back(n),
                    false => line.leased.push(n),
                }
            }
            line.leased.sort_unstable();
        }
    }
}
