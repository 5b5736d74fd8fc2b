//! The meta commands: one call of the core each.

use super::{Came, Deed, Desk, Item, Kind, error_came};
use crate::buffer::Output;
use crate::protocol::meta::{Head, Meta, Store, Verb};
use crate::protocol::meta_reply::{self, Told};
use crate::protocol::reply;
use nearcache::{
    Deletion, Error, KEY_MAX, MetaArith, MetaDelete, MetaGet, MetaHit, MetaMode, MetaSet, MetaSum,
    Outcome,
};

impl Desk<'_> {
    /// Executes a meta command that has no data.
    pub fn meta(self, meta: &Meta<'_>, out: &mut Output) {
        let (head, mut room) = (&meta.head, [0; KEY_MAX]);
        let Some(key) = head.key(&mut room) else {
            return out.text(reply::BAD_BASE64);
        };
        match meta.verb {
            Verb::Get(ask) => self.meta_get(head, key, ask, out),
            Verb::Delete(ask) => self.meta_delete(head, key, ask, out),
            Verb::Arith(ask) => self.meta_arith(head, key, ask, out),
            Verb::Inspect => self.inspect(key, out),
        }
    }

    fn meta_get(self, head: &Head<'_>, key: &[u8], ask: MetaGet, out: &mut Output) {
        // Without uniques (`-C`) none can be asked for.
        let ask = match self.server.options.cas {
            true => ask,
            false => MetaGet { compare: None, unique: None, ..ask },
        };
        let mark = out.mark();
        let mut data = out.data(head.value);
        let kind = if ask.touch.is_some() { Kind::FetchAndTouch } else { Kind::Fetch };
        let mut deed = Deed { kind, command: "mg", key, came: Came::Missing, item: None };
        let found = match self.server.cache.meta_get(key, ask, &mut data) {
            // There is no memory for an item that it was to make: a miss all the same.
            Err(Error::OutOfMemory) if ask.vivify.is_some() => Ok(None),
            found => found,
        };
        match found {
            Ok(Some(hit)) => {
                deed.item = Some(hit.meta.into());
                // One that was made is a miss.
                let made = ask.vivify.is_some() && hit.won && !hit.stale && !hit.hit_before;
                if !made || hit.meta.len > 0 {
                    deed.came = Came::Done;
                }
                let with_value = head.value && !hit.same;
                match with_value {
                    true => data.hit(),
                    false => data.miss(),
                }
                out.insert(mark, &meta_reply::hit(head, key, &self.told(&hit), with_value));
            }
            Ok(None) if head.quiet => {}
            Ok(None) => out.text(&meta_reply::bare(b"EN", head)),
            Err(error) => self.failed(&error, reply::NO_MEMORY, out),
        }
        self.note(deed);
    }

    fn told(self, hit: &MetaHit) -> Told {
        Told {
            len: hit.meta.len,
            flags: hit.meta.flags,
            cas: self.shown(hit.meta),
            ttl_before: hit.ttl_before,
            ttl: hit.meta.ttl,
            hit_before: hit.hit_before,
            // A region that was made elsewhere need not know it.
            last_access: hit.last_access.unwrap_or(0),
            won: hit.won,
            stale: hit.stale,
            sent: hit.sent,
            binary: hit.binary,
            size: hit.size,
        }
    }

    /// Stores what came behind an `ms`.
    pub(super) fn meta_set(self, store: &Store<'_>, value: &[u8], out: &mut Output) {
        let (head, cache, mut room) = (&store.head, &self.server.cache, [0; KEY_MAX]);
        let Some(key) = head.key(&mut room) else {
            return out.text(reply::BAD_BASE64);
        };
        let ask = match self.server.options.cas {
            true => store.ask,
            // Without uniques none can match: no item has the unique 0.
            false => {
                let compare = store.ask.compare.map(|_| 0);
                MetaSet { compare, unique: None, ..store.ask }
            }
        };
        let kind = if ask.compare.is_some() { Kind::Cas } else { Kind::Store };
        let ttl = self.seconds_left(ask.expiry);
        let item = Some(Item { len: value.len(), flags: ask.flags, ttl });
        // By the name of the classic verb: memcached tells watchers that.
        let command = match ask.mode {
            _ if ask.compare.is_some() => "cas",
            MetaMode::Set => "set",
            MetaMode::Add => "add",
            MetaMode::Append => "append",
            MetaMode::Prepend => "prepend",
            MetaMode::Replace => "replace",
        };
        let mut deed = Deed { kind, command, key, came: Came::Done, item };
        let stored = match cache.meta_set(key, value, ask) {
            Ok(stored) => stored,
            Err(error) => {
                deed.came = error_came(&error);
                self.note(deed);
                return self.failed(&error, reply::NO_MEMORY_STORING, out);
            }
        };
        deed.came = match stored.outcome {
            Outcome::Stored(_) => Came::Done,
            Outcome::NotStored => Came::NotStored,
            Outcome::Exists => Came::Exists,
            Outcome::Missing => Came::Missing,
        };
        self.note(deed);
        out.text(&meta_reply::stored(head, stored.outcome, stored.len, self.server.options.cas));
    }

    fn meta_delete(self, head: &Head<'_>, key: &[u8], ask: MetaDelete, out: &mut Output) {
        let ask = match self.server.options.cas {
            true => ask,
            // Every item's unique is 0 to the client, and never 0 to the core.
            false => {
                let compare = ask.compare.filter(|&unique| unique != 0).map(|_| 0);
                MetaDelete { compare, unique: None, ..ask }
            }
        };
        let deleted = self.server.cache.meta_delete_seen(key, ask);
        // What is only invalidated or emptied is not deleted.
        let stays = ask.invalidate || ask.drop_value;
        let met = deleted.as_ref().ok().and_then(|(_, met)| *met).filter(|_| !stays);
        let item = met.map(Item::from);
        let deletion = deleted.map(|(deletion, _)| deletion);
        let came = match &deletion {
            Ok(Deletion::Deleted) => Came::Done,
            Ok(Deletion::Missing) => Came::Missing,
            Ok(Deletion::Exists) => Came::Exists,
            Err(error) => error_came(error),
        };
        self.note(Deed { kind: Kind::Delete, command: "md", key, came, item });
        match deletion {
            Ok(deletion) => out.text(&meta_reply::deleted(head, deletion)),
            Err(error) => self.failed(&error, reply::NO_MEMORY, out),
        }
    }

    fn meta_arith(self, head: &Head<'_>, key: &[u8], ask: MetaArith, out: &mut Output) {
        let cache = &self.server.cache;
        let sum = match self.server.options.cas {
            true => cache.meta_arith(key, ask),
            false if ask.compare.is_some_and(|unique| unique != 0) => {
                // Without uniques none can match.
                cache.contains(key).map(|found| match found {
                    true => MetaSum::Exists,
                    false => MetaSum::Missing,
                })
            }
            false => cache.meta_arith(key, MetaArith { unique: None, ..ask }),
        };
        let came = match &sum {
            Ok(MetaSum::Number { .. }) => Came::Done,
            Ok(MetaSum::Missing) => Came::Missing,
            Ok(MetaSum::Exists) => Came::Exists,
            Err(error) => error_came(error),
        };
        let kind = if ask.down { Kind::Decr } else { Kind::Incr };
        let item = match sum {
            Ok(MetaSum::Number { number, .. }) => Some(Item::number(number)),
            _ => None,
        };
        self.note(Deed { kind, command: "ma", key, came, item });
        match sum {
            Ok(sum) => out.text(&meta_reply::sum(head, sum, self.server.options.cas)),
            Err(error) => {
                let making = ask.vivify.is_some();
                let words = if making { reply::NO_MEMORY_MAKING } else { reply::NO_MEMORY };
                self.failed(&error, words, out);
            }
        }
    }

    fn inspect(self, key: &[u8], out: &mut Output) {
        let hit = match self.server.cache.inspect(key) {
            Ok(Some(hit)) => hit,
            Ok(None) => return out.text(reply::META_MISS),
            Err(error) => return self.failed(&error, reply::NO_MEMORY, out),
        };
        let class = self.server.classes.of(hit.size);
        out.text(&meta_reply::inspected(key, &self.told(&hit), class));
    }
}
