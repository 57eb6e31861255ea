//! Loops: a first round with the values known before it, then any other one.
//!
//! Any other round is walked until what the loop's variables depend on no longer grows, and then once more, so that the end of one
//! round meets the beginning of the next.

use std::collections::BTreeMap;

use naga::{Block, Expression, Handle, Statement};

use super::flow::sum;
use super::truth::Truth;
use super::value::{Deps, Form, Root, Scalar, Value};
use super::walk::{Around, Frame, Live, STATEMENTS_MAX, State, Walker};
use crate::lint::ir::inner;

/// Rounds after which a loop's variables count as depending on everything.
const ROUNDS_MAX: usize = 6;

/// A loop's parts.
#[derive(Clone, Copy)]
pub(super) struct Loop<'m> {
    pub(super) body: &'m Block,
    pub(super) continuing: &'m Block,
    pub(super) break_if: Option<Handle<Expression>>,
}

/// How a round ended.
struct Round {
    /// The state from which the next round begins, if one does.
    end: Option<State>,
    /// States in which the loop was left, and what that depended on.
    breaks: Vec<State>,
    deps: Deps,
}

impl<'m> Walker<'m> {
    /// Walk a loop; whether what follows it is reached.
    pub(super) fn repeat(&mut self, frame: &mut Frame<'m>, parts: Loop<'m>) -> bool {
        let changed = self.changed(frame, &[parts.body, parts.continuing]);
        let exits = (self.returned.take(), self.left.take());
        let before = self.accesses.len();
        let first = self.round(frame, parts);
        let (mut ends, mut deps) = (first.breaks, first.deps);
        let early = ends.len();
        if let Some(state) = first.end {
            for round in self.others(frame, parts, &state, &changed) {
                ends.extend(round.breaks);
                deps = deps | round.deps;
            }
        }
        self.state = State::default();
        let returned = self.returned;
        self.returned = sum(self.returned, exits.0);
        self.left = exits.1;
        // How many rounds there are is not known: what is open behind the loop is what each number of them leaves open.
        let lives: Vec<Live> = ends.iter().map(|end| end.live.clone()).collect();
        let later = if lives.len() > early { &lives[early..] } else { &lives };
        let mut ends = ends.into_iter();
        let Some(mut state) = ends.next() else { return false };
        let condition = Value::Opaque(deps);
        for other in ends {
            state = self.join(&condition, state, other);
        }
        state.live.retain(|access, _| {
            let among = if *access < before { &lives } else { later };
            among.iter().all(|live| live.contains_key(access))
        });
        // How many rounds there were shows in what they changed.
        for key in &changed {
            if let Some(value) = state.variables.get(key).cloned() {
                let value = self.like(&value, value.deps() | deps, false);
                state.variables.insert(*key, value);
            }
        }
        self.state = state;
        if let Some(deps) = returned {
            self.guard_unknown(deps);
        }
        true
    }

    /// Rounds after the first one, which ended in `state`: any one, and the one that follows it.
    fn others(&mut self, frame: &mut Frame<'m>, parts: Loop<'m>, state: &State, changed: &[Root]) -> Vec<Round> {
        let of = |state: &State, key: &Root| state.variables.get(key).map(Value::deps).unwrap_or_default();
        let mut deps: BTreeMap<Root, Deps> = changed.iter().map(|key| (*key, of(state, key))).collect();
        let found = (self.accesses.len(), self.races.len(), self.calls.len(), frame.returns.len());
        let exits = (self.returned, self.left);
        for rounds in 1.. {
            self.state = state.clone();
            self.loop_variables(&deps);
            let one = self.round(frame, parts);
            let mut grew = false;
            for end in one.breaks.iter().chain(&one.end) {
                for (key, known) in &mut deps {
                    let now = *known | of(end, key);
                    grew |= now != *known;
                    *known = now;
                }
            }
            if !grew || rounds > ROUNDS_MAX || self.statements > STATEMENTS_MAX {
                let Some(end) = &one.end else { return vec![one] };
                self.state = state.clone();
                self.state.live = end.live.clone();
                self.loop_variables(&deps);
                let next = self.round(frame, parts);
                return vec![one, next];
            }
            if rounds == ROUNDS_MAX {
                let everything = Deps::LOCAL | Deps::GROUP | Deps::MEMORY | Deps::CLOCK;
                deps.values_mut().for_each(|deps| *deps = everything);
            }
            self.accesses.truncate(found.0);
            self.races.truncate(found.1);
            self.calls.truncate(found.2);
            frame.returns.truncate(found.3);
            (self.returned, self.left) = exits;
        }
        Vec::new()
    }

    fn round(&mut self, frame: &mut Frame<'m>, parts: Loop<'m>) -> Round {
        let depth = self.guards.len();
        self.around.push(Around::default());
        let falls = self.block(frame, parts.body);
        self.guards.truncate(depth);
        let mut ends = Vec::new();
        if falls {
            ends.push(std::mem::take(&mut self.state));
        }
        if let Some(around) = self.around.last_mut() {
            ends.append(&mut around.continues);
        }
        let condition = Value::Opaque(self.left.unwrap_or_default());
        let mut end = None;
        for state in ends {
            end = Some(match end {
                None => state,
                Some(other) => self.join(&condition, other, state),
            });
        }
        let reached = end.is_some();
        self.state = end.unwrap_or_default();
        let reached = reached && self.block(frame, parts.continuing);
        self.guards.truncate(depth);
        let mut around = self.around.pop().unwrap_or_default();
        if let Some(condition) = parts.break_if.filter(|_| reached) {
            let condition = self.scalar(frame, condition);
            around.deps = around.deps | condition.deps;
            around.breaks.push(self.state.clone());
        }
        let state = std::mem::take(&mut self.state);
        Round {
            end: reached.then_some(state),
            breaks: around.breaks,
            deps: around.deps,
        }
    }

    /// A loop's variables at the beginning of a round.
    fn loop_variables(&mut self, deps: &BTreeMap<Root, Deps>) {
        for (key, deps) in deps {
            if let Some(value) = self.state.variables.get(key).cloned() {
                let value = self.like(&value, *deps, true);
                self.state.variables.insert(*key, value);
            }
        }
    }

    /// An unknown value of the same kind.
    fn like(&mut self, value: &Value, deps: Deps, of_loop: bool) -> Value {
        let mut part = |part: &Scalar| match part.form {
            Form::Int(_) => {
                let atom = if of_loop {
                    self.atoms.of_loop(deps)
                } else {
                    self.atoms.after_loop(deps)
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
    fn changed(&mut self, frame: &mut Frame<'m>, blocks: &[&'m Block]) -> Vec<Root> {
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
    fn root(&mut self, frame: &mut Frame<'m>, pointer: Handle<Expression>) -> Option<Root> {
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
}
