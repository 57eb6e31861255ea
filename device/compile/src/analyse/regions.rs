//! Barrier regions: a kernel with barriers is cut so that all invocations of a workgroup reach a barrier before any goes on.
//!
//! Control flow around a barrier is the same for the whole workgroup. It becomes control flow of the workgroup, with its
//! conditions computed once, and what lies between becomes loops over the workgroup's vectors.
//!
//! Invariant: each statement of the kernel is in the plan once, and two statements that touch the same thing keep their order.

use std::collections::BTreeSet;

use super::collective::{Collective, has_barrier};
use super::uniform::Facts;
use crate::fault::{Fault, fault};
use crate::ir::{Kernel, Label, Op, Orders, Space, Stmt, Value, Var};

/// A part of the plan.
pub(crate) enum Step<'k> {
    /// For the workgroup as a whole.
    Once(Vec<&'k Stmt>),
    /// For each vector: region number, statements, and scopes that end with them.
    Each(usize, Vec<&'k Stmt>, Option<Label>),
    /// The statement, its condition, and what follows where that holds and where not.
    If(&'k Stmt, Value, Plan<'k>, Plan<'k>),
    Loop {
        stmt: &'k Stmt,
        label: Label,
        body: Plan<'k>,
        next: Plan<'k>,
        until: Option<Value>,
    },
    Scope(Label, Plan<'k>),
    Exit(&'k Stmt),
    Barrier(Orders),
}

/// Statements for each vector, and the workgroup's variables that they read.
#[derive(Default)]
struct Each<'k> {
    stmts: Vec<&'k Stmt>,
    reads: BTreeSet<Var>,
}

/// Steps in order.
pub(crate) type Plan<'k> = Vec<Step<'k>>;

struct Planner<'k> {
    kernel: &'k Kernel,
    facts: &'k Facts,
    collective: Collective,
    regions: usize,
}

/// Plan a kernel. `facts` are those of the workgroup.
pub(crate) fn plan<'k>(kernel: &'k Kernel, facts: &'k Facts) -> Result<Plan<'k>, Fault> {
    let Some(collective) = Collective::of(kernel, facts) else {
        return Ok(vec![Step::Each(0, kernel.body.iter().collect(), None)]);
    };
    if let Some(value) = collective.values().find(|value| !facts.uniform(*value)) {
        return not_uniform(kernel, value);
    }
    let mut planner = Planner {
        kernel,
        facts,
        collective,
        regions: 0,
    };
    planner.block(&kernel.body, None)
}

const NOT_UNIFORM: &str =
    "a barrier (or workgroupUniformLoad) is in control flow that may differ between the invocations of a workgroup";

fn not_uniform<T>(kernel: &Kernel, value: Value) -> Result<T, Fault> {
    fault(NOT_UNIFORM.to_owned()).map_err(|fault| fault.at(kernel.spans[value.0 as usize]))
}

impl<'k> Planner<'k> {
    /// Whether some invocations, but not all, leave the workgroup's control flow around this statement.
    fn breaks_away(&self, stmt: &Stmt, inside: &mut Vec<Label>) -> bool {
        match stmt {
            Stmt::Break(label) | Stmt::Continue(label) => {
                self.collective.label(*label) && !inside.contains(label) && self.facts.diverges(stmt)
            }
            Stmt::If { yes, no, .. } => yes.iter().chain(no).any(|stmt| self.breaks_away(stmt, inside)),
            Stmt::Loop { label, body, next, .. } => {
                inside.push(*label);
                let away = body.iter().chain(next).any(|stmt| self.breaks_away(stmt, inside));
                inside.pop();
                away
            }
            Stmt::Scope { label, body } => {
                inside.push(*label);
                let away = body.iter().any(|stmt| self.breaks_away(stmt, inside));
                inside.pop();
                away
            }
            _ => false,
        }
    }

    fn leaves_only(&self, stmt: &Stmt, target: Label) -> bool {
        match stmt {
            Stmt::Break(label) | Stmt::Continue(label) => !self.collective.label(*label) || *label == target,
            Stmt::If { yes, no, .. } => yes.iter().chain(no).all(|stmt| self.leaves_only(stmt, target)),
            Stmt::Loop { body, next, .. } => body.iter().chain(next).all(|stmt| self.leaves_only(stmt, target)),
            Stmt::Scope { body, .. } => body.iter().all(|stmt| self.leaves_only(stmt, target)),
            _ => true,
        }
    }

    fn region(&mut self, stmts: Vec<&'k Stmt>, ends: Option<Label>) -> Step<'k> {
        self.regions += 1;
        Step::Each(self.regions - 1, stmts, ends)
    }

    /// `scope` is the label whose end is this block's end.
    fn block(&mut self, stmts: &'k [Stmt], scope: Option<Label>) -> Result<Plan<'k>, Fault> {
        let mut plan = Vec::new();
        let mut once: Vec<&Stmt> = Vec::new();
        let mut each = Each::default();
        for (i, stmt) in stmts.iter().enumerate() {
            if self.breaks_away(stmt, &mut Vec::new()) {
                // From here on only some invocations go on: no barrier may follow.
                let rest = &stmts[i..];
                let quiet = !rest.iter().any(|stmt| has_barrier(stmt) || self.sets_needed(stmt));
                match scope {
                    Some(label) if quiet && rest.iter().all(|stmt| self.leaves_only(stmt, label)) => {
                        self.flush(&mut plan, &mut once, &mut each);
                        let step = self.region(rest.iter().collect(), Some(label));
                        plan.push(step);
                        return Ok(plan);
                    }
                    _ => {
                        return match stmt {
                            Stmt::If { cond, .. } => not_uniform(self.kernel, *cond),
                            _ => fault(NOT_UNIFORM.to_owned()),
                        };
                    }
                }
            }
            match stmt {
                Stmt::Let(value) if self.collective.value(*value) => once.push(stmt),
                Stmt::Load {
                    first,
                    at,
                    agreed: false,
                    ..
                } if self.collective.value(*first) && at.space == Space::Constant => {
                    once.push(stmt);
                }
                Stmt::Set(var, _) if self.collective.var(*var) => {
                    if each.reads.contains(var) {
                        self.flush(&mut plan, &mut once, &mut each);
                    }
                    once.push(stmt);
                }
                Stmt::Load { agreed: true, .. } => {
                    self.flush(&mut plan, &mut once, &mut each);
                    once.push(stmt);
                }
                _ if !self.collective.stmt(stmt) => {
                    each.stmts.push(stmt);
                    self.reads(stmt, &mut each.reads);
                }
                _ => {
                    self.flush(&mut plan, &mut once, &mut each);
                    plan.extend(self.collective_step(stmt)?);
                }
            }
        }
        self.flush(&mut plan, &mut once, &mut each);
        Ok(plan)
    }

    fn collective_step(&mut self, stmt: &'k Stmt) -> Result<Option<Step<'k>>, Fault> {
        Ok(Some(match stmt {
            Stmt::If { cond, yes, no } => Step::If(stmt, *cond, self.block(yes, None)?, self.block(no, None)?),
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => {
                let body = self.block(body, None)?;
                Step::Loop {
                    stmt,
                    label: *label,
                    body,
                    next: self.block(next, None)?,
                    until: *until,
                }
            }
            Stmt::Scope { label, body } => Step::Scope(*label, self.block(body, Some(*label))?),
            Stmt::Break(_) | Stmt::Continue(_) => Step::Exit(stmt),
            Stmt::Barrier(orders) => Step::Barrier(*orders),
            _ => return Ok(None),
        }))
    }

    fn flush(&mut self, plan: &mut Plan<'k>, once: &mut Vec<&'k Stmt>, each: &mut Each<'k>) {
        if !once.is_empty() {
            plan.push(Step::Once(std::mem::take(once)));
        }
        let stmts = std::mem::take(each).stmts;
        if !stmts.is_empty() {
            let step = self.region(stmts, None);
            plan.push(step);
        }
    }

    fn sets_needed(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Set(var, _) => self.collective.var(*var),
            Stmt::If { yes, no, .. } => yes.iter().chain(no).any(|stmt| self.sets_needed(stmt)),
            Stmt::Loop { body, next, .. } => body.iter().chain(next).any(|stmt| self.sets_needed(stmt)),
            Stmt::Scope { body, .. } => body.iter().any(|stmt| self.sets_needed(stmt)),
            _ => false,
        }
    }

    /// The workgroup's variables that a statement reads.
    fn reads(&self, stmt: &Stmt, found: &mut BTreeSet<Var>) {
        let mut all = |stmts: &[Stmt]| stmts.iter().for_each(|stmt| self.reads(stmt, found));
        match stmt {
            Stmt::Let(value) => {
                if let Op::Get(var) = self.kernel.values[value.0 as usize].op
                    && self.collective.var(var)
                {
                    found.insert(var);
                }
            }
            Stmt::If { yes, no, .. } => {
                all(yes);
                all(no);
            }
            Stmt::Loop { body, next, .. } => {
                all(body);
                all(next);
            }
            Stmt::Scope { body, .. } => all(body),
            _ => {}
        }
    }
}
