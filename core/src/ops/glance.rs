//! The common hit, straight through: an item in one piece, alive, undisturbed, in the first slot whose tag matches.
//! Whatever else there is, `Op::look` finds out; this is its short form, and most of what a get costs.

use crate::expiry::Horizon;
use crate::hash::KeyHash;
use crate::header::{Header, bit};
use crate::index::{find, likely, mark};
use crate::item::{birth_of, is_due, is_plain_and_given, natural};
use crate::memory::segment::{readable, unchanged};
use crate::memory::{ACCESS_BYTES, Arena, end_of};
use crate::sync::{AtomicU64, Ordering};
use crate::types::{Meta, Sink};

/// `None` says nothing. (No `Op` is needed for it, so that nothing has to be kept while a sink is called.)
#[inline(always)]
pub(super) fn glance<S: Sink + ?Sized>(
    arena: &Arena,
    key: &[u8],
    hash: KeyHash,
    sink: &mut S,
) -> Option<Meta> {
    match arena.geometry().track_access {
        false => glance_at::<S, false, false>(arena, key, hash, sink),
        true => glance_at::<S, true, false>(arena, key, hash, sink),
    }
}

/// The same for an item that is plain but for its unique, which a caller has chosen: those of a store's shared near tier
/// are. Out of the way of all others.
#[cold]
#[inline(never)]
fn glance_given<S: Sink + ?Sized, const TRACKS: bool>(
    arena: &Arena,
    key: &[u8],
    hash: KeyHash,
    sink: &mut S,
) -> Option<Meta> {
    glance_at::<S, TRACKS, true>(arena, key, hash, sink)
}

/// `TRACKS`: it is kept when items were last asked for. `GIVEN`: the item's unique was chosen by a caller.
#[inline(always)]
fn glance_at<S: Sink + ?Sized, const TRACKS: bool, const GIVEN: bool>(
    arena: &Arena,
    key: &[u8],
    hash: KeyHash,
    sink: &mut S,
) -> Option<Meta> {
    let horizon = Horizon::settled(arena)?;
    let bucket = likely(arena, hash);
    let (i, slot) = find(bucket, hash)?;
    let (segment, words) = arena.words_from(slot.loc())?;
    prefetch(arena, words);
    let birth = arena.birth(segment);
    // By its halves and not by `optimistic`: a closure as long as this is called, and what it returns copied.
    let born = readable(bucket.slot_word(i), slot.0, birth)?;
    // Relaxed, here and below: whoever publishes a location releases the words behind it, and what was recycled meanwhile
    // is found out at the end.
    let header = Header(words.first()?.load(Ordering::Relaxed));
    if header.is_special() && !GIVEN {
        // In parts: what is returned as a whole is returned in memory, and so would be all others.
        let Meta { len, flags, cas, ttl } = glance_given::<S, TRACKS>(arena, key, hash, sink)?;
        return Some(Meta { len, flags, cas, ttl });
    }
    let tail = if TRACKS { ACCESS_BYTES } else { 0 };
    let item = Plain::<GIVEN>::of(words, header, key, tail)?;
    // Once a minute the long way, which notes that it was asked for.
    if TRACKS && is_due(item.access(), clock(arena)) {
        return None;
    }
    let token = item.token(born, || arena.offset_in_segment(slot.loc()));
    if horizon.covers(birth_of(token)) {
        return None;
    }
    let ttl = match item.header.expiry() {
        0 => None,
        deadline => Some(horizon.left(arena, deadline)?),
    };
    let cas = if GIVEN { item.given() } else { token };
    let meta = Meta { len: item.header.inline(), flags: item.flags(), cas, ttl };
    if let Some(to) = sink.room_for(&meta)
        && to.len() == meta.len
    {
        item.copy_value(to);
    }
    if !unchanged(birth, born) {
        return None;
    }
    if !slot.is_hot() {
        if slot.has(mark::MOVING) {
            return None;
        }
        if !arena.is_read_only() {
            // A hint: it does not matter who wins.
            bucket.swap(i, slot, slot.read());
        }
    }
    Some(meta)
}

/// The time, out of the way of who does not ask for it.
#[inline(never)]
fn clock(arena: &Arena) -> u32 {
    arena.superblock().clock.0.now()
}

