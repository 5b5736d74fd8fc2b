//! The words of an item that change after it was published, and how they do: each change is one
//! compare-and-swap, and a word that is frozen never changes again. Model-checked in `tests/loom_items.rs`.
//!
//! ```text
//! header = klen8 | bits4 | vlen20 | FROZEN1 | WON1 | BINARY1 | expiry29
//! number = FROZEN1 | mutations7 | spare3 | width5 | value48
//! ```
//!
//! Whoever is going to replace an item by something that depends on it (a copy elsewhere, a longer value)
//! freezes both words first; whoever meets a frozen word replaces the item instead of changing it.

use crate::bucket::mark;
use crate::sync::{AtomicU64, Mutant, Ordering, mutant};

/// What is in an item besides key and value.
pub mod bit {
    /// The value is a number in a word of its own.
    pub const NUMERIC: u64 = 1 << 52;
    /// Four bytes of client flags follow the value (else they are 0).
    pub const FLAGS: u64 = 1 << 53;
    /// The unique is in a word of its own, because the item was moved.
    pub const TOKEN: u64 = 1 << 54;
    /// Most of the value is in segments of its own.
    pub const LARGE: u64 = 1 << 55;
    /// Both at once: the item has an extension word, which says what the value is.
    pub const EXTENDED: u64 = NUMERIC | LARGE;
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
pub struct Header(pub u64);

impl Header {
    /// Of a key of `klen` bytes and `inline` bytes of value beside it.
    pub fn new(klen: usize, inline: usize, bits: u64, expiry: u32) -> Header {
        debug_assert!(inline as u64 <= VLEN_MAX && klen <= crate::KEY_MAX);
        Header(
            (klen as u64) << KLEN_SHIFT | bits | (inline as u64) << VLEN_SHIFT | u64::from(expiry),
        )
    }
    /// The key's length.
    #[inline(always)]
    pub fn klen(self) -> usize {
        (self.0 >> KLEN_SHIFT) as usize
    }
    /// Bytes of the value that are inline.
    #[inline(always)]
    pub fn inline(self) -> usize {
        (self.0 >> VLEN_SHIFT & VLEN_MAX) as usize
    }
    /// Is any of these bits set?
    #[inline(always)]
    pub fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }
    /// Is the item another than key, value and flags in a row?
    #[inline(always)]
    pub fn is_special(self) -> bool {
        self.has(bit::EXTENDED)
    }
    /// Has the item an extension word?
    #[inline(always)]
    pub fn is_extended(self) -> bool {
        self.0 & bit::EXTENDED == bit::EXTENDED
    }
    /// When the item dies, by the arena's clock; 0 is never.
    #[inline(always)]
    pub fn expiry(self) -> u32 {
        (self.0 & EXPIRY) as u32
    }
    /// Will it never change again?
    pub fn is_frozen(self) -> bool {
        self.0 & FROZEN != 0
    }
    /// The same for a new item.
    pub fn thawed(self) -> Header {
        Header(self.0 & !FROZEN)
    }
    /// The same with these bits in the place of those that say what the item is made of.
    pub fn with_form(self, bits: u64) -> Header {
        Header(self.0 & !(bit::EXTENDED | bit::TOKEN) | bits)
    }
    /// The same with another expiry.
    pub fn with_expiry(self, expiry: u32) -> Header {
        Header(self.0 & !EXPIRY | u64::from(expiry))
    }
    /// The same, to be born with these of its slot's marks.
    pub fn with_marks(self, marks: u64) -> Header {
        let won = if marks & mark::WON != 0 { WON } else { 0 };
        let binary = if marks & mark::BINARY != 0 { BINARY } else { 0 };
        Header(self.0 & !(WON | BINARY) | won | binary)
    }
    /// The marks that the slot is born with. What is born won was made by a meta get, which has read it.
    pub fn marks(self) -> u64 {
        let won = if self.has(WON) { mark::WON | mark::FETCHED } else { 0 };
        won | if self.has(BINARY) { mark::BINARY } else { 0 }
    }
    /// Bytes of key, inline value and flags.
    #[inline(always)]
    pub fn bytes(self) -> usize {
        self.klen() + self.inline() + if self.has(bit::FLAGS) { 4 } else { 0 }
    }
}

/// Up or down, and by how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delta {
    /// Wraps at 2^64.
    Up(u64),
    /// Stops at 0.
    Down(u64),
}

impl Delta {
    /// The number after it was added.
    pub fn to(self, number: u64) -> u64 {
        match self {
            Delta::Up(by) => number.wrapping_add(by),
            Delta::Down(by) => number.saturating_sub(by),
        }
    }
}

const NUMBER_FROZEN: u64 = 1 << 63;
const MUTATION_SHIFT: u32 = 56;
const MUTATION_MAX: u64 = 127;
const WIDTH_SHIFT: u32 = 48;
const WIDTH_MAX: u64 = 31;
const VALUE_MAX: u64 = (1 << WIDTH_SHIFT) - 1;

/// A value that is a number: decimal digits, filled up with spaces to the length that the text once had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number(pub u64);

