//! One call of a method: its object, its arguments by PHP's own rules of coercion, and the wrapping of its handler.
//!
//! The handlers take their arguments from the frame themselves because the generated ones coerce nothing (`"15"`
//! as a lifetime would throw) and set a bailout point at every call, which costs a get a tenth of its time.

use crate::class::{self, Php};
use crate::handle::Handle;
use crate::number;
use crate::zend::{bytes_of, thrown};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{
    _zend_expected_type, _zend_expected_type_Z_EXPECTED_ARRAY, _zend_expected_type_Z_EXPECTED_BOOL,
    _zend_expected_type_Z_EXPECTED_DOUBLE, _zend_expected_type_Z_EXPECTED_FUNC_OR_NULL,
    _zend_expected_type_Z_EXPECTED_LONG, _zend_expected_type_Z_EXPECTED_STRING, zend_reference,
    zend_wrong_parameters_count_error,
};
use ext_php_rs::types::{ZendClassObject, ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::{ExecuteData, ce};
use std::ffi::c_char;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

// Symbols of the engine that ext-php-rs does not declare; from Zend/zend_API.h, the same since PHP 8.1.
unsafe extern "C" {
    fn zend_parse_arg_str_slow(arg: *mut Zval, dest: *mut *mut ZendStr, arg_num: u32) -> bool;
    fn zend_parse_arg_bool_slow(arg: *mut Zval, dest: *mut bool, arg_num: u32) -> bool;
    fn zend_parse_arg_double_slow(arg: *mut Zval, dest: *mut f64, arg_num: u32) -> bool;
    fn zend_try_assign_typed_ref_long(reference: *mut zend_reference, long: i64) -> i32;
    fn zend_parse_arg_long_slow(arg: *mut Zval, dest: *mut i64, arg_num: u32) -> bool;
    fn zend_try_assign_typed_ref_bool(reference: *mut zend_reference, truth: bool) -> i32;
    fn zend_argument_value_error(num: u32, format: *const c_char, ...);
    fn zend_wrong_parameter_type_error(num: u32, expected: _zend_expected_type, arg: *mut Zval);
}

/// `Z_EXPECTED_FUNC`, which is declared right before its kin.
const EXPECTED_FUNC: _zend_expected_type = _zend_expected_type_Z_EXPECTED_FUNC_OR_NULL - 1;

/// An exception is under way in PHP: return, and let it pass.
#[derive(Debug)]
pub struct Thrown;

/// What a handler's body gives.
pub type Answer = Result<(), Thrown>;

/// Throws `exception`.
#[cold]
pub fn throw(exception: PhpException) -> Thrown {
    exception.throw();
    Thrown
}

/// Throws a `NearCache\Exception`.
#[cold]
pub fn refuse(sentence: impl Into<String>) -> Thrown {
    throw(class::exception(sentence.into()))
}

/// Throws a `ValueError` about the argument at `index` of the running method, in PHP's own words.
#[cold]
pub fn bad_argument(index: usize, must: &str) -> Thrown {
    let sentence = ZendStr::new(must, false).into_raw();
    // SAFETY: the format takes one C string; a ZendStr is closed by a zero. It lives until the release below.
    unsafe {
        zend_argument_value_error(index as u32 + 1, c"%s".as_ptr(), bytes_of(sentence));
        drop(ext_php_rs::boxed::ZBox::from_raw(sentence));
    }
    Thrown
}

/// Runs a handler's body with the argument count checked. A panic becomes an `Error` instead of the process's end.
#[inline]
pub fn run(
    frame: &ExecuteData,
    out: &mut Zval,
    counts: (u32, u32),
    body: impl FnOnce(&Call<'_>, &mut Zval) -> Answer,
) {
    let Ok(call) = Call::of(frame, counts) else {
        return;
    };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&call, out))) {
        let what = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        throw(PhpException::new(format!("nearcache failed inside: {what}"), 0, ce::error()));
    }
}

