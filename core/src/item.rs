//! An item's layout, and how far its words may be believed: every length is bounded before it is used.
//!
//! ```text
//! header [token] [extension [given]] [number | total length, extents ...] key value [flags 4] [... access 4]
//! extension = kind2 | GIVEN1 | spare61
//! ```
//!
//! An item is immutable once published, except for the words of `header.rs` and the time of its last access, which is
//! kept by all items of a cache or by none, and is the upper half of the item's last word: mostly that is bytes which
//! would be empty. The key begins on a word; the value follows it on the next byte. A number is in a word of its own, and has
//! no value there. A LARGE item lists the segments ("extents") that hold the first part of its value, and keeps
//! the rest inline.

use crate::header::{Header, Number, Words, bit};
use crate::memory::{ACCESS_BYTES, Arena};
use crate::sync::Ordering;

const MUTATIONS_SHIFT: u32 = 57;
const BIRTH_SHIFT: u32 = 17;
const BIRTH_MASK: u64 = (1 << (MUTATIONS_SHIFT - BIRTH_SHIFT)) - 1;

/// A natural unique, `mutations7 | birth40 | offset17`: the place of an item's birth, which no other item ever
/// shares, and how often the item was changed in place.
#[inline(always)]
pub(crate) fn natural(birth: u64, offset: u64) -> u64 {
    (birth & BIRTH_MASK) << BIRTH_SHIFT | offset
}

/// The natural unique of an item that was first stored where `token` says, and is now this number, if it is one.
#[inline(always)]
pub(crate) fn mutated(token: u64, number: Option<Number>) -> u64 {
    token | number.map_or(0, Number::mutations) << MUTATIONS_SHIFT
}

/// The birth number that a natural unique was made of.
#[inline(always)]
pub(crate) fn birth_of(unique: u64) -> u64 {
    unique >> BIRTH_SHIFT & BIRTH_MASK
}

/// The size of an item in bytes as memcached counts it, and as `item_size_max` limits it: header, unique, flags if there are
/// any, key and NUL, value and `\r\n`.
#[inline]
pub fn size_of_item(klen: usize, vlen: usize, flags: u32) -> usize {
    48 + 8 + if flags == 0 { 0 } else { 4 } + klen + 1 + vlen + 2
}

const KIND_SHIFT: u32 = 62;
const PLAIN: u64 = 0;
const NUMBER: u64 = 1;
const LARGE: u64 = 2;
const GIVEN: u64 = 1 << 61;
/// Does this extension say that the item is plain but for its unique, which was chosen by a caller?
#[inline(always)]
pub(crate) fn is_plain_and_given(extension: u64) -> bool {
    extension >> KIND_SHIFT == PLAIN && extension & GIVEN != 0
}

/// As memcached's ITEM_UPDATE_INTERVAL.
const ACCESS_STEP: u32 = 60;

/// When the item that ends at granule `end` was last asked for, if that is kept.
#[inline(always)]
fn access(arena: &Arena, end: u64) -> Option<u32> {
    // Relaxed: a reading for people.
    let kept = arena.geometry().track_access;
    kept.then(|| (arena.word(end - 1).load(Ordering::Relaxed) >> 32) as u32)
}

/// Writes down when the item that ends at granule `end` was last asked for.
pub(crate) fn set_access(arena: &Arena, end: u64, now: u32) {
    arena.copy_in(end * 8 - ACCESS_BYTES as u64, &now.to_le_bytes());
}

/// Is it long enough since then for the next access to be noted? So a hot item is only read.
pub(crate) fn is_due(last: u32, now: u32) -> bool {
    last.saturating_add(ACCESS_STEP) <= now
}

/// What an item's value is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// The bytes behind the key.
    Plain,
    /// A word.
    Number(Number),
    /// So many bytes, the first of them in extents.
    Large(u64),
}

/// The words that an item begins with, up to its extents or its key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    words: [u64; 5],
    len: usize,
}

