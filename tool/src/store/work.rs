//! Long work on a whole store: backup, restore, verify, compact.

use super::arguments::{Backup, Compact, Restore, Verify};
use super::at::At;
use super::look::fact;
use crate::failure::{Answer, Failure};
use crate::progress::Meter;
use crate::units;
use nearcache_store::{Durable, Error, Place};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Copies a store to a new directory.
pub fn backup(asked: &Backup, out: &mut dyn Write) -> Result<Answer, Failure> {
    let to = target(&asked.at.place, &asked.to)?;
    let durable = asked.at.place.open()?;
    copy("backup", &to, asked.shown.progress, asked.json, out, |meter| {
        durable.backup(to.clone(), &mut meter.go_on())
    })
}

/// Copies a backup to where it is to be a store.
pub fn restore(asked: &Restore, out: &mut dyn Write) -> Result<Answer, Failure> {
    copy("restore", &asked.to, asked.shown.progress, asked.json, out, |meter| {
        nearcache_store::restore(&asked.backup, &asked.to, &mut meter.go_on())
    })
}

/// A daemon runs elsewhere in the file system, or on another machine.
fn target(place: &At, to: &Path) -> Result<PathBuf, Failure> {
    let unknown = |error| Failure::Told(format!("{}: {error}", to.display()));
    match &place.0 {
        Place::Directory(_) => Ok(to.to_path_buf()),
        Place::Unix(..) => std::path::absolute(to).map_err(unknown),
        Place::Tcp(..) if to.is_absolute() => Ok(to.to_path_buf()),
        Place::Tcp(..) => Err(Failure::Told(format!(
            "{} is a directory of the daemon's machine: give the whole path, from '/' on",
            to.display()
        ))),
    }
}

fn copy(
    doing: &'static str,
    to: &Path,
    lines: bool,
    json: bool,
    out: &mut dyn Write,
    work: impl FnOnce(&mut Meter) -> Result<(), Error>,
) -> Result<Answer, Failure> {
    let mut meter = Meter::start(doing, lines)?;
    let begun = Instant::now();
    let done = work(&mut meter);
    let entries = meter.done();
    drop(meter);
    let to = to.display();
    match done {
        Err(error @ (Error::Stopped | Error::DiskFull(_) | Error::System(..))) => {
            return Err(Failure::Told(format!(
                "{error}. What is in {to} is no store: remove it, or give it again"
            )));
        }
        done => done?,
    }
    let seconds = begun.elapsed().as_secs_f64();
    match json {
        true => {
            let told = json!({"to": to.to_string(), "entries": entries, "seconds": seconds});
            writeln!(out, "{told}")?;
        }
        false => {
            let count = units::count(entries);
            writeln!(out, "{doing}: {count} items and messages in {to}, {seconds:.1} s")?;
        }
    }
    Ok(Answer::Yes)
}

/// Verifies; something that is wrong is no.
pub fn verify(asked: &Verify, out: &mut dyn Write) -> Result<Answer, Failure> {
    let place = &asked.at.place;
    let mut meter = Meter::start("verify", asked.shown.progress)?;
    let verified = place.try_open().and_then(|durable| {
        durable.verify(&mut meter.go_on())?;
        durable.stats()
    });
    drop(meter);
    let (stats, broken) = match verified {
        Ok(stats) => (stats, None),
        // What the system refuses to read is wrong as well.
        Err(error @ (Error::Damaged(_) | Error::Lost { .. } | Error::System(..))) => {
            (Vec::new(), Some(error.to_string()))
        }
        Err(Error::Stopped) => return Err(Failure::told("stopped: what was read so far is sound")),
        Err(other) => return Err(other.into()),
    };
    let (items, messages) = (fact(&stats, "curr_items"), fact(&stats, "messages"));
    match (asked.json, &broken) {
        (true, _) => {
            let told = json!({
                "place": place.to_string(),
                "sound": broken.is_none(),
                "broken": broken,
                "items": items,
                "messages": messages,
            });
            writeln!(out, "{told}")?;
        }
        (false, None) => {
            let (items, messages) = (units::items(items), units::count(messages));
            writeln!(out, "{place}: sound: {items} and {messages} messages recounted")?;
        }
        (false, Some(what)) => writeln!(out, "{place}: broken: {what}")?,
    }
    Ok(Answer::of(broken.is_none()))
}

/// Gives disk back.
pub fn compact(asked: &Compact, out: &mut dyn Write) -> Result<Answer, Failure> {
    let place = &asked.at.place;
    let durable = place.open()?;
    let mut meter = Meter::start("compact", asked.shown.progress)?;
    let before = disk(&durable)?;
    let done = durable.compact(&mut meter.go_on());
    drop(meter);
    match done {
        Err(Error::Stopped) => {
            return Err(Failure::told(
                "stopped: the store is whole, and a part of it is compacted",
            ));
        }
        done => done?,
    }
    let after = disk(&durable)?;
    match asked.json {
        true => writeln!(out, "{}", json!({"disk_before": before, "disk_after": after}))?,
        false => {
            let (before, after) = (units::bytes(before), units::bytes(after));
            writeln!(out, "{place}: compacted: {before} on the disk before, {after} after")?;
        }
    }
    Ok(Answer::Yes)
}

fn disk(durable: &Durable) -> Result<u64, Failure> {
    Ok(fact(&durable.stats()?, "disk_bytes"))
}
