//! What is where in an arena: the superblock's words, and the geometry computed from them.
//! `docs/layout.md` shows the same as a picture.

use crate::bucket::Bucket;
use crate::clock::Clock;
use crate::error::Error;
use crate::flush::{Births, Flush};
use crate::hazard::{COUNTERS, Seat};
use crate::memory::process::Process;
use crate::memory::segment::Lane;
use crate::sync::{AtomicU64, Ordering};
use crate::types::{Options, Policy};
use std::mem::{align_of, size_of};

pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"nearcach");
pub(crate) const VERSION: u64 = 3;

const PAGE: u64 = 4096;
const SEGMENT_MIN_SHIFT: u32 = 16;
const SEGMENT_MAX_SHIFT: u32 = 20;
/// Segments of ordinary size, however far the limit may be moved: whoever looks for one to reclaim looks at all.
const SEGMENTS_MAX: u64 = 1 << 16;
/// Slots are filled to this part of all when a cache is full of items of the hinted size. At 0.65 one insert in
/// thirty meets a full bucket; at 0.60 one in fifty, for another byte an item.
const LOAD_PERCENT: u64 = 65;

/// The arena's first page.
///
/// *Thread safety:* all of it. *Invariants:* 1. the first block is written once, at creation; 2. words that
/// change are on cache lines of their own, apart from what every operation reads.
#[repr(C, align(4096))]
#[derive(Debug)]
pub(crate) struct Superblock {
    pub magic: AtomicU64,
    pub version: AtomicU64,
    pub fingerprint: AtomicU64,
    pub seed: AtomicU64,
    pub geometry: [AtomicU64; GEOMETRY],
    pub origin: Line<Origin>,
    pub health: Line<Health>,
    pub clock: Line<Clock>,
    pub flush: Line<Flush>,
    /// How often the index has doubled, and how far its buckets were split since.
    pub index: Line<[AtomicU64; 2]>,
    /// Birth numbers given to segments, and the flush that is announced.
    pub births: Line<Births>,
    /// Free segments, about.
    pub free: Line<AtomicU64>,
    /// How much of the arena may be used.
    pub limit: Line<Limit>,
    /// What writers are to reclaim in passing, and at what pace (`evict::pace`).
    pub reclaim: Line<[AtomicU64; 4]>,
    /// How often an item must have been read to be promoted, and what that is judged by (`evict::promote`).
    pub policy: Line<[AtomicU64; 5]>,
    /// The counters' sums at the last `reset_stats`.
    pub baseline: Line<[AtomicU64; COUNTERS]>,
}

/// A cache line of its own (two, because processors fetch them in pairs).
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Line<T>(pub T);

/// Where the arena comes from: written once, as the words before it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Origin {
    /// The machine's boot.
    pub boot: [AtomicU64; 2],
    /// When it was created, as a Unix time.
    pub created: AtomicU64,
    /// Over all that was written once.
    pub checksum: AtomicU64,
}

/// What befell it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Health {
    /// Not 0: the words that were written once have changed, and nobody is to trust the rest.
    pub poisoned: AtomicU64,
    /// Seats that were taken from threads of dead processes. What these were counting may be missing.
    pub deaths: AtomicU64,
    /// When somebody last looked for dead processes, in milliseconds of the system's clock.
    pub reaped: AtomicU64,
}

/// The memory limit, which can be moved.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Limit {
    /// In bytes. All that a killed mover of it leaves undone follows from this word.
    pub bytes: AtomicU64,
    /// The last limit that was reached: what a mover who fails goes back to.
    pub reached: AtomicU64,
    /// Segments below this one have been within the limit at some time. Those from it on were never touched.
    pub reach: AtomicU64,
    /// WITHHELD segments, about.
    pub withheld: AtomicU64,
}

/// How the arena is cut up. Copied to private memory once, so that what is bounded against it cannot change.
/// Places are granules of 8 bytes from the arena's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// The whole arena, in granules: the most that the memory limit may be moved to.
    pub words: u64,
    pub segments: u64,
    /// log2 of a segment's granules.
    pub segment_shift: u32,
    /// Buckets of the first index; each doubling adds as many as there are.
    pub buckets: u64,
    /// How often the index doubles at most: then its doublings take [`INDEX_SHARE`] of the segments.
    pub level_max: u64,
    pub processes: u64,
    pub seats: u64,
    pub cells: u64,
    pub lanes: Lanes,
    pub ghost_lines: u64,
    pub item_size_max: u64,
    pub evict: bool,
    pub policy: Policy,
    /// Is kept when items were last asked for?
    pub track_access: bool,
    pub processes_at: u64,
    pub seats_at: u64,
    pub cells_at: u64,
    pub lanes_at: u64,
    pub arrays_at: u64,
    pub directory_at: u64,
    pub ghosts_at: u64,
    pub buckets_at: u64,
    pub segments_at: u64,
}

