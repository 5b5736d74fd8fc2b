//! The items of a dump, into a cache.

use crate::arguments::Load;
use crate::failure::{Answer, Failure};
use crate::format::{Item, Reader};
use crate::look::unix_time;
use crate::units;
use nearcache::{Cache, Error, Expiry, Outcome};
use serde_json::json;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// What became of the items.
#[derive(Default)]
struct Counts {
    loaded: u64,
    /// There already, with `--keep`.
    kept: u64,
    /// Their time was over.
    expired: u64,
    too_large: u64,
    no_memory: u64,
}

/// Loads a dump; no if the cache refused items.
pub fn load(asked: &Load, out: &mut dyn Write) -> Result<Answer, Failure> {
    let cache = asked.name.write()?;
    let (mut input, name) = open(asked.file.as_deref())?;
    let mut counts = Counts::default();
    let evicted = cache.stats().evictions;
    let done =
        verify(&mut input).and_then(|()| store(asked, &cache, BufReader::new(&input), &mut counts));
    if let Err(failure) = done {
        return Err(failure.when(match counts.loaded {
            0 => format!("{name}: nothing was loaded"),
            some => format!("{name}: after {} had been loaded", units::items(some)),
        }));
    }
    let evicted = cache.stats().evictions.saturating_sub(evicted);
    let refused = counts.too_large + counts.no_memory;
    if asked.json {
        let told = json!({
            "loaded": counts.loaded,
            "kept": counts.kept,
            "expired": counts.expired,
            "too_large": counts.too_large,
            "no_memory": counts.no_memory,
            "evicted_meanwhile": evicted,
        });
        writeln!(out, "{told}")?;
    } else {
        writeln!(out, "loaded {} into {}", units::items(counts.loaded), asked.name.text)?;
        for (number, what) in [
            (counts.kept, "left alone, as they are there"),
            (counts.expired, "not loaded, as their time is over"),
            (counts.too_large, "refused: larger than this cache's largest item"),
            (counts.no_memory, "refused: no memory, and the cache may not evict"),
            (evicted, "evicted meanwhile: the cache is too small for all of them"),
        ] {
            if number > 0 {
                writeln!(out, "  {} {what}", units::count(number))?;
            }
        }
    }
    Ok(Answer::of(refused == 0))
}

/// The input, and its name for errors.
fn open(path: Option<&Path>) -> Result<(File, String), Failure> {
    match path {
        Some(path) if path != Path::new("-") => {
            let name = path.display().to_string();
            let file = File::open(path);
            Ok((file.map_err(|error| Failure::Told(format!("{name}: {error}")))?, name))
        }
        _ => {
            let input = io::stdin().as_fd().try_clone_to_owned();
            let input = input.map_err(|error| Failure::Told(format!("standard input: {error}")))?;
            Ok((File::from(input), "standard input".to_string()))
        }
    }
}

/// Reads a file to its end before anything of it is stored, and goes back to where it began. What cannot go back is
/// left as it is.
fn verify(input: &mut File) -> Result<(), Failure> {
    let again = |error: io::Error| Failure::Told(format!("going through the dump: {error}"));
    if !input.metadata().map_err(again)?.is_file() {
        return Ok(());
    }
    let begin = input.stream_position().map_err(again)?;
    let mut reader = Reader::new(BufReader::new(&*input)).map_err(Failure::Told)?;
    while reader.next().map_err(Failure::Told)?.is_some() {}
    input.seek(SeekFrom::Start(begin)).map_err(again)?;
    Ok(())
}

fn store(
    asked: &Load,
    cache: &Cache,
    input: impl io::BufRead,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let mut reader = Reader::new(input).map_err(Failure::Told)?;
    // A clock that was set back since makes nothing older, nor younger.
    let passed = match asked.keep_ttl {
        true => 0,
        false => u64::try_from(unix_time() - reader.time()).unwrap_or(0),
    };
    while let Some(item) = reader.next().map_err(Failure::Told)? {
        match left(&item, passed) {
            Some(expiry) => store_one(asked.keep, cache, &item, expiry, counts)?,
            None => counts.expired += 1,
        }
    }
    Ok(())
}

/// How long an item may still live, or `None` if it may not.
fn left(item: &Item, passed: u64) -> Option<Expiry> {
    match item.ttl {
        None => Some(Expiry::Never),
        Some(ttl) => {
            let left = u64::from(ttl).checked_sub(passed).filter(|left| *left > 0)?;
            u32::try_from(left).ok().map(Expiry::After)
        }
    }
}

fn store_one(
    keep: bool,
    cache: &Cache,
    item: &Item,
    expiry: Expiry,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let stored = match keep {
        true => cache.add(&item.key, &item.value, item.flags, expiry),
        false => cache.set(&item.key, &item.value, item.flags, expiry),
    };
    match stored {
        Ok(Outcome::Stored(_)) => counts.loaded += 1,
        Ok(_) => counts.kept += 1,
        Err(Error::ValueTooLarge { .. }) => counts.too_large += 1,
        Err(Error::OutOfMemory) => counts.no_memory += 1,
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_go_on_while_the_items_lie_in_a_file() {
        let item = |ttl| Item { key: vec![1], value: vec![], flags: 0, ttl };
        assert_eq!(left(&item(None), u64::MAX), Some(Expiry::Never));
        assert_eq!(left(&item(Some(60)), 0), Some(Expiry::After(60)));
        assert_eq!(left(&item(Some(60)), 59), Some(Expiry::After(1)));
        for passed in [60, 61, u64::MAX] {
            assert_eq!(left(&item(Some(60)), passed), None);
        }
        assert_eq!(left(&item(Some(0)), 0), None);
    }
}
