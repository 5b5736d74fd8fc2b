//! How an object writes values: what `setOption` changes, and what php.ini says at first.

use crate::ini;
use crate::zend::foreign::Foreign;
use crate::zend::warn;
use nearcache::Expiry;
use std::cell::Cell;
use std::ffi::CStr;

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
            // Off, where php-memcached has it on: there is no network here that it would spare, and a get would pay with many
            // times what it costs. What others have compressed is read all the same.
            compress: false,
            compressor: Compressor::Fastlz,
            level: 3,
            threshold: 2000,
            factor: 1.3,
            user_flags: None,
        }
    }
}

impl Serializer {
    /// Each by its name in php.ini, and its number as a constant of the class (`SERIALIZER_*`): `\Memcached`'s, and one
    /// more.
    pub const NAMES: [(&'static str, i64, Serializer); 6] = [
        ("php", 1, Serializer::Php),
        ("igbinary", 2, Serializer::Igbinary),
        ("json", 3, Serializer::Json),
        ("json_array", 4, Serializer::JsonArray),
        ("msgpack", 5, Serializer::Msgpack),
        ("portable", 6, Serializer::Portable),
    ];

    /// Its name in php.ini.
    pub fn name(self) -> &'static str {
        Serializer::NAMES.into_iter().find(|(.., one)| *one == self).map_or("", |(name, ..)| name)
    }

    /// The extension that it needs and that is not loaded.
    pub fn missing(self) -> Option<&'static str> {
        let foreign = match self {
            Serializer::Igbinary => Foreign::Igbinary,
            Serializer::Msgpack => Foreign::Msgpack,
            _ => return None,
        };
        (!foreign.is_loaded()).then(|| foreign.name())
    }
}

impl Compressor {
    /// As [`Serializer::NAMES`]: `COMPRESSION_*`.
    pub const NAMES: [(&'static str, i64, Compressor); 3] = [
        ("zlib", 1, Compressor::Zlib),
        ("fastlz", 2, Compressor::Fastlz),
        ("zstd", 3, Compressor::Zstd),
    ];
}

/// The levels of compression that there are: those of Zstandard. zlib takes what is outside of its 1 to 9 as the nearest.
pub const LEVELS: std::ops::RangeInclusive<i32> = -7..=22;

impl Writing {
    /// Is a string of so many bytes written as it is?
    #[inline]
    pub fn leaves(&self, len: usize) -> bool {
        (!self.compress || len < self.threshold)
            && self.user_flags.is_none()
            && self.serializer != Serializer::Portable
    }

    /// What php.ini asks for. A setting that cannot be met is a warning, and stays as it is by default.
    fn configured() -> Writing {
        let mut writing = Writing::default();
        set(
            ini::SERIALIZER,
            &mut writing.serializer,
            "php, igbinary, msgpack, json, json_array or portable, of which \
             igbinary and msgpack need the extension of that name",
            |text| {
                let (_, _, one) = Serializer::NAMES.into_iter().find(|(name, ..)| *name == text)?;
                one.missing().is_none().then_some(one)
            },
        );
        set(ini::COMPRESSION_TYPE, &mut writing.compressor, "fastlz, zlib or zstd", |text| {
            Compressor::NAMES.into_iter().find(|(name, ..)| *name == text).map(|(.., one)| one)
        });
        set(ini::COMPRESSION_LEVEL, &mut writing.level, "a whole number from -7 to 22", |text| {
            text.parse().ok().filter(|level| LEVELS.contains(level))
        });
        set(
            ini::COMPRESSION_THRESHOLD,
            &mut writing.threshold,
            "a number of bytes of 0 or more",
            |text| text.parse().ok(),
        );
        set(
            ini::COMPRESSION_FACTOR,
            &mut writing.factor,
            "a number of 1 or more, as in 1.3",
            |text| text.parse().ok().filter(|factor: &f64| *factor >= 1.0 && factor.is_finite()),
        );
        writing.compress = ini::truth(ini::COMPRESSION);
        writing
    }
}

/// Makes `field` what a setting says, or warns.
fn set<T>(name: &CStr, field: &mut T, must: &str, read: impl FnOnce(&str) -> Option<T>) {
    let said = ini::text(name, |text| match text.is_empty() {
        true => Ok(None),
        false => match std::str::from_utf8(text).ok().and_then(read) {
            Some(value) => Ok(Some(value)),
            None => Err(String::from_utf8_lossy(text).into_owned()),
        },
    });
    match said {
        Ok(None) => {}
        Ok(Some(value)) => *field = value,
        Err(text) => warn(&format!(
            "{} is \"{text}\": it must be {must}; its default is used instead",
            name.to_string_lossy()
        )),
    }
}

/// The settings of an object.
pub struct Settings {
    /// How values are written.
    pub writing: Cell<Writing>,
    /// Of what is stored without an expiration (`nearcache.default_ttl`).
    pub default_expiry: Expiry,
}

impl Default for Settings {
    /// Those of php.ini.
    fn default() -> Settings {
        let default_expiry = match ini::number(ini::DEFAULT_TTL) {
            0 => Expiry::Never,
            seconds => Expiry::After(u32::try_from(seconds).unwrap_or(u32::MAX)),
        };
        Settings { writing: Cell::new(Writing::configured()), default_expiry }
    }
}
