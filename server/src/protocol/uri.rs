//! Keys as dumps and the log write them: what is not plain is `%` and two hexadecimal digits, so that a key of any bytes is one
//! word of a line.

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `key` as memcached's dumps and log encode it: letters, digits and `-._~` stand for themselves.
pub fn encode(key: &[u8], into: &mut Vec<u8>) {
    escape(key, into, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
}

/// For lines that show keys as they are: only what would end the word or the line is encoded.
pub fn printable(key: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(key.len());
    escape(key, &mut shown, |byte| byte > b' ');
    shown
}

fn escape(key: &[u8], into: &mut Vec<u8>, plain: impl Fn(u8) -> bool) {
    for &byte in key {
        if plain(byte) {
            into.push(byte);
        } else {
            let digit = |value: u8| DIGITS[usize::from(value)];
            into.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_memcached_writes_them() {
        let mut text = Vec::new();
        // Measured with `lru_crawler metadump` at memcached 1.6.18.
        encode(b"foo%bar\x01\xe9~_-./ a", &mut text);
        assert_eq!(text, b"foo%25bar%01%E9~_-.%2F%20a");
        assert_eq!(printable(b"a%/\xe9\r\n"), b"a%/\xe9%0D%0A");
    }
}
