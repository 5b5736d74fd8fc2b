//! What is told about the queues: under memcached's and Kestrel's names in `stats`, as MemcacheQ does in `stats queue`,
//! and in Kestrel's own form in `dump_stats` and `dump_config`.

use super::ask::Report;
use super::hall::Hall;
use super::settings;
use super::words::Words;
use crate::counters::Count;
use crate::dispatch::Desk;
use nearcache_store::Error;
use nearcache_store::queue::{Settings, Stats};

/// What the server knows, read when it was asked.
#[derive(Clone, Debug)]
pub struct General {
    uptime: i64,
    time: i64,
    connections: [u64; 4],
    read: u64,
    written: u64,
}

impl General {
    /// As it is now.
    pub fn of(desk: Desk<'_>) -> General {
        let server = desk.server;
        let (time, counts) = (server.cache.unix_time(), server.counts());
        General {
            uptime: time - server.started,
            time,
            connections: server.connections.readings(),
            read: counts[Count::BytesRead as usize],
            written: counts[Count::BytesWritten as usize],
        }
    }
}

/// A queue's settings, as `STAT` lines.
pub fn settings(settings: &Settings) -> Words {
    let mut words = Vec::new();
    for (name, value) in settings::shown(settings) {
        words.extend_from_slice(b"STAT ");
        words.extend_from_slice(name.as_bytes());
        words.push(b' ');
        words.extend_from_slice(&value);
        words.extend_from_slice(b"\r\n");
    }
    words.extend_from_slice(b"END\r\n");
    words.into()
}

/// All queues that are there. One that is removed meanwhile is left out.
fn all(hall: &Hall) -> Result<Vec<Stats>, Error> {
    let mut all = Vec::new();
    for name in hall.queues.names()? {
        match hall.queues.queue(&name)?.stats() {
            Ok(stats) => all.push(stats),
            Err(Error::NoQueue(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// The report. Queues' names may be any bytes but spaces and control characters, so it is bytes.
pub fn of(hall: &Hall, what: Report, general: &General) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(b"\r\n");
    };
    match what {
        Report::Stats => {
            let queues = all(hall)?;
            for (name, value) in general_stats(hall, &queues, general) {
                line(&[format!("STAT {name} {value}").as_bytes()]);
            }
            for queue in &queues {
                for (name, value) in queue_stats(hall, queue) {
                    line(&[b"STAT queue_", &queue.name, format!("_{name} {value}").as_bytes()]);
                }
            }
        }
        Report::Queues => {
            for queue in all(hall)? {
                let gone = queue.totals.pushed.saturating_sub(queue.messages);
                let counts = format!(" {}/{gone}", queue.totals.pushed);
                line(&[b"STAT ", &queue.name, counts.as_bytes()]);
            }
        }
        Report::DumpStats => {
            for queue in all(hall)? {
                line(&[b"queue '", &queue.name, b"' {"]);
                for (name, value) in queue_stats(hall, &queue) {
                    line(&[format!("  {name}={value}").as_bytes()]);
                }
                line(&[b"}"]);
            }
        }
        Report::DumpConfig => {
            for name in hall.queues.names()? {
                let Ok(settings) = hall.queues.queue(&name)?.settings() else {
                    continue;
                };
                line(&[b"queue '", &name, b"' {"]);
                for (name, value) in settings::shown(&settings) {
                    line(&[b"  ", name.as_bytes(), b"=", &value]);
                }
                line(&[b"}"]);
            }
        }
    }
    line(&[b"END"]);
    Ok(out)
}

fn general_stats(hall: &Hall, queues: &[Stats], general: &General) -> Vec<(&'static str, String)> {
    let sum = |of: fn(&Stats) -> u64| queues.iter().map(of).sum::<u64>().to_string();
    let counts = &hall.counts;
    let [current, total, ..] = general.connections;
    vec![
        ("pid", std::process::id().to_string()),
        ("uptime", general.uptime.to_string()),
        ("time", general.time.to_string()),
        ("version", version().to_string()),
        ("curr_items", sum(|queue| queue.messages)),
        ("total_items", sum(|queue| queue.totals.pushed)),
        ("bytes", sum(|queue| queue.bytes)),
        ("curr_connections", current.to_string()),
        ("total_connections", total.to_string()),
        ("cmd_get", counts.gets.get().to_string()),
        ("cmd_set", counts.sets.get().to_string()),
        ("cmd_peek", counts.peeks.get().to_string()),
        ("get_hits", counts.hits.get().to_string()),
        ("get_misses", counts.misses.get().to_string()),
        ("cmd_get_open_dropped", counts.dropped.get().to_string()),
        ("bytes_read", general.read.to_string()),
        ("bytes_written", general.written.to_string()),
    ]
}

/// The number that `version` tells.
fn version() -> &'static str {
    let line = std::str::from_utf8(crate::protocol::reply::VERSION).unwrap_or_default();
    line.trim_start_matches("VERSION ").trim_end()
}

/// Kestrel's numbers of a queue, and behind them those that only we have.
fn queue_stats(hall: &Hall, queue: &Stats) -> [(&'static str, u64); 18] {
    let totals = &queue.totals;
    let items = queue.messages - queue.reserved.min(queue.messages);
    [
        ("items", items),
        ("bytes", queue.bytes),
        ("total_items", totals.pushed),
        ("logsize", queue.bytes),
        ("expired_items", totals.expired),
        ("mem_items", items),
        ("mem_bytes", queue.bytes),
        ("age", queue.age.saturating_mul(1000)),
        ("discarded", totals.discarded),
        ("waiters", hall.waiting.count(&queue.name)),
        ("open_transactions", queue.reserved),
        ("delayed", queue.delayed),
        ("delivered", totals.delivered),
        ("acked", totals.acked),
        ("returned", totals.returned),
        ("dead", totals.dead),
        ("duplicates", totals.duplicates),
        ("paused", queue.is_paused.into()),
    ]
}
