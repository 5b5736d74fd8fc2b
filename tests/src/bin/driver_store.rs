//! The store's driver: classic text commands on standard input, answered through its own interface, on a directory of
//! its own that goes away with it. It holds no logic: see `driver.rs`.

use conformance::driver::{self, BAD_LINE, Hit, Verbs, Worded};
use nearcache::{Deletion, Expiry, Outcome, Touch, Verb};
use nearcache_store::{Error, Options, Policy, Store};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    let dir = directory();
    let mut options = Options::default();
    // What the disk does is another test's: here it is about the answers.
    options.policy = Policy::Never;
    options.near = if std::env::args().nth(1).as_deref() == Some("far") { 0 } else { 8 << 20 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    options.manual_clock = Some(now as i64);
    let opened = Store::open(&dir, options).map_err(io::Error::other);
    let result = opened.and_then(|store| driver::run(&Durable(store)));
    let _ = std::fs::remove_dir_all(&dir);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("driver_store: {e}");
            ExitCode::FAILURE
        }
    }
}

/// In memory if there is such a place: a store for each conversation is much to make on a disk.
fn directory() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    place.join(format!("nearcache-driver-{}", std::process::id()))
}

struct Durable(Store);

impl Verbs for Durable {
    fn get(&self, keys: &[&[u8]], hit: Hit<'_>) -> Result<(), Worded> {
        self.0.get_many(keys, |at, v| hit(keys[at], v.flags, v.cas, &v.data)).map_err(worded)
    }
    fn gat(&self, key: &[u8], expiry: Expiry, hit: Hit<'_>) -> Result<(), Worded> {
        if let Some(v) = self.0.gat(key, expiry).map_err(worded)? {
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
        self.0.store(verb, key, value, flags, expiry).map_err(worded)
    }
    fn count(&self, key: &[u8], delta: u64, down: bool) -> Result<Option<u64>, Worded> {
        let counted = if down { self.0.decr(key, delta) } else { self.0.incr(key, delta) };
        counted.map_err(worded)
    }
    fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Touch, Worded> {
        self.0.touch(key, expiry).map_err(worded)
    }
    fn delete(&self, key: &[u8]) -> Result<Deletion, Worded> {
        self.0.delete(key).map_err(worded)
    }
    fn flush(&self, delay: u32) -> Result<(), Worded> {
        self.0.flush_all(delay).map_err(worded)
    }
    fn advance(&self, seconds: u32) -> Result<(), Worded> {
        self.0.advance_clock(seconds).map_err(worded)
    }
}

fn worded(error: Error) -> Worded {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => BAD_LINE.to_vec(),
        Error::ValueTooLarge { .. } => b"SERVER_ERROR object too large for cache\r\n".to_vec(),
        Error::NotNumeric => {
            b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n".to_vec()
        }
        other => format!("SERVER_ERROR {other}\r\n").into_bytes(),
    }
}
