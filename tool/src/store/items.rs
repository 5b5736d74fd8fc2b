//! One item of a store, or all at once: get, set, delete, flush.

use super::arguments::{Delete, Flush, Get, Set};
use super::at::ITEM_MAX;
use crate::escape::{escape, to_json};
use crate::failure::{Answer, Failure, note};
use crate::items::standard_input;
use nearcache::{Deletion, Expiry, Outcome, Verb};
use serde_json::json;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

/// Writes the value; a miss is no.
pub fn get(asked: &Get, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    let place = &asked.at.place;
    let Some(hit) = place.open()?.get(&key)? else {
        return Err(Failure::No(format!("{place} has no item {}", escape(&key))));
    };
    match asked.json {
        true => {
            let item = json!({
                "key": to_json(&key),
                "value": to_json(&hit.data),
                "flags": hit.flags,
                "cas": hit.cas,
                "ttl": hit.ttl,
            });
            writeln!(out, "{item}")?;
        }
        false => out.write_all(&hit.data)?,
    }
    Ok(Answer::Yes)
}

/// A value, or a message: from the command line, or from standard input.
pub fn given(word: Option<&OsStr>) -> Result<Vec<u8>, Failure> {
    match word {
        Some(word) if word != "-" => Ok(word.as_bytes().to_vec()),
        _ => standard_input(ITEM_MAX)?.ok_or_else(|| {
            Failure::told("standard input has more than 1 GiB, and nothing larger can be stored")
        }),
    }
}

/// Stores the value.
pub fn set(asked: &Set, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    // Before the input is read: who mistyped the place is told at once.
    let durable = asked.at.place.open()?;
    let value = given(asked.value.as_deref())?;
    let expiry = asked.ttl.map_or(Expiry::Never, Expiry::After);
    match durable.store(Verb::Set, &key, &value, asked.flags, expiry)? {
        Outcome::Stored(cas) => {
            if asked.json {
                writeln!(out, "{}", json!({ "stored": true, "cas": cas }))?;
            }
            Ok(Answer::Yes)
        }
        other => Err(Failure::Told(format!("the set was answered with {other:?}"))),
    }
}

/// Removes the item; no if it was not there.
pub fn delete(asked: &Delete, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    let place = &asked.at.place;
    let deleted = place.open()?.delete(&key, None)? == Deletion::Deleted;
    if asked.json {
        writeln!(out, "{}", json!({ "deleted": deleted }))?;
    } else if !deleted {
        note(&format!("{place} has no item {}", escape(&key)));
    }
    Ok(Answer::of(deleted))
}

/// Removes all items.
pub fn flush(asked: &Flush) -> Result<Answer, Failure> {
    asked.at.place.open()?.flush_all(asked.delay)?;
    Ok(Answer::Yes)
}
