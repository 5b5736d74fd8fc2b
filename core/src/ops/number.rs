//! incr, decr and `ma`: memcached's decimal counters. A counter is a word of its item, changed in place; text becomes
//! one when it is counted on first.

use crate::Error;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::header::{Delta, Number, digits};
use crate::index::mark;
use crate::ops::compose::{Content, Draft};
use crate::ops::update::{Plan, Present, Updated};
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::{Expiry, MetaArith, MetaSum};

/// What an addition found.
enum Sum {
    To(MetaSum),
    /// There was none, and it was made.
    Made(MetaSum),
    /// It can be added to in place: look again.
    InPlace,
}

impl Op<'_> {
    /// incr and decr.
    pub fn add_to(
        &self,
        key: &[u8],
        delta: Delta,
        initial: Option<(u64, Expiry)>,
    ) -> Result<Option<u64>, Error> {
        let hash = self.arena.hasher.hash(key);
        let sum = match self.add_in_place(key, hash, delta) {
            Some(sum) => sum,
            None => {
                let vivify = initial.map(|(_, expiry)| expiry);
                let initial = initial.map_or(0, |(number, _)| number);
                let ask = MetaArith { vivify, initial, ..MetaArith::default() };
                self.add_otherwise(key, hash, ask, delta, true)?
            }
        };
        Ok(match sum {
            MetaSum::Number { number, .. } => Some(number),
            MetaSum::Missing | MetaSum::Exists => None,
        })
    }

    /// Adds to a number, as `ask` says.
    pub fn meta_arith(&self, key: &[u8], ask: MetaArith) -> Result<MetaSum, Error> {
        let hash = self.arena.hasher.hash(key);
        let delta = if ask.down { Delta::Down(ask.delta) } else { Delta::Up(ask.delta) };
        // A new unique or expiry is changed together with the number, and so is what depends on the unique.
        let is_plain = ask.unique.is_none() && ask.compare.is_none_or(|asked| asked == 0);
        let in_place = is_plain && ask.touch.is_none();
        match in_place.then(|| self.add_in_place(key, hash, delta)).flatten() {
            Some(sum) => Ok(sum),
            None => self.add_otherwise(key, hash, ask, delta, in_place),
        }
    }

    /// Adds by whatever it takes, of which nothing but `in_place` was tried.
    fn add_otherwise(
        &self,
        key: &[u8],
        hash: KeyHash,
        ask: MetaArith,
        delta: Delta,
        in_place: bool,
    ) -> Result<MetaSum, Error> {
        let (hits, misses) = counters(delta);
        loop {
            let (sum, counter) = match self.add_anew(key, hash, ask, delta, in_place)? {
                Sum::InPlace => match self.add_in_place(key, hash, delta) {
                    Some(sum) => return Ok(sum),
                    None => continue,
                },
                Sum::Made(sum) | Sum::To(sum @ MetaSum::Missing) => (sum, misses),
                Sum::To(sum @ MetaSum::Number { .. }) => (sum, hits),
                Sum::To(MetaSum::Exists) => return Ok(MetaSum::Exists),
            };
            self.count(counter);
            return Ok(sum);
        }
    }

    /// Adds to a number in a word of its own. An item that is replaced meanwhile is held all the same: the
    /// addition then comes before what has replaced it. `None` says nothing: the item may have to be replaced.
    #[inline(always)]
    fn add_in_place(&self, key: &[u8], hash: KeyHash, delta: Delta) -> Option<MetaSum> {
        let horizon = self.horizon();
        let search = self.search(key, hash);
        let held = search.found?;
        let is_alive = horizon.death(self.arena, &held.item, held.birth).is_none();
        let counts = is_alive && held.item.given.is_none();
        let number = if counts { held.item.changing(self.arena).add(delta) } else { None };
        let sum = number.map(|number| MetaSum::Number {
            number: number.value(),
            cas: held.item.counted(number).unique(self.arena, held.birth),
            ttl: self.ttl(held.item.header.expiry()),
        });
        let used = held.slot.with_freq(held.slot.freq() + 1);
        if sum.is_some() {
            self.count(counters(delta).0);
            self.stamp(&held.item);
            if used != held.slot {
                // A hint: it does not matter who wins.
                search.bucket.swap(held.i, held.slot, used);
            }
        }
        self.clear(Hazard::Read);
        sum
    }

    /// Adds to a number by writing its item anew: it is text, is frozen, outgrows its place, or was not there.
    #[cold]
    fn add_anew(
        &self,
        key: &[u8],
        hash: KeyHash,
        ask: MetaArith,
        delta: Delta,
        in_place: bool,
    ) -> Result<Sum, Error> {
        let mut sum = Sum::To(MetaSum::Missing);
        let updated = self.update(key, hash, &mut None, |present| {
            let Some(present) = present else {
                let Some(expiry) = ask.vivify else {
                    sum = Sum::To(MetaSum::Missing);
                    return Ok(Plan::Leave);
                };
                let deadline = self.deadline(expiry);
                let ttl = self.ttl(deadline);
                sum = Sum::Made(MetaSum::Number { number: ask.initial, cas: 0, ttl });
                return Ok(Plan::Put(Draft {
                    marks: if ask.binary { mark::BINARY } else { 0 },
                    given: ask.unique,
                    ..Draft::new(key, written(ask.initial, 0), deadline)
                }));
            };
            if present.item().len == 0 {
                return Err(Error::NotNumeric);
            }
            if ask.compare.is_some_and(|asked| asked != 0 && asked != present.unique()) {
                sum = Sum::To(MetaSum::Exists);
                return Ok(Plan::Leave);
            }
            let Some((old, width)) = number_of(present)? else {
                return Ok(Plan::Again);
            };
            if in_place && present.is_countable(delta) {
                sum = Sum::InPlace;
                return Ok(Plan::Leave);
            }
            let number = delta.to(old);
            let deadline = ask.touch.map_or(present.deadline(), |expiry| self.deadline(expiry));
            sum = Sum::To(MetaSum::Number { number, cas: 0, ttl: self.ttl(deadline) });
            // Written in place, memcached's item keeps its marks; grown, it is a new one.
            let grows = digits(number) > width;
            let marks = if grows { present.marks() & mark::BINARY } else { present.marks() };
            Ok(Plan::Put(Draft {
                flags: present.flags(),
                marks,
                given: ask.unique,
                ..Draft::new(key, written(number, width), deadline)
            }))
        })?;
        if let (
            Updated::Put(unique),
            Sum::To(MetaSum::Number { cas, .. }) | Sum::Made(MetaSum::Number { cas, .. }),
        ) = (updated, &mut sum)
        {
            *cas = unique;
        }
        Ok(sum)
    }
}

