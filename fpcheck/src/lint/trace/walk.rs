//! Statements in the order of execution, and calls.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use naga::{AtomicFunction, Barrier, Block, BuiltIn, Expression, Handle, Module, Statement, TypeInner};

use super::loops::Loop;
use super::truth::Truth;
use super::value::{AtomKind, Atoms, Deps, Form, Linear, Place, Root, Scalar, Value};
use super::{Call, Outside, Overrides, Race, Shape, Trace, race};
use crate::lint::ir::{Body, range};
use crate::lint::scope::Point;

/// Statements after which a walk ends with what it has: hostile texts call and loop without end.
pub(super) const STATEMENTS_MAX: u32 = 200_000;
/// Invocations of a workgroup along an axis, where an `override` without a known value says.
const SIZE_ASSUMED: u32 = 64;
/// Calls within each other, deeper than people write.
const CALL_DEPTH_MAX: usize = 64;

/// An access of a storage or workgroup variable.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) place: Place,
    pub(super) write: bool,
    pub(super) atomic: bool,
    /// What a written value depends on.
    pub(super) value: Deps,
    pub(super) guards: Rc<[Guard]>,
    pub(super) span: Range<usize>,
}

/// A condition under which statements run.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    pub(super) truth: Truth,
    /// Number of the branch, and its side: two guards with the same ones are one.
    pub(super) branch: (u32, bool),
    /// It is what keeps a loop going, so that it holds in each round that there is.
    pub(super) of_round: bool,
}

/// A function being walked.
pub(super) struct Frame<'m> {
    pub(super) body: Body<'m>,
    pub(super) number: u32,
    pub(super) arguments: Vec<Value>,
    pub(super) cache: BTreeMap<Handle<Expression>, Value>,
    /// States at its returns, and the value returned.
    pub(super) returns: Vec<(State, Option<Value>)>,
}

/// An access since whose time no barrier was: its index, and whether a storage barrier was nevertheless.
pub(super) type Live = BTreeMap<usize, bool>;

/// What the walk knows at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) variables: BTreeMap<Root, Value>,
    pub(super) live: Live,
}

/// Where a loop or a switch is left.
#[derive(Default)]
pub(super) struct Around {
    pub(super) breaks: Vec<State>,
    pub(super) continues: Vec<State>,
    /// What leaving depends on.
    pub(super) deps: Deps,
    pub(super) is_switch: bool,
}

/// The walk.
pub(super) struct Walker<'m> {
    pub(super) module: &'m Module,
    pub(super) atoms: Atoms,
    pub(super) overrides: &'m Overrides,
    /// Whether an `override` without another value has its default.
    pub(super) defaults: bool,
    pub(super) point: &'m Point<'m>,
    pub(super) bodies: &'m [Body<'m>],
    pub(super) shape: Shape,
    pub(super) state: State,
    pub(super) guards: Vec<Guard>,
    /// Branches walked so far.
    pub(super) branches: u32,
    pub(super) around: Vec<Around>,
    pub(super) accesses: Vec<Access>,
    pub(super) races: Vec<Race>,
    pub(super) calls: Vec<Call>,
    pub(super) outside: Vec<Outside>,
    /// Names of the functions being walked.
    pub(super) stack: Vec<String>,
    /// What returns since the function's beginning depended on, if there were any.
    pub(super) returned: Option<Deps>,
    /// What exits of loops depended on, if there were any since the loop's beginning.
    pub(super) left: Option<Deps>,
    pub(super) frames: u32,
    pub(super) statements: u32,
    pub(super) pairs: u32,
}

impl<'m> Walker<'m> {
    pub(super) fn new(point: &'m Point<'m>) -> Self {
        Self {
            module: point.module,
            atoms: Atoms::default(),
            overrides: &point.overrides,
            defaults: point.defaults,
            point,
            bodies: &point.bodies,
            shape: Shape {
                size: [1; 3],
                groups: point.groups,
            },
            state: State::default(),
            guards: Vec::new(),
            branches: 0,
            around: Vec::new(),
            accesses: Vec::new(),
            races: Vec::new(),
            calls: Vec::new(),
            outside: Vec::new(),
            stack: Vec::new(),
            returned: None,
            left: None,
            frames: 0,
            statements: 0,
            pairs: 0,
        }
    }

    pub(super) fn run(mut self) -> Trace {
        self.shape.size = self.workgroup_size();
        let index = self.bodies.len() - self.module.entry_points.len() + self.point.entry;
        let body = self.bodies[index];
        let arguments = (body.function.arguments.iter())
            .map(|argument| self.builtin(argument.binding.as_ref(), argument.ty))
            .collect();
        self.call(body, arguments);
        self.races.dedup_by(|a, b| a.first == b.first && a.second == b.second);
        Trace {
            races: self.races,
            calls: self.calls,
            outside: self.outside,
        }
    }

    fn workgroup_size(&mut self) -> [u32; 3] {
        let entry = &self.module.entry_points[self.point.entry];
        let mut size = entry.workgroup_size;
        for (axis, handle) in entry.workgroup_size_overrides.into_iter().flatten().enumerate() {
            if let Some(handle) = handle {
                let known = self.global_value(handle).scalar().int().and_then(Linear::known);
                size[axis] = known.unwrap_or(SIZE_ASSUMED);
            }
        }
        size
    }

