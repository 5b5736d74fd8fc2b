//! Offsets to words: the only place where a location in the arena becomes an address, and it is bounded here.

use crate::bucket::Bucket;
use crate::error::Error;
use crate::hash::{KeyHash, KeyHasher};
use crate::hazard::Seat;
use crate::memory::copy::end_of;
use crate::memory::layout::{FINGERPRINT, Geometry, MAGIC, Superblock, VERSION};
use crate::memory::member::Member;
use crate::memory::process::Process;
use crate::memory::region::Region;
use crate::memory::segment::{Lane, State};
use crate::memory::{file, fork, home};
use crate::sync::{AtomicU64, Ordering};
use crate::types::{Home, Observer, Options};
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::sync::Arc;

/// An attached arena.
///
/// *Thread safety:* all of it. *Invariants:* 1. `geometry` is a private copy and every part it names lies
/// within the region; 2. the region's words are only ever accessed as `AtomicU64`, or by block copies of
/// bytes whose owner is known.
#[derive(Debug)]
pub(crate) struct Arena {
    region: Region,
    geometry: Geometry,
    pub hasher: KeyHasher,
    /// Distinguishes the arenas that this process has attached, also after one is gone.
    pub id: u64,
    /// This process's number in its line of forks; 0 in a child that has not looked yet (`fork`).
    pub era: &'static AtomicU64,
    /// Its place in the table of processes.
    pub member: Member,
    /// The seat of whoever has none: in private memory, so that what is counted or held there is nobody's business.
    pub spectator: Seat,
    pub home: Home,
    pub path: Option<PathBuf>,
    /// Who is told of what this process evicts.
    pub observer: Option<Arc<dyn Observer>>,
    /// Did somebody of this process wait for a seat in vain? Then others need not.
    pub crowded: AtomicU64,
}

/// One word for each segment.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum PerSegment {
    /// Its birth number; 0 is unreadable. All that readers read.
    Birth = 0,
    State = 1,
    /// Granules filled.
    Used = 2,
    /// Granules of them whose items are no longer in the index, about.
    Dead = 3,
    /// When the last of its items expires; `u64::MAX` is never.
    Expiry = 4,
    /// Its place in its queue.
    Order = 5,
    /// The key hash of the LARGE item that an extent belongs to.
    Link = 6,
    /// Granules that a drain has done with.
    Drained = 7,
    /// When it was opened.
    Opened = 8,
}

impl Arena {
    /// An arena in this home, attached or new.
    pub fn open(options: &Options, id: u64, seed: u64) -> Result<Arena, Error> {
        let found = home::open(options, |region, geometry| {
            initialise(region, geometry, options, seed);
        })?;
        let mut arena = Arena {
            region: found.region,
            geometry: found.geometry,
            hasher: KeyHasher::new(seed),
            id,
            era: fork::word(),
            member: Member::default(),
            spectator: Seat::spectator(),
            home: options.home.clone(),
            path: found.path,
            observer: options.observer.clone(),
            crowded: AtomicU64::new(0),
        };
        // Relaxed: constant.
        arena.hasher = KeyHasher::new(arena.superblock().seed.load(Ordering::Relaxed));
        Ok(arena)
    }

    /// Is it mapped so that it cannot be written?
    #[inline(always)]
    pub fn is_read_only(&self) -> bool {
        self.region.read_only
    }

    /// Has somebody found that words which were written once have changed?
    pub fn is_poisoned(&self) -> bool {
        self.superblock().health.0.poisoned.load(Ordering::Relaxed) != 0
    }

    /// Looks whether they have; if so, all that is stored is taken for flushed, nothing is stored any more, and the next
    /// to open the home makes a new arena.
    pub fn poison_if_damaged(&self) {
        let sb = self.superblock();
        if sb.checksum() != sb.origin.0.checksum.load(Ordering::Relaxed) {
            sb.health.0.poisoned.store(1, Ordering::Relaxed);
            // AcqRel: as any flush, and of more than will ever be stored.
            sb.flush.0.birth.fetch_max(u64::MAX >> 1, Ordering::AcqRel);
        }
    }

    pub fn region(&self) -> &Region {
        &self.region
    }

    #[inline(always)]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    #[inline(always)]
    pub fn superblock(&self) -> &Superblock {
        superblock(&self.region)
    }

