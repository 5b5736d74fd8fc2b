//! Long work on durable stores: backup, restore, verify and compact, what they say of damage, of bad targets and full
//! disks, how they are shown, and how they are stopped.

mod support;

use nearcache::{Expiry, Verb};
use nearcache_store::queue::{Push, Queues};
use nearcache_store::wire::Service;
use nearcache_store::{Durable, Options};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use support::durable::{NEVER, daemon, fill, interrupted, mounted, options, store};
use support::{Place, Ran};

/// Items with and without lifetimes, large ones, and a queue.
fn some(service: &Service) {
    fill(&service.store, 500, 100);
    service.store.set(b"large", &vec![9; 200_000], 3, NEVER).unwrap();
    service.store.set(b"mortal", b"v", 0, Expiry::After(10_000)).unwrap();
    let queue = service.queues.queue(b"orders").unwrap();
    for number in 0..50 {
        queue.push(format!("order {number}").as_bytes(), &Push::default()).unwrap();
    }
}

/// All that is in a store, as the program tells it: items with the bytes of their values, messages.
fn contents(place: &Place, at: &str) -> (Vec<Vec<u8>>, Value) {
    let dump = place.run(&["store", "dump", at]).expect(0).out.clone();
    // Items without the first line and the sums, which depend on the time, and without the lifetimes, which run on.
    let items: Vec<Vec<u8>> = dump
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"nearcache-dump") && !line.starts_with(b"end "))
        .map(|line| match line.starts_with(b"item ") {
            true => line[..line.iter().rposition(|byte| *byte == b' ').unwrap()].to_vec(),
            false => line[..line.len().saturating_sub(8)].to_vec(),
        })
        .collect();
    assert!(items.len() > 2 * 502);
    (items, place.json(&["queue", "peek", at, "orders", "-n", "1000", "--json"]))
}

#[test]
fn a_backup_that_is_restored_is_the_same_store() {
    let place = Place::new();
    let at = store(&place, "data", some);
    let path = |name: &str| place.path(name).to_str().unwrap().to_string();
    let (backup, restored) = (path("backup"), path("restored"));
    let told = place.json(&["store", "backup", &at, &backup, "--json"]);
    assert_eq!((&told["entries"], &told["to"]), (&json!(552), &json!(backup)));
    let ran = place.run(&["store", "restore", &backup, &restored]);
    assert!(ran.expect(0).text().starts_with("restore: 552 items and messages to "), "{ran:?}");
    let expected = contents(&place, &at);
    assert_eq!(expected.1.as_array().unwrap().len(), 50);
    for copy in [&backup, &restored] {
        let ran = place.run(&["store", "verify", copy]);
        let sound = format!("{copy}: sound: 502 items and 50 messages recounted\n");
        assert_eq!(ran.expect(0).text(), sound);
        assert!(contents(&place, copy) == expected, "{copy}");
    }
    // Nothing is written over.
    fs::create_dir(place.path("foreign")).unwrap();
    fs::write(place.path("foreign/notes.txt"), "mine").unwrap();
    for (to, words) in [
        (&backup, "holds a store already"),
        (&path("foreign"), "holds \"notes.txt\" and no store"),
        (&path("foreign/notes.txt"), "is no directory"),
        (&at, "is in use by process"),
    ] {
        place.run(&["store", "backup", &at, to]).complains(2, words);
    }
    place.run(&["store", "restore", &backup, &at]).complains(2, "holds a store already");
    place
        .run(&["store", "restore", &path("none"), &path("new")])
        .complains(2, "there is no store at");
    assert!(!place.path("new").exists());
    assert!(contents(&place, &at) == expected);
}

#[test]
fn a_backup_over_a_socket_is_of_one_moment_while_others_write() {
    let place = Place::new();
    let (service, at) = daemon(&place, "data", options());
    fill(&service.store, 5000, 100);
    let (stop, backup) = (AtomicBool::new(false), place.path("backup"));
    let pair = |number: u64| ["left", "right"].map(|side| format!("{side}:{}", number % 100));
    let write = |number: u64| {
        let mut batch = service.store.batch();
        for key in pair(number) {
            batch
                .store(Verb::Set, key.as_bytes(), number.to_string().as_bytes(), 0, NEVER)
                .unwrap();
        }
        batch.commit(service.database()).unwrap();
    };
    (0..100).for_each(write);
    std::thread::scope(|scope| {
        scope.spawn(|| (100..).take_while(|_| !stop.load(Ordering::Relaxed)).for_each(write));
        // The daemon's place is not the program's: a path that is none of the root's is the program's own.
        let mut command = place.command(&["store", "backup", &at, "backup"]);
        let ran = Ran::of(command.current_dir(place.path("")).output().unwrap());
        stop.store(true, Ordering::Relaxed);
        ran.expect(0);
    });
    let backup = backup.to_str().unwrap();
    place.run(&["store", "verify", backup]).expect(0);
    let get = |key: &String| place.run(&["store", "get", backup, key]).expect(0).out.clone();
    for number in [0, 33, 99] {
        let [left, right] = pair(number);
        assert_eq!(get(&left), get(&right), "{number}");
    }
    place.run(&["store", "verify", &at]).expect(0);
    place.run(&["store", "compact", &at]).expect(0);
}

