//! Branches and switches: states part and come together again.

use std::collections::BTreeMap;

use naga::{Block, Expression, Handle, SwitchValue};

use super::truth::Truth;
use super::value::{Deps, Linear, Root, Scalar, Value};
use super::walk::{Around, Frame, Guard, State, Walker};

impl<'m> Walker<'m> {
    pub(super) fn branch(&mut self, frame: &mut Frame<'m>, condition: &Scalar, accept: &'m Block, reject: &'m Block) -> bool {
        let truth = condition.truth();
        if let Truth::Known(known) = truth {
            return self.block(frame, if known { accept } else { reject });
        }
        let before = self.state.clone();
        let exits = (self.returned.take(), self.left.take());
        let depth = self.guards.len();

        let number = self.next_branch();
        let accepting = Guard {
            truth: truth.clone(),
            branch: (number, true),
            of_round: false,
        };
        let rejecting = Guard {
            truth: truth.not(),
            branch: (number, false),
            of_round: false,
        };
        self.guards.push(accepting.clone());
        let accepts = self.block(frame, accept);
        let accepted = std::mem::replace(&mut self.state, before);
        self.guards.truncate(depth);
        self.guards.push(rejecting.clone());
        let rejects = self.block(frame, reject);
        let rejected = std::mem::take(&mut self.state);
        self.guards.truncate(depth);

        let gone = self.returned.is_some() || self.left.is_some();
        let deps = self.returned.unwrap_or_default() | self.left.unwrap_or_default();
        // What the other side of the branch leaves is the loop, not the function.
        let of_round = self.returned.is_none() && self.left.is_some();
        self.returned = sum(self.returned, exits.0);
        self.left = sum(self.left, exits.1);
        match (accepts, rejects) {
            (true, true) => {
                self.state = self.join(&Value::Scalar(condition.clone()), accepted, rejected);
                if gone {
                    self.guard_unknown(deps);
                }
            }
            (true, false) => {
                self.state = accepted;
                self.guards.push(Guard { of_round, ..accepting });
            }
            (false, true) => {
                self.state = rejected;
                self.guards.push(Guard { of_round, ..rejecting });
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
            let truth = if case.fall_through {
                Truth::Unknown(selector.deps)
            } else {
                guard
            };
            let branch = (self.next_branch(), true);
            self.guards.push(Guard {
                truth,
                branch,
                of_round: false,
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
            self.guard_unknown(deps);
        }
        true
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

pub(super) fn sum(a: Option<Deps>, b: Option<Deps>) -> Option<Deps> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a | b),
        (a, b) => a.or(b),
    }
}
