//! The form of a dump, written and read.
//!
//! Version 1: lines of ASCII words with single spaces between them and `\n` at the end, and raw bytes.
//!
//! ```text
//! nearcache-dump 1 <Unix time of the dump>
//! item <bytes of key> <bytes of value> <flags> <seconds to live, or ->
//! <key><value> <sum>                       once for each item, as many as there are
//! end <number of items> <sum>
//! ```
//!
//! Numbers are decimal, without sign or needless zeros; a key has 1 to 250 bytes, a value at most 2^30, flags are 32
//! bits, the seconds (32 bits) count from the time of the dump, and `-` is for ever. A sum is the CRC-32 of IEEE 802.3
//! (gzip's) of every byte before it in the file, as eight hexadecimal digits in lower case: so no item can be altered,
//! lost, doubled or moved, and nothing may follow the end. What is not written exactly so is refused with its byte.

use crc32fast::Hasher;
use nearcache::KEY_MAX;
use std::io::{self, BufRead, Read, Write};

const MAGIC: &str = "nearcache-dump";
const VERSION: u64 = 1;
/// No value is longer: it is the largest item of any cache.
const VALUE_MAX: u64 = 1 << 30;
/// No line is longer, its end included.
const LINE_MAX: u64 = 80;

/// An item in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub flags: u32,
    /// Seconds left to live at the time of the dump; `None` is for ever.
    pub ttl: Option<u32>,
}

/// Writes a dump, an item at a time.
pub struct Writer<W: Write> {
    out: W,
    sum: Hasher,
    items: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the first line; `time` is the Unix time that lifetimes count from.
    pub fn new(out: W, time: i64) -> io::Result<Writer<W>> {
        let mut writer = Writer { out, sum: Hasher::new(), items: 0 };
        writer.put(format!("{MAGIC} {VERSION} {}\n", time.max(0)).as_bytes())?;
        Ok(writer)
    }

    /// Writes an item.
    pub fn item(&mut self, item: &Item) -> io::Result<()> {
        let ttl = item.ttl.map_or("-".to_string(), |ttl| ttl.to_string());
        let (key, value) = (item.key.len(), item.value.len());
        self.put(format!("item {key} {value} {} {ttl}\n", item.flags).as_bytes())?;
        self.put(&item.key)?;
        self.put(&item.value)?;
        self.items += 1;
        self.put(b" ")?;
        self.put_sum()
    }

    /// Writes the last line, and gives back what was written to; how many items there were.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        self.put(format!("end {} ", self.items).as_bytes())?;
        self.put_sum()?;
        self.out.flush()?;
        Ok((self.out, self.items))
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }

    fn put_sum(&mut self) -> io::Result<()> {
        let sum = self.sum.clone().finalize();
        self.put(format!("{sum:08x}\n").as_bytes())
    }
}

