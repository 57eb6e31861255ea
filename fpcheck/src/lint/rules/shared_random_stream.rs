//! Random numbers that are the same for all invocations.

use super::{Rule, random};
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};
use crate::lint::trace::Deps;

pub(super) const RULE: Rule = Rule {
    id: "shared-random-stream",
    title: "all invocations draw the same random number",
    why: "the number is a function of its arguments, and these are the same in every invocation: particles get one common kick, not each its own",
    instead: "put what the number is for into the counter: the particle's index, and the step",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    (random::calls(scope))
        .filter(|call| call.by_many && !call.deps.any(Deps::LOCAL | Deps::GROUP))
        .map(|call| {
            Hit::new(
                call.span.clone(),
                format!("'{}' gets the same arguments in every invocation", call.function),
            )
        })
        .collect()
}
