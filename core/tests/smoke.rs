//! Every verb once, on one thread: the first thing to look at when something is wrong.

use nearcache::*;

fn cache(size: u64) -> Cache {
    let mut options = Options::new(size);
    options.manual_clock = true;
    options.open().unwrap()
}

#[test]
fn every_verb_answers() {
    let c = cache(1 << 20);
    assert_eq!(c.get(b"a").unwrap(), None);
    let Outcome::Stored(first) = c.set(b"a", b"one", 7, Expiry::Never).unwrap() else { panic!() };
    let v = c.get(b"a").unwrap().unwrap();
    assert_eq!((v.data.as_slice(), v.flags, v.cas), (&b"one"[..], 7, first));
    assert_eq!(c.add(b"a", b"x", 0, Expiry::Never).unwrap(), Outcome::NotStored);
    assert_eq!(c.replace(b"b", b"x", 0, Expiry::Never).unwrap(), Outcome::NotStored);
    assert!(matches!(c.append(b"a", b"+").unwrap(), Outcome::Stored(_)));
    assert!(matches!(c.prepend(b"a", b"-").unwrap(), Outcome::Stored(_)));
    assert_eq!(c.get(b"a").unwrap().unwrap().data, b"-one+");
    assert_eq!(c.cas(b"a", b"x", 0, Expiry::Never, first).unwrap(), Outcome::Exists);
    let now = c.get(b"a").unwrap().unwrap().cas;
    assert!(matches!(c.cas(b"a", b"x", 0, Expiry::Never, now).unwrap(), Outcome::Stored(_)));
    assert_eq!(c.incr_or(b"n", 5, 10, Expiry::Never).unwrap(), 10);
    assert_eq!(c.incr(b"n", 5).unwrap(), Some(15));
    assert_eq!(c.decr(b"n", 6).unwrap(), Some(9));
    assert_eq!(c.get(b"n").unwrap().unwrap().data, b"9 ");
    assert!(matches!(c.incr(b"a", 1), Err(Error::NotNumeric)));
    assert_eq!(c.touch(b"a", Expiry::After(10)).unwrap(), Touch::Touched);
    c.advance_clock(9).unwrap();
    assert_eq!(c.get(b"a").unwrap().unwrap().ttl, Some(1));
    assert_eq!(c.gat(b"a", Expiry::After(5)).unwrap().unwrap().data, b"x");
    c.advance_clock(5).unwrap();
    assert_eq!(c.get(b"a").unwrap(), None);
    assert_eq!(c.delete(b"n").unwrap(), Deletion::Deleted);
    assert_eq!(c.delete(b"n").unwrap(), Deletion::Missing);
    c.set(b"f", b"f", 0, Expiry::Never).unwrap();
    c.flush_all(0).expect("the cache may be written");
    assert_eq!(c.get(b"f").unwrap(), None);
    assert_eq!(c.len(), 0);
    c.check().unwrap();
}

#[test]
fn large_values_and_churn() {
    let c = cache(1 << 20);
    let big: Vec<u8> = (0..300_000u32).map(|i| i as u8).collect();
    c.set(b"big", &big, 3, Expiry::Never).unwrap();
    assert_eq!(c.get(b"big").unwrap().unwrap().data, big);
    c.check().unwrap();
    for i in 0..50_000u32 {
        let key = format!("key:{i}");
        let value = vec![i as u8; (i % 200) as usize];
        c.set(key.as_bytes(), &value, i % 3, Expiry::Never).unwrap();
        if i % 7 == 0 {
            assert_eq!(c.get(key.as_bytes()).unwrap().unwrap().data, value);
        }
        if i % 5000 == 0 {
            c.check().unwrap();
        }
    }
    c.check().unwrap();
    let s = c.stats();
    println!("{s:?}");
    assert!(s.evictions > 0);
    assert_eq!(c.iter().count() as u64, s.curr_items);
}

#[test]
fn no_evictions_when_told_so() {
    let mut options = Options::new(1 << 20);
    options.evict = false;
    let c = options.open().unwrap();
    let mut stored = 0;
    for i in 0..100_000u32 {
        match c.set(format!("k{i}").as_bytes(), b"v", 0, Expiry::Never) {
            Ok(_) => stored += 1,
            Err(Error::OutOfMemory) => break,
            Err(e) => panic!("{e}"),
        }
    }
    println!("stored {stored} {:?}", c.stats());
    c.check().unwrap();
    for i in 0..stored {
        assert!(c.get(format!("k{i}").as_bytes()).unwrap().is_some(), "k{i}");
    }
}
