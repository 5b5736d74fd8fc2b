//! The binary protocol, quiet forms and all.

use crate::common::Client;
use crate::common::packets::{Answer, FLAGS_5, count, lines, packet, with_cas};
use crate::{connect, start};

/// Sends packets and a NOOP, and reads until its answer.
fn ask(client: &mut Client, packets: &[Vec<u8>]) -> Vec<u8> {
    client.send(packets.concat());
    client.send(packet(0x0a, b"", b"", b""));
    let mut bytes = Vec::new();
    loop {
        let head = client.take(24);
        let rest = Answer::len(&head).expect("a header") - 24;
        if head[1] == 0x0a {
            return bytes;
        }
        bytes.extend(head);
        bytes.extend(client.take(rest));
    }
}

#[test]
fn requests_and_their_answers_in_order() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    let (nothing, expiry) = (b"".as_slice(), &[0, 0, 0, 100][..]);
    let bytes = ask(
        &mut client,
        &[
            packet(0x00, nothing, b"a", nothing),
            packet(0x01, FLAGS_5, b"a", b"abc"),
            packet(0x00, nothing, b"a", nothing),
            packet(0x0c, nothing, b"a", nothing),
            packet(0x02, FLAGS_5, b"a", b"x"),
            packet(0x03, FLAGS_5, b"b", b"x"),
            packet(0x0e, nothing, b"a", b"d"),
            packet(0x0f, nothing, b"a", b"-"),
            packet(0x0e, nothing, b"b", b"d"),
            with_cas(0x01, 99, FLAGS_5, b"a", b"x"),
            with_cas(0x01, 99, FLAGS_5, b"b", b"x"),
            packet(0x1d, expiry, b"a", nothing),
            packet(0x1c, expiry, b"b", nothing),
            packet(0x05, &count(5, 10, 0), b"n", nothing),
            packet(0x05, &count(5, 10, 0), b"n", nothing),
            packet(0x06, &count(50, 10, 0), b"n", nothing),
            packet(0x05, &count(1, 0, u32::MAX), b"m", nothing),
            packet(0x05, &count(1, 0, 0), b"a", nothing),
            with_cas(0x04, 99, nothing, b"a", nothing),
            packet(0x04, nothing, b"a", nothing),
            packet(0x04, nothing, b"a", nothing),
            packet(0x0b, nothing, nothing, nothing),
            packet(0x77, nothing, nothing, nothing),
        ],
    );
    let number = |number: u8| format!("v:\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x{number:02x}");
    let flags = "e:\\x00\\x00\\x00\\x05";
    let expected = [
        "00 1 v:Not found".into(),
        "01 0 c".into(),
        format!("00 0 c {flags} v:abc"),
        format!("0c 0 c {flags} k:a v:abc"),
        "02 2 v:Data exists for key.".into(),
        "03 1 v:Not found".into(),
        "0e 0 c".into(),
        "0f 0 c".into(),
        "0e 5 v:Not stored.".into(),
        "01 2 v:Data exists for key.".into(),
        "01 1 v:Not found".into(),
        format!("1d 0 c {flags} v:-abcd"),
        "1c 1 v:Not found".into(),
        format!("05 0 c {}", number(10).replace("\\x0a", "\\n")),
        format!("05 0 c {}", number(15)),
        format!("06 0 c {}", number(0)),
        "05 1 v:Not found".into(),
        "05 6 v:Non-numeric server-side value for incr or decr".into(),
        "04 2 v:Data exists for key.".into(),
        "04 0".into(),
        "04 1 v:Not found".into(),
        "0b 0 v:1.6.45".into(),
        "77 81 v:Unknown command".into(),
    ];
    assert_eq!(lines(&bytes), expected);
}

#[test]
fn quiet_forms_say_what_failed() {
    let daemon = start(&["-I", "4k"]);
    let mut client = connect(&daemon);
    let nothing = b"".as_slice();
    let (large, larger) = (vec![b'v'; 5000], vec![b'v'; 100_000]);
    let bytes = ask(
        &mut client,
        &[
            packet(0x11, FLAGS_5, b"a", b"abc"),
            packet(0x12, FLAGS_5, b"a", b"abc"),
            packet(0x13, FLAGS_5, b"b", b"abc"),
            packet(0x19, nothing, b"a", b"d"),
            packet(0x09, nothing, b"b", nothing),
            packet(0x09, nothing, b"a", nothing),
            packet(0x11, FLAGS_5, b"a", &large),
            packet(0x11, FLAGS_5, b"a", &larger),
            packet(0x15, &count(1, 5, 0), b"n", nothing),
            packet(0x14, nothing, b"a", nothing),
            packet(0x14, nothing, b"a", nothing),
            packet(0x18, nothing, nothing, nothing),
            packet(0x09, nothing, b"n", nothing),
        ],
    );
    let expected = [
        "12 2 v:Data exists for key.",
        "13 1 v:Not found",
        "09 0 c e:\\x00\\x00\\x00\\x05 v:abcd",
        "11 3 v:Too large.",
        "11 3 v:Too large.",
        "14 1 v:Not found",
    ];
    assert_eq!(lines(&bytes), expected);
}

#[test]
fn statistics_are_packets() {
    let daemon = start(&[]);
    let mut client = connect(&daemon);
    let bytes = ask(&mut client, &[packet(0x10, b"", b"", b""), packet(0x10, b"", b"repcfg", b"")]);
    let lines = lines(&bytes);
    assert!(lines.iter().any(|line| line == "10 0 k:curr_items v:0"), "{lines:?}");
    assert!(lines.iter().any(|line| line == "10 0 k:rep_nsites v:1"), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| *line == "10 0").count(), 2, "{lines:?}");
}
