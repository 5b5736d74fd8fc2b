//! One face for a directory and for a daemon's socket: the same script through both, what differs, and what a daemon
//! that goes away leaves behind. The daemon here is the smallest that there can be: a thread for each connection.

mod common;

use common::{Dir, eventually};
use nearcache::{Deletion, Expiry, Home, Outcome, Verb};
use nearcache_store::queue::{Fate, Lease, Push};
use nearcache_store::wire::{self, Change, Front, HELLO, Reply, Request, Service};
use nearcache_store::{Durable, Error, Options, Place, Policy, storing};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const NEVER: Expiry = Expiry::Never;
const NOW: Duration = Duration::ZERO;

fn options() -> Options {
    let mut options = Options::default();
    options.policy = Policy::Never;
    options.near = 1 << 20;
    options
}

/// Serves a service on a socket until the connection's end; how many requests came.
fn serve(mut stream: UnixStream, service: &Service) -> std::io::Result<()> {
    let mut hello = [0; HELLO.len()];
    stream.read_exact(&mut hello)?;
    assert_eq!(hello, HELLO);
    let mut input = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let whole = match wire::front(&input, 64 << 20).unwrap() {
            Front::Whole(whole) => whole,
            Front::Part(_) => match stream.read(&mut chunk)? {
                0 => return Ok(()),
                n => {
                    input.extend_from_slice(&chunk[..n]);
                    continue;
                }
            },
        };
        let request: Request = wire::decode(&input[wire::HEAD..whole]).unwrap();
        input.drain(..whole);
        let mut tell = |progress| {
            let frame = wire::encode(&Reply::Progress(progress)).unwrap();
            stream.write_all(&frame).is_ok()
        };
        let reply = service.call(request, &mut tell).unwrap_or_else(Reply::Failed);
        stream.write_all(&wire::encode(&reply).unwrap())?;
    }
}

/// A daemon, and the place where it is.
fn daemon(dir: &Path, options: Options) -> (Arc<Service>, Place) {
    let service = Arc::new(Service::open(&dir.join("store"), options).unwrap());
    let socket = dir.join("socket");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let served = Arc::downgrade(&service);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Some(service) = served.upgrade() else { return };
            let stream = stream.unwrap();
            thread::spawn(move || serve(stream, &service));
        }
    });
    (service, Place::parse(socket.to_str().unwrap()).unwrap())
}

fn push(id: &[u8]) -> Push {
    Push { id: id.to_vec(), ..Push::default() }
}

