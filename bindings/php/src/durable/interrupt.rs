//! Long waits and long work beside PHP: what the script's time limit, its signals and its callables have to say is heard
//! several times a second.

use super::error::fail;
use crate::zend::call::{Answer, Call, Thrown, bad_argument, refuse};
use crate::zend::callback::produce;
use crate::zend::thrown;
use ext_php_rs::ffi::{ext_php_rs_executor_globals, zend_interrupt_function};
use ext_php_rs::types::{ZendObject, ZendStr, Zval};
use ext_php_rs::zend::{CatchError, bailout, try_catch};
use nearcache_store::{Error, Progress};
use std::mem::MaybeUninit;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest time for which PHP is not asked.
const SLICE: Duration = Duration::from_millis(100);

// From Zend/zend.h.
unsafe extern "C" {
    fn zend_timeout();
}

/// Does what the engine does between two instructions of a script: ends it if its time is up, runs handlers of signals. They
/// may throw, or bail out.
pub fn attend() -> Answer {
    // SAFETY: this thread's globals. The two words are atomic ones, for they are set by handlers of signals; the function is
    // that of whoever asks to be called here (pcntl), and takes the frame that runs.
    unsafe {
        let globals = ext_php_rs_executor_globals();
        // Both relaxed: set by this thread's own handlers, as far as it matters.
        let word = |flag: *mut _| AtomicBool::from_ptr(flag);
        if word((&raw mut (*globals).vm_interrupt).cast::<bool>()).swap(false, Ordering::Relaxed) {
            if word((&raw mut (*globals).timed_out).cast::<bool>()).load(Ordering::Relaxed) {
                zend_timeout();
            }
            if let Some(interrupt) = zend_interrupt_function {
                interrupt((*globals).current_execute_data);
            }
        }
    }
    match thrown() {
        true => Err(Thrown),
        false => Ok(()),
    }
}

/// Runs the handlers of signals of a script that has not asked for `pcntl_async_signals`: it sleeps in this call and cannot
/// do it itself.
fn dispatch_signals() -> Answer {
    let mut name = Zval::new();
    name.set_zend_string(ZendStr::new("pcntl_signal_dispatch", false));
    match name.is_callable() {
        true => produce(&name, &mut [], &mut Zval::new()),
        false => Ok(()),
    }
}

// From Zend/zend_exceptions.h.
unsafe extern "C" {
    fn zend_is_unwind_exit(exception: *const ZendObject) -> bool;
    fn zend_is_graceful_exit(exception: *const ZendObject) -> bool;
    fn zend_clear_exception();
}

/// The exception that is under way, which ends here; but not an `exit`.
pub fn take_exception() -> Option<Zval> {
    // SAFETY: this thread's globals; what is under way is an object that is there until it is cleared, and after that for as
    // long as it is counted here.
    unsafe {
        let exception = (*ext_php_rs_executor_globals()).exception;
        if exception.is_null() || zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception)
        {
            return None;
        }
        let mut taken = Zval::new();
        taken.set_object(&mut *exception);
        zend_clear_exception();
        Some(taken)
    }
}

/// A number of seconds to wait, which may be `INF`.
pub fn seconds(call: &Call<'_>, index: usize, default: f64) -> Result<Duration, Thrown> {
    let seconds = call.double(index, default)?;
    if seconds.is_nan() || seconds < 0.0 {
        return Err(bad_argument(index, "must be a number of seconds of 0 or more, or INF"));
    }
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Asks again and again until there is an answer, the time is over, or `stop` says so.
pub fn wait<T>(
    time: Duration,
    stop: impl Fn() -> bool,
    ask: impl Fn(Duration) -> Result<Option<T>, Error>,
) -> Result<Option<T>, Thrown> {
    // None: beyond what a clock can tell.
    let until = Instant::now().checked_add(time);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.unwrap_or(Duration::MAX);
        // In whole milliseconds, of which a part would be lost on the way.
        let slice = Duration::from_millis(left.min(SLICE).as_micros().div_ceil(1000) as u64);
        if let Some(answer) = ask(slice).map_err(fail)? {
            return Ok(Some(answer));
        }
        if left <= SLICE {
            return Ok(None);
        }
        attend()?;
        dispatch_signals()?;
        if stop() {
            return Ok(None);
        }
    }
}

/// For its life this thread, and each that it starts, gets no signal. For PHP's handlers are written for PHP's own thread,
/// while threads of the engine inherit what is blocked when they are started.
pub struct Quiet {
    before: libc::sigset_t,
}

impl Quiet {
    /// From now on.
    pub fn begin() -> Quiet {
        let mut all = MaybeUninit::uninit();
        // SAFETY: fills the set.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: filled by the call before.
        Quiet { before: mask(unsafe { all.assume_init_ref() }) }
    }

    /// Lets signals in that have come meanwhile, and while this is done.
    fn hear<T>(&self, body: impl FnOnce() -> T) -> T {
        let all = mask(&self.before);
        let said = body();
        mask(&all);
        said
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        mask(&self.before);
    }
}

/// Blocks these signals and no others; those that were blocked.
fn mask(signals: &libc::sigset_t) -> libc::sigset_t {
    let mut before = MaybeUninit::uninit();
    // SAFETY: reads one set and writes the other.
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, signals, before.as_mut_ptr());
        before.assume_init()
    }
}

/// Does long work, which is stopped when the callable at `index` returns false or throws, or the script's time is up.
pub fn long<T>(
    call: &Call<'_>,
    index: usize,
    work: impl FnOnce(&mut dyn FnMut(Progress) -> bool) -> Result<T, Error>,
) -> Result<T, Thrown> {
    enum End {
        Thrown,
        Bailout,
    }
    let progress = call.callback(index)?;
    let mut end = None;
    let quiet = Quiet::begin();
    let done = work(&mut |at| {
        let ask = || {
            attend()?;
            let Some(progress) = progress else {
                return Ok(true);
            };
            let (mut done, mut of, mut said) = (Zval::new(), Zval::new(), Zval::new());
            done.set_long(at.done as i64);
            of.set_long(at.of as i64);
            produce(progress, &mut [done, of], &mut said)?;
            Ok(!said.is_false())
        };
        // A bailout may not jump over the work, which holds the store.
        match quiet.hear(|| try_catch(AssertUnwindSafe(ask))) {
            Ok(Ok(go_on)) => return go_on,
            Ok(Err(Thrown)) => end = Some(End::Thrown),
            Err(CatchError::Bailout) => end = Some(End::Bailout),
            Err(failed) => {
                refuse(failed.to_string());
                end = Some(End::Thrown);
            }
        }
        false
    });
    drop(quiet);
    match end {
        // SAFETY: the work has ended, and nothing of Rust's is held here but what has no heap.
        Some(End::Bailout) => unsafe {
            drop(done);
            bailout()
        },
        Some(End::Thrown) => Err(Thrown),
        None => done.map_err(fail),
    }
}
