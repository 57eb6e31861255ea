//! Who must be looked at again when a value's spread changes.

use super::tree::{Kind, Source, Tree};
use crate::ir::{Kernel, Label, Op, Value, Var};

/// Something that depends on a value.
#[derive(Clone, Copy)]
pub(super) enum User {
    /// A value computed from it, or loaded by it.
    Value(Value),
    /// An assignment of it, by index.
    Assignment(usize),
    /// A block that runs where it holds.
    Branch(usize),
    /// A loop that ends when it holds.
    Until(Label),
}

/// Users of each value, and values that read each variable.
pub(super) struct Users {
    /// Where the users of value `v` lie in `list`: from `first[v]` to `first[v + 1]`.
    first: Vec<usize>,
    list: Vec<User>,
    pub(super) readers: Vec<Vec<Value>>,
}

impl Users {
    pub(super) fn of(kernel: &Kernel, tree: &Tree<'_>) -> Self {
        let mut pairs: Vec<(Value, User)> = Vec::new();
        let mut readers = vec![Vec::new(); kernel.vars.len()];
        for (value, source) in &tree.definitions {
            let user = User::Value(*value);
            match source {
                Source::Op => match kernel.values[value.0 as usize].op {
                    Op::Un(_, a) => pairs.push((a, user)),
                    Op::Bin(_, a, b) => pairs.extend([(a, user), (b, user)]),
                    Op::Select(c, a, b) => pairs.extend([(c, user), (a, user), (b, user)]),
                    Op::Get(var) => readers[var.0 as usize].push(*value),
                    Op::Const(_) | Op::Input(_) | Op::Loaded => {}
                },
                Source::Load { place, .. } | Source::Atomic { place, .. } => {
                    pairs.extend(place.terms.iter().map(|term| (term.index, user)));
                }
            }
        }
        let assignments = tree.assignments.iter().enumerate();
        pairs.extend(assignments.map(|(i, set)| (set.value, User::Assignment(i))));
        for (number, block) in tree.blocks.iter().enumerate() {
            if let Kind::Branch(cond) = block.kind {
                pairs.push((cond, User::Branch(number)));
            }
        }
        for (label, until) in tree.untils.iter().enumerate() {
            if let Some((until, _)) = until {
                pairs.push((*until, User::Until(Label(label as u32))));
            }
        }
        pairs.sort_by_key(|(value, _)| *value);
        let count = kernel.values.len();
        let mut first = Vec::with_capacity(count + 1);
        first.extend((0..=count).map(|value| pairs.partition_point(|(used, _)| (used.0 as usize) < value)));
        Self {
            first,
            list: pairs.into_iter().map(|(_, user)| user).collect(),
            readers,
        }
    }

    pub(super) fn count(&self, value: Value) -> usize {
        self.first[value.0 as usize + 1] - self.first[value.0 as usize]
    }

    pub(super) fn at(&self, value: Value, i: usize) -> User {
        self.list[self.first[value.0 as usize] + i]
    }

    pub(super) fn readers(&self, var: Var) -> &[Value] {
        &self.readers[var.0 as usize]
    }
}
