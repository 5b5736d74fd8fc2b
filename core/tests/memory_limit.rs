//! The memory limit is exact: the address space and the memory that a cache takes from the system never exceed it.
//!
//! One test alone in its process, because it reads what the system counts for the whole process.

mod support;

use nearcache::{Error, Expiry, Options, Outcome};
use support::seed::{Rng, Told, of_run};

/// What the process may take besides the arena: the handle, and the allocator's own growth.
const ASIDE: u64 = 192 << 10;

/// Address space and resident memory of this process, in bytes.
fn taken() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc");
    let mut pages = text.split_ascii_whitespace().map(|word| word.parse::<u64>());
    let mut next = || pages.next().expect("statm has 7 fields").expect("numbers") * 4096;
    (next(), next())
}

#[test]
fn the_limit_is_exact() {
    let seed = of_run();
    let _told = Told(seed);
    let mut rng = Rng::new(seed);
    let bytes = vec![b'm'; 400 << 10];
    for size in [1 << 20, (3 << 20) + 12_345, 17 << 20, 64 << 20, 100_000_000] {
        let before = taken();
        let cache = Options::new(size).open().expect("the cache opens");
        let opened = taken();
        assert!(opened.0 - before.0 <= size + ASIDE, "{size}: {} mapped", opened.0 - before.0);
        let mut stored = 0u64;
        let mut peak = 0;
        for step in 0u64.. {
            if stored >= size * 3 {
                break;
            }
            // Mostly small, so that the index grows to its most; some of many segments.
            let len = match rng.below(1000) {
                0 => rng.index(bytes.len()),
                1..50 => rng.index(4000),
                _ => rng.index(60),
            };
            let key = rng.next().to_le_bytes();
            match cache.set(&key, &bytes[..len], 0, Expiry::Never) {
                Ok(Outcome::Stored(_)) => stored += 64 + len as u64,
                // The smallest cache cannot hold the largest of these.
                Err(Error::OutOfMemory) if len as u64 > size / 4 => {}
                other => panic!("{size}: a set of {len} bytes was answered {other:?}"),
            }
            if step.is_multiple_of(256) {
                let stats = cache.stats();
                peak = peak.max(stats.bytes);
                // Whole pages: what is beyond the last one is not used.
                let limit = stats.limit_maxbytes;
                assert!(limit <= size && limit + 4096 > size, "{size}: limit_maxbytes {limit}");
                assert!(stats.bytes <= size, "{size}: {} bytes of items", stats.bytes);
            }
        }
        let full = taken();
        let (mapped, resident) = (full.0 - before.0, full.1.saturating_sub(before.1));
        assert!(mapped <= size + ASIDE, "{size}: {mapped} mapped when full");
        assert!(resident <= size + ASIDE, "{size}: {resident} resident when full");
        assert!(resident > size / 2, "{size}: only {resident} resident when full");
        assert!(peak > size / 2, "{size}: at most {peak} bytes of items");
        cache.check().expect("the cache is whole");
        drop(cache);
        let after = taken();
        assert!(after.0 <= before.0 + ASIDE, "{size}: not unmapped");
    }
}
