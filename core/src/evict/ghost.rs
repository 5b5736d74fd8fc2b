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
    let wanted = fingerprint(hash);
    arena.ghost_line(hash).iter().any(|word| {
        let word = word.load(Ordering::Relaxed);
        (0..4).any(|k| word >> (16 * k) & 0xffff == wanted)
    })
}
