//! Literals too small for a normal f32.

use naga::{Expression, Literal};

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::range;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "subnormal-literal",
    title: "a float literal below the smallest normal number",
    why: "below 1.17549435e-38 (2^-126) some devices compute with zero instead: SwiftShader and NVIDIA's cards do",
    instead: "choose units so that numbers stay far above, and take what is smaller than a threshold such as 1e-15 as 0",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    let message = "a literal that some devices take as 0";
    let small =
        |expression: &Expression| matches!(expression, Expression::Literal(Literal::F32(value)) if value.is_subnormal());
    let globals = &scope.module().global_expressions;
    let mut hits: Vec<Hit> = (globals.iter())
        .filter(|(_, expression)| small(expression))
        .map(|(handle, _)| Hit::new(range(globals.get_span(handle)), message))
        .collect();
    hits.extend(scope.at_expressions(|_, expression| small(expression).then_some(message)));
    hits
}
