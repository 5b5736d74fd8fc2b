//! `stats settings`: what the server was started with, or what was set since. memcached's knobs that turn nothing here
//! are shown as they stand.

use super::{line, yes_no};
use crate::buffer::Output;
use crate::options::Knobs;
use crate::protocol::reply;
use crate::server::{Server, lock};
use crate::tls::Tls;
use std::path::PathBuf;

/// Writes it.
pub fn write(server: &Server, out: &mut Output) {
    let knobs = lock(&server.knobs).clone();
    place(server, out);
    service(server, &knobs, out);
    slabs_and_lru(server, &knobs, out);
    rest(server, &knobs, out);
    line(out, "region", server.region().as_deref().unwrap_or("NULL"));
    out.text(reply::END);
}

fn path(path: Option<&PathBuf>, none: &str) -> String {
    path.map_or(none.to_string(), |path| path.display().to_string())
}

fn place(server: &Server, out: &mut Output) {
    let options = &server.options;
    let inter = match options.listen.is_empty() {
        true => "NULL".to_string(),
        false => options.listen.join(","),
    };
    line(out, "maxbytes", server.cache.stats().limit_maxbytes);
    line(out, "maxconns", options.connections);
    line(out, "tcpport", server.bound_port);
    line(out, "udpport", server.bound_udp_port);
    line(out, "inter", inter);
    line(out, "verbosity", server.verbosity());
    line(out, "oldest", 0);
    line(out, "evictions", if options.evict { "on" } else { "off" });
    line(out, "domain_socket", path(options.unix_socket.as_ref(), "NULL"));
    line(out, "umask", format_args!("{:o}", options.unix_mask));
    line(out, "shutdown_command", yes_no(options.shutdown_command));
}

fn service(server: &Server, knobs: &Knobs, out: &mut Output) {
    let options = &server.options;
    line(out, "growth_factor", format_args!("{:.2}", knobs.classes.factor));
    line(out, "chunk_size", knobs.classes.least);
    line(out, "num_threads", options.threads);
    line(out, "num_threads_per_udp", options.threads);
    line(out, "stat_key_prefix", char::from(options.prefix_delimiter));
    line(out, "detail_enabled", yes_no(server.counts_prefixes()));
    line(out, "reqs_per_event", options.requests_per_turn);
    line(out, "cas_enabled", yes_no(options.cas));
    line(out, "tcp_backlog", options.backlog);
    line(out, "binding_protocol", options.protocol);
    line(out, "auth_enabled_sasl", yes_no(options.sasl));
    line(out, "auth_enabled_ascii", path(options.auth_file.as_ref(), "no"));
    line(out, "item_size_max", server.cache.item_size_max());
    line(out, "maxconns_fast", yes_no(options.refuse_over_limit));
}

fn slabs_and_lru(server: &Server, knobs: &Knobs, out: &mut Output) {
    line(out, "hashpower_init", knobs.hashpower);
    line(out, "slab_reassign", yes_no(knobs.slab_reassign));
    line(out, "slab_automove", knobs.slab_automove);
    line(out, "slab_automove_ratio", format_args!("{:.2}", knobs.slab_automove_ratio));
    line(out, "slab_automove_window", knobs.slab_automove_window);
    line(out, "slab_chunk_max", knobs.classes.chunk_max);
    line(out, "lru_crawler", yes_no(knobs.lru_crawler));
    line(out, "lru_crawler_sleep", knobs.lru_crawler_sleep);
    line(out, "lru_crawler_tocrawl", knobs.lru_crawler_tocrawl);
    line(out, "tail_repair_time", knobs.tail_repair_time);
    line(out, "flush_enabled", yes_no(server.options.flush));
    line(out, "dump_enabled", yes_no(server.options.dump));
    // The one that is used, whatever was asked for.
    line(out, "hash_algorithm", "rapidhash");
    line(out, "lru_maintainer_thread", yes_no(knobs.lru_maintainer));
    line(out, "lru_segmented", yes_no(knobs.lru_segmented));
    line(out, "hot_lru_pct", knobs.hot_lru_pct);
    line(out, "warm_lru_pct", knobs.warm_lru_pct);
    line(out, "hot_max_factor", format_args!("{:.2}", knobs.hot_max_factor));
    line(out, "warm_max_factor", format_args!("{:.2}", knobs.warm_max_factor));
    line(out, "temp_lru", yes_no(knobs.temporary_ttl.is_some()));
    line(out, "temporary_ttl", knobs.temporary_ttl.unwrap_or(Knobs::TEMPORARY_TTL));
}

fn rest(server: &Server, knobs: &Knobs, out: &mut Output) {
    let options = &server.options;
    line(out, "idle_timeout", options.idle_timeout);
    line(out, "watcher_logbuf_size", knobs.watcher_logbuf_size);
    line(out, "worker_logbuf_size", knobs.worker_logbuf_size);
    line(out, "read_buf_mem_limit", options.read_memory);
    line(out, "track_sizes", yes_no(knobs.track_sizes));
    line(out, "inline_ascii_response", "no");
    let flash = &knobs.flash;
    line(out, "ext_item_size", flash.item_size);
    line(out, "ext_item_age", flash.item_age);
    line(out, "ext_low_ttl", flash.low_ttl);
    line(out, "ext_recache_rate", flash.recache_rate);
    line(out, "ext_wbuf_size", flash.wbuf_size);
    line(out, "ext_compact_under", flash.compact_under);
    line(out, "ext_drop_under", flash.drop_under);
    line(out, "ext_max_sleep", flash.max_sleep);
    line(out, "ext_max_frag", format_args!("{:.2}", flash.max_frag));
    line(out, "slab_automove_freeratio", format_args!("{:.3}", knobs.slab_automove_freeratio));
    line(out, "ext_drop_unread", yes_no(flash.drop_unread));
    line(out, "num_napi_ids", knobs.napi_ids);
    line(out, "memory_file", path(options.memory_file.as_ref(), "(null)"));
    line(out, "client_flags_size", size_of::<u32>());
    // What memcached shows only where TLS is built in.
    line(out, "ssl_enabled", yes_no(options.tls));
    for (name, value) in server.tls.iter().flat_map(Tls::settings) {
        line(out, name, value);
    }
}