impl Head {
    /// Of an item with this header, whose bits of form are written here.
    pub fn new(header: Header, token: Option<u64>, given: Option<u64>, form: Form) -> Head {
        let mut head = Head::default();
        head.write(header, token, given, form);
        head
    }
    /// Makes an empty one into that: where it is used, because a copy of it would be read before it is there.
    #[inline(always)]
    pub fn write(&mut self, header: Header, token: Option<u64>, given: Option<u64>, form: Form) {
        let token_bit = if token.is_some() { bit::TOKEN } else { 0 };
        let (kind, form_bits, last) = match form {
            Form::Plain => (PLAIN, 0, None),
            Form::Number(number) => (NUMBER, bit::NUMERIC, Some(number.0)),
            Form::Large(len) => (LARGE, bit::LARGE, Some(len)),
        };
        let extension = given.map(|_| kind << KIND_SHIFT | GIVEN);
        let form_bits = if extension.is_some() { bit::EXTENDED } else { form_bits };
        self.push(Some(header.with_form(form_bits | token_bit).0));
        self.push(token);
        self.push(extension);
        self.push(given);
        self.push(last);
    }
    #[inline(always)]
    fn push(&mut self, word: Option<u64>) {
        if let (Some(word), Some(place)) = (word, self.words.get_mut(self.len)) {
            *place = word;
            self.len += 1;
        }
    }
    pub fn words(&self) -> &[u64] {
        &self.words[..self.len]
    }
    /// The words of the whole item, for so many extents and so many bytes behind it.
    pub fn item_words(&self, extents: usize, tail: usize) -> u64 {
        (self.len + extents + (Header(self.words[0]).bytes() + tail).div_ceil(8)) as u64
    }
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
    /// The value, if it is a number in a word of its own.
    pub number: Option<Number>,
    /// The unique that a caller has given it.
    pub given: Option<u64>,
    /// When it was last asked for, if that is kept.
    pub access: Option<u32>,
    /// Words between the token, if any, and the key.
    between: u32,
}

impl Item {
    /// The item at `loc`; `None` if the words there cannot be one (they are torn, or the arena is damaged).
    #[inline(always)]
    pub fn at(arena: &Arena, loc: u64) -> Option<Item> {
        Item::inline_at(arena, loc).or_else(|| Item::special_at(arena, loc))
    }

    /// The item at `loc` if it is key, value and flags in a row.
    #[inline(always)]
    pub fn inline_at(arena: &Arena, loc: u64) -> Option<Item> {
        let room = arena.room_at(loc)?;
        // Relaxed: whoever publishes a location releases the words behind it.
        let header = Header(arena.word(loc).load(Ordering::Relaxed));
        let bytes = header.bytes() + arena.geometry().tail();
        let words = 1 + u64::from(header.has(bit::TOKEN)) + (bytes as u64).div_ceil(8);
        if header.klen() == 0 || header.is_special() || words > room {
            return None;
        }
        let len = header.inline() as u64;
        let (number, given, access) = (None, None, access(arena, loc + words));
        Some(Item { loc, header, words, len, extents: 0, number, given, access, between: 0 })
    }

    /// The item at `loc` if it is a number in its word, the key, and flags.
    #[inline(always)]
    pub fn number_at(arena: &Arena, loc: u64) -> Option<Item> {
        let room = arena.room_at(loc)?;
        // Relaxed: as above.
        let header = Header(arena.word(loc).load(Ordering::Relaxed));
        if header.klen() == 0 || header.0 & bit::EXTENDED != bit::NUMERIC {
            return None;
        }
        let before = 1 + u64::from(header.has(bit::TOKEN));
        let word = Some(arena.word(loc + before));
        let (header, number) = Words { header: arena.word(loc), number: word }.read();
        let bytes = header.bytes() + arena.geometry().tail();
        let words = before + 1 + (bytes as u64).div_ceil(8);
        let len = number.map_or(0, Number::width) as u64;
        let (given, access) = (None, access(arena, loc + words));
        let between = 1;
        (words <= room).then_some(Item {
            loc,
            header,
            words,
            len,
            extents: 0,
            number,
            given,
            access,
            between,
        })
    }

    #[cold]
    fn special_at(arena: &Arena, loc: u64) -> Option<Item> {
        let room = arena.room_at(loc)?;
        // Relaxed, all: as above.
        let load = |at: u64| arena.word(at).load(Ordering::Relaxed);
        let mut header = Header(load(loc));
        if header.klen() == 0 || !header.is_special() {
            return None;
        }
        let start = loc + 1 + u64::from(header.has(bit::TOKEN));
        let mut at = start;
        let mut next = || {
            at += 1;
            at - 1
        };
        let mut kind = if header.has(bit::LARGE) { LARGE } else { NUMBER };
        let mut given = None;
        if header.is_extended() {
            let extension = load(next());
            kind = extension >> KIND_SHIFT;
            given = (extension & GIVEN != 0).then(|| load(next()));
        }
        let (mut len, mut extents, mut number) = (header.inline() as u64, 0, None);
        match kind {
            PLAIN => {}
            NUMBER => {
                let word = Some(arena.word(next()));
                (header, number) = Words { header: arena.word(loc), number: word }.read();
                len = number.map_or(0, Number::width) as u64;
            }
            LARGE => {
                let total = load(next());
                let outside = total.checked_sub(len)?;
                let count = outside.div_ceil(arena.geometry().segment_bytes());
                if count == 0 || total > arena.geometry().item_size_max {
                    return None;
                }
                (len, extents) = (total, count as u32);
            }
            _ => return None,
        }
        let between = (at - start) as u32 + extents;
        let bytes = header.bytes() + arena.geometry().tail();
        let words = start - loc + u64::from(between) + (bytes as u64).div_ceil(8);
        (words <= room).then(|| Item {
            loc,
            header,
            words,
            len,
            extents,
            number,
            given,
            access: access(arena, loc + words),
            between,
        })
    }