    /// The value of an entry point's argument.
    fn builtin(&mut self, binding: Option<&naga::Binding>, ty: Handle<naga::Type>) -> Value {
        let inner = self.module.types[ty].inner.clone();
        if let TypeInner::Struct { members, .. } = &inner {
            let parts = members.iter().map(|member| self.builtin(member.binding.as_ref(), member.ty));
            return Value::Struct(parts.collect());
        }
        let Some(naga::Binding::BuiltIn(builtin)) = binding else {
            return self.fresh_of(&inner, Deps::LOCAL | Deps::GROUP);
        };
        let Shape { size, groups } = self.shape;
        let mut axes = |kind: fn(usize) -> AtomKind, deps: fn(usize) -> Deps| {
            let axis = |axis| {
                // Where there is one only, its number is 0.
                let alone = match kind(axis) {
                    AtomKind::Local(axis) => size[axis] == 1,
                    _ => groups.is_some_and(|groups| groups[axis] == 1),
                };
                if alone {
                    return Scalar::constant(0);
                }
                let atom = self.atoms.atom(kind(axis), deps(axis));
                Scalar::atom(atom, &self.atoms)
            };
            (0..3).map(axis).collect::<Vec<_>>()
        };
        match builtin {
            BuiltIn::LocalInvocationId => Value::Vector(axes(AtomKind::Local, Deps::local)),
            BuiltIn::WorkGroupId => Value::Vector(axes(AtomKind::Group, Deps::group)),
            BuiltIn::GlobalInvocationId => {
                let (group, local) = (axes(AtomKind::Group, Deps::group), axes(AtomKind::Local, Deps::local));
                let sum = |axis: usize| summed(&[(size[axis], &group[axis]), (1, &local[axis])]);
                Value::Vector((0..3).map(sum).collect())
            }
            BuiltIn::LocalInvocationIndex => {
                let local = axes(AtomKind::Local, Deps::local);
                let [x, y, z] = size;
                let strides = [(x, 1), (y, x), (z, x.wrapping_mul(y))];
                let parts = strides.into_iter().zip(&local);
                // Along an axis of one invocation there is nothing to count.
                let parts: Vec<(u32, &Scalar)> = parts
                    .filter(|((size, _), _)| *size > 1)
                    .map(|((_, stride), part)| (stride, part))
                    .collect();
                Value::Scalar(summed(&parts))
            }
            BuiltIn::NumWorkGroups | BuiltIn::WorkGroupSize | BuiltIn::SubgroupSize | BuiltIn::NumSubgroups => {
                self.fresh_of(&inner, Deps::NONE)
            }
            _ => self.fresh_of(&inner, Deps::LOCAL | Deps::GROUP),
        }
    }

    /// Walk a function to its end; its value.
    fn call(&mut self, body: Body<'m>, arguments: Vec<Value>) -> Option<Value> {
        if self.stack.len() >= CALL_DEPTH_MAX {
            return None;
        }
        self.frames += 1;
        let mut frame = Frame {
            body,
            number: self.frames,
            arguments,
            cache: BTreeMap::new(),
            returns: Vec::new(),
        };
        for (variable, local) in body.function.local_variables.iter() {
            let value = match local.init {
                Some(init) => self.value(&mut frame, init),
                None => self.zero(local.ty),
            };
            self.state
                .variables
                .insert(Root::Local(frame.number, variable.index()), value);
        }
        self.stack.push(body.function.name.clone().unwrap_or_default());
        let (guards, returned, left) = (self.guards.len(), self.returned.take(), self.left.take());
        let around = std::mem::take(&mut self.around);
        let falls = self.block(&mut frame, &body.function.body);
        self.around = around;
        self.guards.truncate(guards);
        let deps = self.returned.unwrap_or_default();
        (self.returned, self.left) = (returned, left);
        self.stack.pop();

        let mut ends = std::mem::take(&mut frame.returns);
        if falls {
            ends.push((std::mem::take(&mut self.state), None));
        }
        let condition = Value::Opaque(deps);
        let mut ends = ends.into_iter();
        let (mut state, mut value) = ends.next()?;
        for (other, another) in ends {
            state = self.join(&condition, state, other);
            value = match (value, another) {
                (Some(a), Some(b)) => Some(self.select(&condition, a, b)),
                (a, b) => a.or(b),
            };
        }
        state
            .variables
            .retain(|root, _| !matches!(root, Root::Local(number, _) if *number == frame.number));
        self.state = state;
        value
    }

    /// Walk a block; whether its end is reached.
    pub(super) fn block(&mut self, frame: &mut Frame<'m>, block: &'m Block) -> bool {
        for (statement, span) in block.span_iter() {
            self.statements += 1;
            if self.statements > STATEMENTS_MAX {
                return true;
            }
            if !self.statement(frame, statement, range(*span)) {
                return false;
            }
        }
        true
    }

