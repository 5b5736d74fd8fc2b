//! The keys that are asked for, drawn before the clock starts.

/// Length of every value, in bytes.
pub const VALUE: usize = 100;

/// A key of 16 bytes, as an identifier or a short name would be.
pub type Key = [u8; 16];

/// The key of an item's number: its bytes are spread, so that no hash has an easy time.
pub fn key(number: u64) -> Key {
    let high = mix(number);
    let mut key = [0; 16];
    key[..8].copy_from_slice(&high.to_le_bytes());
    key[8..].copy_from_slice(&number.to_le_bytes());
    key
}

/// The finalizer of SplitMix64.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `count` keys of `items`, with Zipf's frequencies of exponent 0.99: the usual skew of a cache's requests.
pub fn zipf(items: u64, count: usize) -> Vec<Key> {
    let mut sum = 0.0;
    let shares: Vec<f64> = (1..=items)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    let at = |draw: u64| {
        let point = (draw >> 11) as f64 / (1u64 << 53) as f64 * sum;
        let rank = shares.partition_point(|share| *share < point) as u64;
        // Spread over the items by a multiplication that permutes them: hot ones are not neighbours.
        rank.min(items - 1).wrapping_mul(2_654_435_761) % items
    };
    (0..count as u64).map(|draw| key(at(mix(draw)))).collect()
}

/// `count` keys of `items`, each as likely as any.
pub fn uniform(items: u64, count: usize) -> Vec<Key> {
    (0..count as u64).map(|draw| key(mix(draw) % items)).collect()
}
