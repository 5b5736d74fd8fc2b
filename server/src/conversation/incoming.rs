//! A value on its way in. A small one waits in the read buffer until it is whole and is stored from there; a large one
//! gets a place of its own, into which the socket is read directly; one that is too large is not kept at all.

use crate::buffer::{BUFFER_SIZE, Output};
use crate::dispatch::Desk;
use crate::protocol::ascii::{self, Request, Write};

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
    if line.next + whole <= BUFFER_SIZE / 2 {
        return Storing::Wait;
    }
    if desk.refuse_too_large(write, out) {
        return Storing::Skip;
    }
    let (text, next) = (line.text.to_vec(), line.next);
    Storing::Begun(Box::new(Value { line: text, next, len: whole - 2, data: rest.to_vec() }))
}

/// A line as it was read.
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
    len: usize,
    data: Vec<u8>,
}

impl Value {
    /// Room for the next read. It grows with what has come, so each byte is moved a bounded number of times and a
    /// mere announcement costs nothing. A read may bring more than the value.
    pub fn make_room(&mut self) -> &mut Vec<u8> {
        let missing = (self.len + 2).saturating_sub(self.data.len());
        if self.data.capacity() - self.data.len() < missing.min(GROWTH_LEAST / 4) {
            let growth = missing.min(self.data.len()).max(GROWTH_LEAST);
            self.data.reserve_exact(growth);
        }
        &mut self.data
    }

    /// If the value is whole: what to store, its data with `\r\n`, and what was read behind it.
    pub fn whole(&self) -> Option<(Write<'_>, &[u8], &[u8])> {
        let (data, surplus) = self.data.split_at_checked(self.len + 2)?;
        match ascii::parse(&self.line, self.next) {
            Request::Store(write) => Some((write, data, surplus)),
            _ => None,
        }
    }

    /// Bytes held.
    pub fn capacity(&self) -> usize {
        self.line.capacity() + self.data.capacity()
    }
}
