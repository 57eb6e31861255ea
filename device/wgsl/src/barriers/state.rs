//! What the walk knows at a place: which variables vary, and which invocations may be missing.
//!
//! Invariant: joining two states only ever adds variables that vary, so that a loop is walked a bounded number of times.

use std::collections::BTreeSet;

use naga::{Expression, Function, Handle};

/// A variable of an invocation's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Own {
    Local(usize),
    Private(usize),
}

/// Which variables hold varying values.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) locals: Vec<bool>,
    pub(super) privates: Vec<bool>,
}

impl State {
    pub(super) fn slot(&mut self, own: Own) -> &mut bool {
        match own {
            Own::Local(index) => &mut self.locals[index],
            Own::Private(index) => &mut self.privates[index],
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        let join = |ours: &mut [bool], theirs: &[bool]| ours.iter_mut().zip(theirs).for_each(|(our, their)| *our |= their);
        join(&mut self.locals, &other.locals);
        join(&mut self.privates, &other.privates);
    }
}

/// What calling a function does.
#[derive(Clone)]
pub(super) struct Summary {
    /// Its result is varying.
    pub(super) result: bool,
    pub(super) privates: Vec<bool>,
    /// Private variables that it stores to.
    pub(super) assigned: BTreeSet<Own>,
}

/// A loop or switch around a statement.
#[derive(Default)]
pub(super) struct Around {
    pub(super) is_loop: bool,
    /// Some invocations left it, others did not.
    pub(super) left: bool,
    /// Some invocations went on with its next round, others did not.
    pub(super) skipped: bool,
    /// Variables where it was left.
    pub(super) exits: Option<State>,
    /// Variables where its next round was begun early.
    pub(super) continues: Option<State>,
}

/// A function in a situation.
pub(super) struct Activation<'a> {
    pub(super) function: &'a Function,
    pub(super) arguments: Vec<bool>,
    pub(super) called_apart: bool,
    pub(super) values: Vec<bool>,
    /// `None`: this place is not reached.
    pub(super) state: Option<State>,
    /// Variables of the function that are indexed at run time.
    pub(super) indexed: BTreeSet<Own>,
    /// Conditions around that vary, as a count.
    pub(super) divided: u32,
    /// Some invocations returned, others did not.
    pub(super) returned: bool,
    pub(super) around: Vec<Around>,
    pub(super) assigned: BTreeSet<Own>,
    pub(super) result: bool,
    pub(super) returns: Option<State>,
}

impl<'a> Activation<'a> {
    /// Whether invocations that began the function together may be apart here.
    pub(super) fn is_apart(&self) -> bool {
        self.divided > 0 || self.returned || self.around.iter().any(|around| around.left || around.skipped)
    }

    pub(super) fn varying(&self, handle: Handle<Expression>) -> bool {
        self.values[handle.index()]
    }

    pub(super) fn end(into: &mut Option<State>, state: Option<State>) {
        match (into.as_mut(), state) {
            (Some(there), Some(state)) => there.join(&state),
            (None, state) => *into = state,
            _ => {}
        }
    }

    /// What was stored to apart differs from invocation to invocation once they are together again.
    pub(super) fn mix(&mut self, assigned: &BTreeSet<Own>) {
        if let Some(state) = &mut self.state {
            assigned.iter().for_each(|own| *state.slot(*own) = true);
        }
    }
}
