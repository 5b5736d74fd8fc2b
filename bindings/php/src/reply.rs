//! Result codes: the numbers and words of `\Memcached`, and which answer of the core gets which.

use nearcache::{Deletion, Error, Outcome, Touch};

/// A `RES_*` constant of `\Memcached`.
pub type Code = i64;

/// The verb did what it says.
pub const SUCCESS: Code = 0;
/// The cache could not do it.
pub const FAILURE: Code = 1;
/// The cache was attached for reading alone.
pub const WRITE_FAILURE: Code = 5;
/// What was asked cannot be done with this item: a number was expected.
pub const CLIENT_ERROR: Code = 9;
/// `cas`: the item was changed by another.
pub const DATA_EXISTS: Code = 12;
/// The verb's condition did not hold.
pub const NOTSTORED: Code = 14;
/// There is no such item.
pub const NOTFOUND: Code = 16;
/// A key of 0 or of more than 250 bytes.
pub const BAD_KEY_PROVIDED: Code = 33;
/// The item is larger than `item_size_max`.
pub const E2BIG: Code = 37;
/// An argument out of range.
pub const INVALID_ARGUMENTS: Code = 38;
/// No memory could be freed.
pub const SERVER_MEMORY_ALLOCATION_FAILURE: Code = 48;
/// The bytes stored are not of the type that their flags name.
pub const PAYLOAD_FAILURE: Code = -1001;

/// The `RES_*` constants of the class.
pub const CONSTANTS: [(&str, Code); 12] = [
    ("RES_SUCCESS", SUCCESS),
    ("RES_FAILURE", FAILURE),
    ("RES_WRITE_FAILURE", WRITE_FAILURE),
    ("RES_CLIENT_ERROR", CLIENT_ERROR),
    ("RES_DATA_EXISTS", DATA_EXISTS),
    ("RES_NOTSTORED", NOTSTORED),
    ("RES_NOTFOUND", NOTFOUND),
    ("RES_BAD_KEY_PROVIDED", BAD_KEY_PROVIDED),
    ("RES_E2BIG", E2BIG),
    ("RES_INVALID_ARGUMENTS", INVALID_ARGUMENTS),
    ("RES_SERVER_MEMORY_ALLOCATION_FAILURE", SERVER_MEMORY_ALLOCATION_FAILURE),
    ("RES_PAYLOAD_FAILURE", PAYLOAD_FAILURE),
];

/// The words `\Memcached::getResultMessage()` has for a code.
pub fn message(code: Code) -> &'static str {
    match code {
        SUCCESS => "SUCCESS",
        WRITE_FAILURE => "WRITE FAILURE",
        CLIENT_ERROR => "CLIENT ERROR",
        DATA_EXISTS => "CONNECTION DATA EXISTS",
        NOTSTORED => "NOT STORED",
        NOTFOUND => "NOT FOUND",
        BAD_KEY_PROVIDED => "A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE",
        E2BIG => "ITEM TOO BIG",
        INVALID_ARGUMENTS => "INVALID ARGUMENTS",
        SERVER_MEMORY_ALLOCATION_FAILURE => "SERVER FAILED TO ALLOCATE OBJECT",
        PAYLOAD_FAILURE => "PAYLOAD FAILURE",
        _ => "FAILURE",
    }
}

/// The code of a failure.
pub fn code_of(error: &Error) -> Code {
    match error {
        Error::KeyEmpty | Error::KeyTooLong { .. } => BAD_KEY_PROVIDED,
        Error::ValueTooLarge { .. } => E2BIG,
        Error::OutOfMemory => SERVER_MEMORY_ALLOCATION_FAILURE,
        Error::NotNumeric => CLIENT_ERROR,
        Error::ReadOnly => WRITE_FAILURE,
        Error::InvalidOptions(_) => INVALID_ARGUMENTS,
        _ => FAILURE,
    }
}

/// The code of a storing verb's answer.
#[inline]
pub fn stored(outcome: Outcome) -> Code {
    match outcome {
        Outcome::Stored(_) => SUCCESS,
        Outcome::NotStored => NOTSTORED,
        Outcome::Exists => DATA_EXISTS,
        Outcome::Missing => NOTFOUND,
    }
}

/// The code of a delete's answer.
pub fn deleted(deletion: Deletion) -> Code {
    match deletion {
        Deletion::Deleted => SUCCESS,
        Deletion::Missing => NOTFOUND,
        Deletion::Exists => DATA_EXISTS,
    }
}

/// The code of a touch's answer.
pub fn touched(touch: Touch) -> Code {
    match touch {
        Touch::Touched => SUCCESS,
        Touch::Missing => NOTFOUND,
    }
}
