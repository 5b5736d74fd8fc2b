//! set, add, replace, append, prepend, cas, and memcached's `ms`, which is all of them.

use crate::hash::KeyHash;
use crate::index::mark;
use crate::item::size_of_item;
use crate::ops::compose::{Content, Draft};
use crate::ops::update::{Plan, Present, Updated};
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::{MetaMode, MetaSet, MetaStored, Verb};
use crate::{Error, Expiry, Outcome};
use std::borrow::Cow;

impl MetaSet {
    /// What a classic verb means.
    pub(crate) fn of(verb: Verb, flags: u32, expiry: Expiry) -> MetaSet {
        let (mode, compare) = match verb {
            Verb::Set => (MetaMode::Set, None),
            Verb::Add => (MetaMode::Add, None),
            Verb::Replace => (MetaMode::Replace, None),
            Verb::Append => (MetaMode::Append, None),
            Verb::Prepend => (MetaMode::Prepend, None),
            Verb::Cas(unique) => (MetaMode::Set, Some(unique)),
        };
        MetaSet { mode, flags, expiry, compare, ..MetaSet::default() }
    }
    fn joins(&self) -> bool {
        matches!(self.mode, MetaMode::Append | MetaMode::Prepend)
    }
    /// Is it a cas? (A replace that compares is one, too.)
    fn is_cas(&self) -> bool {
        self.compare.is_some() && matches!(self.mode, MetaMode::Set | MetaMode::Replace)
    }
}

