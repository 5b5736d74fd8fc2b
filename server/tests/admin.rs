//! An operator's commands: every answer of memcached's, and what they set shown by `stats settings`.

mod common;

use common::{Client, Daemon};
use std::thread;

#[track_caller]
fn answers(client: &mut Client, cases: &[(&str, &str)]) {
    for (command, answer) in cases {
        client.expect(format!("{command}\r\n"), &format!("{answer}\r\n"));
    }
    client.expect("mn\r\n", "MN\r\n");
}

#[track_caller]
fn shows(client: &mut Client, wanted: &[(&str, &str)]) {
    let settings = client.stats("settings");
    for (name, value) in wanted {
        let found = settings.iter().find(|(other, _)| other == name);
        assert_eq!(found.map(|(_, value)| value.as_str()), Some(*value), "{name}");
    }
}

const FORMAT: &str = "CLIENT_ERROR bad command line format";

#[test]
fn slabs() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut client = daemon.connect();
    // Measured at memcached 1.6.18; `window`, `freeratio` and levels over 2 as 1.6.45 has them.
    answers(
        &mut client,
        &[
            ("slabs", "ERROR"),
            ("slabs reassign", "ERROR"),
            ("slabs reassign 1", "ERROR"),
            ("slabs reassign 1 2", "NOSPARE source class has no spare pages"),
            ("slabs reassign 0 39", "NOSPARE source class has no spare pages"),
            ("slabs reassign x 2", FORMAT),
            ("slabs reassign -1 1", "BADCLASS invalid src or dst class id"),
            ("slabs reassign 1 40", "BADCLASS invalid src or dst class id"),
            ("slabs reassign 1 1", "SAME src and dst class are identical"),
            ("slabs reassign 1 2 3", "ERROR"),
            ("slabs automove", "ERROR"),
            ("slabs automove 0", "OK"),
            ("slabs automove 3", "ERROR"),
            ("slabs automove x", FORMAT),
            ("slabs automove -1", FORMAT),
            ("slabs automove ratio", "ERROR"),
            ("slabs automove ratio x", "ERROR"),
            ("slabs automove ratio 0.5", "OK"),
            ("slabs automove freeratio 0.25", "OK"),
            ("slabs automove window 2", "ERROR"),
            ("slabs automove window 1801", "ERROR"),
            ("slabs automove window 1800", "OK"),
            ("slabs other 1 2", "ERROR"),
        ],
    );
    shows(
        &mut client,
        &[
            ("slab_automove", "0"),
            ("slab_automove_ratio", "0.50"),
            ("slab_automove_freeratio", "0.250"),
            ("slab_automove_window", "1800"),
        ],
    );
    // Nothing is said, whatever it is.
    client.expect("slabs reassign 1 2 noreply\r\nslabs automove 2 noreply\r\nmn\r\n", "MN\r\n");
    let daemon = Daemon::start(&["-o", "no_slab_reassign"]);
    daemon
        .connect()
        .expect("slabs reassign 1 2\r\n", "CLIENT_ERROR slab reassignment disabled\r\n");
}

#[test]
fn lru_and_flash() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut client = daemon.connect();
    answers(
        &mut client,
        &[
            ("lru", "ERROR"),
            ("lru tune", "ERROR"),
            ("lru tune 20 40 0.1", "ERROR"),
            ("lru tune x 40 0.1 2", "ERROR"),
            ("lru tune 60 50 0.1 2", "ERROR hot and warm pcts must not exceed 80"),
            ("lru tune 4294967295 1 0.1 2", "ERROR hot and warm pcts must not exceed 80"),
            ("lru tune 20 40 0 2", "ERROR hot/warm age factors must be greater than 0"),
            ("lru tune 10 30 0.1 3", "OK"),
            ("lru mode", "ERROR"),
            ("lru mode other", "ERROR"),
            ("lru mode flat", "OK"),
            ("lru temp_ttl", "ERROR"),
            ("lru temp_ttl x", "ERROR"),
            ("lru temp_ttl 30", "OK"),
            ("lru other", "ERROR"),
            ("extstore", "ERROR"),
            ("extstore item_size", "ERROR"),
            ("extstore other 1", "ERROR"),
            ("extstore item_size x", "ERROR"),
            ("extstore item_size 1024", "OK"),
            ("extstore max_frag 0.5", "OK"),
            ("extstore drop_unread 1", "OK"),
        ],
    );
    shows(
        &mut client,
        &[
            ("hot_lru_pct", "10"),
            ("warm_lru_pct", "30"),
            ("hot_max_factor", "0.10"),
            ("warm_max_factor", "3.00"),
            ("lru_segmented", "no"),
            ("temp_lru", "yes"),
            ("temporary_ttl", "30"),
            ("ext_item_size", "1024"),
            ("ext_max_frag", "0.50"),
            ("ext_drop_unread", "yes"),
        ],
    );
    client.expect("set a 0 0 1\r\nx\r\n", "STORED\r\n");
    assert!(client.stats("items").iter().any(|(name, _)| name == "items:1:number_temp"));
    answers(&mut client, &[("lru temp_ttl -1", "OK"), ("lru mode segmented", "OK")]);
    shows(&mut client, &[("temp_lru", "no"), ("lru_segmented", "yes")]);
}

