//! What lives from one region to the next: each invocation has its own, so it waits in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::regions::{Plan, Step};
use crate::ir::{Kernel, Op, Rmw, Stmt, Value, Var, Watch};

/// What a region takes from memory at its start and leaves there at its end.
#[derive(Default, Debug)]
pub(crate) struct Spills {
    /// Slots of vectors, by what waits in them.
    pub(crate) values: BTreeMap<Value, u32>,
    pub(crate) vars: BTreeMap<Var, u32>,
    pub(crate) slots: u32,
    /// For each region: values it needs, values it makes, variables it touches.
    pub(crate) needs: Vec<Vec<Value>>,
    pub(crate) makes: Vec<Vec<Value>>,
    pub(crate) touches: Vec<Vec<Var>>,
    /// Made once for the workgroup.
    shared_values: BTreeSet<Value>,
    pub(crate) shared_vars: BTreeSet<Var>,
    /// Statements, by their addresses, that the workgroup executes as a whole.
    once: BTreeSet<*const Stmt>,
}

impl Spills {
    /// Whether a value outlives its statements: it waits in memory, or belongs to the workgroup and is last used by vectors, which read it one after
    /// the other.
    pub(super) fn keeps_value(&self, value: Value, last: *const Stmt) -> bool {
        self.values.contains_key(&value) || self.shared_values.contains(&value) && !self.once.contains(&last)
    }

    /// The same for a variable.
    pub(super) fn keeps_var(&self, var: Var) -> bool {
        self.vars.contains_key(&var) || self.shared_vars.contains(&var)
    }
}

#[derive(Default)]
struct Region {
    defines: BTreeSet<Value>,
    uses: BTreeSet<Value>,
    vars: BTreeSet<Var>,
    /// Variables whose first access here is a write of all lanes.
    fresh: BTreeSet<Var>,
    repeated: bool,
}

struct Collector<'k> {
    kernel: &'k Kernel,
    /// Made once for the workgroup: the same everywhere, and never spilled.
    shared_values: BTreeSet<Value>,
    shared_vars: BTreeSet<Var>,
    once: BTreeSet<*const Stmt>,
    regions: BTreeMap<usize, Region>,
}

pub(crate) fn spills(kernel: &Kernel, plan: &Plan<'_>) -> Spills {
    let mut collector = Collector {
        kernel,
        shared_values: BTreeSet::new(),
        shared_vars: BTreeSet::new(),
        once: BTreeSet::new(),
        regions: BTreeMap::new(),
    };
    collector.shared(plan);
    collector.steps(plan, false);
    let mut defined_in = BTreeMap::new();
    let mut touched_in: BTreeMap<Var, usize> = BTreeMap::new();
    for (number, region) in &collector.regions {
        defined_in.extend(region.defines.iter().map(|value| (*value, *number)));
        region.vars.iter().for_each(|var| *touched_in.entry(*var).or_default() += 1);
    }
    let mut spills = Spills::default();
    for (number, region) in &collector.regions {
        for value in &region.uses {
            let foreign = defined_in.get(value).is_some_and(|home| home != number);
            if foreign && !spills.values.contains_key(value) {
                spills.values.insert(*value, spills.slots);
                spills.slots += 1;
            }
        }
        for var in &region.vars {
            let carried = touched_in[var] > 1 || region.repeated && !region.fresh.contains(var);
            if carried && !spills.vars.contains_key(var) {
                spills.vars.insert(*var, spills.slots);
                spills.slots += 1;
            }
        }
    }
    let count = collector.regions.keys().last().map_or(0, |last| last + 1);
    spills.needs.resize_with(count, Vec::new);
    spills.makes.resize_with(count, Vec::new);
    spills.touches.resize_with(count, Vec::new);
    for (number, region) in &collector.regions {
        let spilled = |value: &&Value| spills.values.contains_key(value);
        spills.needs[*number] = region.uses.difference(&region.defines).filter(spilled).copied().collect();
        spills.makes[*number] = region.defines.iter().filter(spilled).copied().collect();
        spills.touches[*number] = region
            .vars
            .iter()
            .filter(|var| spills.vars.contains_key(var))
            .copied()
            .collect();
    }
    spills.shared_values = collector.shared_values;
    spills.shared_vars = collector.shared_vars;
    spills.once = collector.once;
    spills
}

