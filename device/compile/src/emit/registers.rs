//! Which local holds what: locals are shared by what is needed at different times.
//!
//! A compiler that turns locals into registers pays for locals times basic blocks; so there are as many as are needed at once, not one for
//! each value.
//!
//! Invariant: a local is given back only where the code that is emitted next cannot read what it held. Statements that are emitted twice
//! (`twice`) give back what they took themselves in their first copy, and the rest in their second.

use wasm_encoder::ValType;

use super::Emitter;
use super::code::Local;
use crate::analyse::Spread;
use crate::ir::{Stmt, Ty, Value, Var};

/// A local in use.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    pub(super) local: Local,
    ty: ValType,
    /// When it was taken, counted in locals taken before.
    since: u32,
}

/// Locals that are free, and temporaries that will be.
#[derive(Default)]
pub(super) struct Registers {
    vectors: Vec<Local>,
    integers: Vec<Local>,
    floats: Vec<Local>,
    /// Vectors that are given back at the end of the statement that took them.
    temporaries: Vec<Local>,
    /// Locals taken so far.
    taken: u32,
    /// What was taken before stays in use for now.
    keep_before: u32,
}

impl Registers {
    fn free(&mut self, ty: ValType) -> &mut Vec<Local> {
        match ty {
            ValType::V128 => &mut self.vectors,
            ValType::F32 => &mut self.floats,
            _ => &mut self.integers,
        }
    }
}

impl Emitter<'_> {
    fn take(&mut self, ty: ValType) -> Taken {
        self.registers.taken += 1;
        let since = self.registers.taken;
        let local = match self.registers.free(ty).pop() {
            Some(local) => local,
            None => self.code.local(ty),
        };
        Taken { local, ty, since }
    }

    /// A vector until the end of the statement.
    pub(super) fn temporary(&mut self) -> Local {
        let taken = self.take(ValType::V128);
        self.registers.temporaries.push(taken.local);
        taken.local
    }

    /// Where the temporaries of what follows begin.
    pub(super) fn mark(&self) -> usize {
        self.registers.temporaries.len()
    }

    /// Give back the temporaries taken since then.
    pub(super) fn give_back_to(&mut self, mark: usize) {
        let some = self.registers.temporaries.split_off(mark);
        self.registers.vectors.extend(some);
    }

    fn take_for(&mut self, spread: Spread, ty: Ty) -> Taken {
        self.take(match (spread, ty) {
            (Spread::Varying, _) => ValType::V128,
            (Spread::Linear(_), Ty::F32) => ValType::F32,
            (Spread::Linear(_), _) => ValType::I32,
        })
    }

    pub(super) fn value_local(&mut self, value: Value) -> Local {
        let index = value.0 as usize;
        let taken = match self.values[index] {
            Some(taken) => taken,
            None => self.take_for(self.facts.values[index], self.kernel.values[index].ty),
        };
        self.values[index] = Some(taken);
        taken.local
    }

    pub(super) fn var_local(&mut self, var: Var) -> Local {
        let index = var.0 as usize;
        let taken = match self.vars[index] {
            Some(taken) => taken,
            None => self.take_for(self.facts.vars[index], self.kernel.vars[index]),
        };
        self.vars[index] = Some(taken);
        taken.local
    }

    /// Variables that are needed from this statement on get their locals, or places in memory. Where not all lanes set one at first, what the local held before
    /// does not matter, but reading it would keep it alive.
    pub(super) fn begin(&mut self, stmt: &Stmt) {
        let lifetimes = self.lifetimes;
        for var in lifetimes.begins(stmt) {
            let index = var.0 as usize;
            if self.vars[index].is_none() && self.homes.begin(*var) {
                let local = self.var_local(*var);
                if self.facts.blend[index] {
                    self.code.lanes([0; 4]);
                    self.code.set(local);
                }
            }
        }
    }

    /// What is not needed after this statement gives its local back.
    pub(super) fn end(&mut self, stmt: &Stmt) {
        let lifetimes = self.lifetimes;
        for value in lifetimes.values_end(stmt) {
            let taken = self.values[value.0 as usize];
            self.values[value.0 as usize] = self.give_back(taken);
        }
        for var in lifetimes.vars_end(stmt) {
            let taken = self.vars[var.0 as usize];
            self.vars[var.0 as usize] = self.give_back(taken);
            if taken.is_some() && self.vars[var.0 as usize].is_none() {
                self.homes.end();
            }
        }
    }

    /// What stays in use of it.
    fn give_back(&mut self, taken: Option<Taken>) -> Option<Taken> {
        match taken {
            Some(taken) if taken.since > self.registers.keep_before => {
                self.registers.free(taken.ty).push(taken.local);
                None
            }
            kept => kept,
        }
    }

    /// Emit code that is emitted once more afterwards: what is in use now stays so.
    pub(super) fn first_copy(&mut self, code: impl Fn(&mut Self)) {
        let before = std::mem::replace(&mut self.registers.keep_before, self.registers.taken);
        code(self);
        self.registers.keep_before = before;
    }
}
