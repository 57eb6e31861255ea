//! Floats divided by a zero that is written there.

use naga::{BinaryOperator, Expression, Literal};

use super::Rule;
use crate::lint::Level;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "division-by-zero",
    title: "a float divided by a literal zero",
    why: "WGSL lets a device assume that there is no infinity and no NaN, and the sign of the result is that of a zero",
    instead: "decide by a comparison, and use a large finite number where infinity was meant",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    scope.at_expressions(|body, expression| match expression {
        Expression::Binary {
            op: BinaryOperator::Divide | BinaryOperator::Modulo,
            right,
            ..
        } => matches!(body.literal(*right), Some(Literal::F32(zero)) if zero == 0.0).then_some("a float is divided by zero"),
        _ => None,
    })
}
