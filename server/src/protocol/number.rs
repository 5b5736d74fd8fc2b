//! memcached's several ideas of a number. Each field of a command line is read by another C routine there, and
//! clients can see the difference (`+1` is a fine exptime but no length), so each idea has its function here.

/// A length over this overflows memcached's 32-bit count of value and `\r\n`.
const VALUE_MAX: i32 = i32::MAX - 2;

/// Digits only, at most 2^64 - 1. The delta of `incr`, the unique of `cas`.
pub fn digits(token: &[u8]) -> Option<u64> {
    if token.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for &byte in token {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// A strict 32-bit integer: digits with an optional `-`. The exptime of `touch` and `gat`.
pub fn strict_i32(token: &[u8]) -> Option<i32> {
    let (negative, rest) = match token {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let magnitude = i64::try_from(digits(rest)?).ok()?;
    i32::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// The length of a value.
pub fn data_len(token: &[u8]) -> Option<usize> {
    strict_i32(token).filter(|len| (0..=VALUE_MAX).contains(len)).map(|len| len as usize)
}

/// C's `strtol` kept in 32 bits: either sign is allowed, 64 bits are read, and the upper half is dropped.
/// The exptime of the storage commands and the delay of `flush_all`.
pub fn wrapping_i32(token: &[u8]) -> Option<i32> {
    let (negative, rest) = match token {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = i64::try_from(digits(rest)?).ok()?;
    Some(if negative { -magnitude } else { magnitude } as i32)
}

/// C's `strtoul` kept in 32 bits, without its negative numbers. The flags of the storage commands.
pub fn wrapping_u32(token: &[u8]) -> Option<u32> {
    let rest = token.strip_prefix(b"+").unwrap_or(token);
    Some(digits(rest)? as u32)
}

/// At most 2^32 - 1, not wrapped. `verbosity`, `cache_memlimit`.
pub fn strict_u32(token: &[u8]) -> Option<u32> {
    let rest = token.strip_prefix(b"+").unwrap_or(token);
    u32::try_from(digits(rest)?).ok()
}

/// How many decimal digits a number takes.
pub fn width(value: u64) -> usize {
    value.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_own_idea_of_a_number() {
        assert_eq!(digits(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(digits(b"18446744073709551616"), None);
        assert_eq!(digits(b"+1"), None);
        assert_eq!(digits(b""), None);
        assert_eq!(strict_i32(b"-2147483648"), Some(i32::MIN));
        assert_eq!(strict_i32(b"2147483648"), None);
        assert_eq!(strict_i32(b"+1"), None);
        assert_eq!(wrapping_i32(b"2147483648"), Some(i32::MIN));
        assert_eq!(wrapping_i32(b"4294967297"), Some(1));
        assert_eq!(wrapping_i32(b"+7"), Some(7));
        assert_eq!(wrapping_i32(b"9223372036854775808"), None);
        assert_eq!(wrapping_u32(b"4294967296"), Some(0));
        assert_eq!(wrapping_u32(b"-1"), None);
        assert_eq!(strict_u32(b"4294967296"), None);
    }

    #[test]
    fn widths() {
        for value in [0, 9, 10, 99, 100, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(width(value), value.to_string().len(), "{value}");
        }
    }
}
