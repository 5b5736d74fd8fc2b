//! Shared caches as one process sees them: who may have which file, what is refused and in which words, reading alone.
//!
//! What takes more than one process is in `tests/processes.rs`.

mod support;

use nearcache::{Access, Cache, Deletion, Error, Expiry, Home, MetaGet, Options, Outcome, Touch};
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, symlink};
use std::path::Path;
use support::scratch::Scratch;

const SIZE: u64 = 1 << 20;
const NEVER: Expiry = Expiry::Never;

fn at(path: &Path) -> Options {
    Options::new(SIZE).home(Home::At(path.to_path_buf()))
}

fn open(path: &Path) -> Cache {
    at(path).open().expect("the cache opens")
}

fn set(cache: &Cache, key: &str, value: &str) {
    let stored = cache.set(key.as_bytes(), value.as_bytes(), 0, NEVER);
    assert!(matches!(stored, Ok(Outcome::Stored(_))), "{stored:?}");
}

fn get(cache: &Cache, key: &str) -> Option<String> {
    let got = cache.get(key.as_bytes()).expect("a get does not fail");
    got.map(|value| String::from_utf8(value.data).expect("it was text"))
}

/// The error's sentence, which has these words in it.
fn says(error: &Error, words: &[&str]) {
    let sentence = error.to_string();
    for word in words {
        assert!(sentence.contains(word), "{sentence:?} does not say {word:?}");
    }
}

#[test]
fn two_handles_on_one_file_are_one_cache() {
    let scratch = Scratch::new();
    let (a, b) = (open(&scratch.join("one")), open(&scratch.join("one")));
    let other = open(&scratch.join("other"));
    set(&a, "k", "from a");
    assert_eq!(get(&b, "k").as_deref(), Some("from a"));
    assert_eq!(get(&other, "k"), None);
    assert_eq!(b.delete(b"k").expect("a deletion does not fail"), Deletion::Deleted);
    assert_eq!(get(&a, "k"), None);
    assert_eq!(a.info().created, b.info().created);
    assert_eq!(a.processes().len(), 2, "each handle has a place: {:?}", a.processes());
    drop(b);
    assert_eq!(a.processes().len(), 1, "the place of a handle is given back with it");
    set(&a, "k", "again");
    a.check().expect("the cache is whole");
    assert_eq!(a.stats().cmd_set, 2);
    assert_eq!(a.stats().delete_hits, 1, "what a handle counted stays when it has gone");
}

#[test]
fn a_cache_outlives_its_handles_and_keeps_its_options() {
    let scratch = Scratch::new();
    let path = scratch.join("kept");
    let mut options = at(&path);
    options.item_size_max = 2000;
    let first = options.open().expect("the cache opens");
    set(&first, "k", "v");
    let created = first.info().created;
    drop(first);
    let mut others = Options::new(64 << 20).home(Home::At(path.clone()));
    others.item_size_max = 1 << 20;
    let second = others.open().expect("the cache opens");
    assert_eq!((second.info().size, second.item_size_max()), (SIZE, 2000));
    assert_eq!(second.info().created, created);
    assert_eq!(second.info().path.as_deref(), Some(&*path));
    assert_eq!(get(&second, "k").as_deref(), Some("v"));
    // The size is not even looked at where it is not used.
    let existing = Options::new(0).home(Home::At(path)).access(Access::Existing).open();
    assert_eq!(get(&existing.expect("the cache attaches"), "k").as_deref(), Some("v"));
}

#[test]
fn what_is_there_and_what_is_asked_for() {
    let scratch = Scratch::new();
    let path = scratch.join("c");
    for access in [Access::Existing, Access::ReadOnly] {
        let error = at(&path).access(access).open().expect_err("there is nothing to attach");
        assert!(matches!(error, Error::NoRegion(_)), "{error:?}");
        says(&error, &[&path.display().to_string()]);
    }
    let made = at(&path).access(Access::Create).open().expect("the cache is created");
    let error = at(&path).access(Access::Create).open().expect_err("it is there");
    assert!(matches!(error, Error::RegionExists(_)), "{error:?}");
    set(&made, "k", "v");
    at(&path).access(Access::Existing).open().expect("it is there");
    assert!(nearcache::unlink(&Home::At(path.clone())).expect("it can be removed"));
    assert!(
        !nearcache::unlink(&Home::At(path.clone())).expect("that is no failure"),
        "removed twice"
    );
    assert_eq!(get(&made, "k").as_deref(), Some("v"), "whoever is attached goes on");
    set(&made, "k", "w");
    let fresh = open(&path);
    assert_eq!(get(&fresh, "k"), None);
    set(&fresh, "k", "x");
    assert_eq!(get(&made, "k").as_deref(), Some("w"));
}

