//! Every verb in text and meta, in pipelines, and MemcacheDB's own commands.

use crate::common::eventually;
use crate::{connect, start};

#[test]
fn classic_verbs() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    for (request, reply) in [
        ("get a\r\n", "END\r\n"),
        ("set a 7 0 3\r\nabc\r\n", "STORED\r\n"),
        ("get a b a\r\n", "VALUE a 7 3\r\nabc\r\nVALUE a 7 3\r\nabc\r\nEND\r\n"),
        ("gets a\r\n", "VALUE a 7 3 1\r\nabc\r\nEND\r\n"),
        ("add a 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("replace b 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
        ("append a 0 0 1\r\nd\r\n", "STORED\r\n"),
        ("prepend a 0 0 1\r\n-\r\n", "STORED\r\n"),
        ("cas a 0 0 1 1\r\nx\r\n", "EXISTS\r\n"),
        ("cas b 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n"),
        ("gets a\r\n", "VALUE a 7 5 3\r\n-abcd\r\nEND\r\n"),
        ("cas a 0 0 2 3\r\n10\r\n", "STORED\r\n"),
        ("incr a 5\r\n", "15\r\n"),
        ("decr a 20\r\n", "0\r\n"),
        ("incr b 1\r\n", "NOT_FOUND\r\n"),
        ("set t 0 0 1\r\nt\r\n", "STORED\r\n"),
        ("incr t 1\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"),
        ("touch t 100\r\n", "TOUCHED\r\n"),
        ("touch u 100\r\n", "NOT_FOUND\r\n"),
        ("gat 0 t u\r\n", "VALUE t 0 1\r\nt\r\nEND\r\n"),
        ("gat 0 u\r\n", "END\r\n"),
        ("delete t\r\n", "DELETED\r\n"),
        ("delete t\r\n", "NOT_FOUND\r\n"),
        (
            "set n 0 0 1 noreply\r\nn\r\ndelete a noreply\r\nget n a\r\n",
            "VALUE n 0 1\r\nn\r\nEND\r\n",
        ),
        ("flush_all 100\r\n", "OK\r\n"),
        ("get n\r\n", "VALUE n 0 1\r\nn\r\nEND\r\n"),
        ("flush_all\r\nget n\r\n", "OK\r\nEND\r\n"),
        ("version\r\n", "VERSION 1.6.45\r\n"),
        ("verbosity 1\r\n", "OK\r\n"),
        ("set a 0 0 1\r\nxyzwvu\r\n", "CLIENT_ERROR bad data chunk\r\nERROR\r\n"),
        ("bogus\r\n", "ERROR\r\n"),
        ("cache_memlimit 64\r\n", "ERROR\r\n"),
        ("slabs reassign 1 2\r\n", "ERROR\r\n"),
    ] {
        client.expect(request, reply);
    }
    let key = "k".repeat(251);
    client.expect(format!("get {key}\r\n"), "CLIENT_ERROR bad command line format\r\n");
    client.expect(format!("gat 0 a {key}\r\n"), "CLIENT_ERROR bad command line format\r\n");
    client.send("quit\r\n");
    assert_eq!(client.rest(), b"");
}

#[test]
fn meta_verbs() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    for (request, reply) in [
        ("mg a v\r\n", "EN\r\n"),
        ("mg a v q\r\nmn\r\n", "MN\r\n"),
        ("ms a 2 F3 T90 c\r\nhi\r\n", "HD c1\r\n"),
        ("mg a f t v k O9 s\r\n", "VA 2 f3 t90 ka O9 s2\r\nhi\r\n"),
        ("mg a T30 t v\r\n", "VA 2 t30\r\nhi\r\n"),
        ("ms a 1 MA q\r\n!\r\nmg a v\r\nmn\r\n", "VA 3\r\nhi!\r\nMN\r\n"),
        ("ma n N0 J5 v\r\n", "VA 1\r\n5\r\n"),
        ("ma n D10 v t\r\n", "VA 2 t-1\r\n15\r\n"),
        ("ma m\r\n", "NF\r\n"),
        ("md a I T30\r\n", "HD\r\n"),
        ("mg a v\r\n", "VA 3 X W\r\nhi!\r\n"),
        ("mg a v\r\n", "VA 3 Z X\r\nhi!\r\n"),
        ("mg w N30 v\r\n", "VA 0 W\r\n\r\n"),
        ("md a q\r\nmd a q\r\nmn\r\n", "NF\r\nMN\r\n"),
        ("me zz\r\n", "EN\r\n"),
        ("ms c 1 C99\r\nx\r\n", "NF\r\n"),
        ("mg !!! b\r\n", "CLIENT_ERROR error decoding key\r\n"),
        ("ms Zm9v 3 b\r\nbar\r\nmg foo v\r\n", "HD\r\nVA 3\r\nbar\r\n"),
    ] {
        client.expect(request, reply);
    }
    client.send("me n\r\n");
    assert!(client.line().starts_with("ME n exp=-1 la=0 cas="));
}

