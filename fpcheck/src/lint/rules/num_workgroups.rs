//! The number of workgroups as a value.

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "num-workgroups",
    title: "the number of workgroups is read",
    why: "how work is cut into workgroups is chosen for speed; a result that depends on it changes with a tuning of the dispatch, and an \
          indirect dispatch may show another number than it runs",
    instead: "give the problem's own size as an override constant and loop over that",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    (scope.builtins("num_workgroups").into_iter())
        .map(|span| Hit::new(span, "the number of workgroups as a value"))
        .collect()
}
