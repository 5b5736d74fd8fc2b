//! The languages of a listener.

use crate::protocol::binary::REQUEST;
use std::fmt;

/// What may be spoken, under memcached's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Text or binary, as the first byte says.
    #[default]
    Negotiated,
    /// Text, classic and meta.
    Ascii,
    /// The binary protocol.
    Binary,
}

impl Protocol {
    /// Is it to be the binary protocol, with whoever begins with this byte?
    pub fn is_binary(self, first: u8) -> bool {
        match self {
            Protocol::Ascii => false,
            Protocol::Binary => true,
            Protocol::Negotiated => first == REQUEST,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Negotiated => "auto-negotiate",
            Protocol::Ascii => "ascii",
            Protocol::Binary => "binary",
        })
    }
}
