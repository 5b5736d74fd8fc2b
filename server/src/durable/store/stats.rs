//! `stats` of the store: memcached's names, MemcacheDB's words behind it.

use super::own::site;
use crate::buffer::Output;
use crate::dispatch::{After, Desk};
use crate::protocol::{reply, token::Tokens};
use crate::stats::{connections, line, process_lines, yes_no};
use nearcache_store::{Policy, Store};

/// Answers it; `words` is what stands behind it.
pub fn answer(store: &Store, desk: Desk<'_>, words: &[u8], out: &mut Output) -> After {
    let mut words = Tokens::new(words, 0);
    match words.next() {
        None => general(store, desk, out),
        Some(b"reset") => {
            store.reset_stats();
            out.text(reply::RESET);
            return After::Nothing;
        }
        Some(b"settings") => settings(store, desk, out),
        Some(b"conns") => return connections(desk.server),
        Some(b"bdb") => engine(store, out),
        Some(b"rep") => replication(store, desk, out),
        // Of the messages between sites: there is no other, and none was ever sent.
        Some(b"repmgr") => {
            for name in [
                "st_perm_failed",
                "st_msgs_queued",
                "st_msgs_dropped",
                "st_connection_drop",
                "st_connect_fail",
            ] {
                line(out, name, 0);
            }
        }
        Some(b"repcfg") => {
            for (name, value) in desk.server.durable.replication.settings() {
                line(out, name, value);
            }
        }
        Some(b"repms") => {
            line(out, "site-00", format_args!("{}/MASTER/--", site(desk)));
        }
        // A cache's: there are no such things in a store.
        Some(b"items" | b"slabs" | b"sizes" | b"extstore") => {}
        Some(_) => {
            out.text(reply::ERROR);
            return After::Nothing;
        }
    }
    out.text(reply::END);
    After::Nothing
}

fn general(store: &Store, desk: Desk<'_>, out: &mut Output) {
    process_lines(desk.server, out);
    line(out, "threads", desk.server.options.threads);
    match store.stats() {
        Ok(stats) => stats.into_iter().for_each(|(name, value)| line(out, name, value)),
        Err(error) => line(out, "store_error", super::verbs::one_line(&error)),
    }
    line(out, "nearcached", env!("CARGO_PKG_VERSION"));
}

fn settings(store: &Store, desk: Desk<'_>, out: &mut Output) {
    let (server, db) = (desk.server, store.database());
    let options = db.options();
    line(out, "maxconns", server.options.connections);
    line(out, "verbosity", server.verbosity());
    line(out, "num_threads", server.options.threads);
    line(out, "reqs_per_event", server.options.requests_per_turn);
    line(out, "item_size_max", options.item_size_max);
    line(out, "evictions", "off");
    line(out, "cas_enabled", "yes");
    line(out, "flush_enabled", yes_no(server.options.flush));
    line(out, "shutdown_command", yes_no(server.options.shutdown_command));
    line(out, "idle_timeout", server.options.idle_timeout);
    line(out, "ssl_enabled", yes_no(server.options.tls));
    line(out, "directory", db.dir().display());
    line(out, "id", format_args!("{:032x}", db.id()));
    match options.policy {
        Policy::Always => line(out, "sync", "always"),
        Policy::EveryMillis(millis) => line(out, "sync", millis),
        Policy::Never => line(out, "sync", "never"),
    }
    line(out, "near", options.near);
    line(out, "quota", options.quota.unwrap_or(0));
}

/// MemcacheDB's names for its engine, where this one has such a thing.
fn engine(store: &Store, out: &mut Output) {
    let options = store.database().options();
    line(out, "db_type", "lsm");
    let (gigabytes, bytes) = (options.block_cache >> 30, options.block_cache & ((1 << 30) - 1));
    line(out, "cache_size", format_args!("{gigabytes}/{bytes}/1"));
    line(out, "txn_nosync", u8::from(options.policy != Policy::Always));
    line(out, "log_auto_remove", 1);
    for (name, value) in store.database().engine().numbers() {
        line(out, name, value);
    }
}

/// One node: it is the master, elected by nobody, and waits for none.
fn replication(store: &Store, desk: Desk<'_>, out: &mut Output) {
    line(out, "rep_ismaster", "REP_MASTER");
    line(out, "rep_whoismaster", site(desk));
    line(out, "rep_localhp", site(desk));
    line(out, "rep_next_lsn", store.database().ledger().seq + 1);
    for (name, value) in desk.server.durable.replication.settings() {
        line(out, name, value);
    }
}
