//! delete and `md`, touch, flush_all.

use crate::hazard::Hazard;
use crate::header::Retimed;
use crate::index::{Found, mark};
use crate::ops::compose::Draft;
use crate::ops::read::View;
use crate::ops::update::{Plan, Present, Updated};
use crate::seat::Op;
use crate::stats::Counter;
use crate::sync::Ordering;
use crate::types::{Meta, MetaDelete, Sink};
use crate::{Deletion, Error, Expiry};

impl<'a> Op<'a> {
    /// Removes, empties or invalidates an item, as `ask` says. Also answers what was there.
    pub fn meta_delete(
        &self,
        key: &[u8],
        ask: MetaDelete,
    ) -> Result<(Deletion, Option<Meta>), Error> {
        let mut met = None;
        let deletion = self.unmake(key, ask, &mut met)?;
        match deletion {
            Deletion::Deleted if ask.invalidate => {}
            Deletion::Deleted => self.count(Counter::DeleteHits),
            _ => self.count(Counter::DeleteMisses),
        }
        Ok((deletion, met))
    }

    /// Removes without counting.
    pub(super) fn remove(&self, key: &[u8]) {
        // A removal writes nothing, so it has no failure to tell of.
        let _ = self.unmake(key, MetaDelete::default(), &mut None);
    }

    fn unmake(
        &self,
        key: &[u8],
        ask: MetaDelete,
        met: &mut Option<Meta>,
    ) -> Result<Deletion, Error> {
        let hash = self.arena.hasher.hash(key);
        let mut refused = Deletion::Missing;
        let updated = self.update(key, hash, &mut None, |present| {
            *met = present.map(|present| present.view().meta(self));
            let Some(present) = present else {
                refused = Deletion::Missing;
                return Ok(Plan::Leave);
            };
            if ask.compare.is_some_and(|unique| unique != present.unique()) {
                refused = Deletion::Exists;
                return Ok(Plan::Leave);
            }
            Ok(match ask.invalidate || ask.drop_value {
                true => self.invalidated(key, ask, present),
                false => Plan::Remove,
            })
        })?;
        Ok(if updated == Updated::Left { refused } else { Deletion::Deleted })
    }

    /// What is put in the place of an item that is invalidated, or emptied.
    fn invalidated<'d>(&self, key: &'d [u8], ask: MetaDelete, present: &Present<'_>) -> Plan<'d> {
        let deadline = ask.expiry.map(|expiry| self.deadline(expiry));
        let stale = if ask.invalidate { mark::STALE } else { 0 };
        let draft = match ask.drop_value {
            true => Draft {
                marks: present.marks() & mark::BINARY | stale,
                ..Draft::new(key, Vec::new().into(), deadline.unwrap_or(0))
            },
            false => {
                let Some(value) = present.content() else { return Plan::Again };
                Draft {
                    flags: present.flags(),
                    marks: present.marks() & (mark::FETCHED | mark::BINARY) | stale,
                    access: present.item().access,
                    ..Draft::new(key, value.reborn(), deadline.unwrap_or(present.deadline()))
                }
            }
        };
        // An item that is only emptied keeps its unique.
        let (token, given) = match (ask.unique, ask.invalidate, present.item().given) {
            (Some(unique), _, _) => (None, Some(unique)),
            (None, true, _) => (None, None),
            (None, false, None) => (Some(present.unique()), None),
            (None, false, given) => (Some(present.token()), given),
        };
        Plan::Put(Draft { token, given, ..draft })
    }

