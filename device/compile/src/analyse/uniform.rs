//! Which values are the same in neighbouring invocations, and where control flow parts them.
//!
//! The analysis runs at two scopes: the four lanes of a vector, and a whole workgroup. It is optimistic: it starts from "every value is uniform, nothing
//! diverges" and weakens that until a fixed point is reached. A value is of one `spread`: uniform, linear in the lane's index, or varying. Inactive lanes
//! do not count.
//!
//! A worklist carries each change to what depends on it (`users`, [`Event`]), so that each dependency is looked at a bounded number of
//! times: the cost grows with the kernel's size times its nesting.

use super::align::low_zeros;
use super::tree::{At, Kind, Source, Tree};
use super::users::{User, Users};
use crate::ir::{Kernel, Label, Stmt, Value, Var};
use std::collections::{BTreeSet, VecDeque};

/// Whose values are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Circle {
    Vector,
    Workgroup,
}

/// How a value differs from lane to lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spread {
    /// Lane l has the first lane's value plus l times this; 0 means all are the same.
    Linear(i32),
    Varying,
}

/// Where lanes part at a loop or a scope.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Parting {
    /// Position of the first exit that some lanes take and others do not.
    pub(super) leaves: Option<u32>,
    /// The same for `continue`.
    pub(super) parks: Option<u32>,
}

/// What the analysis found.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) values: Vec<Spread>,
    pub(crate) vars: Vec<Spread>,
    /// A variable's old value matters in lanes that do not take part in a `Set`.
    pub(crate) blend: Vec<bool>,
    partings: Vec<Parting>,
    divergent: BTreeSet<*const Stmt>,
    /// Steps that the analysis took: a measure of its cost that does not depend on the machine.
    pub(crate) steps: u64,
}

impl Facts {
    pub(crate) fn uniform(&self, value: Value) -> bool {
        self.values[value.0 as usize] == Spread::Linear(0)
    }

    /// Some lanes leave the loop or scope before others do.
    pub(crate) fn leaves(&self, label: Label) -> bool {
        self.partings[label.0 as usize].leaves.is_some()
    }

    /// Some lanes wait for the others at the end of the loop's body.
    pub(crate) fn parks(&self, label: Label) -> bool {
        self.partings[label.0 as usize].parks.is_some()
    }

    /// Not all of the lanes that are in the loop or scope take this exit.
    pub(crate) fn diverges(&self, exit: &Stmt) -> bool {
        self.diverges_at(exit)
    }

    /// The same for a statement by its address.
    pub(super) fn diverges_at(&self, exit: *const Stmt) -> bool {
        self.divergent.contains(&exit)
    }
}

/// Lanes are found to part: what lies in the interval of orders, above `start` and up to `end`, is to be looked at again.
#[derive(Clone, Copy)]
struct Event {
    /// Exits from blocks below this number are affected, and variables first set in blocks below it.
    block: usize,
    start: u32,
    end: u32,
    /// The loop or scope that was left, unless lanes part by a condition or wait at the end of a body.
    left: Option<Label>,
    /// Exits from this loop itself are affected, too.
    parked: bool,
}

pub(super) struct Analysis<'k> {
    pub(super) kernel: &'k Kernel,
    pub(super) tree: &'k Tree<'k>,
    pub(super) circle: Circle,
    pub(super) zeros: Vec<u32>,
    pub(super) values: Vec<Option<Spread>>,
    pub(super) vars: Vec<Option<Spread>>,
    pub(super) blend: Vec<bool>,
    pub(super) partings: Vec<Parting>,
    /// Of each variable, which of its assignments comes before all reads as far as known; see [`Analysis::settle`].
    pub(super) firsts: Vec<Option<usize>>,
    sources: Vec<Option<Source<'k>>>,
    users: Users,
    pub(super) divergent: Vec<bool>,
    queue: VecDeque<Value>,
    queued: Vec<bool>,
    events: Vec<Event>,
    pub(super) steps: u64,
}

