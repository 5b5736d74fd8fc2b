//! Whoever speaks the binary protocol to a queue's port: told, in it, that queues are spoken with in text.

use crate::conversation::Step;
use crate::durable::{Language, Moment};

/// How long a request's head is, and an answer's.
const HEAD: usize = 24;
/// "Unknown command".
const UNKNOWN: u16 = 0x81;
const WHY: &[u8] = b"queues are spoken with in text: set the client to the text (ASCII) protocol";

/// The conversation: one refusal.
#[derive(Debug)]
pub struct Binary;

impl Language for Binary {
    fn step(&mut self, moment: &mut Moment<'_>) -> Step {
        let Some(head) = moment.input.unread().first_chunk::<HEAD>() else {
            return Step::Starved;
        };
        let mut answer = vec![0; HEAD];
        // Opcode and opaque are the request's.
        (answer[0], answer[1]) = (0x81, head[1]);
        answer[6..8].copy_from_slice(&UNKNOWN.to_be_bytes());
        answer[8..12].copy_from_slice(&(WHY.len() as u32).to_be_bytes());
        answer[12..16].copy_from_slice(&head[12..16]);
        answer.extend_from_slice(WHY);
        moment.now(&answer);
        Step::Close
    }
}
