//! Keys and values that may hold any bytes, as one line of text and as JSON.
//!
//! The escapes are those of C: `\\`, `\n`, `\r`, `\t`, `\xNN`. What is valid UTF-8 and no control character stands for
//! itself, so the escaping of ordinary keys is the key, and each escaped key stands for one key alone.

use serde_json::{Value, json};
use std::fmt::Write;

/// Bytes as text without control characters.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                // Control characters, those of Unicode included: a key may not move a terminal's cursor.
                _ if letter.is_control() => {
                    let mut utf8 = [0; 4];
                    letter
                        .encode_utf8(&mut utf8)
                        .bytes()
                        .for_each(|byte| push_hex(&mut text, byte));
                }
                _ => text.push(letter),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_hex(&mut text, byte));
    }
    text
}

fn push_hex(text: &mut String, byte: u8) {
    // cannot fail: a String takes whatever is written.
    let _ = write!(text, "\\x{byte:02x}");
}

/// The bytes an escaped text stands for; or the sentence that says where it is none.
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (byte, taken) = match text[at] {
            b'\\' => escaped(&text[at..]).ok_or_else(|| {
                format!(
                    "byte {at} of {:?} begins no escape: there are \\\\, \\n, \\r, \\t and \\xNN with two \
                     hexadecimal digits",
                    String::from_utf8_lossy(text)
                )
            })?,
            plain => (plain, 1),
        };
        bytes.push(byte);
        at += taken;
    }
    Ok(bytes)
}

/// The byte at the front, and how long its escape is.
fn escaped(text: &[u8]) -> Option<(u8, usize)> {
    match text.get(1)? {
        b'\\' => Some((b'\\', 2)),
        b'n' => Some((b'\n', 2)),
        b'r' => Some((b'\r', 2)),
        b't' => Some((b'\t', 2)),
        b'x' => {
            let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
            Some(((digit(2)? * 16 + digit(3)?) as u8, 4))
        }
        _ => None,
    }
}

/// A JSON string if the bytes are UTF-8, else `{"hex": "..."}`.
pub fn to_json(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => {
            let mut hex = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                // cannot fail: a String takes whatever is written.
                let _ = write!(hex, "{byte:02x}");
            }
            json!({ "hex": hex })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_and_no_control_character_is_shown() {
        let all: Vec<u8> = (0..=255).collect();
        for bytes in [&all[..], b"user:1", "Zo\u{eb} \u{9b}31m".as_bytes(), b"\\x41", b"", b"a\nb"]
        {
            let text = escape(bytes);
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert_eq!(unescape(text.as_bytes()).unwrap(), bytes);
        }
        assert_eq!(escape("user:Zo\u{eb}".as_bytes()), "user:Zo\u{eb}");
        assert_eq!(escape(b"\\\x00\xff\n"), "\\\\\\x00\\xff\\n");
        assert_eq!(escape("\u{9b}".as_bytes()), "\\xc2\\x9b");
    }

    #[test]
    fn what_is_no_escape_is_refused_with_its_place() {
        for text in ["\\", "a\\q", "\\x", "\\x4", "\\xg0", "\\x+1"] {
            assert!(unescape(text.as_bytes()).is_err(), "{text}");
        }
        assert!(unescape(b"ab\\q").unwrap_err().starts_with("byte 2 of"));
    }

    #[test]
    fn json_is_text_or_hexadecimal() {
        assert_eq!(to_json(b"a\n"), json!("a\n"));
        assert_eq!(to_json(b"\x00\xff"), json!({"hex": "00ff"}));
    }
}
