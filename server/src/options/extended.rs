//! `-o`: memcached's comma list of extended options. Some of them mean something here (those of TLS in a room of their own), and
//! `region` is this server's own; of the others the names are known, so that a start script goes on working and a typing error is still found.

use super::{Options, Wrong, wrong};

/// memcached's names that have no effect here and take no value.
const FLAGS: &[&str] = &[
    "no_hashexpand",
    "slab_reassign",
    "no_slab_reassign",
    "no_slab_automove",
    "lru_crawler",
    "no_lru_crawler",
    "lru_maintainer",
    "no_lru_maintainer",
    "track_sizes",
    "inline_ascii_resp",
    "no_inline_ascii_resp",
    "modern",
    "no_modern",
    "no_chunked_items",
    "drop_privileges",
    "no_drop_privileges",
    "ext_drop_unread",
];

/// memcached's names that have no effect here and take a value.
const VALUES: &[&str] = &[
    "hashpower",
    "slab_automove",
    "slab_automove_ratio",
    "slab_automove_window",
    "slab_automove_freeratio",
    "tail_repair_time",
    "hash_algorithm",
    "lru_crawler_sleep",
    "lru_crawler_tocrawl",
    "hot_lru_pct",
    "warm_lru_pct",
    "hot_max_factor",
    "warm_max_factor",
    "temporary_ttl",
    "watcher_logbuf_size",
    "worker_logbuf_size",
    "slab_sizes",
    "slab_chunk_max",
    "resp_obj_mem_limit",
    "read_buf_mem_limit",
    "sock_cookie_id",
    "ext_path",
    "ext_page_size",
    "ext_wbuf_size",
    "ext_threads",
    "ext_io_depth",
    "ext_item_size",
    "ext_item_age",
    "ext_low_ttl",
    "ext_recache_rate",
    "ext_compact_under",
    "ext_drop_under",
    "ext_max_frag",
    "ext_max_sleep",
];

/// Names that may stand with or without a value.
const EITHER: &[&str] = &["slab_automove", "temporary_ttl"];

/// Applies one `-o` list.
pub fn apply(list: &str, options: &mut Options) -> Result<(), Wrong> {
    for part in list.split(',').filter(|part| !part.is_empty()) {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (part, None),
        };
        match (name, value) {
            ("maxconns_fast", None) => options.refuse_over_limit = true,
            ("no_maxconns_fast", None) => options.refuse_over_limit = false,
            ("idle_timeout", Some(value)) => match value.parse() {
                Ok(seconds) => options.idle_timeout = seconds,
                Err(_) => {
                    return wrong(format!("-o idle_timeout={value}: wants a number of seconds"));
                }
            },
            ("region", Some(name)) => options.region = Some(super::region(name)?),
            ("region", None) => return wrong("-o region: wants a name, or a path"),
            ("idle_timeout", None) => return wrong("-o idle_timeout: wants a number of seconds"),
            _ if name.starts_with("ssl_") => super::tls::apply(name, value, options)?,
            _ if name.starts_with("proxy_") => {
                return wrong(format!("-o {name}: the proxy is not served"));
            }
            _ => without_effect(name, value, options)?,
        }
    }
    Ok(())
}

fn without_effect(name: &str, value: Option<&str>, options: &mut Options) -> Result<(), Wrong> {
    let known = match value {
        None => FLAGS.contains(&name) || EITHER.contains(&name),
        Some(_) => VALUES.contains(&name),
    };
    if !known {
        if VALUES.contains(&name) {
            return wrong(format!("-o {name}: wants a value"));
        }
        return Err(Wrong { sentence: format!("Illegal suboption \"{name}\""), status: 1 });
    }
    options.without_effect.push(format!("-o {name} has no effect"));
    Ok(())
}
