//! `watch`: what a watcher is told, in memcached's words; who may watch; and that a watcher who does not read costs
//! lines, not the server. The lines' forms are those of memcached 1.6.18, seen at its socket.

mod common;

use common::{Client, Daemon, eventually};
use std::collections::BTreeMap;

/// A line's fields; `type` comes first behind `ts` and `gid`.
fn fields(line: &str) -> BTreeMap<&str, &str> {
    line.split(' ').filter_map(|field| field.split_once('=')).collect()
}

/// A client that watches.
fn watcher(daemon: &Daemon, streams: &str) -> Client {
    let mut client = daemon.connect();
    client.expect(format!("watch {streams}\r\n"), "OK\r\n");
    client
}

/// The next lines, without their time and number, which must increase, and with the descriptor as `fd`.
fn lines(client: &mut Client, count: usize) -> Vec<String> {
    let mut gid = 0;
    (0..count)
        .map(|_| {
            let line = client.line();
            let named = fields(&line);
            let number: u64 = named["gid"].parse().expect("a number");
            assert!(number > gid, "{line}");
            gid = number;
            let (seconds, micros) = named["ts"].split_once('.').expect("a fraction");
            assert!(seconds.len() == 10 && micros.len() == 6, "{line}");
            let rest = line.split_once(" type=").expect("a type").1;
            match named.get("cfd") {
                Some(fd) => rest.replace(&format!("cfd={fd}"), "cfd=fd"),
                None => rest.to_string(),
            }
        })
        .collect()
}

#[test]
fn requests_are_told_as_memcached_tells_them() {
    let daemon = Daemon::start(&["-t", "2"]);
    let mut watching = watcher(&daemon, "fetchers mutations deletions");
    let mut client = daemon.connect();
    for (request, reply, told) in [
        (
            "set a 5 100 1\r\nx\r\n",
            "STORED\r\n",
            vec!["item_store key=a status=stored cmd=set ttl=100 clsid=1 cfd=fd size=1"],
        ),
        (
            "get a b\r\n",
            "VALUE a 5 1\r\nx\r\nEND\r\n",
            vec![
                "item_get key=a status=found clsid=1 cfd=fd size=1",
                "item_get key=b status=not_found clsid=0 cfd=fd size=0",
            ],
        ),
        (
            "mg b v q\r\nmn\r\n",
            "MN\r\n",
            vec!["item_get key=b status=not_found clsid=0 cfd=fd size=0"],
        ),
        (
            "add a 0 0 1\r\nx\r\n",
            "NOT_STORED\r\n",
            vec!["item_store key=a status=not_stored cmd=add ttl=0 clsid=1 cfd=fd size=1"],
        ),
        (
            "cas a 0 0 1 99\r\nx\r\ncas q 0 0 1 99\r\nx\r\n",
            "EXISTS\r\nNOT_FOUND\r\n",
            vec![
                "item_store key=a status=exists cmd=cas ttl=0 clsid=1 cfd=fd size=1",
                "item_store key=q status=not_found cmd=cas ttl=0 clsid=1 cfd=fd size=1",
            ],
        ),
        (
            "ms m 3 T100 ME\r\nabc\r\n",
            "HD\r\n",
            vec!["item_store key=m status=stored cmd=add ttl=100 clsid=1 cfd=fd size=3"],
        ),
        (
            "set big 0 0 2000000\r\n",
            "SERVER_ERROR object too large for cache\r\n",
            vec!["item_store key=big status=too_large cmd=set ttl=0 clsid=0 cfd=fd size=0"],
        ),
    ] {
        client.expect(request, reply);
        assert_eq!(lines(&mut watching, told.len()), told, "{request}");
        if request.starts_with("set big") {
            client.send("x".repeat(2_000_000) + "\r\n");
        }
    }
    client.expect("set %\"b 0 0 4000\r\n", "");
    client.expect(
        "x".repeat(4000) + "\r\ndelete %\"b\r\nmd m\r\ndelete q\r\n",
        "STORED\r\nDELETED\r\nHD\r\nNOT_FOUND\r\n",
    );
    assert_eq!(
        lines(&mut watching, 6),
        [
            "item_store key=%25%22b status=stored cmd=set ttl=0 clsid=18 cfd=fd size=4000",
            "deleted key=%25%22b cmd=delete clsid=18 size=4000",
            "item_get key=%25%22b status=found clsid=18 cfd=fd size=4000",
            "deleted key=m cmd=md clsid=1 size=3",
            "item_get key=m status=found clsid=1 cfd=fd size=3",
            "item_get key=q status=not_found clsid=0 cfd=fd size=0",
        ]
    );
}

