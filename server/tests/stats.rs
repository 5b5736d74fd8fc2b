//! Statistics: every name of memcached's in its order, and the numbers of conversations whose outcome is known.

mod common;

use common::{Client, Daemon};
use std::collections::HashMap;

/// `stats` of memcached 1.6.45, in order.
const GENERAL: &str = "pid uptime time version libevent pointer_size rusage_user rusage_system max_connections \
    curr_connections total_connections rejected_connections connection_structures response_obj_oom response_obj_count \
    response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set \
    cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses \
    incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large \
    store_no_memory auth_cmds auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num \
    time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes hash_is_expanding \
    slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_inline_reclaim slab_reassign_busy_items \
    slab_reassign_busy_deletes slab_reassign_busy_nomem slab_reassign_last_busy_status slab_reassign_running \
    slabs_moved lru_crawler_running lru_crawler_starts lru_maintainer_juggles malloc_fails log_worker_dropped \
    log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids round_robin_fallback \
    bytes curr_items total_items slab_global_page_pool expired_unfetched evicted_unfetched evicted_active evictions \
    reclaimed crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru \
    direct_reclaims lru_bumps_dropped";

/// `stats settings`, in order.
const SETTINGS: &str = "maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask \
    shutdown_command growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix detail_enabled \
    reqs_per_event cas_enabled tcp_backlog binding_protocol auth_enabled_sasl auth_enabled_ascii item_size_max \
    maxconns_fast hashpower_init slab_reassign slab_automove slab_automove_ratio slab_automove_window slab_chunk_max \
    lru_crawler lru_crawler_sleep lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled hash_algorithm \
    lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor temp_lru temporary_ttl \
    idle_timeout watcher_logbuf_size worker_logbuf_size read_buf_mem_limit track_sizes inline_ascii_response \
    ext_item_size ext_item_age ext_low_ttl ext_recache_rate ext_wbuf_size ext_compact_under ext_drop_under \
    ext_max_sleep ext_max_frag slab_automove_freeratio ext_drop_unread num_napi_ids memory_file client_flags_size";

/// `stats items`, of each class, in order.
const ITEMS: &str = "number number_hot number_warm number_cold age_hot age_warm age mem_requested evicted \
    evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched evicted_unfetched evicted_active \
    crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru \
    direct_reclaims hits_to_hot hits_to_warm hits_to_cold hits_to_temp";

/// `stats slabs`, of each class, in order.
const SLABS: &str = "chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks free_chunks_end \
    get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval touch_hits";

fn names(list: &str) -> Vec<&str> {
    list.split_whitespace().collect()
}

/// The statistics as a table.
fn table(client: &mut Client, words: &str) -> HashMap<String, String> {
    client.stats(words).into_iter().collect()
}

#[track_caller]
fn expect(table: &HashMap<String, String>, wanted: &[(&str, &str)]) {
    for (name, value) in wanted {
        assert_eq!(table.get(*name).map(String::as_str), Some(*value), "{name} in {table:#?}");
    }
}

#[test]
fn every_name_is_there_in_memcacheds_order() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut client = daemon.connect();
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    for (words, wanted, count) in [
        ("", names(GENERAL), 93),
        ("settings", names(SETTINGS), 66),
        ("items", names(ITEMS), 28),
        ("slabs", names(SLABS), 15),
    ] {
        assert_eq!(wanted.len(), count, "{words}");
        let got = client.stats(words);
        // Behind memcached's names there are some of our own.
        let got: Vec<&str> = got.iter().take(count).map(|(name, _)| name.as_str()).collect();
        let bare = |name: &'static str| match words {
            "items" => format!("items:1:{name}"),
            "slabs" => format!("1:{name}"),
            _ => name.to_string(),
        };
        let wanted: Vec<String> = wanted.into_iter().map(bare).collect();
        assert_eq!(got, wanted, "{words}");
    }
    let conns = client.stats("conns");
    let mine: Vec<&str> = conns.iter().rev().take(4).map(|(name, _)| name.as_str()).collect();
    let (fd, _) = mine[0].split_once(':').expect("a descriptor");
    for (name, wanted) in
        mine.iter().rev().zip(["addr", "listen_addr", "state", "secs_since_last_cmd"])
    {
        assert_eq!(*name, format!("{fd}:{wanted}"));
    }
    // What is only there if it is asked for.
    client.expect("stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n");
    client.expect("stats s\r\n", "");
    assert_eq!(client.until("END\r\n"), client_settings(&daemon));
    client.expect("stats rese\r\n", "RESET\r\n");
    client.expect("stats item\r\nstats nonsense\r\n", "ERROR\r\nERROR\r\n");
}

fn client_settings(daemon: &Daemon) -> Vec<u8> {
    let mut client = daemon.connect();
    client.send("stats settings\r\n");
    client.until("END\r\n")
}

