//! Items of durable stores, as a shell sees them, in a directory and over a socket: stat, list, get, set, delete, flush,
//! dump and load.

mod support;

use nearcache::Expiry;
use nearcache_store::Store;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use support::Place;
use support::durable::{NEVER, daemon, fill, options, store};

/// The same script for a directory and for a socket.
fn items(place: &Place, at: &str) {
    let run = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["store", arguments[0], at].iter().chain(&arguments[1..]).copied().collect();
        place.run(&all)
    };
    run(&["set", "user:1", "Ada", "--ttl", "1000", "--flags", "7"]).expect(0);
    assert_eq!(run(&["get", "user:1"]).expect(0).out, b"Ada");
    let told = run(&["get", "user:1", "--json"]).expect(0).json();
    assert_eq!(
        (&told["key"], &told["value"], &told["flags"]),
        (&json!("user:1"), &json!("Ada"), &json!(7))
    );
    assert!((900..=1000).contains(&told["ttl"].as_u64().unwrap()), "{told}");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    place.run_with(&["store", "set", at, "-e", "raw\\x00\\xff", "-"], &bytes).expect(0);
    assert_eq!(run(&["get", "-e", "raw\\x00\\xff"]).expect(0).out, bytes);
    let told = run(&["set", "user:2", "Grace", "--json"]).expect(0).json();
    assert_eq!((&told["stored"], told["cas"].as_u64() > Some(0)), (&json!(true), true));

    let miss = run(&["get", "user:9"]);
    miss.complains(1, "has no item user:9");
    assert_eq!(miss.out, b"");
    assert_eq!(run(&["delete", "user:9", "--json"]).expect(1).json(), json!({"deleted": false}));
    run(&["delete", "user:9"]).complains(1, "has no item user:9");
    run(&["set", "", "x"]).complains(2, "the key is empty");
    run(&["get", &"k".repeat(251)]).complains(2, "the limit is 250");

    let listed = run(&["list"]);
    let lines: Vec<Vec<&str>> =
        listed.expect(0).text().lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 4, "{listed:?}");
    assert_eq!(lines[0], ["SIZE", "TTL", "CAS", "KEY"]);
    assert_eq!(
        (lines[1][..2].join(" "), lines[1].last()),
        ("97.7 KiB".into(), Some(&"raw\\x00\\xff"))
    );
    assert_eq!((lines[2][0], lines[2][3], lines[2].last()), ("3", "s", Some(&"user:1")));
    assert_eq!((lines[3][0], lines[3][2], lines[3].last()), ("5", "-", Some(&"user:2")));
    let told = run(&["list", "--json", "--prefix", "user:"]).expect(0).json();
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!(
        (&told[1]["key"], &told[1]["size"], &told[1]["ttl"]),
        (&json!("user:2"), &json!(5), &Value::Null)
    );
    for (arguments, expected) in [
        (&["--keys"][..], "raw\\x00\\xff\nuser:1\nuser:2\n"),
        (&["--keys", "--limit", "2"], "raw\\x00\\xff\nuser:1\n"),
        (&["--keys", "--from", "user:1", "--to", "user:2"], "user:1\n"),
        (&["--keys", "--prefix", "user:", "--from", "user:2"], "user:2\n"),
        (&["--keys", "--to", "user:"], "raw\\x00\\xff\n"),
        (&["--keys", "-e", "--prefix", "raw\\x00"], "raw\\x00\\xff\n"),
        (&["--keys", "--from", "z", "--to", "a"], ""),
        (&["--json", "--from", "z"], "[]\n"),
        (&["--keys", "--limit", "0"], ""),
    ] {
        let ran = run(&[&["list"], arguments].concat());
        assert_eq!(ran.expect(0).text(), expected, "{arguments:?}");
    }
    assert_eq!(run(&["list", "-0"]).expect(0).out, b"raw\0\xff\0user:1\0user:2\0");

    let told = run(&["stat", "--json"]).expect(0).json();
    assert_eq!((&told["info"]["items"], &told["queues"]), (&json!(3), &json!([])));
    assert!(
        told["info"]["disk_bytes"].as_u64() > Some(0) && told["stats"]["curr_items"] == 3,
        "{told}"
    );
    let shown = run(&["stat"]);
    for words in ["items", "3, ", "near tier", "none", "curr_items", "on the disk up to"] {
        assert!(shown.expect(0).text().contains(words), "{words:?} is not in {}", shown.text());
    }
    run(&["delete", "user:1"]).expect(0);
    run(&["flush", "--delay", "1000"]).expect(0);
    assert_eq!(run(&["list", "--keys"]).expect(0).text().lines().count(), 2);
    run(&["flush"]).expect(0);
    assert_eq!(run(&["list", "--keys"]).expect(0).text(), "");
}

