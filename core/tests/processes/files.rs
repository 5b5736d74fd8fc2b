//! Creating and attaching where it is contested or refused: races, full and read-only file systems, limits, other users,
//! another boot of the machine.

use crate::support::board::Board;
use crate::support::children::{Child, fork};
use crate::{NEVER, SIZE, Test, Tried, attach, get, named, open, set};
use nearcache::{Access, Error, Home, Options};
use std::ffi::CString;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

pub const TESTS: &[Test] = &[
    ("eight_create_one_name_and_one_wins", eight_create),
    ("eight_open_one_name_and_share_it", eight_open),
    ("killed_while_creating", killed_creating),
    ("a_full_file_system_is_an_error_and_no_signal", full_file_system),
    ("a_limit_without_room_is_an_error_and_no_signal", full_for_a_limit),
    ("a_file_system_that_cannot_be_written", read_only_file_system),
    ("a_limit_of_file_sizes_is_an_error_and_no_signal", limited_file_size),
    ("the_files_and_directories_of_another_user", another_user),
    ("another_boot_of_the_machine", another_boot),
    ("caches_of_this_user_are_listed", listed),
];

const RACERS: usize = 8;

/// Lets processes open one name at once, in rounds; what each got is for `judge`.
fn race(rounds: usize, open: impl Fn(usize) -> u64, judge: impl Fn(Vec<u64>)) {
    let board = Board::new(1, 1);
    for round in 0..rounds {
        board.wipe();
        let mut racers: Vec<Child> = (0..RACERS)
            .map(|racer| {
                fork(|| {
                    board.word(0).fetch_add(1, SeqCst);
                    while board.word(0).load(SeqCst) < RACERS as u64 {
                        std::hint::spin_loop();
                    }
                    board.word(1 + racer).store(open(racer), SeqCst);
                })
            })
            .collect();
        racers.iter_mut().for_each(|racer| racer.succeeds(&format!("a racer of round {round}")));
        judge((0..RACERS).map(|racer| board.word(1 + racer).load(SeqCst)).collect());
        assert!(nearcache::unlink(&Home::Named("raced".into())).expect("it can be removed"));
    }
}

fn eight_create() -> Tried {
    let create = |racer: usize| match named("raced").access(Access::Create).open() {
        Ok(cache) => {
            set(&cache, "winner", &racer.to_string());
            1
        }
        Err(Error::RegionExists(_)) => {
            set(&attach("raced"), &format!("loser {racer}"), "was here");
            2
        }
        Err(error) => panic!("racer {racer}: {error}"),
    };
    race(40, create, |got| {
        let winners: Vec<usize> = (0..RACERS).filter(|&racer| got[racer] == 1).collect();
        assert_eq!(winners.len(), 1, "{got:?}");
        let cache = attach("raced");
        assert_eq!(get(&cache, "winner"), Some(winners[0].to_string()));
        assert_eq!(cache.keys(b"loser").count(), RACERS - 1);
        cache.check().expect("the cache is whole");
    });
    Ok(())
}

fn eight_open() -> Tried {
    let open = |racer: usize| {
        // Each with another size: the first to come has his.
        let size = SIZE + (racer as u64) * 65_536;
        let options = Options::new(size).home(Home::Named("raced".into()));
        let cache = options.open().unwrap_or_else(|error| panic!("racer {racer}: {error}"));
        set(&cache, &format!("racer {racer}"), "was here");
        cache.info().size
    };
    race(40, open, |got| {
        assert!(got.iter().all(|size| *size == got[0]), "{got:?}");
        let cache = attach("raced");
        let here = |racer: &usize| get(&cache, &format!("racer {racer}")).is_some();
        assert_eq!((0..RACERS).filter(here).count(), RACERS, "somebody wrote elsewhere");
        assert_eq!(std::fs::read_dir(dir()).expect("it is there").count(), 1, "something was left");
        cache.check().expect("the cache is whole");
    });
    Ok(())
}

/// Who is killed while he creates leaves a whole cache, or nothing.
fn killed_creating() -> Tried {
    let (mut whole, mut nothing) = (0, 0);
    for round in 0..200_u64 {
        let board = Board::new(1, 1);
        let mut child = fork(|| {
            board.word(0).store(1, SeqCst);
            set(
                &Options::new(8 << 20).home(Home::Named("cut".into())).open().expect("opens"),
                "k",
                "v",
            );
            board.word(0).store(2, SeqCst);
            loop {
                std::thread::yield_now();
            }
        });
        while board.word(0).load(SeqCst) == 0 {
            std::hint::spin_loop();
        }
        // Creating takes some milliseconds: nearly all of it is passed over.
        let begun = std::time::Instant::now();
        while begun.elapsed().as_micros() < u128::from(round * 37 % 6000) {
            std::hint::spin_loop();
        }
        child.kill();
        match Options::attach(Home::Named("cut".into())).open() {
            Ok(cache) => {
                cache.reap().expect("reaping does not fail");
                cache.check().expect("the cache is whole");
                whole += 1;
            }
            Err(Error::NoRegion(_)) => nothing += 1,
            Err(error) => panic!("round {round}: {error}"),
        }
        set(&open("cut"), "k", "after");
        assert_eq!(std::fs::read_dir(dir()).expect("it is there").count(), 1, "something was left");
        nearcache::unlink(&Home::Named("cut".into())).expect("it can be removed");
    }
    assert!(nothing > 0, "{whole} were whole, and none was cut off");
    Ok(())
}

