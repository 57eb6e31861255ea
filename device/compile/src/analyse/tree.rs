//! The statement tree as a list of blocks with their extents, and everything in it in order of the text.
//!
//! Invariant: orders grow along the text, and a block's number is larger than its parent's. So what lies in a block is an interval of
//! orders and an interval of block numbers, and "is within" costs two comparisons.

use std::ops::Range;

use crate::ir::{Kernel, Label, Op, Place, Rmw, Space, Stmt, Value, Var};

/// What a block belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Root,
    /// A branch of an `if` with this condition.
    Branch(Value),
    /// A loop's body.
    Body(Label),
    /// A loop's continuing part.
    Next(Label),
    /// A scope's body.
    Scope(Label),
}

/// A block: statements in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) parent: usize,
    /// The largest number of a block in it.
    pub(super) last: usize,
    /// What lies in it has orders above this,
    pub(super) start: u32,
    /// and up to this.
    pub(super) end: u32,
}

/// A position: the block, and a number that grows along the program's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) block: usize,
    pub(super) order: u32,
}

/// What defines a value.
#[derive(Clone, Copy)]
pub(super) enum Source<'k> {
    Op,
    Load {
        place: &'k Place,
        agreed: bool,
    },
    /// An atomic load gives what every lane of a vector sees; no other atomic does.
    Atomic {
        place: &'k Place,
        is_load: bool,
    },
}

/// A way out of a loop or a scope.
pub(super) struct Exit {
    /// The statement's address names it.
    pub(super) stmt: *const Stmt,
    pub(super) target: Label,
    pub(super) is_continue: bool,
    pub(super) at: At,
}

/// An assignment to a variable.
#[derive(Clone, Copy)]
pub(super) struct Assignment {
    /// The statement's address names it.
    pub(super) stmt: *const Stmt,
    pub(super) at: At,
    pub(super) var: Var,
    pub(super) value: Value,
}

/// A loop or a scope.
#[derive(Clone, Copy, Default)]
pub(super) struct Extent {
    /// The block of its body.
    pub(super) body: usize,
    /// The block of a loop's continuing part.
    pub(super) next: Option<usize>,
    /// What lies in it has orders above this,
    pub(super) start: u32,
    /// and up to this.
    pub(super) end: u32,
}

/// Everything the analyses look at.
#[derive(Default)]
pub(super) struct Tree<'k> {
    pub(super) blocks: Vec<Block>,
    /// In order of definition.
    pub(super) definitions: Vec<(Value, Source<'k>)>,
    /// In order.
    pub(super) assignments: Vec<Assignment>,
    /// Of each variable, indices into `assignments`, in order.
    pub(super) sets: Vec<Vec<usize>>,
    /// Of each variable, the orders of the first and the last read.
    pub(super) gets: Vec<Option<(u32, u32)>>,
    /// In order.
    pub(super) exits: Vec<Exit>,
    /// Loops that end on a condition, by label.
    pub(super) untils: Vec<Option<(Value, At)>>,
    pub(super) labels: Vec<Extent>,
    order: u32,
}

impl<'k> Tree<'k> {
    pub(super) fn of(kernel: &'k Kernel) -> Self {
        let mut tree = Self::default();
        tree.sets.resize_with(kernel.vars.len(), Vec::new);
        tree.gets.resize(kernel.vars.len(), None);
        tree.untils.resize(kernel.labels as usize, None);
        tree.labels.resize(kernel.labels as usize, Extent::default());
        tree.inside(kernel, &kernel.body, Kind::Root, 0);
        tree
    }

    fn inside(&mut self, kernel: &'k Kernel, stmts: &'k [Stmt], kind: Kind, parent: usize) -> usize {
        let block = self.blocks.len();
        self.blocks.push(Block {
            kind,
            parent,
            last: block,
            start: self.order,
            end: self.order,
        });
        self.block(kernel, stmts, block);
        self.blocks[block].last = self.blocks.len() - 1;
        self.blocks[block].end = self.order;
        block
    }

