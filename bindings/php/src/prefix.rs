//! `OPT_PREFIX_KEY`: bytes that an object puts before every key, so that several may use one cache apart.

use nearcache::KEY_MAX;
use std::cell::Cell;
use std::mem::MaybeUninit;

/// The most bytes of a prefix, as libmemcached has it.
pub const PREFIX_MAX: usize = 127;

/// Where a key is put together with the prefix; never on the heap, for PHP may bail out while the key is in use.
pub struct Room([MaybeUninit<u8>; PREFIX_MAX + KEY_MAX]);

impl Room {
    /// Not yet filled, so it costs nothing where there is no prefix.
    #[inline]
    pub fn new() -> Room {
        Room([const { MaybeUninit::uninit() }; PREFIX_MAX + KEY_MAX])
    }
}

/// An object's prefix. Cells, because PHP code that a verb calls may set another one meanwhile.
pub struct Prefix {
    len: Cell<u8>,
    bytes: Cell<[u8; PREFIX_MAX]>,
}

impl Prefix {
    /// None.
    pub fn new() -> Prefix {
        Prefix { len: Cell::new(0), bytes: Cell::new([0; PREFIX_MAX]) }
    }

    /// Is there none?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    /// Takes another prefix; false if it is too long.
    pub fn set(&self, prefix: &[u8]) -> bool {
        let mut bytes = [0; PREFIX_MAX];
        let Some(room) = bytes.get_mut(..prefix.len()) else {
            return false;
        };
        room.copy_from_slice(prefix);
        self.bytes.set(bytes);
        self.len.set(prefix.len() as u8);
        true
    }

    /// Its bytes, copied.
    pub fn copied(&self) -> Copied {
        Copied { len: self.len.get().into(), bytes: self.bytes.get() }
    }

    /// The prefix and the key behind it. A key that is none (empty, or too long by itself) stays as it is, for the core to
    /// refuse.
    #[cold]
    pub fn before<'a>(&self, key: &'a [u8], room: &'a mut Room) -> &'a [u8] {
        if key.is_empty() || key.len() > KEY_MAX {
            return key;
        }
        let prefix = self.copied();
        let prefix = prefix.bytes();
        let whole = prefix.len() + key.len();
        for (place, byte) in room.0.iter_mut().zip(prefix.iter().chain(key)) {
            place.write(*byte);
        }
        // SAFETY: the room has place for the longest prefix and the longest key, so the loop has written `whole` bytes.
        unsafe { std::slice::from_raw_parts(room.0.as_ptr().cast(), whole) }
    }
}

/// A prefix as it was.
pub struct Copied {
    len: usize,
    bytes: [u8; PREFIX_MAX],
}

impl Copied {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
