//! What the models share: the run of a model with a step left out, and histories of calls that must have an order.

// Each file of models compiles this for itself and uses a part of it.
#![allow(dead_code, missing_docs)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use nearcache::model::{Mutant, set_mutant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Models share the mutant switch: they run one at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Runs a model with this step left out; answers whether some interleaving failed.
pub fn fails(mutant: Mutant, preemptions: usize, model: impl Fn() + Sync + Send + 'static) -> bool {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let loud = std::panic::take_hook();
    if mutant != Mutant::None {
        std::panic::set_hook(Box::new(|_| {}));
    }
    set_mutant(mutant);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 50_000;
    let failed = catch_unwind(AssertUnwindSafe(|| builder.check(model))).is_err();
    set_mutant(Mutant::None);
    std::panic::set_hook(loud);
    failed
}

/// The model holds as it is, and each mutant is caught by it.
pub fn proves(preemptions: usize, model: fn(), mutants: &[Mutant]) {
    assert!(!fails(Mutant::None, preemptions, model), "the protocol itself fails");
    for &mutant in mutants {
        assert!(fails(mutant, preemptions, model), "{mutant:?} was not caught");
    }
}

/// A call of some thread, from a reading of the shared clock to another.
#[derive(Clone, Copy, Debug)]
pub struct Event<O> {
    op: O,
    start: u64,
    end: u64,
    result: u64,
}

/// The answer of an operation whose thread was killed: it takes effect at any time, or never.
pub const UNFINISHED: u64 = u64::MAX;

/// Runs the operations of each thread, the first one's here, and then those of `last`; all that was answered.
pub fn history<O: Copy + Send + Sync + 'static>(
    threads: &'static [&'static [O]],
    last: &'static [O],
    run: impl Fn(usize, usize, O) -> u64 + Clone + Send + 'static,
) -> Vec<Event<O>> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let clock = Arc::new(AtomicU64::new(1));
    let worker = |thread: usize, ops: &'static [O]| {
        let (run, events, clock) = (run.clone(), events.clone(), clock.clone());
        move || {
            for (k, &op) in ops.iter().enumerate() {
                let start = clock.fetch_add(1, Ordering::AcqRel);
                let result = run(thread, k, op);
                let end = clock.fetch_add(1, Ordering::AcqRel);
                let end = if result == UNFINISHED { u64::MAX } else { end };
                events.lock().unwrap().push(Event { op, start, end, result });
            }
        }
    };
    let others: Vec<_> = (1..threads.len())
        .map(|thread| loom::thread::spawn(worker(thread, threads[thread])))
        .collect();
    worker(0, threads[0])();
    for other in others {
        other.join().unwrap();
    }
    worker(threads.len(), last)();
    let events = events.lock().unwrap();
    events.clone()
}

/// Is there an order of these events, each between its start and its end, that one thread could have made?
pub fn linearizable<O: Copy, S: Clone>(
    events: &[Event<O>],
    state: &S,
    apply: &impl Fn(O, &mut S) -> u64,
    done: u32,
) -> bool {
    if done == (1 << events.len()) - 1 {
        return true;
    }
    (0..events.len()).filter(|i| done >> i & 1 == 0).any(|i| {
        let overtaken = (0..events.len())
            .any(|j| j != i && done >> j & 1 == 0 && events[j].end < events[i].start);
        let mut state = state.clone();
        !overtaken
            && apply(events[i].op, &mut state) == events[i].result
            && linearizable(events, &state, apply, done | 1 << i)
    })
}

/// As [`proves`], of a model in which somebody is killed after so many steps, and which answers whether he was: after
/// none, one, and so on, until he comes to the end of his work.
pub fn proves_killed(
    preemptions: usize,
    model: impl Fn(u32) -> bool + Copy + Send + Sync + 'static,
    mutants: &[Mutant],
) {
    let mut steps = 0;
    loop {
        let was_killed = std::sync::Arc::new(AtomicBool::new(false));
        let told = was_killed.clone();
        let failed = fails(Mutant::None, preemptions, move || {
            if model(steps) {
                told.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        });
        assert!(!failed, "the protocol itself fails, killed after {steps} steps");
        if !was_killed.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        steps += 1;
    }
    for &mutant in mutants {
        let caught = (0..=steps).any(|steps| {
            fails(mutant, preemptions, move || {
                model(steps);
            })
        });
        assert!(caught, "{mutant:?} was not caught");
    }
}

/// What a killed thread unwinds with: nothing is printed, and nothing but what unwinds anyhow is undone.
struct Killed;

/// Ends the thread's work here, as a signal that cannot be caught would.
pub fn die() -> ! {
    std::panic::resume_unwind(Box::new(Killed))
}

/// Runs a thread's work; `true`: it was killed.
pub fn killed(work: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => false,
        Err(payload) if payload.is::<Killed>() => true,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}