/// A call under way.
pub struct Call<'a> {
    frame: &'a ExecuteData,
    given: u32,
}

impl<'a> Call<'a> {
    /// The call of this frame; throws an `ArgumentCountError` if it has fewer or more arguments than `(least, most)`.
    #[inline]
    pub fn of(frame: &'a ExecuteData, (least, most): (u32, u32)) -> Result<Call<'a>, Thrown> {
        // SAFETY: every member of the union is an u32; in a call's frame it counts the arguments.
        let given = unsafe { frame.This.u2.num_args };
        if given < least || given > most {
            // SAFETY: throws in the name of the running method; that is all it does.
            unsafe { zend_wrong_parameters_count_error(least, most) };
            return Err(Thrown);
        }
        Ok(Call { frame, given })
    }

    /// Has a constructor run on the object?
    pub fn constructed(&self) -> bool {
        self.handle().is_some()
    }

    #[inline]
    fn handle(&self) -> Option<&'a Handle> {
        self.state::<Php>().map(|Php(handle)| handle)
    }

    /// The Rust half of the object, of whatever class that is.
    #[inline]
    pub fn state<T: RegisteredClass>(&self) -> Option<&'a T> {
        ZendClassObject::<T>::from_zend_obj(self.frame.This.object()?)?.obj.as_ref()
    }

    /// How many arguments were given.
    pub fn given(&self) -> usize {
        self.given as usize
    }

    /// The object's state; throws if no constructor has run (a subclass without `parent::__construct`).
    #[inline]
    pub fn this(&self) -> Result<&'a Handle, Thrown> {
        self.handle().ok_or_else(|| {
            refuse(
                "the cache is not open: a subclass of NearCache\\Cache with a constructor of its own must call \
                 parent::__construct() before anything else",
            )
        })
    }

    /// The argument at `index`, from 0; `None` if it was left out.
    #[inline]
    pub fn arg(&self, index: usize) -> Option<&'a Zval> {
        self.slot(index).map(|slot| {
            // SAFETY: a slot below the count holds an argument for as long as the call's frame lives.
            unsafe { (*slot).dereference() }
        })
    }

    #[inline]
    fn slot(&self, index: usize) -> Option<*mut Zval> {
        if index >= self.given() {
            return None;
        }
        // SAFETY: below the count, so the frame holds this argument.
        unsafe { self.frame.zend_call_arg(index) }.map(std::ptr::from_mut)
    }

    /// A string by PHP's rules (numbers and `Stringable`s become one, unless `strict_types`).
    #[inline]
    pub fn string(&self, index: usize) -> Result<&'a [u8], Thrown> {
        match self.arg(index).and_then(Zval::zend_str) {
            Some(string) => Ok(string.as_bytes()),
            None => self.string_slow(index),
        }
    }

    #[cold]
    fn string_slow(&self, index: usize) -> Result<&'a [u8], Thrown> {
        let Some(slot) = self.slot(index) else {
            return Ok(b"");
        };
        let mut string = std::ptr::null_mut();
        // SAFETY: the engine's own coercion of an argument in its slot, which it may replace by its string and so
        // keep alive as long as the frame; on failure it leaves the slot as it was, for the error to name.
        unsafe {
            if zend_parse_arg_str_slow(slot, &raw mut string, index as u32 + 1)
                && let Some(string) = string.as_ref()
            {
                return Ok(string.as_bytes());
            }
        }
        Err(wrong(index, _zend_expected_type_Z_EXPECTED_STRING, slot))
    }

    /// A key: a string, or an int as its decimal digits (also under `strict_types`: array keys become ints).
    #[inline(always)] // Else the key goes through memory, which costs a get a tenth of its time.
    pub fn key(&self, index: usize) -> Result<Key<'a>, Thrown> {
        match self.arg(index).and_then(Key::of) {
            Some(key) => Ok(key),
            None => self.string_slow(index).map(Key::Bytes),
        }
    }

    /// An int by PHP's rules; `default` if it was left out.
    #[inline]
    pub fn long(&self, index: usize, default: i64) -> Result<i64, Thrown> {
        let Some(argument) = self.arg(index) else {
            return Ok(default);
        };
        if argument.is_long() {
            return Ok(argument.long().unwrap_or(default));
        }
        let Some(slot) = self.slot(index) else {
            return Ok(default);
        };
        let mut long = 0;
        // SAFETY: as in `string_slow`.
        if unsafe { zend_parse_arg_long_slow(slot, &raw mut long, index as u32 + 1) } {
            return Ok(long);
        }
        Err(wrong(index, _zend_expected_type_Z_EXPECTED_LONG, slot))
    }

    /// A float by PHP's rules; `default` if it was left out.
    pub fn double(&self, index: usize, default: f64) -> Result<f64, Thrown> {
        let Some(slot) = self.slot(index) else {
            return Ok(default);
        };
        if let Some(double) = self.arg(index).and_then(Zval::double) {
            return Ok(double);
        }
        let mut double = 0.0;
        // SAFETY: as in `string_slow`.
        if unsafe { zend_parse_arg_double_slow(slot, &raw mut double, index as u32 + 1) } {
            return Ok(double);
        }
        Err(wrong(index, _zend_expected_type_Z_EXPECTED_DOUBLE, slot))
    }

    /// An int by PHP's rules; `None` for null or if it was left out.
    pub fn long_or_null(&self, index: usize) -> Result<Option<i64>, Thrown> {
        match self.arg(index) {
            Some(argument) if !argument.is_null() => self.long(index, 0).map(Some),
            _ => Ok(None),
        }
    }

    /// A truth by PHP's rules; `default` if it was left out.
    pub fn truth(&self, index: usize, default: bool) -> Result<bool, Thrown> {
        let Some(argument) = self.arg(index) else {
            return Ok(default);
        };
        if let Some(truth) = argument.bool() {
            return Ok(truth);
        }
        let Some(slot) = self.slot(index) else {
            return Ok(default);
        };
        let mut truth = false;
        // SAFETY: as in `string_slow`.
        if unsafe { zend_parse_arg_bool_slow(slot, &raw mut truth, index as u32 + 1) } {
            return Ok(truth);
        }
        Err(wrong(index, _zend_expected_type_Z_EXPECTED_BOOL, slot))
    }

    /// A string by PHP's rules; `None` for null or if it was left out.
    pub fn string_or_null(&self, index: usize) -> Result<Option<&'a [u8]>, Thrown> {
        match self.arg(index) {
            None => Ok(None),
            Some(argument) if argument.is_null() => Ok(None),
            Some(_) => self.string(index).map(Some),
        }
    }

    /// An amount of 64 bits: an int, or a string of digits to pass `PHP_INT_MAX`. `None` if it is negative.
    pub fn amount(&self, index: usize, default: u64) -> Result<Option<u64>, Thrown> {
        if let Some(string) = self.arg(index).and_then(Zval::zend_str)
            && let Some(amount) = number::parse_u64(string.as_bytes())
        {
            return Ok(Some(amount));
        }
        if self.arg(index).is_none() {
            return Ok(Some(default));
        }
        Ok(u64::try_from(self.long(index, 0)?).ok())
    }

    /// A callable, or `None` for null; throws a `TypeError` for anything else.
    pub fn callback(&self, index: usize) -> Result<Option<&'a Zval>, Thrown> {
        match self.arg(index) {
            None => Ok(None),
            Some(argument) if argument.is_null() => Ok(None),
            Some(argument) if argument.is_callable() => Ok(Some(argument)),
            Some(_) => {
                let slot = self.slot(index).unwrap_or(std::ptr::null_mut());
                Err(wrong(index, _zend_expected_type_Z_EXPECTED_FUNC_OR_NULL, slot))
            }
        }
    }

    /// A callable; throws a `TypeError` for anything else.
    pub fn callable(&self, index: usize) -> Result<&'a Zval, Thrown> {
        if let Some(argument) = self.arg(index).filter(|argument| argument.is_callable()) {
            return Ok(argument);
        }
        let slot = self.slot(index).unwrap_or(std::ptr::null_mut());
        Err(wrong(index, EXPECTED_FUNC, slot))
    }

    /// Gives the variable that was passed by reference, if one was, a truth.
    pub fn assign_bool(&self, index: usize, truth: bool) -> Answer {
        // SAFETY: a slot below the count holds an argument for as long as the call's frame lives; a reference's type is
        // written in its sources, and then the engine's own function has the say.
        unsafe {
            let reference = match self.slot(index) {
                Some(slot) if (*slot).is_reference() => (*slot).value.ref_,
                _ => return Ok(()),
            };
            match (*reference).sources.ptr.is_null() {
                true => (*reference).val.set_bool(truth),
                false => _ = zend_try_assign_typed_ref_bool(reference, truth),
            }
        }
        match thrown() {
            true => Err(Thrown),
            false => Ok(()),
        }
    }

    /// Gives the variable that was passed by reference, if one was, an int.
    pub fn assign_long(&self, index: usize, long: i64) -> Answer {
        // SAFETY: as in `assign_bool`.
        unsafe {
            let reference = match self.slot(index) {
                Some(slot) if (*slot).is_reference() => (*slot).value.ref_,
                _ => return Ok(()),
            };
            match (*reference).sources.ptr.is_null() {
                true => (*reference).val.set_long(long),
                false => _ = zend_try_assign_typed_ref_long(reference, long),
            }
        }
        match thrown() {
            true => Err(Thrown),
            false => Ok(()),
        }
    }

    /// The object itself, to be handed on.
    pub fn object(&self) -> Zval {
        let mut object = Zval::new();
        // The frame keeps flags of the call beside the object's type, so the zval itself must not be copied.
        if self.frame.This.is_object() {
            // SAFETY: a method's frame holds its object alive; `set_object` counts one more reference on it.
            unsafe { object.set_object(&mut *self.frame.This.value.obj) };
        }
        object
    }

    /// An array; throws a `TypeError` for anything else.
    pub fn array(&self, index: usize) -> Result<&'a ZendHashTable, Thrown> {
        if let Some(array) = self.arg(index).and_then(Zval::array) {
            return Ok(array);
        }
        let slot = self.slot(index).unwrap_or(std::ptr::null_mut());
        Err(wrong(index, _zend_expected_type_Z_EXPECTED_ARRAY, slot))
    }
}

