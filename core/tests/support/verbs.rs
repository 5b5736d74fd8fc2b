//! Operations on one key in the checker's words: how they are drawn, run and recorded, and what is stored meanwhile.

use super::number::Way;
use super::ops::Body;
use super::register::{Data, Op, Result as Seen};
use super::seed::Rng;
use nearcache::{Cache, Deletion, Error, Expiry, MetaGet, Outcome, Touch};

/// What is stored under other keys between the operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Churn {
    None,
    /// More than there is memory for.
    Evicting,
    /// The same keys, so that the log goes round and what lives in it is moved together.
    Cleaning,
    /// The same, and ever new keys, so that the index doubles.
    Growing,
}

/// Which operations are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// Every verb, on short numbers.
    Mixed,
    /// incr and decr for the most part.
    Counting,
    /// Every verb, on values of more than a segment.
    Large,
}

const LARGE: usize = 70_000;

/// The name of a key that is recorded.
pub fn name(key: usize) -> Vec<u8> {
    format!("shared key {key}").into_bytes()
}

impl Churn {
    /// Stores what there is to store under other keys before a step.
    pub fn run(self, cache: &Cache, rng: &mut Rng, step: usize) -> Result<(), Error> {
        let value = vec![b'c'; 8 << 10];
        let store =
            |key: &[u8], len: usize| match cache.set(key, &value[..len], 0, Expiry::Never)? {
                Outcome::Stored(_) => Ok(()),
                other => panic!("the churn was answered {other:?}"),
            };
        if self == Churn::Evicting {
            (0..3)
                .try_for_each(|_| store(&rng.below(400).to_le_bytes(), rng.index(value.len())))?;
        }
        if matches!(self, Churn::Cleaning | Churn::Growing) {
            (0..8)
                .try_for_each(|_| store(&rng.below(300).to_le_bytes(), rng.index(value.len())))?;
        }
        if self == Churn::Growing {
            (0..12).try_for_each(|k| store(format!("{step} {k}").as_bytes(), 4))?;
        }
        Ok(())
    }
}

impl Draws {
    /// An operation; `tag` is one that no other value of the trial has.
    pub fn draw(self, rng: &mut Rng, tag: usize, unique: u64) -> Op {
        let value: Data = match self {
            Draws::Large => Data::from(format!("large {tag}").as_bytes()),
            Draws::Mixed => Data::from(((tag + 1) * 1000).to_string().as_bytes()),
            Draws::Counting => Data::from((tag + 1).to_string().as_bytes()),
        };
        let more: Data = Data::from(rng.below(10).to_string().as_bytes());
        let way = if rng.chance(60) { Way::Up } else { Way::Down };
        let delta = rng.below(2000);
        let draw = rng.below(match self {
            Draws::Large => 60,
            Draws::Mixed => 80,
            Draws::Counting => 160,
        });
        match draw {
            0..4 => Op::Read("get"),
            4..7 => Op::Read("get_to"),
            7..9 => Op::Read("get_many"),
            9..11 => Op::Read("pin"),
            11..13 => Op::Read("gat"),
            13..15 => Op::Read("meta_get"),
            15..17 => Op::Present("contains"),
            17..19 => Op::Present("touch"),
            19..26 => Op::Set(value),
            26..34 => Op::Add(value),
            34..38 => Op::Replace(value),
            38..46 => Op::Cas(value, unique),
            46..51 => Op::Delete,
            51..54 => Op::DeleteCas(unique),
            54..56 => Op::Kill,
            56..58 => Op::Invalidate,
            58 => Op::Flush,
            59 => Op::Move(way, delta),
            60..64 => Op::Append(more),
            64..67 => Op::Prepend(more),
            67..75 => Op::Move(way, delta),
            75..80 => Op::MoveOr(way, delta, tag as u64 * 1000 + 7),
            80..95 => Op::MoveOr(way, delta % 50, tag as u64 + 7),
            95..102 => Op::Present("touch"),
            _ => Op::Move(way, delta % 50),
        }
    }
}

/// The bytes that a recorded value stands for: large ones are written out.
fn whole(data: &Data) -> Vec<u8> {
    let mut bytes = data.0.to_vec();
    if data.0.starts_with(b"large") {
        let seed = data.0.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte));
        bytes.push(b'\n');
        bytes.extend(Body::Pattern(LARGE + usize::from(seed) * 300, seed).bytes());
    }
    bytes
}

