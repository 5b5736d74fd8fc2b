//! What a verb does to an item: memcached's rules, on the newest state, one step each. The committer runs them, so
//! nothing comes between the look and the write. All verbs are four: a store, a removal, an addition, and a get that
//! changes something.

use crate::clock::Deadline;
use crate::committer::Tx;
use crate::engine::{Space, View};
use crate::item::{Head, expiry_key, mark};
use crate::value::{Hit, Stored, Value};
use crate::{Error, Options};
use nearcache::{
    Deletion, Expiry, MetaArith, MetaDelete, MetaGet, MetaMode, MetaSet, MetaSum, Outcome,
    size_of_item,
};

/// The limits that writes keep.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest item, as memcached counts it.
    pub item_size_max: usize,
    /// Most bytes of everything.
    pub quota: Option<u64>,
}

/// memcached takes no number as large as this for one.
const NUMBER_MAX: usize = 512 << 10;

impl Limits {
    /// An open store's.
    pub fn of(options: &Options) -> Limits {
        Limits { item_size_max: options.item_size_max, quota: options.quota }
    }

    /// Is an item of this size too large?
    fn check(&self, key: &[u8], len: usize, flags: u32) -> Result<(), Error> {
        let size = size_of_item(key.len(), len, flags);
        match size > self.item_size_max {
            true => Err(Error::ValueTooLarge { size, limit: self.item_size_max }),
            false => Ok(()),
        }
    }
}

/// What is in the engine under a key, dead or alive.
struct Held {
    head: Head,
    value: Vec<u8>,
    is_alive: bool,
}

fn look(tx: &Tx<'_>, key: &[u8]) -> Result<Option<Held>, Error> {
    let mut found = None;
    tx.read(Space::Items, key, &mut |bytes| {
        found = Some(Head::decode(bytes).map(|(head, value)| (head, value.to_vec())));
    })?;
    let Some((head, value)) = found.transpose()? else {
        return Ok(None);
    };
    let is_alive = head.is_alive(tx.ledger(), tx.now());
    Ok(Some(Held { head, value, is_alive }))
}

fn bytes_of(key: &[u8], head: &Head, len: usize) -> u64 {
    (key.len() + head.len() + len) as u64
}

/// Takes what is held out of the books and out of the lifetimes.
fn forget(tx: &mut Tx<'_>, key: &[u8], held: &Held) {
    let bytes = bytes_of(key, &held.head, held.value.len());
    let ledger = tx.ledger_mut();
    if held.head.seq <= ledger.flushed {
        ledger.dead = ledger.dead.saturating_sub(1);
        ledger.dead_bytes = ledger.dead_bytes.saturating_sub(bytes);
    } else {
        ledger.items = ledger.items.saturating_sub(1);
        ledger.item_bytes = ledger.item_bytes.saturating_sub(bytes);
    }
    if let Deadline::At(at) = held.head.deadline {
        tx.remove(Space::Expiries, &expiry_key(at, key));
    }
}

/// Removes what is held, dead or alive.
fn drop_held(tx: &mut Tx<'_>, key: &[u8], held: &Held) {
    forget(tx, key, held);
    tx.remove(Space::Items, key);
}

/// Puts an item in the place of what is held.
fn put(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    held: Option<&Held>,
    head: Head,
    value: &[u8],
) -> Result<(), Error> {
    let before = tx.ledger().used();
    if let Some(held) = held {
        forget(tx, key, held);
    }
    if head.deadline == Deadline::Past {
        tx.remove(Space::Items, key);
        return Ok(());
    }
    let ledger = tx.ledger_mut();
    let (used, wanted) = (ledger.used(), bytes_of(key, &head, value.len()));
    if let Some(quota) = limits.quota
        && used + wanted > quota.max(before)
    {
        let wanted = (used + wanted).saturating_sub(before);
        return Err(Error::OverQuota { used: before, wanted, quota });
    }
    ledger.items += 1;
    ledger.item_bytes += wanted;
    if let Deadline::At(at) = head.deadline {
        tx.put(Space::Expiries, &expiry_key(at, key), Vec::new());
    }
    tx.put(Space::Items, key, head.encode(value));
    Ok(())
}

