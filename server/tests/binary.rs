//! The binary protocol over a socket: a table of requests and answers, and what malformed ones lead to. Where memcached
//! skips too much behind an unknown operation (1.6.18 takes the next request's first bytes with it), this server does not.

mod common;

use common::Daemon;
use common::packets::{FLAGS_5, answers, count, header, lines, packet, with_cas};

const DATA_EXISTS: &str = "v:Data exists for key.";
const NON_NUMERIC: &str = "v:Non-numeric server-side value for incr or decr";

/// Sends the packets on a connection of its own to an emptied cache, with a NOOP at the end, and expects these answers.
/// Where the NOOP is not among them, the server has to close by itself.
fn converse(daemon: &Daemon, requests: &[Vec<u8>], expected: &[&str]) {
    daemon.connect().expect("flush_all\r\n", "OK\r\n");
    let mut client = daemon.connect();
    client.send(requests.concat());
    let closes = expected.last() != Some(&"0a 0");
    let got = match closes {
        true => client.rest(),
        false => {
            client.send(packet(0x0a, b"", b"", b""));
            client.finish()
        }
    };
    let sent: Vec<String> = requests.iter().map(|request| shortened(request)).collect();
    assert_eq!(lines(&got), expected, "to {sent:#?}");
}

fn shortened(request: &[u8]) -> String {
    request[..request.len().min(80)].escape_ascii().to_string()
}

fn set() -> Vec<u8> {
    packet(0x01, FLAGS_5, b"k", b"abc")
}

#[test]
fn gets() {
    let daemon = Daemon::start(&[]);
    let hit = |op: &str| format!("{op} 0 c e:\\x00\\x00\\x00\\x05 v:abc");
    let keyed = |op: &str| format!("{op} 0 c e:\\x00\\x00\\x00\\x05 k:k v:abc");
    let ask = |op, key: &str| packet(op, b"", key.as_bytes(), b"");
    let touch = |op, key: &str| packet(op, &100_u32.to_be_bytes(), key.as_bytes(), b"");
    converse(
        &daemon,
        &[set(), ask(0x00, "k"), ask(0x0c, "k"), ask(0x09, "k"), ask(0x0d, "k")],
        &["01 0 c", &hit("00"), &keyed("0c"), &hit("09"), &keyed("0d"), "0a 0"],
    );
    // A quiet one keeps silent about a miss; one with its key repeats that instead of words.
    converse(
        &daemon,
        &[ask(0x00, "no"), ask(0x0c, "no"), ask(0x09, "no"), ask(0x0d, "no")],
        &["00 1 v:Not found", "0c 1 k:no", "0a 0"],
    );
    converse(
        &daemon,
        &[set(), touch(0x1d, "k"), touch(0x23, "k"), touch(0x1e, "k"), touch(0x24, "k")],
        &["01 0 c", &hit("1d"), &keyed("23"), &hit("1e"), &keyed("24"), "0a 0"],
    );
    converse(
        &daemon,
        &[touch(0x1d, "no"), touch(0x23, "no"), touch(0x1e, "no"), touch(0x24, "no")],
        &["1d 1 v:Not found", "23 1 k:no", "0a 0"],
    );
    // TOUCH tells the flags, and no value.
    converse(
        &daemon,
        &[set(), touch(0x1c, "k"), touch(0x1c, "no")],
        &["01 0 c", "1c 0 c e:\\x00\\x00\\x00\\x05", "1c 1 v:Not found", "0a 0"],
    );
    // Any byte may be part of a key.
    let strange = b"a b\r\n\0\xff";
    converse(
        &daemon,
        &[packet(0x01, FLAGS_5, strange, b""), packet(0x0c, b"", strange, b"")],
        &["01 0 c", "0c 0 c e:\\x00\\x00\\x00\\x05 k:a b\\r\\n\\x00\\xff", "0a 0"],
    );
}

