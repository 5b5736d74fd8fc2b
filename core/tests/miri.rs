//! What Miri runs (`tests/miri.sh`): the engine's protocols over a real arena, small enough for an interpreter a thousand
//! times slower than the machine. An ordinary `cargo test` runs it too, in no time.

mod support;

use nearcache::{Cache, Error, Expiry, MetaGet, Options, Outcome, Pin};
use support::number::Way;
use support::ops::{Ask, Body, Life, Op, Storing, Token};
use support::pair::{Memory, Pair};
use support::seed::{Rng, rounds};

const NEVER: Expiry = Expiry::Never;

/// The smallest cache. Its index begins with 8 buckets, so that it doubles soon.
fn smallest() -> Options {
    let mut options = Options::new(Options::SIZE_MIN);
    options.item_size_hint = 1 << 20;
    options
}

/// Every verb beside the oracle, on few keys.
#[test]
fn verbs_beside_the_oracle() {
    rounds(|seed| {
        let mut rng = Rng::new(seed);
        let mut pair = Pair::new(&smallest(), Memory::Tight);
        for at in 0..120 {
            let op = operation(&mut rng);
            pair.step(&op).unwrap_or_else(|why| panic!("operation {at}, {op:?}: {why}"));
        }
        pair.finish().unwrap_or_else(|why| panic!("at the end: {why}"));
    });
}

fn operation(rng: &mut Rng) -> Op {
    let k = rng.below(6) as u8;
    let life = [Life::Never, Life::After(2), Life::After(9), Life::Past][rng.index(4)];
    let verb = match rng.below(6) {
        0 => Storing::Add,
        1 => Storing::Replace,
        2 => Storing::Append,
        3 => Storing::Cas(Token::Current),
        _ => Storing::Set,
    };
    match rng.below(20) {
        0..7 => Op::Store(verb, k, Body::Pattern(rng.index(300), 1), rng.below(2) as u32, life),
        7 => Op::Store(Storing::Set, k, Body::Number(rng.below(200)), 0, life),
        8 => Op::Get(k),
        9 => Op::GetTo(k),
        10 => Op::GetMany(vec![k, 0, 1, k]),
        11 => Op::Pin(k),
        12 => Op::Gat(k, life),
        13 => Op::MetaGet(k, Ask::Vivify(life)),
        14 => Op::Move(Way::Up, k, 95),
        15 => Op::Touch(k, life),
        16 => Op::Delete(k),
        17 => Op::Invalidate(k, Some(life)),
        18 => Op::Iterate,
        _ => [Op::Advance(1), Op::Flush(0), Op::Flush(2)][rng.index(3)].clone(),
    }
}

/// A value of several segments is stored, read and replaced.
#[test]
fn a_large_value() {
    let cache = smallest().open().expect("the cache opens");
    let mut value = vec![b'l'; 70_000];
    for version in 0..2 {
        value[65_000..].fill(version);
        let stored = cache.set(b"large", &value, 1, NEVER);
        assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
    }
    assert!(cache.get(b"large").expect("a get does not fail").is_some_and(|hit| hit.data == value));
    cache.delete(b"large").expect("a deletion does not fail");
    cache.check().expect("the cache is whole");
}

/// Two threads with one small cache that evicts: what is read is whole and of its key.
#[test]
fn two_threads_under_eviction() {
    rounds(|seed| {
        let cache = smallest().open().expect("the cache opens");
        std::thread::scope(|scope| {
            for thread in 0..2 {
                let cache = &cache;
                scope.spawn(move || hammer(cache, &mut Rng::new(seed ^ thread)));
            }
        });
        assert!(cache.stats().evictions > 0, "{:?}", cache.stats());
        cache.check().expect("the cache is whole");
    });
}

/// A value of a key: its key, then one byte many times, which an interpreter compares as fast as a machine.
fn value(key: [u8; 4], version: u8, len: usize) -> Vec<u8> {
    let mut value = vec![version; 4 + len];
    value[..4].copy_from_slice(&key);
    value
}

/// Is this a value of the key, and of one version?
fn check(key: [u8; 4], bytes: &[u8]) {
    let version = bytes.last().copied().unwrap_or(0);
    assert!(
        bytes == value(key, version, bytes.len() - 4),
        "{key:?} has a value of another, or a torn one"
    );
}

fn hammer(cache: &Cache, rng: &mut Rng) {
    let mut pin: Option<([u8; 4], Pin<'_>)> = None;
    for version in 0..36 {
        let key = (rng.below(100) as u32).to_le_bytes();
        match if version % 3 == 0 { 0 } else { rng.below(9) } {
            0..4 => {
                // Two of the long ones do not fit into a segment: that fills the cache with the fewest bytes.
                let len = if version % 3 == 0 { 33_000 } else { 1 + rng.index(40) };
                match cache.set(&key, &value(key, version, len), 0, NEVER) {
                    Ok(Outcome::Stored(_)) | Err(Error::OutOfMemory) => {}
                    other => panic!("a set was answered {other:?}"),
                }
            }
            4 | 5 => {
                let hit = cache.get(&key).expect("a get does not fail");
                hit.iter().for_each(|hit| check(key, &hit.data));
            }
            6 => {
                let mut value = Vec::new();
                let ask = MetaGet { touch: Some(NEVER), ..MetaGet::default() };
                let hit = cache.meta_get(&key, ask, &mut value).expect("a meta get does not fail");
                hit.iter().for_each(|_| check(key, &value));
            }
            7 => {
                // Held until the next pin, whatever happens to its item.
                pin.iter().for_each(|(key, held)| check(*key, held));
                pin = cache.pin(&key).expect("a pin does not fail").map(|held| (key, held));
            }
            _ => drop(cache.delete(&key).expect("a deletion does not fail")),
        }
    }
}

/// Two threads, and an index that doubles under them.
#[test]
fn two_threads_while_the_index_doubles() {
    let cache = smallest().open().expect("the cache opens");
    std::thread::scope(|scope| {
        for thread in 0..2_u32 {
            let cache = &cache;
            scope.spawn(move || {
                for k in 0..100 {
                    let key = (k * 2 + thread).to_le_bytes();
                    cache.set(&key, &key, 0, NEVER).expect("there is room");
                    let _ = cache.get(&(k * 2 + 1 - thread).to_le_bytes());
                    let _ = k % 9 == 0 && cache.delete(&key).is_err();
                }
            });
        }
    });
    cache.check().expect("the cache is whole");
}