/// Every storing verb. `clears`: a value that is too large removes the old one, which is no failure of the step.
pub fn store(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    value: &[u8],
    ask: MetaSet,
) -> Result<Stored, Error> {
    let held = look(tx, key)?;
    let present = held.as_ref().filter(|held| held.is_alive);
    let refuse = |outcome, len| Ok(Stored { outcome, len });
    let deadline = Deadline::of(ask.expiry, tx.now());
    let binary = if ask.binary { mark::BINARY } else { 0 };
    let draft = Head { marks: binary, flags: ask.flags, seq: 0, deadline, given: ask.unique };
    let is_same = |present: &Held, asked| asked != 0 && present.head.unique() == asked;
    let mut joined = None;
    let head = match (ask.mode, ask.compare, present) {
        (MetaMode::Set | MetaMode::Replace, Some(_), None) => {
            return refuse(Outcome::Missing, value.len());
        }
        (MetaMode::Set | MetaMode::Replace, Some(asked), Some(present)) => {
            let was = asked != 0 && asked < present.head.unique();
            if is_same(present, asked) {
                draft
            } else if ask.stale && was {
                let marks = draft.marks | mark::STALE | present.head.marks & mark::WON;
                Head { deadline: present.head.deadline, marks, ..draft }
            } else {
                return refuse(Outcome::Exists, value.len());
            }
        }
        (MetaMode::Set, None, _)
        | (MetaMode::Add, _, None)
        | (MetaMode::Replace, None, Some(_)) => draft,
        (MetaMode::Append | MetaMode::Prepend, asked, Some(present)) => {
            if asked.is_some_and(|asked| asked != 0 && !is_same(present, asked)) {
                return refuse(Outcome::Exists, value.len());
            }
            let old = &present.value;
            let whole = match ask.mode {
                MetaMode::Prepend => [value, old].concat(),
                _ => [old, value].concat(),
            };
            if limits.check(key, whole.len(), present.head.flags).is_err() {
                return refuse(Outcome::NotStored, whole.len());
            }
            joined = Some(whole);
            let marks = draft.marks | present.head.marks & mark::BINARY;
            Head { marks, flags: present.head.flags, deadline: present.head.deadline, ..draft }
        }
        (MetaMode::Append | MetaMode::Prepend, _, None) => match ask.vivify {
            Some(expiry) => Head { deadline: Deadline::of(expiry, tx.now()), ..draft },
            None => return refuse(Outcome::NotStored, value.len()),
        },
        (MetaMode::Add, _, Some(_)) | (MetaMode::Replace, None, None) => {
            return refuse(Outcome::NotStored, value.len());
        }
    };
    let value = joined.as_deref().unwrap_or(value);
    let head = Head { seq: tx.next_seq(), ..head };
    put(tx, limits, key, held.as_ref(), head, value)?;
    Ok(Stored { outcome: Outcome::Stored(head.unique()), len: value.len() })
}

/// Is the value itself too large, whatever is there?
pub fn check_size(limits: &Limits, key: &[u8], len: usize, flags: u32) -> Result<(), Error> {
    limits.check(key, len, flags)
}