#[test]
fn crawler() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut client = daemon.connect();
    let bad_class = "BADCLASS invalid class id";
    answers(
        &mut client,
        &[
            ("lru_crawler other", "ERROR"),
            ("lru_crawler enable", "ERROR failed to start lru crawler thread"),
            ("lru_crawler disable", "OK"),
            ("lru_crawler disable", "OK"),
            ("lru_crawler crawl all", "CLIENT_ERROR lru crawler disabled"),
            ("lru_crawler enable", "OK"),
            ("lru_crawler sleep", "ERROR"),
            ("lru_crawler sleep x", FORMAT),
            ("lru_crawler sleep 1000001", "CLIENT_ERROR sleep must be one second or less"),
            ("lru_crawler sleep 500", "OK"),
            ("lru_crawler tocrawl", "ERROR"),
            ("lru_crawler tocrawl -1", FORMAT),
            ("lru_crawler tocrawl 7", "OK"),
            ("lru_crawler crawl", "ERROR"),
            ("lru_crawler crawl 1,2,3", "OK"),
            ("lru_crawler crawl 63", "OK"),
            ("lru_crawler crawl 64", bad_class),
            ("lru_crawler crawl 0", bad_class),
            ("lru_crawler crawl 1,x", bad_class),
            ("lru_crawler crawl 1,,2", bad_class),
            ("lru_crawler crawl hash", "ERROR an unknown error happened"),
            ("lru_crawler metadump", "ERROR"),
            ("lru_crawler metadump 1,99", bad_class),
            ("lru_crawler mgdump x", bad_class),
            ("lru_crawler metadump all more", "ERROR"),
            ("lru_crawler metadump 1", "OK\r\nEND"),
            ("lru_crawler mgdump 1", "OK\r\nEN"),
        ],
    );
    shows(
        &mut client,
        &[("lru_crawler", "yes"), ("lru_crawler_sleep", "500"), ("lru_crawler_tocrawl", "7")],
    );
}

#[test]
fn settings_show_what_was_given() {
    let knobs = "hashpower=20,no_lru_crawler,slab_automove=2,hot_lru_pct=10,worker_logbuf_size=32,track_sizes,\
                 slab_chunk_max=16384,tail_repair_time=30,ext_item_age=60";
    let daemon = Daemon::start(&["-f", "1.5", "-n", "64", "-X", "-F", "-D", "#", "-o", knobs]);
    let mut client = daemon.connect();
    shows(
        &mut client,
        &[
            ("growth_factor", "1.50"),
            ("chunk_size", "64"),
            ("dump_enabled", "no"),
            ("flush_enabled", "no"),
            ("stat_key_prefix", "#"),
            ("hashpower_init", "20"),
            ("lru_crawler", "no"),
            ("slab_automove", "2"),
            ("hot_lru_pct", "10"),
            ("worker_logbuf_size", "32768"),
            ("track_sizes", "yes"),
            ("slab_chunk_max", "16384"),
            ("tail_repair_time", "30"),
            ("ext_item_age", "60"),
            ("ext_low_ttl", "0"),
        ],
    );
    client.send("ms a 60 E1\r\n");
    client.send(format!("{}\r\nme a\r\n", "x".repeat(60)));
    // 112 bytes have room for 64 and the header.
    client.expect("", "HD\r\nME a exp=-1 la=0 cas=1 fetch=no cls=2 size=120\r\n");
}

#[test]
fn the_memory_limit_moves() {
    let daemon = Daemon::start(&["-m", "64", "-t", "1"]);
    let mut client = daemon.connect();
    let value = "v".repeat(1000);
    for number in 0..40_000 {
        client.send(format!("set key{number} 0 0 1000 noreply\r\n{value}\r\n"));
    }
    client.expect("mn\r\n", "MN\r\n");
    let held = client.stat("bytes");
    answers(
        &mut client,
        &[
            ("cache_memlimit", "ERROR"),
            ("cache_memlimit x", "ERROR"),
            ("cache_memlimit 7", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m"),
            ("cache_memlimit 67108864", "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust"),
            (
                "cache_memlimit 2000000000",
                "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes",
            ),
            ("cache_memlimit 64", "OK"),
        ],
    );
    assert_eq!(client.stat("bytes"), held, "nothing is lost by a refusal");
    // Lowered: others are served meanwhile, and what is left is within it.
    let mut other = daemon.connect();
    thread::scope(|scope| {
        let lowering = scope.spawn(|| {
            client.expect("cache_memlimit 16\r\n", "OK\r\n");
            client.stat("limit_maxbytes")
        });
        while !lowering.is_finished() {
            other.expect("get none\r\n", "END\r\n");
        }
        assert_eq!(lowering.join().expect("lowered"), 16 << 20);
    });
    assert!(other.stat("bytes") <= 16 << 20);
    assert!(other.stat("evictions") > 20_000);
    shows(&mut other, &[("maxbytes", "16777216")]);
    // Raised: there is room again.
    other.expect("cache_memlimit 128\r\n", "OK\r\n");
    for number in 0..80_000 {
        other.send(format!("set key{number} 0 0 1000 noreply\r\n{value}\r\n"));
    }
    other.expect("mn\r\n", "MN\r\n");
    assert!(other.stat("bytes") > 64 << 20);
    other.expect("cache_memlimit 64 noreply\r\nmn\r\n", "MN\r\n");
    assert_eq!(other.stat("limit_maxbytes"), 64 << 20);
}

#[test]
fn a_limit_that_cannot_be_had_leaves_the_old_one() {
    let daemon = Daemon::start(&["-m", "64", "-M", "-t", "1"]);
    let mut client = daemon.connect();
    let value = "v".repeat(1000);
    for number in 0..40_000 {
        client.send(format!("set key{number} 0 0 1000 noreply\r\n{value}\r\n"));
    }
    client.expect("mn\r\n", "MN\r\n");
    client.expect(
        "cache_memlimit 16\r\n",
        "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n",
    );
    assert_eq!(client.stat("limit_maxbytes"), 64 << 20);
    assert_eq!(client.stat("curr_items"), 40_000);
}
