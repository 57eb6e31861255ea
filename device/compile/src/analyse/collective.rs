//! Which statements belong to the control flow of the workgroup as a whole, and which values it depends on.
//!
//! What contains a barrier is collective; so are the conditions of what is, all that these conditions are computed from, and the exits
//! of loops and scopes that are. Each is found once, from what made it so.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{Kind, Tree};
use super::uniform::Facts;
use crate::ir::{Kernel, Label, Op, Stmt, Value, Var};

/// What belongs to the workgroup.
pub(super) struct Collective {
    labels: BTreeSet<Label>,
    values: BTreeSet<Value>,
    vars: BTreeSet<Var>,
    /// Statements, by address.
    stmts: BTreeSet<*const Stmt>,
}

pub(super) fn has_barrier(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Barrier(_) | Stmt::Load { agreed: true, .. } => true,
        _ => stmt.blocks().flatten().any(has_barrier),
    }
}

impl Collective {
    /// `None` for a kernel without barriers. `facts` are those of the workgroup.
    pub(super) fn of(kernel: &Kernel, facts: &Facts) -> Option<Self> {
        if !kernel.body.iter().any(has_barrier) {
            return None;
        }
        let tree = Tree::of(kernel);
        let mut finder = Finder {
            kernel,
            facts,
            exits: exits(&tree),
            tree: &tree,
            owners: Vec::new(),
            loads: BTreeMap::new(),
            needed: Vec::new(),
            blocks: vec![false; tree.blocks.len()],
            found: Self {
                labels: BTreeSet::new(),
                values: BTreeSet::new(),
                vars: BTreeSet::new(),
                stmts: BTreeSet::new(),
            },
        };
        finder.owners.resize(tree.blocks.len(), None);
        let mut block = 0;
        let mut barriers = Vec::new();
        finder.gather(&kernel.body, &mut block, &mut barriers);
        for (barrier, block) in barriers {
            finder.stmt(barrier, block);
        }
        while let Some(value) = finder.needed.pop() {
            finder.value(value);
        }
        Some(finder.found)
    }

    pub(super) fn label(&self, label: Label) -> bool {
        self.labels.contains(&label)
    }

    pub(super) fn value(&self, value: Value) -> bool {
        self.values.contains(&value)
    }

    pub(super) fn var(&self, var: Var) -> bool {
        self.vars.contains(&var)
    }

    pub(super) fn stmt(&self, stmt: &Stmt) -> bool {
        self.stmts.contains(&std::ptr::from_ref(stmt))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Value> {
        self.values.iter().copied()
    }
}

/// Of each label, the exits to it, by number.
fn exits(tree: &Tree<'_>) -> Vec<Vec<usize>> {
    let mut exits = vec![Vec::new(); tree.labels.len()];
    for (number, exit) in tree.exits.iter().enumerate() {
        exits[exit.target.0 as usize].push(number);
    }
    exits
}

struct Finder<'k> {
    kernel: &'k Kernel,
    facts: &'k Facts,
    tree: &'k Tree<'k>,
    exits: Vec<Vec<usize>>,
    /// The statement that each block belongs to.
    owners: Vec<Option<&'k Stmt>>,
    /// By the first value that a load defines.
    loads: BTreeMap<Value, &'k Stmt>,
    /// Values still to be followed.
    needed: Vec<Value>,
    /// Blocks that hold something collective.
    blocks: Vec<bool>,
    found: Collective,
}

impl<'k> Finder<'k> {
    /// Goes through the statements as [`Tree`] did, so that blocks have the same numbers; notes barriers with their blocks.
    fn gather(&mut self, stmts: &'k [Stmt], next_block: &mut usize, barriers: &mut Vec<(&'k Stmt, usize)>) {
        let block = *next_block;
        *next_block += 1;
        for stmt in stmts {
            match stmt {
                Stmt::Load { first, agreed, .. } => {
                    self.loads.insert(*first, stmt);
                    if *agreed {
                        self.needed.push(*first);
                        barriers.push((stmt, block));
                    }
                }
                Stmt::Barrier(_) => barriers.push((stmt, block)),
                _ => {}
            }
            for inner in stmt.blocks() {
                self.owners[*next_block] = Some(stmt);
                self.gather(inner, next_block, barriers);
            }
        }
    }

    /// A statement is collective, and with it all that it lies in.
    fn stmt(&mut self, stmt: *const Stmt, mut block: usize) {
        self.found.stmts.insert(stmt);
        while !std::mem::replace(&mut self.blocks[block], true) {
            if let Some(owner) = self.owners[block] {
                self.found.stmts.insert(owner);
            }
            match self.tree.blocks[block].kind {
                Kind::Root => return,
                Kind::Branch(cond) => self.needed.push(cond),
                Kind::Body(label) | Kind::Next(label) | Kind::Scope(label) => self.label(label),
            }
            block = self.tree.blocks[block].parent;
        }
    }

    fn label(&mut self, label: Label) {
        if !self.found.labels.insert(label) {
            return;
        }
        self.needed.extend(self.tree.untils[label.0 as usize].map(|(until, _)| until));
        for exit in std::mem::take(&mut self.exits[label.0 as usize]) {
            let exit = &self.tree.exits[exit];
            if !self.facts.diverges_at(exit.stmt) {
                self.stmt(exit.stmt, exit.at.block);
            }
        }
    }

    /// The workgroup's control flow needs this value.
    fn value(&mut self, value: Value) {
        if !self.found.values.insert(value) {
            return;
        }
        match self.kernel.values[value.0 as usize].op {
            Op::Un(_, a) => self.needed.push(a),
            Op::Bin(_, a, b) => self.needed.extend([a, b]),
            Op::Select(c, a, b) => self.needed.extend([c, a, b]),
            Op::Get(var) => self.var(var),
            Op::Loaded => {
                let load = self.loads.range(..=value).next_back().map(|(_, stmt)| *stmt);
                if let Some(Stmt::Load { first, count, at, .. }) = load
                    && value.0 < first.0 + count
                {
                    self.needed.extend(at.terms.iter().map(|term| term.index));
                    self.needed.extend((first.0..first.0 + count).map(Value));
                }
            }
            Op::Const(_) | Op::Input(_) => {}
        }
    }

    fn var(&mut self, var: Var) {
        if !self.found.vars.insert(var) {
            return;
        }
        for set in &self.tree.sets[var.0 as usize] {
            let set = &self.tree.assignments[*set];
            self.needed.push(set.value);
            self.stmt(set.stmt, set.at.block);
        }
    }
}
