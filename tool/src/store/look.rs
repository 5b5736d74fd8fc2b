//! What a store is and what is in it: stat and list.

use super::arguments::{List, Stat};
use super::entries::Entries;
use crate::escape::{escape, to_json};
use crate::failure::{Answer, Failure};
use crate::items::written;
use crate::table::{Paint, Side, Table, Tone};
use crate::units;
use nearcache_store::{Entry, Policy};
use serde_json::{Map, json};
use std::ffi::OsString;
use std::io::Write;

/// One of a store's statistics.
pub fn fact(stats: &[(String, u64)], name: &str) -> u64 {
    stats.iter().find(|(known, _)| known == name).map_or(0, |(_, number)| *number)
}

/// Shows a store.
pub fn stat(asked: &Stat, out: &mut dyn Write) -> Result<Answer, Failure> {
    let place = &asked.at.place;
    let durable = place.open()?;
    let about = durable.about()?;
    let id = format!("{:032x}", about.id);
    let policy = match about.policy {
        Policy::Always => "always".to_string(),
        Policy::EveryMillis(n) => format!("every {n} ms"),
        Policy::Never => "never".to_string(),
    };
    let (stats, queues) = (durable.stats()?, durable.queue_names()?);
    let fact = |name| fact(&stats, name);
    if asked.json {
        let stats = stats.iter().map(|(name, number)| (name.clone(), json!(number)));
        let stats = stats.collect::<Map<_, _>>();
        let told = json!({
            "place": place.to_string(),
            "info": {
                "dir": about.dir,
                "format": about.format,
                "id": id,
                "sync": durable.local().is_none().then_some(&policy),
                "items": fact("curr_items"),
                "bytes": fact("bytes"),
                "messages": fact("messages"),
                "message_bytes": fact("message_bytes"),
                "disk_bytes": fact("disk_bytes"),
                "sequence": fact("sequence"),
                "synced_sequence": fact("synced_sequence"),
            },
            "stats": stats,
            "queues": queues.iter().map(|name| to_json(name)).collect::<Vec<_>>(),
        });
        writeln!(out, "{told}")?;
        return Ok(Answer::Yes);
    }
    let paint = Paint::of_output();
    writeln!(out, "{}", paint.set(Tone::Head, &place.to_string()))?;
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let of_bytes = |what, bytes| format!("{what}, {}", units::bytes(bytes));
    let mut row = |name: &str, text| table.row(Tone::Plain, [format!("  {name}"), text]);
    row("format", about.format.to_string());
    row("id", id);
    // Of a directory it would be the tool's own.
    if durable.local().is_none() {
        row("directory", about.dir.display().to_string());
        row("synced", policy);
    }
    row("items", of_bytes(units::count(fact("curr_items")), fact("bytes")));
    row("messages", of_bytes(units::count(fact("messages")), fact("message_bytes")));
    row("queues", units::count(queues.len() as u64));
    row("disk", units::bytes(fact("disk_bytes")));
    let (last, synced) = (fact("sequence"), fact("synced_sequence"));
    row("last write", format!("{last}, on the disk up to {synced}"));
    let near = match fact("near_limit") {
        0 => "none".to_string(),
        limit => format!(
            "{} of {}, {}",
            units::bytes(fact("near_bytes")),
            units::bytes(limit),
            units::items(fact("near_items"))
        ),
    };
    row("near tier", near);
    table.print(paint, out)?;
    writeln!(out, "\n{}", paint.set(Tone::Head, "Statistics"))?;
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right), ("", Side::Left)]);
    for (name, number) in &stats {
        let is_bytes = name == "bytes" || name.ends_with("_bytes") || name.ends_with("maxbytes");
        let unit = if is_bytes { units::bytes(*number) } else { String::new() };
        table.row(Tone::Plain, [format!("  {name}"), units::count(*number), unit]);
    }
    table.print(paint, out)?;
    Ok(Answer::Yes)
}

/// Lists items as they are met.
pub fn list(asked: &List, out: &mut dyn Write) -> Result<Answer, Failure> {
    let key = |word: &Option<OsString>| {
        word.as_ref().map_or(Ok(Vec::new()), |word| written(word, asked.escaped))
    };
    let (prefix, from, to) = (key(&asked.prefix)?, key(&asked.from)?, key(&asked.to)?);
    let durable = asked.at.place.open()?;
    let limit = usize::try_from(asked.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let mut between = "[";
    if !(asked.json || asked.keys || asked.null) {
        let heads = format!("{:>10}  {:>10}  {:>20}  KEY", "SIZE", "TTL", "CAS");
        writeln!(out, "{}", Paint::of_output().set(Tone::Head, &heads))?;
    }
    for entry in Entries::of(&durable, &prefix, &from, &to).take(limit) {
        let Entry { key, value, .. } = entry?;
        if asked.json {
            let told = json!({
                "key": to_json(&key),
                "size": value.data.len(),
                "flags": value.flags,
                "cas": value.cas,
                "ttl": value.ttl,
            });
            write!(out, "{between}{told}")?;
            between = ",\n ";
        } else if asked.null {
            out.write_all(&key)?;
            out.write_all(b"\0")?;
        } else if asked.keys {
            writeln!(out, "{}", escape(&key))?;
        } else {
            let size = units::bytes(value.data.len() as u64);
            let ttl = value.ttl.map_or("-".to_string(), |ttl| format!("{ttl} s"));
            writeln!(out, "{size:>10}  {ttl:>10}  {:>20}  {}", value.cas, escape(&key))?;
        }
    }
    if asked.json {
        writeln!(out, "{}]", if between == "[" { "[" } else { "" })?;
    }
    Ok(Answer::Yes)
}