impl Op<'_> {
    /// A storing verb. Too large or out of memory, a `set` removes the old value.
    pub fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        flags: u32,
        expiry: Expiry,
    ) -> Result<Outcome, Error> {
        if verb == Verb::Set {
            return self.set(key, value, flags, expiry);
        }
        Ok(self.meta_set(key, value, MetaSet::of(verb, flags, expiry), false)?.outcome)
    }

    /// A plain set, by itself: its wishes and its answer stay in registers, which takes a tenth off its time.
    fn set(&self, key: &[u8], value: &[u8], flags: u32, expiry: Expiry) -> Result<Outcome, Error> {
        self.admit(key, value.len(), flags, true)?;
        let hash = self.look_ahead(key);
        let content = Content::Bytes(Cow::Borrowed(value));
        let draft = Draft { flags, ..Draft::new(key, content, self.deadline(expiry)) };
        self.put(hash, &draft).inspect_err(|error| self.refused(error, key, true))
    }

    /// `ms`. Too large or out of memory, what `clears` removes the old value, if it is its own value that is too large.
    pub fn meta_set(
        &self,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
        clears: bool,
    ) -> Result<MetaStored, Error> {
        self.admit(key, value.len(), ask.flags, clears)?;
        match self.store_within(key, value, ask) {
            Err(error) => {
                self.refused(&error, key, clears && !ask.joins());
                match error {
                    Error::OutOfMemory if ask.joins() => {
                        Ok(MetaStored { outcome: Outcome::NotStored, len: value.len() })
                    }
                    error => Err(error),
                }
            }
            stored => stored,
        }
    }

    /// Is a value of so many bytes not too large? `clears`: else the old one is removed.
    #[inline(always)]
    fn admit(&self, key: &[u8], len: usize, flags: u32, clears: bool) -> Result<(), Error> {
        self.count(Counter::CmdSet);
        let size = size_of_item(key.len(), len, flags);
        let limit = self.arena.geometry().item_size_max as usize;
        match size <= limit {
            true => Ok(()),
            false => Err(self.too_large(key, size, limit, clears)),
        }
    }

    #[cold]
    fn too_large(&self, key: &[u8], size: usize, limit: usize, clears: bool) -> Error {
        self.count(Counter::StoreTooLarge);
        if clears {
            self.remove(key);
        }
        Error::ValueTooLarge { size, limit }
    }

    /// Counts that there was no memory, if it was that. `clears`: then the old value is removed.
    #[cold]
    fn refused(&self, error: &Error, key: &[u8], clears: bool) {
        if let Error::OutOfMemory = error {
            self.count(Counter::StoreNoMemory);
            if clears {
                self.remove(key);
            }
        }
    }

    /// The hash of a key that is about to be written. What that will look at is asked for.
    #[inline(always)]
    fn look_ahead(&self, key: &[u8]) -> KeyHash {
        let hash = self.arena.hasher.hash(key);
        crate::index::prefetch(self.arena, hash);
        self.prefetch_ghosts(hash);
        hash
    }

    /// Stores what is not too large.
    fn store_within(&self, key: &[u8], value: &[u8], ask: MetaSet) -> Result<MetaStored, Error> {
        let hash = self.look_ahead(key);
        let content = Content::Bytes(Cow::Borrowed(value));
        let draft = Draft {
            flags: ask.flags,
            marks: if ask.binary { mark::BINARY } else { 0 },
            given: ask.unique,
            ..Draft::new(key, content, self.deadline(ask.expiry))
        };
        if let (MetaMode::Set, None) = (ask.mode, ask.compare) {
            return Ok(MetaStored { outcome: self.put(hash, &draft)?, len: value.len() });
        }
        let (mut refused, mut len) = (Outcome::NotStored, value.len());
        let updated = self.update(key, hash, &mut None, |present| {
            (refused, len) = (Outcome::NotStored, value.len());
            let is_same = |present: &Present<'_>, asked| asked != 0 && present.unique() == asked;
            Ok(match (ask.mode, ask.compare, present) {
                (MetaMode::Set | MetaMode::Replace, Some(_), None) => {
                    refused = Outcome::Missing;
                    Plan::Leave
                }
                (MetaMode::Set | MetaMode::Replace, Some(asked), Some(present)) => {
                    if is_same(present, asked) && ask.stale {
                        Plan::Put(draft.clone())
                    } else if is_same(present, asked) {
                        Plan::PutSame(&draft)
                    } else if ask.stale && asked != 0 && present.was(asked) {
                        let deadline = present.deadline();
                        let marks = draft.marks | mark::STALE | present.marks() & mark::WON;
                        Plan::Put(Draft { deadline, marks, ..draft.clone() })
                    } else {
                        refused = Outcome::Exists;
                        Plan::Leave
                    }
                }
                (MetaMode::Set, None, _)
                | (MetaMode::Add, _, None)
                | (MetaMode::Replace, None, Some(_)) => Plan::PutSame(&draft),
                (MetaMode::Append | MetaMode::Prepend, asked, Some(present)) => {
                    if asked.is_some_and(|asked| asked != 0 && !is_same(present, asked)) {
                        refused = Outcome::Exists;
                        return Ok(Plan::Leave);
                    }
                    len += present.item().len as usize;
                    self.joined(ask.mode, &draft, present, len)
                }
                (MetaMode::Append | MetaMode::Prepend, _, None) => match ask.vivify {
                    Some(expiry) => {
                        Plan::Put(Draft { deadline: self.deadline(expiry), ..draft.clone() })
                    }
                    None => Plan::Leave,
                },
                (MetaMode::Add, _, Some(_)) | (MetaMode::Replace, None, None) => Plan::Leave,
            })
        })?;
        let outcome = match updated {
            Updated::Put(unique) => Outcome::Stored(unique),
            _ => refused,
        };
        if ask.is_cas() {
            self.count(match outcome {
                Outcome::Stored(_) => Counter::CasHits,
                Outcome::Missing => Counter::CasMisses,
                _ => Counter::CasBadval,
            });
        }
        Ok(MetaStored { outcome, len })
    }

    /// Stores whatever is there. It does not depend on that: so it is written before the old item is looked for and held.
    #[inline(always)]
    fn put(&self, hash: KeyHash, draft: &Draft<'_>) -> Result<Outcome, Error> {
        let mut composed = None;
        self.compose(hash, draft, &mut composed)?;
        let updated = self.update(draft.key, hash, &mut composed, |_| Ok(Plan::PutSame(draft)))?;
        Ok(match updated {
            Updated::Put(unique) => Outcome::Stored(unique),
            Updated::Left | Updated::Removed => Outcome::NotStored,
        })
    }

    /// The present value with the new bytes before or behind it, `len` in all.
    fn joined<'d>(
        &self,
        mode: MetaMode,
        draft: &Draft<'d>,
        present: &Present<'_>,
        len: usize,
    ) -> Plan<'d> {
        let flags = present.flags();
        let limit = self.arena.geometry().item_size_max as usize;
        if size_of_item(draft.key.len(), len, flags) > limit {
            return Plan::Leave;
        }
        let Some(mut value) = present.view().value() else {
            return Plan::Again;
        };
        let more = draft.value.bytes();
        match mode {
            MetaMode::Prepend => drop(value.splice(..0, more.iter().copied())),
            _ => value.extend_from_slice(more),
        }
        let (value, deadline) = (value.into(), present.deadline());
        let marks = draft.marks | present.marks() & mark::BINARY;
        Plan::Put(Draft { value, flags, deadline, marks, ..*draft })
    }
}