#[test]
fn stores() {
    let daemon = Daemon::start(&[]);
    let put = |op, key: &str| packet(op, FLAGS_5, key.as_bytes(), b"x");
    let join = |op, key: &str, value: &str| packet(op, b"", key.as_bytes(), value.as_bytes());
    converse(
        &daemon,
        &[put(0x11, "k"), put(0x02, "k"), put(0x12, "k"), put(0x03, "m"), put(0x13, "m")],
        &[
            &format!("02 2 {DATA_EXISTS}"),
            &format!("12 2 {DATA_EXISTS}"),
            "03 1 v:Not found",
            "13 1 v:Not found",
            "0a 0",
        ],
    );
    converse(
        &daemon,
        &[put(0x12, "k"), put(0x13, "k"), put(0x02, "n"), put(0x03, "n")],
        &["02 0 c", "03 0 c", "0a 0"],
    );
    converse(
        &daemon,
        &[
            set(),
            join(0x0e, "k", "def"),
            join(0x0f, "k", "P"),
            join(0x19, "k", "q"),
            join(0x1a, "k", "Q"),
            join(0x0e, "m", "x"),
            join(0x19, "m", "x"),
            packet(0x00, b"", b"k", b""),
        ],
        &[
            "01 0 c",
            "0e 0 c",
            "0f 0 c",
            "0e 5 v:Not stored.",
            "19 5 v:Not stored.",
            "00 0 c e:\\x00\\x00\\x00\\x05 v:QPabcdefq",
            "0a 0",
        ],
    );
    // A unique makes a store a cas, whichever it is; and none is needed for what is missing.
    let wrong = |op, key: &str| with_cas(op, 1 << 60, FLAGS_5, key.as_bytes(), b"x");
    for op in 1..=3_u8 {
        converse(
            &daemon,
            &[set(), wrong(op, "k"), wrong(op, "m"), wrong(op | 0x10, "k")],
            &[
                "01 0 c",
                &format!("{op:02x} 2 {DATA_EXISTS}"),
                &format!("{op:02x} 1 v:Not found"),
                &format!("{:02x} 2 {DATA_EXISTS}", op | 0x10),
                "0a 0",
            ],
        );
    }
    converse(
        &daemon,
        &[
            set(),
            with_cas(0x0e, 1 << 60, b"", b"k", b"x"),
            with_cas(0x0f, 1 << 60, b"", b"m", b"x"),
        ],
        &["01 0 c", &format!("0e 2 {DATA_EXISTS}"), "0f 5 v:Not stored.", "0a 0"],
    );
}

#[test]
fn uniques() {
    let daemon = Daemon::start(&[]);
    let mut client = daemon.connect();
    let mut ask = |request: Vec<u8>| {
        client.send(request);
        let mut head = client.take(24);
        let body = common::packets::Answer::len(&head).expect("a length") - 24;
        head.extend(client.take(body));
        common::packets::Answer::read(&head)
    };
    let first = ask(set()).cas;
    let second = ask(with_cas(0x01, first, FLAGS_5, b"k", b"two"));
    assert_eq!(second.status, 0);
    assert_ne!(second.cas, first, "a store takes a new unique");
    assert_eq!(ask(with_cas(0x01, first, FLAGS_5, b"k", b"three")).status, 2);
    assert_eq!(ask(packet(0x00, b"", b"k", b"")).cas, second.cas);
    let third = ask(with_cas(0x0e, second.cas, b"", b"k", b"!"));
    assert_eq!((third.status, third.opaque), (0, 7));
    assert_eq!(ask(packet(0x00, b"", b"k", b"")).cas, third.cas);
    assert_eq!(ask(with_cas(0x04, second.cas, b"", b"k", b"")).status, 2);
    assert_eq!(ask(with_cas(0x04, third.cas, b"", b"k", b"")).status, 0);
    let number = ask(packet(0x05, &count(1, 10, 0), b"n", b""));
    assert_eq!((number.status, number.value.as_slice()), (0, &10_u64.to_be_bytes()[..]));
    assert_eq!(ask(packet(0x00, b"", b"n", b"")).cas, number.cas);
    assert_eq!(ask(with_cas(0x05, number.cas + 99, &count(1, 10, 0), b"n", b"")).status, 2);
    let next = ask(with_cas(0x05, number.cas, &count(1, 10, 0), b"n", b""));
    assert_eq!(next.value, 11_u64.to_be_bytes());
    assert_ne!(next.cas, number.cas);
}

