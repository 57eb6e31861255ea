//! Code without masks for vectors whose lanes are all active, beside the same code with them.
//!
//! Most turns of most loops have all lanes in: there, nothing need be blended, and stores are whole.

use super::code::Target;
use super::{Emitter, Mask};
use crate::ir::Stmt;

impl Emitter<'_> {
    /// Whether there is room for the same statements once more.
    pub(super) fn may_double(&mut self, size: usize) -> bool {
        let fits = size <= self.doubles;
        if fits {
            self.doubles -= size;
        }
        fits
    }

    /// Code without masks for the case that all lanes are active, and the same code with them. `end` is where to go when no lane is.
    pub(super) fn twice(&mut self, end: Option<Target>, code: impl Fn(&mut Self)) {
        let around = self.mask;
        let Mask::Lanes(mask) = around else { return code(self) };
        let bits = self.int_temp;
        self.code.get(mask);
        self.code.i().i32x4_bitmask().local_tee(bits);
        self.code.int(0b1111);
        self.code.i().i32_eq();
        self.code.when();
        self.mask = Mask::Full;
        self.first_copy(&code);
        self.code.otherwise();
        self.mask = around;
        if let Some(end) = end {
            self.code.get(bits);
            self.code.i().i32_eqz();
            self.code.branch_if(end);
        }
        code(self);
        self.code.end();
        self.mask = around;
    }

    /// Whether a statement costs more with a mask than without.
    pub(super) fn pays(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Set(var, _) => self.facts.blend[var.0 as usize],
            Stmt::Store { .. } | Stmt::Atomic { .. } => true,
            Stmt::If { yes, no, .. } => [yes, no].into_iter().flatten().any(|stmt| self.pays(stmt)),
            Stmt::Loop { body, next, .. } => [body, next].into_iter().flatten().any(|stmt| self.pays(stmt)),
            Stmt::Scope { body, .. } => body.iter().any(|stmt| self.pays(stmt)),
            _ => false,
        }
    }
}

/// Statements, with all that lie within.
pub(super) fn size(stmt: &Stmt) -> usize {
    let sum = |stmts: &[Stmt]| stmts.iter().map(size).sum::<usize>();
    1 + match stmt {
        Stmt::If { yes, no, .. } => sum(yes) + sum(no),
        Stmt::Loop { body, next, .. } => sum(body) + sum(next),
        Stmt::Scope { body, .. } => sum(body),
        _ => 0,
    }
}
