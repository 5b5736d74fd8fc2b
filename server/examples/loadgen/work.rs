//! What is asked of a server, and what it has to answer: the requests of one kind of load, and next to each the bytes
//! of the right reply. A value follows from its key, so that a hit with another key's value is noticed.

use std::ops::Range;

/// Keys and values of one size.
#[derive(Clone, Copy)]
pub struct Store {
    /// What the keys begin with; eight digits follow.
    pub prefix: &'static str,
    pub keys: u64,
    pub value: usize,
}

/// 16 bytes of key and 100 of value: what a cache of small things holds.
pub const SMALL: Store = Store { prefix: "user-id-", keys: 100_000, value: 100 };

/// Pages and pictures.
pub const LARGE: Store = Store { prefix: "picture-", keys: 64, value: 100_000 };

/// The million that memory is measured with.
pub const MILLION: Store = Store { keys: 1_000_000, ..SMALL };

/// What is asked.
#[derive(Clone, Copy)]
pub enum Ask {
    Get,
    Set,
    /// So many keys in one get.
    Many(u64),
}

/// Over which socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Unix,
}

/// One kind of load, over 50 connections.
#[derive(Clone, Copy)]
pub struct Work {
    pub name: &'static str,
    pub over: Transport,
    pub ask: Ask,
    pub store: Store,
    /// Requests sent at a time on each connection.
    pub depth: usize,
    /// So many requests a second, whatever the server does; `None`: the next as soon as the reply is there.
    pub rate: Option<u32>,
    /// What the ratios of time and of processor time are not to exceed.
    pub bars: (Option<f64>, Option<f64>),
}

const GET: Work = Work {
    name: "get",
    over: Transport::Tcp,
    ask: Ask::Get,
    store: SMALL,
    depth: 1,
    rate: None,
    bars: (Some(0.87), Some(0.8)),
};
const SET: Work = Work { name: "set", ask: Ask::Set, ..GET };

pub const WORKS: &[Work] = &[
    GET,
    SET,
    Work { name: "get, 50,000 a second", rate: Some(50_000), bars: (None, None), ..GET },
    // The bar is that of the newest memcached; Debian's writes once for each get of a pipeline and loses by it.
    Work { name: "get, pipelines of 16 *", depth: 16, bars: (Some(0.67), None), ..GET },
    Work { name: "set, pipelines of 16", depth: 16, bars: (Some(0.83), None), ..SET },
    Work { name: "get of 50 keys", ask: Ask::Many(50), bars: (Some(0.67), None), ..GET },
    Work { name: "get of 100 KB", store: LARGE, bars: (None, None), ..GET },
    Work { name: "set of 100 KB", store: LARGE, bars: (None, None), ..SET },
    Work { name: "unix socket: get", over: Transport::Unix, ..GET },
    Work { name: "unix socket: set", over: Transport::Unix, ..SET },
    Work {
        name: "unix socket: get of 50 keys",
        over: Transport::Unix,
        ask: Ask::Many(50),
        bars: (Some(0.67), None),
        ..GET
    },
];

impl Work {
    /// What is counted.
    pub fn unit(&self) -> &'static str {
        if matches!(self.ask, Ask::Many(_)) { "key" } else { "request" }
    }

    /// How many of them a batch has.
    pub fn counted(&self) -> u64 {
        match self.ask {
            Ask::Many(keys) => keys * self.depth as u64,
            _ => self.depth as u64,
        }
    }
}

/// The bytes that values are cut from, and the source of chance.
pub struct Content {
    bytes: Vec<u8>,
    random: u64,
}

impl Content {
    pub fn new() -> Content {
        let mut content = Content { bytes: Vec::new(), random: 0x9e37_79b9_7f4a_7c15 };
        content.bytes =
            (0..LARGE.value + 65_536).map(|_| b'!' + (content.draw() % 90) as u8).collect();
        content
    }

    fn draw(&mut self) -> u64 {
        // Xorshift.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn value(&self, store: Store, number: u64) -> &[u8] {
        let start = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize;
        &self.bytes[start..start + store.value]
    }

    /// Appends the next batch of this work, and what is to be answered.
    pub fn batch(&mut self, work: &Work, request: &mut Vec<u8>, reply: &mut Vec<u8>) {
        let Store { keys, .. } = work.store;
        for _ in 0..work.depth {
            match work.ask {
                Ask::Set => {
                    let number = self.draw() % keys;
                    self.set(work.store, number, b"", request);
                    reply.extend_from_slice(b"STORED\r\n");
                }
                Ask::Get => {
                    let number = self.draw() % keys;
                    self.get(work.store, [number].into_iter(), request, reply);
                }
                Ask::Many(count) => {
                    let first = self.draw();
                    // Far apart, as a page's keys are.
                    let numbers = (0..count).map(|n| first.wrapping_add(n * 7_919_777) % keys);
                    self.get(work.store, numbers, request, reply);
                }
            }
        }
    }

    fn get(
        &self,
        store: Store,
        numbers: impl Iterator<Item = u64>,
        request: &mut Vec<u8>,
        reply: &mut Vec<u8>,
    ) {
        request.extend_from_slice(b"get");
        for number in numbers {
            request.push(b' ');
            let key = append_key(request, store, number);
            reply.extend_from_slice(b"VALUE ");
            reply.extend_from_slice(&request[key]);
            append_length(reply, store);
            reply.extend_from_slice(b"\r\n");
            reply.extend_from_slice(self.value(store, number));
            reply.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        reply.extend_from_slice(b"END\r\n");
    }

    /// Appends a set of the key of this number; `last` ends its line.
    pub fn set(&self, store: Store, number: u64, last: &[u8], request: &mut Vec<u8>) {
        request.extend_from_slice(b"set ");
        append_key(request, store, number);
        request.extend_from_slice(b" 0");
        append_length(request, store);
        request.extend_from_slice(last);
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(self.value(store, number));
        request.extend_from_slice(b"\r\n");
    }
}

fn append_key(into: &mut Vec<u8>, store: Store, mut number: u64) -> Range<usize> {
    let start = into.len();
    into.extend_from_slice(store.prefix.as_bytes());
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    into.extend_from_slice(&digits);
    start..into.len()
}

/// A zero (the flags of a reply, the time to live of a set) and the length.
fn append_length(into: &mut Vec<u8>, store: Store) {
    into.extend_from_slice(b" 0 ");
    into.extend_from_slice(itoa::Buffer::new().format(store.value).as_bytes());
}
