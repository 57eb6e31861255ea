//! The value that an atomic operation returns: what was there when this invocation came.

use naga::{Expression, Handle, Statement};

use super::Rule;
use super::float_compare_exchange::exchanges_float;
use crate::lint::Level;
use crate::lint::ir::{Body, operands, taken};
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "atomic-result",
    title: "the returned value of an atomic operation is used",
    why: "it says how many came before, and that is decided by scheduling: a list filled this way has another order each time",
    instead: "count first, give each invocation its place by a prefix sum, then write; or sort what was gathered by a unique key",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for body in scope.bodies() {
        let used = used(&body);
        for (statement, span) in body.statements() {
            if let Statement::Atomic {
                pointer,
                result: Some(result),
                ..
            } = statement
                && used[result.index()]
                && !body.is_float(*pointer)
                && !exchanges_float(&body, statement)
            {
                hits.push(Hit::new(span, "the returned value of this atomic operation is used"));
            }
        }
    }
    hits
}

/// Which expressions something is made of, by index.
fn used(body: &Body<'_>) -> Vec<bool> {
    let mut used = vec![false; body.function.expressions.len()];
    let mut mark = |handle: Handle<Expression>| used[handle.index()] = true;
    for (_, expression, _) in body.expressions() {
        operands(expression).into_iter().for_each(&mut mark);
    }
    for (statement, _) in body.statements() {
        taken(statement).into_iter().for_each(&mut mark);
    }
    used
}
