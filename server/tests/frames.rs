//! Our own clients and the durable roles: the language of frames, as `nearcache_store::Durable` speaks it and as nobody
//! should.

mod common;

use common::{Daemon, PATIENCE, Place as Directory};
use nearcache::{Expiry, Verb};
use nearcache_store::queue::{Lease, Push};
use nearcache_store::wire::{self, HEAD, HELLO, Reply, Request};
use nearcache_store::{Durable, Error, Place};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

const NEVER: Expiry = Expiry::Never;
const NOW: Duration = Duration::ZERO;

/// A daemon with a store and queues in one directory, each with a socket.
fn start(place: Directory, more: &[&str]) -> Daemon {
    let path = |name: &str| place.0.join(name).to_str().unwrap().to_string();
    let (dir, store, queue) = (path("data"), path("store"), path("queue"));
    let roles =
        ["--store", &dir, "--queue", &dir, "--store-socket", &store, "--queue-socket", &queue];
    let cache = path("socket");
    let all: Vec<&str> = ["-s", &cache].iter().chain(&roles).chain(more).copied().collect();
    Daemon::launch(place, &all)
}

fn open(daemon: &Daemon, socket: &str) -> Durable {
    Durable::open(&place(daemon, socket), None).unwrap()
}

fn place(daemon: &Daemon, socket: &str) -> Place {
    Place::Unix(daemon.place.0.join(socket), None)
}

/// A connection that says what it likes.
struct Raw(UnixStream);

impl Raw {
    fn greeted(daemon: &Daemon) -> Raw {
        let mut raw = Raw::silent(daemon);
        raw.0.write_all(&HELLO).unwrap();
        raw
    }

    fn silent(daemon: &Daemon) -> Raw {
        let stream = UnixStream::connect(daemon.place.0.join("store")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Raw(stream)
    }

    fn ask(&mut self, request: &Request) -> Reply {
        self.0.write_all(&wire::encode(request).unwrap()).unwrap();
        self.hear()
    }

    fn hear(&mut self) -> Reply {
        let mut head = [0; HEAD];
        self.0.read_exact(&mut head).unwrap();
        let mut body = vec![0; u32::from_le_bytes(head) as usize];
        self.0.read_exact(&mut body).unwrap();
        wire::decode(&body).unwrap()
    }

    /// Says that it failed, and why, and closes.
    fn refused(&mut self) -> String {
        let Reply::Failed(error) = self.hear() else { panic!("it was not refused") };
        assert_eq!(self.0.read(&mut [0]).unwrap(), 0, "the connection goes on");
        error.to_string()
    }
}

#[test]
fn either_socket_leads_to_the_whole_directory() {
    let daemon = start(Directory::new(), &[]);
    let (store, queue) = (open(&daemon, "store"), open(&daemon, "queue"));
    queue.store(Verb::Set, b"a", b"1", 3, NEVER).unwrap();
    assert_eq!(store.get(b"a").unwrap().unwrap().flags, 3);
    store.push(b"q", b"m", &Push::default()).unwrap();
    let message = queue.reserve(b"q", 1, Lease::Default, NOW).unwrap().pop().unwrap();
    assert!(matches!(queue.reserve(b"q", 1, Lease::Session, NOW), Err(Error::Unsupported(_))));
    assert_eq!(store.ack(b"q", &[message.receipt.unwrap()]).unwrap(), [true]);
    // A value that comes in many reads, and one that is too large.
    let large: Vec<u8> = (0..1_000_000_u32).map(|n| n as u8).collect();
    store.store(Verb::Set, b"large", &large, 0, NEVER).unwrap();
    assert_eq!(queue.get(b"large").unwrap().unwrap().data, large);
    let over = store.store(Verb::Set, b"large", &[large.clone(), large].concat(), 0, NEVER);
    assert!(
        matches!(over, Err(Error::ValueTooLarge { limit, .. }) if limit == 1 << 20),
        "{over:?}"
    );
    // One that the daemon will not even read.
    let over = store.store(Verb::Set, b"large", &vec![0; 40 << 20], 0, NEVER);
    assert!(matches!(over, Err(Error::ValueTooLarge { .. })), "{over:?}");
    assert!(store.get(b"a").unwrap().is_some(), "the connection goes on");
    assert_eq!(queue.about().unwrap().id, store.about().unwrap().id);
}

#[test]
fn who_waits_is_woken_and_who_has_gone_gets_nothing() {
    let daemon = start(Directory::new(), &[]);
    let queue = open(&daemon, "queue");
    assert!(queue.reserve(b"q", 1, Lease::Default, Duration::from_millis(20)).unwrap().is_empty());
    let wait = Duration::from_secs(60);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| queue.take(b"q", 1, wait).unwrap().pop().unwrap().body))
            .collect();
        for n in 0..8_u8 {
            queue.push(b"q", &[n], &Push::default()).unwrap();
        }
        let mut got: Vec<_> = waiting.into_iter().map(|one| one.join().unwrap()[0]).collect();
        got.sort();
        assert_eq!(got, [0, 1, 2, 3, 4, 5, 6, 7]);
    });
    // One that hangs up while it waits is not handed the next message.
    let mut raw = Raw::greeted(&daemon);
    let (queue_name, max, lease) = (b"q".to_vec().into(), 1, Lease::Default);
    let request = Request::Reserve { queue: queue_name, max, lease, wait_millis: 60_000 };
    raw.0.write_all(&wire::encode(&request).unwrap()).unwrap();
    let mut cache = daemon.connect_unix();
    let before = cache.stat("curr_connections");
    drop(raw);
    cache.stat_until("curr_connections", |now| now < before);
    let begin = Instant::now();
    queue.push(b"q", b"9", &Push::default()).unwrap();
    let mut got = queue.reserve(b"q", 1, Lease::Default, wait).unwrap();
    assert_eq!(got.pop().unwrap().body, b"9");
    assert!(begin.elapsed() < Duration::from_secs(50), "it came back by its lease alone");
}

