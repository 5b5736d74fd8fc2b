//! The recount of a cache.

use crate::arguments::Check;
use crate::attach::{living, processes_are};
use crate::failure::{Answer, Failure, note};
use crate::units;
use nearcache::Error;
use serde_json::json;
use std::io::Write;

/// Recounts; a broken invariant is no.
pub fn check(asked: &Check, out: &mut dyn Write) -> Result<Answer, Failure> {
    // For writing: what the dead have announced is finished before it is counted.
    let cache = asked.name.write()?;
    // Before this process does anything that makes it one of them.
    let living = living(&cache.processes()).len();
    if living > 0 {
        note(&format!(
            "{} attached to {}: what they write while it is counted may look broken",
            processes_are(living),
            asked.name.text
        ));
    }
    let broken = match cache.check() {
        Ok(()) => None,
        Err(Error::Corrupt(what)) => Some(what),
        Err(other) => return Err(other.into()),
    };
    if asked.json {
        let told = json!({
            "name": asked.name.text,
            "sound": broken.is_none(),
            "broken": broken,
            "living_processes": living,
        });
        writeln!(out, "{told}")?;
        return Ok(Answer::of(broken.is_none()));
    }
    match &broken {
        None => writeln!(
            out,
            "{}: sound (if nobody wrote meanwhile): {} recounted",
            asked.name.text,
            units::items(cache.len())
        )?,
        Some(what) => {
            writeln!(out, "{}: broken, unless somebody wrote meanwhile: {what}", asked.name.text)?
        }
    }
    Ok(Answer::of(broken.is_none()))
}
