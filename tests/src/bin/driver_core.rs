//! The core's driver: classic text commands on standard input, answered through the crate's own interface.
//!
//! It holds no cache logic: it parses a line, calls the core, words the answer. Its argument chooses the call
//! that reads, so that every way to read is held to the same table: `many` (the default) is `get_many`,
//! `copy` is `get`, `pin` is `pin`.

use conformance::driver::{self, BAD_LINE, Hit, Verbs, Worded};
use nearcache::{Cache, Deletion, Error, Expiry, Options, Outcome, Touch, Verb};
use std::io;
use std::process::ExitCode;

const SIZE: u64 = 64 << 20;

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
    let opened = options.open().map_err(io::Error::other);
    let result = opened.and_then(|cache| driver::run(&Core { cache, reading }));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("driver_core: {e}");
            ExitCode::FAILURE
        }
    }
}

struct Core {
    cache: Cache,
    reading: Reading,
}

impl Verbs for Core {
    fn get(&self, keys: &[&[u8]], hit: Hit<'_>) -> Result<(), Worded> {
        let read = match self.reading {
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
        read.map_err(worded)
    }
    fn gat(&self, key: &[u8], expiry: Expiry, hit: Hit<'_>) -> Result<(), Worded> {
        if let Some(v) = self.cache.gat(key, expiry).map_err(worded)? {
            hit(key, v.flags, v.cas, &v.data);
        }
        Ok(())
    }
    fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Worded> {
        self.cache.store(verb, key, value, flags, expiry).map_err(worded)
    }
    fn count(&self, key: &[u8], delta: u64, down: bool) -> Result<Option<u64>, Worded> {
        let counted = if down { self.cache.decr(key, delta) } else { self.cache.incr(key, delta) };
        counted.map_err(worded)
    }
    fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Worded> {
        self.cache.touch(key, expiry).map_err(worded)
    }
    fn delete(&self, key: &[u8]) -> Result<Deletion, Worded> {
        self.cache.delete(key).map_err(worded)
    }
    fn flush(&self, delay: u32) -> Result<(), Worded> {
        self.cache.flush_all(delay).map_err(worded)
    }
    fn advance(&self, seconds: u32) -> Result<(), Worded> {
        self.cache.advance_clock(seconds).map_err(worded)
    }
}

fn worded(error: Error) -> Vec<u8> {
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