impl Collector<'_> {
    fn shared(&mut self, plan: &Plan<'_>) {
        for step in plan {
            match step {
                Step::Once(stmts) => {
                    for stmt in stmts {
                        self.once.insert(std::ptr::from_ref(*stmt));
                        match stmt {
                            Stmt::Let(value) => {
                                self.shared_values.insert(*value);
                            }
                            Stmt::Load { first, count, .. } => {
                                self.shared_values.extend((first.0..first.0 + count).map(Value));
                            }
                            Stmt::Set(var, _) => {
                                self.shared_vars.insert(*var);
                            }
                            _ => {}
                        }
                    }
                }
                Step::If(stmt, _, yes, no) => {
                    self.once.insert(std::ptr::from_ref(*stmt));
                    self.shared(yes);
                    self.shared(no);
                }
                Step::Loop { stmt, body, next, .. } => {
                    self.once.insert(std::ptr::from_ref(*stmt));
                    self.shared(body);
                    self.shared(next);
                }
                Step::Scope(_, body) => self.shared(body),
                Step::Each(..) | Step::Exit(_) | Step::Barrier(_) => {}
            }
        }
    }

    fn steps(&mut self, plan: &Plan<'_>, repeated: bool) {
        for step in plan {
            match step {
                Step::Each(number, stmts, _) => {
                    let mut region = Region {
                        repeated,
                        ..Region::default()
                    };
                    for stmt in stmts {
                        self.stmt(stmt, &mut region, true);
                    }
                    self.regions.insert(*number, region);
                }
                Step::If(_, _, yes, no) => {
                    self.steps(yes, repeated);
                    self.steps(no, repeated);
                }
                Step::Loop { body, next, .. } => {
                    self.steps(body, true);
                    self.steps(next, true);
                }
                Step::Scope(_, body) => self.steps(body, repeated),
                Step::Once(_) | Step::Exit(_) | Step::Barrier(_) => {}
            }
        }
    }

    fn uses(&self, region: &mut Region, values: impl IntoIterator<Item = Value>) {
        for value in values {
            let made_anew = matches!(self.kernel.values[value.0 as usize].op, Op::Const(_) | Op::Input(_));
            if !made_anew && !self.shared_values.contains(&value) {
                region.uses.insert(value);
            }
        }
    }

    fn defines(&self, region: &mut Region, value: Value) {
        if !self.shared_values.contains(&value) {
            region.defines.insert(value);
        }
    }

    fn touches(&self, region: &mut Region, var: Var, whole: bool) {
        if !self.shared_vars.contains(&var) && region.vars.insert(var) && whole {
            region.fresh.insert(var);
        }
    }

    fn stmt(&self, stmt: &Stmt, region: &mut Region, top: bool) {
        match stmt {
            Stmt::Let(value) => {
                match self.kernel.values[value.0 as usize].op {
                    Op::Get(var) => self.touches(region, var, false),
                    Op::Const(_) | Op::Input(_) => return,
                    op => self.uses(region, op.operands()),
                }
                self.defines(region, *value);
            }
            Stmt::Set(var, value) => {
                self.uses(region, [*value]);
                self.touches(region, *var, top);
            }
            Stmt::Load { first, count, at, .. } => {
                self.uses(region, at.terms.iter().map(|term| term.index));
                (first.0..first.0 + count).for_each(|value| self.defines(region, Value(value)));
            }
            Stmt::Store { at, values } => {
                self.uses(region, at.terms.iter().map(|term| term.index));
                self.uses(region, values.iter().copied());
            }
            Stmt::Atomic { result, rmw, at, value } => {
                self.uses(region, at.terms.iter().map(|term| term.index));
                self.uses(region, [*value]);
                if let Rmw::CompareExchange(compare) = rmw {
                    self.uses(region, [*compare]);
                }
                result.iter().for_each(|result| self.defines(region, *result));
            }
            Stmt::Finish(values) => self.uses(region, values.iter().copied()),
            Stmt::Zero { at, .. } => self.uses(region, at.terms.iter().map(|term| term.index)),
            Stmt::If { cond, yes, no } => {
                self.uses(region, [*cond]);
                yes.iter().chain(no).for_each(|stmt| self.stmt(stmt, region, false));
            }
            Stmt::Loop { body, next, until, .. } => {
                body.iter().chain(next).for_each(|stmt| self.stmt(stmt, region, false));
                self.uses(region, *until);
            }
            // A scope's statements run once, in order, like those around it, until something leaves it.
            Stmt::Scope { body, .. } => body.iter().for_each(|stmt| self.stmt(stmt, region, false)),
            Stmt::Watch(_, watch) => match watch {
                Watch::Float { value, .. } | Watch::Convert(value, _) => self.uses(region, [*value]),
                Watch::Access(at, ..) => self.uses(region, at.terms.iter().map(|term| term.index)),
            },
            Stmt::Break(_) | Stmt::Continue(_) | Stmt::Barrier(_) => {}
        }
    }
}