/// Words that the superblock keeps of the geometry.
const GEOMETRY: usize = 12;
/// The most threads that keep a seat, and the most processes: they fit into the owner ids (`seat`).
const SEATS_MAX: u64 = 1024;

/// How many lanes serve what. New items without a lifetime go to `small` (one for each core), with one to
/// `ttl` (by how long they live), promoted ones to `main`; items of more than an eighth of a segment go to
/// `bulk`, so that they do not close the others' segments half full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lanes {
    pub small: u64,
    pub ttl: u64,
    pub main: u64,
    pub bulk: u64,
}

impl Lanes {
    /// Together at most 5 % of the segments, and at least one of each that cannot be missed.
    fn plan(segments: u64) -> Lanes {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get() as u64);
        let most = segments / 20;
        let small = cores.min(most / 4).clamp(1, 16);
        let main = if most >= 8 { 2 } else { 1 };
        let bulk = u64::from(most >= 4);
        let ttl = most.saturating_sub(small + main + bulk).min(32);
        Lanes { small, ttl, main, bulk }
    }
    pub fn count(&self) -> u64 {
        self.small + self.ttl + self.main + self.bulk
    }
    fn to_word(self) -> u64 {
        self.small | self.ttl << 8 | self.main << 16 | self.bulk << 24
    }
    fn of_word(word: u64) -> Lanes {
        let part = |shift: u32| word >> shift & 0xff;
        Lanes { small: part(0), ttl: part(8), main: part(16), bulk: part(24) }
    }
}

/// What it takes to keep when an item was last asked for.
pub(crate) const ACCESS_BYTES: usize = 4;

/// The fewest segments of an arena.
const SEGMENTS_MIN: u64 = 4;

/// The doublings of the index take at most this part of the segments.
const INDEX_SHARE: u64 = 2;

/// One word for each segment in each of these arrays: what readers read never shares a line with the rest.
pub(crate) const ARRAYS: u64 = 9;

impl Geometry {
    pub fn segment_words(&self) -> u64 {
        1 << self.segment_shift
    }
    pub fn segment_bytes(&self) -> u64 {
        8 << self.segment_shift
    }

    /// Bytes that every item has behind its value and flags.
    #[inline(always)]
    pub fn tail(&self) -> usize {
        if self.track_access { ACCESS_BYTES } else { 0 }
    }

    /// Cuts up an arena for these options, or says which of them cannot be met.
    pub fn plan(options: &Options) -> Result<Geometry, Error> {
        let size = options.size & !(PAGE - 1);
        if options.size < Options::SIZE_MIN {
            return Err(Error::InvalidOptions(format!(
                "size is {} bytes, too small for a cache: the least is {} (1 MiB)",
                options.size,
                Options::SIZE_MIN
            )));
        }
        if size > Options::SIZE_MAX {
            return Err(Error::InvalidOptions(format!(
                "size is {} bytes, too large for a cache: the most is {} (4 TiB)",
                options.size,
                Options::SIZE_MAX
            )));
        }
        if !(1024..=1 << 30).contains(&options.item_size_max) {
            return Err(Error::InvalidOptions(format!(
                "item_size_max is {} bytes: it must be 1024 (1 KiB) to 1073741824 (1 GiB)",
                options.item_size_max
            )));
        }
        if !(1..=1 << 30).contains(&options.item_size_hint) {
            return Err(Error::InvalidOptions(format!(
                "item_size_hint is {} bytes: it is the average of key and value, 1 to 1073741824 (1 GiB)",
                options.item_size_hint
            )));
        }
        let max = options.memory_max.unwrap_or(options.size) & !(PAGE - 1);
        if !(size..=Options::SIZE_MAX).contains(&max) {
            return Err(Error::InvalidOptions(format!(
                "memory_max is {max} bytes: it must be from {size}, the size of the cache, to {} (4 TiB)",
                Options::SIZE_MAX
            )));
        }
        let shift = (size / 512).max(max / SEGMENTS_MAX).next_power_of_two().trailing_zeros();
        let segment_shift = shift.clamp(SEGMENT_MIN_SHIFT, SEGMENT_MAX_SHIFT) - 3;
        // Threads come and go with their processes; a place that is lost waits for a reaper.
        let shared = options.home.is_shared();
        let seats_min = if shared { 64 } else { 16 };
        let seats = (size >> 19).next_power_of_two().clamp(seats_min, SEATS_MAX);
        let item = (options.item_size_hint as u64 + 8).next_multiple_of(8);
        let slot = 128 * 100 / (15 * LOAD_PERCENT);
        let items = size / (item + slot);
        let mut geometry = Geometry {
            words: max / 8,
            segment_shift,
            buckets: (items * 100 / (15 * LOAD_PERCENT)).clamp(8, u64::from(u32::MAX) >> 8),
            // In a private arena: this process, and those that this copy of it was forked from.
            processes: if shared { seats } else { 8 },
            seats,
            cells: seats * 4,
            // 32 fingerprints a line, at 2 bytes each, for three quarters as many as there are items: with more, a
            // loop a little longer than the cache pushes all of itself into the main pool.
            ghost_lines: (items * 3 / 4 / 32).max(8),
            item_size_max: (options.item_size_max as u64).min(size / 2),
            evict: options.evict,
            policy: options.policy,
            track_access: options.track_access,
            ..Geometry::default()
        };
        geometry.segments = geometry.words >> segment_shift;
        // Each segment less makes room for the tables; a few rounds find the most that fit.
        while geometry.place() > geometry.words {
            geometry.segments = geometry.segments.saturating_sub(1);
            if geometry.segments < SEGMENTS_MIN {
                break;
            }
        }
        if geometry.allowance(size) < SEGMENTS_MIN {
            return Err(Error::InvalidOptions(format!(
                "a cache of {size} bytes has no room for an index of items of {} bytes and the tables of a memory_max of \
                 {max}: raise the size or item_size_hint, or lower memory_max",
                options.item_size_hint
            )));
        }
        geometry.lanes = Lanes::plan(geometry.allowance(size));
        geometry.double();
        Ok(geometry)
    }

