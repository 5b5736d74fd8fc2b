//! The oracle: memcached's rules on a map, one operation at a time, nothing ever evicted. Written from the
//! specification of the verbs alone, so that the engine is held to memcached's behaviour and not to its own.

use super::answer::{Answer, Bytes, Hit, Marks};
use super::number::{self, Way};
use super::ops::{Ask, Life, Op, Storing, Token, key};
use hashbrown::{HashMap, HashSet};

/// What memcached counts for an item besides its bytes: the header of 48 bytes, and 8 for the unique.
const ITEM_HEADER: usize = 48 + 8;

/// An item's size as memcached counts it: the key ends in a zero byte, the value in a line break.
pub fn item_size(key: usize, value: usize, flags: u32) -> usize {
    ITEM_HEADER + if flags == 0 { 0 } else { 4 } + key + 1 + value + 2
}

#[derive(Clone, Debug)]
pub struct Item {
    pub data: Bytes,
    pub flags: u32,
    /// The second at which it is dead; `None` is never.
    pub expiry: Option<u64>,
    /// `None` until the engine has told which it chose.
    pub unique: Option<u64>,
    /// Was the unique chosen by a caller?
    pub(super) chosen: bool,
    pub(super) stale: bool,
    pub(super) sent: bool,
    /// Was it read since it was stored? `None` where memcached's rule is not promised.
    fetched: Option<bool>,
}

impl Item {
    /// Something was done that memcached counts as a read, and an engine need not.
    pub(super) fn perhaps_fetched(&mut self) {
        self.fetched = self.fetched.filter(|fetched| *fetched);
    }
}

pub struct Oracle {
    items: HashMap<u8, Item>,
    /// The last unique of a key that is not its present one.
    old: HashMap<u8, u64>,
    /// Every unique ever told. None may be told for two items.
    told: HashSet<u64>,
    now: u64,
    unix_time: i64,
    pub(super) limit: usize,
    /// The second in which a delayed flush strikes.
    flush_at: Option<u64>,
}

impl Oracle {
    /// An empty cache at this Unix time with this `item_size_max`.
    pub fn new(unix_time: i64, limit: usize) -> Oracle {
        Oracle {
            items: HashMap::new(),
            old: HashMap::new(),
            told: HashSet::new(),
            now: 0,
            unix_time,
            limit,
            flush_at: None,
        }
    }

    pub fn unix_time(&self) -> i64 {
        self.unix_time
    }

    /// The item if it is alive.
    pub fn live(&self, key: u8) -> Option<&Item> {
        self.items.get(&key).filter(|item| !self.is_dead(item))
    }

    /// Every key that is alive.
    pub fn live_keys(&self) -> Vec<u8> {
        let mut keys: Vec<u8> =
            self.items.keys().copied().filter(|key| self.live(*key).is_some()).collect();
        keys.sort_unstable();
        keys
    }

    /// Bytes of keys and values that are alive.
    pub fn live_bytes(&self) -> usize {
        let sizes = self.live_keys().into_iter().map(|number| {
            let item = &self.items[&number];
            item_size(key(number).len(), item.data.0.len(), item.flags)
        });
        sizes.sum()
    }

    /// Takes what is known of a key, to put it back with [`Oracle::put_back`].
    pub fn entry(&self, key: u8) -> Option<Item> {
        self.items.get(&key).cloned()
    }

    pub fn put_back(&mut self, key: u8, entry: Option<Item>) {
        match entry {
            Some(item) => self.items.insert(key, item),
            None => self.items.remove(&key),
        };
    }

    /// The key is gone: evicted, or removed by a failed set.
    pub fn forget(&mut self, key: u8) {
        if let Some(Item { unique: Some(unique), .. }) = self.items.remove(&key) {
            self.old.insert(key, unique);
        }
    }

    /// The unique that `token` means now.
    pub fn unique(&self, key: u8, token: Token) -> u64 {
        match token {
            Token::Current => self.live(key).and_then(|item| item.unique).unwrap_or(0),
            Token::Old => self.old.get(&key).copied().unwrap_or(0),
            Token::Zero => 0,
        }
    }

    /// The engine has told the unique of a key's item.
    pub fn learn(&mut self, key: u8, unique: u64) -> Result<(), String> {
        let Some(item) = self.items.get_mut(&key) else {
            return Ok(()); // Stored already dead: there is nothing to remember it by.
        };
        match item.unique {
            Some(known) if known == unique => Ok(()),
            Some(known) => Err(format!(
                "the unique of key {key} went from {known} to {unique} without a store"
            )),
            None if unique == 0 => Err(format!("the unique of key {key} is 0")),
            None if !self.told.insert(unique) => {
                Err(format!("unique {unique} of key {key} was told before"))
            }
            None => {
                item.unique = Some(unique);
                Ok(())
            }
        }
    }

