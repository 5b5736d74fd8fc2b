//! `stats`, under memcached's names and in its order, so that what reads memcached's reads this. A name that stands
//! for something this server does not have (slab pages, an LRU crawler, a hash table that grows) is there with the
//! honest number, 0.

use crate::buffer::Output;
use crate::counters::{Count, Counter, Counters, Counts};
use crate::options::MEMCACHED_VERSION;
use crate::process;
use crate::protocol::{reply, token::Tokens};
use crate::server::Server;
use crate::tls::Tls;
use std::fmt::Display;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Answers `stats`; `words` is what stands behind it.
pub fn answer(server: &Server, words: &[u8], out: &mut Output) {
    let mut words = Tokens::new(words, 0);
    let Some(name) = words.next() else {
        return general(server, out);
    };
    // memcached takes the beginning of these names for the whole.
    let is = |whole: &str| whole.as_bytes().starts_with(name);
    if is("reset") {
        match server.reset_counts() {
            Ok(()) => out.text(reply::RESET),
            Err(error) => out.text(format!("SERVER_ERROR {error}\r\n").as_bytes()),
        }
    } else if is("detail") {
        out.text(match words.next() {
            Some(b"off") => reply::OK,
            Some(b"dump") => reply::END,
            Some(b"on") => reply::DETAIL_UNAVAILABLE,
            _ => reply::DETAIL_USAGE,
        });
    } else if is("settings") {
        settings(server, out);
    } else if is("cachedump") {
        // No slab class has a queue to show.
        out.text(match (words.next(), words.next()) {
            (Some(_), Some(_)) => reply::END,
            _ => reply::BAD_CACHEDUMP,
        });
    } else if is("conns") {
        conns(server, out);
    } else {
        rest(name, out);
    }
}

/// What memcached answers when there is nothing of the kind.
fn rest(name: &[u8], out: &mut Output) {
    match name {
        b"items" | b"extstore" | b"proxy" | b"proxyfuncs" | b"proxybe" => {}
        b"slabs" => {
            line(out, "active_slabs", 0);
            line(out, "total_malloced", 0);
        }
        b"sizes" => line(out, "sizes_status", "disabled"),
        _ => return out.text(reply::ERROR),
    }
    out.text(reply::END);
}

fn line(out: &mut Output, name: impl Display, value: impl Display) {
    out.text(format!("STAT {name} {value}\r\n").as_bytes());
}

