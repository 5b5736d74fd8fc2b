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
/// No server was added.
pub const NO_SERVERS: Code = 20;
/// What a cache in memory cannot do.
pub const NOT_SUPPORTED: Code = 28;
/// A key of 0 or of more than 250 bytes.
pub const BAD_KEY_PROVIDED: Code = 33;
/// The item is larger than `item_size_max`.
pub const E2BIG: Code = 37;
/// An argument out of range.
pub const INVALID_ARGUMENTS: Code = 38;
/// A prefix that is too long.
pub const KEY_TOO_BIG: Code = 39;
/// No memory could be freed.
pub const SERVER_MEMORY_ALLOCATION_FAILURE: Code = 48;
/// The bytes stored are not of the type that their flags name.
pub const PAYLOAD_FAILURE: Code = -1001;

/// The `RES_*` constants of `\Memcached`; those without a name above are answers of servers, which no verb gives.
pub const CONSTANTS: [(&str, Code); 51] = [
    ("RES_SUCCESS", 0),
    ("RES_FAILURE", 1),
    ("RES_HOST_LOOKUP_FAILURE", 2),
    ("RES_CONNECTION_FAILURE", 3),
    ("RES_CONNECTION_BIND_FAILURE", 4),
    ("RES_WRITE_FAILURE", 5),
    ("RES_READ_FAILURE", 6),
    ("RES_UNKNOWN_READ_FAILURE", 7),
    ("RES_PROTOCOL_ERROR", 8),
    ("RES_CLIENT_ERROR", 9),
    ("RES_SERVER_ERROR", 10),
    ("RES_DATA_EXISTS", 12),
    ("RES_DATA_DOES_NOT_EXIST", 13),
    ("RES_NOTSTORED", 14),
    ("RES_STORED", 15),
    ("RES_NOTFOUND", 16),
    ("RES_PARTIAL_READ", 18),
    ("RES_SOME_ERRORS", 19),
    ("RES_NO_SERVERS", 20),
    ("RES_END", 21),
    ("RES_DELETED", 22),
    ("RES_VALUE", 23),
    ("RES_STAT", 24),
    ("RES_ITEM", 25),
    ("RES_ERRNO", 26),
    ("RES_FAIL_UNIX_SOCKET", 27),
    ("RES_NOT_SUPPORTED", 28),
    ("RES_NO_KEY_PROVIDED", 29),
    ("RES_FETCH_NOTFINISHED", 30),
    ("RES_TIMEOUT", 31),
    ("RES_BUFFERED", 32),
    ("RES_BAD_KEY_PROVIDED", 33),
    ("RES_INVALID_HOST_PROTOCOL", 34),
    ("RES_SERVER_MARKED_DEAD", 35),
    ("RES_UNKNOWN_STAT_KEY", 36),
    ("RES_INVALID_ARGUMENTS", 38),
    ("RES_PARSE_ERROR", 43),
    ("RES_PARSE_USER_ERROR", 44),
    ("RES_DEPRECATED", 45),
    ("RES_IN_PROGRESS", 46),
    ("RES_MAXIMUM_RETURN", 49),
    ("RES_MEMORY_ALLOCATION_FAILURE", 17),
    ("RES_CONNECTION_SOCKET_CREATE_FAILURE", 11),
    ("RES_E2BIG", 37),
    ("RES_KEY_TOO_BIG", 39),
    ("RES_SERVER_TEMPORARILY_DISABLED", 47),
    ("RES_SERVER_MEMORY_ALLOCATION_FAILURE", 48),
    ("RES_AUTH_PROBLEM", 40),
    ("RES_AUTH_FAILURE", 41),
    ("RES_AUTH_CONTINUE", 42),
    ("RES_PAYLOAD_FAILURE", -1001),
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
        NO_SERVERS => "NO SERVERS DEFINED",
        NOT_SUPPORTED => "ACTION NOT SUPPORTED",
        BAD_KEY_PROVIDED => "A BAD KEY WAS PROVIDED/CHARACTERS OUT OF RANGE",
        E2BIG => "ITEM TOO BIG",
        INVALID_ARGUMENTS => "INVALID ARGUMENTS",
        KEY_TOO_BIG => "KEY RETURNED FROM SERVER WAS TOO LARGE",
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