/// Reads a dump, an item at a time; each is checked before it is given out.
pub struct Reader<R: BufRead> {
    input: R,
    sum: Hasher,
    /// Bytes read.
    at: u64,
    items: u64,
    time: i64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line; the error is a sentence.
    pub fn new(input: R) -> Result<Reader<R>, String> {
        let sum = Hasher::new();
        let mut reader = Reader { input, sum, at: 0, items: 0, time: 0, ended: false };
        let none = format!("this is no dump: one begins with \"{MAGIC} {VERSION} <Unix time>\"");
        let line = reader.line().map_err(|why| format!("line 1: {none} ({why})"))?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [MAGIC, version, ..] if number(version) != Some(VERSION) => Err(format!(
                "line 1: this is a dump of version {version:?}, and this program reads version {VERSION}: take the \
                 program that wrote it"
            )),
            [MAGIC, _, time] => {
                let time = number(time).and_then(|time| i64::try_from(time).ok());
                reader.time = time.ok_or("line 1: the time of the dump is no Unix time")?;
                reader.count_in(&line);
                Ok(reader)
            }
            _ => Err(format!("line 1: {none}")),
        }
    }

    /// The Unix time of the dump.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The next item, or `None` at the end; the error is a sentence that begins with the place.
    pub fn next(&mut self) -> Result<Option<Item>, String> {
        if self.ended {
            return Ok(None);
        }
        let begin = self.at;
        let line = self.line()?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["item", key, value, flags, ttl] => {
                self.count_in(&line);
                let item = self.item(key, value, flags, ttl);
                let item =
                    item.map_err(|why| format!("item {} (byte {begin}): {why}", self.items + 1))?;
                self.items += 1;
                Ok(Some(item))
            }
            ["end", items, sum] => {
                self.end(items, sum).map_err(|why| format!("the end (byte {begin}): {why}"))?;
                Ok(None)
            }
            _ => {
                Err(format!("byte {begin}: this line begins neither an item nor the end: {line:?}"))
            }
        }
    }

    fn item(&mut self, key: &str, value: &str, flags: &str, ttl: &str) -> Result<Item, String> {
        let bounded = |what: &str, text: &str, least: u64, most: u64| {
            let found = number(text).filter(|found| (least..=most).contains(found));
            found.ok_or_else(|| format!("{what} is {text:?}, and may be {least} to {most}"))
        };
        let key = bounded("the length of the key", key, 1, KEY_MAX as u64)?;
        let value = bounded("the length of the value", value, 0, VALUE_MAX)?;
        let flags = bounded("the number of flags", flags, 0, u32::MAX.into())? as u32;
        let ttl = match ttl {
            "-" => None,
            ttl => Some(bounded("the seconds to live", ttl, 0, u32::MAX.into())? as u32),
        };
        let (key, value) = (self.bytes(key)?, self.bytes(value)?);
        if self.bytes(1)? != b" " {
            return Err(format!("no space before byte {}: a length is wrong", self.at));
        }
        let sum = self.line()?;
        self.check_sum(&sum)?;
        self.count_in(&sum);
        Ok(Item { key, value, flags, ttl })
    }

    fn end(&mut self, items: &str, sum: &str) -> Result<(), String> {
        self.sum.update(format!("end {items} ").as_bytes());
        self.check_sum(sum)?;
        if number(items) != Some(self.items) {
            return Err(format!("it counts {items} items, and {} were read", self.items));
        }
        match self.input.fill_buf() {
            Ok([]) => {
                self.ended = true;
                Ok(())
            }
            Ok(_) => Err(format!("something follows it, at byte {}", self.at)),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    /// Compares with the sum of what was counted in so far.
    fn check_sum(&self, said: &str) -> Result<(), String> {
        let found = format!("{:08x}", self.sum.clone().finalize());
        match said == found {
            true => Ok(()),
            false => Err(format!(
                "the sum is {said:?}, and that of the bytes before it is {found}: the dump was altered, or its \
                 parts lost or moved"
            )),
        }
    }

    /// Takes a line into the sum, with its end.
    fn count_in(&mut self, line: &str) {
        self.sum.update(line.as_bytes());
        self.sum.update(b"\n");
    }

    /// A line without its end. It is not in the sum yet.
    fn line(&mut self) -> Result<String, String> {
        let begin = self.at;
        let mut line = Vec::new();
        let read = self.input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line);
        if let Err(error) = read {
            return Err(self.unreadable(error));
        }
        self.at += line.len() as u64;
        if line.pop() != Some(b'\n') {
            return Err(match self.at - begin < LINE_MAX {
                true => format!("the dump breaks off at byte {}", self.at),
                false => format!("byte {begin}: no line of a dump has {LINE_MAX} bytes or more"),
            });
        }
        let line = String::from_utf8(line).ok().filter(|line| line.is_ascii());
        line.ok_or_else(|| format!("byte {begin}: a line of words was expected here"))
    }

    /// This many bytes, taken into the sum. Room is made only for what is there.
    fn bytes(&mut self, count: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        if let Err(error) = self.input.by_ref().take(count).read_to_end(&mut bytes) {
            return Err(self.unreadable(error));
        }
        self.at += bytes.len() as u64;
        self.sum.update(&bytes);
        match bytes.len() as u64 == count {
            true => Ok(bytes),
            false => Err(format!("the dump breaks off at byte {}", self.at)),
        }
    }

    fn unreadable(&self, error: io::Error) -> String {
        format!("reading on from byte {}: {error}", self.at)
    }
}

