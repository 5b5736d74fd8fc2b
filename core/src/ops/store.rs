//! set, add, replace, append, prepend, cas: a new item is written aside and installed by one compare-and-swap.

use crate::evict::Growth;
use crate::expiry::Death;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::header::{Delta, Header, Number, bit};
use crate::index::{Bucket, Found, SLOTS, Search, Slot, mark};
use crate::item::{Extent, Form, Head, Item};
use crate::memory::segment::Pool;
use crate::ops::read::View;
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;
use crate::types::Verb;
use crate::{Error, Outcome};
use std::borrow::Cow;

/// The size of an item as memcached counts it: its header, a cas unique, flags, key and value.
pub(crate) fn size_of_item(klen: usize, vlen: usize, flags: u32) -> usize {
    48 + 8 + if flags == 0 { 0 } else { 4 } + klen + 1 + vlen + 2
}

/// A value to be written.
#[derive(Clone, Debug)]
pub(super) enum Content<'d> {
    Bytes(Cow<'d, [u8]>),
    /// A number in a word of its own, as it is to stand there.
    Number(Number),
}

impl Content<'_> {
    /// The bytes beside the key.
    fn bytes(&self) -> &[u8] {
        match self {
            Content::Bytes(bytes) => bytes,
            Content::Number(_) => &[],
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
}

impl<'d> Draft<'d> {
    pub fn new(key: &'d [u8], value: Content<'d>, deadline: u32) -> Draft<'d> {
        Draft { key, value, flags: 0, deadline, marks: 0, token: None }
    }
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

/// What to do about what is there.
pub(super) enum Plan<'d> {
    /// Nothing.
    Leave,
    /// Remove it.
    Remove,
    /// Put this in its place.
    Put(Draft<'d>),
    /// Put in its place what was composed before; or this, if nothing was.
    PutSame(Draft<'d>),
    /// Look again: a part of the value was recycled while it was read.
    Again,
}

/// What an update did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Updated {
    Left,
    Removed,
    /// Put, with this unique.
    Put(u64),
}

/// A present item that an update looks at, held by the read hazard.
pub(super) struct Present<'a> {
    pub found: Found,
    pub view: View<'a>,
}

impl Present<'_> {
    pub fn unique(&self) -> u64 {
        self.view.item.unique(self.view.arena, self.found.birth)
    }
    /// What keeps the unique of an item that is written anew.
    pub fn token(&self) -> u64 {
        self.view.item.token(self.view.arena, self.found.birth)
    }
    /// The marks of its slot.
    pub fn marks(&self) -> u64 {
        self.found.slot.0 & mark::ALL & !mark::MOVING
    }
    /// Can this be added to its number where it is?
    pub fn is_countable(&self, delta: Delta) -> bool {
        let item = &self.view.item;
        item.given.is_none() && item.number.and_then(|number| number.after(delta)).is_some()
    }
    /// Its value, to be written again. `None`: a part of it was recycled meanwhile.
    pub fn content<'d>(&self) -> Option<Content<'d>> {
        match self.view.item.number {
            Some(number) => Some(Content::Number(number.thawed())),
            None => self.view.value().map(Content::from),
        }
    }
    pub fn flags(&self) -> u32 {
        self.view.item.flags(self.view.arena)
    }
    /// Its expiry, as it was when it was looked at.
    pub fn deadline(&self) -> u32 {
        self.view.item.header.expiry()
    }
}

