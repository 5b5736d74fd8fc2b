//! Queues beside a plain model of them: every step, delays, leases that end, expiry, dead letters, readers' copies,
//! limits, purges and reopening, from seeds.

mod common;

use common::{Dir, Random, Seeded, seed};
use nearcache_store::queue::{Fate, Lease, Push, Queues, Receipt, Settings};
use nearcache_store::{Database, Error, Options, Policy};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const START: i64 = 1_700_000_000;
const NAMES: [&str; 4] = ["a", "b", "a+r", "old"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Ready,
    /// Until when.
    Delayed(i64),
    Reserved(i64),
}

#[derive(Clone, Debug)]
struct Item {
    /// The order of putting in, over all queues.
    number: u64,
    body: Vec<u8>,
    state: State,
    expires: Option<i64>,
    deliveries: u32,
    origin: String,
}

#[derive(Clone, Debug, Default)]
struct Line {
    /// The order of making, by which what is due at one time is ended.
    number: u64,
    items: Vec<Item>,
    settings: Settings,
    is_paused: bool,
    ids: BTreeMap<Vec<u8>, i64>,
}

#[derive(Default)]
struct Model {
    lines: BTreeMap<String, Line>,
    now: i64,
    next: u64,
}

impl Model {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn open(&mut self, name: &str) -> &mut Line {
        if !self.lines.contains_key(name) {
            let number = self.number();
            let parent = name.split_once('+').map(|(parent, _)| self.open(parent).settings.clone());
            let settings = parent.unwrap_or_default();
            self.lines.insert(name.into(), Line { number, settings, ..Line::default() });
        }
        self.lines.get_mut(name).unwrap()
    }

    /// Where a message is put: the queue, and its readers' copies.
    fn copies(&self, name: &str) -> Vec<String> {
        let copy = |other: &&String| other.starts_with(&format!("{name}+"));
        let mut all = vec![name.to_string()];
        let mut readers: Vec<_> = self.lines.iter().filter(|(other, _)| copy(other)).collect();
        readers.sort_by_key(|(_, line)| line.number);
        all.extend(readers.into_iter().map(|(other, _)| other.clone()));
        all
    }

    fn append(&mut self, name: &str, item: Item) {
        self.open(name);
        for copy in self.copies(name) {
            let number = self.number();
            self.lines.get_mut(&copy).unwrap().items.push(Item { number, ..item.clone() });
        }
    }

    fn hand_over(&mut self, from: &str, to: &str, item: Item) {
        let is_new = !self.lines.contains_key(to);
        let line = self.open(to);
        if is_new {
            line.settings = Settings::default();
            line.settings.max_deliveries = 0;
        }
        self.append(
            to,
            Item { origin: from.into(), state: State::Ready, expires: None, deliveries: 0, ..item },
        );
    }

    fn expire(&mut self, name: &str, item: Item) {
        let to = String::from_utf8(self.lines[name].settings.expired_to.clone()).unwrap();
        if !to.is_empty() {
            self.hand_over(name, &to, item);
        }
    }

    fn remove(&mut self, name: &str, number: u64) -> Item {
        let items = &mut self.lines.get_mut(name).unwrap().items;
        let at = items.iter().position(|item| item.number == number).unwrap();
        items.remove(at)
    }

    fn come_back(&mut self, name: &str, number: u64, delay: u32) -> bool {
        let now = self.now;
        let line = self.lines.get_mut(name).unwrap();
        let most = line.settings.max_deliveries;
        let item = line.items.iter_mut().find(|item| item.number == number).unwrap();
        if item.expires.is_some_and(|at| at <= now) {
            let item = self.remove(name, number);
            self.expire(name, item);
            return false;
        }
        if most != 0 && item.deliveries >= most {
            let item = self.remove(name, number);
            self.hand_over(name, &format!("{}.dead", name.replace('+', ".")), item);
            return false;
        }
        item.state = match delay {
            0 => State::Ready,
            delay => State::Delayed(now + i64::from(delay)),
        };
        true
    }

