//! Runs a drawn operation on the engine, through its public interface alone, and words what it answered.

use super::answer::{Answer, Bytes, Hit, Marks, Reply};
use super::number::Way;
use super::ops::{Ask, Body, Life, Op, Storing, Token, Wishes, key};
use nearcache::{Cache, Deletion, Error, Meta, MetaGet, Outcome, Sink, Touch, Verb};
use nearcache::{MetaArith, MetaDelete, MetaSet, MetaSum};
use std::mem::MaybeUninit;

/// A sink that owns its bytes and remembers how it was used.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<MaybeUninit<u8>>,
}

impl Sink for Buffer {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        // Written before it is offered, with what no value of a test holds: a byte that was not copied shows.
        self.bytes = vec![MaybeUninit::new(0xa5); len];
        Some(&mut self.bytes)
    }
}

impl Buffer {
    pub fn bytes(&self) -> Vec<u8> {
        // SAFETY: `room` initialised every byte, and a `Sink`'s user can only write bytes over them.
        self.bytes.iter().map(|byte| unsafe { byte.assume_init() }).collect()
    }
}

/// A sink that takes nothing.
#[derive(Default)]
pub struct Refusal {
    /// The length that was offered last.
    pub offered: Option<usize>,
}

impl Sink for Refusal {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.offered = Some(len);
        None
    }
}

/// Runs an operation of one key, or on the whole cache. `unique` is what a compare of it gives.
pub fn perform(cache: &Cache, op: &Op, unique: u64) -> Reply {
    match run(cache, op, unique) {
        Ok(reply) => reply,
        Err(error) => Reply::from(Answer::from(error)),
    }
}

fn run(cache: &Cache, op: &Op, unique: u64) -> Result<Reply, Error> {
    let time = |life: Life| life.expiry(cache.unix_time());
    let answer = match op {
        Op::Store(verb, k, body, flags, life) => {
            let verb = verb_of(*verb, unique);
            let outcome = cache.store(verb, &key(*k), &body.bytes(), *flags, time(*life))?;
            return Ok(of_outcome(outcome));
        }
        Op::Get(k) => return Ok(of_value(cache.get(&key(*k))?)),
        Op::Gat(k, life) => return Ok(of_value(cache.gat(&key(*k), time(*life))?)),
        Op::GetTo(k) => {
            let mut sink = Buffer::default();
            let meta = cache.get_to(&key(*k), &mut sink)?;
            return Ok(of_copy(meta, &sink));
        }
        Op::GatTo(k, life) => {
            let mut sink = Buffer::default();
            let meta = cache.gat_to(&key(*k), time(*life), &mut sink)?;
            return Ok(of_copy(meta, &sink));
        }
        Op::Measure(k) => return measure(cache, &key(*k)),
        Op::Pin(k) => return of_pin(cache, &key(*k)),
        Op::MetaGet(k, ask) => return meta_get(cache, *k, *ask),
        Op::Contains(k) => Answer::Present(cache.contains(&key(*k))?),
        Op::Move(way, k, delta) => {
            let number = match way {
                Way::Up => cache.incr(&key(*k), *delta)?,
                Way::Down => cache.decr(&key(*k), *delta)?,
            };
            number.map_or(Answer::Missing, Answer::Number)
        }
        Op::MoveOr(way, k, delta, initial, life) => Answer::Number(match way {
            Way::Up => cache.incr_or(&key(*k), *delta, *initial, time(*life))?,
            Way::Down => cache.decr_or(&key(*k), *delta, *initial, time(*life))?,
        }),
        Op::Touch(k, life) => of_touch(cache.touch(&key(*k), time(*life))?),
        Op::Invalidate(k, life) => of_touch(cache.invalidate(&key(*k), life.map(time))?),
        Op::Delete(k) => of_deletion(cache.delete(&key(*k))?),
        Op::DeleteCas(k, _) => of_deletion(cache.delete_cas(&key(*k), unique)?),
        Op::MetaSet(k, body, wishes) => return meta_set(cache, *k, body, wishes, unique),
        Op::MetaDelete(k, wishes) => of_deletion(cache.meta_delete(
            &key(*k),
            MetaDelete {
                compare: wishes.compare.map(|_| unique),
                unique: wishes.unique,
                invalidate: wishes.stale,
                expiry: wishes.life.map(time),
                drop_value: wishes.empties,
            },
        )?),
        Op::MetaArith(way, k, delta, wishes) => {
            return meta_arith(cache, *way, *k, *delta, wishes, unique);
        }
        Op::Flush(delay) => {
            cache.flush_all(*delay)?;
            Answer::Done
        }
        Op::Advance(seconds) => {
            cache.advance_clock(*seconds)?;
            Answer::Done
        }
        Op::GetMany(_) | Op::Iterate | Op::Keys(_) => Answer::Done,
    };
    Ok(Reply::from(answer))
}

/// Which unique an operation compares with, if it does.
pub fn token(op: &Op) -> Option<Token> {
    match op {
        Op::Store(Storing::Cas(token), ..) | Op::DeleteCas(_, token) => Some(*token),
        Op::MetaSet(_, _, wishes) | Op::MetaDelete(_, wishes) | Op::MetaArith(.., wishes) => {
            wishes.compare
        }
        _ => None,
    }
}

/// The hit that a get has handed out.
pub fn hit(meta: Meta, bytes: &[u8]) -> Answer {
    if bytes.len() != meta.len {
        return Answer::Failed(format!("{} bytes with a {meta:?}", bytes.len()));
    }
    Answer::Hit(Hit { data: Bytes::new(bytes), flags: meta.flags, ttl: meta.ttl })
}

