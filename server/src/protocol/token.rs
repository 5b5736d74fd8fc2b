//! Lines and the words in them. A line ends in `\n`, with or without `\r` before it; words are parted by spaces
//! and by nothing else (a tab is part of a word).

use memchr::memchr;

/// A line longer than this without its end closes the connection, unless it is a `get` or `gets`.
pub const LINE_MAX: usize = 2048;

/// The longest line of a `get` or `gets`: some 30 thousand of the longest keys. memcached has no limit here; a
/// server that is to survive an endless line needs one.
pub const GET_LINE_MAX: usize = 8 << 20;

/// memcached looks past this many spaces for the `get` that excuses a long line.
const LEADING_SPACES_MAX: usize = 100;

/// What the bytes read so far begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A whole line: `len` bytes of text, and the next request begins at `next`.
    Whole {
        /// Length without the line's end.
        len: usize,
        /// Length with it.
        next: usize,
    },
    /// No end yet; more may come.
    Partial,
    /// No end within the limit: not a client of ours.
    TooLong,
}

/// Finds the first line. `scanned` bytes are known to hold no `\n` (so a line that drips in is not searched anew
/// each time).
pub fn line(bytes: &[u8], scanned: usize) -> Line {
    let from = scanned.min(bytes.len());
    match memchr(b'\n', &bytes[from..]) {
        Some(at) => {
            let end = from + at;
            let len = if end > 1 && bytes[end - 1] == b'\r' { end - 1 } else { end };
            Line::Whole { len, next: end + 1 }
        }
        None if bytes.len() <= LINE_MAX => Line::Partial,
        None if bytes.len() <= GET_LINE_MAX && may_be_long(bytes) => Line::Partial,
        None => Line::TooLong,
    }
}

fn may_be_long(bytes: &[u8]) -> bool {
    let spaces = bytes.iter().take_while(|&&byte| byte == b' ').count();
    let rest = &bytes[spaces..];
    spaces <= LEADING_SPACES_MAX && (rest.starts_with(b"get ") || rest.starts_with(b"gets "))
}

/// Is it one word wherever a line is read? Other protocols and other faces of a shared region store keys of any bytes.
pub fn is_word(key: &[u8]) -> bool {
    !key.iter().any(|byte| b" \r\n\0".contains(byte))
}

/// The words of a line, one by one.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    /// The words of `line` from byte `at` on.
    pub fn new(line: &'a [u8], at: usize) -> Tokens<'a> {
        Tokens { line, at }
    }

    /// Where in the line the next word will be looked for.
    pub fn position(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        while *self.line.get(self.at)? == b' ' {
            self.at += 1;
        }
        let rest = &self.line[self.at..];
        let len = memchr(b' ', rest).unwrap_or(rest.len());
        self.at += len;
        Some(&rest[..len])
    }
}

/// Is the last word `noreply`? (Only spaces are trimmed: a tab at the end belongs to the last word.)
pub fn ends_in_noreply(line: &[u8]) -> bool {
    let mut trimmed = line;
    while let [rest @ .., b' '] = trimmed {
        trimmed = rest;
    }
    trimmed
        .strip_suffix(b"noreply")
        .is_some_and(|before| before.last().is_none_or(|&byte| byte == b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_lf_with_or_without_cr() {
        assert_eq!(line(b"get a\r\nrest", 0), Line::Whole { len: 5, next: 7 });
        assert_eq!(line(b"get a\nrest", 0), Line::Whole { len: 5, next: 6 });
        assert_eq!(line(b"\r\n", 0), Line::Whole { len: 1, next: 2 });
        assert_eq!(line(b"get a", 0), Line::Partial);
    }

    #[test]
    fn only_gets_may_be_long() {
        let mut long = b"set ".to_vec();
        long.resize(LINE_MAX + 1, b'a');
        assert_eq!(line(&long, 0), Line::TooLong);
        for start in ["get ", "gets ", "   get "] {
            let mut long = start.as_bytes().to_vec();
            long.resize(LINE_MAX + 1, b'a');
            assert_eq!(line(&long, 0), Line::Partial, "{start}");
            long.resize(GET_LINE_MAX + 1, b'a');
            assert_eq!(line(&long, 0), Line::TooLong, "{start}");
        }
        let mut long = b"gat 0 ".to_vec();
        long.resize(LINE_MAX + 1, b'a');
        assert_eq!(line(&long, 0), Line::TooLong);
    }

    #[test]
    fn words_are_parted_by_spaces_only() {
        let words: Vec<&[u8]> = Tokens::new(b"  a\tb   c ", 0).collect();
        assert_eq!(words, [b"a\tb".as_slice(), b"c"]);
        assert!(ends_in_noreply(b"delete a noreply  "));
        assert!(!ends_in_noreply(b"delete anoreply"));
        assert!(!ends_in_noreply(b"delete a noreply x"));
    }
}
