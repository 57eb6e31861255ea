//! Code that tells -0 from +0.

use naga::{BinaryOperator, Expression, Handle, Literal};

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::Body;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "negative-zero",
    title: "-0 is told from +0",
    why: "WGSL lets a device ignore the sign of zero, and underflow gives either; so -0 and +0 must mean the same",
    instead: "compare floats with <, == and >, for which both zeros are equal; compare bits only of values that cannot be 0",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    scope.at_expressions(trap)
}

fn trap(body: &Body<'_>, expression: &Expression) -> Option<&'static str> {
    use BinaryOperator as B;
    if let Expression::Literal(Literal::F32(value)) = expression {
        return (*value == 0.0 && value.is_sign_negative()).then_some("a literal -0");
    }
    let Expression::Binary { op, left, right } = expression else {
        return None;
    };
    let (left, right) = (*left, *right);
    let either = |test: &dyn Fn(Handle<Expression>, Handle<Expression>) -> bool| test(left, right) || test(right, left);
    let bits_and = |wanted: &dyn Fn(u32) -> bool| {
        either(&|bits, literal| body.is_float_bits(bits) && body.word(literal).is_some_and(wanted))
    };
    match op {
        B::And if bits_and(&|mask| mask == 1 << 31) => Some("the sign bit of a float, which may be that of a zero"),
        B::ShiftRight if body.is_float_bits(left) && body.word(right) == Some(31) => {
            Some("the sign bit of a float, which may be that of a zero")
        }
        B::Less | B::LessEqual | B::Greater | B::GreaterEqual if bits_and(&|bits| bits == 0 || bits >= 1 << 31) => {
            Some("the sign bit of a float, which may be that of a zero")
        }
        B::Equal | B::NotEqual
            if either(&|bits, other| {
                body.is_float_bits(bits) && (body.is_float_bits(other) || body.word(other) == Some(0))
            }) =>
        {
            Some("the bits of floats are compared, which differ between -0 and +0")
        }
        B::Less | B::LessEqual | B::Greater | B::GreaterEqual if either(&|a, b| is_reciprocal(body, a) && is_zero(body, b)) => {
            Some("the sign of a reciprocal, which tells -0 from +0")
        }
        _ => None,
    }
}

fn is_zero(body: &Body<'_>, handle: Handle<Expression>) -> bool {
    matches!(body.literal(handle), Some(Literal::F32(value)) if value == 0.0)
}

/// Whether a literal is divided by something.
fn is_reciprocal(body: &Body<'_>, handle: Handle<Expression>) -> bool {
    match body.expression(handle) {
        Expression::Binary {
            op: BinaryOperator::Divide,
            left,
            right,
        } => body.literal(*left).is_some() && body.literal(*right).is_none(),
        _ => false,
    }
}
