//! The methods of `NearCache\Cache`: take the arguments, ask the core, word the answer.
//!
//! No verb holds anything of the cache while PHP code or the Zend allocator runs (see `zend`).

pub mod admin;
pub mod change;
pub mod read;
pub mod remember;
pub mod sharing;
pub mod store;

use crate::handle::Handle;
use crate::reply::{self, Code};
use ext_php_rs::types::Zval;
use nearcache::Error;

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