/// Removes an item, marks it stale, or empties it. Also tells what was there.
pub fn delete(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    ask: MetaDelete,
) -> Result<(Deletion, Option<Value>), Error> {
    let Some(held) = look(tx, key)?.filter(|held| held.is_alive) else {
        return Ok((Deletion::Missing, None));
    };
    let met = Some(held.shown(tx.now()));
    if ask.compare.is_some_and(|unique| unique != held.head.unique()) {
        return Ok((Deletion::Exists, met));
    }
    if !ask.invalidate && !ask.drop_value {
        drop_held(tx, key, &held);
        return Ok((Deletion::Deleted, met));
    }
    let deadline = ask.expiry.map(|expiry| Deadline::of(expiry, tx.now()));
    let stale = if ask.invalidate { mark::STALE } else { 0 };
    let marks = held.head.marks & mark::BINARY | stale;
    let mut head = match ask.drop_value {
        true => {
            Head { marks, flags: 0, deadline: deadline.unwrap_or(Deadline::Never), ..held.head }
        }
        false => Head { marks, deadline: deadline.unwrap_or(held.head.deadline), ..held.head },
    };
    if ask.invalidate {
        (head.seq, head.given) = (tx.next_seq(), None);
    }
    if ask.unique.is_some() {
        head.given = ask.unique;
    }
    let value: &[u8] = if ask.drop_value { &[] } else { &held.value };
    put(tx, limits, key, Some(&held), head, value)?;
    Ok((Deletion::Deleted, met))
}

/// Adds to a decimal number.
pub fn arith(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    ask: MetaArith,
) -> Result<MetaSum, Error> {
    let now = tx.now();
    let held = look(tx, key)?;
    let Some(present) = held.as_ref().filter(|held| held.is_alive) else {
        let Some(expiry) = ask.vivify else {
            return Ok(MetaSum::Missing);
        };
        let head = Head {
            marks: if ask.binary { mark::BINARY } else { 0 },
            flags: 0,
            seq: tx.next_seq(),
            deadline: Deadline::of(expiry, now),
            given: ask.unique,
        };
        put(tx, limits, key, held.as_ref(), head, ask.initial.to_string().as_bytes())?;
        let ttl = head.deadline.left(now);
        return Ok(MetaSum::Number { number: ask.initial, cas: head.unique(), ttl });
    };
    if present.value.is_empty() {
        return Err(Error::NotNumeric);
    }
    if ask.compare.is_some_and(|asked| asked != 0 && asked != present.head.unique()) {
        return Ok(MetaSum::Exists);
    }
    let old = number(&present.value).ok_or(Error::NotNumeric)?;
    let number = match ask.down {
        true => old.saturating_sub(ask.delta),
        false => old.wrapping_add(ask.delta),
    };
    let width = present.value.len();
    let mut text = number.to_string().into_bytes();
    // Written in place, memcached's item keeps its marks; grown, it is a new one.
    let kept = if text.len() > width { mark::BINARY } else { u8::MAX };
    text.resize(text.len().max(width), b' ');
    let head = Head {
        marks: present.head.marks & kept,
        flags: present.head.flags,
        seq: tx.next_seq(),
        deadline: ask.touch.map_or(present.head.deadline, |expiry| Deadline::of(expiry, now)),
        given: ask.unique,
    };
    let sum = MetaSum::Number { number, cas: head.unique(), ttl: head.deadline.left(now) };
    put(tx, limits, key, held.as_ref(), head, &text)?;
    Ok(sum)
}

/// A get that touches, vivifies or wins.
pub fn get(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    ask: MetaGet,
) -> Result<Option<Hit>, Error> {
    let now = tx.now();
    let held = look(tx, key)?;
    let Some(present) = held.as_ref().filter(|held| held.is_alive) else {
        let Some(expiry) = ask.vivify else {
            return Ok(None);
        };
        let head = Head {
            marks: mark::WON | if ask.binary { mark::BINARY } else { 0 },
            flags: 0,
            seq: tx.next_seq(),
            deadline: Deadline::of(expiry, now),
            given: ask.unique,
        };
        put(tx, limits, key, held.as_ref(), head, &[])?;
        let fresh = Held { head, value: Vec::new(), is_alive: true };
        let mut hit = fresh.hit(key, now);
        (hit.won, hit.sent) = (true, false);
        return Ok(Some(hit));
    };
    let mut hit = present.hit(key, now);
    let deadline = ask.touch.map(|expiry| Deadline::of(expiry, now));
    let judged = match deadline {
        Some(deadline) if ask.recache_after_touch => deadline.left(now),
        _ => hit.ttl_before,
    };
    let due = ask.recache.is_some_and(|least| judged.is_some_and(|ttl| ttl < least));
    hit.won = (hit.stale || due) && !hit.sent;
    hit.same = ask.compare == Some(hit.value.cas);
    let head = Head {
        marks: present.head.marks | if hit.won { mark::WON } else { 0 },
        deadline: deadline.unwrap_or(present.head.deadline),
        ..present.head
    };
    hit.value.ttl = head.deadline.left(now);
    if head != present.head {
        put(tx, limits, key, held.as_ref(), head, &present.value)?;
    }
    if hit.same {
        hit.value.data.clear();
    }
    Ok(Some(hit))
}

