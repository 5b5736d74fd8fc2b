//! incr and decr: memcached's decimal counters. A counter is a word of its item, changed in place; text becomes
//! one when it is counted on first.

use crate::Error;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::header::{Delta, Number};
use crate::index::mark;
use crate::ops::store::{Content, Draft, Plan, Present, Updated};
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::Expiry;

/// What an addition found.
enum Sum {
    /// The number is now this.
    To(u64),
    /// There was none, and it was stored as it was to be in that case.
    Initial(u64),
    Missing,
    /// It can be added to in place: look again.
    InPlace,
}

impl Op<'_> {
    /// Adds to a number. `None`: there is none, and no `initial` value was given for that case.
    pub fn add_to(
        &self,
        key: &[u8],
        delta: Delta,
        initial: Option<(u64, Expiry)>,
    ) -> Result<Option<u64>, Error> {
        let hash = self.arena.hasher.hash(key);
        let (hits, misses) = match delta {
            Delta::Up(_) => (Counter::IncrHits, Counter::IncrMisses),
            Delta::Down(_) => (Counter::DecrHits, Counter::DecrMisses),
        };
        loop {
            let sum = match self.add_in_place(key, hash, delta) {
                Some(sum) => Sum::To(sum),
                None => self.add_anew(key, hash, delta, initial)?,
            };
            self.count(match sum {
                Sum::InPlace => continue,
                Sum::To(_) => hits,
                Sum::Initial(_) | Sum::Missing => misses,
            });
            return Ok(match sum {
                Sum::To(number) | Sum::Initial(number) => Some(number),
                _ => None,
            });
        }
    }

    /// Adds to a number in a word of its own. An item that is replaced meanwhile is held all the same: the
    /// addition then comes before what has replaced it. `None` says nothing: the item may have to be replaced.
    fn add_in_place(&self, key: &[u8], hash: KeyHash, delta: Delta) -> Option<u64> {
        let horizon = self.horizon();
        let search = self.search(key, hash);
        let held = search.found?;
        let is_alive = horizon.death(self.arena, &held.item, held.birth).is_none();
        let counts = is_alive && held.item.given.is_none();
        let sum = if counts { held.item.changing(self.arena).add(delta) } else { None };
        let used = held.slot.with_freq(held.slot.freq() + 1);
        if sum.is_some() && used != held.slot {
            // A hint: it does not matter who wins.
            search.bucket.swap(held.i, held.slot, used);
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
        delta: Delta,
        initial: Option<(u64, Expiry)>,
    ) -> Result<Sum, Error> {
        let mut sum = Sum::Missing;
        let updated = self.update(key, hash, None, |present| {
            let Some(present) = present else {
                let Some((number, expiry)) = initial else {
                    sum = Sum::Missing;
                    return Ok(Plan::Leave);
                };
                sum = Sum::Initial(number);
                let deadline = self.deadline(expiry);
                return Ok(Plan::Put(Draft::new(key, written(number, 0), deadline)));
            };
            let Some((old, width)) = number_of(present)? else {
                return Ok(Plan::Again);
            };
            if present.is_countable(delta) {
                sum = Sum::InPlace;
                return Ok(Plan::Leave);
            }
            let number = delta.to(old);
            sum = Sum::To(number);
            let value = written(number, width);
            // Written in place, memcached's item keeps its marks; grown, it is a new one.
            let grows = crate::header::digits(number) > width;
            let marks = if grows { present.marks() & mark::BINARY } else { present.marks() };
            Ok(Plan::Put(Draft {
                flags: present.flags(),
                marks,
                ..Draft::new(key, value, present.deadline())
            }))
        })?;
        debug_assert!(updated != Updated::Removed);
        Ok(sum)
    }
}

/// The number that an item holds, and the length of its text. `None`: a part of it was recycled meanwhile.
fn number_of(present: &Present<'_>) -> Result<Option<(u64, usize)>, Error> {
    let item = &present.view.item;
    if let Some(number) = item.number {
        return Ok(Some((number.value(), number.width())));
    }
    if item.extents > 0 {
        return Err(Error::NotNumeric);
    }
    let Some(text) = present.view.value() else {
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
