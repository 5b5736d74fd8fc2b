//! Numbers and sizes as options are given them.

use super::{Wrong, wrong};

/// A size with an optional `k`, `m` or `g`.
pub fn bytes(value: &str) -> Option<u64> {
    let (digits, shift) = match value.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'k') => (&value[..value.len() - 1], 10),
        Some(b'm') => (&value[..value.len() - 1], 20),
        Some(b'g') => (&value[..value.len() - 1], 30),
        _ => (value, 0),
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

/// A number within its limits.
pub fn number<T: TryFrom<i64>>(
    value: &str,
    least: i64,
    most: i64,
    option: &str,
    what: &str,
) -> Result<T, Wrong> {
    value
        .parse::<i64>()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .and_then(|number| T::try_from(number).ok())
        .map_or_else(|| wrong(format!("{option} {value}: wants {what}, {least} to {most}")), Ok)
}
