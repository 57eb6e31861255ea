//! An entry point walked once for all invocations: what it reads and writes where, in which order, between which barriers.
//!
//! | module | owns |
//! |---|---|
//! | `value` | integers as sums of unknowns, and what a value depends on |
//! | `truth` | conditions |
//! | `eval`, `arith` | expressions; arithmetic |
//! | `walk` | statements and calls |
//! | `flow`, `loops` | branches and switches; loops |
//! | `memory` | variables, accesses and barriers |
//! | `outside` | whether an access is out of bounds |
//! | `race` | whether two accesses meet |
//! | `passing` | which invocations get through conditions |
//!
//! Invariant: the walk claims only what it can prove. What it does not follow (data, products of unknowns, texts beyond its
//! budget) is unknown, and nothing is said about it.

use std::collections::BTreeMap;
use std::ops::Range;

use naga::{GlobalVariable, Handle};

use super::scope::Point;

mod arith;
mod eval;
mod flow;
mod loops;
mod memory;
mod outside;
mod passing;
mod race;
mod truth;
mod value;
mod walk;

pub(super) use value::Deps;

/// How many invocations run, as far as known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Invocations of a workgroup along each axis.
    pub(super) size: [u32; 3],
    /// Workgroups along each axis.
    pub(super) groups: Option<[u32; 3]>,
}

/// Two accesses of one variable by different invocations, with nothing between that orders them.
#[derive(Clone, Debug)]
pub(super) struct Race {
    pub(super) variable: Handle<GlobalVariable>,
    /// The one that comes first in the text's order of execution.
    pub(super) first: Use,
    /// The other one; the same place where invocations meet in one statement.
    pub(super) second: Use,
}

/// An access, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) span: Range<usize>,
    pub(super) write: bool,
}

/// A call, with what its arguments depend on.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: String,
    /// Functions it was called from, outermost first.
    pub(super) within: Vec<String>,
    pub(super) span: Range<usize>,
    pub(super) deps: Deps,
    /// Whether it is certain that more than one invocation makes it.
    pub(super) by_many: bool,
}

/// An access out of bounds that is certainly made.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    pub(super) variable: Handle<GlobalVariable>,
    pub(super) span: Range<usize>,
    pub(super) index: u32,
    /// How many there are.
    pub(super) length: u32,
    /// `global_invocation_id` of one that makes it.
    pub(super) invocation: [u32; 3],
}

/// What a walk found.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    pub(super) races: Vec<Race>,
    pub(super) calls: Vec<Call>,
    pub(super) outside: Vec<Outside>,
}

/// Walk an entry point.
pub(super) fn trace(point: &Point<'_>) -> Trace {
    walk::Walker::new(point).run()
}

/// Values of `override` constants by index, where they are known.
pub(super) type Overrides = BTreeMap<usize, f64>;