#[test]
fn without_uniques() {
    let daemon = Daemon::start(&["-C"]);
    converse(
        &daemon,
        &[
            set(),
            packet(0x00, b"", b"k", b""),
            with_cas(0x01, 5, FLAGS_5, b"k", b"x"),
            with_cas(0x01, 5, FLAGS_5, b"m", b"x"),
            with_cas(0x0e, 5, b"", b"k", b"d"),
            with_cas(0x05, 5, &count(1, 1, 0), b"k", b""),
            with_cas(0x05, 5, &count(1, 1, 0), b"n", b""),
            with_cas(0x04, 5, b"", b"k", b""),
            packet(0x04, b"", b"k", b""),
        ],
        &[
            "01 0",
            "00 0 e:\\x00\\x00\\x00\\x05 v:abc",
            &format!("01 2 {DATA_EXISTS}"),
            "01 1 v:Not found",
            "0e 0",
            &format!("05 2 {DATA_EXISTS}"),
            "05 0 v:\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01",
            &format!("04 2 {DATA_EXISTS}"),
            "04 0",
            "0a 0",
        ],
    );
}

#[test]
fn numbers_and_deletes() {
    let daemon = Daemon::start(&["--debug-clock"]);
    let number = |op, key: &str, extras: Vec<u8>| packet(op, &extras, key.as_bytes(), b"");
    let zeros = "\\x00\\x00\\x00\\x00\\x00\\x00\\x00";
    converse(
        &daemon,
        &[
            number(0x05, "n", count(5, 10, u32::MAX)),
            number(0x15, "n", count(5, 10, u32::MAX)),
            number(0x05, "n", count(5, 10, 0)),
            number(0x05, "n", count(5, 10, 0)),
            number(0x15, "n", count(5, 10, 0)),
            number(0x16, "n", count(1, 10, 0)),
            number(0x06, "n", count(100, 10, 0)),
            packet(0x00, b"", b"n", b""),
            set(),
            number(0x05, "k", count(1, 1, 0)),
            number(0x16, "k", count(1, 1, 0)),
        ],
        &[
            "05 1 v:Not found",
            "15 1 v:Not found",
            &format!("05 0 c v:{zeros}\\n"),
            &format!("05 0 c v:{zeros}\\x0f"),
            &format!("06 0 c v:{zeros}\\x00"),
            "00 0 c e:\\x00\\x00\\x00\\x00 v:0 ",
            "01 0 c",
            &format!("05 6 {NON_NUMERIC}"),
            &format!("16 6 {NON_NUMERIC}"),
            "0a 0",
        ],
    );
    // Up around the end, and down to it.
    converse(
        &daemon,
        &[
            packet(0x11, FLAGS_5, b"n", b"18446744073709551615"),
            number(0x05, "n", count(2, 0, 0)),
            number(0x05, "n", count(u64::MAX, 0, 0)),
            number(0x06, "n", count(u64::MAX, 0, 0)),
        ],
        &[
            &format!("05 0 c v:{zeros}\\x01"),
            &format!("05 0 c v:{zeros}\\x00"),
            &format!("06 0 c v:{zeros}\\x00"),
            "0a 0",
        ],
    );
    let remove = |op| packet(op, b"", b"k", b"");
    converse(
        &daemon,
        &[set(), remove(0x04), remove(0x04), remove(0x14), set(), remove(0x14), remove(0x04)],
        &[
            "01 0 c",
            "04 0",
            "04 1 v:Not found",
            "14 1 v:Not found",
            "01 0 c",
            "04 1 v:Not found",
            "0a 0",
        ],
    );
    // A number that is made has the expiry that is sent with it.
    daemon.connect().expect("flush_all\r\n", "OK\r\n");
    let mut client = daemon.connect();
    client.send(number(0x05, "short", count(1, 7, 10)));
    client.take(32);
    daemon.connect().expect("get short\r\n", "VALUE short 0 1\r\n7\r\nEND\r\n");
    daemon.connect().expect("debugtime 10\r\nget short\r\n", "OK\r\nEND\r\n");
}

