//! `stats` without a word behind it: memcached's names in its order, and behind them what it does not have.

use super::{line, zeroes};
use crate::buffer::Output;
use crate::counters::{Count, Counter, Counters, Counts};
use crate::options::MEMCACHED_VERSION;
use crate::process;
use crate::protocol::reply;
use crate::server::Server;
use std::sync::atomic::Ordering;

/// Writes them.
pub fn write(server: &Server, out: &mut Output) {
    let counts = server.counts();
    process_lines(server, out);
    buffer_lines(server, &counts, out);
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
        ],
    );
    tls_lines(server, &counts, out);
    line(out, "lru_crawler_running", u8::from(server.crawler.is_running()));
    line(out, "lru_crawler_starts", server.crawler.starts());
    zeroes(out, &["lru_maintainer_juggles", "malloc_fails"]);
    let log = server.log.readings();
    line(out, "log_worker_dropped", log.worker_dropped);
    line(out, "log_worker_written", log.worker_written);
    line(out, "log_watcher_skipped", log.watcher_skipped);
    line(out, "log_watcher_sent", log.watcher_sent);
    line(out, "log_watchers", log.watchers);
    zeroes(out, &["unexpected_napi_ids", "round_robin_fallback"]);
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

/// The process, and its connections.
pub(crate) fn process_lines(server: &Server, out: &mut Output) {
    let now = server.cache.unix_time();
    line(out, "pid", std::process::id());
    line(out, "uptime", now - server.started);
    line(out, "time", now);
    line(out, "version", MEMCACHED_VERSION);
    // memcached's event library; this server sits on the system's own calls.
    line(out, "libevent", "none");
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

fn buffer_lines(server: &Server, counts: &Counts, out: &mut Output) {
    let sum = |reading: fn(&Counters) -> &Counter| -> u64 {
        let each = server.counters.iter();
        each.map(|counters| reading(counters).get()).sum()
    };
    let pooled = sum(|counters| &counters.pooled_bytes);
    line(out, "response_obj_oom", counts[Count::ReplyOom as usize]);
    line(out, "response_obj_count", sum(|counters| &counters.write_buffers));
    line(out, "response_obj_bytes", sum(|counters| &counters.write_buffer_bytes));
    line(out, "read_buf_count", sum(|counters| &counters.read_buffers));
    line(out, "read_buf_bytes", sum(|counters| &counters.read_buffer_bytes) + pooled);
    line(out, "read_buf_bytes_free", pooled);
    line(out, "read_buf_oom", counts[Count::ReadOom as usize]);
    line(out, "reserved_fds", 0);
}

/// What clients asked for: the core's counts, less what the server asked for on its own account (see `dispatch`).
fn cache_lines(server: &Server, counts: &Counts, out: &mut Output) {
    let cache = server.cache.stats();
    let own = |count: Count| counts[count as usize];
    let [gets, get_hits, get_misses] = asked_by_clients(
        [cache.cmd_get, cache.get_hits, cache.get_misses],
        [own(Count::AskedAgain), own(Count::AskedAgainHits)],
    );
    for (name, value) in [
        ("cmd_get", gets),
        ("cmd_set", cache.cmd_set),
        ("cmd_flush", cache.cmd_flush),
        ("cmd_touch", cache.cmd_touch),
        ("cmd_meta", cache.cmd_meta),
        ("get_hits", get_hits),
        ("get_misses", get_misses),
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

/// Gets, hits and misses without those that were asked again. A worker may count between two of these readings: then
/// there are more hits among them than there are of them.
fn asked_by_clients([gets, hits, misses]: [u64; 3], [again, again_hits]: [u64; 2]) -> [u64; 3] {
    let again_misses = again.saturating_sub(again_hits);
    [(gets, again), (hits, again_hits), (misses, again_misses)]
        .map(|(all, own)| all.saturating_sub(own))
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
        ("crawler_items_checked", server.crawler.checked()),
        ("lrutail_reflocked", 0),
        ("moves_to_cold", 0),
        ("moves_to_warm", 0),
        ("moves_within_lru", 0),
        ("direct_reclaims", 0),
        ("lru_bumps_dropped", 0),
        // What memcached does not have comes behind its own.
        ("index_evictions", cache.index_evictions),
        ("segments_evicted", cache.segments_evicted),
        ("segments_cleaned", cache.segments_cleaned),
    ] {
        line(out, name, value);
    }
    line(out, "nearcached", env!("CARGO_PKG_VERSION"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_between_two_readings_does_no_harm() {
        assert_eq!(asked_by_clients([10, 6, 4], [3, 2]), [7, 4, 3]);
        assert_eq!(asked_by_clients([10, 6, 4], [1, 2]), [9, 4, 4]);
        assert_eq!(asked_by_clients([0, 0, 0], [1, 1]), [0, 0, 0]);
    }
}
