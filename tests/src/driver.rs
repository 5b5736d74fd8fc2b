//! The conversation of the drivers that are written in Rust: a line is parsed, the face is called, the answer is worded.
//! It holds no cache logic.

use nearcache::{Deletion, Expiry, Outcome, Touch, Verb};
use std::io::{self, BufRead, BufReader, BufWriter, Read, StdinLock, StdoutLock, Write};

/// What a line that makes no sense is answered.
pub const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";

/// A failure, as memcached words it.
pub type Worded = Vec<u8>;

/// Is called with each hit: its key, flags, unique and bytes.
pub type Hit<'a> = &'a mut dyn FnMut(&[u8], u32, u64, &[u8]);

/// The verbs of a face.
pub trait Verbs {
    /// Reads keys in their order.
    fn get(&self, keys: &[&[u8]], hit: Hit<'_>) -> Result<(), Worded>;
    /// Reads and touches one.
    fn gat(&self, key: &[u8], expiry: Expiry, hit: Hit<'_>) -> Result<(), Worded>;
    /// Any storing verb.
    fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Worded>;
    /// incr, or decr.
    fn count(&self, key: &[u8], delta: u64, down: bool) -> Result<Option<u64>, Worded>;
    /// touch
    fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Worded>;
    /// delete
    fn delete(&self, key: &[u8]) -> Result<Deletion, Worded>;
    /// flush_all
    fn flush(&self, delay: u32) -> Result<(), Worded>;
    /// Moves the clock.
    fn advance(&self, seconds: u32) -> Result<(), Worded>;
}

/// Answers what comes on the standard input until it ends.
pub fn run(face: &impl Verbs) -> io::Result<()> {
    let input = BufReader::new(io::stdin().lock());
    let output = BufWriter::new(io::stdout().lock());
    Driver { face, input, output }.run()
}

struct Driver<'a, F> {
    face: &'a F,
    input: BufReader<StdinLock<'static>>,
    output: BufWriter<StdoutLock<'static>>,
}

impl<F: Verbs> Driver<'_, F> {
    fn run(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            if self.input.buffer().is_empty() {
                self.output.flush()?;
            }
            line.clear();
            if self.input.read_until(b'\n', &mut line)? == 0 {
                return self.output.flush();
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            let words: Vec<&[u8]> = text.split(|b| *b == b' ').filter(|w| !w.is_empty()).collect();
            let (words, silent) = match words.split_last() {
                Some((&b"noreply", before)) if !reads(before) => (before, true),
                _ => (&words[..], false),
            };
            let reply = self.answer(words)?.unwrap_or_else(|| b"ERROR\r\n".to_vec());
            if !silent {
                self.output.write_all(&reply)?;
            }
        }
    }

    /// The reply to a command, or `None` if it is none of the driver's.
    fn answer(&mut self, words: &[&[u8]]) -> io::Result<Option<Vec<u8>>> {
        let Some((verb, rest)) = words.split_first() else {
            return Ok(None);
        };
        let reply = match (*verb, rest) {
            (b"get" | b"gets", [_, ..]) => Some(self.get(rest, *verb == b"gets")),
            (b"gat" | b"gats", [exptime, keys @ ..]) if !keys.is_empty() => {
                number(exptime).map(|t| self.gat(t, keys, *verb == b"gats"))
            }
            (b"cas", [key, flags, exptime, len, unique]) => {
                let verb = number(unique).map(Verb::Cas);
                return self.store(verb, key, flags, exptime, len);
            }
            (_, [key, flags, exptime, len]) => {
                return self.store(storing(verb), key, flags, exptime, len);
            }
            (b"incr" | b"decr", [key, delta]) => {
                number(delta).map(|d| counted(self.face.count(key, d, *verb == b"decr")))
            }
            (b"touch", [key, exptime]) => {
                number(exptime).map(|t| match self.face.touch(key, Expiry::from_exptime(t)) {
                    Ok(Touch::Touched) => b"TOUCHED\r\n".to_vec(),
                    Ok(Touch::Missing) => b"NOT_FOUND\r\n".to_vec(),
                    Err(e) => e,
                })
            }
            (b"delete", [key]) => Some(match self.face.delete(key) {
                Ok(Deletion::Deleted) => b"DELETED\r\n".to_vec(),
                Ok(Deletion::Missing) => b"NOT_FOUND\r\n".to_vec(),
                Ok(Deletion::Exists) => b"EXISTS\r\n".to_vec(),
                Err(e) => e,
            }),
            (b"flush_all", []) => Some(done(self.face.flush(0))),
            (b"flush_all", [delay]) => number(delay).map(|d| done(self.face.flush(d))),
            (b"advance", [seconds]) => number(seconds).map(|s| done(self.face.advance(s))),
            _ => None,
        };
        Ok(reply)
    }