#[test]
fn the_rest() {
    let daemon = Daemon::start(&["--debug-clock"]);
    let get = || packet(0x00, b"", b"k", b"");
    let bare = |op| packet(op, b"", b"", b"");
    converse(&daemon, &[bare(0x0b)], &["0b 0 v:1.6.45", "0a 0"]);
    converse(&daemon, &[set(), bare(0x07)], &["01 0 c", "07 0"]);
    converse(&daemon, &[set(), bare(0x17), get()], &["01 0 c"]);
    converse(&daemon, &[set(), bare(0x08), get()], &["01 0 c", "08 0", "00 1 v:Not found", "0a 0"]);
    converse(&daemon, &[set(), bare(0x18), get()], &["01 0 c", "00 1 v:Not found", "0a 0"]);
    // What is to come later has not come yet.
    let later = packet(0x08, &10_u32.to_be_bytes(), b"", b"");
    let hit = "00 0 c e:\\x00\\x00\\x00\\x05 v:abc";
    converse(&daemon, &[set(), later, get()], &["01 0 c", "08 0", hit, "0a 0"]);
    daemon.connect().expect("debugtime 10\r\nget k\r\n", "OK\r\nEND\r\n");
    let refusing = Daemon::start(&["-F"]);
    let mut client = refusing.connect();
    client.send([bare(0x08), bare(0x18), bare(0x0a)].concat());
    let expected = ["08 20 v:Auth failure.", "18 20 v:Auth failure.", "0a 0"];
    assert_eq!(lines(&client.finish()), expected);
}

#[test]
fn statistics() {
    let daemon = Daemon::start(&["-t", "3"]);
    let stat = |words: &str| {
        let mut client = daemon.connect();
        client.send(packet(0x10, b"", words.as_bytes(), b""));
        answers(&client.finish())
    };
    let value = |words: &str, name: &str| {
        let answers = stat(words);
        let found = answers.iter().find(|answer| answer.key == name.as_bytes());
        let found = found.unwrap_or_else(|| panic!("no {name} in stats {words}"));
        assert_eq!(answers.last().expect("an end").line(), "10 0", "the end has no key");
        String::from_utf8(found.value.clone()).expect("text")
    };
    assert_eq!(value("", "threads"), "3");
    assert_eq!(value("", "version"), "1.6.45");
    assert_eq!(value("settings", "auth_enabled_sasl"), "no");
    // The text protocol's answer line by line.
    let mut client = daemon.connect();
    client.send("stats settings\r\n");
    let text = String::from_utf8(client.until("END\r\n")).expect("text");
    let packets: Vec<String> = stat("settings")
        .iter()
        .filter(|answer| !answer.key.is_empty())
        .map(|answer| {
            let (name, value) = (&answer.key, &answer.value);
            format!("STAT {} {}", name.escape_ascii(), value.escape_ascii())
        })
        .collect();
    let settings: Vec<&str> = text.lines().filter(|line| *line != "END").collect();
    assert_eq!(packets, settings);
    let only = |words| stat(words).iter().map(common::packets::Answer::line).collect::<Vec<_>>();
    assert_eq!(only("detail dump"), ["10 0 k:detailed v:END\\r\\n", "10 0"]);
    assert_eq!(only("bogus"), ["10 1 v:Not found"]);
    assert_eq!(only("detail bogus"), ["10 1 v:Not found"]);
    let hit = packet(0x00, b"", b"k", b"");
    let touch = packet(0x1c, &[0; 4], b"k", b"");
    let (gat, missing) = (packet(0x1d, &[0; 4], b"k", b""), packet(0x1d, &[0; 4], b"m", b""));
    let mut client = daemon.connect();
    client.send([set(), hit, touch, gat, missing].concat());
    client.finish();
    for (name, expected) in [
        ("cmd_get", "1"),
        ("get_hits", "1"),
        ("get_misses", "0"),
        ("cmd_touch", "3"),
        ("touch_hits", "2"),
        ("touch_misses", "1"),
    ] {
        assert_eq!(value("", name), expected, "{name}");
    }
    assert_eq!(only("reset"), ["10 0"]);
    assert_eq!(value("", "cmd_touch"), "0");
}

