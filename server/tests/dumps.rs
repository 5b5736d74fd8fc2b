//! Dumps of the keys: what they show is what was stored, whoever else works meanwhile, and whoever stops reading.

mod common;

use common::packets::{FLAGS_5, lines, packet};
use common::{Client, Daemon, HELD_BY_A_REPORT};
use std::collections::BTreeMap;
use std::thread;

/// The lines of a `metadump`, by key, each as pairs.
fn metadump(client: &mut Client, which: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    client.send(format!("lru_crawler metadump {which}\r\n"));
    let text = String::from_utf8(client.until("END\r\n")).expect("text");
    let lines = text.strip_prefix("OK\r\n").and_then(|text| text.strip_suffix("END\r\n"));
    let mut items = BTreeMap::new();
    for line in lines.expect("OK and END").lines() {
        let pair = |word: &str| {
            let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("no pair in {line}"));
            (name.to_string(), value.to_string())
        };
        let mut pairs: BTreeMap<String, String> = line.split(' ').map(pair).collect();
        let key = pairs.remove("key").expect("a key");
        assert!(items.insert(key, pairs).is_none(), "twice: {line}");
    }
    items
}

/// `%41` and the like decoded.
fn decoded(key: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = key.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    bytes
}

#[test]
fn items_are_shown_as_they_are() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "1"]);
    let mut client = daemon.connect();
    let long = "x".repeat(300);
    client.expect(
        format!("ms a 2 F7 T1000 E11\r\nhi\r\nms YSBiCgA= 1 b E12\r\nx\r\nset long 0 0 300\r\n{long}\r\n"),
        "HD\r\nHD\r\nSTORED\r\n",
    );
    client.expect(b"ms \x01%\xe9/~ 0 E13\r\n\r\n", "HD\r\n");
    client.expect(
        "debugtime 120\r\nget a\r\nset dead 0 1 1\r\nx\r\ndebugtime 10\r\n",
        "OK\r\nVALUE a 7 2\r\nhi\r\nEND\r\nSTORED\r\nOK\r\n",
    );
    let now = client.stat("time");
    let items = metadump(&mut client, "all");
    let keys: Vec<Vec<u8>> = items.keys().map(|key| decoded(key)).collect();
    assert_eq!(
        keys,
        [b"\x01%\xe9/~".to_vec(), b"a".to_vec(), b"a b\n\0".to_vec(), b"long".to_vec()]
    );
    assert!(items.contains_key("%01%25%E9%2F~") && items.contains_key("a%20b%0A%00"), "{items:?}");
    let shown = |key: &str, name: &str| items[key][name].clone();
    for (name, value) in [
        ("exp", (now + 870).to_string()),
        ("la", (now - 10).to_string()),
        ("cas", "11".to_string()),
        ("fetch", "yes".to_string()),
        ("cls", "1".to_string()),
        ("size", "66".to_string()),
        ("flags", "7".to_string()),
    ] {
        assert_eq!(shown("a", name), value, "{name}");
    }
    for (name, value) in
        [("exp", "-1"), ("fetch", "no"), ("flags", "0"), ("cls", "8"), ("size", "363")]
    {
        let value = if name == "cls" { shown("long", "cls") } else { value.to_string() };
        assert_eq!(shown("long", name), value, "{name}");
    }
    assert_eq!(shown("long", "la"), (now - 130).to_string());
    // By class, and in the form of commands.
    let class = shown("long", "cls");
    assert_eq!(metadump(&mut client, &class).into_keys().collect::<Vec<_>>(), ["long"]);
    assert_eq!(metadump(&mut client, "2,3").len(), 0);
    assert_eq!(metadump(&mut client, "hash"), items);
    client.send("lru_crawler mgdump all\r\n");
    let dump = client.until("EN\r\n");
    let dump = dump.strip_prefix(b"OK\r\n").and_then(|dump| dump.strip_suffix(b"EN\r\n"));
    let mut lines: Vec<&[u8]> =
        dump.expect("OK and EN").split_inclusive(|&byte| byte == b'\n').collect();
    lines.sort();
    let expected: [&[u8]; 4] =
        [b"mg \x01%\xe9/~\r\n", b"mg YSBiCgA= b\r\n", b"mg a\r\n", b"mg long\r\n"];
    assert_eq!(lines, expected);
    // It can be sent back as it is.
    client.send(lines.concat());
    client.expect("mn\r\n", "HD\r\nHD\r\nHD\r\nHD\r\nMN\r\n");
    assert_eq!(client.stat("lru_crawler_starts"), 5);
    assert_eq!(client.stat("lru_crawler_running"), 0);
    assert_eq!(client.stat("crawler_items_checked"), 20);
}

