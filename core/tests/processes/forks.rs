//! Handles over forks: in children and grandchildren, beside running threads, after the parent died, in a host that
//! closes every descriptor.

use crate::support::board::Board;
use crate::support::children::{Child, fork};
use crate::{NEVER, SIZE, Test, Tried, attach, get, open, set};
use nearcache::{Cache, Home, Life, Options};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

pub const TESTS: &[Test] = &[
    ("a_child_and_its_parent_share", child_and_parent),
    ("a_grandchild_shares", grandchild),
    ("a_master_that_only_forks_takes_no_place", master),
    ("forks_beside_running_threads", beside_threads),
    ("a_child_goes_on_when_its_parent_is_killed", orphan),
    ("a_host_that_closes_every_descriptor", daemonized),
    ("a_handle_whose_descriptors_were_given_to_another", recycled),
    ("a_fork_in_a_callback", in_a_callback),
    ("a_pin_is_its_own_process_alone", pins),
    ("a_private_cache_is_a_copy_in_a_child", private),
    ("more_processes_than_places", crowded),
    ("a_handle_that_a_child_drops_is_its_parents_still", dropped),
];

fn inherited() -> Cache {
    Options::new(SIZE).home(Home::Inherited).open().expect("the cache opens")
}

fn child_and_parent() -> Tried {
    let cache = inherited();
    set(&cache, "parent", "before");
    fork(|| {
        assert_eq!(get(&cache, "parent").as_deref(), Some("before"));
        set(&cache, "child", "was here");
        assert_eq!(cache.incr_or(b"n", 1, 5, NEVER).expect("it is a number"), 5);
    })
    .succeeds("the child");
    assert_eq!(get(&cache, "child").as_deref(), Some("was here"));
    assert_eq!(cache.incr(b"n", 1).expect("it is a number"), Some(6));
    // What it held is given back, though it ended without a destructor.
    cache.reap().expect("reaping does not fail");
    assert_eq!(cache.processes().len(), 1, "{:?}", cache.processes());
    cache.check().expect("the cache is whole");
    assert_eq!(cache.stats().cmd_set, 2);
    assert_eq!(cache.stats().incr_hits, 1);
    Ok(())
}

fn grandchild() -> Tried {
    let cache = inherited();
    set(&cache, "depth", "0");
    fork(|| {
        set(&cache, "depth", "1");
        fork(|| {
            assert_eq!(get(&cache, "depth").as_deref(), Some("1"));
            set(&cache, "depth", "2");
            let processes = cache.processes();
            assert_eq!(processes.len(), 3, "{processes:?}");
            assert!(processes.iter().all(|process| process.life == Life::Alive), "{processes:?}");
        })
        .succeeds("the grandchild");
        assert_eq!(get(&cache, "depth").as_deref(), Some("2"));
    })
    .succeeds("the child");
    assert_eq!(get(&cache, "depth").as_deref(), Some("2"));
    cache.check().expect("the cache is whole");
    Ok(())
}

fn master() -> Tried {
    let cache = open("master");
    let mut children: Vec<Child> = (0..4)
        .map(|child| {
            fork(|| {
                set(&cache, &format!("child {child}"), "v");
                let me = std::process::id();
                assert!(cache.processes().iter().any(|process| process.pid == me));
            })
        })
        .collect();
    children.iter_mut().for_each(|child| child.succeeds("a child"));
    let me = std::process::id();
    assert!(cache.processes().iter().all(|process| process.pid != me), "{:?}", cache.processes());
    assert_eq!(get(&cache, "child 3").as_deref(), Some("v"));
    assert!(cache.processes().iter().any(|process| process.pid == me), "it has one now");
    Ok(())
}

fn beside_threads() -> Tried {
    let cache = inherited();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (cache, over) = (&cache, &over);
            scope.spawn(move || {
                for k in (0_u32..).take_while(|_| !over.load(SeqCst)) {
                    let key = format!("thread {thread} {}", k % 50);
                    set(cache, &key, &"v".repeat(k as usize % 3000));
                    let _ = cache.pin(key.as_bytes()).expect("a pin does not fail");
                    cache.delete(key.as_bytes()).expect("a deletion does not fail");
                }
            });
        }
        // Each child is forked in the middle of what the threads are doing, and has none of them.
        for round in 0..200 {
            let mut child = fork(|| {
                for k in 0..50 {
                    set(&cache, &format!("child {k}"), &"c".repeat(k * 60));
                    assert!(get(&cache, &format!("child {k}")).is_none_or(|v| v.len() == k * 60));
                }
            });
            child.succeeds(&format!("child {round}"));
        }
        over.store(true, SeqCst);
    });
    cache.reap().expect("reaping does not fail");
    assert_eq!(cache.processes().len(), 1, "{:?}", cache.processes());
    cache.check().expect("the cache is whole");
    Ok(())
}