#[test]
fn malformed_requests_close_with_a_word() {
    let daemon = Daemon::start(&[]);
    let invalid = |op: u8| format!("{op:02x} 4 v:Invalid arguments");
    let long = "k".repeat(251);
    for (request, opcode) in [
        (packet(0x00, b"", b"", b""), 0x00),
        (packet(0x00, FLAGS_5, b"k", b""), 0x00),
        (packet(0x00, b"", b"k", b"v"), 0x00),
        (packet(0x00, b"", long.as_bytes(), b""), 0x00),
        (packet(0x01, FLAGS_5, long.as_bytes(), b"x"), 0x01),
        (packet(0x01, b"", b"k", b"much"), 0x01),
        (packet(0x01, FLAGS_5, b"", b"much"), 0x01),
        (packet(0x0e, FLAGS_5, b"k", b"x"), 0x0e),
        (packet(0x04, b"x", b"k", b""), 0x04),
        (packet(0x04, b"", b"k", b"v"), 0x04),
        (packet(0x05, &[0; 8], b"k", b""), 0x05),
        (packet(0x05, &[0; 20], b"k", b"v"), 0x05),
        (packet(0x07, b"", b"k", b""), 0x07),
        (packet(0x08, b"x", b"", b""), 0x08),
        (packet(0x08, b"", b"k", b""), 0x08),
        (packet(0x0a, b"", b"k", b""), 0x0a),
        (packet(0x0b, b"", b"k", b""), 0x0b),
        (packet(0x10, &[0; 4], b"settings", b""), 0x10),
        (packet(0x1c, b"", b"k", b""), 0x1c),
        (packet(0x1c, &[0; 4], b"k", b"v"), 0x1c),
        (packet(0x1d, b"", b"k", b""), 0x1d),
        (packet(0x50, b"", long.as_bytes(), b""), 0x50),
        (header(0x01, 8, 1, (1 << 30) + 1), 0x01),
        (header(0x50, 0, 0, u32::MAX as usize), 0x50),
    ] {
        converse(&daemon, &[set(), request], &["01 0 c", &invalid(opcode)]);
    }
    // Lengths that do not add up.
    for request in [header(0x00, 0, 1, 0), header(0x01, 8, 1, 4)] {
        let expected = format!("{:02x} 81 v:Unknown command", request[1]);
        converse(&daemon, &[set(), request], &["01 0 c", &expected]);
    }
    // Another language, at the first byte: what was asked before it is answered.
    for foreign in [b"get k\r\n".to_vec(), vec![0x81; 24], vec![0]] {
        converse(&daemon, &[set(), foreign], &["01 0 c"]);
    }
}

#[test]
fn unknown_operations_are_skipped() {
    let daemon = Daemon::start(&[]);
    for op in [0x1b_u8, 0x1f, 0x25, 0x30, 0x3d, 0x50, 0xff] {
        let answer = format!("{op:02x} 81 v:Unknown command");
        converse(
            &daemon,
            &[packet(op, b"extr", b"key", &[0x80; 100_000]), packet(op, b"", b"", b"")],
            &[&answer, &answer, "0a 0"],
        );
    }
    // Nobody is asked who they are.
    converse(
        &daemon,
        &[packet(0x20, b"", b"", b""), packet(0x21, b"", b"PLAIN", b"\0user\0password")],
        &["20 81 v:Unknown command", "21 81 v:Unknown command", "0a 0"],
    );
}