/// A decimal number as the writer writes it.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Item> {
        let item = |key: &[u8], value: &[u8], flags, ttl| Item {
            key: key.to_vec(),
            value: value.to_vec(),
            flags,
            ttl,
        };
        vec![
            item(b"user:1", b"Ada", 7, Some(60)),
            item(b"\x00\xff\n end 1", b"end 1 00000000\n", u32::MAX, None),
            item(&[b'k'; KEY_MAX], b"", 0, Some(0)),
        ]
    }

    fn dumped(items: &[Item]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new(), 1_700_000_000).unwrap();
        items.iter().for_each(|item| writer.item(item).unwrap());
        writer.finish().unwrap().0
    }

    /// The items that were given out, and how the reading ended.
    fn read(bytes: &[u8]) -> (Vec<Item>, Result<(), String>) {
        let mut items = Vec::new();
        let mut reader = match Reader::new(bytes) {
            Ok(reader) => reader,
            Err(why) => return (items, Err(why)),
        };
        loop {
            match reader.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return (items, reader.next().map(|none| assert_eq!(none, None))),
                Err(why) => return (items, Err(why)),
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        for count in 0..=3 {
            let items = &some()[..count];
            assert_eq!(read(&dumped(items)), (items.to_vec(), Ok(())));
        }
        let plain = String::from_utf8(dumped(&some()[..1])).unwrap();
        assert!(plain.starts_with("nearcache-dump 1 1700000000\nitem 6 3 7 60\nuser:1Ada "));
        assert_eq!(Reader::new(plain.as_bytes()).unwrap().time(), 1_700_000_000);
    }

    #[test]
    fn every_cut_every_changed_bit_and_every_byte_too_many_is_noticed() {
        let whole = dumped(&some());
        for end in 0..whole.len() {
            let (items, outcome) = read(&whole[..end]);
            assert!(outcome.is_err(), "cut at {end}");
            assert_eq!(items, some()[..items.len()]);
        }
        for at in 0..whole.len() * 8 {
            let mut bad = whole.clone();
            bad[at / 8] ^= 1 << (at % 8);
            let (items, outcome) = read(&bad);
            assert!(outcome.is_err(), "bit {at}");
            assert_eq!(items, some()[..items.len()], "bit {at}");
        }
        for more in [&b"\n"[..], b" ", &whole] {
            let (_, outcome) = read(&[&whole, more].concat());
            let why = outcome.unwrap_err();
            assert!(why.contains(&format!("at byte {}", whole.len())), "{why}");
        }
    }

    #[test]
    fn items_that_are_lost_moved_or_doubled_are_noticed() {
        let [a, b, c] = <[Item; 3]>::try_from(some()).unwrap();
        let whole = dumped(&[a.clone(), b.clone(), c.clone()]);
        let head = dumped(&[]).len() - "end 0 00000000\n".len();
        let first = dumped(std::slice::from_ref(&a)).len() - "end 1 00000000\n".len();
        let second = dumped(&[a, b]).len() - "end 2 00000000\n".len();
        for parts in [
            [&whole[..head], &whole[first..]].concat(),
            [&whole[..first], &whole[second..]].concat(),
            [&whole[..first], &whole[head..]].concat(),
            [&whole[..head], &whole[first..second], &whole[head..first], &whole[second..]].concat(),
        ] {
            let why = read(&parts).1.unwrap_err();
            assert!(why.contains("altered, or its parts lost or moved"), "{why}");
        }
    }

    #[test]
    fn hostile_lengths_and_lines_are_refused_with_their_place() {
        let head = "nearcache-dump 1 0\n";
        for (text, told) in [
            ("", "this is no dump"),
            ("hello\n", "this is no dump"),
            ("nearcache-dump 2 0 future\n", "version \"2\""),
            ("nearcache-dump 01 0\n", "version \"01\""),
            ("nearcache-dump 1 -5\n", "no Unix time"),
            ("nearcache-dump 1 99999999999999999999\n", "no Unix time"),
            (&format!("{head}item 0 1 0 -\n"), "item 1 (byte 19): the length of the key"),
            (&format!("{head}item 251 1 0 -\n"), "1 to 250"),
            (&format!("{head}item 1 1073741825 0 -\n"), "the length of the value"),
            (&format!("{head}item 1 18446744073709551616 0 -\n"), "the length of the value"),
            (&format!("{head}item 1 1073741824 0 -\nkv"), "breaks off at byte 43"),
            (&format!("{head}item 1 +1 0 -\n"), "the length of the value"),
            (&format!("{head}item 1 1 4294967296 -\n"), "flags"),
            (&format!("{head}item 1 1 0 -1\n"), "the seconds to live"),
            (&format!("{head}item 1 1 0 - \n"), "byte 19: this line"),
            (&format!("{head}item 1 1 0 -\nkv_"), "a length is wrong"),
            (&format!("{head}item 1 1 0 -\nkv 00000000\n"), "the sum is \"00000000\""),
            (&format!("{head}{}\n", "x".repeat(100)), "no line of a dump"),
            (&format!("{head}\u{e9}\n"), "byte 19: a line of words"),
            (&format!("{head}end 0 0\n"), "the end (byte 19): the sum"),
            (&format!("{head}\n"), "byte 19: this line"),
        ] {
            let (items, outcome) = read(text.as_bytes());
            let why = outcome.unwrap_err();
            assert!(items.is_empty() && why.contains(told), "{text:?}: {why}");
        }
    }
}
