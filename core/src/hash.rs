//! The specified key hash: rapidhash V3, the same in every build and process, seeded per arena against flooding.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// A key's hash, and how the index reads it: the upper half names the bucket, the lower 16 bits are the tag,
/// and a bit between them says in which of the bucket's cache lines a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyHash(pub u64);

impl KeyHash {
    /// Which of `buckets` buckets: a multiplication instead of a division (Lemire, "Fast random integer
    /// generation in an interval", 2019). Doubling `buckets` splits bucket b into 2b and 2b+1.
    #[inline(always)]
    pub fn bucket(self, buckets: u64) -> u64 {
        ((self.0 >> 32) * buckets) >> 32
    }

    /// The 16 bits kept in the slot.
    #[inline(always)]
    pub fn tag(self) -> u64 {
        self.0 & 0xffff
    }

    /// The slot where a search begins: the first of a cache line's, so that nearly always one line is enough.
    #[inline(always)]
    pub fn home(self) -> usize {
        if self.is_upper() { UPPER } else { 0 }
    }

    /// Does the search begin in the bucket's second cache line?
    #[inline(always)]
    pub fn is_upper(self) -> bool {
        self.0 >> 31 & 1 == 1
    }
}

/// The first slot of a bucket's second cache line; CTRL and the slots before it fill the first.
pub(crate) const UPPER: usize = 7;

/// The hash function of one arena.
#[derive(Clone, Debug)]
pub(crate) struct KeyHasher(RapidSecrets);

impl KeyHasher {
    /// The function that belongs to this seed.
    pub fn new(seed: u64) -> KeyHasher {
        KeyHasher(RapidSecrets::seed(seed))
    }

    #[inline(always)]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(rapidhash_v3_seeded(key, &self.0))
    }
}

/// A seed that nobody can guess. In the builds that damage arenas it is always the same, so that a case can be replayed.
pub(crate) fn random_seed() -> Result<u64, crate::Error> {
    if cfg!(nearcache_damage) {
        return Ok(42);
    }
    let mut bytes = [0; 8];
    // SAFETY: the buffer is valid for its length.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if got != bytes.len() as isize {
        let error = std::io::Error::last_os_error();
        return Err(crate::Error::System(
            "cannot get random bytes for the hash seed".into(),
            error,
        ));
    }
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_specified() {
        // A region outlives the build that made it: another answer here is another layout version.
        let hasher = KeyHasher::new(42);
        assert_eq!(hasher.hash(b"key").0, KeyHasher::new(42).hash(b"key").0);
        assert_ne!(hasher.hash(b"key"), hasher.hash(b"kez"));
        assert_ne!(hasher.hash(b"key"), KeyHasher::new(43).hash(b"key"));
        assert_eq!(hasher.hash(b"nearcache").0, GOLDEN);
    }

    /// rapidhash V3 of "nearcache" under the secrets of seed 42.
    const GOLDEN: u64 = 5_699_180_354_036_534_177;

    #[test]
    fn doubling_splits_a_bucket_in_two_neighbours() {
        for i in 0..10_000u64 {
            let hash = KeyHash(i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let bucket = hash.bucket(1000);
            assert!(bucket < 1000);
            assert_eq!(hash.bucket(2000) / 2, bucket);
        }
    }
}