    /// Finds how often the index can double.
    fn double(&mut self) {
        while self.can_double(self.level_max, self.segments) {
            self.level_max += 1;
        }
    }

    /// Is there room in so many segments for one more doubling of the index, and are its buckets still told apart by half
    /// a hash?
    pub fn can_double(&self, level: u64, segments: u64) -> bool {
        let buckets = self.buckets << (level + 1);
        let chunks = ((buckets - self.buckets) * 16).div_ceil(self.segment_words());
        chunks <= segments / INDEX_SHARE && buckets <= u64::from(u32::MAX)
    }

    /// What an arena takes with the fewest segments.
    pub fn least(&self) -> u64 {
        self.segments_at * 8 + SEGMENTS_MIN * self.segment_bytes()
    }

    /// Segments that a memory limit allows.
    pub fn allowance(&self, bytes: u64) -> u64 {
        let left = (bytes / 8).saturating_sub(self.segments_at);
        (left >> self.segment_shift).min(self.segments)
    }

    /// The least memory limit for an index that has taken `index` segments: with room for the largest item, and to write.
    pub fn limit_min(&self, index: u64) -> u64 {
        let item = self.item_size_max.min(self.words * 8).div_ceil(self.segment_bytes());
        let room = index + item + self.lanes.count() + 2 * SEGMENTS_MIN;
        let segments = room.max(index * INDEX_SHARE);
        (self.segments_at * 8 + segments * self.segment_bytes()).next_multiple_of(PAGE)
    }

    /// Lays the parts out one after the other; answers where the last one ends.
    fn place(&mut self) -> u64 {
        let mut end = size_of::<Superblock>() as u64 / 8;
        let mut next = |words: u64| {
            let at = end;
            end = (end + words).next_multiple_of(16);
            at
        };
        self.processes_at = next(self.processes * size_of::<Process>() as u64 / 8);
        self.seats_at = next(self.seats * size_of::<Seat>() as u64 / 8);
        self.cells_at = next(self.cells);
        self.lanes_at = next(Lane::COUNT_MAX * size_of::<Lane>() as u64 / 8);
        self.arrays_at = next(ARRAYS * self.array_stride());
        self.directory_at = next(self.segments);
        self.ghosts_at = next(self.ghost_lines * 8);
        self.buckets_at = next(self.buckets * size_of::<Bucket>() as u64 / 8);
        // Whole pages of segments can be given back to the system.
        self.segments_at = next(0).next_multiple_of(PAGE / 8);
        self.segments_at + (self.segments << self.segment_shift)
    }

