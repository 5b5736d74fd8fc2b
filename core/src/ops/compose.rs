//! Items are written aside, where nobody sees them, and then installed by one compare-and-swap.

use crate::Error;
use crate::evict::Growth;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::header::{Header, Number, bit};
use crate::index::{Search, Slot};
use crate::item::{Extent, Form, Head, mutated, natural, set_access};
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;
use std::borrow::Cow;

/// A value to be written.
#[derive(Clone, Debug)]
pub(super) enum Content<'d> {
    Bytes(Cow<'d, [u8]>),
    /// A number in a word of its own, as it is to stand there.
    Number(Number),
}

impl Content<'_> {
    /// The bytes beside the key.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Content::Bytes(bytes) => bytes,
            Content::Number(_) => &[],
        }
    }
    fn number(&self) -> Option<Number> {
        match self {
            Content::Bytes(_) => None,
            Content::Number(number) => Some(*number),
        }
    }
    /// The same for an item with a new unique.
    pub fn reborn(self) -> Self {
        match self {
            Content::Number(number) => Content::Number(number.reborn()),
            bytes => bytes,
        }
    }
}

impl From<Vec<u8>> for Content<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Content::Bytes(bytes.into())
    }
}

/// An item to be written.
#[derive(Clone, Debug)]
pub(super) struct Draft<'d> {
    pub key: &'d [u8],
    pub value: Content<'d>,
    pub flags: u32,
    pub deadline: u32,
    /// Marks that its slot is to have.
    pub marks: u64,
    /// Where it was first stored, if it is to keep its unique.
    pub token: Option<u64>,
    /// The unique that a caller has chosen for it.
    pub given: Option<u64>,
    /// When it was last asked for, if that is kept and is not now.
    pub access: Option<u32>,
}

impl<'d> Draft<'d> {
    pub fn new(key: &'d [u8], value: Content<'d>, deadline: u32) -> Draft<'d> {
        Draft { key, value, flags: 0, deadline, marks: 0, token: None, given: None, access: None }
    }
}

/// How many of the bytes of a LARGE value are in extents.
fn outside(len: usize, segment_bytes: usize) -> usize {
    let whole = len - len % segment_bytes;
    // A long rest gets a segment of its own rather than the better part of a lane's.
    let is_long = len - whole > segment_bytes / 4 || whole == 0;
    if is_long { len } else { whole }
}

/// An item that is written but not yet in the index. Its segment is held by the write hazard.
#[derive(Debug)]
pub(super) struct Composed {
    loc: u64,
    words: u64,
    marks: u64,
    extents: Vec<Extent>,
    pub unique: u64,
    /// Its segment's birth.
    birth: u64,
}