pub(crate) fn analyse(kernel: &Kernel, circle: Circle) -> Facts {
    let tree = Tree::of(kernel);
    let mut analysis = Analysis::of(kernel, &tree, circle);
    debug_assert_eq!(
        analysis.unsettled(),
        None,
        "the analysis went through all that depends on each other"
    );
    analysis.facts()
}

/// What both spreads have in common.
pub(super) fn join(a: Option<Spread>, b: Option<Spread>) -> Option<Spread> {
    match (a, b) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) if a == b => Some(a),
        _ => Some(Spread::Varying),
    }
}

impl<'k> Analysis<'k> {
    /// Analyse a kernel.
    pub(super) fn of(kernel: &'k Kernel, tree: &'k Tree<'k>, circle: Circle) -> Self {
        let mut sources = vec![None; kernel.values.len()];
        for (value, source) in &tree.definitions {
            sources[value.0 as usize] = Some(*source);
        }
        let mut analysis = Self {
            kernel,
            tree,
            circle,
            zeros: low_zeros(kernel),
            values: vec![None; kernel.values.len()],
            vars: vec![None; kernel.vars.len()],
            blend: vec![false; kernel.vars.len()],
            partings: vec![Parting::default(); kernel.labels as usize],
            firsts: vec![None; kernel.vars.len()],
            sources,
            users: Users::of(kernel, tree),
            divergent: vec![false; tree.exits.len()],
            queue: tree.definitions.iter().map(|(value, _)| *value).collect(),
            queued: vec![true; kernel.values.len()],
            events: Vec::new(),
            steps: 0,
        };
        (0..kernel.vars.len()).for_each(|var| analysis.settle(Var(var as u32)));
        analysis.run();
        analysis
    }

    fn facts(self) -> Facts {
        let settled = |spreads: &[Option<Spread>]| spreads.iter().map(|spread| spread.unwrap_or(Spread::Linear(0))).collect();
        let divergent = self.tree.exits.iter().zip(&self.divergent);
        Facts {
            values: settled(&self.values),
            vars: settled(&self.vars),
            divergent: divergent.filter(|(_, is)| **is).map(|(exit, _)| exit.stmt).collect(),
            blend: self.blend,
            partings: self.partings,
            steps: self.steps,
        }
    }

    fn run(&mut self) {
        loop {
            self.steps += 1;
            if let Some(event) = self.events.pop() {
                self.parted(event);
            } else if let Some(value) = self.queue.pop_front() {
                self.queued[value.0 as usize] = false;
                self.look(value);
            } else {
                break;
            }
        }
    }

    pub(super) fn spread(&self, value: Value) -> Option<Spread> {
        self.values[value.0 as usize]
    }

    pub(super) fn same(&self, value: Value) -> bool {
        matches!(self.spread(value), None | Some(Spread::Linear(0)))
    }

    fn look(&mut self, value: Value) {
        let index = value.0 as usize;
        let Some(source) = self.sources[index] else { return };
        let before = self.values[index];
        let now = join(before, self.spread_of(value, source));
        if now == before {
            return;
        }
        let was_same = self.same(value);
        self.values[index] = now;
        let parts = was_same && !self.same(value);
        for i in 0..self.users.count(value) {
            self.steps += 1;
            match self.users.at(value, i) {
                User::Value(user) => self.again(user),
                User::Assignment(set) => self.assigned(set),
                User::Branch(block) if parts => {
                    let extent = self.tree.blocks[block];
                    self.events.push(Event {
                        block,
                        start: extent.start,
                        end: extent.end,
                        left: None,
                        parked: false,
                    });
                }
                User::Until(label) if parts => {
                    if let Some((_, at)) = self.tree.untils[label.0 as usize] {
                        self.part(label, at.order, false);
                    }
                }
                User::Branch(_) | User::Until(_) => {}
            }
        }
    }

    fn again(&mut self, value: Value) {
        if !std::mem::replace(&mut self.queued[value.0 as usize], true) {
            self.queue.push_back(value);
        }
    }

    /// A variable's spread is at least this.
    pub(super) fn widen(&mut self, var: Var, spread: Option<Spread>) {
        let index = var.0 as usize;
        let joined = join(self.vars[index], spread);
        if joined != self.vars[index] {
            self.vars[index] = joined;
            for i in 0..self.users.readers(var).len() {
                let reader = self.users.readers(var)[i];
                self.again(reader);
            }
        }
    }

