//! SQLite as a store and as a queue: in WAL mode, a connection for each client, each write a transaction of its own.

use crate::contest::{Key, Value};
use crate::peers::{Asks, Peer, Safety};
use crate::queues::{Line, Works};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A database in a directory.
pub struct Sqlite {
    file: PathBuf,
    safety: Safety,
}

const STORE: &str =
    "CREATE TABLE IF NOT EXISTS items (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID";
const QUEUE: &str = "CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY, due INTEGER NOT NULL, \
    body BLOB NOT NULL); CREATE INDEX IF NOT EXISTS ready ON queue (id) WHERE due = 0";
const PUT: &str = "INSERT OR REPLACE INTO items VALUES (?1, ?2)";
const RESERVE: &str = "UPDATE queue SET due = unixepoch() + 60 WHERE id = \
    (SELECT min(id) FROM queue WHERE due = 0) RETURNING id, body";

impl Sqlite {
    /// Opens it, or makes it.
    pub fn open(dir: &Path, safety: Safety) -> Sqlite {
        std::fs::create_dir_all(dir).expect("the directory can be made");
        let sqlite = Sqlite { file: dir.join("sqlite"), safety };
        let connection = sqlite.connect();
        connection.execute_batch(&format!("{STORE};{QUEUE}")).expect("the tables are there");
        sqlite
    }

    fn connect(&self) -> Connection {
        let connection = Connection::open(&self.file).expect("the database opens");
        let level = match self.safety {
            Safety::Synced => "FULL",
            Safety::Written => "OFF",
        };
        // As much memory as our block cache has. Nobody is to be turned away, however long it takes.
        let settings = format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous={level}; PRAGMA cache_size=-65536"
        );
        connection.busy_timeout(Duration::from_secs(600)).expect("a timeout can be set");
        connection.execute_batch(&settings).expect("it takes the settings");
        connection
    }

    /// Puts many messages in at once.
    pub fn fill_queue(&self, count: u64) {
        let fill = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ?1) \
                    INSERT INTO queue (due, body) SELECT 0, randomblob(100) FROM n";
        self.connect().execute(fill, [count as i64]).expect("the queue is filled");
    }
}

impl Peer for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn client(&self) -> Box<dyn Asks + '_> {
        Box::new(self.connect())
    }
}

impl Asks for Connection {
    fn put(&mut self, items: &[(Key, Value)]) {
        if let [(key, value)] = items {
            let put = &mut self.prepare_cached(PUT).expect("it is SQL");
            put.execute(params![key, value]).expect("the put is done");
            return;
        }
        let transaction = self.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.expect("a transaction begins");
        {
            let mut put = transaction.prepare_cached(PUT).expect("it is SQL");
            for (key, value) in items {
                put.execute(params![key, value]).expect("the put is done");
            }
        }
        transaction.commit().expect("the transaction is done");
    }

    fn get(&mut self, key: &Key) -> bool {
        let get = self.prepare_cached("SELECT value FROM items WHERE key = ?1");
        let value = get.expect("it is SQL").query_row([key], |row| row.get::<_, Vec<u8>>(0));
        value.optional().expect("the get is done").is_some()
    }

    fn scan(&mut self, from: &Key, count: usize) -> Option<usize> {
        let scan = "SELECT key, value FROM items WHERE key >= ?1 ORDER BY key LIMIT ?2";
        let mut scan = self.prepare_cached(scan).expect("it is SQL");
        let entries = scan.query_map(params![from, count as i64], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
        });
        let entries: Result<Vec<_>, _> = entries.expect("the scan begins").collect();
        Some(entries.expect("the scan is done").len())
    }
}

impl Line for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn client(&self) -> Box<dyn Works + '_> {
        Box::new(self.connect())
    }
}

impl Works for Connection {
    fn push(&mut self, body: &Value) {
        let push = self.prepare_cached("INSERT INTO queue (due, body) VALUES (0, ?1)");
        push.expect("it is SQL").execute([body]).expect("the message is in");
    }

    fn take(&mut self) -> bool {
        let reserved = {
            let mut reserve = self.prepare_cached(RESERVE).expect("it is SQL");
            let row =
                reserve.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)));
            row.optional().expect("a message is reserved")
        };
        let Some((id, body)) = reserved else {
            return false;
        };
        assert_eq!(body.len(), size_of::<Value>());
        let ack = self.prepare_cached("DELETE FROM queue WHERE id = ?1");
        assert_eq!(ack.expect("it is SQL").execute([id]).expect("it is acknowledged"), 1);
        true
    }
}