/// The recorded form of bytes that were read; torn ones panic.
fn recorded(bytes: &[u8]) -> Data {
    let head = bytes.split(|byte| *byte == b'\n').next().expect("a split has a part");
    let data = Data::from(head);
    assert!(
        whole(&data) == bytes,
        "{} bytes that begin {:?} are torn",
        bytes.len(),
        head.escape_ascii()
    );
    data
}

/// Runs an operation; any other error than one of a value that is no number panics.
pub fn perform(cache: &Cache, key: &[u8], op: &Op) -> Seen {
    match run(cache, key, op) {
        Ok(seen) => seen,
        Err(Error::NotNumeric) => Seen::NotNumeric,
        Err(error) => panic!("{op:?} failed: {error}"),
    }
}

/// Runs an operation.
pub fn run(cache: &Cache, key: &[u8], op: &Op) -> Result<Seen, Error> {
    let yes = |yes: bool| if yes { Seen::Yes } else { Seen::No };
    let number = |number: Option<u64>| number.map_or(Seen::No, Seen::Number);
    let store = |outcome: Result<Outcome, Error>| outcome.map(Seen::Outcome);
    let never = Expiry::Never;
    Ok(match op {
        Op::Read(how) => read(cache, key, how)?,
        Op::Present("contains") => yes(cache.contains(key)?),
        Op::Present(_) => yes(cache.touch(key, never)? == Touch::Touched),
        Op::Set(data) => store(cache.set(key, &whole(data), 0, never))?,
        Op::Add(data) => store(cache.add(key, &whole(data), 1, never))?,
        Op::Replace(data) => store(cache.replace(key, &whole(data), 2, never))?,
        Op::Append(data) => store(cache.append(key, &data.0))?,
        Op::Prepend(data) => store(cache.prepend(key, &data.0))?,
        Op::Cas(data, unique) => store(cache.cas(key, &whole(data), 3, never, *unique))?,
        Op::Move(Way::Up, delta) => number(cache.incr(key, *delta)?),
        Op::Move(Way::Down, delta) => number(cache.decr(key, *delta)?),
        Op::MoveOr(Way::Up, by, from) => number(Some(cache.incr_or(key, *by, *from, never)?)),
        Op::MoveOr(Way::Down, by, from) => number(Some(cache.decr_or(key, *by, *from, never)?)),
        Op::Delete => of_deletion(cache.delete(key)?),
        Op::DeleteCas(unique) => of_deletion(cache.delete_cas(key, *unique)?),
        Op::Kill => yes(cache.touch(key, Expiry::Past)? == Touch::Touched),
        Op::Invalidate => yes(cache.invalidate(key, None)? == Touch::Touched),
        Op::Flush => {
            cache.flush_all(0)?;
            Seen::Done
        }
    })
}

fn of_deletion(deletion: Deletion) -> Seen {
    match deletion {
        Deletion::Deleted => Seen::Yes,
        Deletion::Missing => Seen::No,
        Deletion::Exists => Seen::Exists,
    }
}

fn read(cache: &Cache, key: &[u8], how: &str) -> Result<Seen, Error> {
    let hit = |bytes: &[u8], unique| Seen::Hit(recorded(bytes), unique);
    let mut bytes = Vec::new();
    Ok(match how {
        "get" => cache.get(key)?.map(|value| hit(&value.data, value.cas)),
        "gat" => cache.gat(key, Expiry::Never)?.map(|value| hit(&value.data, value.cas)),
        "get_to" => cache.get_to(key, &mut bytes)?.map(|meta| hit(&bytes, meta.cas)),
        "pin" => cache.pin(key)?.map(|pin| hit(&pin, pin.meta().cas)),
        "meta_get" => {
            let found = cache.meta_get(key, MetaGet::default(), &mut bytes)?;
            found.map(|found| hit(&bytes, found.meta.cas))
        }
        _ => {
            let mut seen = None;
            cache.get_many(&[key], |_, meta, bytes| seen = Some(hit(bytes, meta.cas)))?;
            seen
        }
    }
    .unwrap_or(Seen::Miss))
}
