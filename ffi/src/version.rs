//! Three versions, three promises. The header's macros say what a program was compiled for, the functions say
//! what it runs with; `tests/c/test_status.c` compares them.

use std::ffi::{CStr, c_char};

/// The call ABI: the number in the soname. Functions and statuses are added without changing it; it changes
/// when a program compiled before would have to be compiled again.
pub const NEARCACHE_ABI_VERSION: u32 = 0;
/// The layout of the memory that holds a cache. A cache of another layout is not touched: opening it by its name
/// makes or attaches one beside it, so that an upgrade wipes nothing.
pub const NEARCACHE_LAYOUT_VERSION: u32 = 3;
const _: () = assert!(NEARCACHE_LAYOUT_VERSION as u64 == nearcache::LAYOUT);

const RELEASE: &CStr =
    match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a release number holds no NUL"),
    };

const RELEASE_NUMBER: u32 = decimal(env!("CARGO_PKG_VERSION_MAJOR")) * 1_000_000
    + decimal(env!("CARGO_PKG_VERSION_MINOR")) * 1_000
    + decimal(env!("CARGO_PKG_VERSION_PATCH"));

const fn decimal(text: &str) -> u32 {
    let digits = text.as_bytes();
    let (mut at, mut number) = (0, 0);
    while at < digits.len() {
        number = number * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    number
}

/// The release of the library that runs, as text: "0.1.0". The header's is NEARCACHE_RELEASE.
///
/// Lifetimes: the text is static.
/// NULL: no pointers are taken; NULL is never given back.
/// Returns: the text.
/// Threads: any; also in a forked child and in a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_release() -> *const c_char {
    RELEASE.as_ptr()
}

/// The release of the library that runs, as a number that grows: major * 1000000 + minor * 1000 + patch.
/// The header's is NEARCACHE_RELEASE_NUMBER.
///
/// Lifetimes: none.
/// NULL: no pointers are taken.
/// Returns: the number.
/// Threads: any; also in a forked child and in a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_release_number() -> u32 {
    RELEASE_NUMBER
}

/// The call ABI of the library that runs. nearcache_open() compares it with NEARCACHE_ABI_VERSION.
///
/// Lifetimes: none.
/// NULL: no pointers are taken.
/// Returns: the number.
/// Threads: any; also in a forked child and in a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_abi_version() -> u32 {
    NEARCACHE_ABI_VERSION
}

/// The region layout of the library that runs. The header's is NEARCACHE_LAYOUT_VERSION.
///
/// Lifetimes: none.
/// NULL: no pointers are taken.
/// Returns: the number.
/// Threads: any; also in a forked child and in a signal handler.
#[unsafe(no_mangle)]
pub extern "C" fn nearcache_layout_version() -> u32 {
    NEARCACHE_LAYOUT_VERSION
}
