//! Compare-exchange loops that update a float through its bits: an atomic float addition in disguise.

use naga::{AtomicFunction, Statement};

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::Body;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "float-compare-exchange",
    title: "a compare-exchange on the bits of a float",
    why: "this adds floats in the order in which invocations win the exchange; each addition rounds, so another order gives other bits",
    instead: "convert to fixed point and use atomicAdd on integers, or sum over a tree of fixed shape in workgroup memory",
    portable: Level::Error,
    class_bound: Some(Level::Error),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for body in scope.bodies() {
        for (statement, span) in body.statements() {
            if exchanges_float(&body, statement) {
                hits.push(Hit::new(
                    span,
                    "a compare-exchange whose new value is made of the bits of a float",
                ));
            }
        }
    }
    hits
}

/// Whether a statement is a compare-exchange of integers that stand for floats.
pub(super) fn exchanges_float(body: &Body<'_>, statement: &Statement) -> bool {
    let Statement::Atomic {
        fun: AtomicFunction::Exchange { compare: Some(_) },
        value,
        ..
    } = statement
    else {
        return false;
    };
    body.sources(*value).into_iter().any(|part| body.is_float_bits(part))
}
