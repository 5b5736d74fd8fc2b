//! memcached's decimal numbers: what `incr` and `decr` read, and what they write back.

/// The number that a value holds: spaces may surround it, a plus sign may precede it, leading zeros are free;
/// a minus sign, other text, no digits or 2^64 and more are not a number.
pub fn parse(value: &[u8]) -> Option<u64> {
    let text = value.trim_ascii();
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The value that takes the place of one of `width` bytes: never shorter, filled up with spaces on the right.
pub fn written(number: u64, width: usize) -> Vec<u8> {
    let mut text = number.to_string().into_bytes();
    text.resize(text.len().max(width), b' ');
    text
}

/// Which way a number is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

/// `incr` wraps at 2^64, `decr` stops at 0.
pub fn moved(number: u64, way: Way, delta: u64) -> u64 {
    match way {
        Way::Up => number.wrapping_add(delta),
        Way::Down => number.saturating_sub(delta),
    }
}
