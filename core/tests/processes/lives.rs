//! Processes that end, are killed or stopped, also in another pid namespace: what they held, what they counted, what
//! they stored.

use crate::support::board::Board;
use crate::support::children::{Child, Fate, fork};
use crate::{NEVER, Test, Tried, attach, get, named, open, set};
use nearcache::{Cache, Home, Life, Options};
use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

pub const TESTS: &[Test] = &[
    ("two_processes_on_one_name", two_processes),
    ("a_cache_is_warm_after_everybody_was_killed", warm),
    ("killed_while_it_moves_the_memory_limit", killed_moving),
    ("unlinked_while_attached", unlinked),
    ("statistics_are_summed_and_survive", statistics),
    ("a_zombie_is_dead", zombie),
    ("a_stopped_process_is_alive_and_holds_nobody_up", stopped),
    ("the_number_of_a_dead_process_is_another_ones", reused_number),
    ("two_pid_namespaces_over_one_file", namespaces),
    ("an_idle_child_does_not_keep_its_parent_alive", idle_child),
    ("a_process_that_became_another_program_is_dead", exec),
    ("threads_that_begin_at_once_keep_their_process_locked", at_once),
];

/// Waits until a child has come so far.
fn wait(board: &Board, word: usize) {
    while board.word(word).load(SeqCst) == 0 {
        std::thread::yield_now();
    }
}