#[test]
fn what_memcachedb_had() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    for key in ["b", "d", "a", "c", "e"] {
        client.expect(format!("set {key} 1 0 1\r\n{key}\r\n"), "STORED\r\n");
    }
    let shown = |keys: &str| {
        let lines = keys.chars().map(|key| format!("VALUE {key} 1 1\r\n{key}\r\n"));
        lines.chain(["END\r\n".to_string()]).collect::<String>()
    };
    for (words, keys) in [
        ("a e 0 0 100", "abcde"),
        ("a e 1 0 100", "bcde"),
        ("a e 0 1 100", "abcd"),
        ("a e 1 1 2", "bc"),
        ("bb cc 0 0 100", "c"),
        ("e a 0 0 100", ""),
        ("a e 0 0 0", ""),
    ] {
        client.expect(format!("rget {words}\r\n"), &shown(keys));
    }
    client.send("rget a e 0 0 101\r\n");
    assert!(client.line().starts_with("CLIENT_ERROR rget gives 100 items"));
    let long = "k".repeat(251);
    for wrong in ["rget a", "rget a b 2 0 1", "rget a b 0 0 x", &format!("rget {long} b 0 0 1")] {
        client.expect(format!("{wrong}\r\n"), "CLIENT_ERROR bad command line format\r\n");
    }
    client.expect(
        "set z 0 0 1\r\nz\r\ndb_checkpoint\r\ndb_archive\r\ndb_compact\r\nget z\r\n",
        "STORED\r\nOK\r\nOK\r\nOK\r\nVALUE z 0 1\r\nz\r\nEND\r\n",
    );
    client.expect("rep_ismaster\r\n", "REP_MASTER\r\n");
    let port = daemon.port_of("STORE");
    client.expect("rep_whoismaster\r\n", &format!("127.0.0.1:{port}\r\n"));
    client.expect("rep_set_priority 7\r\n", "7\r\n");
    client.expect("rep_set_ack_policy 9\r\n", "CLIENT_ERROR bad command line format\r\n");
    let find = |pairs: Vec<(String, String)>, name: &str| {
        pairs.into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    };
    assert_eq!(find(client.stats("repcfg"), "rep_priority").as_deref(), Some("7"));
    assert_eq!(find(client.stats("rep"), "rep_ismaster").as_deref(), Some("REP_MASTER"));
    assert_eq!(find(client.stats("bdb"), "db_type").as_deref(), Some("lsm"));
    assert_eq!(client.stats("repmgr").len(), 5);
    assert_eq!(find(client.stats("settings"), "sync").as_deref(), Some("always"));
    assert_eq!(client.stat("curr_items"), 6);
    client.expect("get a\r\n", "VALUE a 1 1\r\na\r\nEND\r\n");
    assert!(client.stat("cmd_get") > 0);
    client.expect("stats reset\r\n", "RESET\r\n");
    assert_eq!((client.stat("cmd_get"), client.stat("curr_items")), (0, 6));
}

/// An `rget` of much is sent in pieces, as of one moment, to a client that reads when it likes.
#[test]
fn a_long_rget_is_of_one_moment() {
    let daemon = start(&["--store-sync", "never"]);
    let (mut client, mut other) = (connect(&daemon), connect(&daemon));
    let value = "v".repeat(500_000);
    for number in 0..60 {
        client.send(format!("set k{number:03} 0 0 500000\r\n{value}\r\n"));
    }
    for _ in 0..60 {
        assert_eq!(client.line(), "STORED\r");
    }
    client.send("rget k k9 0 0 100\r\n");
    assert_eq!(client.line(), "VALUE k000 0 500000\r");
    other.expect("flush_all\r\nset k0005 0 0 1\r\nx\r\n", "OK\r\nSTORED\r\n");
    assert!(client.take(500_002).ends_with(b"v\r\n"));
    for number in 1..60 {
        assert_eq!(client.line(), format!("VALUE k{number:03} 0 500000\r"));
        client.take(500_002);
    }
    assert_eq!(client.line(), "END\r");
}

