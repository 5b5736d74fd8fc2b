//! Conversations of MemcacheQ, of Kestrel and of ours, as tables of bytes: `tests/queue_table/*.txt`. Each is spoken over
//! real sockets with a daemon whose queues are empty.
//!
//! | line | meaning |
//! |---|---|
//! | `== name` | a conversation begins |
//! | `A> text` | the connection A sends this line; what is not printable is escaped |
//! | `A< text` | exactly this line comes back |
//! | `A^ text` | a line comes back that begins so |
//! | `A closed` | the daemon closes the connection |
//! | `A gone` | the connection ends |
//! | `skip A 10` | A sends a message of so many bytes, that nobody wants |
//! | `clock 10` | the queues' clock is moved by so many seconds |
//! | `waiters q 2` | until so many wait for this queue |
//! | `crash` | the daemon is killed and started again; connections are gone |
//!
//! At the end of a conversation nothing more may have come back.

use crate::Queues;
use crate::common::{Client, eventually};
use std::collections::BTreeMap;

#[test]
fn memcacheq() {
    run("memcacheq", include_str!("../queue_table/memcacheq.txt"));
}

#[test]
fn kestrel() {
    run("kestrel", include_str!("../queue_table/kestrel.txt"));
}

#[test]
fn ours() {
    run("ours", include_str!("../queue_table/ours.txt"));
}

fn run(name: &str, table: &str) {
    let mut queues = Queues::start();
    for conversation in table.split("\n== ").skip(1) {
        let (title, lines) = conversation.split_once('\n').expect("a conversation");
        println!("{name}: {title}");
        queues = converse(queues, lines);
        empty(&queues);
    }
}

/// Removes all queues.
fn empty(queues: &Queues) {
    let mut client = queues.connect();
    for (queue, _) in client.stats("queue") {
        client.expect(format!("delete {queue}\r\n"), "DELETED\r\n");
    }
}

fn converse(mut queues: Queues, lines: &str) -> Queues {
    let mut talk: BTreeMap<String, Client> = BTreeMap::new();
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["clock", seconds] => {
                queues.connect().expect(format!("debugtime {seconds}\r\n"), "OK\r\n");
            }
            ["waiters", queue, count] => {
                let mut client = queues.connect();
                let name = format!("queue_{queue}_waiters");
                eventually(|| {
                    let stats = client.stats("");
                    stats.into_iter().find(|stat| stat.0 == name && stat.1 == *count)
                });
            }
            ["crash"] => {
                talk.clear();
                queues = queues.crash(&["--debug-clock"]);
            }
            ["skip", who, bytes] => {
                let bytes = bytes.parse().expect("a number");
                talk.get_mut(*who)
                    .expect("it has spoken")
                    .send([&vec![b'x'; bytes], &b"\r\n"[..]].concat());
            }
            [who, "gone"] => drop(talk.remove(*who)),
            [who, "closed"] => {
                let rest = talk.remove(*who).expect("it has spoken").rest();
                assert_eq!(rest.escape_ascii().to_string(), "", "{line}");
            }
            [who, ..] => {
                let (mark, text) = (who.chars().last(), line[who.len()..].get(1..).unwrap_or(""));
                let name = &who[..who.len() - 1];
                let client = talk.entry(name.to_string()).or_insert_with(|| queues.connect());
                match mark {
                    Some('>') => client.send([unescape(text), b"\r\n".to_vec()].concat()),
                    Some('<') => expect(client, &[unescape(text), b"\r\n".to_vec()].concat(), line),
                    Some('^') => {
                        let got = client.line();
                        assert!(got.starts_with(text), "{got} in {line}");
                    }
                    _ => panic!("no such line: {line}"),
                }
            }
            [] => {}
        }
    }
    for (name, client) in talk {
        let rest = client.finish();
        assert_eq!(rest.escape_ascii().to_string(), "", "{name} gets more");
    }
    queues
}

/// Exactly these bytes come back. They are compared as they come: a shorter answer is seen at once.
fn expect(client: &mut Client, bytes: &[u8], line: &str) {
    let mut got = Vec::new();
    while got.len() < bytes.len() && bytes.starts_with(&got) {
        got.extend(client.take(1));
    }
    if got != bytes {
        let rest = client.line();
        panic!("{}{rest} comes back, in {line}", got.escape_ascii());
    }
}

/// `\r`, `\n`, `\x00` and `\\` as the bytes that they mean.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let mut digit = || (rest.next()? as char).to_digit(16);
                    let (high, low) = (digit().expect("a digit"), digit().expect("a digit"));
                    (high * 16 + low) as u8
                }
                other => panic!("no such escape: {other:?}"),
            },
            byte => byte,
        });
    }
    bytes
}
