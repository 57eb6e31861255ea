//! An access that is certainly out of bounds.

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "out-of-bounds",
    title: "an index past the end",
    why: "what is read out of bounds is 0 and what is written there is lost, on every device: seldom what was meant",
    instead: "stop at the end, wrap the index around it, or make the buffer longer",
    portable: Level::Warning,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for outside in scope.traces().iter().flat_map(|trace| &trace.outside) {
        let [x, y, z] = outside.invocation;
        let message = format!(
            "invocation ({x}, {y}, {z}) gets to element {} of '{}' here, which has {}",
            outside.index,
            scope.name(outside.variable),
            outside.length
        );
        if hits.iter().all(|other| other.span != outside.span) {
            hits.push(Hit::new(outside.span.clone(), message));
        }
    }
    hits
}
