//! A value on its way in. A small one waits in the read buffer until it is whole and is stored from there; a large one
//! gets a place of its own, into which the socket is read directly; one that is too large is not kept at all.

use crate::buffer::{BUFFER_SIZE, Input, Output, Pool};
use crate::dispatch::Desk;
use crate::protocol::ascii::Write;

/// The least a value's place grows by: whoever announces much must send much.
const GROWTH_LEAST: usize = 64 << 10;

/// What became of a storing line.
#[derive(Debug)]
pub enum Storing {
    /// The data will soon be there whole: look again then.
    Wait,
    /// Answered; so many bytes of data are used up.
    Done(usize),
    /// Answered with a refusal; the data is to be skipped.
    Skip,
    /// What has come of the data is taken; more is to come.
    Begun(Box<Value>),
}

/// Does what a storing line says; `line` is the line with its end, `rest` what has come of its data.
pub fn storing(
    desk: Desk<'_>,
    write: &Write<'_>,
    line: Line<'_>,
    rest: &[u8],
    out: &mut Output,
) -> Storing {
    let whole = write.data_len() + 2;
    if let Some(data) = rest.get(..whole) {
        if !desk.refuse_too_large(write, out) {
            desk.store(write, data, out);
        }
        return Storing::Done(whole);
    }
    if fits_input(line.next + whole) {
        return Storing::Wait;
    }
    if desk.refuse_too_large(write, out) {
        return Storing::Skip;
    }
    Storing::Begun(Box::new(Value::new(line, whole, rest)))
}

/// Is a request of this length waited for in the input?
pub fn fits_input(len: usize) -> bool {
    len <= BUFFER_SIZE / 2
}

/// Skips what has come of the `left` bytes that nobody wants; is that all of them?
pub fn swallow(input: &mut Input, left: &mut usize) -> bool {
    let here = input.unread().len().min(*left);
    *left -= here;
    input.consume(here);
    *left == 0
}

/// A line, or a binary request's head, as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Without its end.
    pub text: &'a [u8],
    /// Its length with its end.
    pub next: usize,
}

/// A value that comes in pieces, and the line that announced it, which is read once more in the end: what a line says
/// depends on nothing else.
#[derive(Debug)]
pub struct Value {
    line: Vec<u8>,
    next: usize,
    /// The length of the data, its end included.
    len: usize,
    data: Vec<u8>,
}

impl Value {
    /// `len` bytes of data that `line` has announced; `begun` has come of them.
    pub fn new(line: Line<'_>, len: usize, begun: &[u8]) -> Value {
        Value { line: line.text.to_vec(), next: line.next, len, data: begun.to_vec() }
    }

    /// Room for the next read. It grows with what has come, so each byte is moved a bounded number of times and a
    /// mere announcement costs nothing. A read may bring more than the value.
    pub fn make_room(&mut self) -> &mut Vec<u8> {
        let missing = self.len.saturating_sub(self.data.len());
        if self.data.capacity() - self.data.len() < missing.min(GROWTH_LEAST / 4) {
            let growth = missing.min(self.data.len()).max(GROWTH_LEAST);
            self.data.reserve_exact(growth);
        }
        &mut self.data
    }

    /// If the value is whole: the line that announced it, and its data. What was read behind it, which is the
    /// beginning of the next request, goes to the input.
    pub fn whole(&mut self, input: &mut Input, pool: &mut Pool) -> Option<(Line<'_>, &[u8])> {
        let surplus = self.data.get(self.len..)?;
        if !surplus.is_empty() {
            input.make_room(pool).extend_from_slice(surplus);
            self.data.truncate(self.len);
        }
        Some((Line { text: &self.line, next: self.next }, &self.data))
    }

    /// Bytes held.
    pub fn capacity(&self) -> usize {
        self.line.capacity() + self.data.capacity()
    }
}
