//! LMDB as a store: each write a transaction of its own.

use crate::contest::{Key, Value};
use crate::peers::{Asks, Peer, Safety};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, Error, WithoutTls};
use std::ops::Bound;
use std::path::Path;

/// An environment in a directory.
pub struct Lmdb(Env<WithoutTls>);

/// A client of it.
struct Client<'a> {
    env: &'a Env<WithoutTls>,
    items: Database<'a, Bytes, Bytes>,
}

impl Lmdb {
    /// Opens it, or makes it.
    pub fn open(dir: &Path, safety: Safety) -> Lmdb {
        std::fs::create_dir_all(dir).expect("the directory can be made");
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(8 << 30).max_readers(512);
        if safety == Safety::Written {
            // SAFETY: without syncs a loss of power may damage the file, which nobody reads after one.
            unsafe { options.flags(EnvFlags::NO_SYNC) };
        }
        // SAFETY: no one else opens or changes the file: the directory is this run's.
        Lmdb(unsafe { options.open(dir) }.expect("the environment opens"))
    }
}

impl Peer for Lmdb {
    fn name(&self) -> &'static str {
        "LMDB"
    }

    fn client(&self) -> Box<dyn Asks + '_> {
        let env = &self.0;
        let txn = env.read_txn().expect("a transaction begins");
        let items = env.open_databases_and_commit(txn, |opener, txn| {
            let items = opener.open_database(txn, None)?.expect("the unnamed one is always there");
            Ok::<_, Error>(CommitOrAbort::<_, ()>::Commit(items))
        });
        Box::new(Client { env, items: items.expect("the database opens").unwrap_commit() })
    }
}

impl Asks for Client<'_> {
    fn put(&mut self, items: &[(Key, Value)]) {
        let mut txn = self.env.write_txn().expect("a transaction begins");
        for (key, value) in items {
            self.items.put(&mut txn, key, value).expect("the put is done");
        }
        txn.commit().expect("the transaction is done");
    }

    fn get(&mut self, key: &Key) -> bool {
        let txn = self.env.read_txn().expect("a transaction begins");
        let value = self.items.get(&txn, key).expect("the get is done");
        // Copied, as the others give it.
        std::hint::black_box(value.map(<[u8]>::to_vec)).is_some()
    }

    fn scan(&mut self, from: &Key, count: usize) -> Option<usize> {
        let txn = self.env.read_txn().expect("a transaction begins");
        let range: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Included(from), Bound::Unbounded);
        let entries = self.items.range(&txn, &range).expect("the scan begins").take(count);
        let entries: Vec<(Vec<u8>, Vec<u8>)> = entries
            .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())))
            .collect::<Result<_, _>>()
            .expect("the scan is done");
        Some(std::hint::black_box(entries).len())
    }
}
