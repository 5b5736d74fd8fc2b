//! The text of one line of a conversation: escapes, repetitions, wildcards, and how a reply is held to them.
//!
//! * `\r \n \t \0 \\ \xHH` are bytes; `\{` is a brace; `\c` at the end of a line leaves out its CR LF.
//! * `{x*250}` is `x` 250 times; the part before the star may be several characters, escapes included, and in
//!   it `\#` is the number of the time, from 0.
//! * `{any}` is a decimal number; `{let u}` is one, remembered as `u`; `{u}` is the number remembered;
//!   `{not u}` is a number other than it.
//! * `{now+60}`, `{now-60}`: a Unix time that many seconds from the cache's present.
//! * `{closed}`: the peer closes the connection.

use std::collections::HashMap;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Any decimal number.
    Number,
    /// Any decimal number, remembered under this name.
    Let(String),
    /// The number remembered under this name.
    Same(String),
    /// A number other than the one remembered under this name.
    Differs(String),
    /// The cache's Unix time plus this many seconds.
    Now(i64),
    /// The peer closes the connection.
    Closed,
}

/// The numbers a conversation remembers.
pub type Memory = HashMap<String, String>;

/// How a reply, or the part of it that has arrived, compares with what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Its first so many bytes are the whole expected reply.
    Complete(usize),
    /// Everything agrees so far; more must come.
    Partial,
    /// They disagree at this byte.
    Mismatch(usize),
}

/// Reads one line of the table (without its `>` or `<`), CR LF included unless it ends with `\c`.
pub fn parse_line(line: &str) -> Result<Vec<Piece>, String> {
    let (line, end) = match line.strip_suffix("\\c") {
        Some(open) => (open, ""),
        None => (line, "\r\n"),
    };
    let mut pieces = Vec::new();
    let mut rest = line;
    while let Some(brace) = unescaped_brace(rest) {
        push_bytes(&mut pieces, unescape(&rest[..brace])?);
        let inside = &rest[brace + 1..];
        let close = inside
            .find('}')
            .ok_or_else(|| format!("a brace is not closed in {line:?}; write \\{{ for a brace"))?;
        match parse_braces(&inside[..close])? {
            Piece::Bytes(bytes) => push_bytes(&mut pieces, bytes),
            piece => pieces.push(piece),
        }
        rest = &inside[close + 1..];
    }
    push_bytes(&mut pieces, unescape(rest)?);
    if pieces.last() != Some(&Piece::Closed) {
        push_bytes(&mut pieces, end.as_bytes().to_vec());
    }
    Ok(pieces)
}

/// Appends bytes, joining them to bytes before them.
pub fn push_bytes(pieces: &mut Vec<Piece>, bytes: Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Bytes(before)) => before.extend(bytes),
        _ => pieces.push(Piece::Bytes(bytes)),
    }
}

fn unescaped_brace(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let found = c == '{' && !escaped;
        escaped = c == '\\' && !escaped;
        found.then_some(at)
    })
}

fn parse_braces(inside: &str) -> Result<Piece, String> {
    if let Some((what, times)) = inside.rsplit_once('*') {
        let times: usize =
            times.parse().map_err(|_| format!("{{{inside}}}: after the star a count is due"))?;
        if !what.contains("\\#") {
            return Ok(Piece::Bytes(unescape(what)?.repeat(times)));
        }
        let numbered = (0..times).map(|time| unescape(&what.replace("\\#", &time.to_string())));
        return Ok(Piece::Bytes(numbered.collect::<Result<Vec<_>, _>>()?.concat()));
    }
    if let Some(seconds) = inside.strip_prefix("now") {
        let seconds = if seconds.is_empty() { "0" } else { seconds };
        let seconds =
            seconds.parse().map_err(|_| format!("{{{inside}}}: write {{now+60}} or {{now-60}}"))?;
        return Ok(Piece::Now(seconds));
    }
    let words: Vec<&str> = inside.split(' ').collect();
    let named = |name: &str| -> Result<String, String> {
        match !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase()) {
            true => Ok(name.to_string()),
            false => Err(format!(
                "{{{inside}}}: a name is lower-case letters; see the table's format for what braces mean"
            )),
        }
    };
    match words[..] {
        ["any"] => Ok(Piece::Number),
        ["closed"] => Ok(Piece::Closed),
        ["let", name] => Ok(Piece::Let(named(name)?)),
        ["not", name] => Ok(Piece::Differs(named(name)?)),
        [name] => Ok(Piece::Same(named(name)?)),
        _ => Err(format!("{{{inside}}} has no meaning in the table's format")),
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            let mut buffer = [0; 4];
            bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        bytes.push(match chars.next() {
            Some('r') => b'\r',
            Some('n') => b'\n',
            Some('t') => b'\t',
            Some('0') => 0,
            Some('\\') => b'\\',
            Some('{') => b'{',
            Some('}') => b'}',
            Some('x') => {
                let hex: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&hex, 16)
                    .map_err(|_| format!("\\x{hex}: two hexadecimal digits are due"))?
            }
            other => return Err(format!("\\{} is no escape", other.unwrap_or(' '))),
        });
    }
    Ok(bytes)
}

