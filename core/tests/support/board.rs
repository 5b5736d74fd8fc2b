//! A board that processes write their calls on: memory outside of any cache, so that what a killed process had begun is
//! known to those who check the history.

use super::number::Way;
use super::register::{Data, Op, Result as Seen};
use super::wgl::{Call, Maybe};
use nearcache::Outcome;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Words of a call: its state, key and times, the operation, the answer.
const CALL: usize = 64;
const OP_AT: usize = 4;
const RESULT_AT: usize = 24;
/// Words before a writer's calls: how many there are, and what it notes.
const HEAD: usize = 16;
/// The shared words in front: the clock, and what processes tell one another.
const FRONT: usize = 64;

const BEGUN: u64 = 1;
const RETURNED: u64 = 2;

const READS: [&str; 6] = ["get", "get_to", "get_many", "pin", "gat", "meta_get"];
const PRESENTS: [&str; 2] = ["contains", "touch"];

/// The calls of one key.
pub type History = (Vec<Call<Op, Seen>>, Vec<Maybe<Op>>);

/// A board for so many writers, each a thread of some process.
pub struct Board {
    words: &'static [AtomicU64],
    writers: usize,
    calls: usize,
}

impl Board {
    /// Room for so many calls of each writer. It is never given back.
    pub fn new(writers: usize, calls: usize) -> Board {
        let count = FRONT + writers * (HEAD + calls * CALL);
        // SAFETY: a new anonymous mapping replaces nothing.
        let base = unsafe {
            let (protection, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
            libc::mmap(std::ptr::null_mut(), count * 8, protection, flags, -1, 0)
        };
        assert!(base != libc::MAP_FAILED, "no memory for a board");
        // SAFETY: the mapping has so many words, stays, and is only used as atomic words.
        let words = unsafe { std::slice::from_raw_parts(base.cast::<AtomicU64>(), count) };
        Board { words, writers, calls }
    }

    /// Forgets every call and note.
    pub fn wipe(&self) {
        self.words[..FRONT].iter().for_each(|word| word.store(0, SeqCst));
        for writer in 0..self.writers {
            self.head(writer).iter().for_each(|word| word.store(0, SeqCst));
        }
    }

    /// A shared word: what processes tell one another.
    pub fn word(&self, which: usize) -> &AtomicU64 {
        assert!(which + 1 < FRONT);
        &self.words[which + 1]
    }

    /// A word of a writer's, for what it notes.
    pub fn note(&self, writer: usize, which: usize) -> &AtomicU64 {
        &self.head(writer)[which + 1]
    }

    /// The shared clock's next reading.
    fn tick(&self) -> u64 {
        self.words[0].fetch_add(1, SeqCst)
    }

    fn head(&self, writer: usize) -> &[AtomicU64] {
        let at = FRONT + writer * (HEAD + self.calls * CALL);
        &self.words[at..at + HEAD]
    }

    fn call(&self, writer: usize, call: usize) -> &[AtomicU64] {
        assert!(call < self.calls, "no room for another call of writer {writer}");
        let at = FRONT + writer * (HEAD + self.calls * CALL) + HEAD + call * CALL;
        &self.words[at..at + CALL]
    }

    /// Notes that a writer is about to call.
    pub fn begin(&self, writer: usize, key: usize, op: &Op) {
        let number = self.head(writer)[0].load(SeqCst) as usize;
        let call = self.call(writer, number);
        let (kind, a, b, data) = of_op(op);
        call[0].store(BEGUN, SeqCst);
        call[3].store(key as u64, SeqCst);
        put(&call[OP_AT..RESULT_AT], kind, a, b, data);
        call[1].store(self.tick(), SeqCst);
        self.head(writer)[0].store(number as u64 + 1, SeqCst);
    }

    /// Notes what the writer's last call answered.
    pub fn end(&self, writer: usize, result: &Seen) {
        let returned = self.tick();
        let number = self.head(writer)[0].load(SeqCst) as usize - 1;
        let call = self.call(writer, number);
        let (kind, a, b, data) = of_result(result);
        put(&call[RESULT_AT..], kind, a, b, data);
        call[2].store(returned, SeqCst);
        call[0].store(RETURNED, SeqCst);
    }

    /// The calls of each key; a flush is one of every key.
    pub fn histories(&self, keys: usize) -> Vec<History> {
        let mut histories = vec![(Vec::new(), Vec::new()); keys];
        for thread in 0..self.writers {
            for number in 0..self.head(thread)[0].load(SeqCst) as usize {
                let call = self.call(thread, number);
                let read = |at: usize| call[at].load(SeqCst);
                let (called, returned, key) = (read(1), read(2), read(3) as usize);
                let op = to_op(take(&call[OP_AT..RESULT_AT]));
                let every = op == Op::Flush;
                for (calls, maybe) in &mut histories[if every { 0..keys } else { key..key + 1 }] {
                    let op = op.clone();
                    match read(0) {
                        RETURNED => {
                            let result = to_result(take(&call[RESULT_AT..]));
                            calls.push(Call { thread, called, returned, op, result });
                        }
                        _ => maybe.push(Maybe { thread, called, op }),
                    }
                }
            }
        }
        histories
    }
}

fn put(words: &[AtomicU64], kind: u64, a: u64, b: u64, data: &[u8]) {
    assert!(data.len() <= (words.len() - 4) * 8, "{} bytes are too many for the board", data.len());
    for (word, value) in words.iter().zip([kind, a, b, data.len() as u64]) {
        word.store(value, SeqCst);
    }
    for (word, bytes) in words[4..].iter().zip(data.chunks(8)) {
        let mut whole = [0; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_le_bytes(whole), SeqCst);
    }
}

fn take(words: &[AtomicU64]) -> (u64, u64, u64, Data) {
    let read = |at: usize| words[at].load(SeqCst);
    let bytes: Vec<u8> =
        words[4..].iter().flat_map(|word| word.load(SeqCst).to_le_bytes()).collect();
    (read(0), read(1), read(2), Data::from(&bytes[..read(3) as usize]))
}

fn position(names: &[&'static str], name: &str) -> u64 {
    let at = names.iter().position(|other| *other == name);
    at.unwrap_or_else(|| panic!("the board has no word for {name}")) as u64
}

fn of_op(op: &Op) -> (u64, u64, u64, &[u8]) {
    let up = |way: &Way| u64::from(*way == Way::Up);
    match op {
        Op::Read(how) => (0, position(&READS, how), 0, &[]),
        Op::Present(how) => (1, position(&PRESENTS, how), 0, &[]),
        Op::Set(data) => (2, 0, 0, &data.0),
        Op::Add(data) => (3, 0, 0, &data.0),
        Op::Replace(data) => (4, 0, 0, &data.0),
        Op::Append(data) => (5, 0, 0, &data.0),
        Op::Prepend(data) => (6, 0, 0, &data.0),
        Op::Cas(data, unique) => (7, *unique, 0, &data.0),
        Op::Move(way, delta) => (8, up(way), *delta, &[]),
        Op::MoveOr(way, delta, initial) => (9 + up(way), *delta, *initial, &[]),
        Op::Delete => (11, 0, 0, &[]),
        Op::DeleteCas(unique) => (12, *unique, 0, &[]),
        Op::Kill => (13, 0, 0, &[]),
        Op::Invalidate => (14, 0, 0, &[]),
        Op::Flush => (15, 0, 0, &[]),
    }
}

fn to_op((kind, a, b, data): (u64, u64, u64, Data)) -> Op {
    let way = |up: u64| if up == 1 { Way::Up } else { Way::Down };
    match kind {
        0 => Op::Read(READS[a as usize]),
        1 => Op::Present(PRESENTS[a as usize]),
        2 => Op::Set(data),
        3 => Op::Add(data),
        4 => Op::Replace(data),
        5 => Op::Append(data),
        6 => Op::Prepend(data),
        7 => Op::Cas(data, a),
        8 => Op::Move(way(a), b),
        9 | 10 => Op::MoveOr(way(kind - 9), a, b),
        11 => Op::Delete,
        12 => Op::DeleteCas(a),
        13 => Op::Kill,
        14 => Op::Invalidate,
        _ => Op::Flush,
    }
}

fn of_result(result: &Seen) -> (u64, u64, u64, &[u8]) {
    match result {
        Seen::Hit(data, unique) => (0, *unique, 0, &data.0),
        Seen::Miss => (1, 0, 0, &[]),
        Seen::Outcome(Outcome::Stored(unique)) => (2, 0, *unique, &[]),
        Seen::Outcome(Outcome::NotStored) => (2, 1, 0, &[]),
        Seen::Outcome(Outcome::Exists) => (2, 2, 0, &[]),
        Seen::Outcome(Outcome::Missing) => (2, 3, 0, &[]),
        Seen::Yes => (3, 0, 0, &[]),
        Seen::No => (4, 0, 0, &[]),
        Seen::Exists => (5, 0, 0, &[]),
        Seen::Number(number) => (6, *number, 0, &[]),
        Seen::NotNumeric => (7, 0, 0, &[]),
        Seen::Done => (8, 0, 0, &[]),
    }
}

fn to_result((kind, a, b, data): (u64, u64, u64, Data)) -> Seen {
    match (kind, a) {
        (0, unique) => Seen::Hit(data, unique),
        (1, _) => Seen::Miss,
        (2, 0) => Seen::Outcome(Outcome::Stored(b)),
        (2, 1) => Seen::Outcome(Outcome::NotStored),
        (2, 2) => Seen::Outcome(Outcome::Exists),
        (2, _) => Seen::Outcome(Outcome::Missing),
        (3, _) => Seen::Yes,
        (4, _) => Seen::No,
        (5, _) => Seen::Exists,
        (6, number) => Seen::Number(number),
        (7, _) => Seen::NotNumeric,
        _ => Seen::Done,
    }
}
