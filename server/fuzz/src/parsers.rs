//! The target `parsers`: lines, meta flags, numbers and base64, each by itself, beside a second opinion where there is
//! one.

use crate::script::script;
use nearcache::KEY_MAX;
use nearcached::protocol::ascii::{self, Command, Request, Write};
use nearcached::protocol::meta::Head;
use nearcached::protocol::token::{self, GET_LINE_MAX, LINE_MAX, Line, Tokens};
use nearcached::protocol::{base64, number};

/// Runs a case; panics when it goes wrong.
pub fn run(data: &[u8]) {
    let (said, _) = script(data);
    lines(&said);
    dripping(&said[..said.len().min(3000)]);
    for word in Tokens::new(&said, 0).take(100) {
        numbers(word);
        base64_text(word);
    }
    base64_bytes(data);
}

/// Every line is something, and everything in it is a piece of it.
fn lines(mut rest: &[u8]) {
    loop {
        match token::line(rest, 0) {
            Line::Whole { len, next } => {
                assert!(len < next && next <= rest.len() && rest[next - 1] == b'\n');
                request(&rest[..len], next);
                rest = &rest[next..];
            }
            Line::Partial => {
                assert!(rest.len() <= GET_LINE_MAX && !rest.contains(&b'\n'));
                return;
            }
            Line::TooLong => return assert!(rest.len() > LINE_MAX),
        }
    }
}

fn request(line: &[u8], next: usize) {
    match ascii::parse(line, next) {
        Request::Store(write) => {
            match write {
                Write::Classic(store) => assert!(is_key(store.key, line)),
                Write::Meta(store) => head(&store.head, line),
            }
            assert!(write.data_len() <= i32::MAX as usize - 2);
        }
        Request::Get(get) => assert!(get.keys <= line.len()),
        Request::Meta(meta) => head(&meta.head, line),
        Request::Skip { bytes, words } => {
            assert!(bytes >= 2 && (words.is_empty() || words.ends_with(b"\r\n")));
        }
        Request::Simple { command: Command::Refused(words), .. } => {
            assert!(words.ends_with(b"\r\n"));
        }
        Request::Simple { .. } | Request::MetaNoop | Request::Quit | Request::Http => {}
    }
}

fn head(head: &Head<'_>, line: &[u8]) {
    assert!(is_key(head.sent, line) && within(head.flags, line));
    // What was promised to be base64 is.
    let mut room = [0; KEY_MAX];
    assert!(head.key(&mut room).is_some_and(|key| (1..=KEY_MAX).contains(&key.len())));
}

fn is_key(key: &[u8], line: &[u8]) -> bool {
    (1..=KEY_MAX).contains(&key.len()) && within(key, line)
}

/// Is `part` a piece of `whole` (not a copy)?
fn within(part: &[u8], whole: &[u8]) -> bool {
    part.is_empty() || whole.as_ptr_range().contains(&part.as_ptr())
}

/// Where a line ends does not depend on how it came.
fn dripping(bytes: &[u8]) {
    let (whole, mut scanned) = (token::line(bytes, 0), 0);
    for end in 0..=bytes.len() {
        match token::line(&bytes[..end], scanned) {
            Line::Partial => scanned = end,
            Line::TooLong => return,
            found => return assert_eq!(found, whole),
        }
    }
}

fn numbers(word: &[u8]) {
    // The standard library's opinion, where it has one: it takes a sign, and no more than fits.
    let text = str::from_utf8(word).unwrap_or("");
    let signed = text.starts_with(['+', '-']);
    let plain: Option<u64> = text.parse().ok().filter(|_| !signed);
    assert_eq!(number::digits(word), plain, "{text}");
    let integer: Option<i32> = text.parse().ok().filter(|_| !text.starts_with('+'));
    assert_eq!(number::strict_i32(word), integer, "{text}");
    let len = integer.filter(|len| (0..=i32::MAX - 2).contains(len)).map(|len| len as usize);
    assert_eq!(number::data_len(word), len, "{text}");
    let long: Option<i64> = text.parse().ok().filter(|&long| long != i64::MIN);
    assert_eq!(number::wrapping_i32(word), long.map(|long| long as i32), "{text}");
    let unsigned: Option<u64> = text.parse().ok();
    assert_eq!(number::wrapping_u32(word), unsigned.map(|number| number as u32), "{text}");
    assert_eq!(number::strict_u32(word), text.parse().ok(), "{text}");
    if let Some(value) = unsigned {
        assert_eq!(number::width(value), value.to_string().len());
    }
}

fn base64_text(text: &[u8]) {
    let (mut room, mut again) = ([0; KEY_MAX], [0; KEY_MAX]);
    let Some(key) = base64::decode(text, &mut room) else { return };
    assert!(!key.is_empty() && text.len() == key.len().div_ceil(3) * 4);
    let mut encoded = Vec::new();
    base64::encode(key, &mut encoded);
    // The last digit may have had bits that mean nothing.
    let digits = text.iter().rposition(|&byte| byte != b'=').unwrap_or(0);
    assert_eq!(encoded[..digits], text[..digits]);
    assert_eq!(base64::decode(&encoded, &mut again), Some(key));
}

fn base64_bytes(data: &[u8]) {
    for key in data.chunks(KEY_MAX) {
        let (mut text, mut room) = (Vec::new(), [0; KEY_MAX]);
        base64::encode(key, &mut text);
        assert_eq!(base64::decode(&text, &mut room), Some(key));
    }
}
