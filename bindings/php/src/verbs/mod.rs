//! The methods of `NearCache\Cache`: take the arguments, ask the core, word the answer.
//!
//! No verb holds anything of the cache while PHP code or the Zend allocator runs (see `zend`). A verb that `\Memcached`
//! also has as `...ByKey` counts its arguments from `AT`: 1 behind a server's key, which has no effect, else 0.

pub mod admin;
pub mod change;
pub mod count;
pub mod delayed;
pub mod keys;
pub mod option;
pub mod read;
pub mod remember;
pub mod server;
pub mod sharing;
pub mod store;

use crate::handle::Handle;
use crate::reply::{self, Code};
use crate::zend::call::{Call, Key, Thrown};
use crate::zend::{thrown, warn};
use ext_php_rs::types::Zval;
use nearcache::Error;

/// The key at `index`, behind a server's key if `AT` is 1.
#[inline(always)]
fn key_at<'a, const AT: usize>(call: &Call<'a>, index: usize) -> Result<Key<'a>, Thrown> {
    if AT == 1 {
        call.string(index)?;
    }
    call.key(index + AT)
}

/// The least and the most arguments of a verb that has `AT` of them before its own.
const fn counts<const AT: usize>(least: u32, most: u32) -> (u32, u32) {
    (least + AT as u32, most + AT as u32)
}

/// Notes what the core answered, worded by `code`; true if that is success.
#[inline]
fn settle<T>(this: &Handle, answer: Result<T, Error>, code: impl FnOnce(T) -> Code) -> bool {
    let code = match answer {
        Ok(answer) => {
            let code = code(answer);
            this.note(code);
            code
        }
        Err(error) => this.fail(error),
    };
    code == reply::SUCCESS
}

/// As `\Memcached` refuses: a warning, and false with a code.
#[cold]
fn refused(this: &Handle, code: Code, out: &mut Zval, sentence: &str) -> Result<(), Thrown> {
    this.refuse(code, sentence);
    out.set_bool(false);
    warn(sentence);
    match thrown() {
        true => Err(Thrown),
        false => Ok(()),
    }
}

/// A number of 64 bits: an int, or above `PHP_INT_MAX` a string of its digits.
fn set_number(out: &mut Zval, number: u64) {
    match i64::try_from(number) {
        Ok(long) => out.set_long(long),
        Err(_) => {
            let digits = crate::number::unsigned(number);
            out.set_zend_string(ext_php_rs::types::ZendStr::new(digits.bytes(), false));
        }
    }
}
