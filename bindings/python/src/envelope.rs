//! Envelopes: what is known of a value's making around it, and whether its tags still are what they were. Every reading
//! verb opens them here.

use nearcache::{Cache as Core, Error, Expiry, KEY_MAX, Verb};
use pyo3::prelude::*;
use pyo3::types::PyString;
use rmp::Marker;
use rmp::encode::{self, ByteBuf};

use crate::cache::Cache;
use crate::portable::{self, Reader, Trouble};
use crate::{errors, value};

/// Before the name of a tag: the key of its generation.
const TAG: &[u8] = b"nearcache:tag:";

/// What is around a value.
struct Envelope<'a> {
    /// Microseconds that its making took.
    cost: u64,
    /// The flags of the value within.
    flags: u32,
    /// Names and generations, as MessagePack.
    tags: Reader<'a>,
    count: usize,
    body: &'a [u8],
}

/// A value and what it cost to make, in microseconds.
pub struct Opened<'py> {
    pub value: Bound<'py, PyAny>,
    pub cost: u64,
}

/// The object that bytes and flags stand for; `None` for a lease, and for what a tag has made invalid.
#[inline(always)]
pub fn open<'py>(
    cache: &Cache,
    key: &Bound<'py, PyAny>,
    flags: u32,
    bytes: &[u8],
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if flags == portable::LEASE || flags == portable::ENVELOPE {
        return Ok(open_with_cost(cache, key, flags, bytes)?.map(|opened| opened.value));
    }
    cache.values().decode(key, flags, bytes).map(Some)
}

/// As [`open`].
pub fn open_with_cost<'py>(
    cache: &Cache,
    key: &Bound<'py, PyAny>,
    flags: u32,
    bytes: &[u8],
) -> PyResult<Option<Opened<'py>>> {
    match flags {
        portable::LEASE => Ok(None),
        portable::ENVELOPE => {
            let envelope = read(key.py(), bytes)?;
            let cost = envelope.cost;
            if !fresh(cache, key.py(), &envelope)? {
                return Ok(None);
            }
            let value = cache.values().decode(key, envelope.flags, envelope.body)?;
            Ok(Some(Opened { value, cost }))
        }
        _ => Ok(Some(Opened { value: cache.values().decode(key, flags, bytes)?, cost: 0 })),
    }
}

/// The place of the value's own bytes and its flags, for who does without the object; `None` as in [`open`].
pub fn within(
    cache: &Cache,
    py: Python<'_>,
    flags: u32,
    bytes: &[u8],
) -> PyResult<Option<(usize, u32)>> {
    match flags {
        portable::LEASE => Ok(None),
        portable::ENVELOPE => {
            let envelope = read(py, bytes)?;
            let is_fresh = fresh(cache, py, &envelope)?;
            Ok(is_fresh.then(|| (bytes.len() - envelope.body.len(), envelope.flags)))
        }
        _ => Ok(Some((0, flags))),
    }
}

/// The bytes of a value in an envelope. `tags` is what [`generations`] has made.
pub fn wrap(cost: u64, flags: u32, tags: Option<&[u8]>, body: &[u8]) -> Vec<u8> {
    let mut out = ByteBuf::with_capacity(body.len() + 64);
    let head = [
        encode::write_array_len(&mut out, 3),
        encode::write_uint(&mut out, cost),
        encode::write_uint(&mut out, flags.into()),
    ];
    debug_assert!(head.iter().all(Result::is_ok), "a buffer in memory refuses nothing");
    let mut out = out.into_vec();
    // An empty map.
    out.extend_from_slice(tags.unwrap_or(&[0x80]));
    out.extend_from_slice(body);
    out
}

