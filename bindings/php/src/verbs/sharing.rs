//! Who shares a cache: `getInfo`, `getProcesses`, `unlink`.
//!
//! What the core tells lies on Rust's heap while PHP takes it over, so a bailout point frees it if PHP's memory ends there.

use crate::class;
use crate::options;
use crate::reply;
use crate::zend::array::{answer, insert, push};
use crate::zend::call::{Answer, Thrown, run, throw};
use ext_php_rs::boxed::ZBox;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecuteData, run_handler};
use nearcache::{Home, Info, Life, Process};
use std::panic::AssertUnwindSafe;
use std::path::Path;

/// `getInfo(): array`
pub extern "C" fn get_info(frame: &mut ExecuteData, out: &mut Zval) {
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 0), |call, out| {
            let this = call.this()?;
            let info = BailoutGuard::new(this.cache().info());
            let array = told(&info)?;
            this.note(reply::SUCCESS);
            answer(out, array);
            Ok(())
        });
    }));
}

fn told(info: &Info) -> Result<ZBox<ZendHashTable>, Thrown> {
    let name = match &info.home {
        Home::Named(name) => Some(name.as_str()),
        Home::At(path) => path.to_str(),
        _ => None,
    };
    let mut array = ZendHashTable::with_capacity(12);
    insert(&mut array, "name", name)?;
    insert(&mut array, "path", info.path.as_deref().and_then(Path::to_str))?;
    insert(&mut array, "shared", info.home.is_shared())?;
    insert(&mut array, "read_only", info.read_only)?;
    insert(&mut array, "evict", info.evict)?;
    number(&mut array, "size", info.size)?;
    number(&mut array, "layout", info.layout)?;
    insert(&mut array, "created", info.created)?;
    number(&mut array, "uid", u64::from(info.uid))?;
    number(&mut array, "permissions", u64::from(info.permissions))?;
    number(&mut array, "processes_max", info.processes_max as u64)?;
    number(&mut array, "threads_max", info.threads_max as u64)?;
    Ok(array)
}

/// `getProcesses(): array`
pub extern "C" fn get_processes(frame: &mut ExecuteData, out: &mut Zval) {
    run_handler(AssertUnwindSafe(|| {
        run(frame, out, (0, 0), |call, out| {
            let this = call.this()?;
            let found = BailoutGuard::new(this.cache().processes());
            let mut list = ZendHashTable::new();
            for process in found.iter() {
                push(&mut list, described(process)?)?;
            }
            this.note(reply::SUCCESS);
            answer(out, list);
            Ok(())
        });
    }));
}

fn described(process: &Process) -> Result<ZBox<ZendHashTable>, Thrown> {
    let life = match process.life {
        Life::Alive => "alive",
        Life::Suspect => "suspect",
        Life::Dead => "dead",
    };
    let mut array = ZendHashTable::with_capacity(5);
    number(&mut array, "pid", u64::from(process.pid))?;
    insert(&mut array, "name", process.name.as_str())?;
    insert(&mut array, "since", process.since)?;
    number(&mut array, "threads", process.threads as u64)?;
    insert(&mut array, "life", life)?;
    Ok(array)
}

fn number(array: &mut ZendHashTable, name: &'static str, number: u64) -> Answer {
    insert(array, name, i64::try_from(number).unwrap_or(i64::MAX))
}

/// `unlink(string $name): bool`
pub extern "C" fn unlink(frame: &mut ExecuteData, out: &mut Zval) {
    run(frame, out, (1, 1), |call, out| {
        // The string is the argument's, by PHP's rules of coercion.
        let bytes = call.string(0)?;
        let name = ZendStr::new(bytes, false);
        let home = options::named(&name)?;
        let removed =
            nearcache::unlink(&home).map_err(|error| throw(class::exception(error.to_string())))?;
        out.set_bool(removed);
        Ok(())
    });
}
