//! Envelopes: what is known of a value's making around it, and whether its tags still are what they were
//! (`core/src/docs/values.md`). PHP makes none yet, and reads those of other languages.

use super::msgpack::Reader;
use super::portable::{ENVELOPE, LEASE};
use crate::number;
use crate::zend::landing::Landing;
use nearcache::{Cache, KEY_MAX};
use rmp::Marker;

/// Before the name of a tag: the key of its generation.
const TAG: &[u8] = b"nearcache:tag:";

/// What is around a value.
pub struct Envelope<'a> {
    /// The flags of the value within.
    pub flags: u32,
    /// Its bytes.
    pub body: &'a [u8],
    tags: Reader<'a>,
    count: usize,
}

impl<'a> Envelope<'a> {
    /// `None` if the bytes are none.
    pub fn open(bytes: &'a [u8]) -> Option<Envelope<'a>> {
        let mut reader = Reader { rest: bytes };
        if reader.marker().ok()? != Marker::FixArray(3) {
            return None;
        }
        let _cost = reader.natural()?;
        let flags = u32::try_from(reader.natural()?).ok()?;
        // An envelope in an envelope is nobody's.
        if flags == ENVELOPE || flags == LEASE {
            return None;
        }
        let marker = reader.marker().ok()?;
        if !matches!(marker, Marker::FixMap(_) | Marker::Map16 | Marker::Map32) {
            return None;
        }
        let count = reader.elements(marker).ok()?;
        let tags = Reader { rest: reader.rest };
        for _ in 0..count {
            tag(&mut reader)?;
        }
        Some(Envelope { flags, body: reader.rest, tags, count })
    }

    /// Is it valid whatever its tags say?
    pub fn is_untagged(&self) -> bool {
        self.count == 0
    }

    /// Are the generations of all tags those of the envelope?
    pub fn is_fresh(&self, cache: &Cache) -> bool {
        let mut tags = Reader { rest: self.tags.rest };
        (0..self.count).all(|_| {
            tag(&mut tags).is_some_and(|(name, then)| generation(cache, name) == Some(then))
        })
    }
}

fn tag<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], u64)> {
    let marker = reader.marker().ok()?;
    if matches!(marker, Marker::Bin8 | Marker::Bin16 | Marker::Bin32) {
        return None;
    }
    let name = reader.string(marker).ok()?;
    Some((name, reader.natural()?))
}

fn generation(cache: &Cache, name: &[u8]) -> Option<u64> {
    let mut key = [0; KEY_MAX];
    // A name that is too long is of no tag, and so of none that is valid.
    let len = TAG.len() + name.len();
    key.get_mut(..len)?[..TAG.len()].copy_from_slice(TAG);
    key[TAG.len()..len].copy_from_slice(name);
    // Where every get lands: a second kind of sink would cost all of them the inlining of what they share.
    let mut landing = Landing::new();
    cache.get_to(&key[..len], &mut landing).ok()??;
    // SAFETY: a hit, so the core has filled the landing.
    number::parse_u64(unsafe { landing.bytes() }.trim_ascii())
}