fn zeroes(out: &mut Output, names: &[&str]) {
    for name in names {
        line(out, name, 0);
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn general(server: &Server, out: &mut Output) {
    let counts = server.counts();
    process_lines(server, out);
    buffer_lines(server, out);
    cache_lines(server, &counts, out);
    line(out, "auth_cmds", counts[Count::AuthCommands as usize]);
    line(out, "auth_errors", counts[Count::AuthErrors as usize]);
    if server.options.idle_timeout > 0 {
        line(out, "idle_kicks", counts[Count::IdleKicks as usize]);
    }
    line(out, "bytes_read", counts[Count::BytesRead as usize]);
    line(out, "bytes_written", counts[Count::BytesWritten as usize]);
    let connections = &server.connections;
    // Relaxed: statistics.
    let (not_accepting, disabled, disabled_us) = (
        connections.not_accepting.load(Ordering::Relaxed),
        connections.listen_disabled.load(Ordering::Relaxed),
        connections.listen_disabled_us.load(Ordering::Relaxed),
    );
    line(out, "limit_maxbytes", server.cache.stats().limit_maxbytes);
    line(out, "accepting_conns", u8::from(!not_accepting));
    line(out, "listen_disabled_num", disabled);
    line(out, "time_in_listen_disabled_us", disabled_us);
    line(out, "threads", server.options.threads);
    line(out, "conn_yields", counts[Count::Yields as usize]);
    zeroes(
        out,
        &[
            "hash_power_level",
            "hash_bytes",
            "hash_is_expanding",
            "slab_reassign_rescues",
            "slab_reassign_chunk_rescues",
            "slab_reassign_inline_reclaim",
            "slab_reassign_busy_items",
            "slab_reassign_busy_deletes",
            "slab_reassign_busy_nomem",
            "slab_reassign_last_busy_status",
            "slab_reassign_running",
            "slabs_moved",
            "lru_crawler_running",
            "lru_crawler_starts",
            "lru_maintainer_juggles",
            "malloc_fails",
            "log_worker_dropped",
            "log_worker_written",
            "log_watcher_skipped",
            "log_watcher_sent",
            "log_watchers",
            "unexpected_napi_ids",
            "round_robin_fallback",
        ],
    );
    tls_lines(server, &counts, out);
    item_lines(server, out);
    out.text(reply::END);
}

fn tls_lines(server: &Server, counts: &Counts, out: &mut Output) {
    let Some(tls) = &server.tls else {
        return;
    };
    if tls.resumes() {
        line(out, "ssl_new_sessions", counts[Count::NewSessions as usize]);
    }
    line(out, "ssl_handshake_errors", counts[Count::HandshakeErrors as usize]);
    line(out, "ssl_proto_errors", counts[Count::RecordErrors as usize]);
    line(out, "time_since_server_cert_refresh", tls.age(server.cache.unix_time()));
}

fn process_lines(server: &Server, out: &mut Output) {
    let now = server.cache.unix_time();
    line(out, "pid", std::process::id());
    line(out, "uptime", now - server.started);
    line(out, "time", now);
    line(out, "version", MEMCACHED_VERSION);
    line(out, "nearcached", env!("CARGO_PKG_VERSION"));
    line(out, "pointer_size", usize::BITS);
    let (user, system) = process::processor_time();
    for (name, time) in [("rusage_user", user), ("rusage_system", system)] {
        let seconds = format!("{}.{:06}", time.as_secs(), time.subsec_micros());
        line(out, name, seconds);
    }
    let [current, total, rejected, most] = server.connections.readings();
    line(out, "max_connections", server.options.connections);
    line(out, "curr_connections", current);
    line(out, "total_connections", total);
    line(out, "rejected_connections", rejected);
    line(out, "connection_structures", most);
}

fn buffer_lines(server: &Server, out: &mut Output) {
    let sum = |reading: fn(&Counters) -> &Counter| -> u64 {
        let each = server.counters.iter();
        each.map(|counters| reading(counters).get()).sum()
    };
    let pooled = sum(|counters| &counters.pooled_bytes);
    line(out, "response_obj_oom", 0);
    line(out, "response_obj_count", sum(|counters| &counters.write_buffers));
    line(out, "response_obj_bytes", sum(|counters| &counters.write_buffer_bytes));
    line(out, "read_buf_count", sum(|counters| &counters.read_buffers));
    line(out, "read_buf_bytes", sum(|counters| &counters.read_buffer_bytes) + pooled);
    line(out, "read_buf_bytes_free", pooled);
    line(out, "read_buf_oom", 0);
    line(out, "reserved_fds", 0);
}

/// What clients asked for: the core's counts, less what the server asked for on its own account (see `dispatch`).
fn cache_lines(server: &Server, counts: &Counts, out: &mut Output) {
    let cache = server.cache.stats();
    let own = |count: Count| counts[count as usize];
    let again = own(Count::AskedAgain);
    let again_hits = own(Count::AskedAgainHits);
    for (name, value) in [
        ("cmd_get", cache.cmd_get.saturating_sub(again)),
        ("cmd_set", cache.cmd_set),
        ("cmd_flush", cache.cmd_flush),
        ("cmd_touch", cache.cmd_touch),
        ("cmd_meta", cache.cmd_meta),
        ("get_hits", cache.get_hits.saturating_sub(again_hits)),
        ("get_misses", cache.get_misses.saturating_sub(again - again_hits)),
        ("get_expired", cache.get_expired),
        ("get_flushed", cache.get_flushed),
        ("delete_misses", cache.delete_misses.saturating_sub(own(Count::UnlinkMisses))),
        ("delete_hits", cache.delete_hits.saturating_sub(own(Count::UnlinkHits))),
        ("incr_misses", cache.incr_misses),
        ("incr_hits", cache.incr_hits),
        ("decr_misses", cache.decr_misses),
        ("decr_hits", cache.decr_hits),
        ("cas_misses", cache.cas_misses),
        ("cas_hits", cache.cas_hits),
        ("cas_badval", cache.cas_badval),
        ("touch_hits", cache.touch_hits),
        ("touch_misses", cache.touch_misses),
        ("store_too_large", cache.store_too_large + own(Count::TooLarge)),
        ("store_no_memory", cache.store_no_memory),
    ] {
        line(out, name, value);
    }
}

fn item_lines(server: &Server, out: &mut Output) {
    let cache = server.cache.stats();
    for (name, value) in [
        ("bytes", cache.bytes),
        ("curr_items", cache.curr_items),
        ("total_items", cache.total_items),
        ("slab_global_page_pool", 0),
        ("expired_unfetched", cache.expired_unfetched),
        ("evicted_unfetched", cache.evicted_unfetched),
        ("evicted_active", 0),
        ("evictions", cache.evictions),
        ("reclaimed", cache.reclaimed),
        ("crawler_reclaimed", 0),
        ("crawler_items_checked", 0),
        ("lrutail_reflocked", 0),
        ("moves_to_cold", 0),
        ("moves_to_warm", 0),
        ("moves_within_lru", 0),
        ("direct_reclaims", 0),
        ("lru_bumps_dropped", 0),
        ("index_evictions", cache.index_evictions),
        ("segments_evicted", cache.segments_evicted),
        ("segments_cleaned", cache.segments_cleaned),
    ] {
        line(out, name, value);
    }
}

fn path_or(path: Option<&Path>, none: &str) -> String {
    path.map_or_else(|| none.to_string(), |path| path.display().to_string())
}

fn settings(server: &Server, out: &mut Output) {
    let options = &server.options;
    let inter = match options.listen.is_empty() {
        true => "NULL".to_string(),
        false => options.listen.join(","),
    };
    let socket = path_or(options.unix_socket.as_deref(), "NULL");
    line(out, "maxbytes", options.memory);
    line(out, "maxconns", options.connections);
    line(out, "tcpport", server.bound_port);
    line(out, "udpport", 0);
    line(out, "inter", inter);
    line(out, "verbosity", server.verbosity());
    line(out, "oldest", 0);
    line(out, "evictions", if options.evict { "on" } else { "off" });
    line(out, "domain_socket", socket);
    line(out, "umask", format_args!("{:o}", options.unix_mask));
    line(out, "shutdown_command", yes_no(options.shutdown_command));
    line(out, "growth_factor", "1.25");
    line(out, "chunk_size", 48);
    line(out, "num_threads", options.threads);
    line(out, "num_threads_per_udp", 0);
    line(out, "stat_key_prefix", ":");
    line(out, "detail_enabled", "no");
    line(out, "reqs_per_event", options.requests_per_turn);
    line(out, "cas_enabled", yes_no(options.cas));
    line(out, "tcp_backlog", options.backlog);
    line(out, "binding_protocol", options.protocol);
    line(out, "auth_enabled_sasl", "no");
    line(out, "auth_enabled_ascii", path_or(options.auth_file.as_deref(), "no"));
    line(out, "item_size_max", server.cache.item_size_max());
    line(out, "maxconns_fast", yes_no(options.refuse_over_limit));
    line(out, "hashpower_init", 0);
    zeroes(out, &["slab_automove", "slab_automove_window", "slab_chunk_max"]);
    for name in ["slab_reassign", "lru_crawler", "lru_maintainer_thread", "lru_segmented"] {
        line(out, name, "no");
    }
    zeroes(out, &["lru_crawler_sleep", "lru_crawler_tocrawl", "tail_repair_time"]);
    line(out, "flush_enabled", yes_no(options.flush));
    line(out, "dump_enabled", "no");
    line(out, "hash_algorithm", "rapidhash");
    line(out, "temp_lru", "no");
    line(out, "idle_timeout", options.idle_timeout);
    line(out, "track_sizes", "no");
    line(out, "inline_ascii_response", "no");
    line(out, "ssl_enabled", yes_no(options.tls));
    for (name, value) in server.tls.iter().flat_map(Tls::settings) {
        line(out, name, value);
    }
    line(out, "num_napi_ids", 0);
    line(out, "memory_file", path_or(options.memory_file.as_deref(), "(null)"));
    line(out, "region", server.region().as_deref().unwrap_or("NULL"));
    out.text(reply::END);
}

fn conns(server: &Server, out: &mut Output) {
    let now = server.cache.unix_time();
    for (fd, address) in &server.listeners {
        line(out, format_args!("{fd}:addr"), address);
        line(out, format_args!("{fd}:state"), "conn_listening");
        line(out, format_args!("{fd}:secs_since_last_cmd"), now - server.started);
    }
    for peer in server.connections.list() {
        let fd = peer.fd;
        // Relaxed: a statistic.
        let last = peer.last_command.load(Ordering::Relaxed);
        line(out, format_args!("{fd}:addr"), &peer.address);
        line(out, format_args!("{fd}:listen_addr"), &peer.listener);
        line(out, format_args!("{fd}:state"), peer.doing());
        line(out, format_args!("{fd}:secs_since_last_cmd"), now - last);
    }
    out.text(reply::END);
}