#[test]
fn files_that_are_no_cache_are_left_alone() {
    let scratch = Scratch::new();
    let refused = |path: &Path, words: &[&str]| {
        let all = [Access::OpenOrCreate, Access::Create, Access::Existing, Access::ReadOnly];
        for access in all {
            let error = at(path).access(access).open().expect_err("it is no cache");
            match (access, &error) {
                (Access::Create, Error::RegionExists(_)) => {}
                (_, Error::ForeignRegion(_)) => says(&error, words),
                _ => panic!("{}, {access:?}: {error:?}", path.display()),
            }
        }
    };
    let text = scratch.join("text");
    fs::write(&text, b"dear diary").expect("it is written");
    refused(&text, &["text", "remove it, or choose another name"]);
    let zeros = scratch.join("zeros");
    fs::write(&zeros, vec![0; SIZE as usize]).expect("it is written");
    refused(&zeros, &["does not begin as a cache does"]);
    let empty = scratch.join("empty");
    fs::write(&empty, b"").expect("it is written");
    refused(&empty, &["is empty"]);
    let real = scratch.join("real");
    let cache = open(&real);
    let link = scratch.join("link");
    symlink(&real, &link).expect("a link is made");
    refused(&link, &["symbolic link"]);
    let dangling = scratch.join("dangling");
    symlink(scratch.join("nothing"), &dangling).expect("a link is made");
    refused(&dangling, &["symbolic link"]);
    assert!(!scratch.join("nothing").exists(), "created through a link");
    let dir = scratch.join("dir");
    fs::create_dir(&dir).expect("a directory is made");
    refused(&dir, &["no regular file"]);
    let fifo = scratch.join("fifo");
    let c = std::ffi::CString::new(fifo.display().to_string()).expect("a path");
    // SAFETY: the path ends with a NUL.
    assert_eq!(unsafe { libc::mkfifo(c.as_ptr(), 0o600) }, 0);
    refused(&fifo, &["no regular file"]);
    refused(Path::new("/dev/null"), &["no regular file"]);
    assert_eq!(fs::read(&text).expect("it is there"), b"dear diary");
    for path in [&text, &zeros, &dir, &link] {
        nearcache::unlink(&Home::At(path.clone())).expect_err("it is no cache");
        assert!(path.symlink_metadata().is_ok(), "{} was removed", path.display());
    }
    set(&cache, "k", "v");
}

#[test]
fn a_file_has_the_permissions_that_were_asked_for() {
    let scratch = Scratch::new();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o777;
    open(&scratch.join("mine"));
    assert_eq!(mode(&scratch.join("mine")), 0o600);
    let mut options = at(&scratch.join("ours"));
    options.permissions = 0o664;
    let info = options.open().expect("the cache opens").info();
    assert_eq!((info.permissions, mode(&scratch.join("ours"))), (0o664, 0o664));
    assert_eq!(info.uid, fs::metadata(scratch.path()).expect("it is there").uid());
    // Nothing is left of how it was made.
    assert_eq!(fs::read_dir(scratch.path()).expect("it is there").count(), 2);
}