/// Asks for the rest of a small item while its first word is still on its way: where the value begins is only known
/// when that is there.
#[inline(always)]
fn prefetch(arena: &Arena, words: &[AtomicU64]) {
    let first = words.as_ptr().cast::<u8>();
    arena.prefetch_at(first.wrapping_add(64));
    arena.prefetch_at(first.wrapping_add(120));
}

/// An item in one piece whose key is known; `GIVEN`: with an extension that says so, and its unique.
///
/// *Invariant:* header, token, extension, key, value, flags and the tail lie within `words`.
struct Plain<'a, const GIVEN: bool> {
    words: &'a [AtomicU64],
    header: Header,
    /// The byte where the value begins.
    value_at: usize,
    /// The byte where its tail ends.
    end: usize,
}

impl<'a, const GIVEN: bool> Plain<'a, GIVEN> {
    /// The item at the beginning of `words`, if it is one of this key.
    #[inline(always)]
    fn of(words: &'a [AtomicU64], header: Header, key: &[u8], tail: usize) -> Option<Self> {
        if header.klen() != key.len() || header.is_extended() != GIVEN {
            return None;
        }
        let key_at = 1 + usize::from(header.has(bit::TOKEN)) + if GIVEN { 2 } else { 0 };
        let value_at = key_at * 8 + key.len();
        let flags = if header.has(bit::FLAGS) { 4 } else { 0 };
        let end = value_at + header.inline() + flags + tail;
        if end > words.len() * 8 {
            return None;
        }
        let item = Plain { words, header, value_at, end };
        if GIVEN && !is_plain_and_given(item.word(key_at - 2)) {
            return None;
        }
        item.key_is(key_at, key).then_some(item)
    }

    /// A word of the item.
    #[inline(always)]
    fn word(&self, i: usize) -> u64 {
        debug_assert!(i < self.words.len());
        // SAFETY: the callers name words of the item, which lie within `words` (the invariant).
        unsafe { self.words.get_unchecked(i) }.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn key_is(&self, key_at: usize, key: &[u8]) -> bool {
        let (whole, rest) = key.as_chunks::<8>();
        for (k, chunk) in whole.iter().enumerate() {
            if self.word(key_at + k) != u64::from_le_bytes(*chunk) {
                return false;
            }
        }
        if rest.is_empty() {
            return true;
        }
        let spare = 8 * (8 - rest.len());
        self.word(key_at + whole.len()) << spare == end_of(key, rest.len()) << spare
    }

    /// The cas unique; `offset` tells where in its segment the item is.
    #[inline(always)]
    fn token(&self, birth: u64, offset: impl FnOnce() -> u64) -> u64 {
        if self.header.has(bit::TOKEN) { self.word(1) } else { natural(birth, offset()) }
    }

    /// The unique that a caller has chosen.
    #[inline(always)]
    fn given(&self) -> u64 {
        self.word(2 + usize::from(self.header.has(bit::TOKEN)))
    }

    /// When it was last asked for, of an item that keeps that.
    #[inline(always)]
    fn access(&self) -> u32 {
        (self.word((self.end - 1) / 8) >> 32) as u32
    }

    #[inline(always)]
    fn flags(&self) -> u32 {
        if !self.header.has(bit::FLAGS) {
            return 0;
        }
        let mut flags = [0; 4];
        self.copy(self.value_at + self.header.inline(), crate::types::as_room(&mut flags));
        u32::from_le_bytes(flags)
    }

    #[inline(always)]
    fn copy_value(&self, to: &mut [std::mem::MaybeUninit<u8>]) {
        self.copy(self.value_at, to);
    }

    #[inline(always)]
    fn copy(&self, at: usize, to: &mut [std::mem::MaybeUninit<u8>]) {
        debug_assert!(at + to.len() <= self.words.len() * 8);
        // SAFETY: the callers name bytes of the item, which lie within `words` (the invariant); the target is not
        // of the arena.
        unsafe {
            let from = self.words.as_ptr().cast::<u8>().add(at);
            crate::memory::load(from, to.as_mut_ptr().cast(), to.len());
        }
    }
}
