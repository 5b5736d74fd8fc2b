//! incr and decr: memcached's decimal counters.

use crate::Error;
use crate::index::mark;
use crate::item::bit;
use crate::ops::store::{Draft, Plan, Updated};
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::Expiry;

/// Up or down, and by how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delta {
    Up(u64),
    Down(u64),
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
        let mut result = None;
        let mut hit = false;
        let updated = self.update(key, hash, None, |present| {
            hit = present.is_some();
            let Some(present) = present else {
                let Some((number, expiry)) = initial else {
                    return Ok(Plan::Leave);
                };
                result = Some(number);
                let value = number.to_string().into_bytes().into();
                let deadline = self.deadline(expiry);
                return Ok(Plan::Put(Draft {
                    key,
                    value,
                    flags: 0,
                    deadline,
                    marks: 0,
                    token: None,
                }));
            };
            if present.view.item.header.has(bit::LARGE) {
                return Err(Error::NotNumeric);
            }
            let Some(old) = present.view.value() else {
                return Ok(Plan::Again);
            };
            let number = parse(&old).ok_or(Error::NotNumeric)?;
            let number = match delta {
                Delta::Up(by) => number.wrapping_add(by),
                Delta::Down(by) => number.saturating_sub(by),
            };
            result = Some(number);
            let mut value = number.to_string().into_bytes();
            // memcached writes a shorter number in place, and pads it.
            let fits = value.len() <= old.len();
            value.resize(value.len().max(old.len()), b' ');
            // Written in place, memcached's item keeps its marks; grown, it is a new one.
            let marks =
                present.found.slot.0 & if fits { mark::ALL & !mark::MOVING } else { mark::BINARY };
            Ok(Plan::Put(Draft {
                key,
                value: value.into(),
                flags: present.flags(),
                deadline: present.deadline(),
                marks,
                token: None,
            }))
        });
        let (hits, misses) = match delta {
            Delta::Up(_) => (Counter::IncrHits, Counter::IncrMisses),
            Delta::Down(_) => (Counter::DecrHits, Counter::DecrMisses),
        };
        match updated {
            Ok(Updated::Put(_)) => {
                self.count(if hit { hits } else { misses });
                Ok(result)
            }
            Ok(_) => {
                self.count(misses);
                Ok(None)
            }
            Err(error) => Err(error),
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