    #[inline(always)]
    pub fn klen(&self) -> usize {
        self.header.klen()
    }

    /// Does the value lie in one piece behind the key?
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.number.is_none() && self.extents == 0
    }

    /// The granule where the key begins.
    #[inline(always)]
    fn key_at(&self) -> u64 {
        self.loc + 1 + u64::from(self.header.has(bit::TOKEN)) + u64::from(self.between)
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

    /// The key where it lies.
    ///
    /// # Safety
    /// As of [`Arena::bytes`]: the item stays where it is for as long as the answer is used.
    pub unsafe fn key_in_place<'a>(&self, arena: &'a Arena) -> &'a [u8] {
        // SAFETY: as the caller promises.
        unsafe { arena.bytes(self.key_at() * 8, self.klen()) }
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

    /// The cas unique: the one it was given, or that of the place of its birth, changed with each change in place.
    #[inline(always)]
    pub fn unique(&self, arena: &Arena, birth: u64) -> u64 {
        if let Some(given) = self.given {
            return given;
        }
        mutated(self.token(arena, birth), self.number)
    }

    /// Where the item was first stored, which a move carries along.
    #[inline(always)]
    pub fn token(&self, arena: &Arena, birth: u64) -> u64 {
        if self.header.has(bit::TOKEN) {
            return arena.word(self.loc + 1).load(Ordering::Relaxed);
        }
        natural(birth, arena.offset_in_segment(self.loc))
    }

    /// The birth number of the segment where the item was first stored. A move keeps it, so that what was
    /// flushed stays flushed.
    #[inline(always)]
    pub fn origin(&self, arena: &Arena, birth: u64) -> u64 {
        if self.header.has(bit::TOKEN) { birth_of(self.token(arena, birth)) } else { birth }
    }

    /// The same after its number was changed in place.
    pub fn counted(self, number: Number) -> Item {
        Item { number: Some(number), ..self }
    }

    /// Is it long enough since its last access was noted? So a hot item is only read.
    pub fn is_due(&self, now: u32) -> bool {
        self.access.is_some_and(|last| is_due(last, now))
    }

    /// Notes that the item, of those that keep it and held by the caller, was asked for now.
    pub fn stamp(&self, arena: &Arena, now: u32) {
        // A reading for people: a stamp that is lost is made by the next who asks. A pin may be showing the other half of
        // the word, so it is not written.
        set_access(arena, self.loc + self.words, now);
    }

    /// The granule of the number, of an item that is one.
    fn word_at(&self) -> u64 {
        self.key_at() - 1
    }

    /// The words of it that change.
    pub fn changing<'a>(&self, arena: &'a Arena) -> Words<'a> {
        let number = self.number.map(|_| arena.word(self.word_at()));
        Words { header: arena.word(self.loc), number }
    }

    /// Freezes the item as it is here; see [`Words::freeze_as_seen`].
    pub fn freeze_as_seen(&self, arena: &Arena) -> bool {
        self.changing(arena).freeze_as_seen(self.header, self.number)
    }

    /// The same with another header.
    pub fn with_header(self, header: Header) -> Item {
        Item { header, ..self }
    }

    /// The item as it is now: touched, or counted on, since it was found.
    pub fn again(self, arena: &Arena) -> Item {
        let (header, number) = self.changing(arena).read();
        let len = number.map_or(self.len, |number| number.width() as u64);
        Item { header, number, len, ..self }
    }

    /// What its value is made of.
    pub fn form(&self) -> Form {
        match self.number {
            Some(number) => Form::Number(number),
            None if self.extents > 0 => Form::Large(self.len),
            None => Form::Plain,
        }
    }

    /// The granule behind what a [`Head`] holds: the first extent, or the key.
    pub fn body_at(&self) -> u64 {
        self.key_at() - u64::from(self.extents)
    }

    /// The segments that hold the first part of a LARGE value, in order.
    pub fn extents<'a>(&self, arena: &'a Arena) -> impl Iterator<Item = Extent> + use<'a> {
        let first = self.body_at();
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