#[test]
fn reading_alone_changes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.join("read");
    let cache = open(&path);
    set(&cache, "k", "v");
    cache.set(b"n", b"5", 0, NEVER).expect("there is room");
    let before = fs::read(&path).expect("it is there");
    let reader = at(&path).access(Access::ReadOnly).open().expect("it attaches");
    assert!(reader.info().read_only);
    // By the inode: the mapping of who created the file has no name.
    let inode = format!(" {} ", fs::metadata(&path).expect("it is there").ino());
    let maps = fs::read_to_string("/proc/self/maps").expect("it is there");
    let ours: Vec<&str> = maps.lines().filter(|line| line.contains(&inode)).collect();
    assert_eq!(ours.iter().filter(|line| line.contains(" rw-s ")).count(), 1, "{ours:?}");
    assert_eq!(ours.iter().filter(|line| line.contains(" r--s ")).count(), 1, "{ours:?}");
    assert_eq!(get(&reader, "k").as_deref(), Some("v"));
    assert_eq!(get(&reader, "missing"), None);
    assert_eq!(reader.peek(b"k").expect("it only looks").map(|meta| meta.len), Some(1));
    assert!(reader.contains(b"k").expect("it only looks"));
    let mut met = 0;
    reader.get_many(&["k", "n", "x"], |_, _, _| met += 1).expect("it only looks");
    assert_eq!(met, 2);
    assert_eq!(reader.iter().count(), 2);
    assert_eq!(reader.keys(b"k").count(), 1);
    let asked = reader.meta_get(b"k", MetaGet::default(), &mut Vec::new());
    assert!(asked.expect("it only looks").is_some());
    assert_eq!(reader.stats().curr_items, 2);
    assert_eq!(reader.processes().len(), 1, "the reader has no place");
    let vivify = MetaGet { vivify: Some(NEVER), ..MetaGet::default() };
    let refusals = [
        reader.set(b"k", b"w", 0, NEVER).err(),
        reader.add(b"new", b"w", 0, NEVER).err(),
        reader.append(b"k", b"w").err(),
        reader.cas(b"k", b"w", 0, NEVER, 1).err(),
        reader.incr(b"n", 1).err(),
        reader.decr_or(b"n", 1, 1, NEVER).err(),
        reader.touch(b"k", NEVER).err(),
        reader.gat(b"k", NEVER).err(),
        reader.delete(b"k").err(),
        reader.invalidate(b"k", None).err(),
        reader.flush_all(0).err(),
        reader.reset_stats().err(),
        reader.reap().err(),
        reader.meta_get(b"new", vivify, &mut Vec::new()).err(),
    ];
    for (which, refusal) in refusals.iter().enumerate() {
        assert!(matches!(refusal, Some(Error::ReadOnly)), "refusal {which}: {refusal:?}");
    }
    assert!(fs::read(&path).expect("it is there") == before, "the reader has left a trace");
    // It sees what others do.
    set(&cache, "k", "w");
    assert_eq!(get(&reader, "k").as_deref(), Some("w"));
    // A pin, if it is given, holds what it shows; else the answer says why.
    match reader.pin(b"k") {
        Ok(Some(pin)) => assert_eq!(&*pin, b"w"),
        Ok(None) => panic!("the key is there"),
        Err(error) => assert!(matches!(error, Error::ReadOnly), "{error:?}"),
    }
}

#[test]
fn more_memory_than_the_machine_has_is_refused_and_not_tried() {
    // Trying would have the system end some process, not always this one.
    let size = Options::SIZE_MAX;
    let Err(error) = Options::new(size).home(Home::Inherited).open() else {
        panic!("there is not so much");
    };
    says(&error, &["4398046511104 bytes", "bytes of memory left", "smaller cache"]);
}

#[test]
fn a_reader_whose_file_cannot_be_written() {
    let scratch = Scratch::new();
    let path = scratch.join("read");
    set(&open(&path), "k", "v");
    let file = fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&path);
    let file = file.expect("it is there");
    let home = Home::Descriptor(file.as_raw_fd());
    let options = Options::new(SIZE).home(home);
    let reader = options.clone().access(Access::ReadOnly).open().expect("it attaches");
    assert_eq!(get(&reader, "k").as_deref(), Some("v"));
    options.access(Access::Existing).open().expect_err("the descriptor cannot write");
}

