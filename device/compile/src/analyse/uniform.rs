//! Which values are the same in neighbouring invocations, and where control flow parts them.
//!
//! The same analysis serves two circles of neighbours: the four lanes of a vector, and a whole workgroup. It starts from "all
//! is the same, nothing diverges" and takes that back until nothing changes. A lane's value counts only while the lane is
//! active.

use super::align::{cut, low_zeros};
use super::tree::{At, Exit, Kind, Source, Tree, one_load};
use crate::ir::{Bin, Input, Kernel, Label, Op, Place, Space, Stmt, Value};
use std::collections::BTreeSet;

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
struct Parting {
    /// Position of the first exit that some lanes take and others do not.
    leaves: Option<u32>,
    /// The same for `continue`.
    parks: Option<u32>,
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
        self.divergent.contains(&std::ptr::from_ref(exit))
    }
}

struct Analysis<'k> {
    kernel: &'k Kernel,
    tree: &'k Tree<'k>,
    circle: Circle,
    zeros: Vec<u32>,
    values: Vec<Option<Spread>>,
    vars: Vec<Option<Spread>>,
    blend: Vec<bool>,
    partings: Vec<Parting>,
    divergent: BTreeSet<*const Stmt>,
    changed: bool,
}

pub(crate) fn analyse(kernel: &Kernel, circle: Circle) -> Facts {
    let tree = Tree::of(kernel);
    let mut analysis = Analysis {
        kernel,
        tree: &tree,
        circle,
        zeros: low_zeros(kernel),
        values: vec![None; kernel.values.len()],
        vars: vec![None; kernel.vars.len()],
        blend: vec![false; kernel.vars.len()],
        partings: vec![Parting::default(); kernel.labels as usize],
        divergent: BTreeSet::new(),
        changed: true,
    };
    while std::mem::take(&mut analysis.changed) {
        analysis.round();
    }
    let settled = |spreads: &[Option<Spread>]| spreads.iter().map(|spread| spread.unwrap_or(Spread::Linear(0))).collect();
    Facts {
        values: settled(&analysis.values),
        vars: settled(&analysis.vars),
        blend: analysis.blend,
        partings: analysis.partings,
        divergent: analysis.divergent,
    }
}

/// What both spreads have in common.
fn join(a: Option<Spread>, b: Option<Spread>) -> Option<Spread> {
    match (a, b) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) if a == b => Some(a),
        _ => Some(Spread::Varying),
    }
}

