//! The oracle's meta verbs: the rules of memcached's `ms`, `md` and `ma`, beside those of the classic verbs.

use super::answer::{Answer, Bytes};
use super::number::Way;
use super::ops::{Life, Wishes, key};
use super::oracle::{Item, Oracle, item_size};
use nearcache::MetaMode;

impl Item {
    /// Is this its unique? 0 is none, and one that was not told is one that nobody can ask with.
    fn is(&self, asked: u64) -> bool {
        asked != 0 && self.unique == Some(asked)
    }
    /// Was this, which is not its unique, its own earlier?
    fn was(&self, asked: u64) -> bool {
        asked != 0 && (!self.chosen || self.unique.is_some_and(|unique| asked < unique))
    }
    fn choose(mut self, unique: Option<u64>) -> Item {
        (self.unique, self.chosen) = (unique, unique.is_some());
        self
    }
}

impl Oracle {
    pub(super) fn meta_set(&mut self, k: u8, value: &[u8], wishes: &Wishes) -> Answer {
        let size = item_size(key(k).len(), value.len(), wishes.flags);
        if size > self.limit {
            self.forget(k);
            return Answer::TooLarge { size, limit: self.limit };
        }
        let asked = wishes.compare.map(|token| self.unique(k, token));
        let life = wishes.life.unwrap_or(Life::Never);
        let mut new = self.item(value, wishes.flags, life).choose(wishes.unique);
        use MetaMode::{Add, Append, Prepend, Replace, Set};
        match (wishes.mode, asked, self.live(k)) {
            (Set | Replace, Some(_), None) => return Answer::Missing,
            (Set | Replace, Some(asked), Some(old)) if !old.is(asked) => {
                if !wishes.stale || !old.was(asked) {
                    return Answer::Exists;
                }
                (new.expiry, new.stale, new.sent) = (old.expiry, true, old.sent);
            }
            (Append | Prepend, Some(asked), Some(old)) if asked != 0 && !old.is(asked) => {
                return Answer::Exists;
            }
            (Append | Prepend, _, Some(old)) => {
                let parts = match wishes.mode {
                    Append => [&*old.data.0, value],
                    _ => [value, &*old.data.0],
                };
                let data = parts.concat();
                if item_size(key(k).len(), data.len(), old.flags) > self.limit {
                    return Answer::NotStored;
                }
                (new.data, new.flags, new.expiry) = (Bytes::new(&data), old.flags, old.expiry);
            }
            (Append | Prepend, _, None) => match wishes.vivify {
                Some(life) => new.expiry = self.second(life),
                None => return Answer::NotStored,
            },
            (Add, _, Some(_)) | (Replace, None, None) => return Answer::NotStored,
            _ => {}
        }
        let len = new.data.0.len();
        self.replace(k, new);
        Answer::Sized(len)
    }

    pub(super) fn meta_delete(&mut self, k: u8, wishes: &Wishes) -> Answer {
        let asked = wishes.compare.map(|token| self.unique(k, token));
        let Some(old) = self.live(k).cloned() else { return Answer::Missing };
        if asked.is_some_and(|asked| !old.is(asked)) {
            return Answer::Exists;
        }
        if !wishes.stale && !wishes.empties {
            self.forget(k);
            return Answer::Deleted;
        }
        let mut new = old.clone();
        if wishes.empties {
            new = self.item(b"", 0, Life::Never);
            (new.unique, new.chosen) = (old.unique, old.chosen);
        }
        if let Some(life) = wishes.life {
            new.expiry = self.second(life);
        }
        if wishes.stale {
            (new.stale, new.sent) = (true, false);
            new.perhaps_fetched();
        }
        if wishes.stale || wishes.unique.is_some() {
            new = new.choose(wishes.unique);
        }
        self.replace(k, new);
        Answer::Deleted
    }

    pub(super) fn meta_arith(&mut self, way: Way, k: u8, delta: u64, wishes: &Wishes) -> Answer {
        let asked = wishes.compare.map(|token| self.unique(k, token));
        let Some(old) = self.live(k).cloned() else {
            let Some(life) = wishes.vivify else { return Answer::Missing };
            let text = wishes.initial.to_string();
            let new = self.item(text.as_bytes(), 0, life).choose(wishes.unique);
            let ttl = self.left(&new);
            self.replace(k, new);
            return Answer::Counted(wishes.initial, ttl);
        };
        if old.data.0.is_empty() {
            return Answer::NotNumeric;
        }
        if asked.is_some_and(|asked| asked != 0 && !old.is(asked)) {
            return Answer::Exists;
        }
        let Answer::Number(number) = self.move_number(k, way, delta) else {
            return Answer::NotNumeric;
        };
        let expiry = wishes.life.map_or(old.expiry, |life| self.second(life));
        let mut new = self.entry(k).expect("it was moved").choose(wishes.unique);
        new.expiry = expiry;
        let ttl = self.left(&new);
        self.put_back(k, Some(new));
        Answer::Counted(number, ttl)
    }
}
