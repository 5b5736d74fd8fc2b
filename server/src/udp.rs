//! UDP: each datagram is a conversation of its own. Eight bytes stand before a request and before each piece of its
//! reply: the request's number, the piece's number, how many pieces there are, and a reserved word, 16 bits each,
//! highest byte first. A request is one datagram; the reply to a command is as many as it takes, and is lost in part or
//! whole when the network or the socket has no room.
//!
//! Whoever can forge a sender's address makes this server send its replies to somebody else, and they may be thousands
//! of times larger than the request. So it is off unless asked for, and belongs on networks where every sender is known.

mod door;

use crate::buffer::{Input, OUTPUT_HIGH, Output, Pool};
use crate::conversation::{Conversation, Step};
use crate::dispatch::Desk;
use crate::options::Protocol;
use crate::protocol::reply;
use crate::server::{Peer, Stop};
use std::sync::Arc;

pub use door::{Door, Post, open};

/// What stands before a request and before each piece of a reply.
pub const HEADER: usize = 8;

/// The largest datagram sent, its header included: what an Ethernet frame carries with room to spare.
pub const DATAGRAM_MAX: usize = 1400;

/// How much of a reply one datagram takes.
const PIECE: usize = DATAGRAM_MAX - HEADER;

/// More than any datagram holds.
const RECEIVED_MAX: usize = 1 << 16;

/// A request that begins so is another server's complaint about what we sent it, in the name of a forged address. It is
/// dropped: two servers would otherwise go on complaining to each other for ever.
const COMPLAINT: &[u8] = b"ERROR";

/// The request's number, if the header is that of a request in one datagram.
pub fn request(datagram: &[u8]) -> Option<u16> {
    match *datagram.first_chunk::<HEADER>()? {
        [high, low, _, _, 0, 1, _, _] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    }
}

fn header(request: u16, piece: u16, pieces: u16) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    for (place, word) in header.chunks_exact_mut(2).zip([request, piece, pieces]) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    header
}

/// Where a piece of a reply goes: its header and its bytes. False: the rest of the reply need not be tried.
pub type Send<'a> = dyn FnMut(&[u8; HEADER], &[u8]) -> bool + 'a;

/// The bytes of one exchange; there is no I/O here.
#[derive(Debug, Default)]
pub struct Exchange {
    input: Input,
    output: Output,
    /// The beginning of a reply that is more than the output takes.
    long: Vec<u8>,
    /// So many pieces may still be sent for this datagram.
    pieces: u16,
}

impl Exchange {
    /// An empty place for the next datagram; whoever borrows it only appends.
    pub fn room(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        self.input.consume(self.input.unread().len());
        let room = self.input.make_room(pool);
        room.reserve(RECEIVED_MAX);
        room
    }

    /// Answers the datagram in the room, command by command. Says how many commands there were, and whether one of them
    /// ends the server.
    pub fn answer(
        &mut self,
        (peer, protocol): (&Arc<Peer>, Protocol),
        desk: Desk<'_>,
        pool: &mut Pool,
        send: &mut Send<'_>,
    ) -> (u32, Option<Stop>) {
        let Some(number) = request(self.input.unread()) else {
            return (0, None);
        };
        self.input.consume(HEADER);
        if self.input.unread().starts_with(COMPLAINT) {
            return (0, None);
        }
        self.output.begin(pool);
        // All commands of a datagram together get no more than one could: a small one would otherwise keep the worker
        // busy with hundreds of megabytes.
        let pieces = reply_max(desk).div_ceil(PIECE);
        self.pieces = u16::try_from(pieces).unwrap_or(u16::MAX);
        let mut conversation = Conversation::new(Arc::clone(peer), protocol);
        let mut commands = 0;
        let stop = loop {
            let before = self.input.unread().len();
            let step = conversation.step(desk, pool, &mut self.input, &mut self.output);
            if conversation.goes_on() || matches!(step, Step::Watch(_)) {
                // It would take as long as it likes, and nobody could tell it to wait.
                self.refuse(number, reply::NOT_OVER_UDP, send);
                break None;
            }
            let complete = match step {
                Step::Done => true,
                Step::Full => self.input.unread().len() < before,
                Step::Close => {
                    self.send(number, desk, send);
                    break None;
                }
                Step::Stop(stop) => {
                    self.send(number, desk, send);
                    break Some(stop);
                }
                // The rest of it will never come.
                Step::Starved | Step::Watch(_) | Step::Wait => break None,
            };
            let goes_on = match complete {
                true => self.send(number, desk, send),
                false => self.keep(desk),
            };
            if !goes_on {
                self.refuse(number, reply::TOO_LARGE_FOR_UDP, send);
                break None;
            }
            commands += u32::from(complete);
        };
        self.empty();
        self.output.rest(pool);
        (commands, stop)
    }

    /// Puts the beginning of a long reply aside, unless it is too long.
    fn keep(&mut self, desk: Desk<'_>) -> bool {
        self.long.extend_from_slice(self.output.unsent());
        self.output.advance(self.output.unsent().len());
        self.long.len() <= reply_max(desk)
    }

    /// Sends the reply to a command in its pieces, unless they are too many.
    fn send(&mut self, number: u16, desk: Desk<'_>, send: &mut Send<'_>) -> bool {
        if !self.long.is_empty() && !self.keep(desk) {
            return false;
        }
        let whole = if self.long.is_empty() { self.output.unsent() } else { &self.long };
        let Some(pieces) =
            u16::try_from(whole.len().div_ceil(PIECE)).ok().filter(|pieces| *pieces <= self.pieces)
        else {
            return false;
        };
        self.pieces -= pieces;
        for (bytes, piece) in whole.chunks(PIECE).zip(0..) {
            if !send(&header(number, piece, pieces), bytes) {
                break;
            }
        }
        self.empty();
        true
    }

    /// Sends this sentence instead of the reply.
    fn refuse(&mut self, number: u16, words: &[u8], send: &mut Send<'_>) {
        self.empty();
        send(&header(number, 0, 1), words);
    }

    fn empty(&mut self) {
        self.output.advance(self.output.unsent().len());
        self.long = Vec::new();
    }
}

/// The longest reply: all of it is held until it is known how many pieces it makes.
fn reply_max(desk: Desk<'_>) -> usize {
    desk.server.cache.item_size_max() + 2 * OUTPUT_HIGH
}
