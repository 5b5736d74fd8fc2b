//! Numbers as php-memcached writes them into values, and reads them back.
//!
//! No heap: what these give is built while PHP may bail out.

use std::ffi::c_char;
use std::io::Write;

// From Zend/zend_strtod.h.
unsafe extern "C" {
    fn zend_dtoa(
        value: f64,
        mode: i32,
        digits: i32,
        point: *mut i32,
        sign: *mut bool,
        end: *mut *mut c_char,
    ) -> *mut c_char;
    fn zend_freedtoa(digits: *mut c_char);
}

/// A number's text. The longest is a double such as `-2.2250738585072014e-308`, 24 bytes.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; 40],
    start: u8,
    end: u8,
}

impl Text {
    fn new() -> Text {
        Text { bytes: [0; 40], start: 0, end: 0 }
    }

    fn push(&mut self, more: &[u8]) {
        let end = usize::from(self.end);
        self.bytes[end..end + more.len()].copy_from_slice(more);
        self.end += more.len() as u8;
    }

    fn zeros(&mut self, count: i32) {
        for _ in 0..count {
            self.push(b"0");
        }
    }

    fn of(arguments: std::fmt::Arguments<'_>) -> Text {
        let mut text = Text::new();
        let mut rest = &mut text.bytes[..];
        let room = rest.len();
        // Every caller's number fits in 40 bytes; one that did not would be cut, not overrun.
        let _ = rest.write_fmt(arguments);
        text.end = (room - rest.len()) as u8;
        text
    }

    /// The text.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..usize::from(self.end)]
    }
}

/// The longest text of an int.
pub const LONG_MAX: usize = 20;

/// An int's digits, written from the last to the first: there is nothing to be moved.
#[inline]
pub fn long(value: i64) -> Text {
    let mut text = Text::new();
    let mut at = text.bytes.len();
    let mut write = |byte| {
        at -= 1;
        text.bytes[at] = byte;
    };
    let mut rest = value.unsigned_abs();
    loop {
        write(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        write(b'-');
    }
    (text.start, text.end) = (at as u8, text.bytes.len() as u8);
    text
}

/// An unsigned number's digits.
pub fn unsigned(value: u64) -> Text {
    Text::of(format_args!("{value}"))
}

/// A double's shortest form, laid out as `%g` without a leading zero: `.5`, `-0`, `1e+06`, `1.5e-07`.
pub fn double(value: f64) -> Text {
    let mut text = Text::new();
    if value.is_nan() {
        text.push(b"NaN");
        return text;
    }
    if value.is_sign_negative() {
        text.push(b"-");
    }
    if value.is_infinite() {
        text.push(b"Infinity");
        return text;
    }
    let (digits, exponent) = shortest(value.abs());
    lay_out(&mut text, digits.bytes(), exponent);
    text
}

/// The shortest digits that read back as `value`, and the power of 10 of the first. The engine's, as Rust's own differ
/// in the last digit where two are equally near.
fn shortest(value: f64) -> (Text, i32) {
    let mut digits = Text::new();
    let (mut point, mut sign, mut end) = (0, false, std::ptr::null_mut());
    // SAFETY: mode 0 asks for the shortest digits; they are on the engine's own free list (not on a request's heap, so
    // nothing here bails out), at most 17 of them, from `start` to `end`, and freed once.
    unsafe {
        let start = zend_dtoa(value, 0, 0, &raw mut point, &raw mut sign, &raw mut end);
        let count = end.offset_from_unsigned(start);
        digits.push(std::slice::from_raw_parts(start.cast::<u8>(), count));
        zend_freedtoa(start);
    }
    (digits, point - 1)
}

/// Writes `digits`, of which the first stands for 10 to the power of `exponent`.
fn lay_out(text: &mut Text, digits: &[u8], exponent: i32) {
    let count = digits.len() as i32;
    if digits == b"0" {
        text.push(b"0");
    } else if !(-4..=count + 4).contains(&exponent) {
        text.push(&digits[..1]);
        if count > 1 {
            text.push(b".");
            text.push(&digits[1..]);
        }
        text.push(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            text.push(b"0");
        }
        text.push(unsigned(u64::from(exponent.unsigned_abs())).bytes());
    } else if exponent < 0 {
        text.push(b".");
        text.zeros(-exponent - 1);
        text.push(digits);
    } else if count <= exponent + 1 {
        text.push(digits);
        text.zeros(exponent + 1 - count);
    } else {
        let point = exponent as usize + 1;
        text.push(&digits[..point]);
        text.push(b".");
        text.push(&digits[point..]);
    }
}

/// Reads an int as C's `strtol` does: leading blanks and a sign, as many digits as there are, held at the ends
/// of the range. (A decrement may leave blanks behind the digits.)
pub fn parse_long(text: &[u8]) -> i64 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut value: i64 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        value = value.saturating_mul(10).saturating_add(if negative { -digit } else { digit });
    }
    value
}

/// Reads a decimal number of 64 bits without a sign; nothing else may stand beside it.
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a double as [`double`] writes it. `None` if it is none.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    match text {
        b"NaN" => Some(f64::NAN),
        b"Infinity" => Some(f64::INFINITY),
        b"-Infinity" => Some(f64::NEG_INFINITY),
        // Rust's own words for these ("inf", "nan") are not php-memcached's.
        _ if text.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE ".contains(byte)) => {
            std::str::from_utf8(text).ok()?.trim().parse().ok()
        }
        _ => None,
    }
}
