//! The statement tree as a list of blocks with their parents, and everything in it in order.

use crate::ir::{Kernel, Label, Op, Place, Space, Stmt, Value, Var};

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

/// A block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) parent: usize,
}

/// A position: the block, and a number that grows along the program's text.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) block: usize,
    pub(super) order: u32,
}

/// What defines a value.
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

/// Everything the analyses look at.
#[derive(Default)]
pub(super) struct Tree<'k> {
    pub(super) blocks: Vec<Block>,
    /// In order of definition.
    pub(super) definitions: Vec<(Value, Source<'k>)>,
    pub(super) sets: Vec<Vec<(At, Value)>>,
    pub(super) gets: Vec<Vec<At>>,
    pub(super) exits: Vec<Exit>,
    /// Loops that end on a condition.
    pub(super) untils: Vec<(Label, Value, At)>,
    order: u32,
}

impl<'k> Tree<'k> {
    pub(super) fn of(kernel: &'k Kernel) -> Self {
        let mut tree = Self::default();
        tree.sets.resize_with(kernel.vars.len(), Vec::new);
        tree.gets.resize_with(kernel.vars.len(), Vec::new);
        tree.blocks.push(Block {
            kind: Kind::Root,
            parent: 0,
        });
        tree.block(kernel, &kernel.body, 0);
        tree
    }

    fn inside(&mut self, kernel: &'k Kernel, stmts: &'k [Stmt], kind: Kind, parent: usize) -> usize {
        self.blocks.push(Block { kind, parent });
        let block = self.blocks.len() - 1;
        self.block(kernel, stmts, block);
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
                        self.gets[var as usize].push(at);
                    }
                    self.definitions.push((*value, Source::Op));
                }
                Stmt::Set(var, value) => self.sets[var.0 as usize].push((at, *value)),
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
                        let is_load = *rmw == crate::ir::Rmw::Load;
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
                    self.inside(kernel, body, Kind::Body(*label), block);
                    let next = self.inside(kernel, next, Kind::Next(*label), block);
                    self.order += 1;
                    if let Some(until) = until {
                        self.untils.push((
                            *label,
                            *until,
                            At {
                                block: next,
                                order: self.order,
                            },
                        ));
                    }
                }
                Stmt::Scope { label, body } => {
                    self.inside(kernel, body, Kind::Scope(*label), block);
                }
                Stmt::Break(target) => self.exits.push(Exit {
                    stmt,
                    target: *target,
                    is_continue: false,
                    at,
                }),
                Stmt::Continue(target) => self.exits.push(Exit {
                    stmt,
                    target: *target,
                    is_continue: true,
                    at,
                }),
                Stmt::Store { .. } | Stmt::Zero { .. } | Stmt::Barrier(_) | Stmt::Watch(..) => {}
            }
        }
    }

    /// Whether `block` is `outer` or lies in it.
    pub(super) fn within(&self, outer: usize, mut block: usize) -> bool {
        // A block's number is larger than its parent's.
        while block > outer {
            block = self.blocks[block].parent;
        }
        block == outer
    }

    /// Whether `block` lies in the loop or scope.
    pub(super) fn within_label(&self, label: Label, mut block: usize) -> bool {
        loop {
            match self.blocks[block].kind {
                Kind::Body(inner) | Kind::Next(inner) | Kind::Scope(inner) if inner == label => return true,
                Kind::Root => return false,
                _ => block = self.blocks[block].parent,
            }
        }
    }
}

/// Whether all invocations may read this place with one load.
pub(super) fn one_load(place: &Place) -> bool {
    place.space != Space::Private
}
