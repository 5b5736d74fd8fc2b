//! Statistics under memcached's names.

/// A reading of the counters, under memcached's names. Counters only grow (until `reset_stats`);
/// `curr_items`, `bytes` and `limit_maxbytes` are readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Keys asked for by get, gets, get_many.
    pub cmd_get: u64,
    /// Storing verbs.
    pub cmd_set: u64,
    /// Calls of `flush_all`.
    pub cmd_flush: u64,
    /// Calls of `touch` and keys asked for by `gat`.
    pub cmd_touch: u64,
    /// Meta gets.
    pub cmd_meta: u64,
    /// Gets that found an item.
    pub get_hits: u64,
    /// Gets that did not.
    pub get_misses: u64,
    /// Gets that found an expired item.
    pub get_expired: u64,
    /// Gets that found a flushed item.
    pub get_flushed: u64,
    /// Deletes that found nothing.
    pub delete_misses: u64,
    /// Deletes that removed an item.
    pub delete_hits: u64,
    /// Increments of a missing key.
    pub incr_misses: u64,
    /// Increments done.
    pub incr_hits: u64,
    /// Decrements of a missing key.
    pub decr_misses: u64,
    /// Decrements done.
    pub decr_hits: u64,
    /// cas of a missing key.
    pub cas_misses: u64,
    /// cas that stored.
    pub cas_hits: u64,
    /// cas that found the item changed.
    pub cas_badval: u64,
    /// touch and gat that found an item.
    pub touch_hits: u64,
    /// touch and gat that did not.
    pub touch_misses: u64,
    /// Items refused because of their size.
    pub store_too_large: u64,
    /// Items refused for want of memory.
    pub store_no_memory: u64,
    /// Items stored since the start.
    pub total_items: u64,
    /// Items evicted to make room.
    pub evictions: u64,
    /// Of those, items never read.
    pub evicted_unfetched: u64,
    /// Expired items whose memory was reclaimed without ever having been read.
    pub expired_unfetched: u64,
    /// Expired items whose memory was reclaimed.
    pub reclaimed: u64,
    /// Of the evictions, those because an index bucket was full.
    pub index_evictions: u64,
    /// Segments reclaimed by eviction.
    pub segments_evicted: u64,
    /// Segments compacted because much of them was dead.
    pub segments_cleaned: u64,
    /// Items now in the cache (expired ones not yet reclaimed included). Stores and deletes that overlap a
    /// `flush_all` may be counted on the wrong side of it until the next one.
    pub curr_items: u64,
    /// Bytes the items take, their headers and index slots included.
    pub bytes: u64,
    /// The memory limit in bytes: items, index and metadata together.
    pub limit_maxbytes: u64,
}

impl Stats {
    /// The statistics as pairs of memcached's name and value.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let s = *self;
        [
            ("cmd_get", s.cmd_get),
            ("cmd_set", s.cmd_set),
            ("cmd_flush", s.cmd_flush),
            ("cmd_touch", s.cmd_touch),
            ("cmd_meta", s.cmd_meta),
            ("get_hits", s.get_hits),
            ("get_misses", s.get_misses),
            ("get_expired", s.get_expired),
            ("get_flushed", s.get_flushed),
            ("delete_misses", s.delete_misses),
            ("delete_hits", s.delete_hits),
            ("incr_misses", s.incr_misses),
            ("incr_hits", s.incr_hits),
            ("decr_misses", s.decr_misses),
            ("decr_hits", s.decr_hits),
            ("cas_misses", s.cas_misses),
            ("cas_hits", s.cas_hits),
            ("cas_badval", s.cas_badval),
            ("touch_hits", s.touch_hits),
            ("touch_misses", s.touch_misses),
            ("store_too_large", s.store_too_large),
            ("store_no_memory", s.store_no_memory),
            ("bytes", s.bytes),
            ("curr_items", s.curr_items),
            ("total_items", s.total_items),
            ("limit_maxbytes", s.limit_maxbytes),
            ("expired_unfetched", s.expired_unfetched),
            ("evicted_unfetched", s.evicted_unfetched),
            ("evictions", s.evictions),
            ("reclaimed", s.reclaimed),
            ("index_evictions", s.index_evictions),
            ("segments_evicted", s.segments_evicted),
            ("segments_cleaned", s.segments_cleaned),
        ]
        .into_iter()
    }
}