    /// Gives an item a new expiry, and lets `seen` look at it; at its value, too, if that is asked for.
    pub(super) fn retime<R>(
        &self,
        key: &[u8],
        deadline: u32,
        is_read: bool,
        with_value: bool,
        mut seen: impl FnMut(&View<'a>) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        let hash = self.arena.hasher.hash(key);
        let horizon = self.horizon();
        loop {
            let search = self.search(key, hash);
            let Some(held) = search.found else {
                return Ok(None);
            };
            let item = held.item.again(self.arena);
            if horizon.death(self.arena, &item, held.birth).is_some() {
                self.clear(Hazard::Read);
                return Ok(None);
            }
            // Before the item itself: a segment never looks dead while something in it lives.
            self.outlive(held.segment, deadline);
            let retimed = match with_value && item.number.is_some() {
                // Its two words cannot be read and changed at once.
                true => Retimed::Frozen,
                false => item.changing(self.arena).retime(item.header, deadline),
            };
            if retimed == Retimed::Changed {
                continue;
            }
            let _ = is_read && search.bucket.swap(held.i, held.slot, held.slot.read());
            if is_read {
                self.stamp(&item);
            }
            let Retimed::Done(header) = retimed else {
                self.clear(Hazard::Read);
                return self.rewrite(key, deadline, seen);
            };
            let item = item.with_header(header);
            let view = View { arena: self.arena, item, birth: held.birth };
            let result = seen(&view);
            if result.is_none() {
                // The slot as it is now: the touch itself may have counted a read in it.
                let held = Found { slot: search.bucket.slot(held.i), ..held };
                if held.slot.is_live() && held.slot.loc() == held.item.loc {
                    self.drop_damaged(search.bucket, &held);
                }
            }
            self.clear(Hazard::Read);
            if result.is_some() {
                return Ok(result);
            }
        }
    }

    /// Gives an item that is held a new expiry; `false` if it is frozen.
    pub(super) fn retime_held(&self, held: &Found, deadline: u32) -> bool {
        // Before the item itself: a segment never looks dead while something in it lives.
        self.outlive(held.segment, deadline);
        loop {
            let item = held.item.again(self.arena);
            match item.changing(self.arena).retime(item.header, deadline) {
                Retimed::Done(_) => return true,
                Retimed::Frozen => return false,
                Retimed::Changed => {}
            }
        }
    }

    /// Writes the item anew, with another expiry and the same unique: for a touch that meets a frozen item.
    fn rewrite<R>(
        &self,
        key: &[u8],
        deadline: u32,
        mut seen: impl FnMut(&View<'a>) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        let hash = self.arena.hasher.hash(key);
        let mut result = None;
        let updated = self.update(key, hash, &mut None, |present| {
            let Some(present) = present else { return Ok(Plan::Leave) };
            let Some(value) = present.content() else { return Ok(Plan::Again) };
            let item = *present.item();
            let item = item.with_header(item.header.with_expiry(deadline));
            result = seen(&View { arena: self.arena, item, birth: present.found.birth });
            if result.is_none() {
                return Ok(Plan::Again);
            }
            Ok(Plan::Put(Draft {
                flags: present.flags(),
                marks: present.marks(),
                token: Some(present.token()),
                given: present.item().given,
                ..Draft::new(key, value, deadline)
            }))
        })?;
        Ok(result.filter(|_| matches!(updated, Updated::Put(_))))
    }

    /// Answers what was touched.
    pub fn touch(&self, key: &[u8], expiry: Expiry) -> Result<Option<Meta>, Error> {
        self.count(Counter::CmdTouch);
        let seen = |view: &View<'_>| Some(view.meta(self));
        let touched = self.retime(key, self.deadline(expiry), true, false, seen)?;
        self.count_touch(touched.is_some());
        Ok(touched)
    }

    /// Get and touch.
    pub fn gat_to<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        expiry: Expiry,
        sink: &mut S,
    ) -> Result<Option<Meta>, Error> {
        self.count(Counter::CmdTouch);
        // Copied aside first: a sink is never called while anything is held.
        let mut value = Vec::new();
        let meta = self.retime(key, self.deadline(expiry), true, true, |view| {
            value = view.value()?;
            Some(view.meta(self))
        })?;
        self.count_touch(meta.is_some());
        self.count(if meta.is_some() { Counter::GetHits } else { Counter::GetMisses });
        if let Some(meta) = &meta {
            pour(&value, meta, sink);
        }
        Ok(meta)
    }

    pub(super) fn count_touch(&self, hit: bool) {
        self.count(if hit { Counter::TouchHits } else { Counter::TouchMisses });
    }

    /// Everything dies, now or when `delay` seconds have passed.
    pub fn flush_all(&self, delay: u32) {
        self.count(Counter::CmdFlush);
        let superblock = self.arena.superblock();
        let at = match delay {
            0 => 0,
            _ => u64::from(superblock.clock.0.after(delay)) - 1,
        };
        // A flush that has struck stays struck, whatever replaces it.
        let pending = superblock.flush.0.at.load(Ordering::Acquire);
        if pending != 0 && pending <= u64::from(superblock.clock.0.now()) {
            self.flush_now();
        }
        // Release: replaces a pending flush.
        superblock.flush.0.at.store(at, Ordering::Release);
        if at == 0 {
            self.flush_now();
        }
    }
}

/// Fills a sink from private memory.
pub(super) fn pour<S: Sink + ?Sized>(value: &[u8], meta: &Meta, sink: &mut S) {
    if let Some(room) = sink.room_for(meta)
        && room.len() == value.len()
    {
        room.write_copy_of_slice(value);
    }
}
