//! Atomic operations on floats: the sum depends on who comes first.

use naga::Statement;

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "float-atomic",
    title: "an atomic operation on a float",
    why: "each addition rounds, so a sum of floats depends on the order of its terms; invocations arrive in another order each time",
    instead: "convert to fixed point and add integers, or sum over a tree of fixed shape in workgroup memory",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    scope.at_statements(|body, statement| match statement {
        Statement::Atomic { pointer, .. } if body.is_float(*pointer) => Some("an atomic operation on a float"),
        _ => None,
    })
}