#[cold]
fn wrong(index: usize, expected: _zend_expected_type, slot: *mut Zval) -> Thrown {
    if !thrown() && !slot.is_null() {
        // SAFETY: throws a TypeError which names the running method and the type found in the slot.
        unsafe { zend_wrong_parameter_type_error(index as u32 + 1, expected, slot) };
    }
    Thrown
}

/// A key's bytes: of a PHP string, or the digits of an int. Small, so that it stays in registers.
pub enum Key<'a> {
    /// Of a PHP string.
    Bytes(&'a [u8]),
    /// The digits of an int, on the Zend heap (so that a bailout frees them).
    Digits(ZBox<ZendStr>),
}

impl<'a> Key<'a> {
    /// The key that a zval names: a string or an int.
    #[inline(always)]
    pub fn of(zval: &'a Zval) -> Option<Key<'a>> {
        match zval.zend_str() {
            Some(string) => Some(Key::Bytes(string.as_bytes())),
            None => zval.long().map(Key::of_long),
        }
    }
}

impl Key<'_> {
    #[cold]
    fn of_long(long: i64) -> Self {
        Key::Digits(ZendStr::new(number::long(long).bytes(), false))
    }
}

impl Deref for Key<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Key::Bytes(bytes) => bytes,
            Key::Digits(digits) => digits.as_bytes(),
        }
    }
}
