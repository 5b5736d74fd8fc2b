//! Telling the observer of what left the cache without being asked to. Where there is none, it costs a look at a
//! constant word for each item that goes.

use crate::expiry::Death;
use crate::index::{Slot, mark};
use crate::item::{Item, size_of_item};
use crate::seat::Op;
use crate::types::{Gone, Observer, Reason};
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Op<'_> {
    /// Tells of an item that this operation has just unlinked and still holds.
    pub(super) fn tell_evicted(&self, item: &Item, slot: Slot) {
        if let Some(observer) = &self.arena.observer {
            self.tell(&**observer, item, slot, Reason::Evicted);
        }
    }

    /// The same of a dead one. What was flushed was asked to go.
    pub(super) fn tell_dead(&self, item: &Item, slot: Slot, death: Death) {
        if let Some(observer) = &self.arena.observer
            && death == Death::Expired
        {
            self.tell(&**observer, item, slot, Reason::Expired);
        }
    }

    #[cold]
    fn tell(&self, observer: &dyn Observer, item: &Item, slot: Slot, reason: Reason) {
        let mut buffer = [0; 256];
        let key = item.key(self.arena, &mut buffer);
        let (value_len, flags) = (item.len as usize, item.flags(self.arena));
        let now = self.arena.superblock().clock.0.now();
        let gone = Gone {
            key,
            value_len,
            flags,
            ttl: self.ttl(item.header.expiry()),
            fetched: slot.has(mark::FETCHED),
            last_access: item.access.map(|time| now.saturating_sub(time)),
            size: size_of_item(key.len(), value_len, flags),
            binary: slot.has(mark::BINARY),
            reason,
        };
        // What panics has said so already; unwound from here, it would leave the segment half emptied.
        let _ = catch_unwind(AssertUnwindSafe(|| observer.gone(&gone)));
    }
}