/// The present generations of tags, as they are put into envelopes. One that has none yet begins now.
pub fn generations(cache: &Cache, tags: &[Bound<'_, PyString>]) -> PyResult<Vec<u8>> {
    let mut out = ByteBuf::new();
    let refused = "a buffer in memory refuses nothing";
    encode::write_map_len(&mut out, tags.len() as u32).expect(refused);
    for tag in tags {
        let py = tag.py();
        let name = tag.to_str()?;
        let key = tag_key(py, name)?;
        let generation = cache
            .handle()
            .with(py, |core| present_or_new(core, &key))?
            .map_err(|error| errors::from_core(py, error))?;
        encode::write_str(&mut out, name).expect(refused);
        encode::write_uint(&mut out, generation).expect(refused);
    }
    Ok(out.into_vec())
}

/// Makes what has the tag invalid. Without a generation nothing valid has it.
pub fn invalidate(cache: &Cache, tag: &Bound<'_, PyString>) -> PyResult<()> {
    let py = tag.py();
    let key = tag_key(py, tag.to_str()?)?;
    let work = |core: &Core| match core.incr(&key, 1) {
        // Somebody else's under this key: it goes, and with it whatever has the tag.
        Err(Error::NotNumeric) => core.delete(&key).map(drop),
        other => other.map(drop),
    };
    cache.handle().with(py, work)?.map_err(|error| errors::from_core(py, error))
}

fn tag_key(py: Python<'_>, name: &str) -> PyResult<Vec<u8>> {
    let key = [TAG, name.as_bytes()].concat();
    if name.is_empty() || key.len() > KEY_MAX {
        return Err(errors::illegal_key(
            py,
            format!(
                "the tag has {} bytes: a tag has 1 to {} bytes",
                name.len(),
                KEY_MAX - TAG.len()
            ),
        ));
    }
    Ok(key)
}

/// A generation begins as the time in nanoseconds, which runs faster than generations can be raised: one that was evicted
/// begins above all that were there. (Microseconds do not: an invalidation takes less than one.)
fn present_or_new(core: &Core, key: &[u8]) -> Result<u64, Error> {
    loop {
        if let Some(generation) = generation(core, key)? {
            return Ok(generation);
        }
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let first = now.map_or(1, |now| now.as_nanos() as u64).to_string();
        core.store(Verb::Set, key, first.as_bytes(), portable::INT, Expiry::Never)?;
    }
}

fn generation(core: &Core, key: &[u8]) -> Result<Option<u64>, Error> {
    let found = core.get(key)?;
    Ok(found.and_then(|item| std::str::from_utf8(item.data.trim_ascii()).ok()?.parse().ok()))
}

fn read<'a>(py: Python<'_>, bytes: &'a [u8]) -> PyResult<Envelope<'a>> {
    let broken =
        || value::broken(py, portable::ENVELOPE, "a value in an envelope", "not those of one");
    parse(bytes).ok_or_else(broken)
}

fn parse(bytes: &[u8]) -> Option<Envelope<'_>> {
    let mut reader = Reader { rest: bytes };
    if reader.marker().ok()? != Marker::FixArray(3) {
        return None;
    }
    let cost = natural(&mut reader)?;
    let flags = u32::try_from(natural(&mut reader)?).ok()?;
    // An envelope in an envelope is nobody's.
    if flags == portable::ENVELOPE || flags == portable::LEASE {
        return None;
    }
    let marker = reader.marker().ok()?;
    if !matches!(marker, Marker::FixMap(_) | Marker::Map16 | Marker::Map32) {
        return None;
    }
    let count = reader.elements(marker).ok()?;
    let tags = Reader { rest: reader.rest };
    for _ in 0..count {
        tag(&mut reader).ok()?;
    }
    Some(Envelope { cost, flags, tags, count, body: reader.rest })
}

fn tag<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, u64), Trouble> {
    let marker = reader.marker()?;
    let name = reader.text(marker)?;
    let generation = natural(reader).ok_or(Trouble::Broken("no generation"))?;
    Ok((name, generation))
}

fn natural(reader: &mut Reader<'_>) -> Option<u64> {
    let marker = reader.marker().ok()?;
    reader.number(marker).ok()?.try_into().ok()
}

/// Are the generations of all tags those of the envelope?
fn fresh(cache: &Cache, py: Python<'_>, envelope: &Envelope<'_>) -> PyResult<bool> {
    let mut tags = Reader { rest: envelope.tags.rest };
    let mut key = Vec::new();
    for _ in 0..envelope.count {
        let Ok((name, then)) = tag(&mut tags) else { return Ok(false) };
        key.clear();
        key.extend_from_slice(TAG);
        key.extend_from_slice(name.as_bytes());
        let now = cache.handle().with(py, |core| generation(core, &key))?;
        // A name that is too long is of no tag, and so of none that is valid.
        if now.unwrap_or(None) != Some(then) {
            return Ok(false);
        }
    }
    Ok(true)
}