    /// Some lanes exit here, and others do not.
    fn part(&mut self, label: Label, order: u32, is_continue: bool) {
        let extent = self.tree.labels[label.0 as usize];
        let parting = &mut self.partings[label.0 as usize];
        let slot = if is_continue {
            &mut parting.parks
        } else {
            &mut parting.leaves
        };
        let before = *slot;
        if before.is_some_and(|first| first <= order) {
            return;
        }
        *slot = Some(order);
        let body = self.tree.blocks[extent.body];
        let (start, end) = match (is_continue, extent.next) {
            (true, _) => (order, before.unwrap_or(body.end)),
            // A lane that left a loop misses all later turns.
            (false, Some(_)) if before.is_none() => (extent.start, extent.end),
            (false, Some(_)) => return,
            (false, None) => (order, before.unwrap_or(body.end)),
        };
        self.events.push(Event {
            block: extent.body,
            start,
            end,
            left: (!is_continue).then_some(label),
            parked: is_continue,
        });
    }

    fn parted(&mut self, event: Event) {
        for exit in self.tree.exits_in(event.start, event.end) {
            self.steps += 1;
            let target = self.tree.labels[self.tree.exits[exit].target.0 as usize].body;
            if target < event.block || event.parked && target == event.block {
                self.fire(exit);
            }
        }
        for set in self.tree.assignments_in(event.start, event.end) {
            self.steps += 1;
            let set = self.tree.assignments[set];
            if let Some(first) = self.firsts[set.var.0 as usize] {
                let first = self.tree.assignments[first].at;
                let exempt = event.left.is_some_and(|label| self.ends_with(set.var, label));
                let counts = first.order < set.at.order && self.tree.within(first.block, set.at.block);
                if counts && first.block < event.block && !exempt {
                    self.settle(set.var);
                }
            }
        }
    }

    /// Not all lanes that are in an exit's target take it.
    fn fire(&mut self, exit: usize) {
        if std::mem::replace(&mut self.divergent[exit], true) {
            return;
        }
        let exit = &self.tree.exits[exit];
        let (target, order, is_continue) = (exit.target, exit.at.order, exit.is_continue);
        let mut block = exit.at.block;
        self.part(target, order, is_continue);
        loop {
            self.steps += 1;
            match self.tree.blocks[block].kind {
                Kind::Body(label) | Kind::Next(label) | Kind::Scope(label) if label == target => return,
                Kind::Body(label) | Kind::Next(label) | Kind::Scope(label) => self.part(label, order, false),
                Kind::Root => return,
                Kind::Branch(_) => {}
            }
            block = self.tree.blocks[block].parent;
        }
    }

    /// Whether all reads of a variable lie in a loop or scope: who left that reads it no more.
    fn ends_with(&self, var: Var, label: Label) -> bool {
        let extent = self.tree.labels[label.0 as usize];
        self.tree.reads_within(var, extent.start, extent.end)
    }

    /// Whether lanes that run block `outer` together may not all be together at this position, for what they leave to a variable.
    pub(super) fn apart(&mut self, outer: usize, at: At, var: Var) -> bool {
        let mut block = at.block;
        while block > outer {
            self.steps += 1;
            let parting = |label: Label| self.partings[label.0 as usize];
            let left = |label: Label, before: u32| {
                parting(label).leaves.is_some_and(|leaves| leaves < before) && !self.ends_with(var, label)
            };
            let gone = match self.tree.blocks[block].kind {
                Kind::Root => false,
                Kind::Branch(cond) => !self.same(cond),
                Kind::Body(label) => {
                    let parked = parting(label).parks.is_some_and(|parks| parks < at.order);
                    left(label, u32::MAX) || parked
                }
                Kind::Next(label) => left(label, u32::MAX),
                Kind::Scope(label) => left(label, at.order),
            };
            if gone {
                return true;
            }
            block = self.tree.blocks[block].parent;
        }
        false
    }
}
