//! Entries in the order of their keys: ranges, scans that read a page at a time, and snapshots, which are the store at one
//! moment.

use super::define::{
    ARRAY, BOOL, Described, INT, MIXED, Method, NULL, Param, STRING, Type, VOID, method, object,
    registered, this,
};
use super::error::fail;
use super::open::Opened;
use super::store::{KEY, PAGE, PREFIX, RANGE, opened};
use super::value::show;
use crate::settings::Writing;
use crate::zend::array::{answer, put};
use crate::zend::call::{Answer, Call, Thrown, bad_argument, refuse};
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData};
use nearcache_store::{Entry, Error, Value};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Most entries of one answer.
const MANY: i64 = 10_000;

/// The Rust half of a `NearCache\Snapshot`. What is first ends first.
pub struct Snapshot {
    view: Rc<nearcache_store::Snapshot>,
    opened: Opened,
    process: u32,
}

registered!(Snapshot, "NearCache\\Snapshot");

impl Described for Snapshot {
    const CONSTRUCTOR: Option<&'static [Param]> = None;

    #[rustfmt::skip] // A row each.
    const METHODS: &'static [Method] = &[
        ("get", snapshot_get, &[KEY, ("default", MIXED, Some("null"))], MIXED),
        ("range", snapshot_range, RANGE, ARRAY),
        ("scan", snapshot_scan, &[PREFIX, PAGE], Type::class("NearCache\\Scan")),
        ("sequence", snapshot_sequence, &[], INT),
    ];
}

/// The Rust half of a `NearCache\Scan`.
pub struct Scan {
    from: Source,
    prefix: Vec<u8>,
    page: usize,
    steps: RefCell<Steps>,
}

/// Where a scan is.
#[derive(Default)]
struct Steps {
    entries: VecDeque<Entry>,
    /// The last key of the page; `None` before the first.
    last: Option<Vec<u8>>,
    /// No page follows.
    is_last: bool,
}

registered!(Scan, "NearCache\\Scan");

impl Described for Scan {
    const CONSTRUCTOR: Option<&'static [Param]> = None;
    const METHODS: &'static [Method] = &[
        ("rewind", rewind, &[], VOID),
        ("valid", valid, &[], BOOL),
        ("key", key, &[], STRING.or(NULL)),
        ("current", current, &[], MIXED),
        ("next", next, &[], VOID),
    ];
}

/// What is read: the store as it is, or as it was.
enum Source {
    Store(Opened),
    Snapshot(Rc<nearcache_store::Snapshot>, Opened, u32),
}

impl Source {
    fn writing(&self) -> Writing {
        match self {
            Source::Store(opened) | Source::Snapshot(_, opened, _) => opened.writing,
        }
    }

    fn page(&self, prefix: &[u8], after: Option<&[u8]>, max: usize) -> Result<Vec<Entry>, Error> {
        match self {
            Source::Store(opened) => opened.durable.prefix(prefix, after, max),
            Source::Snapshot(view, _, process) => {
                check_fork(*process)?;
                view.prefix(prefix, after, max)
            }
        }
    }
}

/// A snapshot is its process's, as its directory is.
fn check_fork(process: u32) -> Result<(), Error> {
    if process == std::process::id() { Ok(()) } else { Err(Error::Forked) }
}

impl Snapshot {
    fn view(&self) -> Result<&nearcache_store::Snapshot, Thrown> {
        check_fork(self.process).map_err(fail)?;
        Ok(&self.view)
    }
}

/// `snapshot(): Snapshot`
pub extern "C" fn snapshot(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let opened = opened(call)?;
        let view = Rc::new(opened.durable.snapshot().map_err(fail)?);
        object(Snapshot { view, opened: opened.clone(), process: std::process::id() }, out);
        Ok(())
    });
}

extern "C" fn snapshot_sequence(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        out.set_long(this::<Snapshot>(call)?.view.seq() as i64);
        Ok(())
    });
}

extern "C" fn snapshot_get(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (1, 2), |call, out| {
        let snapshot = this::<Snapshot>(call)?;
        let key = call.key(0)?;
        let found: Option<Value> = snapshot.view()?.get(&key).map_err(fail)?;
        match found {
            Some(value) => show(&key, value, snapshot.opened.writing, out),
            None => {
                *out = call.arg(1).map_or(Zval::null(), Zval::shallow_clone);
                Ok(())
            }
        }
    });
}

/// `range(string $start = '', string $end = '', int $limit = 100, bool $after_start = false, bool $before_end = false)`
pub extern "C" fn range(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 5), |call, out| {
        let opened = opened(call)?;
        entries(call, opened.writing, out, |a, b, c, d, max| opened.durable.rget(a, b, c, d, max))
    });
}

