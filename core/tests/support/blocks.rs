//! Values that check themselves. A value is one or more blocks; a block names its key, its version and its length,
//! and its body follows from these, so that a torn, mixed or foreign value cannot pass for a whole one.
//!
//! ```text
//! key 4 | length of the body 4 | version 8 | sum of the three 8 | body
//! ```

use super::seed::mix;

const HEADER: usize = 24;

/// Appends a block with a body of `len` bytes to `out`.
pub fn write(key: u32, version: u64, len: usize, out: &mut Vec<u8>) {
    let sum = sum(key, version, len as u32);
    out.extend_from_slice(&key.to_le_bytes());
    out.extend_from_slice(&(len as u32).to_le_bytes());
    out.extend_from_slice(&version.to_le_bytes());
    out.extend_from_slice(&sum.to_le_bytes());
    let end = out.len() + len;
    let mut word = sum;
    while out.len() < end {
        word = next(word);
        let take = (end - out.len()).min(8);
        out.extend_from_slice(&word.to_le_bytes()[..take]);
    }
}

/// What a whole value holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The version of its newest block.
    pub newest: u64,
    /// How many blocks there are.
    pub blocks: usize,
}

/// Reads a value of `key` to its last byte. An error says what is wrong with it.
pub fn read(key: u32, value: &[u8]) -> Result<Held, String> {
    let mut held = Held { newest: 0, blocks: 0 };
    let mut rest = value;
    while !rest.is_empty() {
        let at = value.len() - rest.len();
        let (header, tail) = rest
            .split_at_checked(HEADER)
            .ok_or_else(|| format!("a block at byte {at} of {} has no header", value.len()))?;
        let of = u32::from_le_bytes(header[..4].try_into().expect("4 bytes"));
        let len = u32::from_le_bytes(header[4..8].try_into().expect("4 bytes"));
        let version = u64::from_le_bytes(header[8..16].try_into().expect("8 bytes"));
        let told = u64::from_le_bytes(header[16..].try_into().expect("8 bytes"));
        if told != sum(of, version, len) {
            return Err(format!("the header at byte {at} of {} is torn", value.len()));
        }
        if of != key {
            return Err(format!("a block of key {of} in a value of key {key}"));
        }
        let (body, after) = tail
            .split_at_checked(len as usize)
            .ok_or_else(|| format!("the block at byte {at} of {} is cut", value.len()))?;
        if let Some(wrong) = first_wrong(told, body) {
            return Err(format!(
                "byte {wrong} of the {len} of version {version} (at {at} of {}) is wrong",
                value.len()
            ));
        }
        held.newest = held.newest.max(version);
        held.blocks += 1;
        rest = after;
    }
    Ok(held)
}

fn first_wrong(sum: u64, body: &[u8]) -> Option<usize> {
    let mut word = sum;
    for (at, chunk) in body.chunks(8).enumerate() {
        word = next(word);
        if *chunk != word.to_le_bytes()[..chunk.len()] {
            return Some(at * 8);
        }
    }
    None
}

fn sum(key: u32, version: u64, len: u32) -> u64 {
    mix(mix(version ^ 0x5eed) ^ (u64::from(len) << 32 | u64::from(key)))
}

/// A step of a linear congruence (Knuth's multiplier): cheap enough for values of a megabyte.
fn next(word: u64) -> u64 {
    word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