/// Replies come in the order of the requests, whatever they wait for.
#[test]
fn a_mixed_pipeline_is_answered_in_its_order() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    let (mut request, mut reply) = (String::new(), String::new());
    for round in 0..300 {
        request += &format!("set k 0 0 3\r\n{round:03}\r\n");
        reply += "STORED\r\n";
        match round % 6 {
            0 => {
                request += "get k nothing\r\n";
                reply += &format!("VALUE k 0 3\r\n{round:03}\r\nEND\r\n");
            }
            1 => {
                request += "bogus\r\nset broken x 0 1\r\nx\r\nversion\r\n";
                reply += "ERROR\r\nCLIENT_ERROR bad command line format\r\nVERSION 1.6.45\r\n";
            }
            2 => {
                request += "gat 0 k nothing k\r\n";
                let line = format!("VALUE k 0 3\r\n{round:03}\r\n");
                reply += &format!("{line}{line}END\r\n");
            }
            3 => {
                request += "append k 0 0 1 noreply\r\n0\r\nincr k 1\r\n";
                reply += &format!("{}\r\n", round * 10 + 1);
            }
            4 => {
                request += "mg k v q\r\nmd k q\r\nmg k v q\r\nmg k v\r\nadd k 0 0 1\r\na\r\n";
                reply += &format!("VA 3\r\n{round:03}\r\nEN\r\nSTORED\r\n");
            }
            _ => {
                request += "delete k noreply\r\ndelete k\r\nrget a z 0 0 5\r\n";
                reply += "NOT_FOUND\r\nEND\r\n";
            }
        }
    }
    client.send(&request);
    let got = client.take(reply.len());
    assert_eq!(String::from_utf8_lossy(&got), reply);
}

/// More writes than may be outstanding, of more bytes than may be: none is lost, and none waits for ever.
#[test]
fn a_pipeline_without_end_is_taken_piece_by_piece() {
    let daemon = start(&["--store-sync", "never"]);
    let mut client = connect(&daemon);
    let (value, large) = ("v".repeat(100), "v".repeat(300_000));
    let many = 10_000;
    for number in 0..many {
        client.send(format!("set k{number} 0 0 100\r\n{value}\r\n"));
        if number % 1000 == 0 {
            client.send(format!("set l{number} 0 0 300000\r\n{large}\r\ntouch l{number} 0\r\n"));
        }
    }
    client.send("get k9999 l9000\r\nquit\r\n");
    let answer = client.rest();
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(answer.matches("STORED\r\n").count(), many + 10);
    assert_eq!(answer.matches("TOUCHED\r\n").count(), 10);
    assert!(answer.ends_with(&format!(
        "VALUE k9999 0 100\r\n{value}\r\nVALUE l9000 0 300000\r\n{large}\r\nEND\r\n"
    )));
}

#[test]
fn a_half_closed_client_gets_its_replies_and_a_gone_one_its_writes() {
    let daemon = start(&[]);
    for _ in 0..20 {
        let mut client = connect(&daemon);
        client
            .send("set a 0 0 1\r\nx\r\nget a\r\nset b 0 0 1\r\ny\r\ndelete a\r\nget a b\r\nset c");
        let reply =
            "STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\nSTORED\r\nDELETED\r\nVALUE b 0 1\r\ny\r\nEND\r\n";
        assert_eq!(String::from_utf8_lossy(&client.finish()), reply);
    }
    let mut watcher = connect(&daemon);
    for number in 0..50 {
        let mut client = connect(&daemon);
        client.send(format!("set gone{number} 0 0 1\r\nx\r\n"));
        drop(client);
    }
    // Nobody waits for their answers, and nobody else gets them.
    eventually(|| {
        watcher.send("rget gone gonf 0 0 100\r\n");
        let text = watcher.until("END\r\n");
        let found = String::from_utf8_lossy(&text).matches("VALUE").count();
        (found == 50).then_some(())
    });
    watcher.stat_until("curr_connections", |count| count == 1);
}