extern "C" fn snapshot_range(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 5), |call, out| {
        let snapshot = this::<Snapshot>(call)?;
        let view = snapshot.view()?;
        entries(call, snapshot.opened.writing, out, |a, b, c, d, max| view.rget(a, b, c, d, max))
    });
}

/// Makes `out` the entries that a range's arguments ask for.
fn entries(
    call: &Call<'_>,
    writing: Writing,
    out: &mut Zval,
    read: impl FnOnce(&[u8], &[u8], bool, bool, usize) -> Result<Vec<Entry>, Error>,
) -> Answer {
    let (start, end) = (call.string(0)?, call.string(1)?);
    let limit = page_size(call, 2)?;
    let (after_start, before_end) = (call.truth(3, false)?, call.truth(4, false)?);
    let entries = read(start, end, after_start, before_end, limit).map_err(fail)?;
    let mut entries = BailoutGuard::new(entries.into_iter());
    let mut array = ZendHashTable::with_capacity(entries.len() as u32);
    for Entry { key, value, .. } in entries.by_ref() {
        let key = BailoutGuard::new(key);
        let mut shown = Zval::null();
        show(&key, value, writing, &mut shown)?;
        put(&mut array, &text(&key), shown);
    }
    answer(out, array);
    Ok(())
}

/// A string of PHP's.
pub fn text(bytes: &[u8]) -> Zval {
    let mut text = Zval::new();
    text.set_zend_string(ZendStr::new(bytes, false));
    text
}

fn page_size(call: &Call<'_>, index: usize) -> Result<usize, Thrown> {
    let page = call.long(index, 100)?;
    match (1..=MANY).contains(&page) {
        true => Ok(page as usize),
        false => Err(bad_argument(index, "must be between 1 and 10000")),
    }
}

/// `scan(string $prefix = '', int $page = 100): Scan`
pub extern "C" fn scan(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 2), |call, out| begin(call, Source::Store(opened(call)?.clone()), out));
}

extern "C" fn snapshot_scan(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 2), |call, out| {
        let of = this::<Snapshot>(call)?;
        begin(call, Source::Snapshot(of.view.clone(), of.opened.clone(), of.process), out)
    });
}

fn begin(call: &Call<'_>, from: Source, out: &mut Zval) -> Answer {
    let from = BailoutGuard::new(from);
    let (prefix, page) = (call.string(0)?.to_vec(), page_size(call, 1)?);
    let from = from.into_inner();
    object(Scan { from, prefix, page, steps: RefCell::default() }, out);
    Ok(())
}

impl Scan {
    /// Sees to it that there is an entry to show, if there is any more.
    fn settle(&self) -> Result<bool, Thrown> {
        let mut steps = self.steps.try_borrow_mut().map_err(|_| busy())?;
        if steps.entries.is_empty() && !steps.is_last {
            let page = self.from.page(&self.prefix, steps.last.as_deref(), self.page);
            let page = page.map_err(fail)?;
            steps.is_last = page.len() < self.page;
            if let Some(last) = page.last() {
                steps.last = Some(last.key.clone());
            }
            steps.entries = page.into();
        }
        Ok(!steps.entries.is_empty())
    }

    /// The entry that it stands at, copied, for PHP code may use the object meanwhile.
    fn entry(&self) -> Result<Option<Entry>, Thrown> {
        self.settle()?;
        Ok(self.steps.try_borrow().map_err(|_| busy())?.entries.front().cloned())
    }
}

#[cold]
fn busy() -> Thrown {
    refuse("the scan is being read at this moment")
}

extern "C" fn rewind(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, _| {
        let scan = this::<Scan>(call)?;
        *scan.steps.try_borrow_mut().map_err(|_| busy())? = Steps::default();
        Ok(())
    });
}

extern "C" fn valid(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        out.set_bool(this::<Scan>(call)?.settle()?);
        Ok(())
    });
}

extern "C" fn key(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let scan = this::<Scan>(call)?;
        scan.settle()?;
        let steps = scan.steps.try_borrow().map_err(|_| busy())?;
        let key = steps.entries.front().map(|entry| BailoutGuard::new(entry.key.clone()));
        drop(steps);
        if let Some(key) = key {
            *out = text(&key);
        }
        Ok(())
    });
}

extern "C" fn current(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, out| {
        let scan = this::<Scan>(call)?;
        let Some(Entry { key, value, .. }) = scan.entry()? else {
            return Ok(());
        };
        let key = BailoutGuard::new(key);
        show(&key, value, scan.from.writing(), out)
    });
}

extern "C" fn next(frame: &mut ExecuteData, out: &mut Zval) {
    method(frame, out, (0, 0), |call, _| {
        let scan = this::<Scan>(call)?;
        scan.settle()?;
        scan.steps.try_borrow_mut().map_err(|_| busy())?.entries.pop_front();
        Ok(())
    });
}