#[test]
fn counts_by_class_are_those_of_the_conversation() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "2"]);
    let mut client = daemon.connect();
    let long = "x".repeat(200);
    // Classes as memcached 1.6.18 has them: 61 bytes are of class 1, 262 of class 6.
    client.expect(
        format!("set a 0 0 1\r\n1\r\nset b 0 100 200\r\n{long}\r\nget a b c a\r\n"),
        &format!("STORED\r\nSTORED\r\nVALUE a 0 1\r\n1\r\nVALUE b 0 200\r\n{long}\r\nVALUE a 0 1\r\n1\r\nEND\r\n"),
    );
    client.expect(
        "touch b 50\r\ntouch c 50\r\ngat 60 b\r\n",
        &format!("TOUCHED\r\nNOT_FOUND\r\nVALUE b 0 200\r\n{long}\r\nEND\r\n"),
    );
    client
        .expect("incr a 1\r\ndecr a 1\r\nincr a 2\r\nincr c 1\r\n", "2\r\n1\r\n3\r\nNOT_FOUND\r\n");
    client.expect(
        "cas a 0 0 1 999\r\n1\r\ncas c 0 0 1 999\r\n1\r\nms b 1 C999\r\nx\r\nmg b q\r\nmn\r\n",
        "EXISTS\r\nNOT_FOUND\r\nEX\r\nHD\r\nMN\r\n",
    );
    client.expect("ms d 1 E5\r\nx\r\nms d 1 C5\r\ny\r\nms d 1\r\nz\r\n", "HD\r\nHD\r\nHD\r\n");
    client.expect("delete d\r\nmd d\r\nadd a 0 0 1\r\n1\r\n", "DELETED\r\nNF\r\nNOT_STORED\r\n");
    client.expect("debugtime 100\r\nget a\r\n", "OK\r\nVALUE a 0 1\r\n3\r\nEND\r\n");
    client.expect("set e 0 0 1\r\n1\r\n", "STORED\r\n");
    let slabs = table(&mut client, "slabs");
    expect(
        &slabs,
        &[
            ("1:used_chunks", "2"),
            ("1:chunk_size", "96"),
            ("1:chunks_per_page", "10922"),
            ("1:total_pages", "1"),
            ("1:get_hits", "3"),
            ("1:cmd_set", "9"),
            ("1:incr_hits", "2"),
            ("1:decr_hits", "1"),
            ("1:cas_hits", "1"),
            ("1:cas_badval", "2"),
            ("1:delete_hits", "1"),
            ("1:touch_hits", "0"),
            ("6:chunk_size", "304"),
            ("6:get_hits", "3"),
            ("6:touch_hits", "2"),
            ("6:cmd_set", "1"),
            // b died of age in between.
            ("6:used_chunks", "0"),
            ("active_slabs", "1"),
        ],
    );
    let sum = |name: &str| -> u64 {
        let of_class = |(key, value): (&String, &String)| {
            let (class, rest) = key.split_once(':')?;
            let counted = rest == name && class.parse::<u32>().is_ok();
            counted.then(|| value.parse::<u64>().expect("a number"))
        };
        slabs.iter().filter_map(of_class).sum()
    };
    for name in
        ["get_hits", "cmd_set", "delete_hits", "incr_hits", "decr_hits", "touch_hits", "cas_badval"]
    {
        assert_eq!(sum(name), client.stat(name), "{name}");
    }
    let items = table(&mut client, "items");
    expect(
        &items,
        &[
            ("items:1:number", "2"),
            ("items:1:number_cold", "2"),
            ("items:1:mem_requested", "122"),
            ("items:1:hits_to_cold", "3"),
            ("items:1:evicted", "0"),
        ],
    );
    assert!(!items.contains_key("items:6:number"), "{items:?}");
    client.expect("stats reset\r\n", "RESET\r\n");
    expect(&table(&mut client, "slabs"), &[("1:get_hits", "0"), ("1:used_chunks", "2")]);
}

#[test]
fn what_is_evicted_is_counted_by_class() {
    let daemon = Daemon::start(&["-m", "4", "-t", "1", "--debug-clock"]);
    let mut client = daemon.connect();
    let value = "v".repeat(1000);
    client.expect("set short 0 5 2\r\nhi\r\n", "STORED\r\n");
    client.expect("debugtime 10\r\n", "OK\r\n");
    for number in 0..20_000 {
        client.send(format!("set key{number} 0 1000 1000 noreply\r\n{value}\r\n"));
    }
    client.expect("mn\r\n", "MN\r\n");
    let class = 12;
    let items = table(&mut client, "items");
    let number =
        |name: &str| -> u64 { items[&format!("items:{class}:{name}")].parse().expect(name) };
    let evicted = number("evicted");
    assert!(evicted > 10_000, "{items:?}");
    assert_eq!(evicted, client.stat("evictions"));
    assert_eq!(number("evicted_nonzero"), evicted);
    assert_eq!(number("evicted_unfetched"), client.stat("evicted_unfetched"));
    assert_eq!(number("number"), client.stat("curr_items"));
    assert_eq!(number("mem_requested"), items_bytes(&mut client));
    client.expect("stats reset\r\n", "RESET\r\n");
    expect(&table(&mut client, "items"), &[("items:12:evicted", "0")]);
}

