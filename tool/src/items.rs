//! One item, or the keys of all: get, set, delete, keys.

use crate::arguments::{Delete, Get, Key, Keys, Set};
use crate::escape::{escape, to_json, unescape};
use crate::failure::{Answer, Failure, note};
use nearcache::{Deletion, Expiry, Outcome};
use serde_json::json;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;

impl Key {
    /// The key's bytes.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        written(&self.key, self.escaped)
    }
}

/// What a word of the command line stands for.
pub fn written(word: &OsStr, escaped: bool) -> Result<Vec<u8>, Failure> {
    match escaped {
        true => unescape(word.as_bytes()).map_err(Failure::Told),
        false => Ok(word.as_bytes().to_vec()),
    }
}

/// Writes the value; a miss is no.
pub fn get(asked: &Get, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    let Some(hit) = asked.name.read()?.get(&key)? else {
        note(&format!("{} has no item {}", asked.name.text, escape(&key)));
        return Ok(Answer::No);
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

/// Stores the value.
pub fn set(asked: &Set, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    // Before the input is read: who mistyped the name is told at once.
    let cache = asked.name.write()?;
    let value = match asked.value.as_deref() {
        Some(value) if value != "-" => value.as_bytes().to_vec(),
        _ => {
            let limit = cache.item_size_max();
            standard_input(limit)?.ok_or_else(|| {
                Failure::Told(format!(
                    "standard input has more than {limit} bytes, the largest item of this cache; a cache is given \
                     another limit when it is created, with --item-size-max"
                ))
            })?
        }
    };
    let expiry = asked.ttl.map_or(Expiry::Never, Expiry::After);
    match cache.set(&key, &value, asked.flags, expiry)? {
        Outcome::Stored(cas) => {
            if asked.json {
                writeln!(out, "{}", json!({ "stored": true, "cas": cas }))?;
            }
            Ok(Answer::Yes)
        }
        other => Err(Failure::Told(format!("the set was answered with {other:?}"))),
    }
}

/// All of standard input; `None` if it has more than this many bytes.
pub fn standard_input(limit: usize) -> Result<Option<Vec<u8>>, Failure> {
    let mut value = Vec::new();
    let mut input = io::stdin().lock().take(limit as u64 + 1);
    let read = input.read_to_end(&mut value);
    read.map_err(|error| Failure::Told(format!("reading standard input: {error}")))?;
    Ok(Some(value).filter(|value| value.len() <= limit))
}

/// Removes the item; no if it was not there.
pub fn delete(asked: &Delete, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = asked.key.bytes()?;
    let deleted = asked.name.write()?.delete(&key)? == Deletion::Deleted;
    if asked.json {
        writeln!(out, "{}", json!({ "deleted": deleted }))?;
    } else if !deleted {
        note(&format!("{} has no item {}", asked.name.text, escape(&key)));
    }
    Ok(Answer::of(deleted))
}

/// Lists the keys as they are met, so that the first is there at once however many follow.
pub fn keys(asked: &Keys, out: &mut dyn Write) -> Result<Answer, Failure> {
    let prefix = match &asked.prefix {
        Some(prefix) => written(prefix, asked.escaped)?,
        None => Vec::new(),
    };
    let cache = asked.name.read()?;
    let mut between = "[";
    for key in cache.keys(&prefix) {
        if asked.json {
            write!(out, "{between}{}", to_json(&key))?;
            between = ",\n ";
        } else if asked.null {
            out.write_all(&key)?;
            out.write_all(b"\0")?;
        } else {
            writeln!(out, "{}", escape(&key))?;
        }
    }
    if asked.json {
        writeln!(out, "{}]", if between == "[" { "[" } else { "" })?;
    }
    Ok(Answer::Yes)
}
