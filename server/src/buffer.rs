//! The bytes of a connection on their way in and out. An idle connection holds none: buffers come from the
//! worker's pool when there is something to read and go back when there is nothing left, so that fifty busy
//! connections work in the same few cached kilobytes.

use crate::protocol::number::width;
use nearcache::Sink;
use std::mem::MaybeUninit;

/// What one read takes at most, and the size of a pooled buffer.
pub const BUFFER_SIZE: usize = 32 << 10;

/// With this much unsent, a connection's next request waits until its client has read something.
pub const OUTPUT_HIGH: usize = 64 << 10;

/// Buffers grown over this by one large value are freed, not pooled.
const KEPT_SIZE: usize = 2 * OUTPUT_HIGH;

/// How many buffers a worker keeps.
const KEPT_COUNT: usize = 64;

/// A worker's spare buffers.
#[derive(Debug, Default)]
pub struct Pool {
    spare: Vec<Vec<u8>>,
    bytes: usize,
}

impl Pool {
    fn take(&mut self) -> Vec<u8> {
        match self.spare.pop() {
            Some(buffer) => {
                self.bytes -= buffer.capacity();
                buffer
            }
            None => Vec::with_capacity(BUFFER_SIZE),
        }
    }

    fn put(&mut self, mut buffer: Vec<u8>) {
        let useful = (BUFFER_SIZE..=KEPT_SIZE).contains(&buffer.capacity());
        if useful && self.spare.len() < KEPT_COUNT {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }

    /// Bytes kept in spare.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes read and not yet understood.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    start: usize,
}

impl Input {
    /// What is there.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Done with the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.bytes.len(), "only what is there can be used up");
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
    }

    /// Makes room behind the bytes and lends the buffer; whoever borrows it only appends.
    pub fn make_room(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
        }
        if self.start > 0 && self.bytes.capacity() - self.bytes.len() < BUFFER_SIZE / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.len() == self.bytes.capacity() {
            // Only a long multiget comes here; its line limit bounds the growth.
            self.bytes.reserve(self.bytes.len());
        }
        &mut self.bytes
    }

    /// Gives an empty buffer back.
    pub fn rest(&mut self, pool: &mut Pool) {
        if self.bytes.is_empty() && self.bytes.capacity() > 0 {
            pool.put(std::mem::take(&mut self.bytes));
        }
    }

    /// Bytes held.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Replies not yet sent.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    sent: usize,
    /// How wide the flags and the unique of the last value were: the next is likely to be like it.
    flags_width: usize,
    cas_width: usize,
    last_len: usize,
}

impl Default for Output {
    fn default() -> Output {
        Output { bytes: Vec::new(), sent: 0, flags_width: 1, cas_width: 1, last_len: 0 }
    }
}

impl Output {
    /// What is still to be sent.
    pub fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The first `count` unsent bytes are sent.
    pub fn advance(&mut self, count: usize) {
        self.sent += count;
        debug_assert!(self.sent <= self.bytes.len(), "only what is there can be sent");
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
    }

