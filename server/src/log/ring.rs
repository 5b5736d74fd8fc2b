//! The records of one thread on their way to the log's thread. One writes, one reads, neither ever waits for the other;
//! what finds no room is lost, and counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most words of a record. Its first word ends in its own length.
pub const RECORD_MAX: usize = 44;

/// The bits of a record's first word that tell its length.
const LENGTH: u64 = 0xff;

/// A ring of words.
#[derive(Debug)]
pub struct Ring {
    words: Box<[AtomicU64]>,
    /// Words read so far, and written so far.
    read: AtomicU64,
    written: AtomicU64,
    records: AtomicU64,
    lost: [AtomicU64; 16],
}

impl Ring {
    /// One of about so many bytes.
    pub fn new(bytes: usize) -> Ring {
        let count = (bytes / 8).max(2 * RECORD_MAX).next_power_of_two();
        Ring {
            words: (0..count).map(|_| AtomicU64::new(0)).collect(),
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            records: AtomicU64::new(0),
            lost: Default::default(),
        }
    }

    fn word(&self, at: u64) -> &AtomicU64 {
        &self.words[at as usize & (self.words.len() - 1)]
    }

    /// Appends a record, or counts it lost under each of the 16 streams it belongs to. Only the ring's own thread calls
    /// this.
    pub fn push(&self, record: &[u64], streams: u16) {
        debug_assert!(record[0] & LENGTH == record.len() as u64, "a record knows its length");
        // Relaxed: this thread alone stores it.
        let at = self.written.load(Ordering::Relaxed);
        // Acquire: pairs with the Release in `drain`; the words between have been read.
        let read = self.read.load(Ordering::Acquire);
        if self.words.len() as u64 - (at - read) < record.len() as u64 {
            for stream in (0..16).filter(|stream| streams & 1 << stream != 0) {
                // Relaxed: a count.
                self.lost[stream].fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        for (place, &word) in (at..).zip(record) {
            // Relaxed: published by the store below.
            self.word(place).store(word, Ordering::Relaxed);
        }
        // Relaxed: a count of one writer.
        let records = self.records.load(Ordering::Relaxed);
        self.records.store(records + 1, Ordering::Relaxed);
        // Release: pairs with the Acquire in `drain`; the words are there before they are told.
        self.written.store(at + record.len() as u64, Ordering::Release);
    }

    /// Hands over every record there is. Only the log's thread calls this.
    pub fn drain(&self, mut take: impl FnMut(&[u64])) {
        // Relaxed: this thread alone stores it.
        let mut at = self.read.load(Ordering::Relaxed);
        // Acquire: pairs with the Release in `push`.
        let end = self.written.load(Ordering::Acquire);
        let mut record = [0; RECORD_MAX];
        while at < end {
            // Relaxed: published with `written`.
            let len = (self.word(at).load(Ordering::Relaxed) & LENGTH) as usize;
            for (place, word) in (at..).zip(&mut record[..len]) {
                *word = self.word(place).load(Ordering::Relaxed);
            }
            at += len as u64;
            // Release: pairs with the Acquire in `push`; the place may be written again.
            self.read.store(at, Ordering::Release);
            take(&record[..len]);
        }
    }

    /// How many records were taken in.
    pub fn records(&self) -> u64 {
        // Relaxed: a count.
        self.records.load(Ordering::Relaxed)
    }

    /// How many were lost, by stream.
    pub fn lost(&self) -> [u64; 16] {
        // Relaxed: counts.
        std::array::from_fn(|stream| self.lost[stream].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn what_comes_out_went_in_in_order_and_the_rest_is_counted() {
        let ring = Ring::new(0);
        let done = AtomicBool::new(false);
        let (mut seen, mut last) = (0u64, None);
        const COUNT: u64 = 200_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..COUNT {
                    let len = 2 + number % (RECORD_MAX as u64 - 1);
                    let mut record = vec![number; len as usize];
                    record[0] = len;
                    ring.push(&record, 0b101);
                }
                done.store(true, Ordering::Release);
            });
            loop {
                let end = done.load(Ordering::Acquire);
                ring.drain(|record| {
                    let number = record[1];
                    assert!(last < Some(number), "{last:?} before {number}");
                    assert_eq!(record.len() as u64, 2 + number % (RECORD_MAX as u64 - 1));
                    assert!(record[1..].iter().all(|&word| word == number), "torn: {record:?}");
                    (seen, last) = (seen + 1, Some(number));
                });
                if end {
                    break;
                }
            }
        });
        assert_eq!(ring.records(), seen);
        let lost = ring.lost();
        assert_eq!((lost[0], lost[1], lost[2]), (COUNT - seen, 0, COUNT - seen));
    }
}
