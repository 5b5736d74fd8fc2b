//! The engine beside the oracle: random sequences of every verb, each case ended by a recount of the whole cache.

mod support;

use nearcache::Options;
use support::ops::Shape;
use support::pair::Memory;
use support::property::holds;

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;

/// Everything fits many times over, large values of many segments among it: exact equality.
#[test]
fn a_roomy_cache_is_memcached() {
    let shape = Shape { keys: 30, large_keys: 6, large: 900 * KIB, small: 2 * KIB, most: 600 };
    holds(&shape, &Options::new(64 * MIB), Memory::Roomy, 60);
}

/// Few keys and short sequences: the verbs meet each other more often.
#[test]
fn few_keys_in_a_roomy_cache() {
    let shape = Shape { keys: 3, large_keys: 0, large: 0, small: 300, most: 120 };
    holds(&shape, &Options::new(4 * MIB), Memory::Roomy, 400);
}

/// Every item has the time of its last access beside it.
#[test]
fn a_cache_that_keeps_accesses_is_memcached() {
    let shape = Shape { keys: 8, large_keys: 2, large: 300 * KIB, small: 2 * KIB, most: 200 };
    let mut options = Options::new(16 * MIB);
    options.track_access = true;
    holds(&shape, &options, Memory::Roomy, 100);
}

/// What is alive is a small part of the memory, but the log goes around it several times: dead items make room,
/// and no live one is evicted for it.
#[test]
fn overwriting_evicts_nothing_while_most_of_memory_is_dead() {
    let shape = Shape { keys: 20, large_keys: 0, large: 0, small: 30 * KIB, most: 800 };
    holds(&shape, &Options::new(3 * MIB), Memory::Roomy, 40);
}

/// Memory holds a part of what is stored: a key may be missing, but is never wrong, old or back from the dead.
#[test]
fn a_tight_cache_evicts_and_never_lies() {
    let shape = Shape { keys: 50, large_keys: 12, large: 400 * KIB, small: 60 * KIB, most: 800 };
    holds(&shape, &Options::new(2 * MIB), Memory::Tight, 60);
}

/// The smallest cache, with values up to nearly the whole of it.
#[test]
fn the_smallest_cache_evicts_and_never_lies() {
    let shape = Shape { keys: 40, large_keys: 8, large: 900 * KIB, small: 20 * KIB, most: 600 };
    let options = Options::new(Options::SIZE_MIN);
    holds(&shape, &options, Memory::Tight, 60);
}

/// Without evictions a full cache refuses, and what it holds stays exact.
#[test]
fn a_cache_that_may_not_evict_refuses() {
    let shape = Shape { keys: 40, large_keys: 8, large: 300 * KIB, small: 40 * KIB, most: 800 };
    holds(&shape, &Options::new(2 * MIB), Memory::Refusing, 60);
}

/// A small item limit is where appends and stores stop.
#[test]
fn a_small_item_limit_is_exact() {
    let shape = Shape { keys: 12, large_keys: 4, large: 1100, small: 700, most: 300 };
    let mut options = Options::new(4 * MIB);
    options.item_size_max = KIB;
    holds(&shape, &options, Memory::Roomy, 60);
}
