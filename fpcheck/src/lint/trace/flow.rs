//! Branches, switches and loops: states part and come together again.
//!
//! Branches are walked both and joined. A loop is walked until what its variables depend on no longer grows, and then once
//! more, so that the end of one round meets the beginning of the next.

use std::collections::BTreeMap;

use naga::{Block, Expression, Handle, Statement, SwitchValue};

use super::truth::Truth;
use super::value::{Deps, Form, Linear, Root, Scalar, Value};
use super::walk::{Around, Frame, STATEMENTS_MAX, State, Walker};
use crate::lint::ir::inner;

/// Rounds after which a loop's variables count as depending on everything.
const ROUNDS_MAX: usize = 6;

impl<'m> Walker<'m> {
    pub(super) fn branch(&mut self, frame: &mut Frame<'m>, condition: &Scalar, accept: &'m Block, reject: &'m Block) -> bool {
        let truth = condition.truth();
        let before = self.state.clone();
        let exits = (self.returned.take(), self.left.take());
        let depth = self.guards.len();

        self.guards.push(truth.clone());
        let accepts = self.block(frame, accept);
        let accepted = std::mem::replace(&mut self.state, before);
        self.guards.truncate(depth);
        self.guards.push(truth.not());
        let rejects = self.block(frame, reject);
        let rejected = std::mem::take(&mut self.state);
        self.guards.truncate(depth);

        let gone = self.returned.is_some() || self.left.is_some();
        let deps = self.returned.unwrap_or_default() | self.left.unwrap_or_default();
        self.returned = sum(self.returned, exits.0);
        self.left = sum(self.left, exits.1);
        match (accepts, rejects) {
            (true, true) => {
                self.state = self.join(&Value::Scalar(condition.clone()), accepted, rejected);
                if gone {
                    self.guards.push(Truth::Unknown(deps));
                }
            }
            (true, false) => {
                self.state = accepted;
                self.guards.push(truth);
            }
            (false, true) => {
                self.state = rejected;
                self.guards.push(truth.not());
            }
            (false, false) => return false,
        }
        true
    }

    pub(super) fn switch(
        &mut self,
        frame: &mut Frame<'m>,
        selector: Handle<Expression>,
        cases: &'m [naga::SwitchCase],
    ) -> bool {
        let selector = self.scalar(frame, selector);
        let before = self.state.clone();
        let exits = (self.returned.take(), self.left.take());
        let depth = self.guards.len();
        self.around.push(Around {
            is_switch: true,
            ..Around::default()
        });
        let mut ends = Vec::new();
        let mut through: Option<State> = None;
        for case in cases {
            let guard = match (&case.value, selector.int()) {
                (SwitchValue::U32(value), Some(of)) => Truth::Compare(
                    naga::BinaryOperator::Equal,
                    of.clone(),
                    Linear::constant(*value),
                    selector.deps,
                ),
                _ => Truth::Unknown(selector.deps),
            };
            self.state = before.clone();
            if let Some(through) = through.take() {
                let state = std::mem::take(&mut self.state);
                self.state = self.join(&Value::Scalar(selector.clone()), state, through);
            }
            self.guards.push(if case.fall_through {
                Truth::Unknown(selector.deps)
            } else {
                guard
            });
            let falls = self.block(frame, &case.body);
            self.guards.truncate(depth);
            let state = std::mem::take(&mut self.state);
            match (falls, case.fall_through) {
                (true, true) => through = Some(state),
                (true, false) => ends.push(state),
                (false, _) => {}
            }
        }
        let around = self.around.pop().unwrap_or_default();
        ends.extend(around.breaks);
        let left = self.returned.is_some() || self.left.is_some();
        let deps = self.returned.unwrap_or_default() | self.left.unwrap_or_default() | selector.deps;
        self.returned = sum(self.returned, exits.0);
        self.left = sum(self.left, exits.1);
        let mut ends = ends.into_iter();
        let Some(mut state) = ends.next() else { return false };
        for other in ends {
            state = self.join(&Value::Opaque(deps), state, other);
        }
        self.state = state;
        if left {
            self.guards.push(Truth::Unknown(deps));
        }
        true
    }

