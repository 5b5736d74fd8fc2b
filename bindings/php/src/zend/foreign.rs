//! The serializers of other extensions, igbinary and msgpack, if they are loaded.
//!
//! Their functions are looked up when they are first needed: the order in which extensions are loaded cannot be
//! declared, and this one works without them. PHP loads extensions with their symbols visible to all, on which
//! php-memcached relies, too.

use super::made::Made;
use super::thrown;
use ext_php_rs::types::Zval;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A function of another extension.
struct Symbol {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Symbol {
    const fn new(name: &'static CStr) -> Symbol {
        Symbol { name, found: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Null if its extension is not loaded; asked again then, for `dl()` may load it later.
    fn address(&self) -> *mut c_void {
        // Relaxed: the address stands for itself; whoever finds it finds the same.
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        // SAFETY: a name closed by a zero, looked for in all that is loaded.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, self.name.as_ptr()) };
        // Relaxed: as above.
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

static IGBINARY_SERIALIZE: Symbol = Symbol::new(c"igbinary_serialize");
static IGBINARY_UNSERIALIZE: Symbol = Symbol::new(c"igbinary_unserialize");
static MSGPACK_SERIALIZE: Symbol = Symbol::new(c"php_msgpack_serialize");
static MSGPACK_UNSERIALIZE: Symbol = Symbol::new(c"php_msgpack_unserialize");

// From igbinary's igbinary.h and msgpack's php_msgpack.h.
type IgbinarySerialize = unsafe extern "C" fn(*mut *mut u8, *mut usize, *mut Zval) -> c_int;
type IgbinaryUnserialize = unsafe extern "C" fn(*const u8, usize, *mut Zval) -> c_int;
type MsgpackSerialize = unsafe extern "C" fn(*mut Made, *mut Zval);
type MsgpackUnserialize = unsafe extern "C" fn(*mut Zval, *mut c_char, usize) -> c_int;

/// Another extension's serializer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// igbinary's.
    Igbinary,
    /// msgpack's.
    Msgpack,
}

impl Foreign {
    /// The extension's name.
    pub fn name(self) -> &'static str {
        match self {
            Foreign::Igbinary => "igbinary",
            Foreign::Msgpack => "msgpack",
        }
    }

    /// Is the extension loaded?
    pub fn is_loaded(self) -> bool {
        let (a, b) = match self {
            Foreign::Igbinary => (&IGBINARY_SERIALIZE, &IGBINARY_UNSERIALIZE),
            Foreign::Msgpack => (&MSGPACK_SERIALIZE, &MSGPACK_UNSERIALIZE),
        };
        !a.address().is_null() && !b.address().is_null()
    }

    /// Serializes; the extension must be loaded. `None` if it could not or if an exception is under way.
    pub fn serialize(self, value: &Zval) -> Option<Bytes> {
        // It only reads the value, in spite of the pointer's type.
        let value = ptr::from_ref(value).cast_mut();
        let made = match self {
            Foreign::Igbinary => {
                let mut block = Block { start: ptr::null_mut(), len: 0 };
                let function = IGBINARY_SERIALIZE.address();
                assert!(!function.is_null(), "the caller has asked whether it is loaded");
                // SAFETY: the function has this type in every igbinary since 2.0; it reads the value, which the frame
                // keeps alive, and gives a block of the request's heap, or nothing.
                let failed = unsafe {
                    let function: IgbinarySerialize = std::mem::transmute(function);
                    function(&raw mut block.start, &raw mut block.len, value)
                };
                (failed == 0 && !block.start.is_null()).then_some(Bytes::Block(block))
            }
            Foreign::Msgpack => {
                let mut made = Made::new();
                let function = MSGPACK_SERIALIZE.address();
                assert!(!function.is_null(), "the caller has asked whether it is loaded");
                // SAFETY: the function has this type in every msgpack for PHP 7 and later; as above, into a smart_str.
                unsafe {
                    let function: MsgpackSerialize = std::mem::transmute(function);
                    function(&raw mut made, value);
                }
                (!made.bytes().is_empty()).then_some(Bytes::Made(made))
            }
        };
        made.filter(|_| !thrown())
    }

    /// Rebuilds a value into `out`; the extension must be loaded. False if the bytes are damaged or an exception is
    /// under way.
    pub fn unserialize(self, bytes: &[u8], out: &mut Zval) -> bool {
        out.set_null();
        let done = match self {
            Foreign::Igbinary => {
                let function = IGBINARY_UNSERIALIZE.address();
                assert!(!function.is_null(), "the caller has asked whether it is loaded");
                // SAFETY: as in `serialize`; it reads `len` bytes and fills `out`.
                unsafe {
                    let function: IgbinaryUnserialize = std::mem::transmute(function);
                    function(bytes.as_ptr(), bytes.len(), out) == 0
                }
            }
            Foreign::Msgpack => {
                let function = MSGPACK_UNSERIALIZE.address();
                assert!(!function.is_null(), "the caller has asked whether it is loaded");
                // SAFETY: as above; it writes nothing into the bytes, in spite of the pointer's type.
                unsafe {
                    let function: MsgpackUnserialize = std::mem::transmute(function);
                    function(out, bytes.as_ptr().cast_mut().cast(), bytes.len()) == 0
                }
            }
        };
        done && !thrown()
    }
}

/// Bytes that a serializer has made.
pub enum Bytes {
    /// In a string of the request.
    Made(Made),
    /// In a block of its heap.
    Block(Block),
}

/// A block of the request's heap, or null.
pub struct Block {
    start: *mut u8,
    len: usize,
}

impl Bytes {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Bytes::Made(made) => made.bytes(),
            Bytes::Block(block) if block.start.is_null() => b"",
            // SAFETY: the serializer has given the block and its length.
            Bytes::Block(block) => unsafe { std::slice::from_raw_parts(block.start, block.len) },
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if !self.start.is_null() {
            // SAFETY: a block of the request's heap that only this knows of.
            unsafe { ext_php_rs::alloc::efree(self.start) };
        }
    }
}