    /// Gets a buffer ready for writing.
    pub fn begin(&mut self, pool: &mut Pool) {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
        }
    }

    /// Gives an empty buffer back.
    pub fn rest(&mut self, pool: &mut Pool) {
        if self.bytes.is_empty() && self.bytes.capacity() > 0 {
            pool.put(std::mem::take(&mut self.bytes));
        }
    }

    /// Bytes held.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The present end; see [`Output::back_to`].
    pub fn mark(&self) -> usize {
        self.bytes.len()
    }

    /// What was written since `mark`.
    pub fn since(&self, mark: usize) -> &[u8] {
        &self.bytes[mark.min(self.bytes.len())..]
    }

    /// Unwrites everything behind `mark` (nothing of it may have been sent).
    pub fn back_to(&mut self, mark: usize) {
        debug_assert!(self.sent <= mark, "sent bytes cannot be taken back");
        self.bytes.truncate(mark);
    }

    /// Appends bytes.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
    }

    /// Appends a number.
    #[inline]
    pub fn number(&mut self, number: u64) {
        self.text(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Inserts `head` before everything written since `mark`.
    pub fn insert(&mut self, mark: usize, head: &[u8]) {
        self.bytes.splice(mark..mark, head.iter().copied());
    }

    /// Writes `bytes` over what stands at `mark`.
    pub fn overwrite(&mut self, mark: usize, bytes: &[u8]) {
        self.bytes[mark..mark + bytes.len()].copy_from_slice(bytes);
    }

    /// A place for one `VALUE` reply, filled by the core through [`Sink`].
    #[inline]
    pub fn value<'a>(&'a mut self, key: &'a [u8], with_cas: bool) -> ValueReply<'a> {
        ValueReply { start: self.bytes.len(), out: self, key, with_cas, len: 0, data: 0 }
    }

    /// One `VALUE` reply whose bytes are at hand.
    #[inline]
    pub fn value_copied(&mut self, key: &[u8], with_cas: bool, flags: u32, cas: u64, data: &[u8]) {
        self.last_len = data.len();
        let mut digits = itoa::Buffer::new();
        self.bytes.reserve(6 + key.len() + 60 + data.len());
        self.text(b"VALUE ");
        self.text(key);
        self.text(b" ");
        self.text(digits.format(flags).as_bytes());
        self.text(b" ");
        self.text(digits.format(data.len()).as_bytes());
        if with_cas {
            self.text(b" ");
            self.text(digits.format(cas).as_bytes());
        }
        self.text(b"\r\n");
        self.text(data);
        self.text(b"\r\n");
    }

    /// How long the last value was.
    pub fn last_len(&self) -> usize {
        self.last_len
    }

    /// A place for bare bytes at the end, filled by the core through [`Sink`].
    /// If not `wanted`, the core is told to copy nothing.
    pub fn data(&mut self, wanted: bool) -> DataReply<'_> {
        DataReply { out: self, wanted, len: 0 }
    }

    /// The length of a `VALUE` line whose flags and unique are as wide as the last ones.
    #[inline]
    fn line_len(&self, key: &[u8], len: usize, with_cas: bool) -> usize {
        let unique = if with_cas { 1 + self.cas_width } else { 0 };
        6 + key.len() + 1 + self.flags_width + 1 + width(len as u64) + unique + 2
    }

    /// Makes the `len` bytes behind the end part of the output.
    fn adopt(&mut self, len: usize) {
        let end = self.bytes.len() + len;
        assert!(end <= self.bytes.capacity(), "room was made for the value");
        // SAFETY: the capacity is asserted above. That the bytes are written is the contract of `Sink::room`, which
        // the core guarantees: when its get has returned a hit, all bytes of the room it asked for last are written,
        // and both callers adopt exactly the length they lent last, with nothing appended in between.
        unsafe { self.bytes.set_len(end) }
    }
}

/// A `VALUE <key> <flags> <length> [<unique>]` line with its data behind it. The core learns flags and unique with
/// the data, but the line goes before them; so room is left for a line as wide as the last one, and only if the
/// guess was wrong is the data moved.
#[derive(Debug)]
pub struct ValueReply<'a> {
    out: &'a mut Output,
    key: &'a [u8],
    with_cas: bool,
    start: usize,
    data: usize,
    len: usize,
}

impl ValueReply<'_> {
    /// The key was there: completes the line and the end of the data.
    #[inline]
    pub fn hit(self, flags: u32, unique: u64) {
        let (flags_width, cas_width) = (width(u64::from(flags)), width(unique));
        let out = self.out;
        out.adopt(self.len);
        out.last_len = self.len;
        if out.flags_width != flags_width || (self.with_cas && out.cas_width != cas_width) {
            out.flags_width = flags_width;
            if self.with_cas {
                out.cas_width = cas_width;
            }
            let place = self.start + out.line_len(self.key, self.len, self.with_cas);
            let end = self.data + self.len;
            out.bytes.resize(end.max(place + self.len), 0);
            out.bytes.copy_within(self.data..end, place);
            out.bytes.truncate(place + self.len);
        }
        out.bytes.extend_from_slice(b"\r\n");
        let mut at = self.start + 6 + self.key.len() + 1;
        let mut digits = itoa::Buffer::new();
        let mut put = |text: &[u8]| {
            out.bytes[at..at + text.len()].copy_from_slice(text);
            at += text.len();
        };
        put(digits.format(flags).as_bytes());
        put(b" ");
        put(digits.format(self.len).as_bytes());
        if self.with_cas {
            put(b" ");
            put(digits.format(unique).as_bytes());
        }
        put(b"\r\n");
    }

    /// The key was not there: as if nothing had been asked.
    #[inline]
    pub fn miss(self) {
        self.out.bytes.truncate(self.start);
    }
}

