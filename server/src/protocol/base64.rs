//! The base64 of binary keys: meta commands send a key with spaces or line ends in it so, under the flag `b`. The
//! alphabet is the standard one, with padding.

use nearcache::KEY_MAX;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

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

/// Appends the base64 of `bytes`.
pub fn encode(bytes: &[u8], into: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let at = |place| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let sextet = bits >> (18 - 6 * place) & 63;
            into.push(if place > group.len() { b'=' } else { ALPHABET[sextet as usize] });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        let mut room = [0; KEY_MAX];
        for (text, bytes) in [("Zm9v", "foo"), ("Zg==", "f"), ("Zm8=", "fo")] {
            assert_eq!(decode(text.as_bytes(), &mut room), Some(bytes.as_bytes()));
        }
        assert_eq!(decode(b"+/+/", &mut room), Some(&[0xfb, 0xff, 0xbf][..]));
        for bad in ["", "Zg=", "Z===", "!!!!", "Zm=v"] {
            assert_eq!(decode(bad.as_bytes(), &mut room), None, "{bad}");
        }
    }

    #[test]
    fn every_length_comes_back() {
        let bytes: Vec<u8> = (0..187).map(|number: u8| number.wrapping_mul(37)).collect();
        for len in 1..=bytes.len() {
            let (mut text, mut room) = (Vec::new(), [0; KEY_MAX]);
            encode(&bytes[..len], &mut text);
            assert_eq!(decode(&text, &mut room), Some(&bytes[..len]));
        }
    }
}
