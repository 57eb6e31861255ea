//! Between which statements a value or a variable is needed, so that what is needed at different times can share a register.
//!
//! A value is needed from its definition to the last statement of its own block in which it is used; a variable from the first to the last
//! statement, in the innermost block that holds all its uses, in which it is used. A loop is one statement of the block it lies in, so
//! what comes from outside is needed until the loop is done.

use std::collections::BTreeMap;

use super::spill::Spills;
use crate::ir::{Kernel, Op, Stmt, Value, Var};

/// What becomes needed, and what is needed no more, by the address of a statement.
#[derive(Default)]
pub(crate) struct Lifetimes {
    begins: BTreeMap<*const Stmt, Vec<Var>>,
    values_end: BTreeMap<*const Stmt, Vec<Value>>,
    vars_end: BTreeMap<*const Stmt, Vec<Var>>,
}

impl Lifetimes {
    /// What waits in memory between regions is needed all the time, and so are variables of the workgroup.
    pub(crate) fn of(kernel: &Kernel, spills: &Spills) -> Self {
        let mut walk = Walk {
            kernel,
            open: Vec::new(),
            blocks: Vec::new(),
            values: vec![None; kernel.values.len()],
            vars: vec![None; kernel.vars.len()],
        };
        walk.block(&kernel.body, None);
        let mut lifetimes = Self::default();
        for (index, life) in walk.values.iter().enumerate() {
            let value = Value(index as u32);
            if let Some(life) = life
                && !spills.keeps_value(value, life.last)
            {
                lifetimes.values_end.entry(life.last).or_default().push(value);
            }
        }
        for (index, life) in walk.vars.iter().enumerate() {
            let var = Var(index as u32);
            if let Some(life) = life
                && !spills.keeps_var(var)
            {
                lifetimes.begins.entry(life.first).or_default().push(var);
                lifetimes.vars_end.entry(life.last).or_default().push(var);
            }
        }
        lifetimes
    }

    /// Variables that are needed from this statement on.
    pub(crate) fn begins(&self, stmt: &Stmt) -> &[Var] {
        self.begins.get(&std::ptr::from_ref(stmt)).map_or(&[], Vec::as_slice)
    }

    /// Values that are not needed after this statement.
    pub(crate) fn values_end(&self, stmt: &Stmt) -> &[Value] {
        self.values_end.get(&std::ptr::from_ref(stmt)).map_or(&[], Vec::as_slice)
    }

    /// Variables that are not needed after this statement.
    pub(crate) fn vars_end(&self, stmt: &Stmt) -> &[Var] {
        self.vars_end.get(&std::ptr::from_ref(stmt)).map_or(&[], Vec::as_slice)
    }
}

/// Where something is needed: in which block, and there from which to which statement.
#[derive(Clone, Copy)]
struct Life {
    depth: usize,
    block: usize,
    first: *const Stmt,
    last: *const Stmt,
}

struct Walk<'k> {
    kernel: &'k Kernel,
    /// The open blocks, by number, with the statement that is being looked at in each.
    open: Vec<(usize, *const Stmt)>,
    /// Of each block, the one around it and the statement that it belongs to.
    blocks: Vec<Option<(usize, *const Stmt)>>,
    values: Vec<Option<Life>>,
    vars: Vec<Option<Life>>,
}

impl Walk<'_> {
    fn block(&mut self, stmts: &[Stmt], owner: Option<&Stmt>) {
        let around = self.open.last().map(|(block, _)| *block);
        self.blocks.push(around.zip(owner.map(std::ptr::from_ref)));
        self.open.push((self.blocks.len() - 1, std::ptr::null()));
        for stmt in stmts {
            if let Some(open) = self.open.last_mut() {
                open.1 = stmt;
            }
            self.stmt(stmt);
        }
        self.open.pop();
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let(value) => {
                self.operands(*value);
                self.define(*value);
            }
            Stmt::Set(var, _) => self.touch(*var),
            Stmt::Load { first, count, .. } => (first.0..first.0 + count).for_each(|value| self.define(Value(value))),
            Stmt::Atomic { result, .. } => result.iter().for_each(|value| self.define(*value)),
            _ => {}
        }
        stmt.uses(|value| self.needs([value]));
        stmt.blocks().for_each(|block| self.block(block, Some(stmt)));
        if let Stmt::Loop { until, .. } = stmt {
            self.needs(*until);
        }
    }

    fn operands(&mut self, value: Value) {
        match self.kernel.values[value.0 as usize].op {
            Op::Get(var) => self.touch(var),
            op => self.needs(op.operands()),
        }
    }

    fn define(&mut self, value: Value) {
        let depth = self.open.len() - 1;
        let (block, stmt) = self.open[depth];
        self.values[value.0 as usize] = Some(Life {
            depth,
            block,
            first: stmt,
            last: stmt,
        });
    }

    fn needs(&mut self, values: impl IntoIterator<Item = Value>) {
        for value in values {
            if let Some(life) = &mut self.values[value.0 as usize] {
                // A loop's continuing part uses what its body defined: it is needed until the loop ends.
                life.last = match self.open.get(life.depth) {
                    Some((block, stmt)) if *block == life.block => *stmt,
                    _ => self.open[life.depth - 1].1,
                };
            }
        }
    }

    fn touch(&mut self, var: Var) {
        let here = self.open.len() - 1;
        let (block, stmt) = self.open[here];
        let life = self.vars[var.0 as usize].get_or_insert(Life {
            depth: here,
            block,
            first: stmt,
            last: stmt,
        });
        while self.open.get(life.depth).is_none_or(|(block, _)| *block != life.block) {
            let Some((around, owner)) = self.blocks[life.block] else {
                break;
            };
            (life.block, life.first, life.depth) = (around, owner, life.depth - 1);
        }
        life.last = self.open[life.depth].1;
    }
}
