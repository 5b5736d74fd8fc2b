//! Compressed payloads as php-memcached writes them: the length of what is in them, 4 bytes in this machine's order, and
//! the compressor's own bytes.
//!
//! A length is believed only so far: what no compressor can make of so few bytes is damage, and what memory_limit does
//! not leave is refused in words, both before anything is allocated. The compressors' own memory is Rust's or C's,
//! but nothing of it is held while Zend allocates.

use super::{Why, fastlz};
use crate::settings::{Compressor, Writing};
use crate::zend::made::Made;
use crate::zend::memory_lacks;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The bit that says compressed, and those that say by what.
pub const COMPRESSED: u32 = 0x10;
const ZLIB: u32 = 0x20;
const FASTLZ: u32 = 0x40;
const ZSTD: u32 = 0x80;

/// Where the compressed bytes begin.
const HEAD: usize = 4;
/// What may come out, at most: the largest item there can be.
const MOST: usize = 1 << 30;
/// No byte of a deflate stream makes more than this many (258 of 2 bits), and no 4 of Zstandard's more than a block.
const ZLIB_EXPANSION: usize = 1032;
const ZSTD_EXPANSION: usize = 128 << 10;

/// A shorter payload and the flags that say so; `None` if it does not become shorter by the factor that is asked for.
pub fn shorten(payload: &[u8], writing: Writing) -> Option<(Made, u32)> {
    let most = worth(payload.len(), writing.factor)?;
    // A longer one has no length of 4 bytes, nor is there an item so large.
    let len = u32::try_from(payload.len()).ok()?;
    let mut made = Made::zeros(HEAD + most);
    let (head, room) = made.bytes_mut().split_at_mut(HEAD);
    head.copy_from_slice(&len.to_ne_bytes());
    let (shorter, kind) = match writing.compressor {
        Compressor::Fastlz => (fastlz::compress(payload, room)?, FASTLZ),
        Compressor::Zlib => (deflate(payload, writing.level, room)?, ZLIB),
        Compressor::Zstd => (zstd_safe::compress(room, payload, writing.level).ok()?, ZSTD),
    };
    made.truncate(HEAD + shorter);
    Some((made, COMPRESSED | kind))
}

/// How long the compressed bytes of so many may be, for `factor` to be reached. (php-memcached's rule: longer than the
/// compressed ones times the factor.)
fn worth(len: usize, factor: f64) -> Option<usize> {
    let most = ((len as f64 / factor).ceil() as usize).min(len).checked_sub(1)?;
    (most > 0).then_some(most)
}

/// What is in a compressed payload with these flags.
pub fn restore(payload: &[u8], flags: u32) -> Result<Made, Why> {
    let (head, stream) =
        payload.split_first_chunk::<HEAD>().ok_or("its length is cut short".to_owned())?;
    let len = u32::from_ne_bytes(*head) as usize;
    let (name, expansion) = match flags & (ZLIB | FASTLZ | ZSTD) {
        ZLIB => ("zlib", ZLIB_EXPANSION),
        FASTLZ => ("FastLZ", fastlz::EXPANSION),
        ZSTD => ("Zstandard", ZSTD_EXPANSION),
        _ => return Err("compressed by what, the flags do not say".into()),
    };
    if len > MOST || len > (stream.len() + HEAD).saturating_mul(expansion) {
        return Err(format!("{} bytes of {name} cannot hold the {len} announced", stream.len()));
    }
    let mut made = room(len)?;
    let out = made.bytes_mut();
    let sound = match flags & (ZLIB | FASTLZ | ZSTD) {
        ZLIB => inflate(stream, out),
        FASTLZ => fastlz::decompress(stream, out),
        _ => zstd_safe::decompress(out, stream) == Ok(len),
    };
    match sound {
        true => Ok(made),
        false => Err(format!("not the {name} of {len} bytes")),
    }
}

/// Room for `len` bytes, or a sentence about the memory limit.
fn room(len: usize) -> Result<Made, Why> {
    match memory_lacks(len) {
        None => Ok(Made::zeros(len)),
        Some(left) => Err(too_large(len, left)),
    }
}

fn too_large(len: usize, left: usize) -> Why {
    format!("it holds {len} bytes or more, and memory_limit leaves {left}: raise it, or store less")
}

/// zlib's format without a length before it, as portable values have it; shorter by the factor, or `None`.
pub fn shorten_portable(payload: &[u8], writing: Writing) -> Option<Made> {
    let mut made = Made::zeros(worth(payload.len(), writing.factor)?);
    let shorter = deflate(payload, writing.level, made.bytes_mut())?;
    made.truncate(shorter);
    Some(made)
}

/// The contents of zlib's format, whose length nobody says: counted first, so that no more is allocated than it takes.
pub fn restore_portable(stream: &[u8]) -> Result<Made, Why> {
    let most = memory_lacks(MOST).unwrap_or(MOST);
    let len = inflated_len(stream, most)?;
    let mut made = room(len)?;
    match inflate(stream, made.bytes_mut()) {
        true => Ok(made),
        false => Err("not zlib's format".into()),
    }
}

fn inflated_len(stream: &[u8], most: usize) -> Result<usize, Why> {
    let mut state = Decompress::new(true);
    let mut window = [0; 16 << 10];
    loop {
        let rest = &stream[state.total_in() as usize..];
        let before = (state.total_in(), state.total_out());
        let status = state.decompress(rest, &mut window, FlushDecompress::None);
        let len = state.total_out() as usize;
        if len > most {
            return Err(match most {
                MOST => "it holds more than 1 GiB".into(),
                left => too_large(len, left),
            });
        }
        match status {
            Ok(Status::StreamEnd) if state.total_in() as usize == stream.len() => return Ok(len),
            Ok(Status::StreamEnd) => return Err("more than zlib's format".into()),
            Ok(_) if before != (state.total_in(), state.total_out()) => {}
            Ok(_) => return Err("zlib's format cut short".into()),
            Err(_) => return Err("not zlib's format".into()),
        }
    }
}

/// Fills `out` from zlib's format. False if that is damaged or holds more or less.
fn inflate(stream: &[u8], out: &mut [u8]) -> bool {
    let mut state = Decompress::new(true);
    let status = state.decompress(stream, out, FlushDecompress::Finish);
    matches!(status, Ok(Status::StreamEnd)) && state.total_out() as usize == out.len()
}

/// Writes zlib's format. `None` if there is not room enough.
fn deflate(bytes: &[u8], level: i32, out: &mut [u8]) -> Option<usize> {
    // zlib has the levels 0 (which does not compress) to 9; the setting's are Zstandard's.
    let level = Compression::new(level.clamp(1, 9) as u32);
    let mut state = Compress::new(level, true);
    match state.compress(bytes, out, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => Some(state.total_out() as usize),
        _ => None,
    }
}
