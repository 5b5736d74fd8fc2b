//! The items of a dump, into a cache or whatever else takes items.

use crate::arguments::Load;
use crate::failure::{Answer, Failure};
use crate::format::{Item, Reader};
use crate::look::unix_time;
use crate::units;
use nearcache::{Cache, Error, Expiry, Outcome};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// What became of the items.
#[derive(Default)]
pub struct Counts {
    pub loaded: u64,
    /// There already, with `--keep`.
    pub kept: u64,
    /// Their time was over.
    pub expired: u64,
    pub too_large: u64,
    pub no_memory: u64,
}

/// What takes the items of a dump.
pub trait Target {
    /// Takes an item, to live so long; what became of it is counted now, or later.
    fn take(&mut self, item: Item, expiry: Expiry, counts: &mut Counts) -> Result<(), Failure>;

    /// So many items of so many were read; may it go on?
    fn goes_on(&mut self, _read: u64, _of: Option<u64>) -> bool {
        true
    }

    /// That was the last one.
    fn end(&mut self, _counts: &mut Counts) -> Result<(), Failure> {
        Ok(())
    }
}

struct IntoCache<'a> {
    cache: &'a Cache,
    keep: bool,
}

impl Target for IntoCache<'_> {
    fn take(&mut self, item: Item, expiry: Expiry, counts: &mut Counts) -> Result<(), Failure> {
        let stored = match self.keep {
            true => self.cache.add(&item.key, &item.value, item.flags, expiry),
            false => self.cache.set(&item.key, &item.value, item.flags, expiry),
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
}

/// Loads a dump; no if the cache refused items.
pub fn load(asked: &Load, out: &mut dyn Write) -> Result<Answer, Failure> {
    let cache = asked.name.write()?;
    let evicted = cache.stats().evictions;
    let mut into = IntoCache { cache: &cache, keep: asked.keep };
    let counts = read(asked.file.as_deref(), asked.keep_ttl, &mut into)?;
    let evicted = cache.stats().evictions.saturating_sub(evicted);
    let facts = [
        ("kept", counts.kept, "left alone, as they are there"),
        ("expired", counts.expired, "not loaded, as their time is over"),
        ("too_large", counts.too_large, "refused: larger than this cache's largest item"),
        ("no_memory", counts.no_memory, "refused: no memory, and the cache may not evict"),
        ("evicted_meanwhile", evicted, "evicted meanwhile: the cache is too small for all of them"),
    ];
    tell(asked.json, counts.loaded, &asked.name.text, &facts, out)?;
    Ok(Answer::of(counts.too_large + counts.no_memory == 0))
}

/// Says how many were loaded into what, and how many were not, each with its name and why.
pub fn tell(
    json: bool,
    loaded: u64,
    into: &str,
    facts: &[(&str, u64, &str)],
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if json {
        let mut told = Map::from_iter([("loaded".to_string(), json!(loaded))]);
        told.extend(facts.iter().map(|(name, number, _)| (name.to_string(), json!(number))));
        writeln!(out, "{}", Value::Object(told))?;
        return Ok(());
    }
    writeln!(out, "loaded {} into {into}", units::items(loaded))?;
    for (_, number, why) in facts.iter().filter(|(_, number, _)| *number > 0) {
        writeln!(out, "  {} {why}", units::count(*number))?;
    }
    Ok(())
}

/// Reads a dump into a target; an error says how many items had been loaded.
pub fn read(file: Option<&Path>, keep_ttl: bool, into: &mut dyn Target) -> Result<Counts, Failure> {
    let (mut input, name) = open(file)?;
    let mut counts = Counts::default();
    let done = verify(&mut input)
        .and_then(|items| store(BufReader::new(&input), items, keep_ttl, into, &mut counts));
    match done {
        Ok(()) => Ok(counts),
        Err(failure) => Err(failure.when(match counts.loaded {
            0 => format!("{name}: nothing was loaded"),
            some => format!("{name}: after {} had been loaded", units::items(some)),
        })),
    }
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

/// Reads a file to its end before anything of it is stored, and goes back to where it began; how many items it has. What
/// cannot go back is left as it is.
fn verify(input: &mut File) -> Result<Option<u64>, Failure> {
    let again = |error: io::Error| Failure::Told(format!("going through the dump: {error}"));
    if !input.metadata().map_err(again)?.is_file() {
        return Ok(None);
    }
    let begin = input.stream_position().map_err(again)?;
    let mut reader = Reader::new(BufReader::new(&*input)).map_err(Failure::Told)?;
    let mut items = 0;
    while reader.next().map_err(Failure::Told)?.is_some() {
        items += 1;
    }
    input.seek(SeekFrom::Start(begin)).map_err(again)?;
    Ok(Some(items))
}

fn store(
    input: impl io::BufRead,
    of: Option<u64>,
    keep_ttl: bool,
    into: &mut dyn Target,
    counts: &mut Counts,
) -> Result<(), Failure> {
    let mut reader = Reader::new(input).map_err(Failure::Told)?;
    // A clock that was set back since makes nothing older, nor younger.
    let passed = match keep_ttl {
        true => 0,
        false => u64::try_from(unix_time() - reader.time()).unwrap_or(0),
    };
    let mut items = 0;
    while let Some(item) = reader.next().map_err(Failure::Told)? {
        items += 1;
        match left(&item, passed) {
            Some(expiry) => into.take(item, expiry, counts)?,
            None => counts.expired += 1,
        }
        if !into.goes_on(items, of) {
            into.end(counts)?;
            return Err(Failure::told("stopped"));
        }
    }
    into.end(counts)
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