/// Everything that both do alike.
fn script(durable: &Durable) {
    let store = |verb, key: &[u8], value: &[u8]| durable.store(verb, key, value, 7, NEVER).unwrap();
    let Outcome::Stored(first) = store(Verb::Set, b"a", b"1") else { panic!() };
    assert_eq!(store(Verb::Add, b"a", b"2"), Outcome::NotStored);
    assert_eq!(store(Verb::Cas(first + 1), b"a", b"2"), Outcome::Exists);
    assert!(matches!(store(Verb::Append, b"a", b"0"), Outcome::Stored(_)));
    let value = durable.get(b"a").unwrap().unwrap();
    assert_eq!((value.data.as_slice(), value.flags, value.ttl), (b"10".as_slice(), 7, None));
    assert_eq!(durable.count(b"a", 5, false).unwrap(), Some(15));
    assert_eq!(durable.count(b"a", 20, true).unwrap(), Some(0));
    assert_eq!(durable.count(b"none", 1, false).unwrap(), None);
    assert!(durable.touch(b"a", Expiry::After(100)).unwrap());
    assert!(!durable.touch(b"none", NEVER).unwrap());
    assert!(durable.gat(b"a", Expiry::After(200)).unwrap().unwrap().ttl > Some(100));
    assert_eq!(durable.delete(b"a", Some(1)).unwrap(), Deletion::Exists);
    assert_eq!(durable.delete(b"a", None).unwrap(), Deletion::Deleted);
    assert_eq!(durable.delete(b"a", None).unwrap(), Deletion::Missing);
    for key in ["k:1", "k:2", "k:3", "l"] {
        store(Verb::Set, key.as_bytes(), key.as_bytes());
    }
    let found = durable.get_many(&["k:2", "none", "l"]).unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(durable.prefix(b"k:", Some(b"k:1"), 9).unwrap().len(), 2);
    assert_eq!(durable.rget(b"k:1", b"k:3", true, false, 9).unwrap().len(), 2);
    assert!(matches!(durable.get(&[b'k'; 251]), Err(Error::KeyTooLong { len: 251 })));
    let large = vec![0; 2 << 20];
    let refused = durable.store(Verb::Set, b"k", &large, 0, NEVER);
    assert!(matches!(refused, Err(Error::ValueTooLarge { .. })), "{refused:?}");
    assert!(matches!(durable.count(b"l", 1, false), Err(Error::NotNumeric)));

    // Queues, and both in one step.
    let (orders, key) = (b"orders".as_slice(), b"order:1".to_vec());
    let change = Change::Push {
        queue: orders.to_vec().into(),
        body: b"order:1".to_vec().into(),
        push: push(b"1"),
    };
    let set = Change::Set(storing(Verb::Add, &key, b"tea", 0, NEVER));
    assert_eq!(durable.commit(vec![set.clone(), change.clone()]).unwrap().len(), 2);
    let again = durable.commit(vec![change, set]);
    assert!(matches!(again, Err(Error::Refused { step: 1, .. })), "{again:?}");
    assert!(durable.push(orders, b"order:1", &push(b"1")).unwrap().is_duplicate);
    assert_eq!(durable.peek(orders, 9).unwrap().len(), 1);
    let mut got = durable.reserve(orders, 9, Lease::Seconds(30), NOW).unwrap();
    let receipt = got.pop().unwrap().receipt.unwrap();
    assert!(durable.reserve(orders, 1, Lease::Default, NOW).unwrap().is_empty());
    assert_eq!(durable.nak(orders, &receipt, None).unwrap(), Fate::Again);
    assert_eq!(durable.nak(orders, &receipt, None).unwrap(), Fate::Unknown);
    let wait = Duration::from_secs(60);
    let message = durable.reserve(orders, 1, Lease::Default, wait).unwrap().pop().unwrap();
    assert_eq!((message.body.as_slice(), message.deliveries), (b"order:1".as_slice(), 2));
    let receipt = durable.extend(orders, &message.receipt.unwrap(), 60).unwrap().unwrap();
    let ack = Change::Ack { queue: orders.to_vec().into(), receipt };
    let count = Change::Set(storing(Verb::Set, b"done", b"1", 0, NEVER));
    durable.commit(vec![ack.clone(), count.clone()]).unwrap();
    assert!(matches!(durable.commit(vec![count, ack]), Err(Error::Refused { step: 1, .. })));
    assert_eq!(durable.ack(orders, &[receipt]).unwrap(), [false]);
    assert_eq!(durable.queue_stats(orders).unwrap().messages, 0);
    let mut settings = durable.settings(orders).unwrap();
    settings.max_deliveries = 1;
    durable.configure(orders, settings.clone()).unwrap();
    assert_eq!(durable.settings(orders).unwrap(), settings);
    settings.dead_letters = orders.to_vec();
    assert!(matches!(durable.configure(orders, settings), Err(Error::InvalidOptions(_))));
    durable.push(orders, b"poison", &Push::default()).unwrap();
    let taken = durable.reserve(orders, 1, Lease::Default, NOW).unwrap().pop().unwrap();
    assert_eq!(durable.nak(orders, &taken.receipt.unwrap(), None).unwrap(), Fate::Over);
    assert_eq!(durable.queue_names().unwrap(), [orders.to_vec(), b"orders.dead".to_vec()]);
    assert_eq!(durable.requeue(b"orders.dead", None, 9).unwrap(), 1);
    durable.pause(orders, true).unwrap();
    assert!(durable.take(orders, 1, NOW).unwrap().is_empty());
    durable.pause(orders, false).unwrap();
    assert_eq!(durable.take(orders, 1, NOW).unwrap().len(), 1);
    assert_eq!(durable.purge(orders).unwrap(), 0);
    assert!(durable.delete_queue(b"orders.dead").unwrap());
    assert!(matches!(durable.queue_stats(b"none"), Err(Error::NoQueue(_))));
    assert!(matches!(durable.push(b"a b", b"", &Push::default()), Err(Error::InvalidOptions(_))));

    let stats = durable.stats().unwrap();
    assert!(stats.iter().any(|(name, n)| name == "curr_items" && *n == 6), "{stats:?}");
    let mut last = 0;
    durable.verify(&mut |progress| (last = progress.done, true).1).unwrap();
    assert!(last > 0);
    durable.compact(&mut |_| true).unwrap();
    durable.flush_all(0).unwrap();
    assert!(durable.get(b"l").unwrap().is_none());
}