    /// Does the operation, and says what must be answered. The uniques answered are the engine's; see
    /// [`Oracle::learn`]. `GetMany`, `Iterate` and `Keys` are compared key by key: see `pair`.
    pub fn apply(&mut self, op: &Op) -> Answer {
        match op {
            Op::Store(verb, k, body, flags, life) => {
                self.store(*verb, *k, &body.bytes(), *flags, *life)
            }
            Op::Get(k) | Op::GetTo(k) | Op::Pin(k) => self.read(*k),
            Op::Measure(k) => match self.read(*k) {
                Answer::Hit(hit) => Answer::Length(hit.data.0.len(), hit.flags, hit.ttl),
                miss => miss,
            },
            Op::Contains(k) => Answer::Present(self.live(*k).is_some()),
            Op::Gat(k, life) | Op::GatTo(k, life) => {
                let expiry = self.second(*life);
                let Some(item) = self.live_mut(*k) else {
                    return Answer::Miss;
                };
                item.expiry = expiry;
                item.fetched = Some(true);
                // The answer is of the item as it was found, with its new lifetime, though that be over.
                self.hit(*k)
            }
            Op::MetaGet(k, ask) => self.meta_get(*k, *ask),
            Op::Move(way, k, delta) => self.move_number(*k, *way, *delta),
            Op::MoveOr(way, k, delta, initial, life) => match self.move_number(*k, *way, *delta) {
                Answer::Missing => {
                    let text = initial.to_string();
                    match self.store(Storing::Add, *k, text.as_bytes(), 0, *life) {
                        Answer::Stored => Answer::Number(*initial),
                        failed => failed,
                    }
                }
                done => done,
            },
            Op::Touch(k, life) => self.touch(*k, Some(*life)),
            Op::Delete(k) => self.delete(*k, None),
            Op::DeleteCas(k, token) => self.delete(*k, Some(self.unique(*k, *token))),
            Op::Invalidate(k, life) => self.invalidate(*k, *life),
            Op::MetaSet(k, body, wishes) => self.meta_set(*k, &body.bytes(), wishes),
            Op::MetaDelete(k, wishes) => self.meta_delete(*k, wishes),
            Op::MetaArith(way, k, delta, wishes) => self.meta_arith(*way, *k, *delta, wishes),
            Op::Flush(delay) => {
                self.flush(*delay);
                Answer::Done
            }
            Op::Advance(seconds) => {
                self.advance(*seconds);
                Answer::Done
            }
            Op::GetMany(_) | Op::Iterate | Op::Keys(_) => Answer::Done,
        }
    }

    /// A get of one key.
    pub fn read(&mut self, key: u8) -> Answer {
        if let Some(item) = self.live_mut(key) {
            item.fetched = Some(true);
        }
        match self.live(key) {
            Some(_) => self.hit(key),
            None => Answer::Miss,
        }
    }

    /// Meets a key without reading it: whether that counts as a read is left open.
    pub fn look(&mut self, key: u8) -> Answer {
        if let Some(item) = self.live_mut(key) {
            item.perhaps_fetched();
        }
        match self.live(key) {
            Some(_) => self.hit(key),
            None => Answer::Miss,
        }
    }

    fn store(&mut self, verb: Storing, k: u8, value: &[u8], flags: u32, life: Life) -> Answer {
        let klen = key(k).len();
        // Also of an append, that ignores them: memcached lays out what was sent before it looks.
        let size = item_size(klen, value.len(), flags);
        if size > self.limit {
            if verb == Storing::Set {
                self.forget(k);
            }
            let limit = self.limit;
            return Answer::TooLarge { size, limit };
        }
        let present = self.live(k).cloned();
        let new = match (verb, present) {
            (Storing::Set, _) | (Storing::Add, None) | (Storing::Replace, Some(_)) => {
                self.item(value, flags, life)
            }
            (Storing::Cas(_), None) => return Answer::Missing,
            (Storing::Cas(token), Some(old)) => {
                // An unknown unique is one that nobody can have asked with: the compare fails.
                if old.unique != Some(self.unique(k, token)) {
                    return Answer::Exists;
                }
                self.item(value, flags, life)
            }
            (Storing::Append | Storing::Prepend, Some(old)) => {
                let (first, second) = match verb {
                    Storing::Append => (&*old.data.0, value),
                    _ => (value, &*old.data.0),
                };
                let data = [first, second].concat();
                if item_size(klen, data.len(), old.flags) > self.limit {
                    return Answer::NotStored;
                }
                Item {
                    data: Bytes::new(&data),
                    expiry: old.expiry,
                    ..self.item(b"", old.flags, Life::Never)
                }
            }
            (Storing::Add, Some(_)) | (_, None) => return Answer::NotStored,
        };
        self.replace(k, new);
        Answer::Stored
    }

