//! `/metrics`: Prometheus's text format, version 0.0.4. Each number of `stats` that means something here as
//! `nearcached_...`, and the names of the Prometheus project's memcached_exporter, so that its dashboards go on working.

use super::readings::Readings;
use crate::server::Server;
use std::fmt::{Display, Write};

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}
use Kind::{Counter, Gauge};

/// The statistic, the metric behind `nearcached_`, and what it says.
const OWN: &[(&str, Kind, &str, &str)] = &[
    ("uptime", Gauge, "uptime_seconds", "Seconds since the start."),
    ("threads", Gauge, "threads", "Worker threads."),
    ("rusage_user", Counter, "cpu_user_seconds_total", "Processor time in user mode."),
    ("rusage_system", Counter, "cpu_system_seconds_total", "Processor time in the kernel."),
    ("max_connections", Gauge, "connections_max", "The most clients there may be."),
    ("curr_connections", Gauge, "current_connections", "Clients at present."),
    ("total_connections", Counter, "connections_total", "Clients that were let in."),
    (
        "rejected_connections",
        Counter,
        "connections_rejected_total",
        "Clients turned away at the limit.",
    ),
    (
        "conn_yields",
        Counter,
        "connection_yields_total",
        "Times a client had to let others go first.",
    ),
    (
        "idle_kicks",
        Counter,
        "connections_idle_closed_total",
        "Clients closed for being silent too long.",
    ),
    ("accepting_conns", Gauge, "accepting_connections", "Whether clients are let in."),
    ("listen_disabled_num", Counter, "listen_disabled_total", "Times that letting in was paused."),
    (
        "time_in_listen_disabled_us",
        Counter,
        "listen_disabled_microseconds_total",
        "Microseconds that letting in was paused.",
    ),
    ("read_buf_bytes", Gauge, "read_buffer_bytes", "Memory held by buffers for reading."),
    ("read_buf_bytes_free", Gauge, "read_buffer_free_bytes", "Memory of spare buffers."),
    ("response_obj_bytes", Gauge, "write_buffer_bytes", "Memory held by buffers for replies."),
    ("bytes_read", Counter, "read_bytes_total", "Bytes received."),
    ("bytes_written", Counter, "written_bytes_total", "Bytes sent."),
    ("cmd_get", Counter, "get_total", "Keys asked for."),
    ("cmd_set", Counter, "set_total", "Storing commands."),
    ("cmd_flush", Counter, "flush_total", "flush_all commands."),
    ("cmd_touch", Counter, "touch_total", "Keys touched."),
    ("cmd_meta", Counter, "meta_total", "Meta commands."),
    ("get_hits", Counter, "get_hits_total", "Keys asked for that were there."),
    ("get_misses", Counter, "get_misses_total", "Keys asked for that were not there."),
    ("get_expired", Counter, "get_expired_total", "Keys asked for that had expired."),
    ("get_flushed", Counter, "get_flushed_total", "Keys asked for that had been flushed."),
    ("delete_hits", Counter, "delete_hits_total", "Deletes of a key that was there."),
    ("delete_misses", Counter, "delete_misses_total", "Deletes of a key that was not there."),
    ("incr_hits", Counter, "incr_hits_total", "Increments done."),
    ("incr_misses", Counter, "incr_misses_total", "Increments of a key that was not there."),
    ("decr_hits", Counter, "decr_hits_total", "Decrements done."),
    ("decr_misses", Counter, "decr_misses_total", "Decrements of a key that was not there."),
    ("cas_hits", Counter, "cas_hits_total", "cas that stored."),
    ("cas_misses", Counter, "cas_misses_total", "cas of a key that was not there."),
    ("cas_badval", Counter, "cas_badval_total", "cas that found the item changed."),
    ("touch_hits", Counter, "touch_hits_total", "Touches of a key that was there."),
    ("touch_misses", Counter, "touch_misses_total", "Touches of a key that was not there."),
    ("store_too_large", Counter, "store_too_large_total", "Items refused for their size."),
    ("store_no_memory", Counter, "store_no_memory_total", "Items refused for want of memory."),
    ("auth_cmds", Counter, "auth_total", "Times a client said who it is."),
    ("auth_errors", Counter, "auth_errors_total", "Times it was not believed."),
    ("limit_maxbytes", Gauge, "memory_limit_bytes", "The memory limit."),
    ("bytes", Gauge, "items_bytes", "Memory taken by items."),
    ("curr_items", Gauge, "items", "Items at present."),
    ("total_items", Counter, "items_stored_total", "Items stored."),
    ("evictions", Counter, "evictions_total", "Items evicted to make room."),
    (
        "evicted_unfetched",
        Counter,
        "evicted_unfetched_total",
        "Of those, the ones that had never been read.",
    ),
    (
        "index_evictions",
        Counter,
        "index_evictions_total",
        "Of those, the ones whose place in the index was needed.",
    ),
    (
        "segments_evicted",
        Counter,
        "segments_evicted_total",
        "Segments of memory emptied to make room.",
    ),
    ("segments_cleaned", Counter, "segments_cleaned_total", "Segments of memory compacted."),
    ("reclaimed", Counter, "expired_reclaimed_total", "Expired items whose memory was taken back."),
    (
        "expired_unfetched",
        Counter,
        "expired_unfetched_total",
        "Of those, the ones that had never been read.",
    ),
    ("log_watchers", Gauge, "log_watchers", "Clients that watch the log."),
    ("log_worker_written", Counter, "log_written_total", "Records taken into the log."),
    ("log_worker_dropped", Counter, "log_dropped_total", "Records for which the log had no room."),
    ("log_watcher_sent", Counter, "log_sent_total", "Lines given to watchers."),
    ("log_watcher_skipped", Counter, "log_skipped_total", "Lines that watchers were too slow for."),
];

