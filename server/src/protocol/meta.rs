//! The meta protocol's read side, as far as it is served: `mg` with the flags b c f h k s t v O q N R T C u P L.
//! (`mn` needs no grammar. `ms`, `md`, `ma` and `me` are unknown commands to this server.)

use super::ascii::{Request, refused};
use super::token::Tokens;
use super::{number, reply};
use nearcache::{Expiry, KEY_MAX, MetaGet};

/// The most words a meta command may have, the command and the key included.
const WORDS_MAX: usize = 20;

/// The longest opaque, its letter included.
const OPAQUE_MAX: usize = 32;

/// A meta get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The key as sent.
    pub key: &'a [u8],
    /// Is the key base64 of the true one?
    pub base64: bool,
    /// What the core is asked to do besides getting.
    pub ask: MetaGet,
    /// Send the value?
    pub value: bool,
    /// Keep silent about a miss?
    pub quiet: bool,
    /// Leave the value out if the unique is this.
    pub unless: Option<u64>,
    /// The flags as sent; the answer repeats some in this order.
    pub flags: &'a [u8],
}

/// Reads the words behind `mg`.
pub fn get<'a>(line: &'a [u8], mut args: Tokens<'a>) -> Request<'a> {
    let Some(key) = args.next().filter(|key| key.len() <= KEY_MAX) else {
        return refused(reply::BAD_FORMAT, false);
    };
    let flags = &line[args.position()..];
    if args.count() + 2 > WORDS_MAX {
        return refused(reply::TOO_MANY_FLAGS, false);
    }
    let mut lookup = Lookup {
        key,
        base64: false,
        ask: MetaGet::default(),
        value: false,
        quiet: false,
        unless: None,
        flags,
    };
    match read_flags(&mut lookup) {
        Ok(()) => Request::MetaGet(lookup),
        Err(words) => refused(words, false),
    }
}

fn read_flags(lookup: &mut Lookup<'_>) -> Result<(), &'static [u8]> {
    let mut seen: u128 = 0;
    for word in Tokens::new(lookup.flags, 0) {
        let (letter, token) = (word[0], &word[1..]);
        if !letter.is_ascii_alphabetic() {
            return Err(reply::BAD_FORMAT);
        }
        if seen & (1 << letter) != 0 {
            return Err(reply::DUPLICATE_FLAG);
        }
        seen |= 1 << letter;
        match letter {
            b'c' | b'f' | b'h' | b'k' | b's' | b't' | b'u' | b'P' | b'L' => {}
            b'b' => lookup.base64 = true,
            b'v' => lookup.value = true,
            b'q' => lookup.quiet = true,
            b'O' if word.len() > OPAQUE_MAX => return Err(reply::OPAQUE_TOO_LONG),
            b'O' => {}
            b'N' => lookup.ask.vivify = Some(expiry(token)?),
            b'T' => lookup.ask.touch = Some(expiry(token)?),
            b'R' => {
                let seconds = number::strict_i32(token).ok_or(reply::BAD_TOKEN)?;
                lookup.ask.recache = Some(seconds.max(0) as u32);
            }
            b'C' => lookup.unless = Some(number::digits(token).ok_or(reply::BAD_TOKEN)?),
            _ => return Err(reply::INVALID_FLAG),
        }
    }
    Ok(())
}

fn expiry(token: &[u8]) -> Result<Expiry, &'static [u8]> {
    let exptime = number::strict_i32(token).ok_or(reply::BAD_TOKEN)?;
    Ok(Expiry::from_exptime(i64::from(exptime)))
}

/// The bytes that a base64 key stands for, in `room`; `None` if it is no base64 or stands for nothing.
pub fn decode<'r>(text: &[u8], room: &'r mut [u8; KEY_MAX]) -> Option<&'r [u8]> {
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
    if padding > 2 {
        return None;
    }
    let mut len = 0;
    for (index, group) in text.chunks_exact(4).enumerate() {
        let last = (index + 1) * 4 == text.len();
        let mut bits: u32 = 0;
        for (place, &byte) in group.iter().enumerate() {
            let pad = last && place >= 4 - padding;
            bits = bits << 6 | if pad { 0 } else { sextet(byte)? };
        }
        let bytes = if last { 3 - padding } else { 3 };
        room.get_mut(len..len + bytes)?.copy_from_slice(&bits.to_be_bytes()[1..1 + bytes]);
        len += bytes;
    }
    Some(&room[..len])
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::ascii::parse;
    use super::*;

    #[test]
    fn flags_are_read_once_each() {
        let parsed = |line: &'static str| parse(line.as_bytes(), line.len() + 2);
        assert!(matches!(parsed("mg a v t O1 q"), Request::MetaGet(l) if l.value && l.quiet));
        assert_eq!(parsed("mg a v v"), refused(reply::DUPLICATE_FLAG, false));
        assert_eq!(parsed("mg a y"), refused(reply::INVALID_FLAG, false));
        assert_eq!(parsed("mg a T2147483648"), refused(reply::BAD_TOKEN, false));
        assert_eq!(parsed("mg a !"), refused(reply::BAD_FORMAT, false));
    }

    #[test]
    fn base64() {
        let mut room = [0; KEY_MAX];
        assert_eq!(decode(b"Zm9v", &mut room), Some(&b"foo"[..]));
        assert_eq!(decode(b"Zg==", &mut room), Some(&b"f"[..]));
        assert_eq!(decode(b"Zm8=", &mut room), Some(&b"fo"[..]));
        for bad in ["", "Zg=", "Z===", "!!!!", "Zm=v"] {
            assert_eq!(decode(bad.as_bytes(), &mut room), None, "{bad}");
        }
    }
}