    /// What the time ends, in the order of the schedule.
    fn settle(&mut self) {
        let mut due = Vec::new();
        for (name, line) in &self.lines {
            for item in &line.items {
                match item.state {
                    State::Delayed(at) => {
                        due.push((at, 'd', line.number, item.number, name.clone()))
                    }
                    State::Reserved(at) => {
                        due.push((at, 'l', line.number, item.number, name.clone()))
                    }
                    State::Ready => {}
                }
                if let Some(at) = item.expires {
                    due.push((at, 'e', line.number, item.number, name.clone()));
                }
            }
        }
        due.retain(|(at, ..)| *at <= self.now);
        due.sort();
        for (_, kind, _, number, name) in due {
            let line = &self.lines[&name];
            let Some(item) = line.items.iter().find(|item| item.number == number) else {
                continue;
            };
            match (kind, item.state) {
                ('e', State::Ready) => {
                    let item = self.remove(&name, number);
                    self.expire(&name, item);
                }
                ('d', State::Delayed(_)) => _ = self.come_back(&name, number, 0),
                ('l', State::Reserved(_)) => {
                    let delay = line.settings.retry_delay;
                    self.come_back(&name, number, delay);
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, name: &str, body: &[u8], push: &Push) -> Result<bool, ()> {
        let now = self.now;
        let before = self.lines.clone();
        let line = self.open(name);
        let window = i64::from(line.settings.dedup_window);
        if !push.id.is_empty() {
            if line.ids.get(&push.id).is_some_and(|until| *until > now) {
                return Ok(false);
            }
            line.ids.insert(push.id.clone(), now + window);
        }
        let expire = push.expire.unwrap_or(line.settings.expire);
        for copy in self.copies(name) {
            let line = self.lines.get_mut(&copy).unwrap();
            let most = line.settings.max_messages;
            while most != 0 && line.items.len() as u64 >= most {
                let oldest = line.items.iter().position(|item| item.state == State::Ready);
                match oldest.filter(|_| line.settings.discard_old) {
                    Some(at) => _ = line.items.remove(at),
                    None => {
                        self.lines = before;
                        return Err(());
                    }
                }
            }
        }
        let state = match push.delay {
            0 => State::Ready,
            delay => State::Delayed(now + i64::from(delay)),
        };
        let expires = (expire != 0).then(|| now + i64::from(expire));
        let body = body.to_vec();
        let item = Item { number: 0, body, state, expires, deliveries: 0, origin: String::new() };
        self.append(name, item);
        Ok(true)
    }

    fn get(&mut self, name: &str, max: usize, lease: Option<u32>) -> Vec<Item> {
        if name.contains('+') {
            self.open(name);
        }
        let now = self.now;
        let Some(line) = self.lines.get_mut(name).filter(|line| !line.is_paused) else {
            return Vec::new();
        };
        let ready = line.items.iter_mut().filter(|item| item.state == State::Ready);
        let mut found = Vec::new();
        for item in ready.take(max) {
            item.deliveries += 1;
            if let Some(lease) = lease {
                item.state = State::Reserved(now + i64::from(lease));
            }
            found.push(item.clone());
        }
        if lease.is_none() {
            line.items.retain(|item| found.iter().all(|taken| taken.number != item.number));
        }
        found
    }
}

struct Run {
    dir: Dir,
    queues: Option<Queues>,
    model: Model,
    /// Receipts, and whose they are in the model: the queue, the message, how often it was delivered.
    held: Vec<(String, Receipt, u64, u32)>,
    random: Random,
}

impl Run {
    fn open(dir: &Dir, now: i64) -> Queues {
        let mut options = Options::default();
        options.manual_clock = Some(now);
        options.policy = Policy::Never;
        options.near = 0;
        Queues::on(Arc::new(Database::open(dir.path(), options).unwrap())).unwrap()
    }

    fn queues(&self) -> &Queues {
        self.queues.as_ref().unwrap()
    }

    fn step(&mut self) {
        let name = *self.random.pick(&NAMES);
        let queue = self.queues().queue(name.as_bytes()).unwrap();
        // What is due is ended before each step, on both sides.
        self.model.settle();
        match self.random.below(20) {
            0..6 => {
                let mut push = Push::default();
                if self.random.below(4) == 0 {
                    push.delay = 1 + self.random.below(4) as u32;
                }
                if self.random.below(4) == 0 {
                    push.expire = Some(self.random.below(5) as u32);
                }
                if self.random.below(4) == 0 {
                    push.id = vec![b'0' + self.random.below(3) as u8];
                }
                let body = self.random.next().to_string().into_bytes();
                let ours = match queue.push(&body, &push) {
                    Ok(pushed) => Ok(!pushed.is_duplicate),
                    Err(Error::QueueFull { .. }) => Err(()),
                    Err(e) => panic!("{e}"),
                };
                assert_eq!(ours, self.model.push(name, &body, &push), "push to {name}: {push:?}");
            }
            6..12 => {
                let max = 1 + self.random.below(3) as usize;
                let lease = (self.random.below(3) > 0).then(|| 1 + self.random.below(4) as u32);
                let ours = match lease {
                    Some(seconds) => queue.reserve(max, Lease::Seconds(seconds), Duration::ZERO),
                    None => queue.take(max, Duration::ZERO),
                };
                let (ours, theirs) = (ours.unwrap(), self.model.get(name, max, lease));
                let told = |m: &nearcache_store::queue::Message| {
                    let origin = String::from_utf8(m.origin.clone()).unwrap();
                    (m.body.clone(), m.deliveries, origin)
                };
                let ours_told: Vec<_> = ours.iter().map(told).collect();
                let theirs_told: Vec<_> = theirs
                    .iter()
                    .map(|item| (item.body.clone(), item.deliveries, item.origin.clone()))
                    .collect();
                assert_eq!(ours_told, theirs_told, "from {name}, lease {lease:?}");
                for (message, item) in ours.iter().zip(theirs) {
                    if let Some(receipt) = message.receipt {
                        self.held.push((name.into(), receipt, item.number, item.deliveries));
                    }
                }
            }
            12..16 if !self.held.is_empty() => {
                let at = self.random.below(self.held.len() as u64) as usize;
                // Some are used twice.
                let (name, receipt, number, deliveries) = match self.random.below(4) {
                    0 => self.held[at].clone(),
                    _ => self.held.swap_remove(at),
                };
                self.settle_one(&name, receipt, number, deliveries);
            }
            16 => {
                let seconds = 1 + self.random.below(4) as u32;
                self.model.now += i64::from(seconds);
                assert!(self.queues().database().clock().advance(seconds));
            }
            17 => self.change(name),
            18 if self.random.below(8) == 0 => {
                drop(queue);
                self.queues = None;
                self.queues = Some(Run::open(&self.dir, self.model.now));
            }
            _ => {
                let dead = format!("{}.dead", name.replace('+', "."));
                let is_there = self.model.lines.contains_key(&dead);
                let queue = self.queues().queue(dead.as_bytes()).unwrap();
                let moved = queue.requeue(None, 2);
                assert_eq!(moved.is_ok(), is_there, "{dead}: {moved:?}");
                for item in self.model.get(&dead, 2, None) {
                    let origin = item.origin.clone();
                    let item = Item {
                        state: State::Ready,
                        origin: String::new(),
                        deliveries: 0,
                        expires: None,
                        ..item
                    };
                    self.model.append(&origin, item);
                }
            }
        }
        self.compare();
    }

    fn settle_one(&mut self, name: &str, receipt: Receipt, number: u64, deliveries: u32) {
        let queue = self.queues().queue(name.as_bytes()).unwrap();
        let receipt: Receipt = receipt.to_string().parse().unwrap();
        let item = self.model.lines.get(name).and_then(|line| {
            line.items.iter().find(|item| item.number == number).filter(|item| {
                // A receipt is of one delivery, and of one lease.
                item.deliveries == deliveries
                    && matches!(item.state, State::Reserved(at) if Some(at) == receipt.due())
            })
        });
        let is_held = item.is_some();
        match self.random.below(4) {
            0 => {
                let delay = [None, Some(0), Some(2)][self.random.below(3) as usize];
                let ours = queue.nak(&receipt, delay).unwrap();
                let theirs = match is_held {
                    false => Fate::Unknown,
                    true => {
                        let own = self.model.lines[name].settings.retry_delay;
                        match self.model.come_back(name, number, delay.unwrap_or(own)) {
                            true => Fate::Again,
                            false => Fate::Over,
                        }
                    }
                };
                assert_eq!(ours, theirs, "nak in {name}");
            }
            1 => {
                let renewed = queue.extend(&receipt, 5).unwrap();
                assert_eq!(renewed.is_some(), is_held, "extend in {name}");
                if let Some(renewed) = renewed {
                    let now = self.model.now;
                    let items = &mut self.model.lines.get_mut(name).unwrap().items;
                    let item = items.iter_mut().find(|item| item.number == number).unwrap();
                    item.state = State::Reserved(now + 5);
                    self.held.push((name.into(), renewed, number, deliveries));
                }
            }
            _ => {
                assert_eq!(queue.ack(&receipt).unwrap(), is_held, "ack in {name}");
                if is_held {
                    self.model.remove(name, number);
                }
            }
        }
    }

    fn change(&mut self, name: &str) {
        let queue = self.queues().queue(name.as_bytes()).unwrap();
        let is_there = self.model.lines.contains_key(name);
        match self.random.below(8) {
            0 => {
                assert_eq!(queue.purge().is_ok(), is_there);
                let number = self.model.number();
                if let Some(line) = self.model.lines.get_mut(name) {
                    // It has another number, and knows no ids.
                    line.number = number;
                    line.items.clear();
                    line.ids.clear();
                }
            }
            1 => {
                assert_eq!(queue.delete().unwrap(), is_there);
                self.model.lines.remove(name);
            }
            2 => {
                assert_eq!(queue.pause().is_ok(), is_there);
                self.model.lines.entry(name.into()).and_modify(|line| line.is_paused = true);
            }
            3..5 => {
                assert_eq!(queue.resume().is_ok(), is_there);
                self.model.lines.entry(name.into()).and_modify(|line| line.is_paused = false);
            }
            _ => {
                let mut settings = Settings::default();
                settings.max_messages = [0, 0, 4][self.random.below(3) as usize];
                settings.discard_old = self.random.below(2) == 0;
                settings.max_deliveries = self.random.below(4) as u32;
                settings.retry_delay = self.random.below(2) as u32 * 2;
                settings.expire = self.random.below(2) as u32 * 6;
                settings.dedup_window = 3;
                if self.random.below(2) == 0 && name != "old" {
                    settings.expired_to = b"old".to_vec();
                }
                queue.configure(settings.clone()).unwrap();
                self.model.open(name).settings = settings;
            }
        }
        // Only what is there goes on to be there.
        if !is_there && !self.queues().names().unwrap().contains(&name.as_bytes().to_vec()) {
            self.model.lines.remove(name);
        }
    }

    fn compare(&mut self) {
        let queues = self.queues().clone();
        // What is due is ended with the next step, whoever takes it.
        queues.run(0, |_| Ok(())).unwrap();
        self.model.settle();
        let names: Vec<_> = queues.names().unwrap();
        let theirs: Vec<_> =
            self.model.lines.keys().map(|name| name.clone().into_bytes()).collect();
        assert_eq!(names, theirs);
        let mut sum = 0;
        for (name, line) in &self.model.lines {
            let queue = queues.queue(name.as_bytes()).unwrap();
            let stats = queue.stats().unwrap();
            let count = |is: fn(&State) -> bool| {
                line.items.iter().filter(|item| is(&item.state)).count() as u64
            };
            let theirs = (
                count(|s| *s == State::Ready),
                count(|s| matches!(s, State::Reserved(_))),
                count(|s| matches!(s, State::Delayed(_))),
            );
            assert_eq!((stats.ready, stats.reserved, stats.delayed), theirs, "{name}");
            let bodies: Vec<_> =
                queue.peek(3).unwrap().into_iter().map(|message| message.body).collect();
            let ready = line.items.iter().filter(|item| item.state == State::Ready);
            let theirs: Vec<_> = ready.take(3).map(|item| item.body.clone()).collect();
            assert_eq!(bodies, theirs, "the first of {name}");
            sum += stats.messages;
        }
        // Those of dropped queues are removed in passing, and counted until then.
        assert!(queues.database().ledger().messages >= sum);
        // The records, the schedule and the ids say what there is.
        queues.verify(&mut |_| true).unwrap();
    }
}

fn run(seed: u64, steps: u64) {
    let _seeded = Seeded(seed);
    let dir = Dir::new();
    let queues = Run::open(&dir, START);
    let model = Model { now: START, ..Model::default() };
    let random = Random(seed);
    let mut run = Run { dir, queues: Some(queues), model, held: Vec::new(), random };
    for _ in 0..steps {
        run.step();
    }
    // In the end everything goes, and the books say so.
    for name in run.queues().names().unwrap() {
        run.queues().queue(&name).unwrap().delete().unwrap();
    }
    let db = run.queues().database().clone();
    common::eventually("what was dropped is removed", || {
        db.clock().advance(1);
        db.committer().nudge();
        db.ledger().messages == 0
    });
    assert_eq!(db.ledger().message_bytes, 0);
}

#[test]
fn as_the_model() {
    let first = seed();
    let rounds = if std::env::var_os("NEARCACHE_SEED").is_some() { 1 } else { 6 };
    for round in 0..rounds {
        run(first.wrapping_add(round), 1200);
    }
}
