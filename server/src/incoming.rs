//! A value on its way in. A small one waits in the read buffer until it is whole and is stored from there; a large one
//! gets a place of its own, into which the socket is read directly; one that is too large is not kept at all.

use crate::buffer::{BUFFER_SIZE, Output};
use crate::dispatch::Desk;
use crate::protocol::ascii::Store;
use nearcache::{Expiry, Verb};

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

/// Does what a storing line says; `rest` is what has come of its data, `line` the line's length.
pub fn storing(
    desk: Desk<'_>,
    store: &Store<'_>,
    rest: &[u8],
    line: usize,
    out: &mut Output,
) -> Storing {
    let whole = store.len + 2;
    if let Some(data) = rest.get(..whole) {
        if !desk.refuse_too_large(store, out) {
            desk.store(store, data, out);
        }
        return Storing::Done(whole);
    }
    if line + whole <= BUFFER_SIZE / 2 {
        return Storing::Wait;
    }
    if desk.refuse_too_large(store, out) {
        return Storing::Skip;
    }
    Storing::Begun(Box::new(Value::begun(store, rest)))
}

/// A value that comes in pieces.
#[derive(Debug)]
pub struct Value {
    verb: Verb,
    key: Vec<u8>,
    flags: u32,
    expiry: Expiry,
    len: usize,
    noreply: bool,
    data: Vec<u8>,
}

impl Value {
    /// A value of which `data` has come.
    fn begun(store: &Store<'_>, data: &[u8]) -> Value {
        Value {
            verb: store.verb,
            key: store.key.to_vec(),
            flags: store.flags,
            expiry: store.expiry,
            len: store.len,
            noreply: store.noreply,
            data: data.to_vec(),
        }
    }

    /// Room for the next read. It grows with what has come, so each byte is moved a bounded number of times and a
    /// mere announcement costs nothing. A read may bring more than the value.
    pub fn make_room(&mut self) -> &mut Vec<u8> {
        if self.data.capacity() - self.data.len() < GROWTH_LEAST / 4 {
            let missing = (self.len + 2).saturating_sub(self.data.len());
            let growth = missing.min(self.data.len()).max(GROWTH_LEAST);
            self.data.reserve_exact(growth);
        }
        &mut self.data
    }

    /// If the value is whole: what to store, its data with `\r\n`, and what was read behind it.
    pub fn whole(&self) -> Option<(Store<'_>, &[u8], &[u8])> {
        let (data, surplus) = self.data.split_at_checked(self.len + 2)?;
        let store = Store {
            verb: self.verb,
            key: &self.key,
            flags: self.flags,
            expiry: self.expiry,
            len: self.len,
            noreply: self.noreply,
        };
        Some((store, data, surplus))
    }

    /// Bytes held.
    pub fn capacity(&self) -> usize {
        self.data.capacity()
    }
}