impl Sink for ValueReply<'_> {
    #[inline]
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        let out = &mut *self.out;
        out.bytes.truncate(self.start);
        let line = out.line_len(self.key, len, self.with_cas);
        out.bytes.reserve(line + len + 2);
        out.bytes.extend_from_slice(b"VALUE ");
        out.bytes.extend_from_slice(self.key);
        // The numbers are written over these spaces when they are known.
        out.bytes.resize(self.start + line, b' ');
        self.data = out.bytes.len();
        self.len = len;
        Some(&mut out.bytes.spare_capacity_mut()[..len])
    }
}

/// Bytes of a value at the end of the output.
#[derive(Debug)]
pub struct DataReply<'a> {
    out: &'a mut Output,
    wanted: bool,
    len: usize,
}

impl DataReply<'_> {
    /// The key was there and its bytes are sent: keeps them, and ends them as text.
    pub fn hit(self) {
        self.out.adopt(self.len);
        self.out.bytes.extend_from_slice(b"\r\n");
    }

    /// The key was there: keeps its bytes as they are.
    pub fn keep(self) {
        self.out.adopt(self.len);
    }

    /// There is nothing to send: the bytes, if any, are dropped.
    pub fn miss(self) {}
}

impl Sink for DataReply<'_> {
    fn room(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        if !self.wanted {
            return None;
        }
        self.out.bytes.reserve(len + 2);
        self.len = len;
        Some(&mut self.out.bytes.spare_capacity_mut()[..len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(sink: &mut impl Sink, value: &[u8]) {
        let room = sink.room(value.len()).expect("room");
        for (place, &byte) in room.iter_mut().zip(value) {
            place.write(byte);
        }
    }

    #[test]
    fn value_lines_of_every_width() {
        let mut out = Output::default();
        let mut expected = Vec::new();
        let flags = [0, 7, 12345, u32::MAX, 3, 0];
        for (turn, flags) in flags.into_iter().enumerate() {
            for (with_cas, cas) in [(false, 5), (true, 1), (true, u64::MAX), (true, 20)] {
                let value = vec![b'a' + turn as u8; turn * 7];
                let mut reply = out.value(b"key", with_cas);
                fill(&mut reply, b"an item that changed while it was copied");
                fill(&mut reply, &value);
                reply.hit(flags, cas);
                out.value(b"missing", with_cas).miss();
                let unique = if with_cas { format!(" {cas}") } else { String::new() };
                expected.extend(format!("VALUE key {flags} {}{unique}\r\n", value.len()).bytes());
                expected.extend(&value);
                expected.extend(b"\r\n");
            }
        }
        assert_eq!(String::from_utf8_lossy(out.unsent()), String::from_utf8_lossy(&expected));
    }

    #[test]
    fn input_keeps_what_is_unread() {
        let (mut pool, mut input) = (Pool::default(), Input::default());
        let mut written = 0u32;
        let mut read = 0u32;
        for _ in 0..10_000 {
            let buffer = input.make_room(&mut pool);
            for _ in 0..5 {
                buffer.extend(written.to_le_bytes());
                written += 1;
            }
            while read + 2 < written {
                assert_eq!(input.unread()[..4], read.to_le_bytes());
                input.consume(4);
                read += 1;
            }
        }
        assert!(input.capacity() <= 2 * BUFFER_SIZE);
        input.consume(input.unread().len());
        input.rest(&mut pool);
        assert_eq!((input.capacity(), pool.bytes() >= BUFFER_SIZE), (0, true));
    }
}