/// The counters that a seat keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Counter {
    CmdSet,
    CmdFlush,
    CmdTouch,
    CmdMeta,
    GetHits,
    GetMisses,
    GetExpired,
    GetFlushed,
    DeleteMisses,
    DeleteHits,
    IncrMisses,
    IncrHits,
    DecrMisses,
    DecrHits,
    CasMisses,
    CasHits,
    CasBadval,
    TouchHits,
    TouchMisses,
    StoreTooLarge,
    StoreNoMemory,
    TotalItems,
    Evictions,
    EvictedUnfetched,
    ExpiredUnfetched,
    Reclaimed,
    IndexEvictions,
    SegmentsEvicted,
    SegmentsCleaned,
    /// Items put into the index, and taken out of it.
    ItemsIn,
    ItemsOut,
    BytesIn,
    BytesOut,
    /// Of what was taken out, what a flush had killed before.
    FlushedOut,
    FlushedBytesOut,
}

/// Counters up to here are set to 0 by `reset_stats`; those after it say what is in the cache.
pub(crate) const RESETTABLE: usize = Counter::ItemsIn as usize;

const _: () = assert!((Counter::FlushedBytesOut as usize) < crate::hazard::COUNTERS);

impl Stats {
    /// From the sums over all seats; `flushed` are the items and bytes that were dead at the last flush.
    pub(crate) fn from_sums(sums: &[u64], flushed: (u64, u64), limit: u64) -> Stats {
        let of = |counter: Counter| sums[counter as usize];
        let now = |added: Counter, gone: Counter, dead: u64, dead_gone: Counter| {
            let held = of(added).saturating_sub(of(gone));
            held.saturating_sub(dead.saturating_sub(of(dead_gone)))
        };
        Stats {
            // Every key asked for is a hit or a miss.
            cmd_get: of(Counter::GetHits).wrapping_add(of(Counter::GetMisses)),
            cmd_set: of(Counter::CmdSet),
            cmd_flush: of(Counter::CmdFlush),
            cmd_touch: of(Counter::CmdTouch),
            cmd_meta: of(Counter::CmdMeta),
            get_hits: of(Counter::GetHits),
            get_misses: of(Counter::GetMisses),
            get_expired: of(Counter::GetExpired),
            get_flushed: of(Counter::GetFlushed),
            delete_misses: of(Counter::DeleteMisses),
            delete_hits: of(Counter::DeleteHits),
            incr_misses: of(Counter::IncrMisses),
            incr_hits: of(Counter::IncrHits),
            decr_misses: of(Counter::DecrMisses),
            decr_hits: of(Counter::DecrHits),
            cas_misses: of(Counter::CasMisses),
            cas_hits: of(Counter::CasHits),
            cas_badval: of(Counter::CasBadval),
            touch_hits: of(Counter::TouchHits),
            touch_misses: of(Counter::TouchMisses),
            store_too_large: of(Counter::StoreTooLarge),
            store_no_memory: of(Counter::StoreNoMemory),
            total_items: of(Counter::TotalItems),
            evictions: of(Counter::Evictions),
            evicted_unfetched: of(Counter::EvictedUnfetched),
            expired_unfetched: of(Counter::ExpiredUnfetched),
            reclaimed: of(Counter::Reclaimed),
            index_evictions: of(Counter::IndexEvictions),
            segments_evicted: of(Counter::SegmentsEvicted),
            segments_cleaned: of(Counter::SegmentsCleaned),
            curr_items: now(Counter::ItemsIn, Counter::ItemsOut, flushed.0, Counter::FlushedOut),
            bytes: now(Counter::BytesIn, Counter::BytesOut, flushed.1, Counter::FlushedBytesOut),
            limit_maxbytes: limit,
        }
    }
}