impl Op<'_> {
    /// Was everything stored so far flushed since this was composed?
    pub(super) fn is_flushed(&self, composed: &Composed) -> bool {
        let flushed = self.arena.superblock().flush.0.horizon();
        let stale = composed.birth <= flushed;
        if stale {
            self.abandon(composed.loc, composed.words, Hazard::Write);
            self.abandon_extents(&composed.extents);
        }
        stale
    }

    /// Gives up an item that was composed in vain.
    pub(super) fn discard(&self, composed: Option<Composed>) {
        if let Some(composed) = composed {
            self.abandon(composed.loc, composed.words, Hazard::Write);
            self.abandon_extents(&composed.extents);
        }
    }

    /// Writes an item where nobody sees it yet. `into` is where it is used: a copy of it would be read before it is there.
    pub(super) fn compose<'c>(
        &self,
        hash: KeyHash,
        draft: &Draft<'_>,
        into: &'c mut Option<Composed>,
    ) -> Result<&'c Composed, Error> {
        let arena = self.arena;
        let value = draft.value.bytes();
        let (klen, vlen) = (draft.key.len(), value.len());
        let bits = if draft.flags == 0 { 0 } else { bit::FLAGS };
        let segment_bytes = arena.geometry().segment_bytes() as usize;
        let (form, outside, extents) = match draft.value {
            Content::Number(number) => (Form::Number(number), 0, Vec::new()),
            Content::Bytes(_) if klen + vlen + 48 > segment_bytes => {
                let outside = outside(vlen, segment_bytes);
                let count = outside.div_ceil(segment_bytes);
                (Form::Large(vlen as u64), outside, self.acquire_extents(count as u64, hash)?)
            }
            Content::Bytes(_) => (Form::Plain, 0, Vec::new()),
        };
        let header = Header::new(klen, vlen - outside, bits, draft.deadline);
        let header = header.with_marks(draft.marks);
        let mut head = Head::default();
        head.write(header, draft.token, draft.given, form);
        let words = head.item_words(extents.len(), arena.geometry().tail());
        let pool = self.first_pool(hash);
        self.reclaim_in_passing(words);
        let reserved = self.reserve(head.words(), words, pool, crate::evict::Origin::New);
        let loc = reserved.inspect_err(|_| self.abandon_extents(&extents))?;
        let (first, rest) = value.split_at(outside);
        for (part, extent) in first.chunks(segment_bytes).zip(&extents) {
            arena.copy_in(arena.segment_start(extent.segment()) * 8, part);
        }
        let mut at = loc + head.words().len() as u64;
        for extent in &extents {
            // Relaxed: published with the slot, as all of the item.
            arena.word(at).store(extent.0, Ordering::Relaxed);
            at += 1;
        }
        let mut byte = at * 8;
        arena.copy_in(byte, draft.key);
        byte += klen as u64;
        arena.copy_in(byte, rest);
        byte += rest.len() as u64;
        if draft.flags != 0 {
            arena.copy_in(byte, &draft.flags.to_le_bytes());
        }
        if arena.geometry().track_access {
            let now = || arena.superblock().clock.0.now();
            set_access(arena, loc + words, draft.access.unwrap_or_else(now));
        }
        let birth = arena.segment_of(loc).map_or(0, |s| arena.birth(s).load(Ordering::Relaxed));
        let unique = draft.given.unwrap_or_else(|| {
            let token = draft.token.unwrap_or_else(|| natural(birth, arena.offset_in_segment(loc)));
            mutated(token, draft.value.number())
        });
        Ok(into.insert(Composed { loc, words, marks: draft.marks, extents, unique, birth }))
    }

    /// Puts a composed item into the index, in the place of what was found or into an empty slot.
    /// `false`: somebody was faster.
    pub(super) fn install(
        &self,
        search: &Search<'_>,
        hash: KeyHash,
        composed: &Composed,
    ) -> Result<bool, Error> {
        let word = Slot::live(hash.tag(), composed.loc).with(composed.marks);
        let installed = match search.found {
            Some(found) => {
                let freq = self.freq_of_successor(found.segment, found.slot);
                search.bucket.swap(found.i, found.slot, word.with_freq(freq))
            }
            None => match search.bucket.vacancy(hash.home()) {
                Some(i) => match search.bucket.announce(search.ctrl, i, composed.loc) {
                    Some(pending) => {
                        search.bucket.settle(pending, |_| word);
                        true
                    }
                    None => false,
                },
                None => {
                    self.make_vacancy(search, hash)?;
                    false
                }
            },
        };
        if installed {
            self.count(Counter::TotalItems);
            self.count(Counter::ItemsIn);
            let extents = composed.extents.len() as u64 * self.arena.geometry().segment_bytes();
            self.add(Counter::BytesIn, composed.words * 8 + extents);
            self.publish_extents(&composed.extents, hash);
            self.clear(Hazard::Write);
        }
        Ok(installed)
    }

    /// Makes room in a full bucket: by a split that is due, by doubling the index, or by an eviction.
    fn make_vacancy(&self, search: &Search<'_>, hash: KeyHash) -> Result<(), Error> {
        if self.split_home(hash) {
            return Ok(());
        }
        let evict = self.arena.geometry().evict;
        if !evict || self.index_is_loaded() {
            match self.grow() {
                Growth::Done => return Ok(()),
                Growth::Nearer if !evict => return Ok(()),
                _ => {}
            }
        }
        match self.evict_from(search.bucket, self.horizon()) {
            true => Ok(()),
            false => Err(Error::OutOfMemory),
        }
    }
}
