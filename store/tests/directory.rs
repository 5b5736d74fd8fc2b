//! Bad directories: in use, somebody else's, of another version, cut off, with flipped bits. Each is refused with a
//! sentence that says what was found and what to do, or opened with everything in it; never opened with less.

mod common;

use common::{Dir, Random, Seeded, seed};
use nearcache::Expiry;
use nearcache_store::{Error, FORMAT, Options, Policy, Store, restore};
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const NEVER: Expiry = Expiry::Never;
const ITEMS: u32 = 400;
const ROUNDS: u32 = 16;

fn options() -> Options {
    let mut options = Options::default();
    options.near = 0;
    options
}

fn quick() -> Options {
    let mut options = options();
    options.policy = Policy::Never;
    options
}

fn value(n: u32) -> Vec<u8> {
    let mut random = Random(u64::from(n));
    (0..random.below(500)).map(|_| random.next() as u8).collect()
}

/// A store with items in it, closed; in tables rather than in the journal if `compacted`.
fn filled(compacted: bool) -> Dir {
    let dir = Dir::new();
    let store = Store::open(dir.path(), quick()).unwrap();
    for n in 0..ITEMS {
        store.set(format!("key{n}").as_bytes(), &value(n), n, NEVER).unwrap();
    }
    store.set(b"large", &[3; 50_000], 0, NEVER).unwrap();
    if compacted {
        store.database().compact(&mut |_| true).unwrap();
    }
    drop(store);
    dir
}

fn refused(dir: &Path, words: &[&str]) -> Error {
    let error = match Store::open(dir, options()) {
        Ok(_) => panic!("it was opened, and should be refused with {words:?}"),
        Err(error) => error,
    };
    let sentence = error.to_string();
    for word in words {
        assert!(sentence.contains(word), "{sentence:?} does not say {word:?}");
    }
    error
}

/// Everything is there and right, or there is an error.
fn whole(store: &Store) -> Result<(), Error> {
    store.verify(&mut |_| true)?;
    for n in 0..ITEMS {
        let found = store.get(format!("key{n}").as_bytes())?;
        assert_eq!(found.map(|v| v.data), Some(value(n)), "key{n} was lost or changed in silence");
    }
    assert_eq!(store.get(b"large")?.map(|v| v.data), Some(vec![3; 50_000]));
    Ok(())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.path().is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
    found.sort();
}

#[test]
fn a_directory_belongs_to_one_process_at_a_time() {
    let dir = Dir::new();
    let store = Store::open(dir.path(), options()).unwrap();
    let pid = format!("process {} (", std::process::id());
    let error = refused(dir.path(), &[&pid, " since 20", "UTC", "through the daemon"]);
    assert!(matches!(error, Error::InUse { .. }));
    store.set(b"a", b"1", 0, NEVER).unwrap();
    drop(store);
    assert_eq!(Store::open(dir.path(), options()).unwrap().get(b"a").unwrap().unwrap().data, b"1");
}

