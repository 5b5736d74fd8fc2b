//! Queues are halted, emptied and removed: pause, resume, purge and rm.

use super::arguments::{Of, Purge, Rm};
use crate::escape::{escape, to_json};
use crate::failure::{Answer, Failure, note};
use crate::units;
use serde_json::json;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

/// Halts a queue, or lets it go on.
pub fn pause(of: &Of, is_paused: bool) -> Result<Answer, Failure> {
    of.at.place.open()?.pause(of.name(), is_paused)?;
    Ok(Answer::Yes)
}

/// Empties a queue.
pub fn purge(asked: &Purge, out: &mut dyn Write) -> Result<Answer, Failure> {
    let name = asked.of.name();
    let purged = asked.of.at.place.open()?.purge(name)?;
    match asked.json {
        true => writeln!(out, "{}", json!({ "purged": purged }))?,
        false => writeln!(out, "{}: dropped {}", escape(name), units::messages(purged))?,
    }
    Ok(Answer::Yes)
}

/// Removes queues; what is not there does not keep it from the others.
pub fn rm(asked: &Rm, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.at.place.open()?;
    let (mut told, mut all) = (Vec::new(), true);
    for name in asked.queues.iter().map(|name| name.as_bytes()) {
        let removed = durable.delete_queue(name)?;
        all &= removed;
        match (asked.json, removed) {
            (true, _) => told.push(json!({ "name": to_json(name), "removed": removed })),
            (false, true) => writeln!(out, "removed {}", escape(name))?,
            (false, false) => note(&format!("{}: there is no such queue", escape(name))),
        }
    }
    if asked.json {
        writeln!(out, "{}", json!(told))?;
    }
    Ok(Answer::of(all))
}