#[test]
fn a_descriptor_is_a_home() {
    let inherited = Options::new(SIZE).home(Home::Inherited).open().expect("the cache opens");
    set(&inherited, "k", "v");
    let fd = inherited.descriptor().expect("it has one").as_raw_fd();
    let other = Options::attach(Home::Descriptor(fd)).open().expect("it attaches");
    assert_eq!(get(&other, "k").as_deref(), Some("v"));
    drop(inherited);
    set(&other, "k", "w");
    assert_eq!(get(&other, "k").as_deref(), Some("w"));
    // SAFETY: the pipe's ends are nobody else's.
    let pipe = unsafe {
        let mut ends = [0; 2];
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        ends.map(|end| fs::File::from_raw_fd(end))
    };
    let error = Options::attach(Home::Descriptor(pipe[0].as_raw_fd())).open().expect_err("a pipe");
    assert!(matches!(error, Error::ForeignRegion(_)), "{error:?}");
    let error = Options::attach(Home::Descriptor(-1)).open().expect_err("no descriptor");
    assert!(matches!(error, Error::System(..)), "{error:?}");
    let private = Options::new(SIZE).open().expect("the cache opens");
    assert!(private.descriptor().is_none());
}

/// Changes the file of a cache that nobody has attached.
fn changed(scratch: &Scratch, name: &str, change: impl FnOnce(&fs::File)) -> std::path::PathBuf {
    let path = scratch.join(name);
    set(&open(&path), "k", "v");
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).expect("it is there");
    change(&file);
    path
}

#[test]
fn a_damaged_file_is_told_and_taken_aside() {
    let scratch = Scratch::new();
    let flip = |at: u64| {
        move |file: &fs::File| {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).expect("it is that long");
            file.write_all_at(&[byte[0] ^ 1], at).expect("it can be written");
        }
    };
    let damaged = [
        changed(&scratch, "short", |file| file.set_len(SIZE / 2).expect("it is cut")),
        changed(&scratch, "stub", |file| file.set_len(100).expect("it is cut")),
        changed(&scratch, "long", |file| file.set_len(SIZE * 2).expect("it is stretched")),
        changed(&scratch, "seed", flip(24)),
        changed(&scratch, "size", flip(34)),
    ];
    for path in damaged {
        for access in [Access::Existing, Access::ReadOnly] {
            let error = at(&path).access(access).open().expect_err("it is damaged");
            assert!(matches!(error, Error::Corrupt(_)), "{}: {error:?}", path.display());
            says(&error, &[&path.display().to_string()]);
        }
        let before = fs::read(&path).expect("it is there");
        let fresh = open(&path);
        assert_eq!(get(&fresh, "k"), None);
        set(&fresh, "k", "new");
        let aside = format!("{}.damaged", path.display());
        assert!(fs::read(aside).expect("it was kept") == before, "it was changed");
        assert_eq!(get(&open(&path), "k").as_deref(), Some("new"));
    }
}

/// With a checksum that is right: what the first page says is bounded, too.
#[test]
fn a_first_page_that_says_what_cannot_be() {
    let scratch = Scratch::new();
    for word in 4..16_u64 {
        for value in [0, 1 << 32, 1 << 63, u64::MAX] {
            let path = changed(&scratch, &format!("{word} {value}"), |file| {
                let mut words = [0_u64; 20];
                let mut read = [0; 160];
                file.read_exact_at(&mut read, 0).expect("it is that long");
                for (word, bytes) in words.iter_mut().zip(read.as_chunks::<8>().0) {
                    *word = u64::from_le_bytes(*bytes);
                }
                let sum = |words: &[u64]| {
                    words.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, word| {
                        (hash ^ word).wrapping_mul(0x0100_0000_01b3)
                    })
                };
                assert_eq!(sum(&words[..19]), words[19], "the checksum is elsewhere");
                words[word as usize] = value;
                words[19] = sum(&words[..19]);
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                file.write_all_at(&bytes, 0).expect("it can be written");
            });
            match at(&path).access(Access::Existing).open() {
                Err(error) => assert!(matches!(error, Error::Corrupt(_)), "{error:?}"),
                // What is no place or number of anything can be anything.
                Ok(cache) => {
                    assert!(word >= 11, "word {word} was {value}, and is believed");
                    let _ = cache.set(b"k", b"w", 0, NEVER);
                }
            }
        }
    }
}