fn dir() -> String {
    std::env::var("NEARCACHE_DIR").expect("the tests set it")
}

/// Takes the process into a mount namespace of its own, with a memory file system of this size over its directory.
fn mounted(size: u64) -> Tried {
    let (none, kind) = (c"none", c"tmpfs");
    let target = CString::new(dir()).expect("a path");
    let options = CString::new(format!("size={size},mode=700")).expect("no NUL");
    // SAFETY: asks for a number.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let user = if uid == 0 { 0 } else { libc::CLONE_NEWUSER };
    let refused = || Err(format!("no mount namespace here: {}", io::Error::last_os_error()));
    // SAFETY: this process has one thread; every string ends with a NUL, and what is mounted is seen by nobody else.
    unsafe {
        if libc::unshare(libc::CLONE_NEWNS | user) != 0 {
            return refused();
        }
        if user != 0 {
            let map = |file: &str, text: String| std::fs::write(format!("/proc/self/{file}"), text);
            let mapped = map("uid_map", format!("{uid} {uid} 1"))
                .and_then(|()| map("setgroups", "deny".into()))
                .and_then(|()| map("gid_map", format!("{gid} {gid} 1")));
            mapped.map_err(|error| format!("no user namespace here: {error}"))?;
        }
        let private = libc::MS_REC | libc::MS_PRIVATE;
        if libc::mount(none.as_ptr(), c"/".as_ptr(), none.as_ptr(), private, std::ptr::null()) != 0
            || libc::mount(
                none.as_ptr(),
                target.as_ptr(),
                kind.as_ptr(),
                0,
                options.as_ptr().cast(),
            ) != 0
        {
            return refused();
        }
    }
    Ok(())
}

fn full_file_system() -> Tried {
    mounted(3 << 20)?;
    let error = Options::new(64 << 20).home(Home::Named("big".into())).open();
    let error = error.expect_err("there are 3 MiB");
    assert!(matches!(error, Error::System(..)), "{error:?}");
    let sentence = error.to_string();
    for word in ["67108864", &dir(), "smaller cache", "--shm-size"] {
        assert!(sentence.contains(word), "{sentence:?} does not say {word:?}");
    }
    let first = open("first");
    let second = Options::new(3 << 20).home(Home::Named("second".into())).open();
    let error = second.expect_err("there are 2 MiB left");
    assert!(matches!(error, Error::System(..)), "{error:?}");
    assert_eq!(std::fs::read_dir(dir()).expect("it is there").count(), 1, "something was left");
    // All of it was reserved: using it raises no signal although others have taken the rest.
    std::fs::write(Path::new(&dir()).join("rest"), vec![1; 3 << 20]).expect_err("the disk is full");
    for k in 0..20_000 {
        first.set(format!("key {k}").as_bytes(), &[1; 300], 0, NEVER).expect("it evicts");
    }
    first.check().expect("the cache is whole");
    Ok(())
}

fn full_for_a_limit() -> Tried {
    mounted(5 << 20)?;
    let mut options = Options::new(3 << 20).home(Home::Named("moved".into()));
    options.memory_max = Some(16 << 20);
    let cache = options.open().expect("only what is used is reserved");
    let fill = |round: u32| {
        for k in 0..20_000 {
            cache.set(format!("{round} {k}").as_bytes(), &[1; 300], 0, NEVER).expect("it evicts");
        }
        cache.check().expect("the cache is whole");
    };
    fill(0);
    let error = cache.set_memory_limit(16 << 20).expect_err("there are 5 MiB");
    assert!(matches!(error, Error::System(..)), "{error:?}");
    assert!(error.to_string().contains("16777216"), "{error}");
    assert_eq!(cache.stats().limit_maxbytes, 3 << 20, "it stays as it was");
    fill(1);
    assert_eq!(cache.set_memory_limit(4 << 20).expect("there is room for it"), 4 << 20);
    let rest = Path::new(&dir()).join("rest");
    std::fs::write(&rest, vec![1; 3 << 20]).expect_err("the disk is full");
    fill(2);
    // What a lowered limit gives back, others can have.
    std::fs::remove_file(&rest).expect("it is there");
    cache.set_memory_limit(3 << 20).expect("it is lowered");
    std::fs::write(&rest, vec![1; 7 << 18]).expect("there is room for it");
    fill(3);
    Ok(())
}

