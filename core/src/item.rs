//! The words of an item, and how far they may be believed: every length is bounded before it is used.
//!
//! ```text
//! w0 = klen8 | bits4 | vlen20 | FROZEN1 | WON1 | BINARY1 | expiry29
//! [token] [total length, extents ...] key value [flags 4]
//! ```
//!
//! An item is immutable once published, except for w0's expiry and FROZEN bit. WON and BINARY are the marks
//! that its slot is born with. The key begins on a word; the
//! value follows it on the next byte. A LARGE item lists the segments ("extents") that hold the first part of
//! its value, and keeps the rest inline.

use crate::bucket::mark;
use crate::memory::Arena;
use crate::sync::Ordering;

/// What is in an item besides key and value.
pub(crate) mod bit {
    // Bit 52 is kept for values that are a number in a word of their own.
    /// Four bytes of client flags follow the value (else they are 0).
    pub const FLAGS: u64 = 1 << 53;
    /// The unique is in a word of its own, because the item was moved.
    pub const TOKEN: u64 = 1 << 54;
    /// Most of the value is in segments of its own.
    pub const LARGE: u64 = 1 << 55;
}

const FROZEN: u64 = 1 << 31;
const WON: u64 = 1 << 30;
const BINARY: u64 = 1 << 29;
const EXPIRY: u64 = BINARY - 1;
const VLEN_SHIFT: u32 = 32;
const VLEN_MAX: u64 = (1 << 20) - 1;
const KLEN_SHIFT: u32 = 56;

/// An item's first word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header(pub u64);

impl Header {
    pub fn new(klen: usize, inline: usize, bits: u64, expiry: u32) -> Header {
        debug_assert!(inline as u64 <= VLEN_MAX && klen <= crate::KEY_MAX);
        Header(
            (klen as u64) << KLEN_SHIFT | bits | (inline as u64) << VLEN_SHIFT | u64::from(expiry),
        )
    }
    #[inline(always)]
    pub fn klen(self) -> usize {
        (self.0 >> KLEN_SHIFT) as usize
    }
    /// Bytes of the value that are inline.
    #[inline(always)]
    pub fn inline(self) -> usize {
        (self.0 >> VLEN_SHIFT & VLEN_MAX) as usize
    }
    #[inline(always)]
    pub fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }
    #[inline(always)]
    pub fn expiry(self) -> u32 {
        (self.0 & EXPIRY) as u32
    }
    pub fn is_frozen(self) -> bool {
        self.0 & FROZEN != 0
    }
    pub fn frozen(self) -> Header {
        Header(self.0 | FROZEN)
    }
    pub fn thawed(self) -> Header {
        Header(self.0 & !FROZEN)
    }
    pub fn with_bits(self, bits: u64) -> Header {
        Header(self.0 | bits)
    }
    pub fn with_expiry(self, expiry: u32) -> Header {
        Header(self.0 & !EXPIRY | u64::from(expiry))
    }
    /// The same, to be born with these of its slot's marks.
    pub fn with_marks(self, marks: u64) -> Header {
        let won = if marks & mark::WON != 0 { WON } else { 0 };
        let binary = if marks & mark::BINARY != 0 { BINARY } else { 0 };
        Header(self.0 & !(WON | BINARY) | won | binary)
    }
    /// The marks that the slot is born with.
    pub fn marks(self) -> u64 {
        let won = if self.has(WON) { mark::WON } else { 0 };
        won | if self.has(BINARY) { mark::BINARY } else { 0 }
    }
    #[inline(always)]
    fn bytes(self) -> usize {
        self.klen() + self.inline() + if self.has(bit::FLAGS) { 4 } else { 0 }
    }
}

/// The words an inline or LARGE item takes.
#[inline(always)]
pub(crate) fn words_for(header: Header, extents: usize) -> u64 {
    let large = if header.has(bit::LARGE) { 1 + extents } else { 0 };
    let token = usize::from(header.has(bit::TOKEN));
    (1 + token + large + header.bytes().div_ceil(8)) as u64
}

/// A view of an item's words. Nothing in it is believed beyond its bounds: those were checked against the
/// segment when the view was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub loc: u64,
    pub header: Header,
    /// Words the item takes, extents aside.
    pub words: u64,
    /// Length of the whole value in bytes.
    pub len: u64,
    pub extents: u32,
}

impl Item {
    /// The item at `loc`; `None` if the words there cannot be one (they are torn, or the arena is damaged).
    #[inline(always)]
    pub fn at(arena: &Arena, loc: u64) -> Option<Item> {
        Item::inline_at(arena, loc).or_else(|| Item::large_at(arena, loc))
    }