impl Analysis<'_> {
    fn round(&mut self) {
        for (value, source) in &self.tree.definitions {
            let spread = match source {
                Source::Op => self.op(*value),
                Source::Load { agreed: true, .. } => Some(Spread::Linear(0)),
                Source::Load { place, .. } => self.read(place, place.space == Space::Constant),
                Source::Atomic { place, is_load: true } => self.read(place, false),
                Source::Atomic { .. } => Some(Spread::Varying),
            };
            let index = value.0 as usize;
            let joined = join(self.values[index], spread);
            self.changed |= joined != self.values[index];
            self.values[index] = joined;
        }
        for (label, until, at) in &self.tree.untils {
            if !self.same(*until) {
                self.part(*label, at.order, false);
            }
        }
        for exit in &self.tree.exits {
            self.exit(exit);
        }
        for var in 0..self.vars.len() {
            self.var(var);
        }
    }

    fn spread(&self, value: Value) -> Option<Spread> {
        self.values[value.0 as usize]
    }

    fn same(&self, value: Value) -> bool {
        matches!(self.spread(value), None | Some(Spread::Linear(0)))
    }

    fn read(&self, place: &Place, fixed: bool) -> Option<Spread> {
        let steady = self.circle == Circle::Vector || fixed;
        let same = place.terms.iter().all(|term| self.same(term.index));
        Some(if one_load(place) && steady && same {
            Spread::Linear(0)
        } else {
            Spread::Varying
        })
    }

    fn op(&self, value: Value) -> Option<Spread> {
        use Spread::{Linear, Varying};
        let [x, y, _] = self.kernel.workgroup_size;
        let in_vector = self.circle == Circle::Vector;
        let constant = |value: Value| match self.kernel.values[value.0 as usize].op {
            Op::Const(bits) => Some(bits as i32),
            _ => None,
        };
        let operands: &[Value] = match &self.kernel.values[value.0 as usize].op {
            Op::Const(_) => return Some(Linear(0)),
            Op::Get(var) => return self.vars[var.0 as usize],
            Op::Loaded => return None,
            Op::Input(input) => {
                let spread = match input {
                    Input::LocalIndex if in_vector => Linear(1),
                    Input::LocalX if in_vector && x % 4 == 0 => Linear(1),
                    Input::LocalY if in_vector && x % 4 == 0 => Linear(0),
                    Input::LocalZ if in_vector && x * y % 4 == 0 => Linear(0),
                    Input::LocalX | Input::LocalY | Input::LocalZ | Input::LocalIndex => Varying,
                    _ => Linear(0),
                };
                return Some(spread);
            }
            Op::Bin(bin, a, b) => {
                let (Some(from), Some(to)) = (self.spread(*a), self.spread(*b)) else {
                    return None;
                };
                if let (Linear(s), Linear(t)) = (from, to) {
                    let linear = match bin {
                        _ if s == 0 && t == 0 => Some(0),
                        Bin::IAdd => Some(s.wrapping_add(t)),
                        Bin::ISub => Some(s.wrapping_sub(t)),
                        Bin::IMul if t == 0 => constant(*b).map(|b| s.wrapping_mul(b)),
                        Bin::IMul if s == 0 => constant(*a).map(|a| t.wrapping_mul(a)),
                        Bin::ShrU | Bin::ShrS | Bin::And if t == 0 && in_vector => {
                            let cut = constant(*b).and_then(|by| cut(*bin, s, self.zeros[a.0 as usize], by as u32));
                            return Some(cut.unwrap_or(Varying));
                        }
                        Bin::Shl if t == 0 => constant(*b).map(|b| s.wrapping_shl(b as u32)),
                        _ => None,
                    };
                    return Some(linear.map_or(Varying, Linear));
                }
                return Some(Varying);
            }
            Op::Un(_, a) => &[*a],
            Op::Select(c, a, b) => &[*c, *a, *b],
        };
        if operands.iter().any(|operand| self.spread(*operand).is_none()) {
            return None;
        }
        Some(if operands.iter().all(|operand| self.same(*operand)) {
            Linear(0)
        } else {
            Varying
        })
    }

    /// Whether lanes that run `inner` together at its start may not all be together at this position.
    fn apart(&self, outer: usize, at: At, exempt: impl Fn(Label) -> bool) -> bool {
        let mut block = at.block;
        while block > outer {
            let leaves = |label: Label| !exempt(label) && self.partings[label.0 as usize].leaves.is_some();
            let gone = match self.tree.blocks[block].kind {
                Kind::Root => false,
                Kind::Branch(cond) => !self.same(cond),
                Kind::Body(label) => {
                    let parked = self.partings[label.0 as usize].parks.is_some_and(|parks| parks < at.order);
                    leaves(label) || parked
                }
                Kind::Next(label) => leaves(label),
                Kind::Scope(label) => {
                    !exempt(label) && self.partings[label.0 as usize].leaves.is_some_and(|leaves| leaves < at.order)
                }
            };
            if gone {
                return true;
            }
            block = self.tree.blocks[block].parent;
        }
        false
    }

    fn part(&mut self, label: Label, order: u32, is_continue: bool) {
        let parting = &mut self.partings[label.0 as usize];
        let slot = if is_continue {
            &mut parting.parks
        } else {
            &mut parting.leaves
        };
        if slot.is_none_or(|first| order < first) {
            *slot = Some(order);
            self.changed = true;
        }
    }

    fn exit(&mut self, exit: &Exit) {
        // The block around the loop or scope, and what lies between.
        let mut crossed = Vec::new();
        let mut block = exit.at.block;
        loop {
            match self.tree.blocks[block].kind {
                Kind::Body(label) | Kind::Next(label) | Kind::Scope(label) => {
                    if label == exit.target {
                        break;
                    }
                    crossed.push(label);
                }
                Kind::Root => break,
                Kind::Branch(_) => {}
            }
            block = self.tree.blocks[block].parent;
        }
        let around = self.tree.blocks[block].parent;
        if self.apart(around, exit.at, |label| label == exit.target) {
            self.part(exit.target, exit.at.order, exit.is_continue);
            crossed.into_iter().for_each(|label| self.part(label, exit.at.order, false));
            self.changed |= self.divergent.insert(exit.stmt);
        }
    }

    /// A variable is the same in all lanes that read it when some `Set` comes before all reads in its own block, and no lane
    /// that reads misses a later one.
    fn var(&mut self, var: usize) {
        const CANDIDATES_MAX: usize = 32;
        let sets = &self.tree.sets[var];
        let found = sets.iter().rev().take(CANDIDATES_MAX).find(|first| self.rules(var, first.0));
        let (spread, blend) = match found {
            Some((first, _)) => {
                let relevant = sets
                    .iter()
                    .filter(|(at, _)| at.order >= first.order && self.tree.within(first.block, at.block));
                (
                    relevant.fold(None, |spread, (_, value)| join(spread, self.spread(*value))),
                    false,
                )
            }
            None if self.tree.gets[var].is_empty() => (Some(Spread::Linear(0)), false),
            None => (Some(Spread::Varying), true),
        };
        let joined = join(self.vars[var], spread);
        let blend = self.blend[var] || blend;
        self.changed |= joined != self.vars[var] || blend != self.blend[var];
        self.vars[var] = joined;
        self.blend[var] = blend;
    }

    fn rules(&self, var: usize, first: At) -> bool {
        let gets = &self.tree.gets[var];
        gets.iter()
            .all(|get| get.order > first.order && self.tree.within(first.block, get.block))
            && self.tree.sets[var]
                .iter()
                .filter(|(at, _)| at.order > first.order && self.tree.within(first.block, at.block))
                .all(|(at, _)| {
                    let ends_with_it = |label| gets.iter().all(|get| self.tree.within_label(label, get.block));
                    !self.apart(first.block, *at, ends_with_it)
                })
    }
}
