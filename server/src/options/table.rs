//! The options by name, and the help text made of them.

use super::getopt::Known;
use super::roles::{QUEUE, STORE, What};
use std::fmt::Write;

/// Stands for `--debug-clock`, which has no letter.
pub const DEBUG_CLOCK: char = '\u{1}';

/// Stands for `--region`, which has no letter: memcached may come to use any.
pub const REGION: char = '\u{2}';

/// Stands for `--http`, which has no letter.
pub const HTTP: char = '\u{3}';

const fn flag(short: char, long: &'static str, help: &'static str) -> Known {
    Known { short, long, value: "", help }
}

const fn with(short: char, long: &'static str, value: &'static str, help: &'static str) -> Known {
    Known { short, long, value, help }
}

/// Every option.
pub const OPTIONS: &[Known] = &[
    with('p', "port", "num", "TCP port; 0 is off, -1 any free one (default 11211)"),
    with('U', "udp-port", "num", "UDP port; 0 is off (the default), -1 any free one"),
    with('s', "unix-socket", "file", "listen on this unix socket instead of TCP"),
    with('a', "unix-mask", "mask", "access mask of the unix socket, octal (default 700)"),
    flag('A', "enable-shutdown", "obey the shutdown command"),
    with(
        'l',
        "listen",
        "addr",
        "address to listen on, host or host:port; repeatable, or a comma list",
    ),
    flag('d', "daemon", "run in the background"),
    flag('r', "enable-coredumps", "raise the core file limit"),
    with('u', "user", "user", "become this user (needed when started as root)"),
    with('m', "memory-limit", "num", "memory in megabytes, items and index together (default 64)"),
    flag('M', "disable-evictions", "answer with an error when memory is full instead of evicting"),
    with('c', "conn-limit", "num", "most connections at a time (default 1024)"),
    flag('k', "lock-memory", "keep all memory resident"),
    flag('v', "verbose", "say more on standard error; -vv also commands and replies"),
    flag('h', "help", "print this and exit"),
    flag('i', "license", "print the licence and exit"),
    flag('V', "version", "print the version and exit"),
    with('P', "pidfile", "file", "write the process id to this file"),
    with(
        'f',
        "slab-growth-factor",
        "num",
        "of memcached's slab classes: statistics are counted by them",
    ),
    with(
        'n',
        "slab-min-size",
        "bytes",
        "of memcached's slab classes: statistics are counted by them",
    ),
    flag('L', "enable-largepages", "no effect"),
    with(
        'D',
        "prefix-delimiter",
        "char",
        "what ends the prefix of a key in stats detail, which is then on",
    ),
    with('t', "threads", "num", "worker threads (default 4)"),
    with(
        'R',
        "max-reqs-per-event",
        "num",
        "requests of one connection before others have a turn (default 20)",
    ),
    flag('C', "disable-cas", "no uniques: gets shows 0, cas never stores"),
    with('b', "listen-backlog", "num", "length of the listen queue (default 1024)"),
    with('B', "protocol", "name", "auto, ascii or binary (default auto)"),
    with('I', "max-item-size", "num", "largest item, 1k to 1024m (default 1m)"),
    flag('S', "enable-sasl", "ask for a user and password by SASL PLAIN; binary protocol only"),
    flag('F', "disable-flush-all", "refuse the flush_all command"),
    flag('X', "disable-dumping", "refuse the dump commands"),
    flag('W', "disable-watch", "refuse the watch command"),
    with('Y', "auth-file", "file", "ask for a user and password; the file has lines user:password"),
    with(
        'e',
        "memory-file",
        "file",
        "keep the cache in this file, and find it there again when started again",
    ),
    flag('Z', "enable-ssl", "speak TLS; see ssl_chain_cert and ssl_key under -o"),
    with(
        'o',
        "extended",
        "list",
        "idle_timeout=<seconds>, region=<name>, [no_]maxconns_fast, ssl_*, limits and sizes of buffers; -v tells which of \
         memcached's others have no effect",
    ),
    with('N', "napi-ids", "num", "no effect"),
    with(
        REGION,
        "region",
        "name",
        "share the cache with other processes under this name, or in the file at this path; what is there is attached",
    ),
    with(
        HTTP,
        "http",
        "addr",
        "serve Prometheus metrics and a live page on this port of this machine, or at host:port",
    ),
    with(
        STORE.of(What::Dir),
        "store",
        "dir",
        "serve the durable store in this directory, which is made if there is none, beside the cache; -p 0 turns the cache's \
         port off",
    ),
    with(
        STORE.of(What::Port),
        "store-port",
        "num",
        "TCP port of the store; 0 is off, -1 any free one (default 21201, or 0 with --store-socket)",
    ),
    with(
        STORE.of(What::Socket),
        "store-socket",
        "file",
        "unix socket of the store; -a is its access mask, too",
    ),
    with(
        STORE.of(What::Sync),
        "store-sync",
        "when",
        "when a write is safe enough to be answered: always (synced, the default), a number of milliseconds after which \
         it is synced, or never",
    ),
    with(
        STORE.of(What::Near),
        "store-near",
        "size",
        "memory of the cache in front of the store, with k, m or g; 0 for none (default 64m)",
    ),
    with(
        STORE.of(What::NearName),
        "store-near-name",
        "name",
        "share that cache under this name, or in the file at this path: other processes read it without a socket",
    ),
    with(
        STORE.of(What::Quota),
        "store-quota",
        "size",
        "most bytes of keys, values and messages, with k, m or g (default: no limit)",
    ),
    flag(
        STORE.of(What::Loss),
        "store-accept-loss",
        "open the store although its disk has lost writes that were synced",
    ),
    with(
        QUEUE.of(What::Dir),
        "queue",
        "dir",
        "serve durable queues in this directory; with that of --store both are one database",
    ),
    with(
        QUEUE.of(What::Port),
        "queue-port",
        "num",
        "TCP port of the queues; 0 is off, -1 any free one (default 22201, or 0 with --queue-socket)",
    ),
    with(
        QUEUE.of(What::Socket),
        "queue-socket",
        "file",
        "unix socket of the queues; -a is its access mask, too",
    ),
    with(
        QUEUE.of(What::Sync),
        "queue-sync",
        "when",
        "as --store-sync, where the queues have a directory of their own",
    ),
    with(QUEUE.of(What::Quota), "queue-quota", "size", "as --store-quota"),
    flag(QUEUE.of(What::Loss), "queue-accept-loss", "as --store-accept-loss"),
    flag(DEBUG_CLOCK, "debug-clock", ""),
];

/// The text of `-h`.
pub fn help() -> String {
    let mut text = format!(
        "nearcached {} (speaks memcached {})\n",
        env!("CARGO_PKG_VERSION"),
        super::MEMCACHED_VERSION
    );
    for option in OPTIONS.iter().filter(|option| !option.help.is_empty()) {
        let mut names = match option.short.is_ascii_alphabetic() {
            true => format!("-{}, --{}", option.short, option.long),
            false => format!("    --{}", option.long),
        };
        if !option.value.is_empty() {
            let _ = write!(names, "=<{}>", option.value);
        }
        let _ = writeln!(text, "{names:<34} {}", option.help);
    }
    text
}