#[test]
fn clients_that_come_and_go_are_told() {
    let daemon = Daemon::start(&["-o", "idle_timeout=1", "--debug-clock"]);
    let mut watching = watcher(&daemon, "connevents");
    let mut client = daemon.connect();
    client.expect("mn\r\nquit\r\n", "MN\r\n");
    client.rest();
    let mut idle = daemon.connect();
    idle.expect("mn\r\n", "MN\r\n");
    let mut mover = daemon.connect();
    mover.expect("debugtime 5\r\n", "OK\r\n");
    idle.rest();
    let mut told: Vec<String> = lines(&mut watching, 5)
        .iter()
        .map(|line| {
            let port = fields(line)["rport"];
            assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{line}");
            line.replace(port, "port")
        })
        .collect();
    let went =
        |why| format!("conn_close rip=127.0.0.1 rport=port transport=tcp reason={why} cfd=fd");
    let came = "conn_new rip=127.0.0.1 rport=port transport=tcp cfd=fd";
    told.sort();
    assert_eq!(told, [went("idle_timeout"), went("normal"), came.into(), came.into(), came.into()]);
    // The watcher has been silent for as long, and is still there.
    mover.expect("quit\r\n", "");
    mover.rest();
    lines(&mut watching, 1);
}

#[test]
fn what_makes_room_is_told_to_those_who_ask_for_it() {
    let daemon = Daemon::start(&["-m", "4", "-t", "1"]);
    let mut watching = watcher(&daemon, "evictions");
    let mut client = daemon.connect();
    let mut stores = String::new();
    for number in 0..6000 {
        let ttl = if number % 2 == 0 { 1000 } else { 0 };
        stores += &format!("set key{number} 0 {ttl} 1000 noreply\r\n{}\r\n", "x".repeat(1000));
    }
    client.expect(stores + "mn\r\n", "MN\r\n");
    let line = lines(&mut watching, 1).remove(0);
    let named = fields(&line);
    assert!(line.starts_with("eviction key=key"), "{line}");
    let number: u32 = named["key"][3..].parse().expect("a number");
    let ttl: i64 = named["ttl"].parse().expect("a number");
    match number % 2 {
        0 => assert!((900..=1000).contains(&ttl), "{line}"),
        _ => assert_eq!(ttl, -1, "{line}"),
    }
    assert_eq!((named["fetch"], named["clsid"], named["size"]), ("no", "12", "1000"), "{line}");
}

#[test]
fn who_may_watch() {
    let refusing = Daemon::start(&["-W"]);
    refusing.connect().expect("watch\r\n", "CLIENT_ERROR watch commands not allowed\r\n");
    let daemon = Daemon::start(&["-t", "2"]);
    let mut client = daemon.connect();
    client.expect("watch foo\r\n", "ERROR\r\n");
    client.expect(
        "set a 0 0 1\r\nx\r\nwatch\r\n",
        "STORED\r\nERROR cannot pipeline other commands before watch\r\n",
    );
    let mut crew: Vec<Client> = (0..20).map(|_| watcher(&daemon, "proxyreqs")).collect();
    client.expect("watch\r\n", "WATCHER_TOO_MANY log watcher limit reached\r\n");
    client.expect("stats conns\r\n", "");
    let conns = String::from_utf8(client.until("END\r\n")).expect("text");
    assert_eq!(conns.matches(":state conn_watch\r\n").count(), 20, "{conns}");
    // One goes; its place is free when the log has seen it.
    crew.pop();
    eventually(|| {
        client.send("watch fetchers\r\n");
        (client.line() == "OK\r").then_some(())
    });
    // What a watcher sends is not heard; its end is.
    client.send("get x\r\nquit\r\n");
    let mut other = daemon.connect();
    other.expect("get y\r\n", "END\r\n");
    assert!(lines(&mut client, 1)[0].starts_with("item_get key=y "));
    let before = other.stat("curr_connections");
    assert_eq!(client.finish(), b"");
    other.stat_until("curr_connections", |count| count == before - 1);
}

#[test]
fn a_watcher_that_does_not_read_loses_lines_and_is_told_how_many() {
    let daemon = Daemon::start(&["-t", "1", "-o", "worker_logbuf_size=16,watcher_logbuf_size=16"]);
    let mut watching = watcher(&daemon, "fetchers");
    let mut client = daemon.connect();
    const ROUNDS: usize = 400;
    const KEYS: usize = 500;
    let line = format!("get{}\r\n", " no-such-key".repeat(KEYS));
    for _ in 0..ROUNDS {
        client.expect(&line, "END\r\n");
    }
    // Every line is either told or counted, though nothing happens any more.
    let (mut told, mut skipped) = (0, 0);
    while told + skipped < ROUNDS * KEYS {
        let line = watching.line();
        match line.strip_prefix("skipped=") {
            Some(count) => skipped += count.parse::<usize>().expect("a number"),
            None => {
                assert_eq!(fields(&line)["key"], "no-such-key");
                told += 1;
            }
        }
    }
    assert_eq!(told + skipped, ROUNDS * KEYS);
    assert!(skipped > 0 && told > 0, "{told} told, {skipped} skipped");
}