fn orphan() -> Tried {
    let board = Board::new(1, 1);
    let mut parent = fork(|| {
        let cache = open("orphan");
        set(&cache, "parent", "v");
        let mut child = fork(|| {
            set(&cache, "child", "before");
            board.word(0).store(1, SeqCst);
            while board.word(1).load(SeqCst) == 0 {
                std::thread::yield_now();
            }
            assert_eq!(get(&cache, "parent").as_deref(), Some("v"));
            set(&cache, "child", "after");
            cache.reap().expect("reaping does not fail");
            let processes = cache.processes();
            assert_eq!(processes.len(), 1, "the parent's place came back: {processes:?}");
            cache.check().expect("the cache is whole");
            board.word(2).store(1, SeqCst);
        });
        child.succeeds("the child, while its parent waits");
    });
    let wait = |word: usize| {
        while board.word(word).load(SeqCst) == 0 {
            std::thread::yield_now();
        }
    };
    wait(0);
    parent.kill();
    board.word(1).store(1, SeqCst);
    wait(2);
    assert_eq!(get(&attach("orphan"), "child").as_deref(), Some("after"));
    Ok(())
}

fn daemonized() -> Tried {
    let cache = open("daemon");
    set(&cache, "k", "before");
    let files = std::path::PathBuf::from(std::env::var("NEARCACHE_DIR").expect("the tests set it"));
    // SAFETY: nothing else of this process is open that it needs; 0 to 2 stay.
    unsafe { assert_eq!(libc::syscall(libc::SYS_close_range, 3, 1023, 0), 0) };
    assert_eq!(get(&cache, "k").as_deref(), Some("before"));
    assert!(cache.descriptor().is_none(), "it is closed");
    // Their numbers are others' now.
    let others: Vec<std::fs::File> = (0..40)
        .map(|k| std::fs::File::create(files.join(format!(".{k}"))).expect("made"))
        .collect();
    assert!(cache.descriptor().is_none(), "it is another file's");
    set(&cache, "k", "after");
    fork(|| {
        assert_eq!(get(&cache, "k").as_deref(), Some("after"));
        set(&cache, "k", "in a child");
        assert!(others.iter().all(|file| file.metadata().is_ok()), "the child has lost files");
    })
    .succeeds("the child");
    assert_eq!(get(&cache, "k").as_deref(), Some("in a child"));
    cache.reap().expect("reaping does not fail");
    let processes = cache.processes();
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert_eq!(processes[0].life, Life::Alive);
    // Another handle beside it, which may be given the first one's numbers.
    let second = attach("daemon");
    assert_eq!(get(&second, "k").as_deref(), Some("in a child"));
    drop(cache);
    assert!(others.iter().all(|file| file.metadata().is_ok()), "other files were closed");
    assert!(second.descriptor().is_some(), "the first handle has closed the second one's file");
    set(&second, "k", "on");
    second.check().expect("the cache is whole");
    Ok(())
}

/// As above, and the next handle on the same file is given the same numbers: nothing tells them apart but who has them.
fn recycled() -> Tried {
    let first = open("recycled");
    set(&first, "k", "first");
    // SAFETY: nothing else of this process is open that it needs; 0 to 2 stay.
    unsafe { assert_eq!(libc::syscall(libc::SYS_close_range, 3, 1023, 0), 0) };
    let second = attach("recycled");
    set(&second, "k", "second");
    assert_eq!(get(&first, "k").as_deref(), Some("second"));
    drop(first);
    assert!(second.descriptor().is_some(), "the first handle has closed the second one's file");
    set(&second, "k", "on");
    // Its lock is there still: it is alive for those who cannot go by its number, as for those who can.
    let file =
        std::fs::File::open(format!("{}/recycled", std::env::var("NEARCACHE_DIR").expect("set")));
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let inode =
        std::os::unix::fs::MetadataExt::ino(&file.expect("it is there").metadata().expect("it is"));
    let held = locks.lines().filter(|line| line.contains(&format!(":{inode} "))).count();
    assert_eq!(held, 1, "one place is taken, and locked: {locks}");
    Ok(())
}