/// What counts a hit and a miss.
fn counters(delta: Delta) -> (Counter, Counter) {
    match delta {
        Delta::Up(_) => (Counter::IncrHits, Counter::IncrMisses),
        Delta::Down(_) => (Counter::DecrHits, Counter::DecrMisses),
    }
}

/// The number that an item holds, and the length of its text. `None`: a part of it was recycled meanwhile.
fn number_of(present: &Present<'_>) -> Result<Option<(u64, usize)>, Error> {
    let item = present.item();
    if let Some(number) = item.number {
        return Ok(Some((number.value(), number.width())));
    }
    if item.extents > 0 {
        return Err(Error::NotNumeric);
    }
    let Some(text) = present.view().value() else {
        return Ok(None);
    };
    let number = parse(&text).ok_or(Error::NotNumeric)?;
    Ok(Some((number, text.len())))
}

/// A number as it is stored: in a word if that holds it, else as text. memcached writes a shorter number in
/// place, and pads it.
fn written<'d>(number: u64, width: usize) -> Content<'d> {
    match Number::new(number, width) {
        Some(number) => Content::Number(number),
        None => {
            let mut text = number.to_string().into_bytes();
            text.resize(text.len().max(width), b' ');
            text.into()
        }
    }
}

/// memcached's idea of a number: decimal digits of 64 bits, with spaces or a plus before them and spaces behind.
fn parse(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    if digits.is_empty() || !rest.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |number, &c| number.checked_mul(10)?.checked_add(u64::from(c - b'0')))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_are_what_memcached_takes_for_numbers() {
        let good: [(&[u8], u64); 6] = [
            (b"0", 0),
            (b" 12", 12),
            (b"12  ", 12),
            (b"+7", 7),
            (b"000000000000000000000000000001", 1),
            (b"18446744073709551615", u64::MAX),
        ];
        for (text, number) in good {
            assert_eq!(parse(text), Some(number), "{}", text.escape_ascii());
        }
        let bad: [&[u8]; 6] = [b"", b" ", b"-5", b"12abc", b"1 2", b"18446744073709551616"];
        for text in bad {
            assert_eq!(parse(text), None, "{}", text.escape_ascii());
        }
    }
}