    fn get(&self, keys: &[&[u8]], with_cas: bool) -> Vec<u8> {
        let mut reply = Vec::new();
        let mut hit = |key: &[u8], flags: u32, cas: u64, data: &[u8]| {
            value(&mut reply, key, flags, with_cas.then_some(cas), data);
        };
        let result = self.face.get(keys, &mut hit);
        ended(reply, result)
    }

    fn gat(&self, exptime: i64, keys: &[&[u8]], with_cas: bool) -> Vec<u8> {
        let mut reply = Vec::new();
        let mut hit = |key: &[u8], flags: u32, cas: u64, data: &[u8]| {
            value(&mut reply, key, flags, with_cas.then_some(cas), data);
        };
        let expiry = Expiry::from_exptime(exptime);
        let result = keys.iter().try_for_each(|key| self.face.gat(key, expiry, &mut hit));
        ended(reply, result)
    }

    fn store(
        &mut self,
        verb: Option<Verb>,
        key: &[u8],
        flags: &[u8],
        exptime: &[u8],
        len: &[u8],
    ) -> io::Result<Option<Vec<u8>>> {
        let (Some(verb), Some(flags), Some(exptime), Some(len)) =
            (verb, number(flags), number(exptime), number::<usize>(len))
        else {
            return Ok(None);
        };
        let mut data = vec![0; len + 2];
        self.input.read_exact(&mut data)?;
        if !data.ends_with(b"\r\n") {
            return Ok(Some(b"CLIENT_ERROR bad data chunk\r\n".to_vec()));
        }
        data.truncate(len);
        let expiry = Expiry::from_exptime(exptime);
        Ok(Some(match self.face.store(verb, key, &data, flags, expiry) {
            Ok(Outcome::Stored(_)) => b"STORED\r\n".to_vec(),
            Ok(Outcome::NotStored) => b"NOT_STORED\r\n".to_vec(),
            Ok(Outcome::Exists) => b"EXISTS\r\n".to_vec(),
            Ok(Outcome::Missing) => b"NOT_FOUND\r\n".to_vec(),
            Err(e) => e,
        }))
    }
}

/// In a retrieval `noreply` is a key.
fn reads(words: &[&[u8]]) -> bool {
    matches!(words.first(), Some(&(b"get" | b"gets" | b"gat" | b"gats")))
}

fn storing(verb: &[u8]) -> Option<Verb> {
    match verb {
        b"set" => Some(Verb::Set),
        b"add" => Some(Verb::Add),
        b"replace" => Some(Verb::Replace),
        b"append" => Some(Verb::Append),
        b"prepend" => Some(Verb::Prepend),
        _ => None,
    }
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn value(reply: &mut Vec<u8>, key: &[u8], flags: u32, cas: Option<u64>, data: &[u8]) {
    reply.extend_from_slice(b"VALUE ");
    reply.extend_from_slice(key);
    reply.extend(format!(" {flags} {}", data.len()).into_bytes());
    if let Some(cas) = cas {
        reply.extend(format!(" {cas}").into_bytes());
    }
    reply.extend_from_slice(b"\r\n");
    reply.extend_from_slice(data);
    reply.extend_from_slice(b"\r\n");
}

fn ended(mut reply: Vec<u8>, result: Result<(), Worded>) -> Vec<u8> {
    match result {
        Ok(()) => {
            reply.extend_from_slice(b"END\r\n");
            reply
        }
        Err(e) => e,
    }
}

fn counted(result: Result<Option<u64>, Worded>) -> Vec<u8> {
    match result {
        Ok(Some(n)) => format!("{n}\r\n").into_bytes(),
        Ok(None) => b"NOT_FOUND\r\n".to_vec(),
        Err(e) => e,
    }
}

fn done(result: Result<(), Worded>) -> Vec<u8> {
    result.map_or_else(|e| e, |()| b"OK\r\n".to_vec())
}
