//! The core's driver: classic text commands on standard input, answered through the crate's own interface.
//!
//! It holds no cache logic: it parses a line, calls the core, words the answer. Its argument chooses the call
//! that reads, so that every way to read is held to the same table: `many` (the default) is `get_many`,
//! `copy` is `get`, `pin` is `pin`.

use nearcache::{Cache, Deletion, Error, Expiry, Options, Outcome, Touch, Verb};
use std::io::{self, BufRead, BufReader, BufWriter, Read, StdinLock, StdoutLock, Write};
use std::process::ExitCode;

const SIZE: u64 = 64 << 20;
const BAD_LINE: &[u8] = b"CLIENT_ERROR bad command line format\r\n";

#[derive(Clone, Copy)]
enum Reading {
    Many,
    Copy,
    Pin,
}

fn main() -> ExitCode {
    let reading = match std::env::args().nth(1).as_deref() {
        None | Some("many") => Reading::Many,
        Some("copy") => Reading::Copy,
        Some("pin") => Reading::Pin,
        Some(other) => {
            eprintln!("driver_core: {other:?} is no way to read: many, copy or pin");
            return ExitCode::FAILURE;
        }
    };
    let mut options = Options::new(SIZE);
    options.manual_clock = true;
    let result = options.open().map_err(io::Error::other).and_then(|cache| {
        Driver {
            cache,
            reading,
            input: BufReader::new(io::stdin().lock()),
            output: BufWriter::new(io::stdout().lock()),
        }
        .run()
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("driver_core: {e}");
            ExitCode::FAILURE
        }
    }
}

struct Driver {
    cache: Cache,
    reading: Reading,
    input: BufReader<StdinLock<'static>>,
    output: BufWriter<StdoutLock<'static>>,
}

impl Driver {
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
            (b"incr", [key, delta]) => number(delta).map(|d| counted(self.cache.incr(key, d))),
            (b"decr", [key, delta]) => number(delta).map(|d| counted(self.cache.decr(key, d))),
            (b"touch", [key, exptime]) => {
                number(exptime).map(|t| match self.cache.touch(key, Expiry::from_exptime(t)) {
                    Ok(Touch::Touched) => b"TOUCHED\r\n".to_vec(),
                    Ok(Touch::Missing) => b"NOT_FOUND\r\n".to_vec(),
                    Err(e) => worded(&e),
                })
            }
            (b"delete", [key]) => Some(match self.cache.delete(key) {
                Ok(Deletion::Deleted) => b"DELETED\r\n".to_vec(),
                Ok(Deletion::Missing) => b"NOT_FOUND\r\n".to_vec(),
                Ok(Deletion::Exists) => b"EXISTS\r\n".to_vec(),
                Err(e) => worded(&e),
            }),
            (b"flush_all", []) => Some(self.flush(0)),
            (b"flush_all", [delay]) => number(delay).map(|d| self.flush(d)),
            (b"advance", [seconds]) => number(seconds).map(|s| match self.cache.advance_clock(s) {
                Ok(()) => b"OK\r\n".to_vec(),
                Err(e) => worded(&e),
            }),
            _ => None,
        };
        Ok(reply)
    }

    fn get(&self, keys: &[&[u8]], with_cas: bool) -> Vec<u8> {
        let mut reply = Vec::new();
        let mut hit = |key: &[u8], flags: u32, cas: u64, data: &[u8]| {
            value(&mut reply, key, flags, with_cas.then_some(cas), data);
        };
        let result = match self.reading {
            Reading::Many => self.cache.get_many(keys, |at, meta, data| {
                hit(keys[at], meta.flags, meta.cas, data);
            }),
            Reading::Pin => keys.iter().try_for_each(|key| {
                if let Some(pin) = self.cache.pin(key)? {
                    hit(key, pin.meta().flags, pin.meta().cas, &pin);
                }
                Ok(())
            }),
            Reading::Copy => keys.iter().try_for_each(|key| {
                if let Some(v) = self.cache.get(key)? {
                    hit(key, v.flags, v.cas, &v.data);
                }
                Ok(())
            }),
        };
        ended(reply, result)
    }

    fn gat(&self, exptime: i64, keys: &[&[u8]], with_cas: bool) -> Vec<u8> {
        let mut reply = Vec::new();
        let result = keys.iter().try_for_each(|key| {
            if let Some(v) = self.cache.gat(key, Expiry::from_exptime(exptime))? {
                value(&mut reply, key, v.flags, with_cas.then_some(v.cas), &v.data);
            }
            Ok(())
        });
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
        Ok(Some(match self.cache.store(verb, key, &data, flags, expiry) {
            Ok(Outcome::Stored(_)) => b"STORED\r\n".to_vec(),
            Ok(Outcome::NotStored) => b"NOT_STORED\r\n".to_vec(),
            Ok(Outcome::Exists) => b"EXISTS\r\n".to_vec(),
            Ok(Outcome::Missing) => b"NOT_FOUND\r\n".to_vec(),
            Err(e) => worded(&e),
        }))
    }

    fn flush(&self, delay: u32) -> Vec<u8> {
        self.cache.flush_all(delay).expect("the cache may be written");
        b"OK\r\n".to_vec()
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

fn ended(mut reply: Vec<u8>, result: Result<(), Error>) -> Vec<u8> {
    match result {
        Ok(()) => {
            reply.extend_from_slice(b"END\r\n");
            reply
        }
        Err(e) => worded(&e),
    }
}

fn counted(result: Result<Option<u64>, Error>) -> Vec<u8> {
    match result {
        Ok(Some(n)) => format!("{n}\r\n").into_bytes(),
        Ok(None) => b"NOT_FOUND\r\n".to_vec(),
        Err(e) => worded(&e),
    }
}

fn worded(error: &Error) -> Vec<u8> {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => BAD_LINE.to_vec(),
        Error::ValueTooLarge { .. } => b"SERVER_ERROR object too large for cache\r\n".to_vec(),
        Error::OutOfMemory => b"SERVER_ERROR out of memory storing object\r\n".to_vec(),
        Error::NotNumeric => {
            b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n".to_vec()
        }
        other => format!("SERVER_ERROR {other}\r\n").into_bytes(),
    }
}