#[test]
fn items_of_a_directory() {
    let place = Place::new();
    let at = store(&place, "data", |_| ());
    items(&place, &at);
    let told = place.json(&["store", "stat", &at, "--json"]);
    assert_eq!(
        (&told["info"]["format"], told["info"]["id"].as_str().unwrap().len()),
        (&json!(1), 32)
    );
    assert!(place.run(&["store", "stat", &at]).expect(0).text().contains("format"));
}

#[test]
fn items_over_a_socket() {
    let place = Place::new();
    let (_service, at) = daemon(&place, "data", options());
    items(&place, &at);
    // By the path of the socket it is the same store.
    place.run(&["store", "set", &at, "k", "v"]).expect(0);
    let path = at.strip_prefix("unix:").unwrap();
    assert_eq!(place.run(&["store", "get", path, "k"]).expect(0).out, b"v");
    // The daemon's limit, not the program's.
    let large = vec![7; (1 << 20) + 1];
    place.run_with(&["store", "set", &at, "large"], &large).complains(2, "the limit is");
}

#[test]
fn what_is_no_store_is_told_and_left_as_it_is() {
    let place = Place::new();
    let at = |name: &str| place.path(name).to_str().unwrap().to_string();
    let verbs: [&[&str]; 4] = [&["stat"], &["get", "k"], &["set", "k", "v"], &["verify"]];
    fs::create_dir(place.path("foreign")).unwrap();
    fs::write(place.path("foreign/notes.txt"), "mine").unwrap();
    fs::write(place.path("file"), "mine").unwrap();
    fs::create_dir(place.path("empty")).unwrap();
    let gone = format!("unix:{}", at("gone.socket"));
    let (service, _) = daemon(&place, "open", options());
    let mine = format!("is in use by process {}", std::process::id());
    for verb in verbs {
        for (where_, words) in [
            (at("missing"), "there is no store at"),
            (at("empty"), "restore a backup to it"),
            (at("foreign"), "holds \"notes.txt\" and no store"),
            (at("file"), "is no directory"),
            (at("open"), &*mine),
            (at("open"), "by naming its socket in place of the directory: unix:PATH"),
            (gone.clone(), "is nearcached running there"),
            ("tcp:nowhere".to_string(), "tcp: is followed by HOST:PORT"),
            (String::new(), "where is the store?"),
        ] {
            let all: Vec<&str> =
                ["store", verb[0], &where_].iter().chain(&verb[1..]).copied().collect();
            place.run(&all).complains(2, words);
        }
    }
    assert!(!place.path("missing").exists());
    assert_eq!(fs::read_dir(place.path("foreign")).unwrap().count(), 1);
    assert_eq!(fs::read_dir(place.path("empty")).unwrap().count(), 0);
    drop(service);
}