/// The statistic, memcached_exporter's metric behind `memcached_`, and what it says.
const EXPORTER: &[(&str, Kind, &str, &str)] = &[
    ("uptime", Counter, "uptime_seconds", "Seconds since the server started."),
    ("time", Gauge, "time_seconds", "The server's time."),
    ("rusage_user", Counter, "process_user_cpu_seconds_total", "Processor time in user mode."),
    ("rusage_system", Counter, "process_system_cpu_seconds_total", "Processor time in the kernel."),
    ("bytes_read", Counter, "read_bytes_total", "Bytes received."),
    ("bytes_written", Counter, "written_bytes_total", "Bytes sent."),
    ("curr_connections", Gauge, "current_connections", "Clients at present."),
    ("max_connections", Gauge, "max_connections", "The most clients there may be."),
    ("total_connections", Counter, "connections_total", "Clients that were let in."),
    (
        "rejected_connections",
        Counter,
        "connections_rejected_total",
        "Clients turned away at the limit.",
    ),
    (
        "conn_yields",
        Counter,
        "connections_yielded_total",
        "Times a client had to let others go first.",
    ),
    (
        "listen_disabled_num",
        Counter,
        "connections_listener_disabled_total",
        "Times that letting in was paused.",
    ),
    ("accepting_conns", Gauge, "accepting_connections", "Whether clients are let in."),
    ("bytes", Gauge, "current_bytes", "Memory taken by items."),
    ("limit_maxbytes", Gauge, "limit_bytes", "The memory limit."),
    (
        "limit_maxbytes",
        Gauge,
        "malloced_bytes",
        "Memory set aside for items: all of it, from the start.",
    ),
    ("curr_items", Gauge, "current_items", "Items at present."),
    ("total_items", Counter, "items_total", "Items stored."),
    ("evictions", Counter, "items_evicted_total", "Items evicted to make room."),
    ("reclaimed", Counter, "items_reclaimed_total", "Expired items whose memory was taken back."),
    ("store_too_large", Counter, "item_too_large_total", "Items refused for their size."),
    ("store_no_memory", Counter, "item_no_memory_total", "Items refused for want of memory."),
    (
        "direct_reclaims",
        Counter,
        "direct_reclaims_total",
        "Times a worker had to make room itself.",
    ),
    (
        "lru_crawler_starts",
        Counter,
        "lru_crawler_starts_total",
        "Times the LRU crawler was started.",
    ),
    (
        "crawler_reclaimed",
        Counter,
        "lru_crawler_reclaimed_total",
        "Items freed by the LRU crawler.",
    ),
    (
        "crawler_items_checked",
        Counter,
        "lru_crawler_items_checked_total",
        "Items seen by the LRU crawler.",
    ),
    ("moves_to_cold", Counter, "lru_crawler_moves_to_cold_total", "Items moved to the cold LRU."),
    ("moves_to_warm", Counter, "lru_crawler_moves_to_warm_total", "Items moved to the warm LRU."),
    (
        "moves_within_lru",
        Counter,
        "lru_crawler_moves_within_lru_total",
        "Items moved within an LRU.",
    ),
];

