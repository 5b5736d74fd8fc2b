//! Backup and restore: a copy of everything, items and queues, as of one moment, in a directory of its own, which is a
//! store that can be opened.

use crate::committer::read_ledger;
use crate::database::Database;
use crate::engine::fjall::Fjall;
use crate::engine::{Durability, Engine, Space, View};
use crate::guard::{Guard, Watermark};
use crate::ledger::{self, Ledger};
use crate::page::{GoOn, Progress, each};
use crate::{Error, Options};
use std::path::Path;

/// Bytes that are copied with one batch.
const BATCH_BYTES: usize = 4 << 20;

impl Database {
    /// Copies what is there now to a new directory, while others go on. If it fails or is stopped, the directory holds
    /// what is no store yet, and can be given again.
    pub fn backup(&self, to: &Path, go_on: GoOn<'_>) -> Result<(), Error> {
        self.check_fork()?;
        let view = self.snapshot()?;
        let mut guard = Guard::take(to, true)?;
        if !guard.is_new() {
            return Err(Error::Foreign(format!(
                "{} holds a store already: a backup goes to a new directory",
                to.display()
            )));
        }
        let mut watermark = Watermark::open(&guard)?;
        let engine = Fjall::open(&guard.data(), 1 << 20, self.options().workers)?;
        let ledger = copy(view.as_ref(), &engine, go_on)?;
        engine.sync()?;
        watermark.note(ledger.seq)?;
        watermark.sync()?;
        drop(engine);
        guard.finish()
    }
}

/// Makes a store of a backup in a new directory. (A backup can also be opened where it is.)
pub fn restore(backup: &Path, to: &Path, go_on: GoOn<'_>) -> Result<(), Error> {
    let options = Options { create: false, ..Options::default() };
    Database::open(backup, options)?.backup(to, go_on)
}

fn copy(view: &dyn View, engine: &dyn Engine, go_on: GoOn<'_>) -> Result<Ledger, Error> {
    let ledger = read_ledger(view)?;
    let mut progress = Progress { done: 0, of: ledger.items + ledger.dead + ledger.messages };
    for space in Space::ALL {
        let mut batch: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut bytes = 0;
        let flush = |batch: &mut Vec<(Vec<u8>, Vec<u8>)>| {
            let changes = &mut batch.iter().map(|(k, v)| (space, k.as_slice(), Some(v.as_slice())));
            let done = engine.commit(changes, Durability::Written);
            batch.clear();
            done
        };
        each(view, space, &mut |key, value| {
            // The books are the last to be written: they count what is there.
            if space == Space::Book && key == ledger::KEY {
                return Ok(());
            }
            bytes += key.len() + value.len();
            batch.push((key.to_vec(), value.to_vec()));
            if bytes >= BATCH_BYTES {
                bytes = 0;
                flush(&mut batch)?;
            }
            match space {
                Space::Items | Space::Messages => progress.step(go_on),
                _ => Ok(()),
            }
        })?;
        flush(&mut batch)?;
    }
    let books = ledger.encode();
    let mut change = std::iter::once((Space::Book, ledger::KEY, Some(books.as_slice())));
    engine.commit(&mut change, Durability::Synced)?;
    go_on(progress);
    Ok(ledger)
}
