//! The meta get: one caller wins the right to fill a missing, stale or soon expiring item, the others know.

use crate::Error;
use crate::hazard::Hazard;
use crate::index::{Search, mark};
use crate::ops::read::View;
use crate::ops::remove::pour;
use crate::ops::store::Draft;
use crate::seat::Op;
use crate::stats::Counter;
use crate::types::{Meta, MetaGet, MetaHit, Sink};

impl Op<'_> {
    pub fn meta_get<S: Sink + ?Sized>(
        &self,
        key: &[u8],
        ask: MetaGet,
        sink: &mut S,
    ) -> Result<Option<MetaHit>, Error> {
        self.count(Counter::CmdMeta);
        let hash = self.arena.hasher.hash(key);
        let horizon = self.horizon();
        loop {
            let search = self.search(key, hash);
            let alive = search
                .found
                .filter(|held| horizon.death(self.arena, &held.item, held.birth).is_none());
            let Some(held) = alive else {
                let Some(expiry) = ask.vivify else {
                    self.clear(Hazard::Read);
                    self.count(Counter::GetMisses);
                    return Ok(None);
                };
                if let Some(hit) = self.vivify(&search, key, self.deadline(expiry))? {
                    self.count(Counter::GetMisses);
                    pour(&[], sink);
                    return Ok(Some(hit));
                }
                continue;
            };
            let item = held.item.again(self.arena);
            let view = View { arena: self.arena, item, birth: held.birth };
            let mut meta = view.meta(self);
            let stale = held.slot.has(mark::STALE);
            let taken = held.slot.has(mark::WON);
            let due = ask.recache.is_some_and(|least| meta.ttl.is_some_and(|ttl| ttl < least));
            let won = (stale || due) && !taken;
            let read = held.slot.read().with(if won { mark::WON } else { 0 });
            let Some(value) = view.value() else {
                self.drop_damaged(search.bucket, &held);
                continue;
            };
            // The linearization point of winning.
            if read != held.slot && !search.bucket.swap(held.i, held.slot, read) {
                continue;
            }
            self.clear(Hazard::Read);
            self.count(Counter::GetHits);
            if let Some(expiry) = ask.touch {
                let deadline = self.deadline(expiry);
                self.count(Counter::CmdTouch);
                let touched = self.retime(key, deadline, false, false, |_| Some(()))?;
                self.count_touch(touched.is_some());
                meta.ttl = self.ttl(deadline);
            }
            pour(&value, sink);
            let hit_before = held.slot.has(mark::FETCHED);
            return Ok(Some(MetaHit { meta, won, stale, sent: taken, hit_before }));
        }
    }

    /// Puts an empty item where there was none, won by this caller. `None`: somebody was faster.
    fn vivify(
        &self,
        search: &Search<'_>,
        key: &[u8],
        deadline: u32,
    ) -> Result<Option<MetaHit>, Error> {
        let hash = self.arena.hasher.hash(key);
        let draft = Draft { marks: mark::WON, ..Draft::new(key, Vec::new().into(), deadline) };
        let composed = self.compose(hash, &draft)?;
        let installed = self.install(search, hash, &composed);
        if !matches!(installed, Ok(true)) {
            self.discard(Some(composed));
            installed?;
            return Ok(None);
        }
        // It took the place of a dead item.
        if let Some(dead) = search.found {
            self.count_reclaimed(dead.slot);
            self.gone(&dead.item, dead.birth);
        }
        self.clear(Hazard::Read);
        let meta = Meta { len: 0, flags: 0, cas: composed.unique, ttl: self.ttl(deadline) };
        Ok(Some(MetaHit { meta, won: true, stale: false, sent: false, hit_before: false }))
    }
}
