//! Random numbers that are the same in every step.

use super::{Rule, random};
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};
use crate::lint::trace::Deps;

pub(super) const RULE: Rule = Rule {
    id: "random-without-step",
    title: "every step draws the same random numbers",
    why: "the number is a function of its arguments, and neither the step nor anything that changes is among them",
    instead: "put the step into the counter: clock.x, and clock.y into the key",
    portable: Level::Warning,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    (random::calls(scope))
        .filter(|call| !call.deps.any(Deps::CLOCK | Deps::MEMORY))
        .map(|call| {
            Hit::new(
                call.span.clone(),
                format!("'{}' gets the same arguments in every step", call.function),
            )
        })
        .collect()
}