fn read_only_file_system() -> Tried {
    mounted(4 << 20)?;
    set(&open("there"), "k", "v");
    let target = CString::new(dir()).expect("a path");
    let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
    // SAFETY: the strings end with a NUL.
    let done = unsafe {
        libc::mount(c"none".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), flags, std::ptr::null())
    };
    if done != 0 {
        return Err(format!("cannot remount: {}", io::Error::last_os_error()));
    }
    let error = named("new").open().expect_err("nothing can be created");
    assert!(matches!(error, Error::System(..)), "{error:?}");
    assert!(error.to_string().contains(&dir()), "{error}");
    let error = named("there").open().expect_err("it cannot be written");
    assert!(matches!(error, Error::ForeignRegion(_)), "{error:?}");
    assert!(error.to_string().contains("read-only access"), "{error}");
    let reader = named("there").access(Access::ReadOnly).open().expect("it can be read");
    assert_eq!(get(&reader, "k").as_deref(), Some("v"));
    nearcache::unlink(&Home::Named("there".into())).expect_err("it cannot be removed");
    Ok(())
}

fn limited_file_size() -> Tried {
    let limit = libc::rlimit { rlim_cur: 500_000, rlim_max: 500_000 };
    // SAFETY: the call reads the struct.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
    for home in [Home::Named("limited".into()), Home::Inherited] {
        let error = Options::new(SIZE).home(home).open().expect_err("files may have 500000 bytes");
        assert!(matches!(error, Error::System(..)), "{error:?}");
        for word in ["1048576", "500000", "RLIMIT_FSIZE"] {
            assert!(error.to_string().contains(word), "{error}");
        }
    }
    Options::new(SIZE).open().expect("memory of one's own is no file");
    assert_eq!(std::fs::read_dir(dir()).expect("it is there").count(), 0, "something was left");
    Ok(())
}

fn another_user() -> Tried {
    // SAFETY: asks for a number.
    if unsafe { libc::geteuid() } != 0 {
        return Err("only root can be two users".into());
    }
    let shared = Path::new(&dir()).join("common");
    std::fs::create_dir(&shared).expect("a directory");
    for path in [Path::new(&dir()), &shared] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).expect("it is ours");
    }
    let path = shared.join("cache");
    let at = |access| Options::new(SIZE).home(Home::At(path.clone())).access(access);
    let as_user = |uid: u32, work: &dyn Fn()| {
        fork(|| {
            // SAFETY: this process has one thread, and takes fewer rights.
            assert_eq!(unsafe { libc::seteuid(uid) }, 0);
            work();
        })
        .succeeds(&format!("user {uid}"));
    };
    as_user(1001, &|| {
        let mut options = at(Access::OpenOrCreate);
        options.permissions = 0o666;
        set(&options.open().expect("the cache opens"), "k", "v");
    });
    as_user(1002, &|| {
        for access in [Access::OpenOrCreate, Access::Existing] {
            let error = at(access).open().expect_err("it is of another user");
            assert!(matches!(error, Error::ForeignRegion(_)), "{error:?}");
            assert!(error.to_string().contains("user 1001"), "{error}");
        }
        let reader = at(Access::ReadOnly).open().expect("it may be read");
        assert_eq!(get(&reader, "k").as_deref(), Some("v"));
        // The directory for names is not this user's either.
        let error = named("mine").open().expect_err("others could put files there");
        assert!(matches!(error, Error::ForeignRegion(_)), "{error:?}");
        assert!(error.to_string().contains("NEARCACHE_DIR"), "{error}");
    });
    as_user(1001, &|| {
        let cache = at(Access::Existing).open().expect("it is one's own");
        assert_eq!(get(&cache, "k").as_deref(), Some("v"));
    });
    Ok(())
}

fn another_boot() -> Tried {
    set(&open("cold"), "k", "v");
    let old = attach("cold");
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("NEARCACHE_BOOT_ID", "01234567-89ab-cdef-0123-456789abcdef") };
    for access in [Access::Existing, Access::ReadOnly] {
        let error = named("cold").access(access).open().expect_err("it is of another boot");
        assert!(matches!(error, Error::NoRegion(_)), "{error:?}");
        assert!(error.to_string().contains("restarted"), "{error}");
    }
    let fresh = open("cold");
    assert_eq!(get(&fresh, "k"), None);
    set(&fresh, "k", "w");
    assert_eq!(get(&attach("cold"), "k").as_deref(), Some("w"));
    // Whoever had the old one, has it still.
    assert_eq!(get(&old, "k").as_deref(), Some("v"));
    Ok(())
}

fn listed() -> Tried {
    assert_eq!(nearcache::regions().expect("the directory is there"), []);
    drop((open("b"), open("a")));
    let path = Path::new(&dir()).join("text");
    std::fs::write(&path, b"no cache").expect("it is written");
    let regions = nearcache::regions().expect("the directory is there");
    let names: Vec<&str> = regions.iter().map(|region| region.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "text"]);
    assert_eq!(regions[0].len, SIZE);
    assert!(regions[0].trouble.is_none() && regions[1].trouble.is_none());
    let trouble = regions[2].trouble.as_deref().expect("it is no cache");
    assert!(trouble.contains("text"), "{trouble}");
    // SAFETY: this process has one thread.
    unsafe { std::env::set_var("NEARCACHE_DIR", path.with_file_name("nothing")) };
    assert_eq!(nearcache::regions().expect("that is no failure"), []);
    Ok(())
}