#[test]
fn too_large_is_skipped() {
    let daemon = Daemon::start(&[]);
    let large = vec![b'x'; 2 << 20];
    let get = || packet(0x00, b"", b"k", b"");
    let (kept, gone) = ("00 0 c e:\\x00\\x00\\x00\\x05 v:abc", "00 1 v:Not found");
    for (op, extras, after) in [
        (0x01_u8, FLAGS_5, gone),
        (0x11, FLAGS_5, gone),
        (0x02, FLAGS_5, kept),
        (0x03, FLAGS_5, kept),
        (0x0e, b"", kept),
        (0x1a, b"", kept),
    ] {
        let answer = format!("{op:02x} 3 v:Too large.");
        converse(
            &daemon,
            &[set(), packet(op, extras, b"k", &large), get()],
            &["01 0 c", &answer, after, "0a 0"],
        );
    }
    // A sum that is too large is not stored.
    let half = vec![b'x'; 600_000];
    converse(
        &daemon,
        &[packet(0x11, FLAGS_5, b"k", &half), packet(0x0e, b"", b"k", &half)],
        &["0e 5 v:Not stored.", "0a 0"],
    );
    // The largest that fits: memcached counts header, unique, flags, key and line ends.
    let fits = vec![b'x'; (1 << 20) - 48 - 8 - 4 - 2 - 2];
    converse(&daemon, &[packet(0x01, FLAGS_5, b"k", &fits)], &["01 0 c", "0a 0"]);
    let mut over = fits.clone();
    over.push(b'x');
    converse(&daemon, &[packet(0x01, FLAGS_5, b"k", &over)], &["01 3 v:Too large.", "0a 0"]);
}

#[test]
fn both_languages_at_one_door_or_one_at_each() {
    let daemon = Daemon::start(&["-B", "binary"]);
    let mut text = daemon.connect();
    text.send("version\r\n");
    assert_eq!(text.rest(), b"", "text at a binary door");
    let mut client = daemon.connect();
    client.send(packet(0x0a, b"", b"", b""));
    assert_eq!(lines(&client.finish()), ["0a 0"]);
    let daemon = Daemon::start(&["-B", "ascii"]);
    let mut binary = daemon.connect();
    binary.send(packet(0x0b, b"", b"", b"\r\n"));
    assert_eq!(binary.finish(), b"ERROR\r\n", "a binary packet is a line there");
    let place = common::Place::new();
    let doors = ["-p", "-1", "-l", "proto[binary]:127.0.0.1,proto[ascii]:127.0.0.1"];
    let daemon = Daemon::launch(place, &doors);
    let ports = std::fs::read_to_string(daemon.place.0.join("ports")).expect("the ports");
    let ports: Vec<u16> =
        ports.lines().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    let connect = |port: u16| {
        let stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connects");
        common::Client::new(Box::new(stream))
    };
    let mut client = connect(ports[0]);
    client.send(packet(0x0b, b"", b"", b""));
    assert_eq!(lines(&client.finish()), ["0b 0 v:1.6.45"]);
    connect(ports[1]).expect("version\r\n", "VERSION 1.6.45\r\n");
}

#[test]
fn a_quiet_pipeline_ends_with_a_noop() {
    let daemon = Daemon::start(&["-t", "1"]);
    let mut client = daemon.connect();
    let mut all = Vec::new();
    for number in 0..20_000 {
        all.extend(packet(0x11, FLAGS_5, format!("key{number}").as_bytes(), b"value"));
    }
    all.extend(packet(0x0a, b"", b"", b""));
    client.send(&all);
    assert_eq!(lines(&client.take(24)), ["0a 0"]);
    let mut all = Vec::new();
    for number in 0..20_000 {
        all.extend(packet(0x0d, b"", format!("key{}", number * 2).as_bytes(), b""));
    }
    all.extend(packet(0x0a, b"", b"", b""));
    client.send(&all);
    let got = lines(&client.finish());
    assert_eq!(got.len(), 10_001);
    assert_eq!(got[1], "0d 0 c e:\\x00\\x00\\x00\\x05 k:key2 v:value");
}
