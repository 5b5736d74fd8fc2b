//! One line of the log: what a worker notes in a few words, and how memcached writes it.

use super::ring::RECORD_MAX;
use crate::classes::Classes;
use crate::protocol::uri;
use std::io::Write;

/// What a watcher may ask for, and what is told of. A set of streams is a sum of these bits.
pub mod stream {
    /// `fetchers`.
    pub const FETCHERS: u16 = 1;
    /// `mutations`.
    pub const MUTATIONS: u16 = 1 << 1;
    /// `evictions`.
    pub const EVICTIONS: u16 = 1 << 2;
    /// `connevents`.
    pub const CONNECTIONS: u16 = 1 << 3;
    /// `deletions`.
    pub const DELETIONS: u16 = 1 << 4;
    /// Those that memcached has and nothing here feeds: `rawcmds`, `sysevents` and the proxy's.
    pub const SILENT: u16 = 1 << 5;
    /// Reads chosen at random, for the table of the hottest keys.
    pub const SAMPLES: u16 = 1 << 6;
    /// What requests feed.
    pub const DEEDS: u16 = FETCHERS | MUTATIONS | DELETIONS | SAMPLES;
}

/// The kind of a line, under memcached's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum What {
    /// A key was looked for.
    Get,
    /// An item was to be stored.
    Store,
    /// An item was removed because a client said so.
    Deleted,
    /// An item was removed to make room.
    Eviction,
    /// A client came.
    ConnNew,
    /// A client went.
    ConnClose,
}

const WHATS: [What; 6] =
    [What::Get, What::Store, What::Deleted, What::Eviction, What::ConnNew, What::ConnClose];

/// What is told besides. Each kind of line has words of its own for some of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The kind.
    pub what: What,
    /// The streams it belongs to.
    pub streams: u16,
    /// Its number, over all threads.
    pub gid: u64,
    /// Microseconds since 1970.
    pub time: u64,
    /// The connection.
    pub fd: i32,
    /// The value's length.
    pub len: u64,
    /// The whole item's size as memcached counts it; 0 if there is none.
    pub size: u64,
    /// Seconds to live; -1 is for ever.
    pub ttl: i64,
    /// Seconds since the last access.
    pub access: u32,
    /// Was it fetched before?
    pub fetched: bool,
    /// The command, the status or the reason.
    pub words: [&'a str; 2],
    /// The key, or the other end's address.
    pub text: &'a [u8],
}

impl Default for Record<'_> {
    fn default() -> Self {
        Record {
            what: What::Get,
            streams: 0,
            gid: 0,
            time: 0,
            fd: -1,
            len: 0,
            size: 0,
            ttl: -1,
            access: 0,
            fetched: false,
            words: [""; 2],
            text: b"",
        }
    }
}

/// Words before the texts.
const HEAD: usize = 7;

impl Record<'_> {
    /// As words.
    pub fn encode<'w>(&self, words: &'w mut [u64; RECORD_MAX]) -> &'w [u64] {
        let parts = [self.words[0].as_bytes(), self.words[1].as_bytes(), self.text];
        let mut bytes = [0; (RECORD_MAX - HEAD) * 8];
        let mut end = 0;
        let lens = parts.map(|part| {
            let len = part.len().min(bytes.len() - end);
            bytes[end..end + len].copy_from_slice(&part[..len]);
            end += len;
            len as u64
        });
        let count = HEAD + end.div_ceil(8);
        let flags = self.what as u64 | u64::from(self.fetched) << 7;
        words[0] = count as u64
            | flags << 8
            | u64::from(self.streams) << 16
            | lens[0] << 32
            | lens[1] << 40
            | lens[2] << 48;
        words[1] = self.gid;
        words[2] = self.time;
        words[3] = u64::from(self.fd as u32) << 32 | u64::from(self.access);
        words[4] = self.len;
        words[5] = self.size;
        words[6] = self.ttl as u64;
        let (chunks, _) = bytes.as_chunks::<8>();
        for (word, chunk) in words[HEAD..count].iter_mut().zip(chunks) {
            *word = u64::from_le_bytes(*chunk);
        }
        &words[..count]
    }

    /// Shows `take` what words say.
    pub fn decode<R>(words: &[u64], take: impl FnOnce(&Record<'_>) -> R) -> R {
        let mut bytes = [0; (RECORD_MAX - HEAD) * 8];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(&words[HEAD..]) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        let len = |shift: u32, mask: u64| (words[0] >> shift & mask) as usize;
        let (first, rest) = bytes.split_at(len(32, 0xff));
        let (second, rest) = rest.split_at(len(40, 0xff));
        let word = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
        take(&Record {
            what: WHATS[(words[0] >> 8 & 0x7f) as usize],
            fetched: words[0] >> 15 & 1 == 1,
            streams: (words[0] >> 16) as u16,
            gid: words[1],
            time: words[2],
            fd: (words[3] >> 32) as u32 as i32,
            access: words[3] as u32,
            len: words[4],
            size: words[5],
            ttl: words[6] as i64,
            words: [word(first), word(second)],
            text: &rest[..len(48, 0xffff)],
        })
    }

    /// Appends the line as memcached writes it; but its microseconds always have six digits, so that they are a
    /// fraction of the second.
    pub fn line(&self, classes: &Classes, line: &mut Vec<u8>) {
        let (seconds, micros) = (self.time / 1_000_000, self.time % 1_000_000);
        let (gid, fd, len) = (self.gid, self.fd, self.len);
        let class = if self.size == 0 { 0 } else { classes.of(self.size as usize) };
        let [first, second] = self.words;
        let mut key = Vec::with_capacity(3 * self.text.len());
        uri::encode(self.text, &mut key);
        let key = String::from_utf8_lossy(&key);
        // Writing to memory cannot fail.
        let _ = write!(line, "ts={seconds}.{micros:06} gid={gid} ");
        let _ = match self.what {
            What::Get => write!(
                line,
                "type=item_get key={key} status={first} clsid={class} cfd={fd} size={len}"
            ),
            What::Store => {
                let ttl = self.ttl.max(0);
                write!(
                    line,
                    "type=item_store key={key} status={first} cmd={second} ttl={ttl} clsid={class} cfd={fd} size={len}"
                )
            }
            What::Deleted => {
                write!(line, "type=deleted key={key} cmd={first} clsid={class} size={len}")
            }
            What::Eviction => {
                let fetched = if self.fetched { "yes" } else { "no" };
                let (ttl, access) = (self.ttl, self.access);
                write!(
                    line,
                    "type=eviction key={key} fetch={fetched} ttl={ttl} la={access} clsid={class} size={len}"
                )
            }
            What::ConnNew => {
                let Address { ip, port, transport } = Address::of(self.text);
                write!(line, "type=conn_new rip={ip} rport={port} transport={transport} cfd={fd}")
            }
            What::ConnClose => {
                let Address { ip, port, transport } = Address::of(self.text);
                write!(
                    line,
                    "type=conn_close rip={ip} rport={port} transport={transport} reason={first} cfd={fd}"
                )
            }
        };
        line.push(b'\n');
    }
}