    pub(super) fn repeat(
        &mut self,
        frame: &mut Frame<'m>,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Expression>>,
    ) -> bool {
        let changed = self.changed(frame, &[body, continuing]);
        let mut deps: BTreeMap<Root, Deps> = BTreeMap::new();
        for key in &changed {
            deps.insert(*key, self.state.variables.get(key).map(Value::deps).unwrap_or_default());
        }
        let before = self.state.clone();
        let (accesses, races, calls) = (self.accesses.len(), self.races.len(), self.calls.len());
        let exits = (self.returned.take(), self.left.take());
        let returns = frame.returns.len();
        let mut rounds = 0;
        loop {
            rounds += 1;
            self.state = before.clone();
            self.loop_variables(&deps);
            let around = self.round(frame, body, continuing, break_if);
            let mut grew = false;
            let ends = around.breaks.iter().chain(std::iter::once(&self.state));
            let mut next = deps.clone();
            for state in ends {
                for (key, known) in &mut next {
                    let now = state.variables.get(key).map(Value::deps).unwrap_or_default();
                    grew |= *known | now != *known;
                    *known = *known | now;
                }
            }
            if rounds == ROUNDS_MAX && grew {
                next.values_mut()
                    .for_each(|deps| *deps = Deps::LOCAL | Deps::GROUP | Deps::MEMORY | Deps::CLOCK);
            }
            if grew && rounds <= ROUNDS_MAX && self.statements <= STATEMENTS_MAX {
                deps = next;
                self.accesses.truncate(accesses);
                self.races.truncate(races);
                self.calls.truncate(calls);
                frame.returns.truncate(returns);
                (self.returned, self.left) = (None, None);
                continue;
            }
            // The next round, with what the last one left open.
            let live = self.state.live.clone();
            self.state = before.clone();
            for (access, ordered) in live {
                let entry = self.state.live.entry(access).or_insert(ordered);
                *entry &= ordered;
            }
            self.loop_variables(&deps);
            let again = self.round(frame, body, continuing, break_if);
            self.state = State::default();
            let left = around.deps | again.deps;
            let mut ends = around.breaks.into_iter().chain(again.breaks);
            let returned = self.returned;
            self.returned = sum(self.returned, exits.0);
            self.left = exits.1;
            let Some(mut state) = ends.next() else { return false };
            let condition = Value::Opaque(left);
            for other in ends {
                state = self.join(&condition, state, other);
            }
            // How many rounds there were shows in what they changed.
            for key in &changed {
                if let Some(value) = state.variables.get(key).cloned() {
                    let deps = value.deps() | left;
                    let value = self.like(&value, deps, false);
                    state.variables.insert(*key, value);
                }
            }
            self.state = state;
            if let Some(deps) = returned {
                self.guards.push(Truth::Unknown(deps));
            }
            return true;
        }
    }

    /// One round of a loop; the walk's state is then that of its end.
    pub(super) fn round(
        &mut self,
        frame: &mut Frame<'m>,
        body: &'m Block,
        continuing: &'m Block,
        break_if: Option<Handle<Expression>>,
    ) -> Around {
        let depth = self.guards.len();
        self.around.push(Around::default());
        let falls = self.block(frame, body);
        self.guards.truncate(depth);
        let mut ends = Vec::new();
        if falls {
            ends.push(std::mem::take(&mut self.state));
        }
        if let Some(around) = self.around.last_mut() {
            ends.append(&mut around.continues);
        }
        let condition = Value::Opaque(self.left.unwrap_or_default());
        let mut ends = ends.into_iter();
        let mut state = ends.next().unwrap_or_default();
        for other in ends {
            state = self.join(&condition, state, other);
        }
        self.state = state;
        self.block(frame, continuing);
        self.guards.truncate(depth);
        let mut around = self.around.pop().unwrap_or_default();
        if let Some(condition) = break_if {
            let condition = self.scalar(frame, condition);
            around.deps = around.deps | condition.deps;
            around.breaks.push(self.state.clone());
        }
        around
    }