    fn block(&mut self, kernel: &'k Kernel, stmts: &'k [Stmt], block: usize) {
        for stmt in stmts {
            self.order += 1;
            let at = At {
                block,
                order: self.order,
            };
            match stmt {
                Stmt::Let(value) => {
                    if let Op::Get(Var(var)) = kernel.values[value.0 as usize].op {
                        let gets = self.gets[var as usize].get_or_insert((at.order, at.order));
                        gets.1 = at.order;
                    }
                    self.definitions.push((*value, Source::Op));
                }
                Stmt::Set(var, value) => {
                    self.sets[var.0 as usize].push(self.assignments.len());
                    self.assignments.push(Assignment {
                        stmt,
                        at,
                        var: *var,
                        value: *value,
                    });
                }
                Stmt::Load {
                    first,
                    count,
                    at: place,
                    agreed,
                } => {
                    for i in 0..*count {
                        self.definitions
                            .push((Value(first.0 + i), Source::Load { place, agreed: *agreed }));
                    }
                }
                Stmt::Atomic {
                    result, rmw, at: place, ..
                } => {
                    if let Some(result) = result {
                        let is_load = *rmw == Rmw::Load;
                        self.definitions.push((*result, Source::Atomic { place, is_load }));
                    }
                }
                Stmt::If { cond, yes, no } => {
                    self.inside(kernel, yes, Kind::Branch(*cond), block);
                    self.inside(kernel, no, Kind::Branch(*cond), block);
                }
                Stmt::Loop {
                    label,
                    body,
                    next,
                    until,
                } => {
                    let body = self.inside(kernel, body, Kind::Body(*label), block);
                    let next = self.inside(kernel, next, Kind::Next(*label), block);
                    self.order += 1;
                    self.labels[label.0 as usize] = Extent {
                        body,
                        next: Some(next),
                        start: at.order,
                        end: self.order,
                    };
                    let order = self.order;
                    self.untils[label.0 as usize] = until.map(|until| (until, At { block: next, order }));
                }
                Stmt::Scope { label, body } => {
                    let body = self.inside(kernel, body, Kind::Scope(*label), block);
                    self.labels[label.0 as usize] = Extent {
                        body,
                        next: None,
                        start: at.order,
                        end: self.order,
                    };
                }
                Stmt::Break(target) | Stmt::Continue(target) => self.exits.push(Exit {
                    stmt,
                    target: *target,
                    is_continue: matches!(stmt, Stmt::Continue(_)),
                    at,
                }),
                Stmt::Finish(_) | Stmt::Store { .. } | Stmt::Zero { .. } | Stmt::Barrier(_) | Stmt::Watch(..) => {}
            }
        }
    }

    /// Whether `block` is `outer` or lies in it.
    pub(super) fn within(&self, outer: usize, block: usize) -> bool {
        outer <= block && block <= self.blocks[outer].last
    }

    /// Whether all reads of a variable lie in an interval of orders, above `start` and up to `end`.
    pub(super) fn reads_within(&self, var: Var, start: u32, end: u32) -> bool {
        self.gets[var.0 as usize].is_none_or(|(first, last)| start < first && last <= end)
    }

    /// Exits whose orders are above `start` and up to `end`.
    pub(super) fn exits_in(&self, start: u32, end: u32) -> Range<usize> {
        let index = |order: u32| self.exits.partition_point(|exit| exit.at.order <= order);
        index(start)..index(end)
    }

    /// Assignments whose orders are above `start` and up to `end`.
    pub(super) fn assignments_in(&self, start: u32, end: u32) -> Range<usize> {
        let index = |order: u32| self.assignments.partition_point(|set| set.at.order <= order);
        index(start)..index(end)
    }
}

/// Whether all invocations may read this place with one load.
pub(super) fn one_load(place: &Place) -> bool {
    place.space != Space::Private
}
