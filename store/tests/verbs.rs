//! Every verb beside a plain model of memcached's rules, with lifetimes, flushes and reopening in between, from seeds.

mod common;

use common::{Dir, Random, Seeded, seed};
use nearcache::{Deletion, Expiry, MetaMode, MetaSet, Outcome, Touch};
use nearcache_store::{Options, Policy, Store};
use std::collections::HashMap;

const START: i64 = 1_700_000_000;
const KEYS: u64 = 12;

#[derive(Clone, Debug)]
struct Item {
    data: Vec<u8>,
    flags: u32,
    unique: u64,
    dies: Option<i64>,
}

/// The rules, as `semantics.md` words them.
struct Model {
    items: HashMap<Vec<u8>, Item>,
    now: i64,
    flush_at: Option<i64>,
}

impl Model {
    fn settle(&mut self) {
        if self.flush_at.is_some_and(|at| self.now > at) {
            self.items.clear();
            self.flush_at = None;
        }
    }
    fn get(&mut self, key: &[u8]) -> Option<Item> {
        self.settle();
        let hidden = self.flush_at.is_some_and(|at| self.now >= at);
        let item = self.items.get(key)?;
        (!hidden && item.dies.is_none_or(|at| at > self.now)).then(|| item.clone())
    }
    fn put(&mut self, key: &[u8], item: Item) {
        self.settle();
        self.items.insert(key.to_vec(), item);
    }
    fn dies(&self, expiry: Expiry) -> Option<i64> {
        match expiry {
            Expiry::Never => None,
            Expiry::Past => Some(0),
            Expiry::After(n) => Some(self.now + i64::from(n)),
            Expiry::At(at) => Some(at),
        }
    }
    fn flush(&mut self, delay: u32) {
        if delay == 0 || self.flush_at.is_some_and(|at| self.now >= at) {
            self.items.clear();
        }
        self.flush_at = (delay > 0).then(|| self.now + i64::from(delay) - 1);
    }
}

fn options(now: i64, near: u64) -> Options {
    let mut options = Options::default();
    options.manual_clock = Some(now);
    options.near = near;
    options.policy = Policy::Never;
    options
}

fn expiry(random: &mut Random, now: i64) -> Expiry {
    match random.below(8) {
        0 => Expiry::Past,
        1 => Expiry::At(now - 5),
        2 => Expiry::At(now + 4),
        3 | 4 => Expiry::After(1 + random.below(5) as u32),
        _ => Expiry::Never,
    }
}

fn data(random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => Vec::new(),
        1 => random.below(1000).to_string().into_bytes(),
        // Kept apart from its key by the engine.
        2 => vec![random.below(256) as u8; 9000],
        _ => (0..random.below(40)).map(|_| random.below(256) as u8).collect(),
    }
}