/// The binary protocol and the other faces of a shared region store keys of any bytes.
#[test]
fn no_key_ends_its_line() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "1"]);
    let mut binary = daemon.connect();
    binary.send(packet(0x01, FLAGS_5, b"a\r\nEN\r\nflush_all", b"v"));
    binary.send(packet(0x01, FLAGS_5, b"b c", b"v"));
    assert_eq!(lines(&binary.finish()), ["01 0 c", "01 0 c"]);
    let mut client = daemon.connect();
    client.send("lru_crawler mgdump all\r\nmn\r\n");
    let dump = String::from_utf8(client.until("MN\r\n")).expect("text");
    let mut lines: Vec<&str> = dump.split_inclusive('\n').collect();
    lines[1..3].sort_unstable();
    assert_eq!(
        lines,
        ["OK\r\n", "mg YQ0KRU4NCmZsdXNoX2FsbA== b\r\n", "mg YiBj b\r\n", "EN\r\n", "MN\r\n"]
    );
    // What is not one word cannot be shown here, nor asked for.
    client.expect("set plain 0 0 1\r\nx\r\ndebugtime 200\r\n", "STORED\r\nOK\r\n");
    client.expect("stats cachedump 1 0\r\n", "ITEM plain [1 b; 0 s]\r\nEND\r\n");
}

#[test]
fn cachedump_shows_what_is_cold() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "1"]);
    let mut client = daemon.connect();
    client.expect(
        "set a 0 1000 3\r\nabc\r\nset b 0 0 1\r\nx\r\nms YSBi 1 b\r\nx\r\n",
        "STORED\r\nSTORED\r\nHD\r\n",
    );
    client.expect("stats cachedump 1 10\r\ndebugtime 200\r\n", "END\r\nOK\r\n");
    let now = client.stat("time");
    let (a, b) = (format!("ITEM a [3 b; {} s]\r\n", now + 800), "ITEM b [1 b; 0 s]\r\n");
    client.send("stats cachedump 1 0\r\n");
    let all = String::from_utf8(client.until("END\r\n")).expect("text");
    assert!(all == format!("{a}{b}END\r\n") || all == format!("{b}{a}END\r\n"), "{all}");
    client.send("stats cachedump 1 1\r\n");
    let one = String::from_utf8(client.until("END\r\n")).expect("text");
    assert_eq!(one.lines().count(), 2, "{one}");
    client.expect(
        "stats cachedump 2 10\r\nstats cachedump 64 1\r\nstats cachedump 1 x\r\nstats cachedump 1\r\n",
        "END\r\nCLIENT_ERROR Illegal slab id\r\nCLIENT_ERROR bad command line format\r\nCLIENT_ERROR bad command line\r\n",
    );
}

#[test]
fn dumps_can_be_forbidden() {
    let daemon = Daemon::start(&["-X"]);
    let mut client = daemon.connect();
    for (command, answer) in [
        ("lru_crawler metadump all", "ERROR metadump not allowed"),
        ("lru_crawler metadump hash", "ERROR metadump not allowed"),
        ("lru_crawler mgdump 1", "ERROR key dump not allowed"),
        ("stats cachedump 1 1", "CLIENT_ERROR stats cachedump not allowed"),
        ("stats detail dump", "CLIENT_ERROR stats detail not allowed"),
        ("lru_crawler crawl 1", "OK"),
        ("lru_crawler disable", "OK"),
        ("lru_crawler metadump all", "CLIENT_ERROR lru crawler disabled"),
        ("lru_crawler crawl all", "CLIENT_ERROR lru crawler disabled"),
    ] {
        client.expect(format!("{command}\r\n"), &format!("{answer}\r\n"));
    }
}

/// So many that the dumps below take a while.
const MANY: usize = 300_000;

/// Room for them; and the index grows where a bucket is full, instead of an entry of it being evicted.
const WIDE: &[&str] = &["-m", "128", "-M", "-t", "1"];

