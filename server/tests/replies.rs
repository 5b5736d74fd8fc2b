//! The table of memcached 1.6.45's replies, `replies.jsonl`, over a socket. One JSON object a line: `request` and
//! `reply` are lists of parts, a string (bytes as Latin-1), `[string, count]`, or `[string, digits, count]` for that
//! string with each number from 0 on. U+0000 in a reply stands for any number; `<CLOSED>` for the connection closed by
//! the server. Where a reply differs from memcached's on purpose, `deviates` says how.

#[path = "common/certificates.rs"]
mod certificates;
mod common;

use common::{Client, Daemon};
use serde_json::Value;

fn bytes(parts: &Value) -> Vec<u8> {
    let latin1 = |text: &Value| -> Vec<u8> {
        let text = text.as_str().expect("a string");
        text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect()
    };
    let mut all = Vec::new();
    for part in parts.as_array().expect("a list of parts") {
        match part.as_array().map(Vec::as_slice) {
            None => all.extend(latin1(part)),
            Some([text, count]) => {
                all.extend(latin1(text).repeat(count.as_u64().expect("a count") as usize));
            }
            Some([text, digits, count]) => {
                let digits = digits.as_u64().expect("digits") as usize;
                for number in 0..count.as_u64().expect("a count") {
                    all.extend(latin1(text));
                    all.extend(format!("{number:0digits$}").bytes());
                }
            }
            Some(_) => panic!("not a part: {part}"),
        }
    }
    all
}

/// Is `got` as `pattern` says, where a 0 byte stands for one or more digits?
fn matches(got: &[u8], pattern: &[u8]) -> bool {
    match pattern.split_first() {
        None => got.is_empty(),
        Some((0, rest)) => {
            let digits = got.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=digits).any(|count| matches(&got[count..], rest))
        }
        Some((byte, rest)) => got.first() == Some(byte) && matches(&got[1..], rest),
    }
}

#[test]
fn every_request_has_memcacheds_reply() {
    let daemon = Daemon::start(&["--debug-clock", "-t", "2"]);
    all_replies(|| daemon.connect());
}

#[test]
fn every_request_has_memcacheds_reply_over_tls() {
    let files = certificates::Files::new();
    let daemon = files.daemon("", &["--debug-clock", "-t", "2"]);
    let config = files.client();
    all_replies(|| certificates::connect(&daemon, &config));
}

fn all_replies(connect: impl Fn() -> Client) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("replies.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        let (request, reply) = (bytes(&case["request"]), bytes(&case["reply"]));
        let mut client = connect();
        client.expect("flush_all\r\n", "OK\r\n");
        client.send(&request);
        let closed = reply == b"<CLOSED>";
        // Where the server is to close, it must do so by itself.
        let got = if closed { client.rest() } else { client.finish() };
        let reply = if closed { Vec::new() } else { reply };
        count += 1;
        if !matches(&got, &reply) {
            wrong.push(format!(
                "{}:\n  expected {}\n  got      {}",
                case["name"],
                reply.escape_ascii(),
                got.escape_ascii()
            ));
        }
    }
    assert_eq!(count, 174, "cases in the table");
    assert!(wrong.is_empty(), "of {count} cases {} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} cases, all as memcached 1.6.45 says");
}

#[test]
fn extra_conversations() {
    let daemon = Daemon::start(&["--debug-clock"]);
    for (request, reply) in [
        // memcached's probes with time in them, the clock moved by hand.
        (
            "set a 0 0 1\r\nx\r\nflush_all 4\r\nset b 0 0 1\r\ny\r\nget a b\r\ndebugtime 4\r\nget a b\r\n",
            "STORED\r\nOK\r\nSTORED\r\nVALUE a 0 1\r\nx\r\nVALUE b 0 1\r\ny\r\nEND\r\nOK\r\nEND\r\n",
        ),
        (
            "set a 3 100 2\r\n10\r\nincr a 5\r\nmg a t f v\r\nincr a 99999\r\nmg a t f v\r\n",
            "STORED\r\n15\r\nVA 2 t100 f3\r\n15\r\n100014\r\nVA 6 t100 f3\r\n100014\r\n",
        ),
        (
            "set a 0 100 1\r\nx\r\ntouch a 0\r\nmg a t\r\nappend a 0 5 1\r\ny\r\nmg a t v\r\n",
            "STORED\r\nTOUCHED\r\nHD t-1\r\nSTORED\r\nVA 2 t-1\r\nxy\r\n",
        ),
        (
            "mg vv N30\r\nget vv\r\nadd vv 0 0 1\r\nx\r\nset vv 0 0 1\r\nx\r\nmg vv v\r\n",
            "HD W\r\nVALUE vv 0 0\r\n\r\nEND\r\nNOT_STORED\r\nSTORED\r\nVA 1\r\nx\r\n",
        ),
        (
            "set a 0 0 3\r\nabc\r\nmd a I T30\r\nget a\r\nincr a 1\r\ntouch a 100\r\nadd a 0 0 1\r\nx\r\nreplace a 0 0 1\r\nx\r\nmg a v\r\n",
            "STORED\r\nHD\r\nVALUE a 0 3\r\nabc\r\nEND\r\nCLIENT_ERROR cannot increment or decrement non-numeric value\r\nTOUCHED\r\nNOT_STORED\r\nSTORED\r\nVA 1\r\nx\r\n",
        ),
        (
            "ma n N0 J18446744073709551615 v\r\nma n v\r\n",
            "VA 20\r\n18446744073709551615\r\nVA 1\r\n0\r\n",
        ),
        (
            "touch a 2147483648\r\ngat 2147483648 a\r\nmg a T2147483648\r\nset a 0 4294967297 1\r\nx\r\nmg a t\r\n",
            "CLIENT_ERROR invalid exptime argument\r\nCLIENT_ERROR invalid exptime argument\r\nCLIENT_ERROR bad token in command line format\r\nSTORED\r\nHD t1\r\n",
        ),
        (
            "set t 0 10 1\r\nx\r\ndebugtime 9\r\nget t\r\ndebugtime 1\r\nget t\r\n",
            "STORED\r\nOK\r\nVALUE t 0 1\r\nx\r\nEND\r\nOK\r\nEND\r\n",
        ),
        ("delete noreply\r\nmn\r\n", "MN\r\n"),
        ("set a 0 abc 1 noreply\r\nx\r\nmn\r\n", "MN\r\n"),
        (
            "mg Zm9v b k\r\nset foo 1 0 1\r\nx\r\nmg Zm9v b k f Oq1 v\r\nmg foo C1 v\r\n",
            "EN kZm9v b\r\nSTORED\r\nVA 1 kfoo f1 Oq1\r\nx\r\nVA 1\r\nx\r\n",
        ),
    ] {
        daemon.converse(request, reply);
    }
}

#[test]
fn keys_are_any_bytes_but_space_and_line_end() {
    let daemon = Daemon::start(&[]);
    // Control characters and high bytes are part of a key; only space and the line's end are not.
    let key = b"\x01\xe9\xff\ttab";
    let mut request = b"set ".to_vec();
    request.extend(key);
    request.extend(b" 0 0 1\r\nx\r\nget ");
    request.extend(key);
    request.extend(b"\r\n");
    let mut client = daemon.connect();
    client.send(&request);
    let mut expected = b"STORED\r\nVALUE ".to_vec();
    expected.extend(key);
    expected.extend(b" 0 1\r\nx\r\nEND\r\n");
    assert_eq!(client.finish(), expected);
}
