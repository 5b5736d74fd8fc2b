//! The sequential rules of one key, as the linearizability checker needs them: the operation and its recorded
//! answer give the next state, or a contradiction.

use super::number::{self, Way};
use super::wgl::Model;
use nearcache::Outcome;
use std::fmt;
use std::sync::Arc;

/// A value, short: those of many bytes are checked when they are read, and recorded by their description.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Data(pub Arc<[u8]>);

impl From<&[u8]> for Data {
    fn from(bytes: &[u8]) -> Data {
        Data(Arc::from(bytes))
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Any verb that reads value and unique.
    Read(&'static str),
    /// Any verb that tells only whether the key is there, and changes nothing else.
    Present(&'static str),
    Set(Data),
    Add(Data),
    Replace(Data),
    Append(Data),
    Prepend(Data),
    Cas(Data, u64),
    Move(Way, u64),
    MoveOr(Way, u64, u64),
    Delete,
    DeleteCas(u64),
    /// A `touch` into the past.
    Kill,
    Invalidate,
    Flush,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Result {
    Hit(Data, u64),
    Miss,
    Outcome(Outcome),
    Yes,
    /// Missing, or not present.
    No,
    /// The unique was another one.
    Exists,
    Number(u64),
    NotNumeric,
    Done,
}

/// What the key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    pub data: Data,
    /// `None` after an operation that makes a new unique without telling it; the first read tells. A compare with
    /// a unique that was never read cannot hold, so until then every compare fails.
    pub unique: Option<u64>,
}

/// The rules. With `evicts`, the key may vanish at any moment.
pub struct Register {
    pub evicts: bool,
}

impl Model for Register {
    type Op = Op;
    type Result = Result;
    type State = Option<Held>;

    fn steps(&self, state: &Option<Held>, op: &Op, result: &Result) -> Vec<Option<Held>> {
        let straight = state.as_ref().and_then(|held| present(held, op, result));
        // An eviction shows only where the key is missing at a call, so to try it there is enough. It may leave
        // another state with the same answer: a number counted up to what an absent one begins with is padded.
        let is_missing = state.is_none() || self.evicts;
        let missing = is_missing.then(|| absent(op, result)).flatten();
        straight.into_iter().chain(missing).collect()
    }

    fn effects(&self, state: &Option<Held>, op: &Op) -> Vec<Option<Held>> {
        let mut after: Vec<Option<Held>> = Vec::new();
        if let Some(held) = state {
            after.extend(effect_on_present(held, op));
        }
        if state.is_none() || self.evicts {
            after.extend(effect_on_absent(op));
        }
        after.retain(|after| after != state);
        after
    }
}

/// What an operation that nobody got the answer of may have made of a key that was there.
fn effect_on_present(held_now: &Held, op: &Op) -> Option<Option<Held>> {
    let data = &held_now.data;
    let is_asked = |asked: &u64| held_now.unique == Some(*asked);
    match op {
        Op::Set(new) | Op::Replace(new) => held(&new.0, None),
        Op::Append(more) => held(&[&*data.0, &*more.0].concat(), None),
        Op::Prepend(more) => held(&[&*more.0, &*data.0].concat(), None),
        Op::Cas(new, asked) => is_asked(asked).then(|| held(&new.0, None))?,
        Op::Move(way, delta) | Op::MoveOr(way, delta, _) => {
            let number = number::moved(number::parse(&data.0)?, *way, *delta);
            held(&number::written(number, data.0.len()), None)
        }
        Op::Delete | Op::Kill | Op::Flush => Some(None),
        Op::DeleteCas(asked) => is_asked(asked).then_some(None),
        Op::Invalidate => held(&data.0, None),
        Op::Read(_) | Op::Present(_) | Op::Add(_) => None,
    }
}

/// The same for a key that was not there.
fn effect_on_absent(op: &Op) -> Option<Option<Held>> {
    match op {
        Op::Set(new) | Op::Add(new) => held(&new.0, None),
        Op::MoveOr(_, _, initial) => held(initial.to_string().as_bytes(), None),
        _ => None,
    }
}

fn held(data: &[u8], unique: Option<u64>) -> Option<Option<Held>> {
    Some(Some(Held { data: Data::from(data), unique }))
}

fn present(held_now: &Held, op: &Op, result: &Result) -> Option<Option<Held>> {
    use Outcome::{NotStored, Stored};
    let same = Some(Some(held_now.clone()));
    let data = &held_now.data;
    match (op, result) {
        (Op::Read(_), Result::Hit(seen, unique)) => {
            let agrees = seen == data && held_now.unique.is_none_or(|known| known == *unique);
            if agrees { held(&seen.0, Some(*unique)) } else { None }
        }
        (Op::Present(_), Result::Yes) => same,
        (Op::Set(new) | Op::Replace(new), Result::Outcome(Stored(unique))) => {
            held(&new.0, Some(*unique))
        }
        (Op::Add(_), Result::Outcome(NotStored)) => same,
        (Op::Append(more), Result::Outcome(Stored(unique))) => {
            held(&[&*data.0, &*more.0].concat(), Some(*unique))
        }
        (Op::Prepend(more), Result::Outcome(Stored(unique))) => {
            held(&[&*more.0, &*data.0].concat(), Some(*unique))
        }
        (Op::Cas(new, asked), Result::Outcome(Stored(unique))) => {
            (held_now.unique == Some(*asked)).then(|| held(&new.0, Some(*unique)))?
        }
        (Op::Cas(_, asked), Result::Outcome(Outcome::Exists)) => {
            if held_now.unique == Some(*asked) { None } else { same }
        }
        (Op::Move(way, delta) | Op::MoveOr(way, delta, _), Result::Number(seen)) => {
            let number = number::moved(number::parse(&data.0)?, *way, *delta);
            (number == *seen).then(|| held(&number::written(number, data.0.len()), None))?
        }
        (Op::Move(..) | Op::MoveOr(..), Result::NotNumeric) => {
            if number::parse(&data.0).is_none() {
                same
            } else {
                None
            }
        }
        (Op::Delete | Op::Kill, Result::Yes) | (Op::Flush, Result::Done) => Some(None),
        (Op::DeleteCas(asked), Result::Yes) => (held_now.unique == Some(*asked)).then_some(None),
        (Op::DeleteCas(asked), Result::Exists) => {
            if held_now.unique == Some(*asked) {
                None
            } else {
                same
            }
        }
        (Op::Invalidate, Result::Yes) => held(&data.0, None),
        _ => None,
    }
}

fn absent(op: &Op, result: &Result) -> Option<Option<Held>> {
    match (op, result) {
        (Op::Read(_), Result::Miss) | (Op::Flush, Result::Done) => Some(None),
        (Op::Set(new) | Op::Add(new), Result::Outcome(Outcome::Stored(unique))) => {
            held(&new.0, Some(*unique))
        }
        (Op::Replace(_) | Op::Append(_) | Op::Prepend(_), Result::Outcome(Outcome::NotStored)) => {
            Some(None)
        }
        (Op::Cas(..), Result::Outcome(Outcome::Missing)) => Some(None),
        (Op::MoveOr(_, _, initial), Result::Number(seen)) if initial == seen => {
            held(initial.to_string().as_bytes(), None)
        }
        (
            Op::Present(_)
            | Op::Move(..)
            | Op::Delete
            | Op::DeleteCas(_)
            | Op::Kill
            | Op::Invalidate,
            Result::No,
        ) => Some(None),
        _ => None,
    }
}
