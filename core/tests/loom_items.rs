//! Models of an item's changing words over the real functions: what moves or replaces an item against what changes
//! it in place, every interleaving tried; each with mutants that must be caught.
//!
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p nearcache --release --test loom_items`
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use nearcache::model::*;

#[path = "support/models.rs"]
mod models;
use models::{history, linearizable, proves};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    /// Adds to the number; its new value.
    Incr(u64),
    /// Gives another expiry.
    Touch(u32),
    /// Stores this number with expiry 1, whatever is there.
    Set(u64),
    /// The same if the item still has its first unique: 1, or 2 if not.
    Cas(u64),
    /// Puts a digit behind the number; expiry stays.
    Append(u64),
    Del,
    /// Number and expiry.
    Get,
    /// An evictor moves the item, or one that is killed when it has frozen it, or when it has copied it.
    Move,
    KilledFrozen,
    KilledCopied,
}
use Op::*;

/// An item: the words that change, and the one that tells it from all others, which moves along.
struct Place {
    header: AtomicU64,
    number: AtomicU64,
    token: AtomicU64,
}

/// A slot, and places of which each is written by one operation: no location comes twice, as none does while
/// somebody holds it by a hazard.
struct World {
    slot: AtomicU64,
    places: [Place; 8],
}

const FIRST: u64 = 10;

/// What a thread sees of the item that the slot points to.
struct Seen<'a> {
    slot: u64,
    words: Words<'a>,
    header: Header,
    number: Number,
    token: u64,
}

impl World {
    fn new() -> World {
        let place = |_| Place {
            header: AtomicU64::new(0),
            number: AtomicU64::new(0),
            token: AtomicU64::new(0),
        };
        let world = World { slot: AtomicU64::new(0), places: std::array::from_fn(place) };
        world.write(0, 1, Number::new(FIRST, 4).unwrap(), None);
        world.slot.store(1, Ordering::Relaxed);
        world
    }

    /// Writes an item that nobody sees yet; its slot.
    fn write(&self, at: usize, expiry: u32, number: Number, token: Option<u64>) -> u64 {
        let place = &self.places[at];
        place.header.store(Header::new(1, 0, 0, expiry).0, Ordering::Relaxed);
        place.number.store(number.0, Ordering::Relaxed);
        place.token.store(token.unwrap_or(at as u64), Ordering::Relaxed);
        at as u64 + 1
    }

    fn swap(&self, seen: u64, slot: u64) -> bool {
        self.slot.compare_exchange(seen, slot, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn look(&self) -> Option<Seen<'_>> {
        let slot = self.slot.load(Ordering::Acquire);
        let place = &self.places[slot.checked_sub(1)? as usize];
        let words = Words { header: &place.header, number: Some(&place.number) };
        let (header, number) = words.read();
        let token = place.token.load(Ordering::Relaxed);
        Some(Seen { slot, words, header, number: number.unwrap(), token })
    }

    /// Replaces what is there by a number and expiry that depend on it, as `ops/update.rs` does.
    fn update(
        &self,
        at: usize,
        plan: impl Fn(&Seen<'_>) -> Option<(Number, u32, Option<u64>)>,
    ) -> Option<bool> {
        loop {
            let seen = self.look()?;
            let Some((number, expiry, token)) = plan(&seen) else { return Some(false) };
            if seen.words.freeze_as_seen(seen.header, Some(seen.number))
                && self.swap(seen.slot, self.write(at, expiry, number, token))
            {
                return Some(true);
            }
        }
    }

    fn relocate(&self, at: usize, killed: Option<Op>) -> u64 {
        let Some(seen) = self.look() else { return 0 };
        let (header, number) = seen.words.freeze();
        if killed == Some(KilledFrozen) {
            return 0;
        }
        let number = number.unwrap().thawed();
        let slot = self.write(at, header.thawed().expiry(), number, Some(seen.token));
        if killed.is_none() {
            self.swap(seen.slot, slot);
        }
        0
    }

    fn incr(&self, at: usize, by: u64) -> u64 {
        let delta = Delta::Up(by);
        loop {
            let Some(seen) = self.look() else { return 0 };
            if let Some(number) = seen.words.add(delta) {
                return number.value();
            }
            let sum = std::cell::Cell::new(0);
            let put = self.update(at, |seen| {
                sum.set(delta.to(seen.number.value()));
                // What is not frozen is added to where it is.
                let is_frozen = seen.number.after(delta).is_none();
                is_frozen.then(|| (Number::new(sum.get(), 4).unwrap(), seen.header.expiry(), None))
            });
            match put {
                None => return 0,
                Some(true) => return sum.get(),
                Some(false) => {}
            }
        }
    }

    fn touch(&self, at: usize, expiry: u32) -> u64 {
        loop {
            let Some(seen) = self.look() else { return 0 };
            match seen.words.retime(seen.header, expiry) {
                Retimed::Done(_) => return 1,
                Retimed::Changed => {}
                Retimed::Frozen => {
                    let put = self
                        .update(at, |seen| Some((seen.number.thawed(), expiry, Some(seen.token))));
                    return u64::from(put.is_some());
                }
            }
        }
    }

    fn run(&self, at: usize, op: Op) -> u64 {
        match op {
            Incr(by) => self.incr(at, by),
            Touch(expiry) => self.touch(at, expiry),
            Set(number) => {
                let slot = self.write(at, 1, Number::new(number, 4).unwrap(), None);
                while !self.swap(self.slot.load(Ordering::Acquire), slot) {}
                1
            }
            Cas(number) => {
                let put = self.update(at, |seen| {
                    let is_first = seen.token == 0 && seen.number.mutations() == 0;
                    is_first.then(|| (Number::new(number, 4).unwrap(), 1, None))
                });
                put.map_or(0, |put| if put { 1 } else { 2 })
            }
            Append(digit) => {
                let put = self.update(at, |seen| {
                    let number = Number::new(seen.number.value() * 10 + digit, 4).unwrap();
                    Some((number, seen.header.expiry(), None))
                });
                u64::from(put.is_some())
            }
            Del => loop {
                let Some(seen) = self.look() else { return 0 };
                let frozen = seen.words.freeze_as_seen(seen.header, Some(seen.number));
                if frozen && self.swap(seen.slot, 0) {
                    return 1;
                }
            },
            Get => self
                .look()
                .map_or(0, |seen| seen.number.value() << 8 | u64::from(seen.header.expiry())),
            Move => self.relocate(at, None),
            KilledFrozen | KilledCopied => self.relocate(at, Some(op)),
        }
    }
}

/// Number, expiry, and whether the unique is still the first.
type Held = Option<(u64, u32, bool)>;

fn apply(op: Op, state: &mut Held) -> u64 {
    let Some((number, expiry, is_first)) = state else {
        if let Set(number) = op {
            *state = Some((number, 1, false));
            return 1;
        }
        return 0;
    };
    match op {
        Incr(by) => {
            (*number, *is_first) = (*number + by, false);
            *number
        }
        Touch(to) => {
            *expiry = to;
            1
        }
        Cas(_) if !*is_first => 2,
        Set(to) | Cas(to) => {
            *state = Some((to, 1, false));
            1
        }
        Append(digit) => {
            (*number, *is_first) = (*number * 10 + digit, false);
            1
        }
        Del => {
            *state = None;
            1
        }
        Get => *number << 8 | u64::from(*expiry),
        Move | KilledFrozen | KilledCopied => 0,
    }
}

fn item_model(threads: &'static [&'static [Op]]) {
    let world = Arc::new(World::new());
    let before: Held = Some((FIRST, 1, true));
    let ops: usize = threads.iter().map(|ops| ops.len()).sum();
    assert!(ops < world.places.len());
    // Each operation has a place of its own to write to.
    let at = move |thread: usize, k: usize| {
        1 + threads[..thread].iter().map(|ops| ops.len()).sum::<usize>() + k
    };
    let events = history(threads, &[Get], move |thread, k, op| world.run(at(thread, k).min(7), op));
    assert!(linearizable(&events, &before, &apply, 0), "not linearizable: {events:?}");
}

macro_rules! item_models {
    ($($name:ident($preemptions:expr): $threads:expr, $mutants:expr;)*) => {$(
        #[test]
        fn $name() {
            proves($preemptions, || item_model(&$threads), &$mutants);
        }
    )*};
}

item_models! {
    a_move_against_an_addition(4): [&[Move], &[Incr(1), Get]],
        [Mutant::MoveWithoutFreeze, Mutant::FreezeWithoutNumber, Mutant::AddToFrozen];
    a_move_against_a_touch(4): [&[Move], &[Touch(5), Get]],
        [Mutant::MoveWithoutFreeze, Mutant::RetimeFrozen];
    a_move_against_a_cas(3): [&[Move, Get], &[Cas(50), Get]], [];
    a_move_against_a_set(3): [&[Move, Get], &[Set(50), Incr(1)]], [];
    a_move_against_a_delete(3): [&[Move, Get], &[Del, Get]], [];
    a_killed_mover_is_taken_over(3): [&[KilledFrozen, Move], &[Incr(1), Get]],
        [Mutant::FreezeWithoutNumber, Mutant::AddToFrozen];
    a_killed_copy_is_made_again(3): [&[KilledCopied, Move], &[Incr(1), Touch(5)]],
        [Mutant::RetimeFrozen, Mutant::AddToFrozen];
    two_movers(2): [&[Move], &[Move], &[Incr(1), Get]],
        [Mutant::FreezeWithoutNumber, Mutant::AddToFrozen];
    a_mover_among_changes(2): [&[Move], &[Incr(1)], &[Touch(5)]],
        [Mutant::FreezeWithoutNumber, Mutant::RetimeFrozen];
    two_additions(4): [&[Incr(1), Get], &[Incr(2), Get]], [];
    an_addition_against_a_cas(4): [&[Cas(50), Get], &[Incr(1), Get]], [Mutant::CondWithoutFreeze];
    an_addition_against_an_append(4): [&[Append(7)], &[Incr(1), Get]],
        [Mutant::CondWithoutFreeze];
    a_touch_against_an_append(4): [&[Append(7)], &[Touch(5), Get]],
        [Mutant::CondWithoutFreeze, Mutant::RetimeFrozen];
    an_addition_against_a_set(4): [&[Set(50), Get], &[Incr(1), Get]], [];
    an_addition_against_a_delete(4): [&[Del, Get], &[Incr(1), Get]], [];
    a_delete_among_movers(2): [&[Move], &[Del], &[Incr(1), Get]], [];
    a_cas_among_movers(2): [&[KilledFrozen, Move], &[Cas(50)], &[Incr(1)]],
        [Mutant::CondWithoutFreeze];
    a_touch_and_an_addition_are_seen_in_order(3): [&[Touch(5), Incr(1)], &[Get, Get]],
        [Mutant::ReadOnce];
}
