//! A barrier that not all invocations of a workgroup reach together.

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "barrier",
    title: "a barrier that some invocations miss",
    why: "a barrier waits for all invocations of a workgroup: where some may branch around it WGSL gives it no meaning, and no device runs the package",
    instead: "move the barrier out of the branch or loop and in front of an early return, or load the condition with workgroupUniformLoad",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    for refusal in wgsl::barriers::refused(scope.module()) {
        let Some(span) = refusal.span else { continue };
        if hits.iter().all(|other| other.span != span) {
            hits.push(Hit::new(span, refusal.message));
        }
    }
    hits
}