/// The bytes of a request, its names and times filled in.
pub fn render(pieces: &[Piece], memory: &Memory, now: i64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Bytes(b) => bytes.extend_from_slice(b),
            Piece::Now(seconds) => bytes.extend((now + seconds).to_string().into_bytes()),
            Piece::Same(name) => match memory.get(name) {
                Some(number) => bytes.extend_from_slice(number.as_bytes()),
                None => return Err(format!("{{{name}}} is sent before it was remembered")),
            },
            other => return Err(format!("{other:?} cannot be sent")),
        }
    }
    Ok(bytes)
}

/// Does the request use a number that an earlier reply gave?
pub fn remembers(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Same(_)))
}

/// Holds `got` to the expected pieces; numbers are remembered only when the match is complete.
pub fn compare(expected: &[Piece], got: &[u8], memory: &mut Memory) -> Match {
    let mut learnt = memory.clone();
    let mut at = 0;
    for piece in expected {
        let rest = &got[at..];
        at += match piece {
            Piece::Bytes(bytes) => {
                let same = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
                match same {
                    _ if same == bytes.len() => same,
                    _ if same == rest.len() => return Match::Partial,
                    _ => return Match::Mismatch(at + same),
                }
            }
            Piece::Now(_) | Piece::Closed => return Match::Mismatch(at),
            number => {
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                if digits == rest.len() {
                    return Match::Partial;
                }
                let text = String::from_utf8_lossy(&rest[..digits]).into_owned();
                let fits = match number {
                    Piece::Same(name) => learnt.get(name) == Some(&text),
                    Piece::Differs(name) => learnt.get(name).is_some_and(|known| *known != text),
                    _ => true,
                };
                if digits == 0 || !fits {
                    return Match::Mismatch(at);
                }
                if let Piece::Let(name) = number {
                    learnt.insert(name.clone(), text);
                }
                digits
            }
        };
    }
    *memory = learnt;
    Match::Complete(at)
}

/// Bytes as the table would write them, long runs folded and at most `limit` characters shown.
pub fn show(bytes: &[u8], limit: usize) -> String {
    let mut shown = String::new();
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        if shown.len() >= limit {
            shown.push_str(&format!("… and {} bytes more", rest.len()));
            break;
        }
        let run = rest.iter().take_while(|b| **b == byte).count();
        let one = match byte {
            b'\r' => "\\r".to_string(),
            b'\n' => "\\n".to_string(),
            b'\\' => "\\\\".to_string(),
            b'{' => "\\{".to_string(),
            0x20..0x7f => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        if run > 16 {
            shown.push_str(&format!("{{{one}*{run}}}"));
            rest = &rest[run..];
        } else {
            shown.push_str(&one);
            rest = &rest[1..];
            if byte == b'\n' && !rest.is_empty() {
                shown.push_str("\n             ");
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(text: &str) -> Vec<Piece> {
        parse_line(text).unwrap()
    }

    #[test]
    fn escapes_and_repetitions_become_bytes() {
        assert_eq!(
            expect("a\\r\\n\\0\\xff\\\\\\{"),
            [Piece::Bytes(b"a\r\n\0\xff\\{\r\n".to_vec())]
        );
        assert_eq!(expect("{ab*3}!\\c"), [Piece::Bytes(b"ababab!".to_vec())]);
        assert_eq!(expect("{\\0*2}\\c"), [Piece::Bytes(vec![0, 0])]);
        assert_eq!(expect("{k\\# *3}\\c"), [Piece::Bytes(b"k0 k1 k2 ".to_vec())]);
        assert_eq!(expect("\\c"), []);
        assert_eq!(expect("{closed}"), [Piece::Closed]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for bad in ["{open", "{x*y}", "\\q", "\\xzz", "{nowish}", "{let U}", "{what is this}"] {
            assert!(parse_line(bad).is_err(), "{bad} was accepted");
        }
    }

    #[test]
    fn a_reply_is_partial_until_its_last_byte() {
        let memory = &mut Memory::new();
        let expected = expect("VALUE a 0 1 {let u}");
        let reply = b"VALUE a 0 1 17\r\n";
        for cut in 0..reply.len() {
            assert_eq!(compare(&expected, &reply[..cut], memory), Match::Partial, "at {cut}");
        }
        assert_eq!(compare(&expected, reply, memory), Match::Complete(16));
        assert_eq!(memory["u"], "17");
        assert_eq!(compare(&expect("{u}"), b"17\r\n", memory), Match::Complete(4));
        assert_eq!(compare(&expect("{u}"), b"18\r\n", memory), Match::Mismatch(0));
        assert_eq!(compare(&expect("{not u}"), b"18\r\n", memory), Match::Complete(4));
        assert_eq!(compare(&expect("{not u}"), b"17\r\n", memory), Match::Mismatch(0));
        assert_eq!(compare(&expect("END"), b"ENDE\r\n", memory), Match::Mismatch(3));
    }

    #[test]
    fn requests_are_filled_in() {
        let memory = Memory::from([("u".to_string(), "9".to_string())]);
        let line = expect("cas k 0 {now+5} 1 {u}");
        assert_eq!(render(&line, &memory, 100).unwrap(), b"cas k 0 105 1 9\r\n");
        assert!(render(&line, &Memory::new(), 100).is_err());
        assert!(render(&expect("{any}"), &memory, 0).is_err());
    }

    #[test]
    fn long_runs_are_folded_when_shown() {
        assert_eq!(show(&[b'x'; 300], 80), "{x*300}");
        assert_eq!(show(b"a\r\n\0", 80), "a\\r\\n\n             \\x00");
    }
}
