//! How an object writes values: what `setOption` changes, and what php.ini says at first.

use std::cell::Cell;

/// What makes bytes of arrays and objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serializer {
    /// `serialize()`.
    Php,
    /// The extension igbinary's, if it is loaded.
    Igbinary,
    /// `json_encode()`; read back as objects.
    Json,
    /// `json_encode()`; read back as arrays.
    JsonArray,
    /// The extension msgpack's, if it is loaded.
    Msgpack,
    /// MessagePack that every language reads (`core/src/docs/values.md`).
    Portable,
}

/// What makes long payloads shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressor {
    /// The format of FastLZ.
    Fastlz,
    /// The format of zlib (RFC 1950).
    Zlib,
    /// The format of Zstandard (RFC 8878).
    Zstd,
}

/// How values are written. Small and copied, so that nothing is borrowed while PHP runs.
#[derive(Clone, Copy, Debug)]
pub struct Writing {
    /// For arrays and objects.
    pub serializer: Serializer,
    /// Compress at all?
    pub compress: bool,
    /// By what.
    pub compressor: Compressor,
    /// The compressor's level.
    pub level: i32,
    /// The shortest payload that is compressed, in bytes.
    pub threshold: usize,
    /// How much shorter it must become to be stored so.
    pub factor: f64,
    /// `OPT_USER_FLAGS`: the high half of every item's flags.
    pub user_flags: Option<u16>,
}

impl Default for Writing {
    fn default() -> Writing {
        Writing {
            serializer: Serializer::Php,
            compress: false,
            compressor: Compressor::Fastlz,
            level: 3,
            threshold: 2000,
            factor: 1.3,
            user_flags: None,
        }
    }
}

/// The settings of an object.
#[derive(Default)]
pub struct Settings {
    /// How values are written.
    pub writing: Cell<Writing>,
}
