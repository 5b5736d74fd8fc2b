//! `Queues::verify` finds what it is there to find: each test spoils one thing behind the queues' back.

mod common;

use common::Dir;
use nearcache_store::queue::{Lease, Push, Queues};
use nearcache_store::{Database, Error, Options, Policy, Range, Space, Tx, View};
use std::sync::Arc;
use std::time::Duration;

type Entry = (Vec<u8>, Vec<u8>);

/// Everything in a keyspace.
fn all(tx: &Tx<'_>, space: Space) -> Vec<Entry> {
    let mut entries = Vec::new();
    tx.scan(space, Range::ALL, &mut |key, value| {
        entries.push((key.to_vec(), value.to_vec()));
        true
    })
    .unwrap();
    entries
}

/// What is due of one kind.
fn slips(tx: &Tx<'_>, kind: u8) -> Vec<Entry> {
    all(tx, Space::Schedule).into_iter().filter(|(key, _)| key[8] == kind).collect()
}

/// A queue with messages in every state.
fn filled(dir: &Dir) -> Queues {
    let mut options = Options::default();
    (options.policy, options.near) = (Policy::Never, 0);
    options.manual_clock = Some(1_700_000_000);
    let queues = Queues::on(Arc::new(Database::open(dir.path(), options).unwrap())).unwrap();
    let queue = queues.queue(b"jobs").unwrap();
    let mut push = Push::default();
    for n in 0..7 {
        push.id = vec![b'a' + n];
        push.expire = (n == 5).then_some(50);
        queue.push(b"something to do", &push).unwrap();
    }
    queue.push(b"later", &Push { delay: 60, ..Push::default() }).unwrap();
    for _ in 0..2 {
        let back = queue.reserve_one(Lease::Seconds(9), Duration::ZERO).unwrap().unwrap();
        assert_eq!(queue.reserve(2, Lease::Seconds(9), Duration::ZERO).unwrap().len(), 2);
        queue.nak(&back.receipt.unwrap(), None).unwrap();
    }
    queues.verify(&mut |_| true).unwrap();
    queues
}

#[track_caller]
fn found(saying: &str, spoil: impl FnOnce(&mut Tx<'_>) + Send + 'static) {
    let dir = Dir::new();
    let queues = filled(&dir);
    queues
        .run(0, |tx| {
            tx.next_seq();
            spoil(tx);
            Ok(())
        })
        .unwrap();
    match queues.verify(&mut |_| true) {
        Err(Error::Damaged(sentence)) => {
            assert!(sentence.contains(saying) && sentence.contains("backup"), "{sentence}");
        }
        other => panic!("{saying}: {other:?}"),
    }
}

#[test]
fn a_message_that_is_gone() {
    found("its record says", |tx| {
        let (fresh, _) = all(tx, Space::Messages).remove(6);
        tx.remove(Space::Messages, &fresh);
    });
    found("is not as the schedule says", |tx| {
        let (first, _) = all(tx, Space::Messages).remove(0);
        tx.remove(Space::Messages, &first);
    });
}

#[test]
fn a_message_of_no_queue() {
    found("belongs to no queue", |tx| {
        let (_, value) = all(tx, Space::Messages).remove(0);
        tx.put(Space::Messages, &[0; 16], value);
    });
}

#[test]
fn a_message_with_other_bytes() {
    found("is not as the schedule says", |tx| {
        let (first, mut value) = all(tx, Space::Messages).remove(0);
        value.push(0);
        tx.put(Space::Messages, &first, value);
    });
}

#[test]
fn a_lease_that_is_gone_or_double() {
    found("its record says", |tx| {
        let (first, _) = slips(tx, b'l').remove(0);
        tx.remove(Space::Schedule, &first);
    });
    // Of as many as before, but one message has two and another none.
    found("noted twice", |tx| {
        let leases = slips(tx, b'l');
        let mut twin = leases[1].0.clone();
        twin[7] += 1;
        tx.remove(Space::Schedule, &leases[0].0);
        tx.put(Space::Schedule, &twin, leases[1].1.clone());
    });
}

#[test]
fn an_end_that_would_never_come() {
    found("the end of message", |tx| {
        let (first, _) = slips(tx, b'e').remove(0);
        tx.remove(Space::Schedule, &first);
    });
    found("known for ever", |tx| {
        let (first, _) = slips(tx, b'i').remove(0);
        tx.remove(Space::Schedule, &first);
    });
}

#[test]
fn a_record_that_looks_behind_what_came_back() {
    found("its record looks from", |tx| {
        let mut record = tx.get(Space::Queues, b"jobs").unwrap().unwrap();
        record[18..26].fill(u8::MAX);
        tx.put(Space::Queues, b"jobs", record);
    });
}

#[test]
fn a_queue_whose_number_leads_nowhere() {
    found("does not lead to its name", |tx| {
        let (number, _) = all(tx, Space::Queues).remove(0);
        tx.remove(Space::Queues, &number);
    });
    found("numbers of queues are noted", |tx| {
        tx.remove(Space::Queues, b"jobs");
    });
}

#[test]
fn books_that_are_wrong() {
    found("the books say", |tx| tx.ledger_mut().messages += 1);
    found("after the last", |tx| {
        let (first, value) = all(tx, Space::Messages).remove(0);
        let key = [&first[..8], &[1; 8]].concat();
        tx.put(Space::Messages, &key, value);
    });
}

#[test]
fn it_can_be_stopped() {
    let dir = Dir::new();
    let queues = filled(&dir);
    let queue = queues.queue(b"jobs").unwrap();
    let pushed: Vec<_> =
        (0..3000).map(|_| queue.submit_push(b"", &Push::default()).unwrap()).collect();
    pushed.into_iter().for_each(|pending| _ = pending.wait().unwrap());
    let mut last = 0;
    let go_on = &mut |progress: nearcache_store::Progress| {
        assert!(progress.done <= progress.of && progress.of == 3008);
        last = progress.done;
        progress.done < 2000
    };
    assert!(matches!(queues.verify(go_on), Err(Error::Stopped)));
    assert!(last >= 2000);
}
