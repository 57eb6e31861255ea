//! Loops and scopes: who left, who waits for the end of the body, and who goes on.

use super::code::Local;
use super::flow::Frame;
use super::{Emitter, Mask};
use crate::ir::{Label, Stmt, Value};

impl Emitter<'_> {
    /// A mask for lanes that are noted, empty at first.
    pub(super) fn noted(&mut self, needed: bool) -> Option<Local> {
        needed.then(|| {
            let lanes = self.temporary();
            self.code.lanes([0; 4]);
            self.code.set(lanes);
            lanes
        })
    }

    /// Whether lanes leave `label` from within a deeper loop or scope.
    pub(super) fn crossed(&self, label: Label, stmts: &[Stmt], deep: bool) -> bool {
        stmts.iter().any(|stmt| match stmt {
            Stmt::Break(target) => deep && *target == label && self.facts.diverges(stmt),
            Stmt::If { yes, no, .. } => self.crossed(label, yes, deep) || self.crossed(label, no, deep),
            Stmt::Loop { body, next, .. } => self.crossed(label, body, true) || self.crossed(label, next, true),
            Stmt::Scope { body, .. } => self.crossed(label, body, true),
            _ => false,
        })
    }

    pub(super) fn repeat(&mut self, label: Label, body: &[Stmt], next: &[Stmt], until: Option<Value>, escapes: bool) {
        let around = self.mask;
        let masked = self.facts.leaves(label) || self.facts.parks(label);
        let left = self.noted(masked && self.crossed(label, body, false));
        let parked = self.noted(self.facts.parks(label));
        if masked {
            self.mask = Mask::Lanes(self.copy_of_mask());
        }
        let end = self.code.block();
        let top = self.code.repeat();
        self.heed_stop();
        let inner = self.code.block();
        self.frames.push(Frame {
            label,
            end,
            next: Some(inner),
            parked,
            left,
        });
        self.block(body, inner);
        self.frames.pop();
        self.code.end();
        if let (Some(parked), Mask::Lanes(mask)) = (parked, self.mask) {
            self.code.get(mask);
            self.code.get(parked);
            self.code.i().v128_or();
            self.code.set(mask);
            self.code.lanes([0; 4]);
            self.code.set(parked);
        }
        if masked && self.escapes(body, &mut Vec::new()) {
            self.leave_if_empty(end);
        }
        self.block(next, end);
        match (until, self.mask) {
            (Some(until), _) if self.facts.uniform(until) => {
                self.scalar(until);
                self.code.branch_if(end);
                self.code.branch(top);
            }
            (Some(until), Mask::Lanes(mask)) => {
                self.lanes_where(until, false);
                self.code.i().local_tee(mask).v128_any_true();
                self.code.branch_if(top);
            }
            _ => self.code.branch(top),
        }
        self.code.end();
        self.code.end();
        self.mask = around;
        self.drop_escaped(masked && escapes);
    }

    pub(super) fn scope(&mut self, label: Label, body: &[Stmt], escapes: bool) {
        let around = self.mask;
        let masked = self.facts.leaves(label);
        let left = self.noted(masked && self.crossed(label, body, false));
        if masked {
            self.mask = Mask::Lanes(self.copy_of_mask());
        }
        let end = self.code.block();
        self.frames.push(Frame {
            label,
            end,
            next: None,
            parked: None,
            left,
        });
        self.block(body, end);
        self.frames.pop();
        self.code.end();
        self.mask = around;
        self.drop_escaped(masked && escapes);
    }

    /// After a loop or scope with a mask of its own: without the lanes that left what lies around it, too.
    pub(super) fn drop_escaped(&mut self, escapes: bool) {
        let Mask::Lanes(mask) = self.mask else { return };
        if !escapes {
            return;
        }
        let noted: Vec<Local> = self
            .frames
            .iter()
            .flat_map(|frame| [frame.left, frame.parked])
            .flatten()
            .collect();
        for lanes in noted {
            self.code.get(mask);
            self.code.get(lanes);
            self.code.i().v128_andnot();
            self.code.set(mask);
        }
    }
}