/// What was written once is changed while the cache is attached: nobody trusts it any more, and nobody is hurt.
#[test]
fn a_cache_that_is_found_damaged_is_poisoned() {
    let scratch = Scratch::new();
    let path = scratch.join("poisoned");
    let (cache, other) = (open(&path), open(&path));
    set(&cache, "k", "v");
    assert_eq!(get(&other, "k").as_deref(), Some("v"));
    let file = fs::OpenOptions::new().write(true).open(&path).expect("it is there");
    file.write_all_at(&[0xee; 8], 6 * 8).expect("it can be written");
    assert_eq!(get(&cache, "k").as_deref(), Some("v"), "its own copy of the geometry is good");
    cache.reap().expect("reaping does not fail");
    for handle in [&cache, &other] {
        assert_eq!(get(handle, "k"), None);
        let stored = handle.set(b"k", b"w", 0, NEVER);
        assert!(matches!(stored, Err(Error::Corrupt(_))), "{stored:?}");
        assert_eq!(handle.iter().count(), 0);
    }
    let fresh = open(&path);
    set(&fresh, "k", "new");
    assert_eq!(get(&other, "k"), None);
    assert!(scratch.join("poisoned.damaged").exists());
}

#[test]
fn a_cache_of_another_layout_is_left_as_it_is() {
    let scratch = Scratch::new();
    for (name, word, value) in [("older", 1, 1_u64), ("newer", 1, 99), ("built otherwise", 2, 7)] {
        let path = changed(&scratch, name, |file| {
            file.write_all_at(&value.to_le_bytes(), word * 8).expect("it can be written");
        });
        let before = fs::read(&path).expect("it is there");
        for access in [Access::Existing, Access::ReadOnly] {
            let error = at(&path).access(access).open().expect_err("it is of another layout");
            assert!(matches!(error, Error::LayoutMismatch(_)), "{name}: {error:?}");
        }
        let ours = open(&path);
        assert_eq!(get(&ours, "k"), None);
        set(&ours, "k", "beside");
        let theirs = ours.info().path.expect("it has a path");
        assert_ne!(theirs, path);
        assert_eq!(get(&open(&path), "k").as_deref(), Some("beside"), "the next finds it, too");
        let existing = at(&path).access(Access::Existing).open().expect("one of ours is there");
        assert_eq!(get(&existing, "k").as_deref(), Some("beside"));
        assert!(fs::read(&path).expect("it is there") == before, "{name} was changed");
    }
}

#[test]
fn only_plain_names_are_names() {
    for name in ["", ".", "..", ".hidden", "a b", "a\0b", "ü", &"n".repeat(101)] {
        let error = Home::of(name).expect_err("it is no name");
        assert!(matches!(error, Error::InvalidOptions(_)), "{error:?}");
        let home = Home::Named(name.into());
        Options::new(SIZE).home(home).open().expect_err("it is no name here either");
    }
    for name in ["../up", "a/b"] {
        assert!(matches!(Home::of(name), Ok(Home::At(_))));
        let error = Options::new(SIZE).home(Home::Named(name.into())).open();
        assert!(matches!(error, Err(Error::InvalidOptions(_))), "{error:?}");
    }
    assert_eq!(Home::of("a.b-C_9").expect("it is one"), Home::Named("a.b-C_9".into()));
}

#[test]
fn a_home_that_cannot_be_unlinked_says_so() {
    for home in [Home::Private, Home::Inherited, Home::Descriptor(0)] {
        let error = nearcache::unlink(&home).expect_err("it has no name");
        assert!(matches!(error, Error::InvalidOptions(_)), "{error:?}");
    }
}

#[test]
fn many_threads_with_handles_of_their_own() {
    let scratch = Scratch::new();
    let path = scratch.join("threads");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let cache = open(path);
                for k in 0..500 {
                    set(&cache, &format!("{thread} {k}"), "v");
                    assert!(cache.touch(b"common", NEVER).is_ok_and(|t| t == Touch::Missing));
                }
            });
        }
    });
    let cache = open(&path);
    assert_eq!(cache.processes().len(), 0, "{:?}", cache.processes());
    assert_eq!(cache.stats().cmd_set, 8 * 500);
    cache.check().expect("the cache is whole");
}