impl Number {
    /// A number for a new item, if it and the length of its text fit into the word.
    pub fn new(value: u64, width: usize) -> Option<Number> {
        let width = width.max(digits(value)) as u64;
        (value <= VALUE_MAX && width <= WIDTH_MAX).then_some(Number(width << WIDTH_SHIFT | value))
    }
    /// The number itself.
    pub fn value(self) -> u64 {
        self.0 & VALUE_MAX
    }
    /// The length of its text. It does not change: a number that outgrows it is a new item.
    #[inline]
    pub fn width(self) -> usize {
        match self.said() {
            // As nearly always; without the count of digits, which takes longer than all else about a number.
            said @ 1.. if has_digits(self.value(), said) => said,
            said => digits(self.value()).max(said),
        }
    }
    /// The length that it names itself.
    fn said(self) -> usize {
        (self.0 >> WIDTH_SHIFT & WIDTH_MAX) as usize
    }
    /// Is its text as long as it says?
    pub fn is_sound(self) -> bool {
        self.width() == self.said()
    }
    /// How often it was changed in place: a part of the item's unique.
    pub fn mutations(self) -> u64 {
        self.0 >> MUTATION_SHIFT & MUTATION_MAX
    }
    /// Will it never change again?
    pub fn is_frozen(self) -> bool {
        self.0 & NUMBER_FROZEN != 0
    }
    /// The same for a new item that keeps its unique.
    pub fn thawed(self) -> Number {
        Number(self.0 & !NUMBER_FROZEN)
    }
    /// The same for a new item with a unique of its own.
    pub fn reborn(self) -> Number {
        Number(self.0 & ((1 << MUTATION_SHIFT) - 1))
    }
    /// The number after an addition; `None` if it must be a new item: this one is frozen or has no more
    /// uniques, or the text grows (memcached, too, then makes a new item).
    pub fn after(self, delta: Delta) -> Option<Number> {
        let value = delta.to(self.value());
        let fits = value <= VALUE_MAX && has_digits(value, self.width());
        (fits && !self.is_frozen() && self.mutations() < MUTATION_MAX)
            .then(|| Number((self.0 & !VALUE_MAX | value) + (1 << MUTATION_SHIFT)))
    }
    /// Its text, in a buffer that is long enough whatever the word holds.
    pub fn text(self, buffer: &mut [u8; WIDTH_MAX as usize]) -> &[u8] {
        let (mut rest, digits, width) = (self.value(), digits(self.value()), self.width());
        buffer.fill(b' ');
        for place in buffer[..digits].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        &buffer[..width]
    }
}

/// Has a number's value at most so many decimal digits?
fn has_digits(value: u64, most: usize) -> bool {
    POWERS.get(most).is_none_or(|&power| value < power)
}

/// The powers of 10 that a number's word can hold; it is less than the next.
const POWERS: [u64; 15] = {
    let mut powers = [1; 15];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// How many decimal digits a number has.
pub fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// What became of a touch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retimed {
    /// The header is now this.
    Done(Header),
    /// The header is frozen: the item is to be replaced instead.
    Frozen,
    /// The header changed since it was seen.
    Changed,
}

/// The words of a published item that change.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Its first word.
    pub header: &'a AtomicU64,
    /// Its number, if that is its value.
    pub number: Option<&'a AtomicU64>,
}

