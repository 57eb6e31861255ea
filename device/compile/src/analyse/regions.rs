//! Barrier regions: a kernel with barriers is cut so that all invocations of a workgroup reach a barrier before any goes on.
//!
//! Control flow around a barrier is the same for the whole workgroup. It becomes control flow of the workgroup, with its
//! conditions computed once, and what lies between becomes loops over the workgroup's vectors.
//!
//! Invariant: each statement of the kernel is in the plan once, and two statements that touch the same thing keep their order.

use std::collections::BTreeSet;

use super::uniform::Facts;
use crate::ir::{Kernel, Label, Op, Orders, Space, Stmt, Value, Var};

/// A part of the plan.
pub(crate) enum Step<'k> {
    /// For the workgroup as a whole.
    Once(Vec<&'k Stmt>),
    /// For each vector: region number, statements, and scopes that end with them.
    Each(usize, Vec<&'k Stmt>, Option<Label>),
    If(Value, Plan<'k>, Plan<'k>),
    Loop {
        label: Label,
        body: Plan<'k>,
        next: Plan<'k>,
        until: Option<Value>,
    },
    Scope(Label, Plan<'k>),
    Exit(&'k Stmt),
    Barrier(Orders),
}

/// Steps in order.
pub(crate) type Plan<'k> = Vec<Step<'k>>;

struct Planner<'k> {
    kernel: &'k Kernel,
    facts: &'k Facts,
    /// Loops and scopes of the workgroup.
    collective: BTreeSet<Label>,
    /// Values and variables that control flow of the workgroup depends on.
    values: BTreeSet<Value>,
    vars: BTreeSet<Var>,
    /// What each `Set` of a variable stores, what each `Load` reads by.
    stored: Vec<Vec<Value>>,
    loads: Vec<(Value, u32, &'k Stmt)>,
    regions: usize,
}

/// Plan a kernel. `facts` are those of the workgroup.
pub(crate) fn plan<'k>(kernel: &'k Kernel, facts: &'k Facts) -> Result<Plan<'k>, String> {
    let whole: Vec<&Stmt> = kernel.body.iter().collect();
    if !kernel.body.iter().any(has_barrier) {
        return Ok(vec![Step::Each(0, whole, None)]);
    }
    let mut planner = Planner {
        kernel,
        facts,
        collective: BTreeSet::new(),
        values: BTreeSet::new(),
        vars: BTreeSet::new(),
        stored: vec![Vec::new(); kernel.vars.len()],
        loads: Vec::new(),
        regions: 0,
    };
    planner.gather(&kernel.body);
    loop {
        let before = (planner.collective.len(), planner.values.len(), planner.vars.len());
        planner.spread(&kernel.body);
        if before == (planner.collective.len(), planner.values.len(), planner.vars.len()) {
            break;
        }
    }
    let parted = planner.values.iter().any(|value| !facts.uniform(*value));
    if parted {
        return Err(NOT_UNIFORM.to_owned());
    }
    planner.block(&kernel.body, None)
}

const NOT_UNIFORM: &str =
    "a barrier (or workgroupUniformLoad) is in control flow that may differ between the invocations of a workgroup";

fn has_barrier(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Barrier(_) | Stmt::Load { agreed: true, .. } => true,
        Stmt::If { yes, no, .. } => yes.iter().chain(no).any(has_barrier),
        Stmt::Loop { body, next, .. } => body.iter().chain(next).any(has_barrier),
        Stmt::Scope { body, .. } => body.iter().any(has_barrier),
        _ => false,
    }
}

impl<'k> Planner<'k> {
    fn gather(&mut self, stmts: &'k [Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Set(var, value) => self.stored[var.0 as usize].push(*value),
                Stmt::Load { first, count, .. } => self.loads.push((*first, *count, stmt)),
                Stmt::If { yes, no, .. } => {
                    self.gather(yes);
                    self.gather(no);
                }
                Stmt::Loop { body, next, .. } => {
                    self.gather(body);
                    self.gather(next);
                }
                Stmt::Scope { body, .. } => self.gather(body),
                _ => {}
            }
        }
    }

    /// The workgroup's control flow needs this value.
    fn need(&mut self, value: Value) {
        let mut todo = vec![value];
        while let Some(value) = todo.pop() {
            if !self.values.insert(value) {
                continue;
            }
            match self.kernel.values[value.0 as usize].op {
                Op::Un(_, a) => todo.push(a),
                Op::Bin(_, a, b) => todo.extend([a, b]),
                Op::Select(c, a, b) => todo.extend([c, a, b]),
                Op::Get(var) => {
                    if self.vars.insert(var) {
                        todo.extend(&self.stored[var.0 as usize]);
                    }
                }
                Op::Loaded => {
                    let source = self
                        .loads
                        .iter()
                        .find(|(first, count, _)| (first.0..first.0 + count).contains(&value.0));
                    if let Some((first, count, Stmt::Load { at, .. })) = source {
                        todo.extend(at.terms.iter().map(|term| term.index));
                        todo.extend((first.0..first.0 + count).map(Value));
                    }
                }
                Op::Const(_) | Op::Input(_) => {}
            }
        }
    }

    /// Whether a statement belongs to the workgroup's control flow.
    fn is_collective(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Barrier(_) | Stmt::Load { agreed: true, .. } => true,
            Stmt::Set(var, _) => self.vars.contains(var),
            Stmt::Break(label) | Stmt::Continue(label) => self.collective.contains(label) && !self.facts.diverges(stmt),
            Stmt::If { yes, no, .. } => yes.iter().chain(no).any(|stmt| self.is_collective(stmt)),
            Stmt::Loop { body, next, .. } => body.iter().chain(next).any(|stmt| self.is_collective(stmt)),
            Stmt::Scope { body, .. } => body.iter().any(|stmt| self.is_collective(stmt)),
            _ => false,
        }
    }

    /// One round: what contains something collective is collective, and needs its conditions.
    fn spread(&mut self, stmts: &'k [Stmt]) {
        for stmt in stmts {
            let collective = self.is_collective(stmt);
            match stmt {
                Stmt::If { cond, yes, no } => {
                    if collective {
                        self.need(*cond);
                    }
                    self.spread(yes);
                    self.spread(no);
                }
                Stmt::Loop {
                    label,
                    body,
                    next,
                    until,
                } => {
                    if collective {
                        self.collective.insert(*label);
                        until.iter().for_each(|until| self.need(*until));
                    }
                    self.spread(body);
                    self.spread(next);
                }
                Stmt::Scope { label, body } => {
                    if collective {
                        self.collective.insert(*label);
                    }
                    self.spread(body);
                }
                Stmt::Load { agreed: true, first, .. } => self.need(*first),
                _ => {}
            }
        }
    }

    /// Whether some invocations, but not all, leave the workgroup's control flow around this statement.
    fn breaks_away(&self, stmt: &Stmt, inside: &mut Vec<Label>) -> bool {
        match stmt {
            Stmt::Break(label) | Stmt::Continue(label) => {
                self.collective.contains(label) && !inside.contains(label) && self.facts.diverges(stmt)
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
            Stmt::Break(label) | Stmt::Continue(label) => !self.collective.contains(label) || *label == target,
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
    fn block(&mut self, stmts: &'k [Stmt], scope: Option<Label>) -> Result<Plan<'k>, String> {
        let mut plan = Vec::new();
        let mut once: Vec<&Stmt> = Vec::new();
        let mut each: Vec<&Stmt> = Vec::new();
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
                    _ => return Err(NOT_UNIFORM.to_owned()),
                }
            }
            match stmt {
                Stmt::Let(value) if self.values.contains(value) => once.push(stmt),
                Stmt::Load {
                    first,
                    at,
                    agreed: false,
                    ..
                } if self.values.contains(first) && at.space == Space::Constant => {
                    once.push(stmt);
                }
                Stmt::Set(var, _) if self.vars.contains(var) => {
                    if each.iter().any(|stmt| self.reads(stmt, *var)) {
                        self.flush(&mut plan, &mut once, &mut each);
                    }
                    once.push(stmt);
                }
                Stmt::Load { agreed: true, .. } => {
                    self.flush(&mut plan, &mut once, &mut each);
                    once.push(stmt);
                }
                _ if !self.is_collective(stmt) => each.push(stmt),
                _ => {
                    self.flush(&mut plan, &mut once, &mut each);
                    plan.extend(self.collective_step(stmt)?);
                }
            }
        }
        self.flush(&mut plan, &mut once, &mut each);
        Ok(plan)
    }

    fn collective_step(&mut self, stmt: &'k Stmt) -> Result<Option<Step<'k>>, String> {
        Ok(Some(match stmt {
            Stmt::If { cond, yes, no } => Step::If(*cond, self.block(yes, None)?, self.block(no, None)?),
            Stmt::Loop {
                label,
                body,
                next,
                until,
            } => {
                let body = self.block(body, None)?;
                Step::Loop {
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

    fn flush(&mut self, plan: &mut Plan<'k>, once: &mut Vec<&'k Stmt>, each: &mut Vec<&'k Stmt>) {
        if !once.is_empty() {
            plan.push(Step::Once(std::mem::take(once)));
        }
        if !each.is_empty() {
            let step = self.region(std::mem::take(each), None);
            plan.push(step);
        }
    }

    fn sets_needed(&self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Set(var, _) => self.vars.contains(var),
            Stmt::If { yes, no, .. } => yes.iter().chain(no).any(|stmt| self.sets_needed(stmt)),
            Stmt::Loop { body, next, .. } => body.iter().chain(next).any(|stmt| self.sets_needed(stmt)),
            Stmt::Scope { body, .. } => body.iter().any(|stmt| self.sets_needed(stmt)),
            _ => false,
        }
    }

    fn reads(&self, stmt: &Stmt, var: Var) -> bool {
        match stmt {
            Stmt::Let(value) => self.kernel.values[value.0 as usize].op == Op::Get(var),
            Stmt::If { yes, no, .. } => yes.iter().chain(no).any(|stmt| self.reads(stmt, var)),
            Stmt::Loop { body, next, .. } => body.iter().chain(next).any(|stmt| self.reads(stmt, var)),
            Stmt::Scope { body, .. } => body.iter().any(|stmt| self.reads(stmt, var)),
            _ => false,
        }
    }
}