/// Every file of the engine that has something in it.
fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, into),
            false if path.metadata().unwrap().len() > 0 => into.push(path),
            false => {}
        }
    }
}

#[test]
fn verify_says_what_is_wrong() {
    let place = Place::new();
    let spoiled = |name: &str, spoil: &dyn Fn(&Path)| {
        let at = store(&place, name, some);
        spoil(Path::new(&at));
        at
    };
    let flipped = spoiled("flipped", &|at| {
        let path = at.join("data/0.jnl");
        let used = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
        let bytes = fs::read(&path).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[bytes[used / 2] ^ 4], used as u64 / 2).unwrap();
    });
    let cut = spoiled("cut", &|at| {
        let path = at.join("data/0.jnl");
        let used = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
        fs::OpenOptions::new().write(true).open(path).unwrap().set_len(used as u64 / 2).unwrap();
    });
    let table = spoiled("table", &|at| {
        let at = at.to_str().unwrap();
        place.run(&["store", "compact", at]).expect(0);
        let mut all = Vec::new();
        files(&Path::new(at).join("data/keyspaces"), &mut all);
        let largest = all.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
        let mut bytes = fs::read(largest).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(largest, bytes).unwrap();
    });
    let marked = spoiled("marked", &|at| fs::write(at.join("synced"), "x").unwrap());
    for (at, words) in [
        (&flipped, "has lost writes"),
        (&cut, "has lost writes"),
        (&table, "damaged"),
        (&marked, "the file synced has no whole record"),
    ] {
        let ran = place.run(&["store", "verify", at]);
        let text = ran.expect(1).text();
        assert!(text.starts_with(&format!("{at}: broken: ")) && text.contains(words), "{ran:?}");
        let told = place.run(&["store", "verify", at, "--json"]).expect(1).json();
        assert_eq!(told["sound"], false);
        assert!(told["broken"].as_str().unwrap().contains(words), "{told}");
    }
    // Who only wants to read it is told the same, as a failure.
    place.run(&["store", "get", &cut, "large"]).complains(2, "has lost writes");
    let newer = spoiled("newer", &|at| {
        fs::write(at.join("identity"), "nearcache store\nformat 99\nid 0\nsum 0\n").unwrap();
    });
    place.run(&["store", "verify", &newer]).complains(2, "says format 99");
}

#[test]
fn verify_reads_the_queues_too() {
    let place = Place::new();
    let at = store(&place, "data", |service| {
        some(service);
        // A message of which the books know, and no queue.
        let queues: &Queues = &service.queues;
        queues
            .run(0, |tx| {
                tx.put(nearcache_store::Space::Messages, &[7; 16], vec![0; 40]);
                Ok(())
            })
            .unwrap();
    });
    let ran = place.run(&["store", "verify", &at]);
    assert!(ran.expect(1).text().contains("message"), "{ran:?}");
}

#[test]
fn compaction_gives_disk_back() {
    let place = Place::new();
    let at = store(&place, "data", |service| {
        fill(&service.store, 5000, 1000);
        // From the journal to the tables.
        service.database().compact(&mut |_| true).unwrap();
        service.store.flush_all(0).unwrap();
        while service.database().ledger().dead > 0 {
            // What is dead is removed in passing.
            service.store.set(b"k", b"v", 0, NEVER).unwrap();
        }
    });
    // A journal is as long as it was.
    let told = place.json(&["store", "compact", &at, "--json"]);
    let disk = |when: &str| told[when].as_u64().unwrap();
    assert!(disk("disk_after") < disk("disk_before") * 2 / 3, "{told}");
    assert!(place.run(&["store", "compact", &at]).expect(0).text().contains("compacted: "));
    place.run(&["store", "verify", &at]).expect(0);
}