/// memcached_exporter's commands: the command, the status, the statistic.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("get", "hit", "get_hits"),
    ("get", "miss", "get_misses"),
    ("delete", "hit", "delete_hits"),
    ("delete", "miss", "delete_misses"),
    ("incr", "hit", "incr_hits"),
    ("incr", "miss", "incr_misses"),
    ("decr", "hit", "decr_hits"),
    ("decr", "miss", "decr_misses"),
    ("cas", "hit", "cas_hits"),
    ("cas", "miss", "cas_misses"),
    ("cas", "badval", "cas_badval"),
    ("touch", "hit", "touch_hits"),
    ("touch", "miss", "touch_misses"),
    ("flush", "hit", "cmd_flush"),
];

/// The whole text.
pub fn exposition(server: &Server) -> String {
    written(&Readings::of(server))
}

fn written(readings: &Readings) -> String {
    let mut text = String::with_capacity(16 << 10);
    let version = env!("CARGO_PKG_VERSION");
    metric(&mut text, "nearcached_info", Gauge, "Which version this is.");
    sample(&mut text, "nearcached_info", &[("version", version)], 1);
    for (prefix, table) in [("nearcached_", OWN), ("memcached_", EXPORTER)] {
        for &(statistic, kind, name, help) in table {
            if let Some(value) = readings.number(statistic) {
                let name = format!("{prefix}{name}");
                metric(&mut text, &name, kind, help);
                sample(&mut text, &name, &[], value);
            }
        }
    }
    metric(&mut text, "memcached_up", Gauge, "Whether the server answers.");
    sample(&mut text, "memcached_up", &[], 1);
    metric(&mut text, "memcached_version", Gauge, "The memcached that this stands in for.");
    sample(&mut text, "memcached_version", &[("version", readings.text("version"))], 1);
    let name = "memcached_commands_total";
    metric(&mut text, name, Counter, "Requests by command and by what came of it.");
    for (command, status, statistic) in COMMANDS {
        if let Some(value) = readings.number(statistic) {
            sample(&mut text, name, &[("command", command), ("status", status)], value);
        }
    }
    // As the exporter has it: cmd_set counts every cas, too.
    let cas = ["cas_hits", "cas_misses", "cas_badval"].map(|name| readings.number(name));
    let sets = readings.number("cmd_set").unwrap_or(0.0) - cas.iter().flatten().sum::<f64>();
    sample(&mut text, name, &[("command", "set"), ("status", "hit")], sets.max(0.0));
    text
}

fn metric(text: &mut String, name: &str, kind: Kind, help: &str) {
    let kind = if kind == Counter { "counter" } else { "gauge" };
    // Writing to memory cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl Display) {
    text.push_str(name);
    for (number, (label, content)) in labels.iter().enumerate() {
        let content = content.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        // Writing to memory cannot fail.
        let _ = write!(text, "{}{label}=\"{content}\"", if number == 0 { '{' } else { ',' });
    }
    if !labels.is_empty() {
        text.push('}');
    }
    // Writing to memory cannot fail.
    let _ = writeln!(text, " {value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_name_is_told_once() {
        let mut names = BTreeSet::new();
        for (prefix, table) in [("nearcached_", OWN), ("memcached_", EXPORTER)] {
            for (_, kind, name, help) in table {
                // OpenMetrics takes the name without its end for the family's.
                let family = name.trim_end_matches("_total");
                assert!(names.insert(format!("{prefix}{family}")), "{name} twice");
                assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
                assert!(
                    prefix == "memcached_" || (*kind == Counter) == name.ends_with("_total"),
                    "{name}"
                );
            }
        }
    }
}