impl<'a> Op<'a> {
    /// A storing verb.
    pub fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        deadline: u32,
    ) -> Result<Outcome, Error> {
        self.count(Counter::CmdSet);
        let size = size_of_item(key.len(), value.len(), flags);
        let limit = self.arena.geometry().item_size_max as usize;
        if size > limit {
            self.count(Counter::StoreTooLarge);
            if verb == Verb::Set {
                self.remove(key, None);
            }
            return Err(Error::ValueTooLarge { size, limit });
        }
        let value = Content::Bytes(Cow::Borrowed(value));
        let draft = Draft { flags, ..Draft::new(key, value, deadline) };
        let stored = self.store_draft(verb, draft);
        if let Err(Error::OutOfMemory) = stored {
            self.count(Counter::StoreNoMemory);
            if verb == Verb::Set {
                self.remove(key, None);
            }
            if matches!(verb, Verb::Append | Verb::Prepend) {
                return Ok(Outcome::NotStored);
            }
        }
        stored
    }

    fn store_draft(&self, verb: Verb, draft: Draft<'_>) -> Result<Outcome, Error> {
        let key = draft.key;
        let hash = self.arena.hasher.hash(key);
        crate::index::prefetch(self.arena, hash);
        // A set does not depend on what is there: it is written before the old item is looked for and held.
        let composed = match verb {
            Verb::Set => Some(self.compose(hash, &draft)?),
            _ => None,
        };
        let mut refused = Outcome::NotStored;
        let updated = self.update(key, hash, composed, |present| {
            Ok(match (verb, present) {
                (Verb::Set, _) | (Verb::Add, None) | (Verb::Replace, Some(_)) => {
                    Plan::PutSame(draft.clone())
                }
                (Verb::Cas(_), None) => {
                    refused = Outcome::Missing;
                    Plan::Leave
                }
                (Verb::Cas(unique), Some(present)) => match present.unique() == unique {
                    true => Plan::PutSame(draft.clone()),
                    false => {
                        refused = Outcome::Exists;
                        Plan::Leave
                    }
                },
                (Verb::Append | Verb::Prepend, Some(present)) => self.joined(verb, &draft, present),
                (Verb::Add, Some(_)) | (Verb::Replace | Verb::Append | Verb::Prepend, None) => {
                    refused = Outcome::NotStored;
                    Plan::Leave
                }
            })
        })?;
        let outcome = match updated {
            Updated::Put(unique) => Outcome::Stored(unique),
            _ => refused,
        };
        if let Verb::Cas(_) = verb {
            self.count(match outcome {
                Outcome::Stored(_) => Counter::CasHits,
                Outcome::Missing => Counter::CasMisses,
                _ => Counter::CasBadval,
            });
        }
        Ok(outcome)
    }

    /// The present value with the new bytes before or behind it.
    fn joined<'d>(&self, verb: Verb, draft: &Draft<'d>, present: &Present<'_>) -> Plan<'d> {
        let flags = present.flags();
        let more = draft.value.bytes();
        let len = present.view.item.len as usize + more.len();
        let limit = self.arena.geometry().item_size_max as usize;
        if size_of_item(draft.key.len(), len, flags) > limit {
            return Plan::Leave;
        }
        let Some(mut value) = present.view.value() else {
            return Plan::Again;
        };
        match verb {
            Verb::Prepend => drop(value.splice(..0, more.iter().copied())),
            _ => value.extend_from_slice(more),
        }
        let deadline = present.deadline();
        Plan::Put(Draft { value: value.into(), flags, deadline, ..*draft })
    }

    /// Looks at what is there (if it is alive), and does what `plan` says about it, all in one step for
    /// everybody else; `plan` is asked again when somebody was faster.
    pub(super) fn update<'d>(
        &self,
        key: &[u8],
        hash: KeyHash,
        mut composed: Option<Composed>,
        mut plan: impl FnMut(Option<&Present<'a>>) -> Result<Plan<'d>, Error>,
    ) -> Result<Updated, Error> {
        // What was composed beforehand goes in whatever is there.
        let is_conditional = composed.is_none();
        let done = loop {
            let horizon = self.horizon();
            let search = self.search(key, hash);
            let held = search.found;
            let death = held.and_then(|f| horizon.death(self.arena, &f.item, f.birth));
            let present = held.filter(|_| death.is_none()).map(|found| {
                let view = View { arena: self.arena, item: found.item, birth: found.birth };
                Present { found, view }
            });
            let plan = plan(present.as_ref());
            if let (Some(present), Ok(Plan::Remove | Plan::Put(_) | Plan::PutSame(_))) =
                (&present, &plan)
                && is_conditional
                // No touch or addition comes between the plan and what is done by it: one that meets a frozen
                // word replaces the item instead.
                && !present.view.item.freeze_as_seen(self.arena)
            {
                continue;
            }
            let draft = match plan {
                Ok(Plan::Leave) => break Ok(Updated::Left),
                Ok(Plan::Remove) => match held {
                    Some(found) if self.unlink(search.bucket, found.i, found.slot) => {
                        self.gone(&found.item, found.birth);
                        break Ok(Updated::Removed);
                    }
                    Some(_) => continue,
                    None => break Ok(Updated::Left),
                },
                Ok(Plan::Again) => {
                    if let Some(found) = held {
                        self.drop_damaged(search.bucket, &found);
                    }
                    continue;
                }
                Ok(Plan::Put(draft)) => {
                    self.discard(composed.take());
                    draft
                }
                Ok(Plan::PutSame(draft)) => draft,
                Err(error) => break Err(error),
            };
            let ready = match composed.take().filter(|c| !self.is_flushed(c)) {
                Some(ready) => ready,
                None => match self.compose(hash, &draft) {
                    Ok(ready) => ready,
                    Err(error) => break Err(error),
                },
            };
            // A flush since then has killed what the plan was made for. (One that comes later kills the new item
            // too: it is born already.)
            if let Some(present) = &present
                && self.horizon().death(self.arena, &present.found.item, present.found.birth)
                    == Some(Death::Flushed)
            {
                composed = Some(ready);
                continue;
            }
            match self.install(&search, hash, &ready) {
                Ok(true) => {
                    if let Some(found) = held {
                        if death.is_some() {
                            self.count_reclaimed(found.slot);
                        }
                        self.gone(&found.item, found.birth);
                    }
                    break Ok(Updated::Put(ready.unique));
                }
                Ok(false) => composed = Some(ready),
                Err(error) => {
                    composed = Some(ready);
                    break Err(error);
                }
            }
        };
        self.discard(composed);
        self.clear(Hazard::Read);
        done
    }

    /// Removes an item, held by the caller, whose value could not be read whole: the parts of a value are given
    /// back only after its slot was changed, so if that is still the same the arena is damaged.
    pub(super) fn drop_damaged(&self, bucket: &Bucket, held: &Found) {
        if self.unlink(bucket, held.i, held.slot) {
            self.gone(&held.item, held.birth);
        }
    }

    /// Was everything stored so far flushed since this was composed?
    fn is_flushed(&self, composed: &Composed) -> bool {
        let flushed = self.arena.superblock().flush.0.birth.load(Ordering::Acquire);
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

    /// Writes an item where nobody sees it yet.
    pub(super) fn compose(&self, hash: KeyHash, draft: &Draft<'_>) -> Result<Composed, Error> {
        let arena = self.arena;
        let value = draft.value.bytes();
        let (klen, vlen) = (draft.key.len(), value.len());
        let bits = if draft.flags == 0 { 0 } else { bit::FLAGS };
        let segment_bytes = arena.geometry().segment_bytes() as usize;
        let mut form = match draft.value {
            Content::Number(number) => Form::Number(number),
            Content::Bytes(_) => Form::Plain,
        };
        let mut outside = 0;
        if (klen + vlen + 32) > segment_bytes {
            form = Form::Large(vlen as u64);
            outside = vlen - vlen % segment_bytes;
            // A long rest gets a segment of its own rather than the better part of a lane's.
            if vlen - outside > segment_bytes / 4 || outside == 0 {
                outside = vlen;
            }
        }
        let count = outside.div_ceil(segment_bytes);
        let extents = self.acquire_extents(count as u64, hash)?;
        let header = Header::new(klen, vlen - outside, bits, draft.deadline);
        let head = Head::new(header.with_marks(draft.marks), draft.token, None, None, form);
        let words = head.item_words(count);
        let pool = if self.is_ghost(hash) { Pool::Main } else { Pool::Small };
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
        let birth = arena.segment_of(loc).map_or(0, |s| arena.birth(s).load(Ordering::Relaxed));
        let unique = Item::at(arena, loc).map_or(0, |item| item.unique(arena, birth));
        Ok(Composed { loc, words, marks: draft.marks, extents, unique, birth })
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
                search.bucket.swap(found.i, found.slot, word.with_freq(found.slot.freq()))
            }
            None => match search.bucket.vacancy(hash.home(SLOTS)) {
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
            self.publish_extents(&composed.extents);
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