#[test]
fn what_is_no_store_is_left_alone() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path()).unwrap();
    fs::write(dir.path().join("letter.txt"), "dear").unwrap();
    let error = refused(dir.path(), &["letter.txt", "empty directory of its own"]);
    assert!(matches!(error, Error::Foreign(_)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something was written there");
    refused(&dir.path().join("letter.txt"), &["is no directory"]);
    let mut options = options();
    options.create = false;
    let missing = dir.path().join("missing");
    assert!(matches!(Store::open(&missing, options), Err(Error::Missing(_))));
    assert!(!missing.exists());
}

#[test]
fn identities_of_others_newer_ones_and_damaged_ones_are_refused() {
    let dir = filled(false);
    let path = dir.path().join("identity");
    let good = fs::read(&path).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    fs::write(
        &path,
        text.replace(&format!("format {FORMAT}"), "format 99") + "more of the future\n",
    )
    .unwrap();
    assert!(matches!(refused(dir.path(), &["format 99", "newer"]), Error::Newer(_)));
    for n in 0..good.len() {
        let mut bad = good.clone();
        bad[n] ^= 1;
        fs::write(&path, &bad).unwrap();
        refused(dir.path(), &["identity"]);
        fs::write(&path, &good[..n]).unwrap();
        refused(dir.path(), &["identity"]);
    }
    fs::remove_file(&path).unwrap();
    refused(dir.path(), &["identity is missing", "backup"]);
    fs::write(&path, &good).unwrap();
    whole(&Store::open(dir.path(), options()).unwrap()).unwrap();
    fs::rename(dir.path().join("data"), dir.path().join("elsewhere")).unwrap();
    refused(dir.path(), &["data/", "missing"]);
}

#[test]
fn the_mark_of_what_was_synced_survives_one_torn_place_and_no_more() {
    let dir = filled(false);
    let path = dir.path().join("synced");
    let good = fs::read(&path).unwrap();
    let spoil = |place: usize, bytes: &mut [u8]| bytes[place * 512 + 8] ^= 1;
    for place in 0..2 {
        let mut bad = good.clone();
        spoil(place, &mut bad);
        fs::write(&path, bad).unwrap();
        whole(&Store::open(dir.path(), options()).unwrap()).unwrap();
    }
    let mut bad = good.clone();
    (0..2).for_each(|place| spoil(place, &mut bad));
    fs::write(&path, bad).unwrap();
    refused(dir.path(), &["synced has no whole record"]);
    fs::remove_file(&path).unwrap();
    refused(dir.path(), &["synced is missing"]);
}

#[test]
fn a_store_that_was_never_finished_is_made_anew() {
    let dir = Dir::new();
    fs::create_dir_all(dir.path().join("data/keyspaces")).unwrap();
    fs::write(dir.path().join("creating"), "").unwrap();
    fs::write(dir.path().join("data/0.jnl"), "half").unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    store.set(b"a", b"1", 0, NEVER).unwrap();
    drop(store);
    assert!(!dir.path().join("creating").exists());
    assert_eq!(Store::open(dir.path(), options()).unwrap().get(b"a").unwrap().unwrap().data, b"1");
}

/// Spoils a copy of a store at random, many times.
fn spoiled(compacted: bool, spoil: impl Fn(&mut Random, &Path) -> String) -> (u32, u32) {
    let good = filled(compacted);
    let seeded = Seeded(seed());
    let mut random = Random(seeded.0);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..ROUNDS {
        let dir = Dir::new();
        copy(good.path(), dir.path());
        let what = spoil(&mut random, &dir.path().join("data"));
        match Store::open(dir.path(), options()) {
            Ok(store) => match whole(&store) {
                Ok(()) => read += 1,
                Err(Error::Damaged(sentence)) => {
                    assert!(sentence.contains("backup"), "{what}: {sentence}");
                    refused += 1;
                }
                Err(error) => panic!("{what}: {error:?}"),
            },
            Err(Error::Lost { recovered, synced, .. }) => {
                assert!(recovered < synced);
                refused += 1;
            }
            Err(Error::Damaged(_) | Error::System(..) | Error::Missing(_)) => refused += 1,
            Err(error) => panic!("{what}: {error:?}"),
        }
    }
    (refused, read)
}

#[test]
fn a_journal_with_flipped_bits_is_not_opened_with_less() {
    let (refused, _) = spoiled(false, |random, data| {
        let path = data.join("0.jnl");
        let bytes = fs::read(&path).unwrap();
        let used = bytes.iter().rposition(|b| *b != 0).unwrap() as u64;
        let at = random.below(used);
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all_at(&[bytes[at as usize] ^ 1 << random.below(8)], at).unwrap();
        format!("bit flipped at {at} of {used}")
    });
    assert!(refused > ROUNDS / 2, "only {refused} were refused");
}

#[test]
fn a_journal_that_was_cut_is_not_opened_with_less() {
    let (refused, read) = spoiled(false, |random, data| {
        let path = data.join("0.jnl");
        let used = fs::read(&path).unwrap().iter().rposition(|b| *b != 0).unwrap() as u64;
        let len = random.below(used);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len).unwrap();
        format!("cut to {len} of {used}")
    });
    assert_eq!((refused, read), (ROUNDS, 0));
}

