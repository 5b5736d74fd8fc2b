//! The walk that recounts a quiet arena and names the first broken invariant.

use crate::Error;
use crate::hazard::{Hazard, owner_id};
use crate::index::{Bucket, SLOTS, bucket, level, mark};
use crate::item::Item;
use crate::memory::segment::{Kind, Lane};
use crate::memory::{Arena, PerSegment, ProcessId};
use crate::reap;
use crate::seat;
use crate::sync::Ordering;
use crate::types::Life;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What was counted.
#[derive(Default)]
struct Count {
    items: u64,
    bytes: u64,
    /// Words of indexed items, by segment.
    live: HashMap<u64, u64>,
    /// Extents that an indexed item lists.
    extents: HashSet<u64>,
    locs: HashSet<u64>,
}

fn broken(what: String) -> Error {
    Error::Corrupt(what)
}

/// Recounts an arena that nobody changes meanwhile.
pub(crate) fn check(arena: &Arc<Arena>) -> Result<(), Error> {
    let mut count = Count::default();
    let now = level(arena);
    let absent = absent(arena);
    // Of what a killed thread was counting a part may be missing, and what it had announced waits for a passer-by.
    let deaths = arena.superblock().health.0.deaths.load(Ordering::Acquire);
    if deaths > 0 || !absent.is_empty() {
        finish(arena, now);
    }
    for number in 0..arena.geometry().buckets << now {
        let own = bucket(arena, now, number);
        if own.ctrl().is_unborn() {
            if now == 0 || number & 1 == 0 {
                return Err(broken(format!("bucket {number} of level {now} was never born")));
            }
            continue;
        }
        check_bucket(arena, own, number, now, &mut count)?;
    }
    let is_exact = deaths == 0 && absent.is_empty();
    check_segments(arena, &count, is_exact, &absent)?;
    check_lanes(arena, &absent)?;
    if is_exact {
        check_books(arena, &count)?;
    }
    for (i, seat) in arena.seats().iter().enumerate() {
        let Some((taken, _)) = seat.taker() else { continue };
        if absent.contains(&owner_id(i, taken)) {
            continue;
        }
        for hazard in [Hazard::Write, Hazard::Read, Hazard::Move, Hazard::Help] {
            if seat.hazard(hazard).load(Ordering::Acquire) != 0 {
                return Err(broken(format!("seat {i} still holds its {hazard:?} hazard")));
            }
        }
    }
    Ok(())
}

/// Gives back what the dead held, and answers the owners that seem to be gone: what those hold is to be given back later.
fn absent(arena: &Arena) -> HashSet<u64> {
    if !arena.is_read_only() {
        reap::reap(arena);
    }
    let (asker, now) = (arena.asker(), arena.superblock().clock.0.now());
    let is_absent = |process: u64| {
        let id = ProcessId(process);
        let process = arena.processes().get(id.place());
        process.is_none_or(|process| process.life(id, now, &asker) != Life::Alive)
    };
    let seats = arena.seats().iter().enumerate();
    let taken = seats
        .filter_map(|(i, seat)| seat.taker().map(|(taken, process)| (owner_id(i, taken), process)));
    taken.filter(|&(_, process)| is_absent(process)).map(|(owner, _)| owner).collect()
}

/// Finishes what is announced, as every writer does in passing.
fn finish(arena: &Arc<Arena>, now: u64) {
    let Ok(op) = seat::begin(arena) else { return };
    for number in 0..arena.geometry().buckets << now {
        let own = bucket(arena, now, number);
        let ctrl = own.ctrl();
        if ctrl.is_insert() {
            op.settle(own, ctrl);
        } else if ctrl.is_split() && now > 0 {
            op.split(now, number >> 1);
        }
    }
}

fn check_books(arena: &Arc<Arena>, count: &Count) -> Result<(), Error> {
    let (items, bytes) = seat::look(arena).in_index();
    for (name, said, found) in [("items", items, count.items), ("bytes", bytes, count.bytes)] {
        if said != found {
            return Err(broken(format!("the books say {said} {name}, and {found} were counted")));
        }
    }
    // The reading first: it carries out a flush that has fallen due.
    let said = seat::look(arena).stats().curr_items;
    // What a flush killed is counted while others go on: after one, `curr_items` is a reading and no invariant.
    let never_flushed = arena.superblock().flush.0.birth.load(Ordering::Acquire) == 0;
    if never_flushed && said != count.items {
        return Err(broken(format!("curr_items says {said}, and {} were counted", count.items)));
    }
    Ok(())
}