    /// A word of the arena. A location beyond its end reads as the first word: garbage, never a fault.
    #[inline(always)]
    pub fn word(&self, loc: u64) -> &AtomicU64 {
        let loc = if loc < self.geometry.words { loc } else { 0 };
        // SAFETY: `loc` is within the region (invariant 1), which is aligned to 8 bytes.
        unsafe { &*self.region.base().cast::<AtomicU64>().add(loc as usize) }
    }

    /// All words, for whoever damages them on purpose.
    #[cfg(nearcache_damage)]
    pub fn words(&self) -> &[AtomicU64] {
        self.table(0, self.geometry.words)
    }

    /// A run of structs of atomic words that the geometry places at `at`.
    #[inline(always)]
    fn table<T>(&self, at: u64, count: u64) -> &[T] {
        debug_assert!(at * 8 + count * size_of::<T>() as u64 <= self.region.len() as u64);
        // SAFETY: private callers name only parts of the geometry, which lie within the region (invariant 1) on
        // boundaries of 128 bytes, and only types made of atomic words; or words that they have seen to lie within it.
        unsafe {
            let base = self.region.base().cast::<u64>().add(at as usize).cast::<T>();
            std::slice::from_raw_parts(base, count as usize)
        }
    }

    pub fn processes(&self) -> &[Process] {
        self.table(self.geometry.processes_at, self.geometry.processes)
    }

    #[inline(always)]
    pub fn seats(&self) -> &[Seat] {
        self.table(self.geometry.seats_at, self.geometry.seats)
    }

    pub fn cells(&self) -> &[AtomicU64] {
        self.table(self.geometry.cells_at, self.geometry.cells)
    }

    pub fn lane(&self, i: u64) -> &Lane {
        &self.table(self.geometry.lanes_at, Lane::COUNT_MAX)[(i % Lane::COUNT_MAX) as usize]
    }

    /// The line of 32 ghost fingerprints that a key's are in.
    pub fn ghost_line(&self, hash: KeyHash) -> &[AtomicU64] {
        let at = self.geometry.ghosts_at + hash.bucket(self.geometry.ghost_lines) * 8;
        self.table(at, 8)
    }

    /// The segment that holds chunk `i` of the doubled index, plus 1; 0 is none.
    pub fn directory(&self, i: u64) -> &AtomicU64 {
        self.word(self.geometry.directory_at + i % self.geometry.segments)
    }

    /// A bucket of the first index.
    #[inline(always)]
    pub fn first_bucket(&self, number: u64) -> &Bucket {
        &self.table(self.geometry.buckets_at, self.geometry.buckets)[number as usize]
    }

    /// The bucket at a location.
    #[inline(always)]
    pub fn bucket_at(&self, loc: u64) -> &Bucket {
        let loc = if loc + 16 <= self.geometry.words { loc & !15 } else { 0 };
        // SAFETY: 16 words from `loc` on lie within the region (checked above), aligned to 128 bytes because
        // the region is page-aligned; `Bucket` is 16 atomic words.
        unsafe { &*self.region.base().cast::<u64>().add(loc as usize).cast::<Bucket>() }
    }

    /// A word of a segment's metadata.
    #[inline(always)]
    pub fn segment(&self, which: PerSegment, segment: u64) -> &AtomicU64 {
        debug_assert!(segment < self.geometry.segments);
        self.word(self.geometry.arrays_at + which as u64 * self.geometry.array_stride() + segment)
    }

    #[inline(always)]
    pub fn birth(&self, segment: u64) -> &AtomicU64 {
        &self.table(self.geometry.arrays_at, self.geometry.segments)[segment as usize]
    }

    /// The memory limit in bytes.
    pub fn limit(&self) -> u64 {
        // Acquire: pairs with the exchange of who moves it.
        let bytes = self.superblock().limit.0.bytes.load(Ordering::Acquire);
        // One that is damaged leaves some segments.
        bytes.clamp(self.geometry.least(), self.geometry.words * 8)
    }

    /// Segments that the memory limit allows.
    pub fn allowance(&self) -> u64 {
        self.geometry.allowance(self.limit())
    }

    /// Segments that were ever used or withheld: all those that anybody needs to look at.
    pub fn reach(&self) -> u64 {
        // Acquire: pairs with the exchange of who extends it; the memory up to there is reserved.
        self.superblock().limit.0.reach.load(Ordering::Acquire).clamp(1, self.geometry.segments)
    }

