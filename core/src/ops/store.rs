//! set, add, replace, append, prepend, cas, and memcached's `ms`, which is all of them.

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
    /// A storing verb. Too large or out of memory, a `set` removes the old value; so does `ms`, if it is its own
    /// value that is too large.
    pub fn store(
        &self,
        verb: Verb,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
    ) -> Result<Outcome, Error> {
        let stored = self.meta_set(key, value, ask, verb == Verb::Set)?;
        Ok(stored.outcome)
    }

    /// Stores as `ask` says. `clears`: a value that is too large removes the old one.
    #[inline(always)] // Wishes and answer of a plain set then stay in registers: a tenth of its time.
    pub fn meta_set(
        &self,
        key: &[u8],
        value: &[u8],
        ask: MetaSet,
        clears: bool,
    ) -> Result<MetaStored, Error> {
        self.count(Counter::CmdSet);
        let size = size_of_item(key.len(), value.len(), ask.flags);
        let limit = self.arena.geometry().item_size_max as usize;
        if size > limit {
            self.count(Counter::StoreTooLarge);
            if clears {
                self.remove(key);
            }
            return Err(Error::ValueTooLarge { size, limit });
        }
        let stored = self.store_within(key, value, ask);
        if let Err(Error::OutOfMemory) = stored {
            self.count(Counter::StoreNoMemory);
            if ask.joins() {
                return Ok(MetaStored { outcome: Outcome::NotStored, len: value.len() });
            }
            if clears {
                self.remove(key);
            }
        }
        stored
    }

    /// Stores what is not too large.
    fn store_within(&self, key: &[u8], value: &[u8], ask: MetaSet) -> Result<MetaStored, Error> {
        let hash = self.arena.hasher.hash(key);
        crate::index::prefetch(self.arena, hash);
        self.prefetch_ghosts(hash);
        let content = Content::Bytes(Cow::Borrowed(value));
        let draft = Draft {
            flags: ask.flags,
            marks: if ask.binary { mark::BINARY } else { 0 },
            given: ask.unique,
            ..Draft::new(key, content, self.deadline(ask.expiry))
        };
        // A set does not depend on what is there: it is written before the old item is looked for and held.
        let mut composed = None;
        if let (MetaMode::Set, None) = (ask.mode, ask.compare) {
            self.compose(hash, &draft, &mut composed)?;
        }
        let (mut refused, mut len) = (Outcome::NotStored, value.len());
        let updated = self.update(key, hash, &mut composed, |present| {
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
