//! dump and load: what goes out comes in again, and nothing else does.

mod support;

use nearcache::{Cache, Expiry};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use support::Place;

/// Everything in a cache: value, flags, seconds left.
fn contents(cache: &Cache) -> BTreeMap<Vec<u8>, (Vec<u8>, u32, Option<u32>)> {
    cache
        .iter()
        .map(|entry| (entry.key, (entry.value.data, entry.value.flags, entry.value.ttl)))
        .collect()
}

/// Keys of every byte, values of many lengths, flags, lifetimes; more than one item of them.
fn fill(cache: &Cache) {
    for number in 0..=255u8 {
        let value: Vec<u8> = (0..=255).cycle().take(usize::from(number) * 37).collect();
        let expiry = match number % 3 {
            0 => Expiry::Never,
            _ => Expiry::After(1000 + u32::from(number)),
        };
        cache.set(&[b'k', number, b'\n'], &value, u32::from(number) << 24, expiry).unwrap();
    }
    cache.set(&[0; 250], &vec![7; 300_000], u32::MAX, Expiry::Never).unwrap();
}

#[test]
fn a_dump_that_is_loaded_is_the_same_cache() {
    let place = Place::new();
    let from = place.create("from");
    fill(&from);
    let file = place.path("all.dump");
    let path = file.to_str().unwrap();
    place.run(&["dump", "from", path]).complains(0, "dumped 257 items of from");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let dumped = fs::read(&file).unwrap();
    assert!(dumped.starts_with(b"nearcache-dump 1 "));

    let expected = contents(&from);
    let same = |name: &str, cache: &Cache| {
        let found = contents(cache);
        assert_eq!(found.len(), 257, "{name}");
        for (key, (value, flags, ttl)) in &expected {
            let (other_value, other_flags, other_ttl) = &found[key];
            assert!(value == other_value && flags == other_flags, "{name}: {key:?}");
            assert_eq!(ttl.is_some(), other_ttl.is_some(), "{name}: {key:?}");
            if let (Some(ttl), Some(other)) = (ttl, other_ttl) {
                // The seconds that the test itself takes.
                assert!(
                    (ttl.saturating_sub(60)..=*ttl).contains(other),
                    "{name}: {ttl} and {other}"
                );
            }
        }
    };
    let [one, two, three] = ["one", "two", "three"].map(|name| place.create(name));
    let told = place.json(&["load", "one", path, "--json"]);
    let expected_counts = json!({"loaded": 257, "kept": 0, "expired": 0, "too_large": 0, "no_memory": 0,
        "evicted_meanwhile": 0});
    assert_eq!(told, expected_counts);
    same("from a file", &one);
    let piped = place.run_with(&["load", "two"], &dumped);
    assert_eq!(piped.expect(0).text(), "loaded 257 items into two\n");
    same("through a pipe", &two);
    let mut redirected = place.command(&["load", "three", "-"]);
    let ended = redirected.stdin(File::open(&file).unwrap()).output().unwrap();
    assert!(ended.status.success());
    same("from a file as standard input", &three);
    let again = place.run(&["dump", "one", "-"]);
    assert!(again.expect(0).out.len() > 300_000);
    let leftovers = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(leftovers.into_iter().all(|name| !name.to_string_lossy().contains("partial")));
}

#[test]
fn lifetimes_go_on_in_a_file_unless_they_are_kept() {
    let place = Place::new();
    let cache = place.create("app");
    let sum = |text: &[u8]| format!("{:08x}\n", crc32fast::hash(text)).into_bytes();
    // A dump of a hundred seconds ago; the sums are made here by the format's description.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut text = format!("nearcache-dump 1 {}\n", now - 100).into_bytes();
    for (key, ttl) in [("short", "99"), ("long", "5000"), ("ever", "-")] {
        text.extend_from_slice(format!("item {} 1 3 {ttl}\n{key}v ", key.len()).as_bytes());
        let line = sum(&text);
        text.extend(line);
    }
    text.extend_from_slice(b"end 3 ");
    let line = sum(&text);
    text.extend(line);

    let ran = place.run_with(&["load", "app"], &text);
    let expected = "loaded 2 items into app\n  1 not loaded, as their time is over\n";
    assert_eq!(ran.expect(0).text(), expected);
    assert_eq!(cache.get(b"short").unwrap(), None);
    let long = cache.get(b"long").unwrap().unwrap().ttl.unwrap();
    assert!((4800..=4900).contains(&long), "{long}");
    assert_eq!(cache.get(b"ever").unwrap().unwrap().ttl, None);
    place.run_with(&["load", "app", "--keep-ttl"], &text).expect(0);
    let short = cache.get(b"short").unwrap().unwrap().ttl.unwrap();
    assert!((60..=99).contains(&short), "{short}");
}

