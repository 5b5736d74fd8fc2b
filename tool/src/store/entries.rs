//! The items of a store in the order of their keys, page by page, so that no more than a page is ever in memory.

use crate::failure::Failure;
use nearcache_store::{Durable, Entry};
use std::vec;

/// Bytes that a page should have about, and the most entries of one.
const PAGE_BYTES: usize = 1 << 20;
const PAGE_MAX: usize = 1024;

/// What is asked for: from `from` on, before `to` (empty: to the end).
pub struct Entries<'a> {
    durable: &'a Durable,
    from: Vec<u8>,
    to: Vec<u8>,
    /// Was `from` given out already?
    is_past_from: bool,
    page: vec::IntoIter<Entry>,
    page_len: usize,
    is_last: bool,
}

impl<'a> Entries<'a> {
    /// All keys with this prefix, from this one on, before that one; empty: no such limit.
    pub fn of(durable: &'a Durable, prefix: &[u8], from: &[u8], to: &[u8]) -> Entries<'a> {
        let end = end_of(prefix);
        let to = match (to, end.as_slice()) {
            ([], end) => end,
            (to, []) => to,
            (to, end) => to.min(end),
        };
        let from = from.max(prefix);
        Entries {
            durable,
            is_last: !to.is_empty() && from >= to,
            from: from.to_vec(),
            to: to.to_vec(),
            is_past_from: false,
            page: Vec::new().into_iter(),
            page_len: 16,
        }
    }

    /// Every item.
    pub fn all(durable: &'a Durable) -> Entries<'a> {
        Entries::of(durable, b"", b"", b"")
    }

    fn turn(&mut self) -> Result<(), Failure> {
        let (from, to) = (&self.from, &self.to);
        let page = self.durable.rget(from, to, self.is_past_from, true, self.page_len)?;
        self.is_last = page.len() < self.page_len;
        if let Some(last) = page.last() {
            (self.from, self.is_past_from) = (last.key.clone(), true);
            let bytes: usize = page.iter().map(|e| e.key.len() + e.value.data.len()).sum();
            let fits = PAGE_BYTES * page.len() / bytes.max(1);
            self.page_len = fits.clamp(1, PAGE_MAX.min(4 * self.page_len));
        }
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.page.next() {
                return Some(Ok(entry));
            }
            if self.is_last {
                return None;
            }
            if let Err(failure) = self.turn() {
                self.is_last = true;
                return Some(Err(failure));
            }
        }
    }
}

/// The first key behind all of a prefix; empty if there is none.
fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn what_is_behind_a_prefix() {
        for (prefix, end) in
            [(&b"a"[..], &b"b"[..]), (b"a\xff", b"b"), (b"\xff\xff", b""), (b"", b"")]
        {
            assert_eq!(end_of(prefix), end);
        }
    }
}