/// One random verb on both.
fn step(store: &Store, model: &mut Model, random: &mut Random) {
    let key = format!("key{}", random.below(KEYS)).into_bytes();
    let value = data(random);
    let flags = random.below(3) as u32;
    let expiry = expiry(random, model.now);
    let present = model.get(&key);
    let found = store.get(&key).unwrap();
    assert_eq!(
        found.as_ref().map(|v| (v.data.clone(), v.flags, v.cas)),
        present.as_ref().map(|i| (i.data.clone(), i.flags, i.unique)),
        "get of {}",
        key.escape_ascii()
    );
    let ttl = present.as_ref().and_then(|i| i.dies).map(|at| (at - model.now) as u32);
    assert_eq!(found.and_then(|v| v.ttl), ttl);
    let put = |model: &mut Model, outcome, data: &[u8], flags, dies| match outcome {
        Outcome::Stored(unique) => {
            model.put(&key, Item { data: data.to_vec(), flags, unique, dies });
        }
        other => panic!("not stored: {other:?}"),
    };
    match random.below(13) {
        0 | 1 => {
            let outcome = store.set(&key, &value, flags, expiry).unwrap();
            put(model, outcome, &value, flags, model.dies(expiry));
        }
        2 => match (store.add(&key, &value, flags, expiry).unwrap(), present) {
            (Outcome::NotStored, Some(_)) => {}
            (outcome, None) => put(model, outcome, &value, flags, model.dies(expiry)),
            other => panic!("add: {other:?}"),
        },
        3 => match (store.replace(&key, &value, flags, expiry).unwrap(), present) {
            (Outcome::NotStored, None) => {}
            (outcome, Some(_)) => put(model, outcome, &value, flags, model.dies(expiry)),
            other => panic!("replace: {other:?}"),
        },
        4 | 5 => {
            let front = random.below(2) == 0;
            let outcome = match front {
                true => store.prepend(&key, &value).unwrap(),
                false => store.append(&key, &value).unwrap(),
            };
            match (outcome, present) {
                (Outcome::NotStored, None) => {}
                (outcome, Some(old)) => {
                    let whole = match front {
                        true => [&value[..], &old.data].concat(),
                        false => [&old.data[..], &value].concat(),
                    };
                    put(model, outcome, &whole, old.flags, old.dies);
                }
                other => panic!("append: {other:?}"),
            }
        }
        6 => {
            let right = random.below(2) == 0;
            let asked = present.as_ref().map_or(77, |i| i.unique) + u64::from(!right);
            match (store.cas(&key, &value, flags, expiry, asked).unwrap(), present) {
                (Outcome::Missing, None) => {}
                (Outcome::Exists, Some(_)) if !right => {}
                (outcome, Some(_)) if right => {
                    put(model, outcome, &value, flags, model.dies(expiry));
                }
                other => panic!("cas: {other:?}"),
            }
        }
        7 => {
            let up = random.below(2) == 0;
            let delta = random.below(2000);
            let answer = if up { store.incr(&key, delta) } else { store.decr(&key, delta) };
            let number = present
                .as_ref()
                .and_then(|i| std::str::from_utf8(&i.data).ok()?.trim_ascii().parse::<u64>().ok());
            match (answer, present, number) {
                (Ok(None), None, _) => {}
                (Err(nearcache_store::Error::NotNumeric), Some(_), None) => {}
                (Ok(Some(sum)), Some(old), Some(n)) => {
                    assert_eq!(
                        sum,
                        if up { n.wrapping_add(delta) } else { n.saturating_sub(delta) }
                    );
                    let mut text = sum.to_string().into_bytes();
                    text.resize(text.len().max(old.data.len()), b' ');
                    // Its new unique is the one that a get tells.
                    let unique = store.get(&key).unwrap().unwrap().cas;
                    assert_ne!(unique, old.unique);
                    model.put(&key, Item { data: text, unique, ..old });
                }
                other => panic!("counting: {other:?}"),
            }
        }
        8 => match (store.delete(&key).unwrap(), present) {
            (Deletion::Deleted, Some(_)) => drop(model.items.remove(&key)),
            (Deletion::Missing, None) => {}
            other => panic!("delete: {other:?}"),
        },
        9 => match (store.touch(&key, expiry).unwrap(), present) {
            (Touch::Touched, Some(old)) => {
                let dies = model.dies(expiry);
                model.put(&key, Item { dies, ..old });
            }
            (Touch::Missing, None) => {}
            other => panic!("touch: {other:?}"),
        },
        10 => match (store.gat(&key, expiry).unwrap(), present) {
            (Some(value), Some(old)) => {
                assert_eq!((value.data, value.cas), (old.data.clone(), old.unique));
                let dies = model.dies(expiry);
                model.put(&key, Item { dies, ..old });
            }
            (None, None) => {}
            other => panic!("gat: {other:?}"),
        },
        11 => {
            let unique = u64::MAX - 1 - random.below(1000);
            let ask =
                MetaSet { mode: MetaMode::Set, unique: Some(unique), flags, ..MetaSet::default() };
            let stored = store.meta_set(&key, &value, ask).unwrap();
            assert_eq!(stored.outcome, Outcome::Stored(unique));
            put(model, stored.outcome, &value, flags, None);
        }
        _ if random.below(12) == 0 => {
            let delay = random.below(4) as u32;
            store.flush_all(delay).unwrap();
            model.settle();
            model.flush(delay);
        }
        _ => {
            let seconds = random.below(3) as u32;
            store.advance_clock(seconds).unwrap();
            model.now += i64::from(seconds);
        }
    }
}

#[test]
fn verbs_answer_as_the_model_does_and_what_was_answered_is_there_after_reopening() {
    let seed = seed();
    for round in 0..6 {
        let seeded = Seeded(seed.wrapping_add(round));
        let mut random = Random(seeded.0);
        let dir = Dir::new();
        let mut model = Model { items: HashMap::new(), now: START, flush_at: None };
        // With a near tier, without one, and with one in which hardly anything has room.
        let near = [8 << 20, 0, 1 << 20][round as usize % 3];
        let mut store = Store::open(dir.path(), options(START, near)).unwrap();
        for _ in 0..600 {
            step(&store, &mut model, &mut random);
            if random.below(150) == 0 {
                drop(store);
                store = Store::open(dir.path(), options(model.now, near)).unwrap();
            }
        }
        store.verify(&mut |_| true).unwrap();
    }
}