/// Does nothing until it is killed.
fn linger() -> ! {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

fn two_processes() -> Tried {
    fork(|| {
        let cache = open("two");
        set(&cache, "k", "first");
    })
    .succeeds("the first process");
    fork(|| {
        let cache = attach("two");
        assert_eq!(get(&cache, "k").as_deref(), Some("first"));
        set(&cache, "k", "second");
    })
    .succeeds("the second process");
    assert_eq!(get(&attach("two"), "k").as_deref(), Some("second"));
    Ok(())
}

fn warm() -> Tried {
    let board = Board::new(1, 1);
    let mut crowd: Vec<Child> = (0..4)
        .map(|child| {
            fork(|| {
                // So large that nothing is evicted.
                let cache = Options::new(16 << 20).home(Home::Named("warm".into())).open();
                let cache = cache.expect("the cache opens");
                for k in 0..200 {
                    set(&cache, &format!("{child} {k}"), &format!("value {k}"));
                }
                board.word(0).fetch_add(1, SeqCst);
                for k in 0_u64.. {
                    let key = format!("{child} more {}", k % 100);
                    set(&cache, &key, &"m".repeat(k as usize % 300));
                    cache.delete(key.as_bytes()).expect("a deletion does not fail");
                }
            })
        })
        .collect();
    while board.word(0).load(SeqCst) < 4 {
        std::thread::yield_now();
    }
    crowd.iter_mut().for_each(Child::kill);
    let cache = attach("warm");
    assert_eq!(cache.stats().evictions, 0);
    for child in 0..4 {
        for k in 0..200 {
            assert_eq!(get(&cache, &format!("{child} {k}")), Some(format!("value {k}")));
        }
    }
    cache.reap().expect("reaping does not fail");
    assert_eq!(cache.processes().len(), 1, "{:?}", cache.processes());
    cache.check().expect("the cache is whole");
    Ok(())
}

fn unlinked() -> Tried {
    let board = Board::new(1, 1);
    let cache = open("gone");
    let mut other = fork(|| {
        let cache = attach("gone");
        set(&cache, "k", "other");
        board.word(0).store(1, SeqCst);
        wait(&board, 1);
        assert_eq!(get(&cache, "k").as_deref(), Some("mine"));
        set(&cache, "k", "other again");
        // Opened anew, the name is another cache.
        assert_eq!(get(&open("gone"), "k"), None);
    });
    wait(&board, 0);
    assert_eq!(get(&cache, "k").as_deref(), Some("other"));
    assert!(nearcache::unlink(&Home::Named("gone".into())).expect("it is removed"));
    set(&cache, "k", "mine");
    board.word(1).store(1, SeqCst);
    other.succeeds("the other process");
    assert_eq!(get(&cache, "k").as_deref(), Some("other again"));
    assert_eq!(get(&attach("gone"), "k"), None);
    Ok(())
}

fn statistics() -> Tried {
    let board = Board::new(1, 1);
    let work = |cache: &Cache, child: u64| {
        for k in 0..100 {
            set(cache, &format!("{child} {k}"), "v");
            assert!(get(cache, &format!("{child} {k}")).is_some());
            assert!(get(cache, &format!("{child} none")).is_none());
        }
        board.word(0).fetch_add(1, SeqCst);
    };
    let mut all: Vec<Child> = (0..4)
        .map(|child| {
            fork(|| {
                let cache = open("counted");
                work(&cache, child);
                // Some end as programs do, some drop their handle first, some are killed.
                match child {
                    0 => {}
                    1 => drop(cache),
                    _ => linger(),
                }
            })
        })
        .collect();
    while board.word(0).load(SeqCst) < 4 {
        std::thread::yield_now();
    }
    let cache = attach("counted");
    let check = |when: &str| {
        let stats = cache.stats();
        let seen = [stats.cmd_set, stats.get_hits, stats.get_misses, stats.total_items];
        assert_eq!(seen, [400; 4], "{when}");
        assert_eq!(stats.curr_items, 400, "{when}");
    };
    check("while they live");
    all[0].succeeds("the first");
    all[1].succeeds("the second");
    all[2].kill();
    all[3].kill();
    check("when they are dead");
    cache.reap().expect("reaping does not fail");
    check("when they are reaped");
    drop(cache);
    let cache = attach("counted");
    assert_eq!(cache.stats().cmd_set, 400, "attached anew");
    cache.reset_stats().expect("it is written");
    fork(|| assert_eq!(attach("counted").stats().cmd_set, 0)).succeeds("another process");
    Ok(())
}

fn zombie() -> Tried {
    let cache = open("zombie");
    let child = fork(|| set(&attach("zombie"), "k", "v"));
    child.await_end();
    let process = |pid| cache.processes().into_iter().find(|process| process.pid == pid);
    // It may have given its place back itself.
    if let Some(process) = process(child.pid()) {
        assert_eq!(process.life, Life::Dead);
    }
    let killed = fork(|| {
        let cache = attach("zombie");
        set(&cache, "k", "w");
        // SAFETY: the signal has no preconditions.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    });
    killed.await_end();
    assert_eq!(process(killed.pid()).map(|process| process.life), Some(Life::Dead));
    assert!(cache.reap().expect("reaping does not fail") >= 1);
    assert_eq!(process(killed.pid()), None);
    Ok(())
}

fn stopped() -> Tried {
    let board = Board::new(1, 1);
    let cache = open("stopped");
    let mut child = fork(|| {
        let cache = attach("stopped");
        for k in 0_u64.. {
            set(&cache, &format!("child {}", k % 1000), &"c".repeat(k as usize % 2000));
            board.word(0).store(k, SeqCst);
            if board.word(1).load(SeqCst) == 1 {
                return;
            }
        }
    });
    for round in 0..50 {
        let before = board.word(0).load(SeqCst);
        while board.word(0).load(SeqCst) == before {
            std::thread::yield_now();
        }
        child.signal(libc::SIGSTOP);
        assert_eq!(child.wait(), Fate::Stopped);
        cache.reap().expect("reaping does not fail");
        let life = cache.processes().into_iter().find(|p| p.pid == child.pid()).map(|p| p.life);
        assert_eq!(life, Some(Life::Alive), "round {round}");
        for k in 0..2000 {
            set(&cache, &format!("parent {}", k % 1500), &"p".repeat(k % 2000));
        }
        child.signal(libc::SIGCONT);
    }
    board.word(1).store(1, SeqCst);
    child.succeeds("the child that was stopped");
    cache.reap().expect("reaping does not fail");
    cache.check().expect("the cache is whole");
    Ok(())
}

/// A process is known by when it started, too: who has its number later is not it. (Numbers are not given anew that soon;
/// so the dead one's number is taken from a namespace in which each begins at 1.)
fn reused_number() -> Tried {
    let cache = open("numbers");
    set(&cache, "k", "v");
    let mut first = namespaced(|| set(&attach("numbers"), "k", "first"))?;
    first.succeeds("the first of its namespace");
    // The second has the same number 1, in another namespace.
    let mut second = namespaced(|| {
        let cache = attach("numbers");
        set(&cache, "k", "second");
        let ours = cache.processes().into_iter().filter(|p| p.life == Life::Alive).count();
        assert_eq!(ours, 2, "this one and the one outside: {:?}", cache.processes());
    })?;
    second.succeeds("the second of its namespace");
    assert_eq!(get(&cache, "k").as_deref(), Some("second"));
    Ok(())
}

/// Forks a child that forks one in a pid namespace of its own, of which it is the first process.
fn namespaced(work: impl FnOnce()) -> Result<Child, String> {
    let board = Board::new(1, 1);
    let child = fork(|| {
        // SAFETY: this process has one thread.
        let done = unsafe {
            let user = if libc::geteuid() == 0 { 0 } else { libc::CLONE_NEWUSER };
            libc::unshare(libc::CLONE_NEWPID | user)
        };
        if done != 0 {
            board
                .word(1)
                .store(io::Error::last_os_error().raw_os_error().unwrap_or(1) as u64, SeqCst);
            return;
        }
        board.word(0).store(1, SeqCst);
        // The first process of a namespace ends with its parent.
        fork(|| {
            // SAFETY: the signal has no preconditions.
            unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
            work();
        })
        .succeeds("the process in the namespace");
    });
    while board.word(0).load(SeqCst) == 0 {
        let refused = board.word(1).load(SeqCst);
        if refused != 0 {
            let error = io::Error::from_raw_os_error(refused as i32);
            return Err(format!("no pid namespace here: {error}"));
        }
        std::thread::yield_now();
    }
    Ok(child)
}

/// A cache whose quarantine is over when the test says so.
fn by_hand(name: &str) -> Cache {
    let mut options = named(name);
    options.manual_clock = true;
    options.open().expect("the cache opens")
}

fn only(cache: &Cache, pid: u32) -> Option<Life> {
    cache.processes().into_iter().find(|process| process.pid == pid).map(|process| process.life)
}

fn namespaces() -> Tried {
    let cache = by_hand("spaces");
    set(&cache, "k", "outside");
    let (board, me) = (Board::new(1, 1), std::process::id());
    let mut inside = namespaced(|| {
        let cache = attach("spaces");
        assert_eq!(std::process::id(), 1);
        assert_eq!(get(&cache, "k").as_deref(), Some("outside"));
        set(&cache, "k", "inside");
        // Nobody has that number here; its lock says that it lives.
        assert_eq!(only(&cache, me), Some(Life::Alive), "{:?}", cache.processes());
        cache.reap().expect("reaping does not fail");
        assert_eq!(only(&cache, me), Some(Life::Alive));
        board.word(0).store(1, SeqCst);
        wait(&board, 1);
        assert_eq!(get(&cache, "k").as_deref(), Some("outside again"));
        board.word(2).store(1, SeqCst);
        linger();
    })?;
    wait(&board, 0);
    assert_eq!(get(&cache, "k").as_deref(), Some("inside"));
    // Here 1 is another process.
    assert_eq!(only(&cache, 1), Some(Life::Alive));
    cache.reap().expect("reaping does not fail");
    cache.advance_clock(100).expect("the clock is moved by hand");
    cache.reap().expect("reaping does not fail");
    assert_eq!(only(&cache, 1), Some(Life::Alive));
    set(&cache, "k", "outside again");
    board.word(1).store(1, SeqCst);
    wait(&board, 2);
    inside.kill();
    // It ends a moment after its parent: its lock is what tells.
    while only(&cache, 1) == Some(Life::Alive) {
        std::thread::yield_now();
    }
    assert_eq!(only(&cache, 1), Some(Life::Suspect));
    cache.reap().expect("reaping does not fail");
    assert_eq!(only(&cache, 1), Some(Life::Suspect), "not yet");
    cache.advance_clock(9).expect("the clock is moved by hand");
    assert_eq!(only(&cache, 1), Some(Life::Suspect), "not after nine seconds");
    cache.advance_clock(2).expect("the clock is moved by hand");
    assert_eq!(only(&cache, 1), Some(Life::Dead));
    assert_eq!(cache.reap().expect("reaping does not fail"), 1);
    assert_eq!(only(&cache, 1), None);
    cache.check().expect("the cache is whole");
    Ok(())
}

fn idle_child() -> Tried {
    let cache = by_hand("idle");
    set(&cache, "k", "v");
    let board = Board::new(1, 1);
    // In a namespace: where numbers say nothing, locks do. The namespace's first process starts a second, which uses the
    // cache, forks a child that does not, and is killed.
    let mut inside = namespaced(|| {
        let mut user = fork(|| {
            let cache = attach("idle");
            set(&cache, "k", "inside");
            let _idle = fork(|| {
                board.word(0).store(1, SeqCst);
                linger();
            });
            linger();
        });
        wait(&board, 0);
        wait(&board, 1);
        user.kill();
        board.word(2).store(1, SeqCst);
        linger();
    })?;
    wait(&board, 0);
    let alive: Vec<_> = cache.processes().into_iter().filter(|p| p.pid < 10).collect();
    assert_eq!(alive.len(), 1, "{alive:?}");
    assert_eq!(alive[0].life, Life::Alive);
    board.word(1).store(1, SeqCst);
    wait(&board, 2);
    assert_eq!(only(&cache, alive[0].pid), Some(Life::Suspect), "its idle child has the lock");
    cache.advance_clock(11).expect("the clock is moved by hand");
    assert_eq!(only(&cache, alive[0].pid), Some(Life::Dead));
    inside.kill();
    cache.set(b"k", b"on", 0, NEVER).expect("there is room");
    Ok(())
}

/// `exec` keeps the number and the time of the start, and nothing else.
fn exec() -> Tried {
    let cache = open("exec");
    let board = Board::new(1, 1);
    let child = fork(|| {
        set(&attach("exec"), "k", "v");
        // One that is kept: its place is given back by nobody else.
        std::mem::forget(attach("exec").pin(b"k").expect("a pin does not fail"));
        let kept = attach("exec");
        set(&kept, "k", "w");
        board.word(0).store(1, SeqCst);
        while board.word(0).load(SeqCst) == 1 {
            std::thread::yield_now();
        }
        // SAFETY: both are strings that end with a NUL, and the list ends with a null.
        unsafe {
            libc::execlp(
                c"sleep".as_ptr(),
                c"sleep".as_ptr(),
                c"60".as_ptr(),
                std::ptr::null::<libc::c_char>(),
            )
        };
    });
    wait(&board, 0);
    let of_child = || cache.processes().into_iter().filter(|p| p.pid == child.pid());
    assert!(of_child().all(|process| process.life == Life::Alive), "{:?}", cache.processes());
    assert_eq!(of_child().count(), 1, "{:?}", cache.processes());
    board.word(0).store(2, SeqCst);
    while of_child().any(|process| process.life == Life::Alive) {
        std::thread::yield_now();
    }
    assert_eq!(cache.reap().expect("it may be written"), 1);
    assert_eq!(of_child().count(), 0);
    cache.check().expect("the cache is whole");
    Ok(())
}

/// The locks on an inode's bytes far beyond the end, as the system lists them.
fn locks(inode: u64) -> usize {
    let all = std::fs::read_to_string("/proc/locks").expect("the system lists locks");
    let is_ours = |line: &&str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let file = fields.get(5).and_then(|file| file.rsplit(':').next());
        let from = fields.get(6).and_then(|from| from.parse::<u64>().ok());
        file == Some(&inode.to_string()) && from.is_some_and(|from| from >= 1 << 60)
    };
    all.lines().filter(is_ours).count()
}

fn at_once() -> Tried {
    use std::os::unix::fs::MetadataExt;
    for round in 0..200 {
        let cache = open("at-once");
        let path = cache.info().path.expect("it has a name");
        let inode = std::fs::metadata(path).expect("the file is there").ino();
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for k in 0..8 {
                let (cache, start) = (&cache, &start);
                scope.spawn(move || {
                    start.wait();
                    set(cache, &format!("{k}"), "v");
                });
            }
        });
        assert_eq!((cache.processes().len(), locks(inode)), (1, 1), "round {round}");
    }
    Ok(())
}