#[test]
fn long_work_tells_how_far_it_is() {
    let daemon = start(Directory::new(), &["--store-sync", "never"]);
    let store = open(&daemon, "store");
    for n in 0..3000 {
        store.store(Verb::Set, format!("k{n}").as_bytes(), b"v", 0, NEVER).unwrap();
    }
    let to = daemon.place.0.join("backup");
    let mut last = 0;
    let mut heard = |progress: nearcache_store::Progress| {
        assert!(progress.done >= last, "it goes back");
        last = progress.done;
        true
    };
    store.verify(&mut heard).unwrap();
    store.compact(&mut |_| true).unwrap();
    store.backup(to.clone(), &mut |_| true).unwrap();
    let again = store.backup(to.clone(), &mut |_| true).unwrap_err();
    assert!(again.to_string().contains("a backup goes to a new directory"), "{again}");
    let copy = Durable::open(&Place::Directory(to), None).unwrap();
    assert_eq!(copy.prefix(b"k", None, 5000).unwrap().len(), 3000);
    // Stopped by its caller; the daemon goes on.
    let half = daemon.place.0.join("half");
    let stopped = store.backup(half, &mut |_| false);
    assert!(matches!(stopped, Err(Error::Stopped) | Ok(())), "{stopped:?}");
    assert!(store.get(b"k1").unwrap().is_some());
}

#[test]
fn a_backup_is_not_for_those_who_come_from_elsewhere() {
    let daemon =
        Daemon::start(&["--store", Directory::new().0.to_str().unwrap(), "--store-port", "-1"]);
    let ports = std::fs::read_to_string(daemon.place.0.join("ports")).unwrap();
    let port = ports.lines().filter_map(|line| line.rsplit(' ').next()?.parse::<u16>().ok());
    let mut opened = port.filter_map(|port| {
        let place = Place::parse(&format!("tcp:127.0.0.1:{port}")).unwrap();
        Durable::open(&place, None).ok()
    });
    let store = opened.next_back().expect("one of them is the store's");
    store.store(Verb::Set, b"a", b"1", 0, NEVER).unwrap();
    let refused = store.backup("anywhere".into(), &mut |_| true).unwrap_err();
    assert!(refused.to_string().contains("unix socket"), "{refused}");
}

