//! A linearizability checker after Wing and Gong (1993) with Lowe's memory of visited states (2017): a history is
//! linearizable if its calls can be put in an order that a sequential model accepts, in which no call comes
//! before one that had returned when it was made.

use hashbrown::HashSet;
use std::hash::Hash;

/// One call as it was recorded. Times are readings of one shared counter.
#[derive(Clone, Debug)]
pub struct Call<O, R> {
    pub thread: usize,
    pub called: u64,
    pub returned: u64,
    pub op: O,
    pub result: R,
}

/// A call that never returned, because its process was killed: it took effect at some moment after it was made, or never.
#[derive(Clone, Debug)]
pub struct Maybe<O> {
    pub thread: usize,
    pub called: u64,
    pub op: O,
}

/// The sequential rules of the object.
pub trait Model {
    type Op;
    type Result;
    type State: Clone + Eq + Hash;
    /// Each state that there may be after this call has answered this; none, if it cannot have.
    fn steps(&self, state: &Self::State, op: &Self::Op, result: &Self::Result) -> Vec<Self::State>;
    /// The states after this call whose answer nobody got, those that differ from `state`.
    fn effects(&self, state: &Self::State, op: &Self::Op) -> Vec<Self::State>;
}

/// The longest history that can be checked: one bit of a word for each call.
pub const CALLS_MAX: usize = 128;

/// Looks for an order of the calls. An error holds the largest count of calls that any order explains.
pub fn check<M: Model>(
    model: &M,
    start: M::State,
    history: &[Call<M::Op, M::Result>],
) -> Result<(), usize> {
    check_with(model, start, history, &[])
}

/// The same, beside calls that never returned, each of which may be in the order or not.
pub fn check_with<M: Model>(
    model: &M,
    start: M::State,
    history: &[Call<M::Op, M::Result>],
    maybe: &[Maybe<M::Op>],
) -> Result<(), usize> {
    let count = history.len() + maybe.len();
    assert!(count <= CALLS_MAX, "{count} calls");
    let mut order: Vec<usize> = (0..history.len()).collect();
    order.sort_unstable_by_key(|at| history[*at].called);
    let mut search = Search { model, history, maybe, order, seen: HashSet::new(), most: 0 };
    if search.explains(0, start) { Ok(()) } else { Err(search.most as usize) }
}

struct Search<'a, M: Model> {
    model: &'a M,
    history: &'a [Call<M::Op, M::Result>],
    /// Their bits in a set of calls come behind those of the history.
    maybe: &'a [Maybe<M::Op>],
    /// The calls by the time they were made.
    order: Vec<usize>,
    /// What was tried in vain: the calls put in order so far, and the state they led to.
    seen: HashSet<(u128, M::State)>,
    most: u32,
}

impl<M: Model> Search<'_, M> {
    /// Can the calls that are not `done` follow, from this state?
    fn explains(&mut self, done: u128, state: M::State) -> bool {
        let returned = done.count_ones() - self.maybes(done);
        self.most = self.most.max(returned);
        if returned as usize == self.history.len() {
            return true;
        }
        if !self.seen.insert((done, state.clone())) {
            return false;
        }
        let open = |at: &usize| done & (1 << at) == 0;
        let returns = self.order.iter().filter(|at| open(at));
        let horizon = returns.map(|at| self.history[*at].returned).min();
        let horizon = horizon.expect("a call is open");
        // Whatever was called after another open call had returned comes after that one.
        let next: Vec<usize> = self
            .order
            .iter()
            .copied()
            .filter(|at| open(at))
            .take_while(|at| self.history[*at].called < horizon)
            .collect();
        let explained = next.into_iter().any(|at| {
            let call = &self.history[at];
            let after = self.model.steps(&state, &call.op, &call.result);
            after.into_iter().any(|after| self.explains(done | 1 << at, after))
        });
        explained || self.explains_with_maybe(done, &state, horizon)
    }

    /// The same, if a call that never returned comes next.
    fn explains_with_maybe(&mut self, done: u128, state: &M::State, horizon: u64) -> bool {
        let (model, maybe) = (self.model, self.maybe);
        maybe.iter().enumerate().any(|(at, call)| {
            let bit = 1 << (self.history.len() + at);
            done & bit == 0
                && call.called < horizon
                && model.effects(state, &call.op).into_iter().any(|s| self.explains(done | bit, s))
        })
    }

    fn maybes(&self, done: u128) -> u32 {
        match self.maybe.is_empty() {
            true => 0,
            false => (done >> self.history.len()).count_ones(),
        }
    }
}