    fn meta_get(&mut self, k: u8, ask: Ask) -> Answer {
        if self.live(k).is_none() {
            let Ask::Vivify(life) = ask else {
                return Answer::Miss;
            };
            let mut empty = self.item(b"", 0, life);
            empty.sent = true;
            empty.fetched = None;
            self.replace(k, empty);
            let Answer::Hit(hit) = self.hit(k) else { unreachable!("a key that was just stored") };
            let marks = Marks { won: true, stale: false, sent: false, hit_before: Some(false) };
            return Answer::MetaHit(hit, marks);
        }
        let now = self.now;
        let touched = match ask {
            Ask::Touch(life) => Some(self.second(life)),
            _ => None,
        };
        let item = self.items.get_mut(&k).expect("it is alive");
        if let Some(expiry) = touched {
            item.expiry = expiry;
        }
        let runs_out = match (ask, item.expiry) {
            (Ask::Recache(limit), Some(end)) => end < now + u64::from(limit),
            _ => false,
        };
        let marks = Marks {
            won: !item.sent && (item.stale || runs_out),
            stale: item.stale,
            sent: item.sent,
            hit_before: item.fetched,
        };
        item.sent |= marks.won;
        item.fetched = Some(true);
        match self.hit(k) {
            Answer::Hit(hit) => Answer::MetaHit(hit, marks),
            other => other,
        }
    }

    pub(super) fn move_number(&mut self, k: u8, way: Way, delta: u64) -> Answer {
        let Some(old) = self.live(k).cloned() else {
            return Answer::Missing;
        };
        let Some(number) = number::parse(&old.data.0) else {
            return Answer::NotNumeric;
        };
        let number = number::moved(number, way, delta);
        let data = Bytes::new(&number::written(number, old.data.0.len()));
        // memcached keeps the marks where the digits fit into the old item, and makes an item without any
        // where they do not.
        let fits = data.0.len() == old.data.0.len();
        let new = Item {
            data,
            expiry: old.expiry,
            stale: old.stale && fits,
            sent: old.sent && fits,
            fetched: None,
            ..self.item(b"", old.flags, Life::Never)
        };
        self.replace(k, new);
        Answer::Number(number)
    }

    fn touch(&mut self, k: u8, life: Option<Life>) -> Answer {
        let expiry = life.map(|life| self.second(life));
        match self.live_mut(k) {
            Some(item) => {
                item.expiry = expiry.unwrap_or(item.expiry);
                item.perhaps_fetched();
                Answer::Touched
            }
            None => Answer::Missing,
        }
    }

    fn delete(&mut self, k: u8, unique: Option<u64>) -> Answer {
        match self.live(k) {
            None => Answer::Missing,
            Some(item) if unique.is_some() && item.unique != unique => Answer::Exists,
            Some(_) => {
                self.forget(k);
                Answer::Deleted
            }
        }
    }

    fn invalidate(&mut self, k: u8, life: Option<Life>) -> Answer {
        let Some(mut item) = self.live(k).cloned() else {
            return Answer::Missing;
        };
        if let Some(life) = life {
            item.expiry = self.second(life);
        }
        (item.stale, item.sent, item.unique, item.chosen) = (true, false, None, false);
        item.perhaps_fetched();
        self.replace(k, item);
        Answer::Touched
    }

    /// memcached's count of seconds: a delayed flush strikes when one second less has passed, and hides all of that
    /// second, what is stored in it too. What one has struck does not come back when another is ordered.
    fn flush(&mut self, delay: u32) {
        if delay == 0 || self.strikes_now() {
            self.forget_all();
        }
        self.flush_at = (delay > 0).then(|| self.now + u64::from(delay) - 1);
    }

    fn advance(&mut self, seconds: u32) {
        self.now += u64::from(seconds);
        self.unix_time += i64::from(seconds);
        if self.flush_at.is_some_and(|at| at < self.now) {
            self.flush_at = None;
            self.forget_all();
        }
    }

    fn strikes_now(&self) -> bool {
        self.flush_at == Some(self.now)
    }

    fn forget_all(&mut self) {
        for key in self.items.keys().copied().collect::<Vec<u8>>() {
            self.forget(key);
        }
    }

    pub(super) fn item(&self, value: &[u8], flags: u32, life: Life) -> Item {
        Item {
            data: Bytes::new(value),
            flags,
            expiry: self.second(life),
            unique: None,
            chosen: false,
            stale: false,
            sent: false,
            fetched: Some(false),
        }
    }

    pub(super) fn replace(&mut self, k: u8, new: Item) {
        self.forget(k);
        self.items.insert(k, new);
    }

    /// The second at which a life ends.
    pub(super) fn second(&self, life: Life) -> Option<u64> {
        match life {
            Life::Never => None,
            Life::Past => Some(self.now),
            Life::After(seconds) => Some(self.now + u64::from(seconds)),
            Life::Date(offset) => Some(self.now + offset.max(0) as u64),
        }
    }

    fn is_dead(&self, item: &Item) -> bool {
        self.strikes_now() || item.expiry.is_some_and(|end| end <= self.now)
    }

    fn live_mut(&mut self, key: u8) -> Option<&mut Item> {
        self.live(key)?;
        self.items.get_mut(&key)
    }

    /// Seconds that the item has left.
    pub(super) fn left(&self, item: &Item) -> Option<u32> {
        item.expiry.map(|end| (end - self.now.min(end)) as u32)
    }

    /// The hit that the key's item makes, be it dead by now.
    fn hit(&self, key: u8) -> Answer {
        match self.items.get(&key) {
            None => Answer::Miss,
            Some(item) => Answer::Hit(Hit {
                data: item.data.clone(),
                flags: item.flags,
                ttl: self.left(item),
            }),
        }
    }
}