#[test]
fn a_list_is_streamed_and_a_reader_that_goes_away_ends_it() {
    const ITEMS: usize = 100_000;
    let place = Place::new();
    let (service, at) = daemon(&place, "data", options());
    fill(&service.store, ITEMS as u64, 300);
    let mut child = place.command(&["store", "list", &at]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("KEY"));
    for item in 0..ITEMS * 9 / 10 {
        let line = lines.next().unwrap().unwrap();
        assert!(line.ends_with(&format!(" key:{item:06}")), "{line}");
    }
    // It waits until the rest is read: all of it does not fit into a pipe.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(peak < 20_000, "{peak} kB for a list of 30 MB");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let told = place.json(&["store", "list", &at, "--json"]);
    let keys: Vec<&str> =
        told.as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap()).collect();
    assert!(keys.len() == ITEMS && keys.is_sorted());
}

#[test]
fn dumps_go_from_stores_to_caches_and_back() {
    let place = Place::new();
    let long = vec![b'x'; 900_000];
    let from = store(&place, "from", |service| {
        let store: &Store = &service.store;
        for number in 0..=255u8 {
            let expiry =
                if number % 3 == 0 { NEVER } else { Expiry::After(1000 + u32::from(number)) };
            store
                .set(
                    &[b'k', number, b'\n'],
                    &vec![number; usize::from(number) * 37],
                    number.into(),
                    expiry,
                )
                .unwrap();
        }
        store.set(b"long", &long, 1, NEVER).unwrap();
    });
    let file = place.path("all.dump");
    let file = file.to_str().unwrap();
    place.run(&["store", "dump", &from, file]).complains(0, "dumped 257 items of ");
    let cache = nearcache::Options::new(16 << 20)
        .home(nearcache::Home::At(place.path("cache")))
        .open()
        .unwrap();
    assert_eq!(place.json(&["load", "cache", file, "--json"])["loaded"], 257);
    let hit = cache.get(b"k\xff\n").unwrap().unwrap();
    assert_eq!((hit.data.len(), hit.flags, hit.ttl), (255 * 37, 255, None));

    // And from the cache into another store, over its socket.
    let (service, to) = daemon(&place, "to", options());
    service.store.set(b"k\x01\n", b"newer", 9, NEVER).unwrap();
    let dumped = place.run(&["dump", "cache"]).expect(0).out.clone();
    let told =
        place.run_with(&["store", "load", &to, "--keep", "--json"], &dumped).expect(0).json();
    assert_eq!(told, json!({"loaded": 256, "kept": 1, "expired": 0, "too_large": 0}));
    assert_eq!(service.store.get(b"k\x01\n").unwrap().unwrap().data, b"newer");
    assert_eq!(service.store.get(b"long").unwrap().unwrap().data, long);
    let hit = service.store.get(b"k\x02\n").unwrap().unwrap();
    assert_eq!((hit.flags, (900..=1002).contains(&hit.ttl.unwrap())), (2, true));
    let ran = place.run(&["store", "load", &to, file]);
    assert_eq!(ran.expect(0).text(), format!("loaded 257 items into {to}\n"));
    assert_eq!(service.store.get(b"k\x01\n").unwrap().unwrap().data, [1; 37]);
    service.store.verify(&mut |_| true).unwrap();

    // What the store refuses is counted, and the others of its batch are stored.
    let mut small = options();
    small.item_size_max = 4096;
    let (service, small) = daemon(&place, "small", small);
    let told = place.run(&["store", "load", &small, file, "--json"]).expect(1).json();
    let too_large = told["too_large"].as_u64().unwrap();
    assert!(too_large > 100 && told["loaded"] == 257 - too_large, "{told}");
    assert!(service.store.get(b"k\x01\n").unwrap().is_some());

    // Of a bad file nothing is loaded.
    let mut bad = dumped.clone();
    bad[dumped.len() / 2] ^= 1;
    fs::write(file, bad).unwrap();
    let at = store(&place, "fresh", |_| ());
    place.run(&["store", "load", &at, file]).complains(2, "nothing was loaded");
    assert_eq!(place.run(&["store", "list", &at, "--keys"]).expect(0).text(), "");
    place.run(&["store", "dump", &at, "/dev/full"]).complains(2, "/dev/full");
}