impl Words<'_> {
    /// Both words as they were at one moment.
    pub fn read(&self) -> (Header, Option<Number>) {
        // Acquire, here and below: each word is read after the one before it.
        let mut header = self.header.load(Ordering::Acquire);
        let Some(word) = self.number else {
            return (Header(header), None);
        };
        loop {
            let number = Number(word.load(Ordering::Acquire));
            let again = self.header.load(Ordering::Acquire);
            if again == header || mutant(Mutant::ReadOnce) {
                return (Header(header), Some(number));
            }
            header = again;
        }
    }

    /// Freezes both words, so that no change is lost while the item is copied elsewhere.
    pub fn freeze(&self) -> (Header, Option<Number>) {
        let header = match mutant(Mutant::MoveWithoutFreeze) {
            true => self.header.load(Ordering::Acquire),
            // AcqRel: a touch is either before this and copied, or after it and refused.
            false => self.header.fetch_or(FROZEN, Ordering::AcqRel) | FROZEN,
        };
        let number = self.number.map(|word| {
            if mutant(Mutant::MoveWithoutFreeze) || mutant(Mutant::FreezeWithoutNumber) {
                return Number(word.load(Ordering::Acquire));
            }
            // AcqRel: an addition is either before this and copied, or after it and refused.
            Number(word.fetch_or(NUMBER_FROZEN, Ordering::AcqRel) | NUMBER_FROZEN)
        });
        (Header(header), number)
    }

    /// Freezes both words as they were when it was decided what is to replace the item, so that no change comes
    /// between the decision and what is done by it. `false`: one came already. (The number goes first, because
    /// it changes more often. A word that is left frozen in vain is met by the next change as any frozen one.)
    pub fn freeze_as_seen(&self, header: Header, number: Option<Number>) -> bool {
        if mutant(Mutant::CondWithoutFreeze) {
            return true;
        }
        let freeze = |word: &AtomicU64, seen: u64, frozen: u64| {
            // AcqRel: a change is either before this and makes it fail, or after it and refused.
            // Acquire on failure: the caller looks again at what another has published.
            word.compare_exchange(seen, frozen, Ordering::AcqRel, Ordering::Acquire)
                .map_or_else(|now| now == frozen, |_| true)
        };
        let number = match (self.number, number) {
            (Some(word), Some(seen)) => freeze(word, seen.0, seen.0 | NUMBER_FROZEN),
            _ => true,
        };
        number && freeze(self.header, header.0, header.0 | FROZEN)
    }

    /// Gives the item another expiry: the linearization point of a touch.
    pub fn retime(&self, seen: Header, expiry: u32) -> Retimed {
        if seen.is_frozen() && !mutant(Mutant::RetimeFrozen) {
            return Retimed::Frozen;
        }
        let retimed = seen.with_expiry(expiry);
        // AcqRel: either before a freeze and copied, or after it and refused.
        match self.header.compare_exchange(seen.0, retimed.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Retimed::Done(retimed),
            Err(_) => Retimed::Changed,
        }
    }

    /// Adds to the number: the linearization point of incr and decr. `None`: it is none, or the item is to be
    /// replaced instead.
    ///
    /// Not a `fetch_add`: one that came after the word was frozen would change what the item's successor is
    /// copied from, and then, refused, be done once more.
    pub fn add(&self, delta: Delta) -> Option<Number> {
        let word = self.number?;
        if mutant(Mutant::AddToFrozen) {
            let by = delta.to(0) + (1 << MUTATION_SHIFT);
            let seen = Number(word.fetch_add(by, Ordering::AcqRel));
            return (!seen.is_frozen()).then_some(Number(seen.0.wrapping_add(by)));
        }
        // Acquire, here and on failure: what was added to a number is not added to an older one.
        let mut seen = Number(word.load(Ordering::Acquire));
        loop {
            let next = seen.after(delta)?;
            // AcqRel: either before a freeze and copied, or after it and refused.
            match word.compare_exchange(seen.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(next),
                Err(now) => seen = Number(now),
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn text(number: Number) -> String {
        String::from_utf8(number.text(&mut [0; 31]).to_vec()).expect("digits and spaces")
    }

    #[test]
    fn a_number_keeps_the_length_of_its_text() {
        let ten = Number::new(10, 2).expect("it fits");
        assert_eq!(text(ten), "10");
        let nine = ten.after(Delta::Down(1)).expect("it fits");
        assert_eq!((text(nine).as_str(), nine.mutations(), nine.width()), ("9 ", 1, 2));
        assert_eq!(nine.after(Delta::Up(91)), None, "the text grows");
        assert_eq!(text(Number::new(0, 31).expect("it fits")).len(), 31);
        assert_eq!(Number::new(0, 32), None);
        assert_eq!(Number::new(1 << 48, 15), None);
        assert_eq!(Number::new(7, 0).map(Number::width), Some(1));
    }

    #[test]
    fn digits_are_counted_alike() {
        for digits in 0..=31 {
            for near in [0, 1, 9, 10, VALUE_MAX]
                .into_iter()
                .chain(POWERS.map(|power| power - 1))
                .chain(POWERS)
            {
                let fits = near == 0 || super::digits(near) <= digits;
                assert_eq!(has_digits(near, digits), fits, "{near} has at most {digits} digits");
                let number = Number((digits as u64) << WIDTH_SHIFT | near);
                assert_eq!(number.width(), super::digits(near).max(digits), "{number:?}");
            }
        }
    }

    #[test]
    fn a_number_wraps_and_stops_as_one_of_64_bits() {
        let five = Number::new(5, 15).expect("it fits");
        assert_eq!(five.after(Delta::Up(u64::MAX)).map(Number::value), Some(4));
        assert_eq!(five.after(Delta::Down(u64::MAX)).map(Number::value), Some(0));
        assert_eq!(five.after(Delta::Up(VALUE_MAX)), None);
    }

    #[test]
    fn any_word_is_some_text() {
        for word in [0, u64::MAX, VALUE_MAX, !VALUE_MAX, 0x5555_5555_5555_5555] {
            let number = Number(word);
            assert_eq!(text(number).len(), number.width(), "{word:#x}");
            assert!((1..=31).contains(&number.width()), "{word:#x}");
        }
    }

    #[test]
    fn a_number_changes_until_its_uniques_are_used_up_or_it_is_frozen() {
        let mut number = Number::new(0, 3).expect("it fits");
        for n in 1..=127 {
            number = number.after(Delta::Up(1)).expect("a unique is left");
            assert_eq!((number.value(), number.mutations()), (n, n));
        }
        assert_eq!(number.after(Delta::Up(1)), None);
        let fresh = number.reborn();
        assert_eq!((fresh.value(), fresh.mutations()), (127, 0));
        assert_eq!(Number(fresh.0 | NUMBER_FROZEN).after(Delta::Up(1)), None);
    }
}