    /// A loop's variables at the beginning of a round.
    pub(super) fn loop_variables(&mut self, deps: &BTreeMap<Root, Deps>) {
        for (key, deps) in deps {
            if let Some(value) = self.state.variables.get(key).cloned() {
                let value = self.like(&value, *deps, true);
                self.state.variables.insert(*key, value);
            }
        }
    }

    /// An unknown value of the same kind.
    pub(super) fn like(&mut self, value: &Value, deps: Deps, of_loop: bool) -> Value {
        let mut part = |part: &Scalar| match part.form {
            Form::Int(_) => {
                let atom = if of_loop {
                    self.atoms.of_loop(deps)
                } else {
                    self.atoms.other(deps)
                };
                Scalar::atom(atom, &self.atoms)
            }
            Form::Bool(_) => Scalar {
                form: Form::Bool(Truth::Unknown(deps)),
                deps,
            },
            Form::Unknown => Scalar::unknown(deps),
        };
        match value {
            Value::Scalar(scalar) => Value::Scalar(part(scalar)),
            Value::Vector(parts) => Value::Vector(parts.iter().map(part).collect()),
            _ => Value::Opaque(deps),
        }
    }

    /// Variables that blocks may change.
    pub(super) fn changed(&mut self, frame: &mut Frame<'m>, blocks: &[&'m Block]) -> Vec<Root> {
        let mut pointers = Vec::new();
        let mut calls = false;
        let mut todo = blocks.to_vec();
        while let Some(block) = todo.pop() {
            for statement in block.iter() {
                match statement {
                    Statement::Store { pointer, .. } => pointers.push(*pointer),
                    Statement::Call { arguments, .. } => {
                        calls = true;
                        pointers.extend(arguments);
                    }
                    _ => {}
                }
                todo.extend(inner(statement));
            }
        }
        let mut roots: Vec<Root> = pointers.into_iter().filter_map(|pointer| self.root(frame, pointer)).collect();
        if calls {
            // A function may change any private variable.
            roots.extend(self.state.variables.keys().filter(|root| matches!(root, Root::Global(_))));
        }
        roots.sort_unstable();
        roots.dedup();
        roots
    }

    /// The variable that a pointer expression starts from.
    pub(super) fn root(&mut self, frame: &mut Frame<'m>, pointer: Handle<Expression>) -> Option<Root> {
        match &frame.body.function.expressions[pointer] {
            Expression::LocalVariable(variable) => Some(Root::Local(frame.number, variable.index())),
            Expression::GlobalVariable(global) => Some(Root::Global(*global)),
            Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => self.root(frame, *base),
            Expression::FunctionArgument(index) => match &frame.arguments[*index as usize] {
                Value::Pointer(place) => Some(place.root),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn join(&mut self, condition: &Value, mut a: State, mut b: State) -> State {
        let mut variables = BTreeMap::new();
        for (key, value) in std::mem::take(&mut a.variables) {
            if let Some(other) = b.variables.remove(&key) {
                let joined = if value == other {
                    value
                } else {
                    self.select(condition, value, other)
                };
                variables.insert(key, joined);
            }
        }
        // Private variables are met first somewhere.
        variables.extend(b.variables.into_iter().filter(|(root, _)| matches!(root, Root::Global(_))));
        let mut live = a.live;
        for (access, ordered) in b.live {
            let entry = live.entry(access).or_insert(ordered);
            *entry &= ordered;
        }
        State { variables, live }
    }
}

fn sum(a: Option<Deps>, b: Option<Deps>) -> Option<Deps> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a | b),
        (a, b) => a.or(b),
    }
}