fn verb_of(verb: Storing, unique: u64) -> Verb {
    match verb {
        Storing::Set => Verb::Set,
        Storing::Add => Verb::Add,
        Storing::Replace => Verb::Replace,
        Storing::Append => Verb::Append,
        Storing::Prepend => Verb::Prepend,
        Storing::Cas(_) => Verb::Cas(unique),
    }
}

fn of_outcome(outcome: Outcome) -> Reply {
    Reply::from(match outcome {
        Outcome::Stored(unique) => {
            return Reply { answer: Answer::Stored, unique: Some(unique) };
        }
        Outcome::NotStored => Answer::NotStored,
        Outcome::Exists => Answer::Exists,
        Outcome::Missing => Answer::Missing,
    })
}

/// A value of `get`, as a reply.
pub fn of_value(value: Option<nearcache::Value>) -> Reply {
    let Some(value) = value else {
        return Reply::from(Answer::Miss);
    };
    Reply {
        answer: Answer::Hit(Hit {
            data: Bytes::new(&value.data),
            flags: value.flags,
            ttl: value.ttl,
        }),
        unique: Some(value.cas),
    }
}

fn of_copy(meta: Option<Meta>, sink: &Buffer) -> Reply {
    match meta {
        None => Reply::from(Answer::Miss),
        Some(meta) => Reply { answer: hit(meta, &sink.bytes()), unique: Some(meta.cas) },
    }
}

fn measure(cache: &Cache, key: &[u8]) -> Result<Reply, Error> {
    let mut sink = Refusal::default();
    Ok(match cache.get_to(key, &mut sink)? {
        None => Reply::from(Answer::Miss),
        Some(meta) if sink.offered != Some(meta.len) => Reply::from(Answer::Failed(format!(
            "{:?} bytes were offered of a {meta:?}",
            sink.offered
        ))),
        Some(meta) => {
            Reply { answer: Answer::Length(meta.len, meta.flags, meta.ttl), unique: Some(meta.cas) }
        }
    })
}

fn of_pin(cache: &Cache, key: &[u8]) -> Result<Reply, Error> {
    Ok(match cache.pin(key)? {
        None => Reply::from(Answer::Miss),
        Some(pin) => Reply { answer: hit(pin.meta(), &pin), unique: Some(pin.meta().cas) },
    })
}

fn meta_get(cache: &Cache, k: u8, ask: Ask) -> Result<Reply, Error> {
    let time = |life: Life| Some(life.expiry(cache.unix_time()));
    let mut question = MetaGet::default();
    match ask {
        Ask::Plain => {}
        Ask::Vivify(life) => question.vivify = time(life),
        Ask::Recache(limit) => question.recache = Some(limit),
        Ask::Touch(life) => question.touch = time(life),
    }
    let mut sink = Buffer::default();
    let Some(found) = cache.meta_get(&key(k), question, &mut sink)? else {
        return Ok(Reply::from(Answer::Miss));
    };
    let marks = Marks {
        won: found.won,
        stale: found.stale,
        sent: found.sent,
        hit_before: Some(found.hit_before),
    };
    let answer = match hit(found.meta, &sink.bytes()) {
        Answer::Hit(hit) => Answer::MetaHit(hit, marks),
        failed => failed,
    };
    Ok(Reply { answer, unique: Some(found.meta.cas) })
}

fn meta_set(
    cache: &Cache,
    k: u8,
    body: &Body,
    wishes: &Wishes,
    unique: u64,
) -> Result<Reply, Error> {
    let time = |life: Life| life.expiry(cache.unix_time());
    let ask = MetaSet {
        mode: wishes.mode,
        flags: wishes.flags,
        expiry: wishes.life.map_or_else(Default::default, time),
        compare: wishes.compare.map(|_| unique),
        unique: wishes.unique,
        stale: wishes.stale,
        vivify: wishes.vivify.map(time),
        binary: false,
    };
    let stored = cache.meta_set(&key(k), &body.bytes(), ask)?;
    Ok(match stored.outcome {
        Outcome::Stored(unique) => {
            Reply { answer: Answer::Sized(stored.len), unique: Some(unique) }
        }
        outcome => of_outcome(outcome),
    })
}

fn meta_arith(
    cache: &Cache,
    way: Way,
    k: u8,
    delta: u64,
    wishes: &Wishes,
    unique: u64,
) -> Result<Reply, Error> {
    let time = |life: Life| life.expiry(cache.unix_time());
    let ask = MetaArith {
        down: way == Way::Down,
        delta,
        compare: wishes.compare.map(|_| unique),
        unique: wishes.unique,
        vivify: wishes.vivify.map(time),
        initial: wishes.initial,
        touch: wishes.life.map(time),
        binary: false,
    };
    Ok(match cache.meta_arith(&key(k), ask)? {
        MetaSum::Number { number, cas, ttl } => {
            Reply { answer: Answer::Counted(number, ttl), unique: Some(cas) }
        }
        MetaSum::Missing => Reply::from(Answer::Missing),
        MetaSum::Exists => Reply::from(Answer::Exists),
    })
}

fn of_touch(touch: Touch) -> Answer {
    match touch {
        Touch::Touched => Answer::Touched,
        Touch::Missing => Answer::Missing,
    }
}

fn of_deletion(deletion: Deletion) -> Answer {
    match deletion {
        Deletion::Deleted => Answer::Deleted,
        Deletion::Missing => Answer::Missing,
        Deletion::Exists => Answer::Exists,
    }
}