/// An address as the log splits it.
struct Address<'a> {
    ip: &'a str,
    port: &'a str,
    transport: &'a str,
}

impl Address<'_> {
    /// From the form of `stats conns`: `tcp:1.2.3.4:5`, `tcp6:[::1]:5`, `unix:<path>`.
    fn of(text: &[u8]) -> Address<'_> {
        let text = std::str::from_utf8(text).unwrap_or_default();
        let (transport, place) = match text.split_once(':') {
            Some(("tcp" | "tcp6", place)) => ("tcp", place),
            Some(("udp" | "udp6", place)) => ("udp", place),
            _ => return Address { ip: "unix", port: "0", transport: "local" },
        };
        let (ip, port) = place.rsplit_once(':').unwrap_or((place, "0"));
        Address { ip: ip.trim_matches(['[', ']']), port, transport }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::Geometry;

    fn written(record: &Record<'_>) -> String {
        let mut words = [0; RECORD_MAX];
        let words = record.encode(&mut words);
        assert_eq!(words[0] & 0xff, words.len() as u64);
        Record::decode(words, |decoded| {
            assert_eq!(decoded, record);
            let mut line = Vec::new();
            decoded.line(&Classes::new(&Geometry::default()), &mut line);
            String::from_utf8(line).expect("text")
        })
    }

    /// The forms of memcached 1.6.18's lines; `deleted` has come since.
    #[test]
    fn lines_are_memcacheds() {
        let record = Record {
            gid: 7,
            time: 1_795_278_754_050_808,
            fd: 12,
            len: 1,
            size: 63,
            ..Default::default()
        };
        let start = "ts=1795278754.050808 gid=7 type=";
        let key = b"foo%\xe9\x01a\"b&=";
        for (record, rest) in [
            (
                Record { words: ["found", ""], text: key, ..record },
                "item_get key=foo%25%E9%01a%22b%26%3D status=found clsid=1 cfd=12 size=1\n",
            ),
            (
                Record { words: ["not_found", ""], len: 0, size: 0, text: b"b", ..record },
                "item_get key=b status=not_found clsid=0 cfd=12 size=0\n",
            ),
            (
                Record {
                    what: What::Store,
                    words: ["stored", "set"],
                    ttl: 100,
                    text: b"a",
                    ..record
                },
                "item_store key=a status=stored cmd=set ttl=100 clsid=1 cfd=12 size=1\n",
            ),
            (
                Record { what: What::Deleted, words: ["delete", ""], text: b"a", ..record },
                "deleted key=a cmd=delete clsid=1 size=1\n",
            ),
            (
                Record { what: What::Eviction, access: 3, fetched: true, text: b"a", ..record },
                "eviction key=a fetch=yes ttl=-1 la=3 clsid=1 size=1\n",
            ),
            (
                Record { what: What::ConnNew, text: b"tcp6:[::1]:5", ..record },
                "conn_new rip=::1 rport=5 transport=tcp cfd=12\n",
            ),
            (
                Record {
                    what: What::ConnClose,
                    words: ["idle_timeout", ""],
                    text: b"unix:some/path",
                    ..record
                },
                "conn_close rip=unix rport=0 transport=local reason=idle_timeout cfd=12\n",
            ),
        ] {
            assert_eq!(written(&record), format!("{start}{rest}"));
        }
    }

    #[test]
    fn the_longest_record_fits() {
        let key = [b'k'; nearcache::KEY_MAX];
        let line = written(&Record {
            what: What::Store,
            words: ["not_stored", "prepend"],
            len: u64::MAX,
            size: 0,
            ttl: i64::from(u32::MAX),
            text: &key,
            ..Default::default()
        });
        assert!(line.contains("cmd=prepend ttl=4294967295 "), "{line}");
    }
}
