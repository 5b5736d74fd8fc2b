//! The end of fjall's journal after a loss of power. What was not synced may be there in part: the end of a batch without
//! its middle, or lengths that are garbage. fjall takes some of that for the journal's end, and refuses to open, or
//! panics, on other (a checksum that does not fit, a count that does not). None of it was synced, so it is cut off here
//! before fjall looks. If damage lies where something was synced, the watermark tells (`guard.rs`).
//!
//! The format is that of the version of fjall to which the crate is bound; numbers are little-endian:
//!
//! | entry | bytes |
//! |---|---|
//! | start | 1, count of what follows (4), number (8) |
//! | item | 2, type (1), compression (1), keyspace (8), lengths of key (2), value (4) and value on disk (4), key, value |
//! | end | 3, checksum of what is between (8), `FJL` and 3 |
//! | clear | 4, keyspace (8) |

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: [u8; 4] = [b'F', b'J', b'L', 3];

/// Cuts the journal that is written to, the last one, behind its last whole batch.
pub fn cut_torn(dir: &Path) -> Result<()> {
    let Some(path) = last_journal(dir)? else {
        return Ok(());
    };
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let len = file.metadata()?.len();
    let whole = whole_batches(&file, len)?;
    if whole < len {
        file.set_len(whole)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Those before it were synced to their end when the next was begun.
fn last_journal(dir: &Path) -> Result<Option<PathBuf>> {
    let mut last = None;
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if path.extension().is_some_and(|extension| extension == "jnl") {
            last = last.max(number.map(|number| (number, path)));
        }
    }
    Ok(last.map(|(_, path)| path))
}

/// Where the last whole batch ends.
fn whole_batches(file: &File, len: u64) -> Result<u64> {
    let mut reader = Reader { file: BufReader::with_capacity(1 << 16, file), at: 0, len };
    let mut whole = 0;
    loop {
        match reader.batch() {
            Ok(true) => whole = reader.at,
            Ok(false) => return Ok(whole),
            // The file ends in the middle of something.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => return Ok(whole),
            Err(e) => return Err(e),
        }
    }
}

struct Reader<'a> {
    file: BufReader<&'a File>,
    at: u64,
    len: u64,
}

impl Reader<'_> {
    /// Reads a batch; `false`: it is none.
    fn batch(&mut self) -> Result<bool> {
        if self.bytes()? != [START] {
            return Ok(false);
        }
        let count = u32::from_le_bytes(self.bytes()?);
        let _number: [u8; 8] = self.bytes()?;
        let mut sum = Xxh3::new();
        for _ in 0..count {
            if !self.entry(&mut sum)? {
                return Ok(false);
            }
        }
        let (end, told, trailer) = (self.bytes()?, self.bytes()?, self.bytes()?);
        Ok(end == [END] && u64::from_le_bytes(told) == sum.digest() && trailer == TRAILER)
    }

    /// Reads what may be between start and end; `false`: it is none of that.
    fn entry(&mut self, sum: &mut Xxh3) -> Result<bool> {
        let tag = self.bytes()?;
        sum.update(&tag);
        let rest = match tag {
            [CLEAR] => 8,
            [ITEM] => {
                let head: [u8; 20] = self.bytes()?;
                sum.update(&head);
                let [.., k0, k1, _, _, _, _, v0, v1, v2, v3] = head;
                let value = u32::from_le_bytes([v0, v1, v2, v3]);
                u64::from(u16::from_le_bytes([k0, k1])) + u64::from(value)
            }
            _ => return Ok(false),
        };
        self.pass(rest, sum)?;
        Ok(true)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn pass(&mut self, mut rest: u64, sum: &mut Xxh3) -> Result<()> {
        // A length that is garbage is not believed.
        if rest > self.len - self.at {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        let mut bytes = [0; 4096];
        while rest > 0 {
            let part = &mut bytes[..rest.min(4096) as usize];
            self.file.read_exact(part)?;
            sum.update(part);
            (self.at, rest) = (self.at + part.len() as u64, rest - part.len() as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::cut_torn;
    use crate::engine::fjall::Fjall;
    use crate::engine::{Durability, Engine, Space, View};
    use std::fs;

    /// Whatever byte of the last batch is not as it was written, that batch is gone and those before it are there.
    #[test]
    fn the_last_batch_is_cut_wherever_it_is_torn() {
        let dir = std::env::temp_dir().join(format!("nearcache-journal-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let journal = dir.join("0.jnl");
        let used = || fs::read(&journal).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let engine = Fjall::open(&dir, 1 << 20, 1).unwrap();
        let mut ends = Vec::new();
        for n in [b"1", b"2", b"3"] {
            let value = [n[0]; 40];
            let mut changes = [(Space::Items, n.as_slice(), Some(value.as_slice()))].into_iter();
            engine.commit(&mut changes, Durability::Synced).unwrap();
            ends.push(used());
        }
        drop(engine);
        let whole = fs::read(&journal).unwrap();
        cut_torn(&dir).unwrap();
        assert_eq!(fs::metadata(&journal).unwrap().len(), ends[2] as u64, "the zeros behind it");
        // But for its number, which no checksum covers. It is never torn alone: an item begins right behind it.
        let number = ends[1] + 5..ends[1] + 13;
        for at in (ends[1]..ends[2]).filter(|at| !number.contains(at)) {
            let mut torn = whole[..ends[2]].to_vec();
            torn[at] ^= 0xff;
            fs::write(&journal, &torn).unwrap();
            cut_torn(&dir).unwrap();
            assert_eq!(fs::metadata(&journal).unwrap().len(), ends[1] as u64, "torn at {at}");
            fs::write(&journal, &whole[..at]).unwrap();
            cut_torn(&dir).unwrap();
            assert_eq!(fs::metadata(&journal).unwrap().len(), ends[1] as u64, "cut at {at}");
        }
        let engine = Fjall::open(&dir, 1 << 20, 1).unwrap();
        assert!(engine.get(Space::Items, b"2").unwrap().is_some());
        assert!(engine.get(Space::Items, b"3").unwrap().is_none());
        drop(engine);
        fs::remove_dir_all(&dir).unwrap();
    }
}
