//! What queues there are, what one is, and what is first in line: list, stat and peek.

use super::arguments::{List, Peek, Stat};
use super::settings;
use crate::escape::{escape, to_json};
use crate::failure::{Answer, Failure, note};
use crate::look::unix_time;
use crate::table::{Paint, Side, Table, Tone};
use crate::units;
use nearcache_store::queue::{Message, Stats, Totals};
use nearcache_store::{Durable, Error};
use serde_json::{Value, json};
use std::io::Write;

/// Lists the queues.
pub fn list(asked: &List, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.at.place.open()?;
    let mut queues = Vec::new();
    for name in durable.queue_names()? {
        match durable.queue_stats(&name) {
            // Removed meanwhile.
            Err(Error::NoQueue(_)) => {}
            stats => queues.push(stats?),
        }
    }
    if asked.json {
        writeln!(out, "{}", json!(queues.iter().map(stats_json).collect::<Vec<_>>()))?;
        return Ok(Answer::Yes);
    }
    if queues.is_empty() {
        note(&format!("{} has no queues; the first message makes one", asked.at.place));
        return Ok(Answer::Yes);
    }
    let right = |head| (head, Side::Right);
    let mut table = Table::new(&[
        ("NAME", Side::Left),
        right("READY"),
        right("RESERVED"),
        right("DELAYED"),
        right("BYTES"),
        right("AGE"),
        right("PUSHED"),
        right("ACKED"),
        right("DEAD"),
        ("", Side::Left),
    ]);
    for stats in &queues {
        let count = units::count;
        let cells = [
            escape(&stats.name),
            count(stats.ready),
            count(stats.reserved),
            count(stats.delayed),
            units::bytes(stats.bytes),
            units::duration(seconds(stats.age)),
            count(stats.totals.pushed),
            count(stats.totals.acked),
            count(stats.totals.dead),
            if stats.is_paused { "paused".to_string() } else { String::new() },
        ];
        table.row(if stats.is_paused { Tone::Faint } else { Tone::Plain }, cells);
    }
    table.print(Paint::of_output(), out)?;
    Ok(Answer::Yes)
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

fn totals(totals: &Totals) -> [(&'static str, u64); 8] {
    [
        ("pushed", totals.pushed),
        ("delivered", totals.delivered),
        ("acked", totals.acked),
        ("returned", totals.returned),
        ("dead", totals.dead),
        ("expired", totals.expired),
        ("discarded", totals.discarded),
        ("duplicates", totals.duplicates),
    ]
}

fn stats_json(stats: &Stats) -> Value {
    json!({
        "name": to_json(&stats.name),
        "messages": stats.messages,
        "ready": stats.ready,
        "reserved": stats.reserved,
        "delayed": stats.delayed,
        "bytes": stats.bytes,
        "age": stats.age,
        "made": stats.made,
        "paused": stats.is_paused,
        "totals": totals(&stats.totals)
            .into_iter()
            .map(|(name, number)| (name.to_string(), json!(number)))
            .collect::<serde_json::Map<_, _>>(),
        "readers": stats.readers.iter().map(|name| to_json(name)).collect::<Vec<_>>(),
    })
}

/// A queue's dead letters: where they are, and how many.
fn dead_letters(durable: &Durable, name: &[u8], to: &[u8]) -> Result<(Vec<u8>, u64), Failure> {
    let to = if to.is_empty() { [name, b".dead"].concat() } else { to.to_vec() };
    match durable.queue_stats(&to) {
        Err(Error::NoQueue(_)) => Ok((to, 0)),
        stats => Ok((to, stats?.messages)),
    }
}

/// Shows one queue.
pub fn stat(asked: &Stat, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.of.at.place.open()?;
    let stats = durable.queue_stats(asked.of.name())?;
    let set = durable.settings(asked.of.name())?;
    let (dead, dead_messages) = dead_letters(&durable, &stats.name, &set.dead_letters)?;
    if asked.json {
        let mut told = stats_json(&stats);
        told["settings"] = settings::to_json(&set);
        told["dead_letters"] = json!({"queue": to_json(&dead), "messages": dead_messages});
        writeln!(out, "{told}")?;
        return Ok(Answer::Yes);
    }
    let paint = Paint::of_output();
    let name = escape(&stats.name);
    let paused = if stats.is_paused { ", paused" } else { "" };
    writeln!(out, "{}", paint.set(Tone::Head, &format!("{name}{paused}")))?;
    let count = units::count;
    let readers: Vec<String> = stats.readers.iter().map(|name| escape(name)).collect();
    let age = units::duration(unix_time() - seconds(stats.made));
    let mut rows = vec![
        ("messages", format!("{}, {}", count(stats.messages), units::bytes(stats.bytes))),
        ("ready", count(stats.ready)),
        ("reserved", count(stats.reserved)),
        ("delayed", count(stats.delayed)),
        ("first in line for", units::duration(seconds(stats.age))),
        ("dead letters", format!("{} in {}", count(dead_messages), escape(&dead))),
        ("made", format!("{age} ago")),
    ];
    if !readers.is_empty() {
        rows.push(("readers", readers.join(" ")));
    }
    let mut section = |head: &str, rows: Vec<(&str, String)>| {
        if !head.is_empty() {
            writeln!(out, "\n{}", paint.set(Tone::Head, head))?;
        }
        let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
        rows.into_iter().for_each(|(name, text)| {
            table.row(Tone::Plain, [format!("  {name}"), text]);
        });
        table.print(paint, out)
    };
    section("", rows)?;
    section("Totals", totals(&stats.totals).map(|(name, number)| (name, count(number))).into())?;
    section("Settings", settings::to_text(&set).into())?;
    Ok(Answer::Yes)
}

/// A message as JSON.
pub fn message_json(message: &Message) -> Value {
    json!({
        "seq": message.seq,
        "at": message.at,
        "size": message.body.len(),
        "deliveries": message.deliveries,
        "expires": message.expires,
        "flags": message.flags,
        "id": to_json(&message.id),
        "origin": to_json(&message.origin),
        "body": to_json(&message.body),
    })
}

/// Letters of a message that are shown in a line.
const SHOWN: usize = 60;

/// Shows the first messages.
pub fn peek(asked: &Peek, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.of.at.place.open()?;
    let messages = durable.peek(asked.of.name(), asked.number.into())?;
    if asked.json {
        writeln!(out, "{}", json!(messages.iter().map(message_json).collect::<Vec<_>>()))?;
        return Ok(Answer::Yes);
    }
    if messages.is_empty() {
        note(&format!("{} has nothing to hand out", escape(asked.of.name())));
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("SEQ", Side::Right),
        ("AGE", Side::Right),
        ("SIZE", Side::Right),
        ("DELIVERIES", Side::Right),
        ("ID", Side::Left),
        ("FROM", Side::Left),
        ("MESSAGE", Side::Left),
    ]);
    for message in &messages {
        // What is cut off need not be escaped first.
        let mut body = escape(&message.body[..message.body.len().min(4 * SHOWN)]);
        if body.chars().count() > SHOWN || message.body.len() > 4 * SHOWN {
            body = body.chars().take(SHOWN - 3).chain("...".chars()).collect();
        }
        let cells = [
            message.seq.to_string(),
            units::duration(unix_time() - seconds(message.at)),
            units::bytes(message.body.len() as u64),
            units::count(message.deliveries.into()),
            escape(&message.id),
            escape(&message.origin),
            body,
        ];
        table.row(Tone::Plain, cells);
    }
    table.print(Paint::of_output(), out)?;
    Ok(Answer::Yes)
}