    fn statement(&mut self, frame: &mut Frame<'m>, statement: &'m Statement, span: Range<usize>) -> bool {
        match statement {
            Statement::Emit(emitted) => {
                for handle in emitted.clone() {
                    let value = self.evaluate(frame, handle);
                    frame.cache.insert(handle, value);
                }
            }
            Statement::Block(block) => return self.block(frame, block),
            Statement::If {
                condition,
                accept,
                reject,
            } => {
                let condition = self.scalar(frame, *condition);
                return self.branch(frame, &condition, accept, reject);
            }
            Statement::Switch { selector, cases } => return self.switch(frame, *selector, cases),
            Statement::Loop {
                body,
                continuing,
                break_if,
            } => {
                let parts = Loop {
                    body,
                    continuing,
                    break_if: *break_if,
                };
                return self.repeat(frame, parts);
            }
            Statement::Break | Statement::Continue => {
                let deps = self.guard_deps();
                self.left = Some(self.left.unwrap_or_default() | deps);
                let state = std::mem::take(&mut self.state);
                let breaks = matches!(statement, Statement::Break);
                let target = self.around.iter_mut().rev().find(|around| breaks || !around.is_switch);
                if let Some(target) = target {
                    target.deps = target.deps | deps;
                    let exits = if breaks { &mut target.breaks } else { &mut target.continues };
                    exits.push(state);
                }
                return false;
            }
            Statement::Return { value } => {
                let value = value.map(|value| self.value(frame, value));
                self.returned = Some(self.returned.unwrap_or_default() | self.guard_deps());
                frame.returns.push((std::mem::take(&mut self.state), value));
                return false;
            }
            Statement::Kill => return false,
            Statement::ControlBarrier(flags) => self.barrier(*flags),
            Statement::Store { pointer, value } => {
                let value = self.value(frame, *value);
                if let Value::Pointer(place) = self.value(frame, *pointer) {
                    self.store(&place, value, span);
                }
            }
            Statement::Atomic {
                pointer,
                fun,
                value,
                result,
            } => {
                let mut deps = self.value(frame, *value).deps();
                if let AtomicFunction::Exchange { compare: Some(compare) } = fun {
                    deps = deps | self.value(frame, *compare).deps();
                }
                if let Value::Pointer(place) = self.value(frame, *pointer) {
                    self.access(place, true, true, deps, span);
                }
                if let Some(result) = result {
                    let value = self.fresh(frame, *result, Deps::LOCAL | Deps::GROUP | Deps::MEMORY);
                    frame.cache.insert(*result, value);
                }
            }
            Statement::WorkGroupUniformLoad { pointer, result } => {
                self.barrier(Barrier::WORK_GROUP);
                let mut deps = Deps::MEMORY;
                if let Value::Pointer(place) = self.value(frame, *pointer) {
                    deps = deps | place.deps();
                    self.access(place, false, false, Deps::NONE, span);
                }
                self.barrier(Barrier::WORK_GROUP);
                let value = self.fresh(frame, *result, deps);
                frame.cache.insert(*result, value);
            }
            Statement::Call {
                function,
                arguments,
                result,
            } => {
                let arguments: Vec<Value> = arguments.iter().map(|argument| self.value(frame, *argument)).collect();
                let deps: Deps = arguments.iter().map(Value::deps).collect();
                let callee = self.bodies[function.index()];
                let by_many = race::many(&self.guards, &self.atoms, &self.shape);
                self.calls.push(Call {
                    function: callee.function.name.clone().unwrap_or_default(),
                    within: self.stack.clone(),
                    span,
                    deps,
                    by_many,
                });
                let value = self.call(callee, arguments);
                if let Some(result) = result {
                    let value = value.unwrap_or(Value::Opaque(Deps::LOCAL | Deps::GROUP | Deps::MEMORY));
                    frame.cache.insert(*result, value);
                }
            }
            Statement::SubgroupBallot { result, .. }
            | Statement::SubgroupGather { result, .. }
            | Statement::SubgroupCollectiveOperation { result, .. } => {
                let value = self.fresh(frame, *result, Deps::LOCAL | Deps::GROUP | Deps::MEMORY);
                frame.cache.insert(*result, value);
            }
            _ => {}
        }
        true
    }

    /// From here to the end of the block, statements run under a condition that nothing more is known of.
    pub(super) fn guard_unknown(&mut self, deps: Deps) {
        let branch = self.next_branch();
        self.guards.push(Guard {
            truth: Truth::Unknown(deps),
            branch: (branch, true),
            of_round: false,
        });
    }

    pub(super) fn next_branch(&mut self) -> u32 {
        self.branches += 1;
        self.branches
    }

    pub(super) fn guard_deps(&self) -> Deps {
        self.guards.iter().map(|guard| guard.truth.deps()).collect()
    }
}

/// A sum of multiples.
fn summed(parts: &[(u32, &Scalar)]) -> Scalar {
    let mut sum = Linear::default();
    for (multiple, part) in parts {
        sum = sum.plus(*multiple, part.int().expect("an axis is an integer"));
    }
    Scalar {
        form: Form::Int(sum),
        deps: parts.iter().map(|(_, part)| part.deps).collect(),
    }
}
