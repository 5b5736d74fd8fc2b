//! Ghosts: fingerprints of what was evicted from the small pool. Who comes back soon goes to the main pool at
//! once (S3-FIFO). A line holds 32 fingerprints of 16 bits, the newest first; all of it is hints.

use crate::hash::KeyHash;
use crate::memory::Arena;
use crate::sync::Ordering;

fn fingerprint(hash: KeyHash) -> u64 {
    // 0 is an empty place.
    (hash.0 >> 8 & 0xffff).max(1)
}

/// Remembers an evicted key.
pub(super) fn remember(arena: &Arena, hash: KeyHash) {
    let mut carry = fingerprint(hash);
    for word in arena.ghost_line(hash) {
        // Relaxed: a lost ghost is a lost hint.
        let old = word.load(Ordering::Relaxed);
        word.store(old << 16 | carry, Ordering::Relaxed);
        carry = old >> 48;
    }
}

/// Was this key evicted a short while ago?
pub(super) fn remembers(arena: &Arena, hash: KeyHash) -> bool {
    // Once in each place of a word: all four are compared at once. What is equal becomes 0, and taking 1 from a place
    // that is 0, and from no other, sets its highest bit where it was not set. (Or from the place before it: but then that
    // one is 0.)
    const ONES: u64 = 0x0001_0001_0001_0001;
    let wanted = ONES * fingerprint(hash);
    let found = arena.ghost_line(hash).iter().fold(0, |found, word| {
        let differs = word.load(Ordering::Relaxed) ^ wanted;
        found | differs.wrapping_sub(ONES) & !differs
    });
    found & ONES << 15 != 0
}