fn check_bucket(
    arena: &Arena,
    own: &Bucket,
    number: u64,
    now: u64,
    count: &mut Count,
) -> Result<(), Error> {
    if own.ctrl().is_pending() {
        return Err(broken(format!(
            "bucket {number} has something pending, and nobody finishes it"
        )));
    }
    let mut keys = HashSet::new();
    for i in 0..SLOTS {
        let slot = own.slot(i);
        if !slot.is_live() {
            continue;
        }
        let place = format!("slot {i} of bucket {number}");
        if slot.has(mark::MOVING) {
            return Err(broken(format!("{place} is frozen, and no split is pending")));
        }
        let segment = arena
            .segment_of(slot.loc())
            .ok_or_else(|| broken(format!("{place} points outside the segments")))?;
        let birth = arena.birth(segment).load(Ordering::Acquire);
        if birth == 0 {
            return Err(broken(format!(
                "{place} points into segment {segment}, which is unreadable"
            )));
        }
        let item = Item::at(arena, slot.loc())
            .ok_or_else(|| broken(format!("{place} points to words that are no item")))?;
        if item.number.is_some_and(|number| !number.is_sound()) {
            return Err(broken(format!("{place} points to a number longer than its text")));
        }
        let mut buffer = [0; 256];
        let key = item.key(arena, &mut buffer);
        let hash = arena.hasher.hash(key);
        let mut home = hash.bucket(arena.geometry().buckets << now);
        if bucket(arena, now, home).ctrl().is_unborn() {
            home &= !1;
        }
        if home != number || hash.tag() != slot.0 >> 47 & 0xffff {
            return Err(broken(format!("{place} holds a key that belongs into bucket {home}")));
        }
        if !keys.insert(key.to_vec()) {
            return Err(broken(format!("{place} holds a key that is in the bucket twice")));
        }
        if !count.locs.insert(slot.loc()) {
            return Err(broken(format!("{place} points to an item that another slot points to")));
        }
        count.items += 1;
        count.bytes += item.footprint(arena) * 8;
        *count.live.entry(segment).or_default() += item.words;
        for extent in item.extents(arena) {
            let held = extent.segment();
            if held >= arena.geometry().segments
                || arena.birth(held).load(Ordering::Acquire) != extent.birth()
                || arena.state(held).kind() != Kind::Large
            {
                return Err(broken(format!("{place} lists extent {held}, which is not its own")));
            }
            if !count.extents.insert(held) {
                return Err(broken(format!("extent {held} belongs to two items")));
            }
        }
    }
    Ok(())
}

fn check_segments(
    arena: &Arena,
    count: &Count,
    is_exact: bool,
    absent: &HashSet<u64>,
) -> Result<(), Error> {
    let words = arena.geometry().segment_words();
    let (mut used_now, reach) = (0, arena.reach());
    for segment in 0..arena.geometry().segments {
        let state = arena.state(segment);
        used_now += u64::from(segment < reach && state.kind() != Kind::Withheld);
        if segment >= reach && state.kind() != Kind::Free {
            return Err(broken(format!(
                "segment {segment} is used, and was never within the limit"
            )));
        }
        let read = |which| arena.segment(which, segment).load(Ordering::Acquire);
        let (birth, used) = (read(PerSegment::Birth), read(PerSegment::Used));
        let live = count.live.get(&segment).copied().unwrap_or(0);
        match state.kind() {
            // Of a process that seems to be gone.
            Kind::Open | Kind::Draining | Kind::Filling | Kind::Index | Kind::Withheld
                if absent.contains(&state.owner()) => {}
            Kind::Free | Kind::Limbo | Kind::Index | Kind::Withheld if birth != 0 => {
                return Err(broken(format!(
                    "segment {segment} is {:?} and readable",
                    state.kind()
                )));
            }
            Kind::Draining | Kind::Filling if !state.is_paused() => {
                return Err(broken(format!("segment {segment} was left {:?}", state.kind())));
            }
            Kind::Large if is_exact && !count.extents.contains(&segment) => {
                return Err(broken(format!("segment {segment} is LARGE, and no item lists it")));
            }
            // Given back as the extent that it was.
            Kind::Draining if state.is_extent() => {}
            Kind::Open | Kind::Sealed | Kind::Draining => {
                if used > words {
                    return Err(broken(format!("segment {segment} is filled beyond its end")));
                }
                let said = used.saturating_sub(read(PerSegment::Dead));
                if said < live || is_exact && said != live {
                    return Err(broken(format!(
                        "segment {segment} says {} words are live, and {live} were counted",
                        said
                    )));
                }
                let (start, mut at) = (arena.segment_start(segment), 0);
                while at < used {
                    let item = Item::at(arena, start + at).ok_or_else(|| {
                        broken(format!("segment {segment} cannot be walked beyond word {at}"))
                    })?;
                    at += item.words;
                }
                if at != used {
                    return Err(broken(format!(
                        "the last item of segment {segment} ends beyond its fill"
                    )));
                }
            }
            _ if live != 0 => {
                return Err(broken(format!(
                    "segment {segment} is {:?} and has items",
                    state.kind()
                )));
            }
            _ => {}
        }
    }
    let allowed = arena.allowance();
    match is_exact && used_now > allowed {
        true => {
            Err(broken(format!("{used_now} segments are in use, and the limit allows {allowed}")))
        }
        false => Ok(()),
    }
}

fn check_lanes(arena: &Arena, absent: &HashSet<u64>) -> Result<(), Error> {
    let mut filled = HashSet::new();
    for i in 0..Lane::COUNT_MAX {
        let lane = arena.lane(i);
        if lane.holder().is_some_and(|holder| !absent.contains(&holder)) {
            return Err(broken(format!("lane {i} is still locked")));
        }
        // What a lane names that is another's by now is nothing.
        if let Some(segment) = lane.fills()
            && segment < arena.geometry().segments
            && arena.state(segment).is_open_in(i)
        {
            filled.insert(segment);
        }
    }
    let is_lanes = |&segment: &u64| {
        let state = arena.state(segment);
        state.kind() == Kind::Open && !absent.contains(&state.owner())
    };
    match (0..arena.geometry().segments).filter(is_lanes).count() == filled.len() {
        true => Ok(()),
        false => Err(broken("a segment is open, and no lane fills it".into())),
    }
}
