//! What the queues promise beyond the model's steps: waiting, order among threads, sessions, atomic batches, bad input,
//! and many messages.

mod common;

use common::{Dir, eventually};
use nearcache_store::queue::{Fate, Lease, Push, Queue, Queues, Receipt, Settings, steps};
use nearcache_store::{Database, Error, Options, Policy, Space};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(60);

fn options() -> Options {
    let mut options = Options::default();
    options.policy = Policy::Never;
    options.near = 0;
    options.manual_clock = Some(1_700_000_000);
    options
}

fn open(dir: &Dir, options: Options) -> Queues {
    Queues::on(Arc::new(Database::open(dir.path(), options).unwrap())).unwrap()
}

fn push(queue: &Queue, body: &str) {
    queue.push(body.as_bytes(), &Push::default()).unwrap();
}

fn take(queue: &Queue) -> Vec<String> {
    let messages = queue.take(100, NOW).unwrap();
    messages.into_iter().map(|message| String::from_utf8(message.body).unwrap()).collect()
}

#[test]
fn a_consumer_that_waits_is_woken_by_a_push_a_delay_that_ends_and_a_resume() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"q").unwrap();
    let wait = |queue: &Queue| {
        let queue = queue.clone();
        thread::spawn(move || queue.reserve_one(Lease::Default, LONG).unwrap().unwrap())
    };
    let waiting = wait(&queue);
    push(&queue, "pushed");
    assert_eq!(waiting.join().unwrap().body, b"pushed");

    queue.push(b"delayed", &Push { delay: 5, ..Push::default() }).unwrap();
    let waiting = wait(&queue);
    queues.database().clock().advance(5);
    queues.database().committer().nudge();
    assert_eq!(waiting.join().unwrap().body, b"delayed");

    queue.pause().unwrap();
    push(&queue, "paused");
    assert!(queue.reserve(1, Lease::Default, NOW).unwrap().is_empty());
    let waiting = wait(&queue);
    queue.resume().unwrap();
    assert_eq!(waiting.join().unwrap().body, b"paused");
    // A wait ends, too.
    assert!(queue.take(1, Duration::from_millis(20)).unwrap().is_empty());
}

#[test]
fn many_producers_and_consumers_lose_nothing_double_nothing_and_keep_each_producers_order() {
    const PRODUCERS: u64 = 4;
    const EACH: u64 = 500;
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"work").unwrap();
    let acked = AtomicU64::new(0);
    let seen = thread::scope(|scope| {
        for producer in 0..PRODUCERS {
            let queue = queue.clone();
            scope.spawn(move || {
                (0..EACH).for_each(|number| push(&queue, &format!("{producer} {number}")));
            });
        }
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let (queue, acked) = (queue.clone(), &acked);
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    while acked.load(Ordering::SeqCst) < PRODUCERS * EACH {
                        let some = queue.reserve(7, Lease::Default, Duration::from_millis(20));
                        for message in some.unwrap() {
                            assert_eq!(message.deliveries, 1);
                            assert!(queue.ack(&message.receipt.unwrap()).unwrap());
                            acked.fetch_add(1, Ordering::SeqCst);
                            seen.push((message.seq, String::from_utf8(message.body).unwrap()));
                        }
                    }
                    seen
                })
            })
            .collect();
        consumers.into_iter().flat_map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    let mut seen = seen;
    seen.sort();
    let mut next: HashMap<String, u64> = HashMap::new();
    for (_, body) in &seen {
        let (producer, number) = body.split_once(' ').unwrap();
        let next = next.entry(producer.into()).or_default();
        assert_eq!(number.parse::<u64>().unwrap(), *next, "of producer {producer}");
        *next += 1;
    }
    assert_eq!(seen.len() as u64, PRODUCERS * EACH);
    let stats = queue.stats().unwrap();
    assert_eq!((stats.messages, stats.totals.acked), (0, PRODUCERS * EACH));
    assert_eq!(queues.database().ledger().message_bytes, 0);
}

