//! `/api/live`: what the page shows, as JSON. The page asks every second and makes rates of what has grown.

use super::json::Json;
use super::readings::Readings;
use super::survey::{SIZES, Sum, Survey, TIMES, Tally, size_of};
use crate::log::SAMPLED;
use crate::server::Server;

/// How many of the hottest keys are told.
const HOTTEST: usize = 10;

/// The numbers of `stats` that the page works with.
const COUNTERS: &[&str] = &[
    "uptime",
    "time",
    "threads",
    "curr_connections",
    "max_connections",
    "total_connections",
    "rejected_connections",
    "cmd_get",
    "cmd_set",
    "cmd_touch",
    "get_hits",
    "get_misses",
    "delete_hits",
    "delete_misses",
    "incr_hits",
    "incr_misses",
    "decr_hits",
    "decr_misses",
    "bytes_read",
    "bytes_written",
    "limit_maxbytes",
    "bytes",
    "curr_items",
    "evictions",
    "reclaimed",
    "rusage_user",
    "rusage_system",
];

/// The whole report.
pub fn report(server: &Server, survey: &Survey) -> String {
    let readings = Readings::of(server);
    // `-X`: what shows keys is refused.
    let keys = server.options.dump;
    let mut json = Json::default();
    json.object(|json| {
        json.name("version").text(env!("CARGO_PKG_VERSION"));
        json.name("memcached").text(readings.text("version"));
        json.name("region").text(&server.region().unwrap_or_default());
        json.name("stats").object(|json| {
            for name in COUNTERS {
                json.name(name).number(readings.number(name).unwrap_or(f64::NAN));
            }
        });
        json.name("hottest").list(|json| {
            for hot in server.log.hottest(if keys { HOTTEST } else { 0 }) {
                json.object(|json| {
                    json.name("key").key(&hot.key);
                    json.name("rate").number(hot.rate * SAMPLED as f64);
                    json.name("error").number(hot.error * SAMPLED as f64);
                });
            }
        });
        let (tally, since) = survey.seen();
        json.name("survey").object(|json| {
            json.name("whole").bool(since.is_some());
            json.name("age").number(since.map_or(0.0, |since| since.as_secs_f64()));
            survey_of(tally, keys, json);
        });
    });
    json.end()
}

fn survey_of(tally: &Tally, keys: bool, json: &mut Json) {
    json.name("items").number(tally.all.items);
    json.name("bytes").number(tally.all.bytes);
    json.name("unread").number(tally.unread.items);
    let labels = |last| TIMES.iter().map(|(_, label)| *label).chain([last]);
    json.name("ages").list(|json| bands(json, labels("kept by eviction"), &tally.ages));
    json.name("left").list(|json| bands(json, labels("for ever"), &tally.left));
    json.name("sizes").list(|json| {
        let is_empty = |band: &usize| tally.sizes[*band].items == 0;
        let first = (0..SIZES).find(|band| !is_empty(band)).unwrap_or(SIZES);
        let end = (0..SIZES).rfind(|band| !is_empty(band)).map_or(SIZES, |last| last + 1);
        for band in first..end {
            band_of(json, &format!("up to {}", bytes(size_of(band))), tally.sizes[band]);
        }
    });
    json.name("largest").list(|json| {
        for large in tally.largest.iter().filter(|_| keys) {
            json.object(|json| {
                json.name("key").key(&large.key);
                json.name("size").number(large.size);
                json.name("ttl").number(large.ttl.map_or(-1, i64::from));
            });
        }
    });
}

fn bands<'a>(json: &mut Json, labels: impl Iterator<Item = &'a str>, sums: &[Sum]) {
    for (label, sum) in labels.zip(sums) {
        band_of(json, label, *sum);
    }
}

fn band_of(json: &mut Json, label: &str, sum: Sum) {
    json.object(|json| {
        json.name("label").text(label);
        json.name("items").number(sum.items);
        json.name("bytes").number(sum.bytes);
    });
}

/// A power of two in words.
fn bytes(size: u64) -> String {
    match size {
        ..0x400 => format!("{size} B"),
        0x400..0x10_0000 => format!("{} KiB", size >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", size >> 20),
        _ => format!("{} GiB", size >> 30),
    }
}