/// A callback that forks: parent and child both come back from it, into the same call.
fn in_a_callback() -> Tried {
    let cache = inherited();
    let value = "v".repeat(3000);
    for k in 0..8 {
        set(&cache, &format!("{k}"), &value);
    }
    let keys: Vec<String> = (0..8).map(|k| k.to_string()).collect();
    for round in 0..50 {
        let (mut met, mut pid) = (0, -1);
        cache
            .get_many(&keys, |_, _, bytes| {
                assert!(bytes == value.as_bytes());
                met += 1;
                if met == 3 {
                    // SAFETY: this process has one thread.
                    pid = unsafe { libc::fork() };
                }
            })
            .expect("the keys are good");
        assert_eq!(met, 8, "round {round}");
        for k in 0..200 {
            set(&cache, &format!("{}", k % 40), &value);
        }
        if pid == 0 {
            // SAFETY: a child that has done what it was for.
            unsafe { libc::_exit(0) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid int that the call fills.
        unsafe { assert_eq!(libc::waitpid(pid, &mut status, 0), pid) };
        assert_eq!(status, 0, "the child of round {round}");
    }
    cache.reap().expect("reaping does not fail");
    assert_eq!(cache.processes().len(), 1);
    cache.check().expect("the cache is whole");
    Ok(())
}

fn pins() -> Tried {
    let cache = inherited();
    let value = vec![7; 5000];
    cache.set(b"pinned", &value, 0, NEVER).expect("there is room");
    let pin = cache.pin(b"pinned").expect("a pin does not fail").expect("it is there");
    let flood = || {
        for k in 0..3000_u32 {
            cache.set(&k.to_le_bytes(), &[1; 1000], 0, NEVER).expect("it evicts");
        }
    };
    fork(|| {
        // The copy's guard is the parent's: giving it up here must not.
        // SAFETY: the copy is read once, in a child in which the original is never dropped.
        drop(unsafe { std::ptr::read(&pin) });
        flood();
    })
    .succeeds("the child");
    flood();
    assert!(*pin == value[..], "a pinned value has changed");
    drop(pin);
    // A pin of a process that was killed holds nothing for good.
    let board = Board::new(1, 1);
    cache.set(b"pinned", &value, 0, NEVER).expect("there is room");
    let mut child = fork(|| {
        let _pin = cache.pin(b"pinned").expect("a pin does not fail").expect("it is there");
        board.word(0).store(1, SeqCst);
        loop {
            std::thread::yield_now();
        }
    });
    while board.word(0).load(SeqCst) == 0 {
        std::thread::yield_now();
    }
    child.kill();
    cache.reap().expect("reaping does not fail");
    flood();
    cache.check().expect("nothing is pinned any more");
    Ok(())
}

fn private() -> Tried {
    let cache = Options::new(SIZE).open().expect("the cache opens");
    set(&cache, "k", "parent");
    fork(|| {
        assert_eq!(get(&cache, "k").as_deref(), Some("parent"));
        set(&cache, "k", "child");
        for k in 0..2000 {
            set(&cache, &format!("{k}"), &"x".repeat(500));
        }
        cache.check().expect("the copy is whole");
    })
    .succeeds("the child");
    assert_eq!(get(&cache, "k").as_deref(), Some("parent"));
    cache.check().expect("the cache is whole");
    Ok(())
}

fn crowded() -> Tried {
    let cache = inherited();
    let places = cache.info().processes_max;
    let (threads, board) = (cache.info().threads_max, Board::new(1, 1));
    let crowd: Vec<Child> = (0..places.max(threads) + 4)
        .map(|_| {
            fork(|| {
                let word = match cache.set(b"k", b"v", 0, NEVER) {
                    Ok(_) => 1,
                    Err(nearcache::Error::TooManyThreads(why)) => {
                        assert!(why.contains("larger cache"), "{why}");
                        // A get needs no place.
                        assert!(cache.get(b"k").expect("a get does not fail").is_some());
                        2
                    }
                    Err(error) => panic!("{error}"),
                };
                board.word(word).fetch_add(1, SeqCst);
                while board.word(0).load(SeqCst) == 0 {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            })
        })
        .collect();
    let told = || board.word(1).load(SeqCst) + board.word(2).load(SeqCst);
    while told() < crowd.len() as u64 {
        std::thread::yield_now();
    }
    assert!(board.word(2).load(SeqCst) >= 4, "more had a place than there are");
    board.word(0).store(1, SeqCst);
    crowd.into_iter().for_each(|mut child| child.succeeds("one of the crowd"));
    // Their places come back by themselves.
    set(&cache, "k", "after");
    fork(|| set(&cache, "k", "a child after")).succeeds("a child after the crowd");
    assert_eq!(get(&cache, "k").as_deref(), Some("a child after"));
    cache.check().expect("the cache is whole");
    Ok(())
}

fn dropped() -> Tried {
    let cache = open("dropped");
    set(&cache, "k", "v");
    let handle = std::cell::RefCell::new(Some(cache));
    fork(|| drop(handle.take())).succeeds("the child");
    let cache = handle.take().expect("the parent has it still");
    assert!(cache.descriptor().is_some());
    assert_eq!(cache.processes().len(), 1);
    set(&cache, "k", "w");
    drop(cache);
    assert_eq!(get(&attach("dropped"), "k").as_deref(), Some("w"));
    Ok(())
}
