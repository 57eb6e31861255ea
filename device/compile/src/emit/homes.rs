//! Variables beyond those that get registers: they lie in the thread's scratch memory, and each use is a load or a store.
//!
//! A WebAssembly compiler carries every local through every branch, so that many variables that are needed at once, beside many branches, cost
//! the product. A processor has sixteen vector registers, so what is moved to memory here would have been moved by that compiler.
//!
//! Invariant: a variable of an invocation that waits between regions never lies here; those have slots of their own ([`Spills`]).

use super::Emitter;
use super::code::words;
use crate::abi::parameter;
use crate::analyse::{Spills, Spread};
use crate::ir::{Ty, Var};

/// Most variables of invocations that are in locals at once.
const LOCAL_VARS_MAX: usize = 128;
/// Most variables of the workgroup that are in locals.
const SHARED_VARS_MAX: usize = 32;
/// Bytes of a variable's place.
const PLACE_BYTES: u32 = 16;

/// Which variables lie in memory, and where.
#[derive(Default)]
pub(super) struct Homes {
    /// Bytes from the start of the scratch memory.
    start: u32,
    /// Of each variable, its place.
    places: Vec<Option<u32>>,
    /// Places so far.
    count: u32,
    /// Variables in locals now.
    in_locals: usize,
}

impl Homes {
    /// Places from this byte of the scratch memory on, and one for each variable of the workgroup beyond the first few.
    pub(super) fn new(start: u32, vars: usize, spills: &Spills) -> Self {
        let mut homes = Self {
            start,
            places: vec![None; vars],
            count: 0,
            in_locals: 0,
        };
        for var in spills.shared_vars.iter().skip(SHARED_VARS_MAX) {
            homes.give(*var);
        }
        homes
    }

    fn give(&mut self, var: Var) {
        self.places[var.0 as usize] = Some(self.count);
        self.count += 1;
    }

    /// Bytes of all places.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.count) * u64::from(PLACE_BYTES)
    }

    /// Where a variable lies, in bytes from the start of the scratch memory; `None` if in a local.
    fn place(&self, var: Var) -> Option<u32> {
        self.places[var.0 as usize].map(|place| self.start + place * PLACE_BYTES)
    }

    /// A variable is needed from now on: true if it is to have a local.
    pub(super) fn begin(&mut self, var: Var) -> bool {
        if self.places[var.0 as usize].is_some() {
            return false;
        }
        if self.in_locals < LOCAL_VARS_MAX {
            self.in_locals += 1;
            return true;
        }
        self.give(var);
        false
    }

    /// A variable's local was given back.
    pub(super) fn end(&mut self) {
        self.in_locals = self.in_locals.saturating_sub(1);
    }
}

impl Emitter<'_> {
    /// Push what a variable holds.
    pub(super) fn read_var(&mut self, var: Var) {
        let Some(place) = self.homes.place(var) else {
            let local = self.var_local(var);
            return self.code.get(local);
        };
        self.code.get(parameter::SCRATCH);
        let at = words(place);
        match (self.facts.vars[var.0 as usize], self.kernel.vars[var.0 as usize]) {
            (Spread::Varying, _) => self.code.i().v128_load(at),
            (Spread::Linear(_), Ty::F32) => self.code.i().f32_load(at),
            (Spread::Linear(_), _) => self.code.i().i32_load(at),
        };
    }

    /// Set a variable to what `value` pushes.
    pub(super) fn write_var(&mut self, var: Var, value: impl FnOnce(&mut Self)) {
        let Some(place) = self.homes.place(var) else {
            value(self);
            let local = self.var_local(var);
            return self.code.set(local);
        };
        self.code.get(parameter::SCRATCH);
        value(self);
        let at = words(place);
        match (self.facts.vars[var.0 as usize], self.kernel.vars[var.0 as usize]) {
            (Spread::Varying, _) => self.code.i().v128_store(at),
            (Spread::Linear(_), Ty::F32) => self.code.i().f32_store(at),
            (Spread::Linear(_), _) => self.code.i().i32_store(at),
        };
    }
}
