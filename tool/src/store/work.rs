//! Long work on a whole store: backup, restore, verify, compact.

use super::arguments::{Backup, Compact, Restore, Verify};
use super::look::fact;
use crate::failure::{Answer, Failure};
use crate::progress::Meter;
use crate::units;
use nearcache_store::{Durable, Error, GoOn};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Copies a store to a new directory.
pub fn backup(asked: &Backup, out: &mut dyn Write) -> Result<Answer, Failure> {
    let place = &asked.at.place;
    let durable = place.open()?;
    let is_here = durable.local().is_some();
    // A daemon has another working directory.
    let to = if is_here { Ok(asked.to.clone()) } else { std::path::absolute(&asked.to) };
    let to = to.map_err(|error| Failure::Told(format!("{}: {error}", asked.to.display())))?;
    let copy = Copy { doing: "backup", to: &to, is_here, json: asked.json };
    copy.run(asked.shown.progress, out, |go_on| durable.backup(to.clone(), go_on))
}

/// Copies a backup to where it is to be a store.
pub fn restore(asked: &Restore, out: &mut dyn Write) -> Result<Answer, Failure> {
    let copy = Copy { doing: "restore", to: &asked.to, is_here: true, json: asked.json };
    copy.run(asked.shown.progress, out, |go_on| {
        nearcache_store::restore(&asked.backup, &asked.to, go_on)
    })
}

/// A copy to a directory, and how it is told.
struct Copy<'a> {
    doing: &'static str,
    to: &'a Path,
    /// Is it this process that copies?
    is_here: bool,
    json: bool,
}

impl Copy<'_> {
    fn run(
        &self,
        lines: bool,
        out: &mut dyn Write,
        work: impl FnOnce(GoOn<'_>) -> Result<(), Error>,
    ) -> Result<Answer, Failure> {
        let mut meter = Meter::start(self.doing, lines)?;
        let begun = Instant::now();
        let done = work(&mut meter.go_on());
        let (entries, seconds) = (meter.done(), begun.elapsed().as_secs_f64());
        drop(meter);
        match done {
            Err(error @ (Error::Stopped | Error::DiskFull(_) | Error::System(..))) => {
                return Err(self.half_made(&error));
            }
            done => done?,
        }
        let to = self.to.display();
        match self.json {
            true => {
                let told = json!({"to": to.to_string(), "entries": entries, "seconds": seconds});
                writeln!(out, "{told}")?;
            }
            false => {
                let (doing, count) = (self.doing, units::count(entries));
                writeln!(out, "{doing}: {count} items and messages to {to} in {seconds:.1} s")?;
            }
        }
        Ok(Answer::Yes)
    }

    fn half_made(&self, error: &Error) -> Failure {
        // A daemon hears that it is to stop when it next tells how far it is.
        let unless = match (self.is_here, error) {
            (false, Error::Stopped) => "Unless the daemon was done just then, what",
            _ => "What",
        };
        let to = self.to.display();
        Failure::Told(format!(
            "{error}. {unless} is in {to} is no store: remove it, or give it again"
        ))
    }
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
            let (items, messages) = (units::items(items), units::messages(messages));
            writeln!(out, "{place}: sound: {items} and {messages} recounted")?;
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