#[test]
fn a_message_that_always_fails_goes_to_the_dead_letters_and_back_by_hand() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"q").unwrap();
    let mut settings = Settings::default();
    settings.max_deliveries = 2;
    queue.configure(settings).unwrap();
    push(&queue, "poison");
    push(&queue, "good");
    for fate in [Fate::Again, Fate::Over] {
        let message = queue.reserve_one(Lease::Default, NOW).unwrap().unwrap();
        assert_eq!(message.body, b"poison");
        assert_eq!(queue.nak(&message.receipt.unwrap(), None).unwrap(), fate);
    }
    assert_eq!(take(&queue), ["good"]);
    let dead = queues.queue(b"q.dead").unwrap();
    let letter = dead.peek(1).unwrap().pop().unwrap();
    assert_eq!((letter.body, letter.origin), (b"poison".to_vec(), b"q".to_vec()));
    assert_eq!(dead.requeue(None, 10).unwrap(), 1);
    let message = queue.reserve_one(Lease::Default, NOW).unwrap().unwrap();
    assert_eq!((message.deliveries, message.origin), (1, Vec::new()));
    // What comes from nowhere is asked about.
    push(&dead, "a stray");
    assert!(matches!(dead.requeue(None, 1), Err(Error::InvalidOptions(_))));
    assert_eq!(dead.requeue(Some(&queue), 1).unwrap(), 1);
    assert_eq!(take(&queue), ["a stray"]);
}

#[test]
fn readers_have_copies_of_their_own() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"news").unwrap();
    let [mail, log] = ["news+mail", "news+log"].map(|name| queues.queue(name.as_bytes()).unwrap());
    // The asking makes a copy.
    assert!(take(&mail).is_empty() && take(&log).is_empty());
    push(&queue, "one");
    assert_eq!(mail.stats().unwrap().messages, 1);
    push(&mail, "for mail alone");
    assert_eq!(take(&mail), ["one", "for mail alone"]);
    assert!(log.delete().unwrap());
    push(&queue, "two");
    assert_eq!((take(&queue), take(&mail)), (vec!["one".into(), "two".into()], vec!["two".into()]));
    // A copy outlives its queue, and follows the next of that name.
    assert!(queue.delete().unwrap());
    push(&queue, "three");
    assert_eq!(take(&mail), ["three"]);
}

#[test]
fn what_a_session_held_comes_back_when_the_store_is_opened_anew_and_leases_go_on() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"q").unwrap();
    ["a", "b", "c"].iter().for_each(|body| push(&queue, body));
    let held = queue.reserve_one(Lease::Session, NOW).unwrap().unwrap();
    assert_eq!(held.receipt.unwrap().due(), None);
    let leased = queue.reserve_one(Lease::Seconds(10), NOW).unwrap().unwrap();
    queues.database().clock().advance(9);
    assert_eq!(queue.stats().unwrap().reserved, 2);
    drop((queue, queues));

    let mut later = options();
    later.manual_clock = later.manual_clock.map(|at| at + 9);
    let queues = open(&dir, later);
    let queue = queues.queue(b"q").unwrap();
    assert!(!queue.ack(&held.receipt.unwrap()).unwrap());
    let again = queue.reserve_one(Lease::Default, NOW).unwrap().unwrap();
    assert_eq!((again.body.as_slice(), again.deliveries), (b"a".as_slice(), 2));
    // Its consumer may have outlived the store's process: a receipt is text.
    let receipt: Receipt = leased.receipt.unwrap().to_string().parse().unwrap();
    assert!(queue.ack(&receipt).unwrap());
    assert!(!queue.ack(&receipt).unwrap());
    assert_eq!(take(&queue), ["c"]);
}

