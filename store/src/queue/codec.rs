//! Numbers and names as bytes, for the records of queues: little-endian words, lengths before what varies.

use crate::Error;

/// Appends an unsigned word.
pub fn put_u64(bytes: &mut Vec<u8>, word: u64) {
    bytes.extend_from_slice(&word.to_le_bytes());
}

/// Appends bytes that are at most 255.
pub fn put_short(bytes: &mut Vec<u8>, short: &[u8]) {
    debug_assert!(short.len() <= usize::from(u8::MAX));
    bytes.push(short.len() as u8);
    bytes.extend_from_slice(short);
}

/// Reads what was appended, in the same order.
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Of bytes that are to be `what`.
    pub fn new(rest: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest, what }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Error> {
        let (byte, rest) = self.rest.split_first().ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(*byte)
    }

    /// A word of four bytes.
    pub fn u32(&mut self) -> Result<u32, Error> {
        let (word, rest) = self.rest.split_first_chunk().ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*word))
    }

    /// A word of eight bytes.
    pub fn u64(&mut self) -> Result<u64, Error> {
        let (word, rest) = self.rest.split_first_chunk().ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*word))
    }

    /// Bytes with their length before them.
    pub fn short(&mut self) -> Result<&'a [u8], Error> {
        let len = usize::from(self.byte()?);
        let (short, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.cut())?;
        self.rest = rest;
        Ok(short)
    }

    /// What is left.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    fn cut(&self) -> Error {
        Error::Damaged(format!(
            "{} is cut short: verify the store, and restore a backup",
            self.what
        ))
    }
}
