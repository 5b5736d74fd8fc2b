//! FastLZ's streams: what is written reads back, what anybody wrote is read or refused, and nothing but the room given
//! is filled. Without PHP: the file is compiled into this test.

#[path = "../src/value/fastlz.rs"]
mod fastlz;

use fastlz::{EXPANSION, compress, decompress};

/// A generator of our own, so that a printed seed replays a run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Bytes with something to find in them: runs, copies from near and far, noise.
    fn text(&mut self, len: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(len);
        while text.len() < len {
            let more = 1 + self.below(400).min(len - text.len());
            match self.below(4) {
                0 => text.extend((0..more).map(|_| self.next() as u8)),
                1 => text.extend(std::iter::repeat_n(self.next() as u8, more)),
                _ if text.is_empty() => text.push(0),
                _ => {
                    let from = self.below(text.len());
                    let end = (from + more).min(text.len());
                    text.extend_from_within(from..end);
                }
            }
        }
        text.truncate(len);
        text
    }
}

fn seed() -> Random {
    let given = std::env::var("NEARCACHE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_nanos() as u64) | 1
    });
    println!("NEARCACHE_SEED={seed}"); // Shown if the test fails.
    Random(seed)
}

fn stream(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0; text.len() + text.len() / 32 + 1];
    let len = compress(text, &mut out).expect("room for literals alone");
    out.truncate(len);
    out
}

#[test]
fn what_is_written_reads_back() {
    let mut random = seed();
    for round in 0..400 {
        let len = 1 + random.below(if round % 8 == 0 { 300_000 } else { 3000 });
        let text = random.text(len);
        let stream = stream(&text);
        assert_eq!(stream[0] >> 5, u8::from(len >= 1 << 16), "the level of {len} bytes");
        let mut back = vec![0xaa; len];
        assert!(decompress(&stream, &mut back), "{len} bytes");
        assert!(back == text, "{len} bytes");
        // Neither more nor less than was announced.
        assert!(!decompress(&stream, &mut back[..len - 1]));
        assert!(!decompress(&stream, &mut vec![0; len + 1]));
        assert!(stream.len() * EXPANSION >= len);
        // No room: nothing, not part of it.
        assert_eq!(compress(&text, &mut vec![0; stream.len() - 1]), None);
    }
}

#[test]
fn every_length_and_every_end() {
    for len in 1..600 {
        for text in [vec![7; len], (0..len).map(|n| n as u8).collect(), b"abc".repeat(len)] {
            let mut back = vec![0; text.len()];
            assert!(decompress(&stream(&text), &mut back) && back == text, "{len}");
        }
    }
    for distance in [8190, 8191, 8192, 8193, 65535, 73726, 73727, 73728] {
        let mut random = Random(distance as u64);
        let mut text: Vec<u8> = (0..distance).map(|_| random.next() as u8).collect();
        text.extend_from_within(..300.min(distance));
        for pad in [0, 80_000] {
            text.extend(std::iter::repeat_n(1, pad));
            let stream = stream(&text);
            let mut back = vec![0; text.len()];
            assert!(decompress(&stream, &mut back) && back == text, "distance {distance}");
        }
    }
}

#[test]
fn it_makes_shorter() {
    let text = b"the same words again and again ".repeat(100);
    assert!(stream(&text).len() < text.len() / 20);
    let text = b"the same words again and again ".repeat(10_000);
    assert!(stream(&text).len() < text.len() / 200);
}

#[test]
fn streams_by_hand() {
    for (stream, text) in [
        (&b"\x00a"[..], &b"a"[..]),
        (b"\x02abc\x20\x02", b"abcabc"),
        (b"\x00a\xe0\x03\x00", b"aaaaaaaaaaaaa"),
        (b"\x20a\xe0\x00\x00", b"aaaaaaaaaa"),
        // Level 2: 255 and one byte more.
        (b"\x20a\xe0\xff\x00\x00", &[b'a'; 265]),
    ] {
        let mut out = vec![0; text.len()];
        assert!(decompress(stream, &mut out), "{stream:x?}");
        assert_eq!(out, text);
    }
    for stream in [
        &b""[..],
        b"\x00",
        b"\x01a",
        b"\x40a",
        b"\xe0a",
        b"\x00a\x20",
        b"\x00a\x20\x01",
        b"\x00a\xe0",
        b"\x00a\xe0\x01",
        b"\x20a\xe0\xff",
        b"\x20a\x3f\xff",
        b"\x20a\x3f\xff\x00",
        b"\x20a\x3f\xff\x00\x00",
        b"\x00abc",
    ] {
        for room in [0, 1, 2, 4, 100] {
            assert!(!decompress(stream, &mut vec![0; room]), "{stream:x?} into {room}");
        }
    }
}

#[test]
fn any_bytes_end_and_fill_only_the_room() {
    let mut random = seed();
    let mut sound = 0;
    for round in 0..60_000 {
        let mut bytes: Vec<u8> = if round % 2 == 0 {
            let len = random.below(40);
            (0..len).map(|_| random.next() as u8).collect()
        } else {
            let len = 1 + random.below(300);
            stream(&random.text(len))
        };
        for _ in 0..random.below(3) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len());
                bytes[at] = random.next() as u8;
            }
        }
        let room = random.below(400);
        let mut out = vec![0x55; room + 8];
        sound += usize::from(decompress(&bytes, &mut out[..room]));
        assert_eq!(out[room..], [0x55; 8]);
    }
    println!("{sound} were streams");
}
