//! FastLZ's two formats, read and written: what php-memcached compresses by unless told otherwise.
//!
//! A stream is instructions to its end. The first byte's upper three bits are the level, 0 or 1, and its lower five
//! begin a run of literals, as every instruction does that is below 32: so many bytes, and one more, follow. Any other
//! copies what came out before: the upper three bits are the length less 2, where 7 says that more of it follows (one
//! byte at level 1; at level 2 bytes that are added until one is not 255); the lower five bits and one more byte, last, are
//! the distance less 1. At level 2 the distance 8191 says that 16 bits follow which are added to it.
//!
//! Nothing here is unsafe and nothing allocates: the caller bounds the output by the room it gives.

/// The longest run of literals in one instruction.
const RUN: usize = 32;
/// The longest match of level 1.
const MATCH: usize = 264;
/// Level 1: distances less 1, below this; level 2: from here on 16 bits more.
const NEAR: usize = 8191;
/// Distances less 1, at most, at level 2.
const FAR: usize = NEAR + 0xffff;
/// Inputs below this are written at level 1, as FastLZ does.
const LARGE: usize = 1 << 16;
/// No byte of a stream makes more than this many (level 2: 255).
pub const EXPANSION: usize = 256;

/// Fills `out` from a stream. False if the stream is damaged or makes more or less than that.
pub fn decompress(stream: &[u8], out: &mut [u8]) -> bool {
    expand(stream, out) == Some(out.len())
}

fn expand(stream: &[u8], out: &mut [u8]) -> Option<usize> {
    let (&first, mut rest) = stream.split_first()?;
    let is_far = match first >> 5 {
        0 => false,
        1 => true,
        _ => return None,
    };
    let mut instruction = first & 31;
    let mut at = 0;
    loop {
        if instruction < 32 {
            let (run, behind) = rest.split_at_checked(usize::from(instruction) + 1)?;
            out.get_mut(at..at + run.len())?.copy_from_slice(run);
            at += run.len();
            rest = behind;
        } else {
            let (len, distance) = copied(instruction, &mut rest, is_far)?;
            at = repeat(out, at, len, distance)?;
        }
        let Some((&next, behind)) = rest.split_first() else { return Some(at) };
        (instruction, rest) = (next, behind);
    }
}

/// The length and the distance of a match.
fn copied(instruction: u8, rest: &mut &[u8], is_far: bool) -> Option<(usize, usize)> {
    let mut next = || {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        Some(usize::from(byte))
    };
    let mut len = usize::from(instruction >> 5) + 2;
    if len == 9 {
        loop {
            let more = next()?;
            // No overflow: each byte of the stream adds 255 at most.
            len += more;
            if !is_far || more != 255 {
                break;
            }
        }
    }
    let mut distance = usize::from(instruction & 31) << 8 | next()?;
    if is_far && distance == NEAR {
        distance += next()? << 8 | next()?;
    }
    Some((len, distance + 1))
}

/// Copies `len` bytes from `distance` before `at` to there; they may overlap. Where the next byte goes.
fn repeat(out: &mut [u8], at: usize, len: usize, distance: usize) -> Option<usize> {
    let from = at.checked_sub(distance)?;
    let end = at.checked_add(len).filter(|end| *end <= out.len())?;
    if distance >= len {
        out.copy_within(from..from + len, at);
    } else if distance == 1 {
        let byte = out[from];
        out[at..end].fill(byte);
    } else {
        // What was copied is copied on: twice as much each time.
        let mut done = at;
        while done < end {
            let step = (done - from).min(end - done);
            out.copy_within(from..from + step, done);
            done += step;
        }
    }
    Some(end)
}

/// Compresses into `out`. `None` if that has not room enough.
pub fn compress(bytes: &[u8], out: &mut [u8]) -> Option<usize> {
    let is_far = bytes.len() >= LARGE;
    let mut writer = Writer { out, at: 0, is_far };
    let mut table = [0u32; 1 << 13];
    // Literals from here on are not written yet.
    let mut pending = 0;
    let mut at = 1;
    // A stream ends with literals, as FastLZ's own.
    let end = bytes.len().saturating_sub(2);
    while at + 12 < end {
        // A value is at most 1 GiB.
        let from = std::mem::replace(&mut table[slot(bytes, at)], at as u32) as usize;
        let distance = at - from - 1;
        let len = match bytes[from..from + 3] == bytes[at..at + 3] {
            true => 3 + same(&bytes[from + 3..], &bytes[at + 3..end]),
            false => 0,
        };
        let (shortest, longest) = match (is_far, distance < NEAR) {
            (_, true) => (3, if is_far { usize::MAX } else { MATCH }),
            // Two bytes more.
            (true, false) if distance <= FAR => (5, usize::MAX),
            _ => (usize::MAX, 0),
        };
        if len < shortest {
            // The longer nothing was found the faster it goes on.
            at += 1 + ((at - pending) >> 6);
            continue;
        }
        let len = len.min(longest);
        writer.literals(&bytes[pending..at])?;
        writer.repeat(len, distance)?;
        at += len;
        pending = at;
        // What ends here may be met again.
        for near in [at - 2, at - 1] {
            table[slot(bytes, near)] = near as u32;
        }
    }
    writer.literals(&bytes[pending..])?;
    let made = writer.at;
    if is_far {
        out[0] |= 1 << 5;
    }
    Some(made)
}

/// The place of the three bytes from `at` on in the table; there must be one more.
fn slot(bytes: &[u8], at: usize) -> usize {
    let word = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> 19) as usize
}

/// How many bytes at the beginning are the same.
fn same(a: &[u8], b: &[u8]) -> usize {
    let words = a.chunks_exact(8).zip(b.chunks_exact(8)).take_while(|(a, b)| a == b).count() * 8;
    words + a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count()
}

struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    is_far: bool,
}

impl Writer<'_> {
    fn byte(&mut self, byte: usize) -> Option<()> {
        *self.out.get_mut(self.at)? = byte as u8;
        self.at += 1;
        Some(())
    }

    fn literals(&mut self, bytes: &[u8]) -> Option<()> {
        for run in bytes.chunks(RUN) {
            self.byte(run.len() - 1)?;
            self.out.get_mut(self.at..self.at + run.len())?.copy_from_slice(run);
            self.at += run.len();
        }
        Some(())
    }

    /// A match; `distance` is one less than it is.
    fn repeat(&mut self, len: usize, distance: usize) -> Option<()> {
        let near = distance.min(NEAR);
        self.byte((len - 2).min(7) << 5 | near >> 8)?;
        if len >= 9 {
            let mut more = len - 9;
            while self.is_far && more >= 255 {
                self.byte(255)?;
                more -= 255;
            }
            self.byte(more)?;
        }
        self.byte(near & 255)?;
        if self.is_far && distance >= NEAR {
            self.byte((distance - NEAR) >> 8)?;
            self.byte((distance - NEAR) & 255)?;
        }
        Some(())
    }
}
