//! What a scan tells of each item, and what an observer is told of those that go.

mod support;

use nearcache::{Access, Cache, Cursor, Expiry, Gone, Home, Observer, Options, Reason, Seen};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use support::seed::{Rng, Told, of_run};

fn options() -> Options {
    let mut options = Options::new(4 << 20);
    options.manual_clock = true;
    options
}

fn pass(cache: &Cache, seconds: u32) {
    cache.advance_clock(seconds).expect("the clock is manual");
}

/// Everything that one scan sees; `steps` buckets at a time.
fn all<T>(cache: &Cache, steps: usize, mut told: impl FnMut(Seen<'_>) -> T) -> Vec<T> {
    let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
    while cache.scan(&mut cursor, steps, &mut |item| seen.push(told(item))).expect("no failure") {}
    let more = cache.scan(&mut cursor, steps, &mut |_| panic!("there is nothing behind the end"));
    assert!(!more.expect("no failure"));
    seen
}

#[test]
fn a_scan_tells_what_an_item_is() {
    let mut options = options();
    options.track_access = true;
    let cache = options.open().expect("the cache opens");
    cache.set(b"plain", b"value", 0, Expiry::Never).expect("no failure");
    pass(&cache, 100);
    cache.set(b"short", b"12345678", 7, Expiry::After(50)).expect("no failure");
    cache.get(b"short").expect("no failure");
    cache.get(b"short").expect("no failure");
    cache.set(b"stale", b"", 0, Expiry::Never).expect("no failure");
    cache.invalidate(b"stale", None).expect("no failure");
    cache.set(b"dead", b"", 0, Expiry::After(5)).expect("no failure");
    cache.incr_or(b"number", 1, 100, Expiry::Never).expect("no failure");
    cache.set(b"large", &[b'l'; 300_000], 0, Expiry::Never).expect("no failure");
    pass(&cache, 10);
    let stats = cache.stats();
    let seen: HashMap<Vec<u8>, _> = all(&cache, 100, |item| {
        let told = (item.value_len, item.flags, item.ttl, item.fetched, item.last_access);
        (item.key.to_vec(), (told, item.size, item.stale, item.reads))
    })
    .into_iter()
    .collect();
    assert_eq!(cache.stats(), stats, "a scan counts nothing");
    assert_eq!(seen.len(), 5, "what is dead is not shown");
    let of = |key: &str| seen[key.as_bytes()];
    assert_eq!(of("plain"), ((5, 0, None, false, Some(110)), 69, false, Some(0)));
    assert_eq!(of("short"), ((8, 7, Some(40), true, Some(10)), 76, false, Some(2)));
    assert_eq!(of("stale"), ((0, 0, None, false, Some(10)), 64, true, Some(0)));
    assert_eq!(of("number"), ((3, 0, None, false, Some(10)), 68, false, Some(0)));
    assert_eq!(of("large"), ((300_000, 0, None, false, Some(10)), 300_064, false, Some(0)));
    for key in seen.keys() {
        let shown = cache.inspect(key).expect("no failure").expect("it is there");
        assert_eq!(of(str::from_utf8(key).expect("text")).1, shown.size);
        let cas = all(&cache, 1, |item| (item.key == key).then_some(item.cas));
        assert_eq!(cas.into_iter().flatten().collect::<Vec<_>>(), [shown.meta.cas]);
    }
}

#[test]
fn an_age_is_told_to_a_segment() {
    let cache = options().open().expect("the cache opens");
    let ages = || all(&cache, 64, |item| (item.key.to_vec(), item.age));
    cache.set(b"first", b"", 0, Expiry::Never).expect("no failure");
    pass(&cache, 100);
    assert_eq!(ages(), [(b"first".to_vec(), Some(100))]);
    for k in 0u32..5000 {
        cache.set(&k.to_le_bytes(), &[b'v'; 100], 0, Expiry::Never).expect("no failure");
    }
    pass(&cache, 10);
    let ages: HashMap<_, _> = ages().into_iter().collect();
    assert_eq!(ages[&4999u32.to_le_bytes()[..]], Some(10), "stored in a segment of its time");
}

#[test]
fn a_scan_can_wait_and_be_called_back() {
    let mut options = Options::new(8 << 20);
    options.evict = false;
    let cache = options.open().expect("the cache opens");
    for k in 0u32..1000 {
        cache.set(&k.to_le_bytes(), b"v", 0, Expiry::Never).expect("no failure");
    }
    let (mut cursor, mut seen) = (Cursor::default(), HashSet::new());
    let mut grown = false;
    loop {
        let more = cache.scan(&mut cursor, 3, &mut |item| {
            // It may call the cache, and change what it is shown.
            assert!(cache.get(item.key).expect("no failure").is_some());
            seen.insert(item.key.to_vec());
        });
        if !more.expect("no failure") {
            break;
        }
        if !grown && seen.len() > 300 {
            // The index doubles, more than once.
            for k in 1000u32..60_000 {
                cache.set(&k.to_le_bytes(), b"v", 0, Expiry::Never).expect("no failure");
            }
            grown = true;
        }
    }
    assert!(grown);
    for k in 0u32..1000 {
        assert!(seen.contains(&k.to_le_bytes()[..]), "key {k} was there throughout");
    }
    // The cursor of another cache names a level that this one does not have.
    let mut cursor = Cursor::default();
    cache.scan(&mut cursor, 1, &mut |_| {}).expect("no failure");
    let small = Options::new(1 << 20).open().expect("the cache opens");
    small.set(b"k", b"v", 0, Expiry::Never).expect("no failure");
    while small.scan(&mut cursor, 9, &mut |_| {}).expect("no failure") {}
}

#[test]
fn who_only_reads_can_scan() {
    let cache = options().home(Home::Inherited).open().expect("the cache opens");
    cache.set(b"k", b"v", 0, Expiry::Never).expect("no failure");
    let fd = cache.descriptor().expect("it has one");
    let home = Home::Descriptor(std::os::fd::AsRawFd::as_raw_fd(&fd));
    let reader = options().home(home).access(Access::ReadOnly).open().expect("it attaches");
    assert_eq!(all(&reader, 8, |item| item.key.to_vec()), [b"k"]);
}

/// Key, length, time left, whether it was read, and why it went.
type Line = (Vec<u8>, usize, Option<u32>, bool, Reason);

/// Writes down what it is told.
#[derive(Debug, Default)]
struct Book {
    lines: Mutex<Vec<Line>>,
    panics: bool,
}

impl Observer for Book {
    fn gone(&self, item: &Gone<'_>) {
        assert_eq!(
            item.size,
            59 + item.key.len() + item.value_len + 4 * usize::from(item.flags != 0)
        );
        let line = (item.key.to_vec(), item.value_len, item.ttl, item.fetched, item.reason);
        self.lines.lock().expect("nobody panics with it").push(line);
        if self.panics {
            // As a panic does, without its message.
            std::panic::resume_unwind(Box::new(()));
        }
    }
}

fn observed(mut options: Options, panics: bool) -> (Cache, Arc<Book>) {
    let book = Arc::new(Book { panics, ..Book::default() });
    options.observer = Some(book.clone());
    (options.open().expect("the cache opens"), book)
}

#[test]
fn every_eviction_is_told_once() {
    let seed = of_run();
    let _told = Told(seed);
    let mut rng = Rng::new(seed);
    let (cache, book) = observed(options(), false);
    let mut stored = HashMap::new();
    for k in 0u64..60_000 {
        // Small ones, and now and then one of many segments.
        let len = if rng.below(500) == 0 { 70_000 + rng.index(300_000) } else { rng.index(300) };
        cache.set(&k.to_le_bytes(), &vec![b'v'; len], 9, Expiry::Never).expect("no failure");
        stored.insert(k.to_le_bytes().to_vec(), len);
        if rng.below(4) == 0 {
            cache.get(&rng.below(k + 1).to_le_bytes()).expect("no failure");
        }
    }
    let lines = book.lines.lock().expect("nobody panics with it");
    let stats = cache.stats();
    assert!(stats.evictions > 1000);
    assert_eq!(lines.len() as u64, stats.evictions);
    let unfetched = lines.iter().filter(|line| !line.3).count() as u64;
    assert_eq!(unfetched, stats.evicted_unfetched);
    for (key, len, ttl, _, reason) in lines.iter() {
        assert_eq!(stored.remove(key), Some(*len), "told twice, or of another length");
        assert_eq!((*ttl, *reason), (None, Reason::Evicted));
        assert!(!cache.contains(key).expect("a key"));
    }
    assert_eq!(stored.len() as u64, cache.len(), "what was not told is there");
    cache.check().expect("the cache is whole");
}

#[test]
fn what_has_expired_is_told_and_what_was_flushed_is_not() {
    let (cache, book) = observed(options(), false);
    for k in 0u32..5000 {
        cache.set(&k.to_le_bytes(), &[b'v'; 100], 0, Expiry::After(10)).expect("no failure");
    }
    pass(&cache, 10);
    cache.set(&7u32.to_le_bytes(), b"", 0, Expiry::Never).expect("no failure");
    for k in 10_000u32..60_000 {
        cache.set(&k.to_le_bytes(), &[b'v'; 100], 0, Expiry::Never).expect("no failure");
    }
    {
        let mut lines = book.lines.lock().expect("nobody panics with it");
        let dead: Vec<_> = lines.iter().filter(|line| line.4 == Reason::Expired).collect();
        assert_eq!(dead.len() as u64, cache.stats().reclaimed);
        assert_eq!(dead.len(), 5000);
        assert!(dead.iter().all(|line| line.2 == Some(0) && !line.3));
        lines.clear();
    }
    cache.flush_all(0).expect("no failure");
    let evicted = cache.stats().evictions;
    for k in 0u32..10_000 {
        cache.set(&k.to_le_bytes(), &[b'v'; 100], 0, Expiry::Never).expect("no failure");
    }
    assert_eq!(cache.stats().evictions, evicted, "what is flushed goes first");
    assert!(book.lines.lock().expect("nobody panics with it").is_empty());
    for key in [&b"deleted"[..], b"replaced"] {
        cache.set(key, b"1", 0, Expiry::Never).expect("no failure");
        cache.set(key, b"2", 0, Expiry::Never).expect("no failure");
        cache.delete(key).expect("no failure");
    }
    assert!(book.lines.lock().expect("nobody panics with it").is_empty());
}

#[test]
fn an_observer_that_panics_harms_nobody() {
    let (cache, book) = observed(Options::new(1 << 20), true);
    for k in 0u32..9000 {
        cache.set(&k.to_le_bytes(), &[b'v'; 100], 0, Expiry::Never).expect("no failure");
    }
    assert_eq!(book.lines.lock().expect("unharmed").len() as u64, cache.stats().evictions);
    assert!(cache.stats().evictions > 0);
    cache.check().expect("the cache is whole");
}

/// More threads than there are seats to keep scan at once, and each looks up what it is shown.
#[test]
fn a_visit_may_call_a_cache_whose_seats_are_all_taken() {
    use std::sync::{Barrier, mpsc};
    const THREADS: usize = 40;
    let cache = Arc::new(Options::new(1 << 20).open().expect("the cache opens"));
    cache.set(b"key", b"value", 0, Expiry::Never).expect("no failure");
    let (barrier, (done, finished)) = (Arc::new(Barrier::new(THREADS)), mpsc::channel());
    for _ in 0..THREADS {
        let (cache, barrier, done) = (Arc::clone(&cache), Arc::clone(&barrier), done.clone());
        std::thread::spawn(move || {
            // Those who come first keep a seat each.
            cache.get(b"key").expect("no failure");
            barrier.wait();
            let mut cursor = Cursor::default();
            let mut found = 0;
            let mut visit = |item: nearcache::Seen<'_>| {
                // All are shown it before any goes on.
                barrier.wait();
                found += usize::from(cache.contains(item.key).expect("no failure"));
            };
            while cache.scan(&mut cursor, 64, &mut visit).expect("no failure") {}
            done.send(found).expect("somebody waits");
        });
    }
    for _ in 0..THREADS {
        let found = finished.recv_timeout(std::time::Duration::from_secs(30));
        assert_eq!(found, Ok(1), "nobody holds a seat while it is shown an item");
    }
}