    /// The item at `loc` if it is one in one piece.
    #[inline(always)]
    pub fn inline_at(arena: &Arena, loc: u64) -> Option<Item> {
        let room = arena.room_at(loc)?;
        // Relaxed: whoever publishes a location releases the words behind it.
        let header = Header(arena.word(loc).load(Ordering::Relaxed));
        let words = words_for(header, 0);
        if header.klen() == 0 || header.has(bit::LARGE) || words > room {
            return None;
        }
        Some(Item { loc, header, words, len: header.inline() as u64, extents: 0 })
    }

    #[cold]
    fn large_at(arena: &Arena, loc: u64) -> Option<Item> {
        let room = arena.room_at(loc)?;
        let header = Header(arena.word(loc).load(Ordering::Relaxed));
        if header.klen() == 0 || !header.has(bit::LARGE) || room < 3 {
            return None;
        }
        let total = loc + 1 + u64::from(header.has(bit::TOKEN));
        let len = arena.word(total).load(Ordering::Relaxed);
        let outside = len.checked_sub(header.inline() as u64)?;
        let extents = outside.div_ceil(arena.geometry().segment_bytes());
        if extents == 0 || len > arena.geometry().item_size_max {
            return None;
        }
        let words = words_for(header, extents as usize);
        (words <= room).then_some(Item { loc, header, words, len, extents: extents as u32 })
    }

    #[inline(always)]
    pub fn klen(&self) -> usize {
        self.header.klen()
    }

    /// The granule where the key begins.
    #[inline(always)]
    fn key_at(&self) -> u64 {
        let large = if self.header.has(bit::LARGE) { 1 + u64::from(self.extents) } else { 0 };
        self.loc + 1 + u64::from(self.header.has(bit::TOKEN)) + large
    }

    /// The byte of the arena where the inline part of the value begins.
    #[inline(always)]
    pub fn value_at(&self) -> u64 {
        self.key_at() * 8 + self.klen() as u64
    }

    /// Is this the item's key?
    #[inline(always)]
    pub fn key_is(&self, arena: &Arena, key: &[u8]) -> bool {
        self.klen() == key.len() && arena.bytes_are(self.key_at(), key)
    }

    /// The key, copied into `buffer`.
    pub fn key<'b>(&self, arena: &Arena, buffer: &'b mut [u8; 256]) -> &'b [u8] {
        let key = &mut buffer[..self.klen()];
        arena.copy_out(self.key_at() * 8, key);
        key
    }

    /// The client's flags.
    #[inline(always)]
    pub fn flags(&self, arena: &Arena) -> u32 {
        if !self.header.has(bit::FLAGS) {
            return 0;
        }
        let mut flags = [0; 4];
        arena.copy_out(self.value_at() + self.header.inline() as u64, &mut flags);
        u32::from_le_bytes(flags)
    }

    /// The cas unique: the place of the item's birth, which no other item shares.
    #[inline(always)]
    pub fn token(&self, arena: &Arena, birth: u64) -> u64 {
        if self.header.has(bit::TOKEN) {
            return arena.word(self.loc + 1).load(Ordering::Relaxed);
        }
        birth << 20 | arena.offset_in_segment(self.loc)
    }

    /// The birth number of the segment where the item was first stored. A move keeps it, so that what was
    /// flushed stays flushed.
    #[inline(always)]
    pub fn origin(&self, arena: &Arena, birth: u64) -> u64 {
        if self.header.has(bit::TOKEN) { self.token(arena, birth) >> 20 } else { birth }
    }

    /// The segments that hold the first part of a LARGE value, in order.
    pub fn extents<'a>(&self, arena: &'a Arena) -> impl Iterator<Item = Extent> + use<'a> {
        let first = self.key_at() - u64::from(self.extents);
        (first..first + u64::from(self.extents))
            .map(move |at| Extent(arena.word(at).load(Ordering::Relaxed)))
    }

    /// Words the item takes with its extents.
    pub fn footprint(&self, arena: &Arena) -> u64 {
        self.words + u64::from(self.extents) * arena.geometry().segment_words()
    }
}

/// One segment of a LARGE value: its number, and its birth when it was filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extent(pub u64);

impl Extent {
    pub fn new(segment: u64, birth: u64) -> Extent {
        Extent(birth << 24 | segment)
    }
    pub fn segment(self) -> u64 {
        self.0 & 0xff_ffff
    }
    pub fn birth(self) -> u64 {
        self.0 >> 24
    }
}
