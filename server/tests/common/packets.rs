//! Packets of the binary protocol, made and read independently of the server's code.

/// Extras of a SET: flags 5, no expiry.
pub const FLAGS_5: &[u8] = &[0, 0, 0, 5, 0, 0, 0, 0];

/// A request of these parts; 7 is its opaque.
pub fn packet(opcode: u8, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    with_cas(opcode, 0, extras, key, value)
}

/// The same with a unique.
pub fn with_cas(opcode: u8, cas: u64, extras: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let body = extras.len() + key.len() + value.len();
    let mut packet = header(opcode, extras.len(), key.len(), body);
    packet[16..].copy_from_slice(&cas.to_be_bytes());
    for part in [extras, key, value] {
        packet.extend(part);
    }
    packet
}

/// A header that says so, whatever follows.
pub fn header(opcode: u8, extras: usize, key: usize, body: usize) -> Vec<u8> {
    let mut header = vec![0x80, opcode, 0, 0, extras as u8, 0, 0, 0];
    header[2..4].copy_from_slice(&(key as u16).to_be_bytes());
    header.extend((body as u32).to_be_bytes());
    header.extend(7_u32.to_be_bytes());
    header.extend([0; 8]);
    header
}

/// Extras of INCREMENT and DECREMENT.
pub fn count(delta: u64, initial: u64, exptime: u32) -> Vec<u8> {
    let mut extras = delta.to_be_bytes().to_vec();
    extras.extend(initial.to_be_bytes());
    extras.extend(exptime.to_be_bytes());
    extras
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub opcode: u8,
    pub status: u16,
    pub extras: Vec<u8>,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
    pub opaque: u32,
    pub cas: u64,
}

impl Answer {
    /// The length of the first answer, as far as can be said.
    pub fn len(bytes: &[u8]) -> Option<usize> {
        let body: [u8; 4] = bytes.get(8..12)?.try_into().expect("four bytes");
        Some(24 + u32::from_be_bytes(body) as usize)
    }

    /// The first answer.
    pub fn read(bytes: &[u8]) -> Answer {
        let number = |at: usize, len: usize| {
            bytes[at..at + len].iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
        };
        assert_eq!((bytes[0], bytes[5]), (0x81, 0), "an answer of raw bytes");
        let (key, extras) = (number(2, 2) as usize, usize::from(bytes[4]));
        let body = &bytes[24..Answer::len(bytes).expect("a header")];
        Answer {
            opcode: bytes[1],
            status: number(6, 2) as u16,
            extras: body[..extras].to_vec(),
            key: body[extras..extras + key].to_vec(),
            value: body[extras + key..].to_vec(),
            opaque: number(12, 4) as u32,
            cas: number(16, 8),
        }
    }

    /// As one line: opcode, status, then what is not empty: `c` for any unique, extras, key, value.
    pub fn line(&self) -> String {
        let mut line = format!("{:02x} {:x}", self.opcode, self.status);
        if self.cas != 0 {
            line.push_str(" c");
        }
        for (letter, bytes) in [('e', &self.extras), ('k', &self.key), ('v', &self.value)] {
            if !bytes.is_empty() {
                line.push_str(&format!(" {letter}:{}", bytes.escape_ascii()));
            }
        }
        line
    }
}

/// All answers in these bytes, which must be whole.
pub fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while !bytes.is_empty() {
        let len = Answer::len(bytes).filter(|&len| len <= bytes.len());
        let len = len.unwrap_or_else(|| panic!("half an answer: {}", bytes.escape_ascii()));
        answers.push(Answer::read(&bytes[..len]));
        bytes = &bytes[len..];
    }
    answers
}

/// Their lines.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    answers(bytes).iter().map(Answer::line).collect()
}