#[test]
fn keep_leaves_alone_what_is_there() {
    let place = Place::new();
    let [from, to] = ["from", "to"].map(|name| place.create(name));
    for key in [b"a", b"b"] {
        from.set(key, b"dumped", 0, Expiry::Never).unwrap();
    }
    to.set(b"a", b"newer", 0, Expiry::Never).unwrap();
    let dumped = place.run(&["dump", "from"]).expect(0).out.clone();
    let told = place.run_with(&["load", "to", "--keep", "--json"], &dumped).expect(0).json();
    assert_eq!((&told["loaded"], &told["kept"]), (&json!(1), &json!(1)));
    assert_eq!(to.get(b"a").unwrap().unwrap().data, b"newer");
    place.run_with(&["load", "to"], &dumped).expect(0);
    assert_eq!(to.get(b"a").unwrap().unwrap().data, b"dumped");
}

#[test]
fn what_a_cache_refuses_is_counted_and_a_no() {
    let place = Place::new();
    let from = place.create("from");
    from.set(b"large", &[1; 10_000], 0, Expiry::Never).unwrap();
    from.set(b"small", b"1", 0, Expiry::Never).unwrap();
    let dumped = place.run(&["dump", "from"]).expect(0).out.clone();
    place.run(&["create", "small", "1M", "--item-size-max", "4K"]).expect(0);
    let told = place.run_with(&["load", "small", "--json"], &dumped).expect(1).json();
    assert_eq!((&told["loaded"], &told["too_large"]), (&json!(1), &json!(1)));
    for number in 0..300 {
        from.set(format!("{number}").as_bytes(), &[1; 9_000], 0, Expiry::Never).unwrap();
    }
    let dumped = place.run(&["dump", "from"]).expect(0).out.clone();
    place.run(&["create", "full", "1M", "--no-evict"]).expect(0);
    let told = place.run_with(&["load", "full", "--json"], &dumped).expect(1).json();
    assert!(
        told["no_memory"].as_u64().unwrap() > 100 && told["loaded"].as_u64().unwrap() > 50,
        "{told}"
    );
    place.run(&["create", "evicting", "1M"]).expect(0);
    let told = place.run_with(&["load", "evicting", "--json"], &dumped).expect(0).json();
    assert!(told["evicted_meanwhile"].as_u64().unwrap() > 100, "{told}");
}

#[test]
fn of_a_bad_file_nothing_is_loaded_and_of_a_bad_pipe_what_came_whole() {
    let place = Place::new();
    let from = place.create("from");
    for number in 0..10 {
        from.set(format!("key:{number}").as_bytes(), b"value", 0, Expiry::Never).unwrap();
    }
    let whole = place.run(&["dump", "from"]).expect(0).out.clone();
    let cut = whole[..whole.len() - 20].to_vec();
    let mut flipped = whole.clone();
    let middle = whole.len() / 2;
    flipped[middle] ^= 4;
    let doubled = [&whole[..], &whole[..]].concat();
    let huge = b"nearcache-dump 1 0\nitem 1 1073741824 0 -\nkv".to_vec();
    let file = place.path("bad.dump");
    for (bad, words) in [
        (b"".to_vec(), "no dump"),
        (b"\x7fELF\x02\x01\n".to_vec(), "no dump"),
        (b"nearcache-dump 9 0\n".to_vec(), "version \"9\""),
        (vec![b'x'; 1 << 20], "no dump"),
        (cut, "breaks off at byte"),
        (flipped, "byte"),
        (doubled, "something follows it, at byte"),
        (huge, "breaks off at byte 43"),
    ] {
        let to = place.create("to");
        fs::write(&file, &bad).unwrap();
        let ran = place.run(&["load", "to", file.to_str().unwrap()]);
        ran.complains(2, words).complains(2, "nothing was loaded");
        assert_eq!((ran.text(), to.len()), ("", 0));
        let piped = place.run_with(&["load", "to"], &bad);
        piped.complains(2, words);
        for (key, (value, ..)) in contents(&to) {
            assert!(key.starts_with(b"key:") && value == b"value", "{key:?} {value:?}");
        }
        let said = match to.len() {
            0 => "standard input: nothing was loaded".to_string(),
            1 => "standard input: after 1 item had been loaded".to_string(),
            some => format!("standard input: after {some} items had been loaded"),
        };
        piped.complains(2, &said);
        drop(to);
        fs::remove_file(place.path("to")).unwrap();
    }
}

#[test]
fn a_dump_that_fails_leaves_the_one_before_it() {
    let place = Place::new();
    let file = place.path("all.dump");
    fs::write(&file, "the one before").unwrap();
    place.run(&["dump", "nothere", file.to_str().unwrap()]).complains(2, "there is no cache at");
    assert_eq!(fs::read(&file).unwrap(), b"the one before");
    place.create("app");
    place
        .run(&["dump", "app", place.path("no/such/x").to_str().unwrap()])
        .complains(2, "no/such/x");
    place.run(&["load", "app", place.path("none").to_str().unwrap()]).complains(2, "none");
    place.run(&["load", "nothere", file.to_str().unwrap()]).complains(2, "there is no cache at");
    place.run(&["dump", "app", "/dev/null"]).expect(0);
    place.run(&["dump", "app", "/dev/full"]).complains(2, "/dev/full");
    let ran = place
        .command(&["dump", "app"])
        .stdout(File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
}
