//! The meta get: one caller wins the right to fill a missing, stale or soon expiring item, the others know.

use crate::Error;
use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::hazard::Hazard;
use crate::index::{Found, Search, Slot, mark};
use crate::item::size_of_item;
use crate::ops::compose::Draft;
use crate::ops::read::View;
use crate::ops::remove::pour;
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::{Meta, MetaGet, MetaHit, Sink};

impl<'a> Op<'a> {
    pub fn meta_get<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        ask: MetaGet,
        sink: &mut S,
    ) -> Result<Option<MetaHit>, Error> {
        self.count(Counter::CmdMeta);
        let hash = self.arena.hasher.hash(key);
        if self.is_spectator() {
            return Ok(self.meta_look(key, hash, ask, sink));
        }
        loop {
            let horizon = self.horizon();
            let search = self.search(key, hash);
            let Some((held, view)) = self.living(&search, horizon) else {
                let Some(expiry) = ask.vivify else {
                    self.clear(Hazard::Read);
                    self.count(Counter::GetMisses);
                    return Ok(None);
                };
                let made = self.vivify(&search, horizon, key, ask, self.deadline(expiry));
                if let Some(hit) = made.inspect_err(|_| self.clear(Hazard::Read))? {
                    self.count(Counter::GetMisses);
                    pour(&[], &hit.meta, sink);
                    return Ok(Some(hit));
                }
                continue;
            };
            let mut hit = self.hit(key, &view, held.slot);
            let deadline = ask.touch.map(|expiry| self.deadline(expiry));
            let touched = deadline.map(|deadline| self.ttl(deadline));
            let judged = touched.filter(|_| ask.recache_after_touch).unwrap_or(hit.ttl_before);
            let due = ask.recache.is_some_and(|least| judged.is_some_and(|ttl| ttl < least));
            hit.won = (hit.stale || due) && !hit.sent;
            hit.same = ask.compare == Some(hit.meta.cas);
            let read = if ask.no_bump { held.slot } else { held.slot.read() };
            let read = read.with(if hit.won { mark::WON } else { 0 });
            let value = if hit.same { Some(Vec::new()) } else { view.value() };
            let Some(value) = value else {
                self.drop_damaged(search.bucket, &held);
                continue;
            };
            // The linearization point of winning.
            if read != held.slot && !search.bucket.swap(held.i, held.slot, read) {
                continue;
            }
            if !ask.no_bump {
                self.stamp(&view.item);
            }
            // The very item that is answered; one that is about to be moved is touched where it comes to be.
            let done = deadline.is_none_or(|deadline| self.retime_held(&held, deadline));
            self.clear(Hazard::Read);
            self.count(Counter::GetHits);
            if let Some(deadline) = deadline {
                self.count(Counter::CmdTouch);
                let done =
                    done || self.retime(key, deadline, false, false, |_| Some(()))?.is_some();
                self.count_touch(done);
            }
            hit.meta.ttl = touched.unwrap_or(hit.ttl_before);
            if !hit.same {
                pour(&value, &hit.meta, sink);
            }
            return Ok(Some(hit));
        }
    }

    /// A meta get that changes nothing, for who may change nothing.
    fn meta_look<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        hash: KeyHash,
        ask: MetaGet,
        sink: &mut S,
    ) -> Option<MetaHit> {
        let mut found = None;
        let seen =
            |view: &View<'_>, slot| found = view.value().map(|v| (self.hit(key, view, slot), v));
        let (mut hit, value) = self.look_on(key, hash, self.horizon(), seen).then_some(found)??;
        hit.same = ask.compare == Some(hit.meta.cas);
        if !hit.same {
            pour(&value, &hit.meta, sink);
        }
        Some(hit)
    }

    /// What is known of an item. Changes nothing, counts nothing.
    pub fn inspect(&self, key: &[u8]) -> Option<MetaHit> {
        let horizon = self.horizon();
        let hash = self.arena.hasher.hash(key);
        if self.is_spectator() {
            let mut hit = None;
            let seen = |view: &View<'_>, slot| hit = Some(self.hit(key, view, slot));
            return self.look_on(key, hash, horizon, seen).then_some(hit).flatten();
        }
        let search = self.search(key, hash);
        let hit = self.living(&search, horizon).map(|(held, view)| self.hit(key, &view, held.slot));
        self.clear(Hazard::Read);
        hit
    }

    /// What a search has found, as it is now, if it is alive.
    fn living(&self, search: &Search<'a>, horizon: Horizon) -> Option<(Found, View<'a>)> {
        let held = search.found?;
        let item = held.item.again(self.arena);
        let view = View { arena: self.arena, item, birth: held.birth };
        horizon.death(self.arena, &item, held.birth).is_none().then_some((held, view))
    }

    fn hit(&self, key: &[u8], view: &View<'_>, slot: Slot) -> MetaHit {
        let meta = view.meta(self);
        let now = self.arena.superblock().clock.0.now();
        MetaHit {
            won: false,
            stale: slot.has(mark::STALE),
            sent: slot.has(mark::WON),
            hit_before: slot.has(mark::FETCHED),
            same: false,
            last_access: view.item.access.map(|time| now.saturating_sub(time)),
            binary: slot.has(mark::BINARY),
            size: size_of_item(key.len(), meta.len, meta.flags),
            ttl_before: meta.ttl,
            meta,
        }
    }

    /// Puts an empty item where there was none, won by this caller. `None`: somebody was faster.
    fn vivify(
        &self,
        search: &Search<'_>,
        horizon: Horizon,
        key: &[u8],
        ask: MetaGet,
        deadline: u32,
    ) -> Result<Option<MetaHit>, Error> {
        let hash = self.arena.hasher.hash(key);
        // It has been read by the get that makes it.
        let born = mark::WON | if ask.no_bump { 0 } else { mark::FETCHED };
        let draft = Draft {
            marks: born | if ask.binary { mark::BINARY } else { 0 },
            given: ask.unique,
            ..Draft::new(key, Vec::new().into(), deadline)
        };
        let mut composed = None;
        let ready = self.compose(hash, &draft, &mut composed)?;
        let (installed, unique) = (self.install(search, hash, ready), ready.unique);
        if !matches!(installed, Ok(true)) {
            self.discard(composed);
            installed?;
            return Ok(None);
        }
        // It took the place of a dead item.
        if let Some(dead) = search.found {
            if let Some(death) = horizon.death(self.arena, &dead.item, dead.birth) {
                self.count_reclaimed(&dead.item, dead.slot, death);
            }
            self.gone(&dead.item, dead.birth);
        }
        self.clear(Hazard::Read);
        let meta = Meta { len: 0, flags: 0, cas: unique, ttl: self.ttl(deadline) };
        Ok(Some(MetaHit {
            meta,
            won: true,
            stale: false,
            sent: false,
            hit_before: false,
            same: false,
            last_access: self.arena.geometry().track_access.then_some(0),
            binary: ask.binary,
            size: size_of_item(key.len(), 0, 0),
            ttl_before: meta.ttl,
        }))
    }
}