fn fill(client: &mut Client) {
    for thousand in 0..MANY / 1000 {
        let mut request = String::new();
        for number in thousand * 1000..(thousand + 1) * 1000 {
            request.push_str(&format!("set key{number:06} 0 0 6 noreply\r\n{number:06}\r\n"));
        }
        client.send(request);
    }
    client.expect("mn\r\n", "MN\r\n");
    let stats = client.stats("");
    assert_eq!(client.stat("curr_items"), MANY as u64, "{stats:?}");
}

#[test]
fn a_large_dump_is_whole_and_keeps_nobody_waiting() {
    let daemon = Daemon::start(WIDE);
    let mut client = daemon.connect();
    fill(&mut client);
    // Items that stay are each shown once, while others come and go and the index grows.
    let mut other = daemon.connect();
    let (served, dumped) = thread::scope(|scope| {
        let dump = scope.spawn(|| {
            let mut keys = metadump(&mut client, "all").into_keys().collect::<Vec<_>>();
            keys.retain(|key| key.starts_with("key"));
            keys
        });
        let mut served = 0;
        while !dump.is_finished() {
            other.expect(
                format!("set new{served} 0 0 1\r\nx\r\nget key000001\r\ndelete new{served}\r\n"),
                "STORED\r\nVALUE key000001 0 6\r\n000001\r\nEND\r\nDELETED\r\n",
            );
            served += 1;
        }
        (served, dump.join().expect("the dump"))
    });
    assert_eq!(dumped.len(), MANY);
    assert!(dumped.iter().enumerate().all(|(number, key)| *key == format!("key{number:06}")));
    // On the dumping worker itself.
    assert!(served > 20, "only {served} requests were served meanwhile");
    for words in ["items", "slabs"] {
        let stats: BTreeMap<_, _> = other.stats(words).into_iter().collect();
        let name = if words == "items" { "items:1:number" } else { "1:used_chunks" };
        assert_eq!(stats[name], MANY.to_string());
    }
}

#[test]
fn who_stops_reading_a_dump_costs_little_and_may_go() {
    let daemon = Daemon::start(WIDE);
    let mut other = daemon.connect();
    fill(&mut other);
    let mut slow: Vec<Client> = (0..4).map(|_| daemon.connect()).collect();
    for client in &mut slow {
        client.send("lru_crawler metadump all\r\nlru_crawler mgdump all\r\n");
        assert_eq!(client.take(4), b"OK\r\n");
    }
    // All four are stuck in the middle of it.
    let blocked = |client: &mut Client| {
        client.send("stats conns\r\n");
        let conns = String::from_utf8(client.until("END\r\n")).expect("text");
        conns.matches("conn_mwrite").count()
    };
    common::eventually(|| (blocked(&mut other) == 4).then_some(()));
    for _ in 0..100 {
        other.expect("get none\r\n", "END\r\n");
    }
    let held = other.stat("response_obj_bytes");
    assert!(held <= 5 * HELD_BY_A_REPORT, "{held} bytes held for four clients");
    assert_eq!(other.stat("lru_crawler_running"), 1);
    // Three go; one reads on, and misses nothing.
    slow.truncate(1);
    let mut last = slow.remove(0);
    let text = last.until("EN\r\n");
    assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), 2 * MANY + 3);
    other.stat_until("lru_crawler_running", |running| running == 0);
    other.stat_until("curr_connections", |count| count == 2);
    other.stat_until("response_obj_bytes", |held| held <= 64 << 10);
}

#[test]
fn a_long_text_that_waits_for_its_reader_is_counted() {
    let daemon = Daemon::start(&["-t", "1", "-o", "resp_obj_mem_limit=4"]);
    let mut client = daemon.connect();
    client.expect("stats detail on\r\n", "OK\r\n");
    for number in 0..4096 {
        client.expect(format!("get {number:0>200}:a\r\n"), "END\r\n");
    }
    // Over a megabyte, all of which is there until its client has read it.
    let silent = || {
        let mut silent = daemon.connect();
        silent.send("stats detail dump\r\n".repeat(20));
        silent
    };
    let one = silent();
    client.stat_until("response_obj_bytes", |held| held > 1_000_000);
    drop(one);
    client.stat_until("response_obj_bytes", |held| held < 200_000);
    let _many: Vec<Client> = (0..10).map(|_| silent()).collect();
    client.stat_until("response_obj_oom", |count| count > 0);
}
