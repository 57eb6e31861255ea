//! Control flow: real branches where all lanes agree, masks where they do not.
//!
//! Invariant: code runs only while some lane of the mask is active. A mask is a vector of lanes, all ones or all zero; it only
//! shrinks within a block.

use std::borrow::Borrow;

use super::code::{Local, Target};
use super::twice::size;
use super::{Emitter, Mask};
use crate::ir::{Label, Stmt, Value};

/// A loop or a scope that is being emitted.
pub(super) struct Frame {
    pub(super) label: Label,
    /// Where a `break` goes that all lanes take.
    pub(super) end: Target,
    /// The same for `continue`.
    pub(super) next: Option<Target>,
    /// Lanes that wait for the end of the body.
    pub(super) parked: Option<Local>,
    /// Lanes that left from within a deeper loop or scope.
    pub(super) left: Option<Local>,
}

impl Frame {
    /// One that all lanes leave together, or one that ends with its region.
    pub(super) fn collective(label: Label, end: Target, next: Option<Target>, left: Option<Local>) -> Self {
        Self {
            label,
            end,
            next,
            parked: None,
            left,
        }
    }
}

impl Emitter<'_> {
    /// Statements one after the other; `end` is where to go when no lane is left.
    pub(super) fn block(&mut self, stmts: &[impl Borrow<Stmt>], end: Target) {
        let mut left = stmts;
        while let Some((stmt, rest)) = left.split_first() {
            let row = self.row_length(left);
            if row > 1 {
                self.together(&left[..row], |emitter, stmts| emitter.add_row(stmts));
                left = &left[row..];
                continue;
            }
            let loads = self.loads_length(left);
            if loads > 1 {
                self.together(&left[..loads], |emitter, stmts| emitter.load_row(stmts));
                left = &left[loads..];
                continue;
            }
            left = rest;
            let escapes = self.stmt(stmt.borrow());
            if !escapes || rest.is_empty() {
                continue;
            }
            let in_loop = self.frames.iter().any(|frame| frame.next.is_some());
            let again = in_loop && rest.iter().all(|stmt| !self.leaves_from(stmt.borrow()));
            let all_size = || rest.iter().map(|stmt| size(stmt.borrow())).sum();
            if again && self.may_double(all_size()) && rest.iter().any(|stmt| self.pays(stmt.borrow())) {
                return self.twice(Some(end), |emitter| emitter.block(rest, end));
            }
            self.leave_if_empty(end);
        }
    }

    pub(super) fn leaves_from(&self, stmt: &Stmt) -> bool {
        self.escapes(std::slice::from_ref(stmt), &mut Vec::new())
    }

    /// Statements that are emitted together: additions to one row ([`Emitter::row_length`]), or loads of words that follow each other ([`Emitter::loads_length`]).
    fn together<S: Borrow<Stmt>>(&mut self, stmts: &[S], emit: impl FnOnce(&mut Self, &[S])) {
        if !self.within_limits() {
            return;
        }
        let mark = self.mark();
        stmts.iter().for_each(|stmt| self.begin(stmt.borrow()));
        emit(self, stmts);
        self.give_back_to(mark);
        stmts.iter().for_each(|stmt| self.end(stmt.borrow()));
    }

    /// One statement. True when some of the lanes that come here do not come to the next one.
    pub(super) fn stmt(&mut self, stmt: &Stmt) -> bool {
        if !self.within_limits() {
            return false;
        }
        self.begin(stmt);
        let escapes = match stmt {
            Stmt::If { .. } | Stmt::Loop { .. } | Stmt::Scope { .. } => self.leaves_from(stmt),
            _ => false,
        };
        if escapes {
            self.materialise();
        }
        let mark = self.mark();
        self.emit(stmt, escapes);
        self.give_back_to(mark);
        self.end(stmt);
        escapes
    }

    fn emit(&mut self, stmt: &Stmt, escapes: bool) {
        match stmt {
            Stmt::Let(value) => {
                self.come_from(self.kernel.spans[value.0 as usize]);
                self.define(*value);
            }
            Stmt::Finish(values) => self.finish(values),
            Stmt::Set(var, value) => self.assign(*var, *value),
            Stmt::Load { first, count, at, .. } => {
                self.come_from(self.kernel.spans[first.0 as usize]);
                self.load(*first, *count, at);
            }
            Stmt::Store { at, values } => self.store(at, values),
            Stmt::Atomic { result, rmw, at, value } => self.atomic(*result, *rmw, at, *value),
            Stmt::Zero { at, words } => self.zero(at, *words),
            Stmt::Watch(site, watch) => self.watch(*site, watch),
            // One thread runs the workgroup, and the groups of vectors are cut at barriers.
            Stmt::Barrier(_) => {}
            Stmt::Break(_) | Stmt::Continue(_) => self.exit(stmt),
            Stmt::If { cond, yes, no } => self.branch(*cond, yes, no, escapes),
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => {
                let parts = self.facts.leaves(*label) || self.facts.parks(*label);
                let masked = matches!(self.mask, Mask::Lanes(_));
                if masked && !parts && !escapes && self.pays(stmt) && self.may_double(size(stmt)) {
                    self.twice(None, |emitter| emitter.repeat(*label, body, next, *until, false));
                } else {
                    self.repeat(*label, body, next, *until, escapes);
                }
            }
            Stmt::Scope { label, body } => self.scope(*label, body, escapes),
        }
    }

    /// Whether some lanes, but not all, leave these statements for a loop or scope around them.
    pub(super) fn escapes(&self, stmts: &[Stmt], inside: &mut Vec<Label>) -> bool {
        stmts.iter().any(|stmt| match stmt {
            Stmt::Break(label) | Stmt::Continue(label) => !inside.contains(label) && self.facts.diverges(stmt),
            Stmt::If { yes, no, .. } => self.escapes(yes, inside) || self.escapes(no, inside),
            Stmt::Loop { label, body, next, .. } => {
                inside.push(*label);
                let escapes = self.escapes(body, inside) || self.escapes(next, inside);
                inside.pop();
                escapes
            }
            Stmt::Scope { label, body } => {
                inside.push(*label);
                let escapes = self.escapes(body, inside);
                inside.pop();
                escapes
            }
            _ => false,
        })
    }

    /// From here on the mask is a variable.
    pub(super) fn materialise(&mut self) {
        if matches!(self.mask, Mask::Full) {
            // It outlives the statement that is emitted here.
            let mask = self.code.vector();
            self.push_mask();
            self.code.set(mask);
            self.mask = Mask::Lanes(mask);
        }
    }

    pub(super) fn push_mask(&mut self) {
        match self.mask {
            Mask::Full => self.code.lanes([u32::MAX; 4]),
            Mask::Lanes(mask) => self.code.get(mask),
        }
    }

    pub(super) fn copy_of_mask(&mut self) -> Local {
        let copy = self.temporary();
        self.push_mask();
        self.code.set(copy);
        copy
    }

    pub(super) fn leave_if_empty(&mut self, end: Target) {
        if let Mask::Lanes(mask) = self.mask {
            self.code.get(mask);
            self.code.i().v128_any_true().i32_eqz();
            self.code.branch_if(end);
        }
    }

    fn branch(&mut self, cond: Value, yes: &[Stmt], no: &[Stmt], escapes: bool) {
        if self.facts.uniform(cond) {
            if yes.is_empty() && no.is_empty() {
                return;
            }
            self.scalar(cond);
            let (yes, no) = if yes.is_empty() {
                self.code.i().i32_eqz();
                (no, yes)
            } else {
                (yes, no)
            };
            let inner = self.code.when();
            self.block(yes, inner);
            if !no.is_empty() {
                self.code.otherwise();
                self.block(no, inner);
            }
            return self.code.end();
        }
        match (yes, no) {
            ([exit @ (Stmt::Break(_) | Stmt::Continue(_))], []) => return self.exit_where(cond, true, exit),
            ([], [exit @ (Stmt::Break(_) | Stmt::Continue(_))]) => return self.exit_where(cond, false, exit),
            _ => {}
        }
        let around = self.mask;
        let mut left = Vec::new();
        for (stmts, with) in [(yes, true), (no, false)] {
            if stmts.is_empty() && !escapes {
                continue;
            }
            let lanes = self.temporary();
            self.lanes_where(cond, with);
            self.code.set(lanes);
            left.push(lanes);
            if stmts.is_empty() {
                continue;
            }
            let inner = self.code.block();
            self.mask = Mask::Lanes(lanes);
            self.leave_if_empty(inner);
            self.block(stmts, inner);
            self.code.end();
            self.mask = around;
        }
        if let (true, Mask::Lanes(mask), [yes, no]) = (escapes, around, left.as_slice()) {
            self.code.get(*yes);
            self.code.get(*no);
            self.code.i().v128_or();
            self.code.set(mask);
        }
    }

    /// Push the active lanes where a condition holds, or where it does not.
    pub(super) fn lanes_where(&mut self, cond: Value, with: bool) {
        match (self.mask, with) {
            (Mask::Full, true) => self.vector(cond),
            (Mask::Full, false) => {
                self.vector(cond);
                self.code.i().v128_not();
            }
            (Mask::Lanes(mask), _) => {
                self.code.get(mask);
                self.vector(cond);
                if with {
                    self.code.i().v128_and();
                } else {
                    self.code.i().v128_andnot();
                }
            }
        }
    }

    pub(super) fn frame(&self, label: Label) -> usize {
        self.frames
            .iter()
            .rposition(|frame| frame.label == label)
            .expect("an exit lies in its loop or scope")
    }

    /// An exit of all active lanes.
    pub(super) fn exit(&mut self, exit: &Stmt) {
        let (Stmt::Break(label) | Stmt::Continue(label)) = exit else {
            return;
        };
        let frame = self.frame(*label);
        if !self.facts.diverges(exit) {
            let target = match exit {
                Stmt::Continue(_) => self.frames[frame].next.unwrap_or(self.frames[frame].end),
                _ => self.frames[frame].end,
            };
            return self.code.branch(target);
        }
        let Mask::Lanes(mask) = self.mask else { return };
        self.note_exit(exit, frame, mask);
        self.code.lanes([0; 4]);
        self.code.set(mask);
    }

    /// An exit of the lanes where a condition holds (or not): no branch, the mask loses them.
    fn exit_where(&mut self, cond: Value, with: bool, exit: &Stmt) {
        let (Stmt::Break(label) | Stmt::Continue(label)) = exit else {
            return;
        };
        let Mask::Lanes(mask) = self.mask else { return };
        let frame = self.frame(*label);
        if matches!(exit, Stmt::Continue(_)) || self.frames[frame].left.is_some() {
            let going = self.temporary();
            self.lanes_where(cond, with);
            self.code.set(going);
            self.note_exit(exit, frame, going);
        }
        self.lanes_where(cond, !with);
        self.code.set(mask);
    }

    /// Remember lanes that go to the end of a loop's body, or out of more than one loop.
    pub(super) fn note_exit(&mut self, exit: &Stmt, frame: usize, lanes: Local) {
        let slot = match exit {
            Stmt::Continue(_) => self.frames[frame].parked,
            _ => self.frames[frame].left,
        };
        if let Some(slot) = slot {
            self.code.get(slot);
            self.code.get(lanes);
            self.code.i().v128_or();
            self.code.set(slot);
        }
    }
}