/// The size that `me` tells of each item, added up.
fn items_bytes(client: &mut Client) -> u64 {
    client.send("lru_crawler metadump all\r\n");
    let text = String::from_utf8(client.until("END\r\n")).expect("text");
    let size = |line: &str| line.split("size=").nth(1)?.split(' ').next()?.parse::<u64>().ok();
    text.lines().filter_map(size).sum()
}

#[test]
fn without_memory_the_class_is_told() {
    let daemon = Daemon::start(&["-m", "4", "-M", "-t", "1"]);
    let mut client = daemon.connect();
    let value = "v".repeat(1000);
    let mut refused = 0;
    for number in 0..10_000 {
        client.send(format!("set key{number} 0 0 1000\r\n{value}\r\n"));
        refused += u64::from(client.until("\r\n") != b"STORED\r\n");
    }
    assert!(refused > 1000, "{refused} refused");
    expect(&table(&mut client, "items"), &[("items:12:outofmemory", &refused.to_string())]);
    assert_eq!(client.stat("store_no_memory"), refused);
    // What makes an item on a miss finds no memory either: a miss, and memcached's own words.
    client.expect(
        "mg new N0\r\nmg new N0 q\r\nma new N0\r\nma new N0 q\r\nmn\r\n",
        "EN\r\nSERVER_ERROR Out of memory allocating new item\r\nSERVER_ERROR Out of memory allocating new item\r\nMN\r\n",
    );
}

#[test]
fn prefixes_are_counted_while_that_is_wanted() {
    let daemon = Daemon::start(&["-t", "2"]);
    let mut client = daemon.connect();
    client.expect("set p:a 0 0 1\r\nx\r\nstats detail dump\r\n", "STORED\r\nEND\r\n");
    client.expect("stats detail on\r\n", "OK\r\n");
    client.expect("set p:a 0 0 1\r\nx\r\nadd p:a 0 0 1\r\nx\r\n", "STORED\r\nNOT_STORED\r\n");
    client.expect("get p:a p:b none q:a\r\nget p:b\r\n", "VALUE p:a 0 1\r\nx\r\nEND\r\nEND\r\n");
    client.expect(
        "delete p:b\r\nmd p:a\r\nmg q:c:d\r\nset : 0 0 1\r\nx\r\n",
        "NOT_FOUND\r\nHD\r\nEN\r\nSTORED\r\n",
    );
    let dump = "PREFIX  get 0 hit 0 set 1 del 0\r\nPREFIX p get 3 hit 1 set 2 del 2\r\n\
                PREFIX q get 2 hit 0 set 0 del 0\r\nEND\r\n";
    client.expect("stats detail dump\r\n", dump);
    client.expect(
        "stats detail off\r\nget p:a\r\nstats detail dump\r\n",
        &format!("OK\r\nEND\r\n{dump}"),
    );
    client.expect("stats reset\r\nstats detail dump\r\n", "RESET\r\nEND\r\n");
    client.expect(
        "stats detail\r\nstats detail offline\r\n",
        "CLIENT_ERROR usage: stats detail on|off|dump\r\nCLIENT_ERROR usage: stats detail on|off|dump\r\n",
    );
    let daemon = Daemon::start(&["-D", "/", "-t", "1"]);
    let mut client = daemon.connect();
    client.expect(
        "get a/b a:b\r\nstats detail dump\r\n",
        "END\r\nPREFIX a get 1 hit 0 set 0 del 0\r\nEND\r\n",
    );
    expect(&table(&mut client, "settings"), &[("stat_key_prefix", "/"), ("detail_enabled", "yes")]);
    // A binary key's prefix does not end the line.
    client.expect(
        "mg YSAKLw== b\r\nstats detail dump\r\n",
        "EN\r\nPREFIX a get 1 hit 0 set 0 del 0\r\nPREFIX a%20%0A get 1 hit 0 set 0 del 0\r\nEND\r\n",
    );
}

#[test]
fn sizes_are_counted_if_asked_for() {
    let daemon = Daemon::start(&["-o", "track_sizes,slab_sizes=100-200", "-t", "1"]);
    let mut client = daemon.connect();
    let long = "x".repeat(100);
    client.expect(
        format!("set a 0 0 1\r\nx\r\nset b 0 0 3\r\nxyz\r\nms c 100 E3\r\n{long}\r\n"),
        "STORED\r\nSTORED\r\nHD\r\n",
    );
    client.expect("stats sizes\r\n", "STAT 64 2\r\nSTAT 160 1\r\nEND\r\n");
    expect(
        &table(&mut client, "slabs"),
        &[("1:chunk_size", "104"), ("1:used_chunks", "2"), ("2:used_chunks", "1")],
    );
    client.expect("me c\r\n", "ME c exp=-1 la=0 cas=3 fetch=no cls=2 size=160\r\n");
}