/// touch and gat: a get that touches, and wins nothing.
pub fn touch(
    tx: &mut Tx<'_>,
    limits: &Limits,
    key: &[u8],
    expiry: Expiry,
) -> Result<Option<Value>, Error> {
    let Some(held) = look(tx, key)?.filter(|held| held.is_alive) else {
        return Ok(None);
    };
    let head = Head { deadline: Deadline::of(expiry, tx.now()), ..held.head };
    if head != held.head {
        put(tx, limits, key, Some(&held), head, &held.value)?;
    }
    Ok(Some(Value::of(&head, held.value, tx.now())))
}

impl Held {
    fn shown(&self, now: i64) -> Value {
        Value::of(&self.head, self.value.clone(), now)
    }

    fn hit(&self, key: &[u8], now: i64) -> Hit {
        Hit::of(key, &self.head, self.value.clone(), now)
    }
}

/// Removes an item whose deadline has come, if it is still that one: for the sweep.
pub fn expire(tx: &mut Tx<'_>, key: &[u8], at: i64) -> Result<(), Error> {
    if let Some(held) = look(tx, key)?
        && held.head.deadline == Deadline::At(at)
    {
        drop_held(tx, key, &held);
        return Ok(());
    }
    tx.remove(Space::Expiries, &expiry_key(at, key));
    Ok(())
}

/// Removes an item that a flush has killed.
pub fn bury(tx: &mut Tx<'_>, key: &[u8]) -> Result<(), Error> {
    if let Some(held) = look(tx, key)?
        && held.head.seq <= tx.ledger().flushed
    {
        drop_held(tx, key, &held);
    }
    Ok(())
}

/// Kills everything, now or from `delay` seconds on, by memcached's count of seconds.
pub fn flush_all(tx: &mut Tx<'_>, delay: u32) {
    // What a pending flush has hidden stays dead, whatever replaces it.
    if tx.ledger().hides(tx.now()) || delay == 0 {
        flush_now(tx);
    }
    let now = tx.now();
    tx.next_seq();
    tx.ledger_mut().flush_at = if delay == 0 { 0 } else { now + i64::from(delay) - 1 };
}

/// Everything stored until now is dead.
pub fn flush_now(tx: &mut Tx<'_>) {
    let ledger = tx.ledger_mut();
    ledger.seq += 1;
    ledger.flushed = ledger.seq;
    ledger.dead += std::mem::take(&mut ledger.items);
    ledger.dead_bytes += std::mem::take(&mut ledger.item_bytes);
}

/// memcached's idea of a number: decimal digits of 64 bits, with spaces or a plus before them and spaces behind.
fn number(text: &[u8]) -> Option<u64> {
    if text.len() > NUMBER_MAX {
        return None;
    }
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let digit = |c: &u8| c.is_ascii_digit().then(|| u64::from(c - b'0'));
    let add = |sum: u64, c: &u8| sum.checked_mul(10)?.checked_add(digit(c)?);
    (!text.is_empty()).then(|| text.iter().try_fold(0, add))?
}
