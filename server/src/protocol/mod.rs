//! What goes over the wire and nothing else: grammar in, wording out. No socket, no cache, no clock, so that
//! every rule can be tested (and attacked with random bytes) by calling a function.

pub mod ascii;
pub mod base64;
pub mod binary;
pub mod meta;
pub mod meta_reply;
pub mod number;
pub mod reply;
pub mod token;
pub mod uri;