#[test]
fn a_directory_and_a_socket_answer_alike() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let here = Place::parse(dir.path().join("here").to_str().unwrap()).unwrap();
    script(&Durable::open(&here, Some(options())).unwrap());
    let (_service, there) = daemon(dir.path(), options());
    script(&Durable::open(&there, None).unwrap());
}

#[test]
fn a_directory_is_opened_once_in_a_process() {
    let dir = Dir::new();
    let place = Place::Directory(dir.path().to_path_buf());
    let one = Durable::open(&place, Some(options())).unwrap();
    let two = Durable::open(&place, None).unwrap();
    one.store(Verb::Set, b"a", b"1", 0, NEVER).unwrap();
    assert!(two.get(b"a").unwrap().is_some());
    let other = Durable::open(&place, Some(Options::default())).unwrap_err();
    assert!(other.to_string().contains("policy Never, not Always"), "{other}");
    assert!(Durable::open(&place, Some(options())).is_ok());
    // The last one closes it, on whatever thread, and the next waits for that.
    for _ in 0..20 {
        let last = Durable::open(&place, None).unwrap();
        let closing = thread::spawn(move || drop(last));
        Durable::open(&place, None).unwrap();
        closing.join().unwrap();
    }
    drop((one, two));
    let mut options = options();
    options.near = 2 << 20;
    assert!(Durable::open(&place, Some(options)).is_ok());
}

#[test]
fn places_are_parsed() {
    let text = |place: &str| Place::parse(place).map(|place| place.to_string());
    assert_eq!(text("/var/lib/app").unwrap(), "/var/lib/app");
    assert_eq!(text("unix:/run/a.sock").unwrap(), "unix:/run/a.sock");
    assert_eq!(text("tcp:ada:secret@db:21201").unwrap(), "tcp:db:21201");
    let Ok(Place::Unix(path, Some((user, password)))) = Place::parse("unix:ada:s:e@/run/a") else {
        panic!()
    };
    assert_eq!(
        (path.to_str().unwrap(), user.as_str(), password.as_str()),
        ("/run/a", "ada", "s:e")
    );
    for wrong in ["", "unix:", "tcp:", "tcp:host", "tcp:host:port", "tcp:h:70000"] {
        assert!(matches!(text(wrong), Err(Error::InvalidOptions(_))), "{wrong}");
    }
}

#[test]
fn hot_keys_are_read_without_the_socket() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let region = dir.path().join("near").to_str().unwrap().to_string();
    let mut shared = options();
    shared.near_home = Home::of(&region).unwrap();
    let (service, place) = daemon(dir.path(), shared);
    let far = Durable::open(&place, None).unwrap();
    let set = |value: &[u8]| far.store(Verb::Set, b"a", value, 0, NEVER).unwrap();
    set(b"1");
    let reads = || {
        let stats = service.store.stats().unwrap();
        stats.iter().find(|(name, _)| *name == "cmd_get").unwrap().1
    };
    let before = reads();
    assert_eq!(far.get(b"a").unwrap().unwrap().data, b"1");
    assert_eq!(reads(), before, "the daemon was asked");
    set(b"2");
    assert_eq!(far.get(b"a").unwrap().unwrap().data, b"2");
    far.delete(b"a", None).unwrap();
    assert!(far.get(b"a").unwrap().is_none());
    far.store(Verb::Set, b"b", b"3", 0, NEVER).unwrap();
    far.flush_all(0).unwrap();
    assert!(far.get(b"b").unwrap().is_none());

    // A daemon that has ended shows nothing, nor does what it left behind once somebody else has the store.
    far.store(Verb::Set, b"c", b"4", 0, NEVER).unwrap();
    assert!(far.get(b"c").unwrap().is_some());
    let mut service = service;
    drop(far);
    eventually("the last connection ends", || {
        match Arc::try_unwrap(std::mem::replace(
            &mut service,
            Arc::new(Service::open(Dir::new().path(), options()).unwrap()),
        )) {
            Ok(last) => {
                drop(last);
                true
            }
            Err(again) => {
                service = again;
                false
            }
        }
    });
    let mut attached = nearcache::Options::new(0).home(Home::of(&region).unwrap());
    attached.access = nearcache::Access::ReadOnly;
    let attached = attached.open().unwrap();
    assert!(attached.get(b"c").unwrap().is_none());
}

