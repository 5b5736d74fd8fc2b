//! The loop of every write that depends on what is there: look, decide, and do it in one step, or look again.

use crate::Error;
use crate::expiry::Death;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::header::Delta;
use crate::index::{Bucket, Found, mark};
use crate::item::{Item, birth_of};
use crate::memory::Arena;
use crate::ops::compose::{Composed, Content, Draft};
use crate::ops::read::View;
use crate::seat::Op;

/// What to do about what is there.
pub(super) enum Plan<'d> {
    /// Nothing.
    Leave,
    /// Remove it.
    Remove,
    /// Put this in its place.
    Put(Draft<'d>),
    /// Put in its place what was composed before; or this, if nothing was.
    PutSame(&'d Draft<'d>),
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

/// A present item that an update looks at, held by the read hazard. Borrowed from the search: an item is long, and copied
/// right after it is written it is read before it is there.
pub(super) struct Present<'p> {
    pub arena: &'p Arena,
    pub found: &'p Found,
}

impl<'p> Present<'p> {
    pub fn item(&self) -> &'p Item {
        &self.found.item
    }
    pub fn view(&self) -> View<'p> {
        View { arena: self.arena, item: self.found.item, birth: self.found.birth }
    }
    pub fn unique(&self) -> u64 {
        self.item().unique(self.arena, self.found.birth)
    }
    /// What keeps the unique of an item that is written anew.
    pub fn token(&self) -> u64 {
        self.item().token(self.arena, self.found.birth)
    }
    /// The marks of its slot.
    pub fn marks(&self) -> u64 {
        self.found.slot.0 & mark::ALL & !mark::MOVING
    }
    /// Was this unique, which is not the item's, its own earlier?
    pub fn was(&self, unique: u64) -> bool {
        match self.item().given {
            Some(given) => unique < given,
            // The births of what a caller has seen are given.
            None => birth_of(unique) <= self.arena.superblock().births.0.given(),
        }
    }
    /// Can this be added to its number where it is?
    pub fn is_countable(&self, delta: Delta) -> bool {
        let item = self.item();
        item.given.is_none() && item.number.and_then(|number| number.after(delta)).is_some()
    }
    /// Its value, to be written again. `None`: a part of it was recycled meanwhile.
    pub fn content<'d>(&self) -> Option<Content<'d>> {
        match self.item().number {
            Some(number) => Some(Content::Number(number.thawed())),
            None => self.view().value().map(Content::from),
        }
    }
    pub fn flags(&self) -> u32 {
        self.item().flags(self.arena)
    }
    /// Its expiry, as it was when it was looked at.
    pub fn deadline(&self) -> u32 {
        self.item().header.expiry()
    }
}

impl<'a> Op<'a> {
    /// Looks at what is there (if it is alive), and does what `plan` says about it, all in one step for
    /// everybody else; `plan` is asked again when somebody was faster. What was composed beforehand is used up.
    pub(super) fn update<'d>(
        &self,
        key: &[u8],
        hash: KeyHash,
        composed: &mut Option<Composed>,
        mut plan: impl FnMut(Option<&Present<'_>>) -> Result<Plan<'d>, Error>,
    ) -> Result<Updated, Error> {
        // What was composed beforehand goes in whatever is there.
        let is_conditional = composed.is_none();
        let done = loop {
            let horizon = self.horizon();
            let search = self.search(key, hash);
            let held = search.found.as_ref();
            let death = held.and_then(|f| horizon.death(self.arena, &f.item, f.birth));
            let present =
                held.filter(|_| death.is_none()).map(|found| Present { arena: self.arena, found });
            let plan = plan(present.as_ref());
            // No touch or addition comes between the plan and what is done by it: one that meets a frozen word
            // replaces the item instead. Not before there is room for the new one, so that a failure leaves no trace.
            let is_as_seen = || match &present {
                Some(present) if is_conditional => present.item().freeze_as_seen(self.arena),
                _ => true,
            };
            let new;
            let draft = match plan {
                Ok(Plan::Leave) => break Ok(Updated::Left),
                Ok(Plan::Remove) => match held {
                    Some(found)
                        if is_as_seen() && self.unlink(search.bucket, found.i, found.slot) =>
                    {
                        self.gone(&found.item, found.birth);
                        break Ok(Updated::Removed);
                    }
                    Some(_) => continue,
                    None => break Ok(Updated::Left),
                },
                Ok(Plan::Again) => {
                    if let Some(found) = held {
                        self.drop_damaged(search.bucket, found);
                    }
                    continue;
                }
                Ok(Plan::Put(draft)) => {
                    self.discard(composed.take());
                    new = draft;
                    &new
                }
                Ok(Plan::PutSame(draft)) => draft,
                Err(error) => break Err(error),
            };
            if composed.as_ref().is_some_and(|composed| self.is_flushed(composed)) {
                *composed = None;
            }
            let ready = match composed {
                Some(ready) => &*ready,
                None => match self.compose(hash, draft, composed) {
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
                continue;
            }
            if !is_as_seen() {
                continue;
            }
            match self.install(&search, hash, ready) {
                Ok(true) => {
                    if let Some(found) = held {
                        if let Some(death) = death {
                            self.count_reclaimed(&found.item, found.slot, death);
                        }
                        self.gone(&found.item, found.birth);
                    }
                    let unique = ready.unique;
                    *composed = None;
                    break Ok(Updated::Put(unique));
                }
                Ok(false) => {}
                Err(error) => break Err(error),
            }
        };
        if composed.is_some() {
            self.discard(composed.take());
        }
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
}
