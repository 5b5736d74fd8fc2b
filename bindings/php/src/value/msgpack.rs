//! Reading MessagePack step by step, for portable values and for the envelopes around values. No length is believed that
//! is more than the bytes that are left.

use rmp::Marker;

/// Why nothing was read.
pub type Broken = &'static str;

/// Cut short.
const SHORT: Broken = "cut short";
/// A marker that is not of the kind asked for.
pub const UNUSED: Broken = "of a type that portable values do not have (an extension or reserved)";

/// What is left to be read.
pub struct Reader<'a> {
    /// The bytes.
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// The next marker.
    pub fn marker(&mut self) -> Result<Marker, Broken> {
        let [first] = self.array()?;
        Ok(Marker::from_u8(first))
    }

    /// A number of up to 64 bits, with or without sign, whose marker was read.
    pub fn number(&mut self, marker: Marker) -> Result<i128, Broken> {
        Ok(match marker {
            Marker::FixPos(number) => number.into(),
            Marker::FixNeg(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.array()?).into(),
            Marker::U16 => u16::from_be_bytes(self.array()?).into(),
            Marker::U32 => u32::from_be_bytes(self.array()?).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => i8::from_be_bytes(self.array()?).into(),
            Marker::I16 => i16::from_be_bytes(self.array()?).into(),
            Marker::I32 => i32::from_be_bytes(self.array()?).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            _ => return Err(UNUSED),
        })
    }

    /// A number of 64 bits without sign and its marker.
    pub fn natural(&mut self) -> Option<u64> {
        let marker = self.marker().ok()?;
        self.number(marker).ok()?.try_into().ok()
    }

    /// A float whose marker was read.
    pub fn float(&mut self, marker: Marker) -> Result<f64, Broken> {
        Ok(match marker {
            Marker::F32 => f32::from_be_bytes(self.array()?).into(),
            _ => f64::from_be_bytes(self.array()?),
        })
    }

    /// A str or a bin whose marker was read.
    pub fn string(&mut self, marker: Marker) -> Result<&'a [u8], Broken> {
        let len = self.length(marker)?;
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(SHORT)?;
        self.rest = rest;
        let is_text =
            matches!(marker, Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32);
        match is_text && std::str::from_utf8(bytes).is_err() {
            true => Err("a str that is not UTF-8"),
            false => Ok(bytes),
        }
    }

    /// The elements of an array or a map whose marker was read; each takes a byte at least.
    pub fn elements(&mut self, marker: Marker) -> Result<usize, Broken> {
        let len = self.length(marker)?;
        if len > self.rest.len() { Err(SHORT) } else { Ok(len) }
    }

    fn length(&mut self, marker: Marker) -> Result<usize, Broken> {
        Ok(match marker {
            Marker::FixArray(len) | Marker::FixMap(len) | Marker::FixStr(len) => len.into(),
            Marker::Str8 | Marker::Bin8 => u8::from_be_bytes(self.array()?).into(),
            Marker::Str16 | Marker::Bin16 | Marker::Array16 | Marker::Map16 => {
                u16::from_be_bytes(self.array()?).into()
            }
            Marker::Str32 | Marker::Bin32 | Marker::Array32 | Marker::Map32 => {
                u32::from_be_bytes(self.array()?) as usize
            }
            _ => return Err(UNUSED),
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (first, rest) = self.rest.split_first_chunk().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*first)
    }
}