    /// Name and first word of each part, for whoever damages them on purpose.
    #[cfg(nearcache_damage)]
    pub fn parts(&self) -> [(&'static str, usize); 11] {
        [
            ("superblock", 0),
            ("processes", self.processes_at),
            ("seats", self.seats_at),
            ("cells", self.cells_at),
            ("lanes", self.lanes_at),
            ("arrays", self.arrays_at),
            ("directory", self.directory_at),
            ("ghosts", self.ghosts_at),
            ("buckets", self.buckets_at),
            ("segments", self.segments_at),
            ("end", self.words),
        ]
        .map(|(name, at)| (name, at as usize))
    }

    /// Granules from one array of segment words to the next.
    pub fn array_stride(&self) -> u64 {
        self.segments.next_multiple_of(16)
    }

    /// What the superblock keeps of the geometry: all the rest follows from it.
    pub fn to_words(self) -> [u64; GEOMETRY] {
        [
            self.words,
            self.segments | u64::from(self.segment_shift) << 48,
            self.buckets,
            self.processes,
            self.seats,
            self.cells,
            self.lanes.to_word(),
            self.ghost_lines,
            self.item_size_max,
            u64::from(self.evict),
            self.policy as u64,
            u64::from(self.track_access),
        ]
    }

    /// The geometry that these words say, if an arena of `len` bytes can have it.
    pub fn of_words(words: [u64; GEOMETRY], len: u64) -> Option<Geometry> {
        let [words, segments, buckets, processes, seats, cells, lanes, ghost_lines, rest @ ..] =
            words;
        let [item_size_max, evict, policy, track_access] = rest;
        let mut geometry = Geometry {
            words,
            segments: segments & ((1 << 48) - 1),
            segment_shift: (segments >> 48) as u32,
            buckets,
            processes,
            seats,
            cells,
            lanes: Lanes::of_word(lanes),
            ghost_lines,
            item_size_max,
            evict: evict != 0,
            policy: if policy == 0 { Policy::S3Fifo } else { Policy::Lru },
            track_access: track_access != 0,
            ..Geometry::default()
        };
        let lanes = geometry.lanes;
        let is_possible = words <= Options::SIZE_MAX / 8
            && words * 8 == len
            && (SEGMENT_MIN_SHIFT - 3..=SEGMENT_MAX_SHIFT - 3).contains(&geometry.segment_shift)
            && (SEGMENTS_MIN..1 << 24).contains(&geometry.segments)
            && (1..=u64::from(u32::MAX)).contains(&buckets)
            && (1..=SEATS_MAX).contains(&processes)
            && (8..=SEATS_MAX).contains(&seats)
            && (1..=SEATS_MAX * 4).contains(&cells)
            && (1..=words).contains(&ghost_lines)
            && lanes.small.min(lanes.main) > 0
            && lanes.count() <= Lane::COUNT_MAX
            && geometry.place() <= words;
        if !is_possible {
            return None;
        }
        geometry.double();
        Some(geometry)
    }
}

impl Superblock {
    /// The checksum of all that is written once (FNV-1a over the words). Relaxed: constant, or damaged.
    pub fn checksum(&self) -> u64 {
        let first = [&self.magic, &self.version, &self.fingerprint, &self.seed];
        let origin = &self.origin.0;
        let words = first.into_iter().chain(&self.geometry).chain(&origin.boot);
        words.chain([&origin.created]).fold(FNV_BASIS, |hash, word| {
            (hash ^ word.load(Ordering::Relaxed)).wrapping_mul(FNV_PRIME)
        })
    }

    /// The geometry that it tells, if an arena of `len` bytes can have it.
    pub fn geometry(&self, len: u64) -> Option<Geometry> {
        Geometry::of_words(self.geometry.each_ref().map(|word| word.load(Ordering::Relaxed)), len)
    }
}

const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// A number that changes whenever a shared struct changes its size or alignment (as LMDB's
/// `MDB_LOCK_FORMAT` does).
pub(crate) const FINGERPRINT: u64 = {
    let parts = [
        size_of::<Superblock>(),
        align_of::<Superblock>(),
        size_of::<Process>(),
        size_of::<Seat>(),
        align_of::<Seat>(),
        size_of::<Lane>(),
        size_of::<Bucket>(),
        align_of::<Bucket>(),
        size_of::<Flush>(),
        size_of::<Clock>(),
        size_of::<Limit>(),
        ARRAYS as usize,
    ];
    // FNV-1a, because it can be written in a constant.
    let (mut hash, mut i) = (FNV_BASIS, 0);
    while i < parts.len() {
        hash = (hash ^ parts[i] as u64).wrapping_mul(FNV_PRIME);
        i += 1;
    }
    hash
};

const _: () = assert!(size_of::<Superblock>() == 4096);
const _: () = assert!(size_of::<Bucket>() == 128);
const _: () = assert!(size_of::<Seat>() == 512);
const _: () = assert!(size_of::<Process>() == 128);
const _: () = assert!(size_of::<Lane>() == 128);
