//! Items out of a store and into one, in the form of a cache's dump: dump and load.

use super::arguments::{Dump, Load};
use super::entries::Entries;
use super::look::fact;
use crate::failure::{Answer, Failure};
use crate::format::Item;
use crate::load::{Counts, Target, read, tell};
use crate::progress::Meter;
use nearcache::{Expiry, Outcome, Verb};
use nearcache_store::wire::Change;
use nearcache_store::{Durable, Error, storing};
use std::io::Write;

/// Writes every item.
pub fn dump(asked: &Dump, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.at.place.open()?;
    let of = Some(fact(&durable.stats()?, "curr_items"));
    let mut meter = Meter::start("dump", asked.shown.progress)?;
    let mut done = 0;
    let items = Entries::all(&durable).map(|entry| {
        let entry = entry?;
        done += 1;
        let nearcache_store::Value { data: value, flags, ttl, .. } = entry.value;
        match meter.at(done, of) {
            true => Ok(Item { key: entry.key, value, flags, ttl }),
            false => Err(Failure::told("stopped")),
        }
    });
    crate::dump::write(asked.file.as_deref(), items, &asked.at.place.to_string(), out)
}

/// Items, and their bytes, that go to the store as one synced step.
const BATCH_ITEMS: usize = 512;
const BATCH_BYTES: usize = 512 << 10;

/// A store that takes the items of a dump, in batches.
struct IntoStore<'a> {
    durable: &'a Durable,
    verb: Verb,
    meter: Meter,
    batch: Vec<(Item, Expiry)>,
    bytes: usize,
}

impl IntoStore<'_> {
    fn commit(&mut self, counts: &mut Counts) -> Result<(), Failure> {
        self.bytes = 0;
        let mut batch = std::mem::take(&mut self.batch);
        if self.verb == Verb::Add {
            // Those that are there would have the whole batch refused.
            let keys: Vec<_> = batch.iter().map(|(item, _)| item.key.as_slice()).collect();
            let mut found = self.durable.get_many(&keys)?.into_iter();
            let before = batch.len();
            batch.retain(|_| found.next().flatten().is_none());
            counts.kept += (before - batch.len()) as u64;
        }
        if batch.is_empty() {
            return Ok(());
        }
        let change = |(item, expiry): &(Item, Expiry)| {
            Change::Set(storing(self.verb, &item.key, &item.value, item.flags, *expiry))
        };
        match self.durable.commit(batch.iter().map(change).collect()) {
            Ok(_) => counts.loaded += batch.len() as u64,
            // One of them is refused: which, is found by storing them one by one.
            Err(Error::ValueTooLarge { .. } | Error::Refused { .. }) => {
                batch.iter().try_for_each(|(item, expiry)| self.store(item, *expiry, counts))?;
            }
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    fn store(&self, item: &Item, expiry: Expiry, counts: &mut Counts) -> Result<(), Failure> {
        match self.durable.store(self.verb, &item.key, &item.value, item.flags, expiry) {
            Ok(Outcome::Stored(_)) => counts.loaded += 1,
            Ok(_) => counts.kept += 1,
            Err(Error::ValueTooLarge { .. }) => counts.too_large += 1,
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }
}

impl Target for IntoStore<'_> {
    fn take(&mut self, item: Item, expiry: Expiry, counts: &mut Counts) -> Result<(), Failure> {
        let size = item.key.len() + item.value.len();
        if !self.batch.is_empty() && self.bytes + size > BATCH_BYTES {
            self.commit(counts)?;
        }
        self.bytes += size;
        self.batch.push((item, expiry));
        if self.batch.len() >= BATCH_ITEMS { self.commit(counts) } else { Ok(()) }
    }

    fn goes_on(&mut self, read: u64, of: Option<u64>) -> bool {
        self.meter.at(read, of)
    }

    fn end(&mut self, counts: &mut Counts) -> Result<(), Failure> {
        self.commit(counts)
    }
}

/// Stores the items of a dump; no if the store refused some.
pub fn load(asked: &Load, out: &mut dyn Write) -> Result<Answer, Failure> {
    let durable = asked.at.place.open()?;
    let verb = if asked.keep { Verb::Add } else { Verb::Set };
    let meter = Meter::start("load", asked.shown.progress)?;
    let mut into = IntoStore { durable: &durable, verb, meter, batch: Vec::new(), bytes: 0 };
    let counts = read(asked.file.as_deref(), asked.keep_ttl, &mut into)?;
    drop(into);
    let facts = [
        ("kept", counts.kept, "left alone, as they are there"),
        ("expired", counts.expired, "not loaded, as their time is over"),
        ("too_large", counts.too_large, "refused: larger than this store's largest item"),
    ];
    tell(asked.json, counts.loaded, &asked.at.place.to_string(), &facts, out)?;
    Ok(Answer::of(counts.too_large == 0))
}