#[test]
fn a_full_and_a_read_only_disk_are_told() {
    let place = Place::new();
    let at = store(&place, "data", |service| fill(&service.store, 20_000, 1000));
    let target = place.path("target");
    fs::create_dir(&target).unwrap();
    let to = target.join("backup");
    let arguments = ["store", "backup", &at, to.to_str().unwrap()];
    for (options, words) in [
        ("size=4m", "No space left on device"),
        ("ro", "the store needs a directory that this user may write"),
    ] {
        let Some(mut command) = mounted(&place, &target, options, &arguments) else { return };
        Ran::of(command.output().unwrap()).complains(2, words);
    }
    // A store on a disk that may not be written is not opened.
    let read = ["store", "get", &at, "key:000001"];
    let Some(mut command) = mounted(&place, &target, "size=1m", &read) else { return };
    Ran::of(command.output().unwrap()).expect(0);
    place.run(&["store", "verify", &at]).expect(0);
}

#[test]
fn long_work_is_shown_and_ended_by_a_signal() {
    const ITEMS: u64 = 60_000;
    let place = Place::new();
    let at = store(&place, "data", |service| fill(&service.store, ITEMS, 50));
    let to = place.path("backup");
    let to = to.to_str().unwrap();

    // Not on a terminal: nothing, or lines.
    assert_eq!(place.run(&["store", "verify", &at]).expect(0).err, "");
    let ran = place.run(&["store", "verify", &at, "--progress"]);
    let last = ran.expect(0).err.lines().rfind(|line| line.contains("60,000 of 60,000"));
    assert!(last.is_some_and(|line| line.starts_with("nearcache: verify: 100 %, ")), "{ran:?}");

    // Ctrl-C at the first line.
    let backup = || place.command(&["store", "backup", &at, to, "--progress"]);
    let said = interrupted(backup, Signal::INT, || fs::remove_dir_all(to).unwrap());
    assert!(said[0].starts_with("nearcache: backup: 1 %, 1,024 of 60,000, "), "{said:?}");
    let why = said.last().unwrap();
    assert!(why.contains("stopped before the end"), "{why}");
    assert!(why.contains("is no store: remove it, or give it again"), "{why}");
    let never = "holds a store that was never finished";
    place.run(&["store", "verify", to]).complains(2, never);
    let new = place.path("new");
    place.run(&["store", "restore", to, new.to_str().unwrap()]).complains(2, never);
    // It can be given again.
    place.run(&["store", "backup", &at, to]).expect(0);
    assert_eq!(place.json(&["store", "verify", to, "--json"])["items"], ITEMS);

    // A dump that is stopped leaves no file.
    let file = place.path("all.dump");
    let dump = || place.command(&["store", "dump", &at, file.to_str().unwrap(), "--progress"]);
    let said = interrupted(dump, Signal::TERM, || fs::remove_file(&file).unwrap());
    assert!(said.last().unwrap().ends_with("all.dump: stopped"), "{said:?}");
    let names = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("dump")));
}

#[test]
fn progress_on_a_terminal_is_one_line_that_goes_away() {
    let place = Place::new();
    let at = store(&place, "data", |service| fill(&service.store, 20_000, 50));
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = fs::OpenOptions::new().read(true).write(true).open(name).unwrap();
    let mut command = place.command(&["store", "verify", &at]);
    let mut child = command.stderr(terminal).spawn().unwrap();
    drop(command);
    assert!(child.wait().unwrap().success());
    let mut text = Vec::new();
    // A terminal whose last user has gone is read to its end, and then fails.
    let _ = fs::File::from(master).read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("\rverify: 5 %, 1,024 of 20,000, "), "{text:?}");
    assert!(text.ends_with("\r\x1b[K") && !text.contains('\n'), "{text:?}");
}

#[test]
fn the_program_makes_no_store_and_closes_what_it_opens() {
    let place = Place::new();
    let at = store(&place, "data", some);
    for _ in 0..3 {
        place.run(&["store", "set", &at, "k", "v"]).expect(0);
    }
    // Nothing is left locked, and nothing to be recovered.
    let durable =
        Durable::open(&nearcache_store::Place::parse(&at).unwrap(), None::<Options>).unwrap();
    assert_eq!(durable.get(b"k").unwrap().unwrap().data, b"v");
    place.run(&["store", "flush", &at]).complains(2, "is in use by process");
    assert!(durable.get(b"k").unwrap().is_some());
}