    /// Gives the memory of a segment back to the system; it reads as zeros from then on.
    pub fn give_back(&self, segment: u64) {
        self.region.give_back(self.segment_start(segment) * 8, self.geometry.segment_bytes());
    }

    /// Takes memory for segments from the system, so that nobody is told later, by a signal, that there is none.
    pub fn reserve(&self, first: u64, count: u64) -> Result<(), Error> {
        let len = count * self.geometry.segment_bytes();
        self.region.reserve(self.segment_start(first) * 8, len, self.limit())
    }

    /// Acquire: pairs with the releasing CAS of whoever changed the state last.
    pub fn state(&self, segment: u64) -> State {
        State(self.segment(PerSegment::State, segment).load(Ordering::Acquire))
    }

    pub fn change_state(&self, segment: u64, old: State, new: State) -> bool {
        // AcqRel: releases what was done to the segment, acquires what the last owner did.
        // Acquire on failure: the caller looks at what another has done.
        self.segment(PerSegment::State, segment)
            .compare_exchange(old.0, new.0, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The granule where a segment begins.
    #[inline(always)]
    pub fn segment_start(&self, segment: u64) -> u64 {
        self.geometry.segments_at + (segment << self.geometry.segment_shift)
    }

    /// The segment that a location lies in, and its words from there on.
    #[inline(always)]
    pub fn words_from(&self, loc: u64) -> Option<(u64, &[AtomicU64])> {
        let segment = self.segment_of(loc)?;
        let room = self.geometry.segment_words() - self.offset_in_segment(loc);
        debug_assert!(loc + room <= self.geometry.words);
        // SAFETY: the words up to the end of a segment lie within the region (invariant 1), aligned to 8 bytes.
        let words = unsafe {
            let first = self.region.base().cast::<AtomicU64>().add(loc as usize);
            std::slice::from_raw_parts(first, room as usize)
        };
        Some((segment, words))
    }

    /// The segment that a location lies in.
    #[inline(always)]
    pub fn segment_of(&self, loc: u64) -> Option<u64> {
        // What lies before the first segment wraps to one far beyond the last.
        let segment = loc.wrapping_sub(self.geometry.segments_at) >> self.geometry.segment_shift;
        (segment < self.geometry.segments).then_some(segment)
    }

    /// Granules from a location to the end of its segment.
    #[inline(always)]
    pub fn room_at(&self, loc: u64) -> Option<u64> {
        self.segment_of(loc)?;
        Some(self.geometry.segment_words() - self.offset_in_segment(loc))
    }

    #[inline(always)]
    pub fn offset_in_segment(&self, loc: u64) -> u64 {
        loc.wrapping_sub(self.geometry.segments_at) & (self.geometry.segment_words() - 1)
    }

    /// The address of `len` bytes at byte `at`, if they lie within the arena.
    #[inline(always)]
    fn bytes_at(&self, at: u64, len: usize) -> Option<*mut u8> {
        let fits = at.checked_add(len as u64).is_some_and(|end| end <= self.region.len() as u64);
        // SAFETY: the bytes lie within the region, as just checked.
        fits.then(|| unsafe { self.region.base().add(at as usize) })
    }

    /// Copies bytes out, as relaxed loads would: what was torn is for the caller to find out.
    #[inline(always)]
    pub fn copy_out(&self, at: u64, to: &mut [u8]) {
        self.copy_to(at, crate::types::as_room(to));
    }

    /// As [`copy_out`](Self::copy_out); every byte of the target is written.
    #[inline(always)]
    pub fn copy_to(&self, at: u64, to: &mut [MaybeUninit<u8>]) {
        match self.bytes_at(at, to.len()) {
            // SAFETY: source and target are valid for the length, and the target is not of the arena.
            Some(from) => unsafe { super::copy::load(from, to.as_mut_ptr().cast(), to.len()) },
            None => to.fill(MaybeUninit::new(0)),
        }
    }

    /// Copies bytes in, as relaxed stores would. The caller owns the words: nobody else writes them, and
    /// readers who see them torn find out.
    #[inline(always)]
    pub fn copy_in(&self, at: u64, from: &[u8]) {
        if let Some(to) = self.bytes_at(at, from.len()) {
            // SAFETY: source and target are valid for the length, and the source is not of the arena.
            unsafe { super::copy::store(from.as_ptr(), to, from.len()) }
        }
    }

    /// Are these the bytes that begin on granule `loc`?
    #[inline(always)]
    pub fn bytes_are(&self, loc: u64, bytes: &[u8]) -> bool {
        let count = bytes.len().div_ceil(8) as u64;
        if loc.checked_add(count).is_none_or(|end| end > self.geometry.words) {
            return false;
        }
        let (whole, rest) = bytes.as_chunks::<8>();
        let words = self.table::<AtomicU64>(loc, count);
        // Relaxed: the caller validates what was read.
        let is_same = |(word, chunk): (&AtomicU64, &[u8; 8])| {
            word.load(Ordering::Relaxed) == u64::from_le_bytes(*chunk)
        };
        words.iter().zip(whole).all(is_same)
            && words.get(whole.len()).is_none_or(|last| {
                let mask = (1 << (8 * rest.len())) - 1;
                last.load(Ordering::Relaxed) & mask == end_of(bytes, rest.len())
            })
    }

    /// Bytes in place.
    ///
    /// # Safety
    /// The caller holds a hazard or guard on the segment, and the bytes are of a published item: immutable
    /// until the guard is given up.
    pub unsafe fn bytes(&self, at: u64, len: usize) -> &[u8] {
        match self.bytes_at(at, len) {
            // SAFETY: within the region; immutable as the caller promises.
            Some(base) => unsafe { std::slice::from_raw_parts(base, len) },
            None => &[],
        }
    }

    /// Asks the processor for the lines of an item before they are needed: the first three, which is all of a
    /// small one. (Where its value begins is only known when its first word is there.)
    #[inline(always)]
    pub fn prefetch_item(&self, loc: u64) {
        let first = std::ptr::from_ref(self.word(loc)).cast::<u8>();
        for line in 0..3 {
            self.prefetch_at(first.wrapping_add(64 * line));
        }
    }

    /// Asks the processor for a line before it is needed.
    #[inline(always)]
    pub fn prefetch_at(&self, address: *const u8) {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(address.cast());
        }
        #[cfg(not(all(target_arch = "x86_64", not(miri))))]
        let _ = address;
    }
}

/// Writes what an arena begins with. Relaxed throughout: nobody else sees it yet.
fn initialise(region: &Region, geometry: Geometry, options: &Options, seed: u64) {
    let sb = superblock(region);
    for (word, value) in sb.geometry.iter().zip(geometry.to_words()) {
        word.store(value, Ordering::Relaxed);
    }
    sb.seed.store(seed, Ordering::Relaxed);
    sb.fingerprint.store(FINGERPRINT, Ordering::Relaxed);
    sb.version.store(VERSION, Ordering::Relaxed);
    sb.clock.0.start(options.manual_clock);
    let limit = file::size_of(options);
    let segments = geometry.allowance(limit);
    sb.limit.0.bytes.store(limit, Ordering::Relaxed);
    sb.limit.0.reached.store(limit, Ordering::Relaxed);
    sb.limit.0.reach.store(segments, Ordering::Relaxed);
    sb.free.0.store(segments, Ordering::Relaxed);
    sb.policy.0[0].store(2, Ordering::Relaxed);
    sb.magic.store(MAGIC, Ordering::Relaxed);
    let origin = &sb.origin.0;
    for (word, value) in origin.boot.iter().zip(home::boot()) {
        word.store(value, Ordering::Relaxed);
    }
    origin.created.store(sb.clock.0.unix_time() as u64, Ordering::Relaxed);
    origin.checksum.store(sb.checksum(), Ordering::Relaxed);
    for number in 0..geometry.buckets {
        let at = geometry.buckets_at + number * 16;
        debug_assert!(at + 16 <= geometry.words);
        // SAFETY: the buckets lie within the region (`Geometry::place`), on boundaries of 128 bytes, and a bucket is
        // made of atomic words.
        let bucket = unsafe { &*region.base().cast::<u64>().add(at as usize).cast::<Bucket>() };
        bucket.bear();
    }
}

#[inline(always)]
fn superblock(region: &Region) -> &Superblock {
    // SAFETY: a region is page-aligned, longer than a page (`Geometry::plan`, `home::read_head`), and `Superblock` is
    // made of atomic words only, for which every bit pattern is valid.
    unsafe { &*region.base().cast::<Superblock>() }
}
