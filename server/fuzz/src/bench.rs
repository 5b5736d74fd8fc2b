//! A server without threads and sockets, and conversations with it.

use nearcached::buffer::{BUFFER_SIZE, Input, OUTPUT_HIGH, Output, Pool};
use nearcached::classes::Classes;
use nearcached::conversation::{Conversation, Step};
use nearcached::dispatch::Desk;
use nearcached::listener::Doors;
use nearcached::options::{Options, Protocol};
use nearcached::server::{Peer, Server};
use nearcached::stats::Departures;
use std::sync::Arc;

/// The largest item. Small, so that short cases come to the limit.
pub const ITEM_MAX: usize = 64 << 10;

/// What a conversation may hold besides its output: a read buffer that has grown by a long line, and a value.
const HELD_MOST: usize = 8 * BUFFER_SIZE + 2 * ITEM_MAX;

/// What an output may hold: what makes it full, one item, and the reply of a statistics command.
const UNSENT_MOST: usize = OUTPUT_HIGH + ITEM_MAX + (16 << 10);

/// A server with a private cache of its own, empty.
pub struct Bench {
    pub server: Server,
}

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub struct Talked {
    pub replies: Vec<u8>,
    /// Has the server ended the conversation?
    pub closed: bool,
}

impl Bench {
    pub fn new() -> Bench {
        let options = Options {
            port: 0,
            threads: 1,
            memory: 1 << 20,
            item_size_max: ITEM_MAX,
            debug_clock: true,
            ..Options::default()
        };
        let doors = Doors::open(&options).expect("nothing to open");
        let mut cache = nearcache::Options::new(options.memory);
        cache.item_size_max = options.item_size_max;
        cache.manual_clock = true;
        cache.track_access = true;
        let cache = cache.open().expect("a private cache");
        let departures = Departures::new(Arc::new(Classes::new(&options.knobs.classes)));
        Bench { server: Server::new(cache, options, None, &doors, Arc::new(departures)) }
    }

    /// Is the cache sound?
    pub fn check(&self) -> Result<(), nearcache::Error> {
        self.server.cache.check()
    }

    pub fn desk(&self) -> Desk<'_> {
        Desk { server: &self.server, counters: &self.server.counters[0], fd: 0 }
    }

    pub fn peer() -> Arc<Peer> {
        Arc::new(Peer::new(0, String::new(), String::new(), 0))
    }

    /// Says the pieces one after the other, each answered before the next is said, as a connection does it.
    pub fn talk<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Talked {
        let mut conversation = Conversation::new(Bench::peer(), Protocol::Negotiated);
        let (mut pool, mut input) = (Pool::default(), Input::default());
        let (mut output, mut replies) = (Output::default(), Vec::new());
        for mut piece in pieces {
            while !piece.is_empty() {
                let buffer = match conversation.room() {
                    Some(room) => room,
                    None => input.make_room(&mut pool),
                };
                let count = (buffer.capacity() - buffer.len()).min(piece.len());
                assert!(count > 0, "there is no room to read into");
                buffer.extend_from_slice(&piece[..count]);
                piece = &piece[count..];
                let end =
                    self.steps(&mut conversation, &mut pool, &mut input, &mut output, &mut replies);
                if end {
                    return Talked { replies, closed: true };
                }
                let (reading, writing) = conversation.held();
                let held = input.capacity() + reading + writing;
                assert!(held <= HELD_MOST, "{held} bytes are held");
                input.rest(&mut pool);
                output.rest(&mut pool);
            }
        }
        Talked { replies, closed: false }
    }

    /// Answers what is there; is that the end?
    fn steps(
        &self,
        conversation: &mut Conversation,
        pool: &mut Pool,
        input: &mut Input,
        output: &mut Output,
        replies: &mut Vec<u8>,
    ) -> bool {
        output.begin(pool);
        loop {
            let step = conversation.step(self.desk(), pool, input, output);
            let unsent = output.unsent().len();
            assert!(unsent <= UNSENT_MOST, "{unsent} bytes of replies are held");
            if matches!(step, Step::Done) && unsent < OUTPUT_HIGH {
                continue;
            }
            replies.extend_from_slice(output.unsent());
            output.advance(unsent);
            match step {
                Step::Done | Step::Full => {}
                Step::Starved | Step::Wait => return false,
                // A watcher's connection is the log's from then on.
                Step::Close | Step::Watch(_) => return true,
                Step::Stop(stop) => {
                    panic!("a client without the right to ends the server: {stop:?}")
                }
            }
        }
    }
}
