//! get, set, delete and keys, as a shell sees them.

mod support;

use nearcache::Expiry;
use serde_json::json;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use support::Place;

#[test]
fn a_value_is_stored_read_and_removed_byte_for_byte() {
    let place = Place::new();
    let cache = place.create("app");
    place.run(&["set", "app", "user:1", "Ada"]).expect(0);
    assert_eq!(cache.get(b"user:1").unwrap().unwrap().data, b"Ada");
    assert_eq!(place.run(&["get", "app", "user:1"]).expect(0).out, b"Ada");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for arguments in [&["set", "app", "raw", "-"][..], &["set", "app", "raw"]] {
        cache.delete(b"raw").unwrap();
        place.run_with(arguments, &bytes).expect(0);
        assert_eq!(place.run(&["get", "app", "raw"]).expect(0).out, bytes);
    }
    place.run(&["set", "app", "empty", ""]).expect(0);
    assert_eq!(place.run(&["get", "app", "empty"]).expect(0).out, b"");
    place.run(&["delete", "app", "user:1"]).expect(0);
    assert_eq!(cache.get(b"user:1").unwrap(), None);
}

#[test]
fn a_miss_is_a_no_and_not_a_failure() {
    let place = Place::new();
    place.create("app");
    let miss = place.run(&["get", "app", "user:1"]);
    miss.complains(1, "app has no item user:1");
    assert_eq!(miss.out, b"");
    place.run(&["delete", "app", "user:1"]).complains(1, "app has no item user:1");
    let told = place.run(&["delete", "app", "user:1", "--json"]);
    assert_eq!(told.expect(1).json(), json!({"deleted": false}));
}

#[test]
fn flags_and_lifetimes_are_kept() {
    let place = Place::new();
    let cache = place.create("app");
    let told =
        place.json(&["set", "app", "k", "v", "--ttl", "100", "--flags", "4294967295", "--json"]);
    assert_eq!(told["stored"], true);
    let found = cache.get(b"k").unwrap().unwrap();
    assert_eq!((found.flags, told["cas"].as_u64()), (u32::MAX, Some(found.cas)));
    assert!((98..=100).contains(&found.ttl.unwrap()), "{found:?}");
    let told = place.json(&["get", "app", "k", "--json"]);
    assert!((90..=100).contains(&told["ttl"].as_u64().unwrap()), "{told}");
    assert_eq!((&told["value"], &told["flags"]), (&json!("v"), &json!(u32::MAX)));
    cache.set(b"\x00\xff", b"\xfe", 0, Expiry::Never).unwrap();
    let told = place.json(&["get", "app", "-e", "\\x00\\xff", "--json"]);
    assert_eq!(told["key"], json!({"hex": "00ff"}));
    assert_eq!((&told["value"], &told["ttl"]), (&json!({"hex": "fe"}), &json!(null)));
}

#[test]
fn reading_counts_no_hit_and_leaves_no_process() {
    let place = Place::new();
    let cache = place.create("app");
    cache.set(b"k", b"v", 0, Expiry::Never).unwrap();
    let before = (cache.stats(), cache.processes().len());
    place.run(&["get", "app", "k"]).expect(0);
    place.run(&["get", "app", "none"]).expect(1);
    place.run(&["keys", "app"]).expect(0);
    assert_eq!((cache.stats(), cache.processes().len()), before);
}

#[test]
fn keys_are_lines_or_zero_ended_or_json() {
    let place = Place::new();
    let cache = place.create("app");
    let keys: [&[u8]; 5] =
        [b"user:1", b"user:2", b"two\nlines\\", b"user:\xff", "Zo\u{eb}".as_bytes()];
    for key in keys {
        cache.set(key, b"", 0, Expiry::Never).unwrap();
    }
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    let lines = |arguments: &[&str]| {
        let ran = place.run(arguments);
        sorted(ran.expect(0).text().lines().map(String::from).collect())
    };
    let all = ["Zo\u{eb}", "two\\nlines\\\\", "user:1", "user:2", "user:\\xff"];
    assert_eq!(lines(&["keys", "app"]), all);
    assert_eq!(lines(&["keys", "app", "user:"]), all[2..]);
    assert_eq!(lines(&["keys", "app", "-e", "user:\\xff"]), all[4..]);
    // Each line is an argument that finds its item again.
    for line in all {
        place.run(&["get", "app", "-e", line]).expect(0);
    }
    let mut raw: Vec<Vec<u8>> = Vec::new();
    for key in place.run(&["keys", "app", "-0"]).expect(0).out.split_inclusive(|byte| *byte == 0) {
        raw.push(key.strip_suffix(b"\0").unwrap().to_vec());
    }
    raw.sort();
    let mut expected = keys.map(<[u8]>::to_vec);
    expected.sort();
    assert_eq!(raw, expected);
    let told = place.json(&["keys", "app", "--json"]);
    let told = told.as_array().unwrap();
    assert_eq!(told.len(), 5);
    for key in [json!("two\nlines\\"), json!({"hex": "757365723aff"}), json!("Zo\u{eb}")] {
        assert!(told.contains(&key), "{key} is not in {told:?}");
    }
    assert_eq!(place.json(&["keys", "app", "none", "--json"]), json!([]));
    assert_eq!(place.run(&["keys", "app", "none"]).expect(0).out, b"");
}

#[test]
fn keys_and_values_of_the_command_line_may_be_any_bytes() {
    let place = Place::new();
    let cache = place.create("app");
    let word = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    place.run(&[word(b"set"), word(b"app"), word(b"k\xff"), word(b"v\xfe")]).expect(0);
    assert_eq!(cache.get(b"k\xff").unwrap().unwrap().data, b"v\xfe");
    assert_eq!(place.run(&[word(b"get"), word(b"app"), word(b"k\xff")]).expect(0).out, b"v\xfe");
}

#[test]
fn what_cannot_be_is_told() {
    let place = Place::new();
    let small = ["create", "app", "1M", "--item-size-max", "2K"];
    place.run(&small).expect(0);
    place.run(&["get", "app", ""]).complains(2, "the key is empty");
    place.run(&["get", "app", &"k".repeat(251)]).complains(2, "the limit is 250");
    place.run(&["get", "app", "-e", "\\q"]).complains(2, "begins no escape");
    place.run(&["get", "nothere", "k"]).complains(2, "there is no cache at");
    place.run(&["set", "nothere", "k", "v"]).complains(2, "there is no cache at");
    place.run(&["get", ".app", "k"]).complains(2, "cannot name a cache");
    place.run(&["set", "app", "k", "v", "--ttl", "0"]).complains(2, "--ttl");
    place.run_with(&["set", "app", "k"], &[b'v'; 3000]).complains(2, "more than 2048 bytes");
    place.run(&["set", "app", "k", &"v".repeat(2040)]).complains(2, "raise item_size_max");
    place.run(&["nonsense"]).complains(2, "unrecognized subcommand");
    let bare: [&str; 0] = [];
    place.run(&bare).complains(2, "Usage");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let place = Place::new();
    let cache = place.create("app");
    for number in 0..5000 {
        let key = format!("a-key-that-is-long-enough-to-fill-the-pipe:{number}");
        cache.set(key.as_bytes(), b"v", 0, Expiry::Never).unwrap();
    }
    for arguments in [&["keys", "app"][..], &["keys", "app", "--json"], &["dump", "app"]] {
        let mut child = place.command(arguments).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert_ne!(first, "");
        let rest = child.wait_with_output().unwrap();
        assert_eq!((rest.status.code(), &rest.stderr[..]), (Some(0), &b""[..]), "{arguments:?}");
    }
}