#[test]
fn hot_keys_need_no_socket() {
    let place = Directory::new();
    let near = place.0.join("near");
    let daemon = start(place, &["--store-near-name", near.to_str().unwrap()]);
    let store = open(&daemon, "store");
    store.store(Verb::Set, b"a", b"1", 0, NEVER).unwrap();
    daemon.signal("STOP");
    assert_eq!(store.get(b"a").unwrap().unwrap().data, b"1");
    daemon.signal("CONT");
    store.delete(b"a", None).unwrap();
    assert!(store.get(b"a").unwrap().is_none());
}

#[test]
fn a_killed_daemon_is_found_again_with_all_that_it_acknowledged() {
    let mut daemon = start(Directory::new(), &[]);
    let store = open(&daemon, "store");
    for round in 0..3 {
        for n in 0..50 {
            let key = format!("{round}-{n}");
            store.store(Verb::Set, key.as_bytes(), b"v", 0, NEVER).unwrap();
        }
        daemon.signal("KILL");
        daemon.wait();
        let gone = store.store(Verb::Set, b"x", b"", 0, NEVER).unwrap_err();
        assert!(matches!(gone, Error::Connection(_)), "{gone}");
        let place = std::mem::replace(&mut daemon.place, Directory::new());
        daemon = start(place, &[]);
        assert_eq!(store.prefix(format!("{round}-").as_bytes(), None, 99).unwrap().len(), 50);
    }
}

#[test]
fn who_one_is_is_asked_here_too() {
    let place = Directory::new();
    let users = place.0.join("users");
    std::fs::write(&users, "ada:secret\n").unwrap();
    let users = users.to_str().unwrap().to_string();
    let daemon = start(place, &["-Y", &users]);
    let as_whom = |login: Option<(&str, &str)>| {
        let login = login.map(|(user, password)| (user.to_string(), password.to_string()));
        Durable::open(&Place::Unix(daemon.place.0.join("store"), login), None)
    };
    let nobody = as_whom(None).unwrap_err();
    assert!(nobody.to_string().contains("USER:PASSWORD@"), "{nobody}");
    let wrong = as_whom(Some(("ada", "guess"))).unwrap_err();
    assert!(wrong.to_string().contains("wrong"), "{wrong}");
    let ada = as_whom(Some(("ada", "secret"))).unwrap();
    ada.store(Verb::Set, b"a", b"1", 0, NEVER).unwrap();
    let mut raw = Raw::greeted(&daemon);
    assert!(matches!(raw.ask(&Request::StoreStats), Reply::Failed(_)));
}

#[test]
fn what_is_no_frame_is_refused() {
    let daemon = start(Directory::new(), &[]);
    let mut raw = Raw::silent(&daemon);
    raw.0.write_all(b"\0NC\xFF").unwrap();
    assert!(raw.refused().contains("same release"));
    let mut raw = Raw::greeted(&daemon);
    raw.0.write_all(&[255; 4]).unwrap();
    assert!(raw.refused().contains("limit"));
    let mut raw = Raw::greeted(&daemon);
    raw.0.write_all(&[3, 0, 0, 0, 250, 250, 250]).unwrap();
    assert!(raw.refused().contains("no such message"));
    // Announced and never sent; half a greeting; and then nothing.
    let mut half: Vec<Raw> = (0..20).map(|_| Raw::greeted(&daemon)).collect();
    for raw in &mut half {
        raw.0.write_all(&(16_u32 << 20).to_le_bytes()).unwrap();
    }
    Raw::silent(&daemon).0.write_all(&HELLO[..2]).unwrap();
    // Several at once are answered in order.
    let mut raw = Raw::greeted(&daemon);
    let set = |value: &[u8]| {
        let set = nearcache_store::storing(Verb::Set, b"k", value, 0, NEVER);
        wire::encode(&Request::Set(set)).unwrap()
    };
    let get = wire::encode(&Request::Get { keys: vec![b"k".to_vec().into()] }).unwrap();
    raw.0.write_all(&[set(b"1"), get.clone(), set(b"2"), get].concat()).unwrap();
    let mut heard = || match raw.hear() {
        Reply::Values(values) => values[0].clone().map(|value| value.data),
        Reply::Outcome(_) => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        [heard(), heard(), heard(), heard()],
        [None, Some(b"1".into()), None, Some(b"2".into())]
    );
    drop(half);
}