#[test]
fn tables_with_flipped_bits_are_not_read_wrong() {
    let (refused, _) = spoiled(true, |random, data| {
        let mut all = Vec::new();
        files(&data.join("keyspaces"), &mut all);
        all.retain(|path| path.metadata().unwrap().len() > 0);
        let path = random.pick(&all).clone();
        let mut bytes = fs::read(&path).unwrap();
        let at = random.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << random.below(8);
        fs::write(&path, &bytes).unwrap();
        format!("{} at {at} of {}", path.display(), bytes.len())
    });
    assert!(refused > 1, "only {refused} were refused");
}

#[test]
fn loss_is_accepted_if_it_is_asked_for() {
    let dir = filled(false);
    let path = dir.path().join("data/0.jnl");
    let used = fs::read(&path).unwrap().iter().rposition(|b| *b != 0).unwrap() as u64;
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(used / 2).unwrap();
    assert!(matches!(
        refused(dir.path(), &["lost writes", "accept_loss", "backup"]),
        Error::Lost { .. }
    ));
    let mut accepting = options();
    accepting.accept_loss = true;
    let store = Store::open(dir.path(), accepting).unwrap();
    store.verify(&mut |_| true).unwrap();
    assert!(store.get(b"key1").unwrap().is_some() && store.get(b"large").unwrap().is_none());
    drop(store);
    Store::open(dir.path(), options()).unwrap();
}

#[test]
fn backups_are_of_one_moment_and_can_be_opened_and_restored() {
    let dir = filled(false);
    let (backup, restored) = (Dir::new(), Dir::new());
    let store = Store::open(dir.path(), quick()).unwrap();
    let (mut told, stop) = (Vec::new(), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        // Others write meanwhile; of each pair both or none are in the backup.
        let writer = scope.spawn(|| {
            let mut n = 0;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                n += 1;
                let mut batch = store.batch();
                for side in ["left", "right"] {
                    let key = format!("{side}{}", n % 100);
                    batch.store(nearcache::Verb::Set, key.as_bytes(), &value(n), n, NEVER).unwrap();
                }
                batch.commit(store.database()).unwrap();
            }
        });
        common::eventually("writes", || store.get(b"left50").unwrap().is_some());
        store
            .database()
            .backup(backup.path(), &mut |progress| {
                told.push(progress);
                true
            })
            .unwrap();
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        writer.join().unwrap();
    });
    assert!(told.last().is_some_and(|last| last.done == last.of && last.done > u64::from(ITEMS)));
    let error = store.database().backup(backup.path(), &mut |_| true).unwrap_err();
    assert!(error.to_string().contains("new directory"), "{error}");
    restore(backup.path(), restored.path(), &mut |_| true).unwrap();
    for place in [backup.path(), restored.path()] {
        let copy = Store::open(place, options()).unwrap();
        whole(&copy).unwrap();
        for n in 0..100 {
            let side = |side: &str| copy.get(format!("{side}{n}").as_bytes()).unwrap();
            let (left, right) = (side("left"), side("right"));
            assert_eq!(left.map(|v| v.flags), right.map(|v| v.flags));
        }
        assert_ne!(copy.database().id(), store.database().id());
    }
    // One that is stopped is no store, and its directory can be given again.
    let stopped = Dir::new();
    let mut big = Vec::new();
    for n in 0..2000 {
        let ask = nearcache::MetaSet::default();
        big.push(store.submit_set(format!("more{n}").as_bytes(), b"", ask).unwrap());
    }
    big.into_iter().for_each(|pending| assert!(pending.wait().is_ok()));
    let error = store.database().backup(stopped.path(), &mut |_| false).unwrap_err();
    assert!(matches!(error, Error::Stopped));
    assert!(matches!(
        restore(stopped.path(), restored.path(), &mut |_| true),
        Err(Error::Missing(_) | Error::Foreign(_))
    ));
    store.database().backup(stopped.path(), &mut |_| true).unwrap();
}