#[test]
fn a_batch_of_several_steps_is_done_whole_or_not_at_all() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let limits = queues.limits();
    let both = |fails: bool| {
        queues.run(0, move |tx| {
            tx.put(Space::Book, b"a test's", b"1".to_vec());
            steps::push(tx, &limits, b"one", b"1", &Push::default())?;
            steps::push(tx, &limits, b"two", b"2", &Push::default())?;
            if fails { Err(Error::NotNumeric) } else { Ok(()) }
        })
    };
    assert!(both(true).is_err());
    assert!(queues.names().unwrap().is_empty());
    assert_eq!(queues.database().ledger().messages, 0);
    both(false).unwrap();
    assert_eq!(queues.names().unwrap(), [b"one", b"two"]);
    assert_eq!(queues.database().ledger().messages, 2);
}

#[test]
fn bad_input_is_refused_in_a_sentence_and_changes_nothing() {
    let dir = Dir::new();
    let mut small = options();
    small.item_size_max = 1024;
    small.quota = Some(4000);
    let queues = open(&dir, small);
    let long = [b'n'; 241];
    for name in [b"".as_slice(), &long, b"a b", b"a/b", b"a\n", b"+a", b"a+", b"a+b+c"] {
        assert!(matches!(queues.queue(name), Err(Error::InvalidOptions(_))), "{name:?}");
    }
    let queue = queues.queue(b"q").unwrap();
    let says = |outcome: Result<_, Error>, words: &str| {
        let sentence = outcome.map(|_: ()| ()).unwrap_err().to_string();
        assert!(sentence.contains(words), "{sentence}");
    };
    says(queue.stats().map(drop), "there is no queue \"q\"");
    says(queue.pause(), "there is no queue");
    says(queue.purge().map(drop), "there is no queue");
    assert!(!queue.delete().unwrap());
    let body = [0; 2000];
    says(queue.push(&body, &Push::default()).map(drop), "2000 bytes: the limit is 1024");
    let far = Push { delay: 40_000_000, ..Push::default() };
    says(queue.push(b"", &far).map(drop), "the limit is 31536000");
    let id = Push { id: vec![0; 251], ..Push::default() };
    says(queue.push(b"", &id).map(drop), "251 bytes: the limit is 250");
    says(queue.reserve(1, Lease::Seconds(0), NOW).map(drop), "1 to 604800 seconds, not 0");
    assert!(queues.names().unwrap().is_empty());

    // A quota is for everything; a full queue says which it is.
    let pushed = (0..10).map(|_| queue.push(&[0; 900], &Push::default())).filter(Result::is_ok);
    assert_eq!(pushed.count(), 4);
    says(queue.push(&[0; 900], &Push::default()).map(drop), "over quota");
    let mut settings = Settings::default();
    settings.max_messages = 4;
    queue.configure(settings.clone()).unwrap();
    says(queue.push(b"", &Push::default()).map(drop), "\"q\" is full: it has 4 messages");
    settings.dead_letters = b"q".to_vec();
    says(queue.configure(settings), "is the queue itself");
    for text in ["", "1-2-3", "1-2-3-4-5", "1-2-3-x", "-1-2-3-4"] {
        assert!(text.parse::<Receipt>().is_err(), "{text}");
    }
    assert!(!queue.ack(&"1-2-3-4".parse().unwrap()).unwrap());
}

#[test]
fn an_emptied_queue_goes_on_and_its_disk_comes_back() {
    let dir = Dir::new();
    let queues = open(&dir, options());
    let queue = queues.queue(b"q").unwrap();
    let pending: Vec<_> = (0..5000)
        .map(|n: u32| queue.submit_push(&n.to_be_bytes(), &Push::default()).unwrap())
        .collect();
    for one in pending {
        one.wait().unwrap();
    }
    let held = queue.reserve_one(Lease::Default, NOW).unwrap().unwrap();
    assert_eq!(queue.purge().unwrap(), 5000);
    push(&queue, "new");
    assert!(!queue.ack(&held.receipt.unwrap()).unwrap());
    assert_eq!(take(&queue), ["new"]);
    eventually("the messages are removed", || {
        queues.database().clock().advance(1);
        queues.database().committer().nudge();
        queues.database().ledger().messages == 0
    });
}