#[test]
fn a_near_tier_that_was_left_behind_is_emptied_by_the_next_owner() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let region = dir.path().join("near").to_str().unwrap().to_string();
    let mut shared = options();
    shared.near_home = Home::of(&region).unwrap();
    let store = dir.path().join("store");
    let service = Service::open(&store, shared).unwrap();
    service.store.set(b"a", b"1", 0, NEVER).unwrap();
    drop(service);
    // What a killed owner would have left.
    let cache = nearcache::Options::new(1 << 20).home(Home::of(&region).unwrap()).open().unwrap();
    cache.set(b"a", b"1", 0, NEVER).unwrap();
    let service = Service::open(&store, options()).unwrap();
    assert!(cache.get(b"a").unwrap().is_none());
    drop(service);
    std::fs::write(store.join("near"), b"nowhere").unwrap();
    Service::open(&store, options()).unwrap();
}

#[test]
fn a_daemon_that_goes_away_is_told_of() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path()).unwrap();
    let socket = dir.path().join("socket");
    let place = Place::Unix(socket.clone(), None);
    let refused = Durable::open(&place, None).unwrap_err();
    assert!(refused.to_string().contains("is nearcached running there"), "{refused}");
    let given = Durable::open(&place, Some(options())).unwrap_err();
    assert!(matches!(given, Error::InvalidOptions(_)), "{given}");

    // It greets, reads one request, and is gone without an answer.
    let service = Service::open(&dir.path().join("store"), options()).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let one = |stream: &mut UnixStream| {
        let mut head = [0; wire::HEAD];
        stream.read_exact(&mut head).unwrap();
        let mut body = vec![0; u32::from_le_bytes(head) as usize];
        stream.read_exact(&mut body).unwrap();
        wire::decode::<Request>(&body).unwrap()
    };
    let dying = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; HELLO.len()]).unwrap();
        assert!(matches!(one(&mut stream), Request::Hello { .. }));
        let welcome = Reply::Welcome(service.welcome());
        stream.write_all(&wire::encode(&welcome).unwrap()).unwrap();
        assert!(matches!(one(&mut stream), Request::Set(_)));
        drop(stream);
        (service, listener)
    });
    let durable = Durable::open(&place, None).unwrap();
    let lost = durable.store(Verb::Set, b"a", b"1", 0, NEVER).unwrap_err();
    assert!(lost.to_string().contains("is not known"), "{lost}");
    let (service, listener) = dying.join().unwrap();

    // It comes back: the next call finds it, without a word.
    let serving = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let _ = serve(stream, &service);
        listener
    });
    assert!(durable.get(b"a").unwrap().is_none());
    // A foreign server's greeting is no reply.
    drop(durable);
    let listener = serving.join().unwrap();
    let foreign = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    let wrong = Durable::open(&place, None).unwrap_err();
    assert!(matches!(wrong, Error::Connection(_)), "{wrong}");
    foreign.join().unwrap();
}

#[test]
fn frames_are_bounded_and_whole() {
    let frame = wire::encode(&Request::QueueNames).unwrap();
    assert_eq!(wire::front(&frame, 100).unwrap(), Front::Whole(frame.len()));
    for cut in 0..frame.len() {
        assert!(matches!(wire::front(&frame[..cut], 100).unwrap(), Front::Part(_)));
    }
    assert!(matches!(wire::front(&[255; 4], 100), Err(Error::ValueTooLarge { limit: 100, .. })));
    let body = &frame[wire::HEAD..];
    assert!(wire::decode::<Request>(body).is_ok());
    assert!(wire::decode::<Request>(&[body, b"!"].concat()).is_err());
    assert!(wire::decode::<Request>(&[250; 30]).is_err());
    // Every error arrives as it was sent.
    let io = Error::System("cannot read x".into(), Arc::new(std::io::Error::from_raw_os_error(5)));
    for error in [io, Error::NotNumeric, Error::OverQuota { used: 1, wanted: 2, quota: 3 }] {
        let sent = wire::encode(&Reply::Failed(error.clone())).unwrap();
        let Ok(Reply::Failed(came)) = wire::decode(&sent[wire::HEAD..]) else { panic!() };
        assert_eq!(came.to_string(), error.to_string());
    }
}