fn killed_moving() -> Tried {
    let size = 4 << 20;
    let mut options = Options::new(size).home(Home::Named("moved".into()));
    options.memory_max = Some(4 * size);
    let cache = options.open().expect("the cache opens");
    let fill = || {
        for k in 0..4000 {
            set(&cache, &format!("key {k}"), &"v".repeat(k % 700));
        }
    };
    for round in 0..20 {
        fill();
        let mut mover = fork(|| {
            loop {
                for part in [2, 8, 3, 6] {
                    cache.set_memory_limit(size / 2 * part).expect("it can be moved");
                    fill();
                }
            }
        });
        // Until it is at it, and then so much longer as the round says.
        let begun = cache.info().size;
        let deadline = Instant::now() + Duration::from_secs(60);
        while cache.info().size == begun {
            assert!(Instant::now() < deadline, "the limit is not moved");
            std::thread::yield_now();
        }
        (0..round * 50).for_each(|k| set(&cache, &format!("other {k}"), "v"));
        mover.signal(libc::SIGKILL);
        mover.wait();
        cache.reap().expect("reaping does not fail");
        cache.check().expect("the cache is whole");
        for limit in [size, 4 * size, size] {
            assert_eq!(cache.set_memory_limit(limit).expect("it is moved"), limit);
            fill();
            cache.check().expect("the cache is whole");
        }
        let kept = (0..4000).filter(|k| get(&cache, &format!("key {k}")).is_some()).count();
        assert!(kept > 500, "{kept} items are there");
    }
    Ok(())
}
