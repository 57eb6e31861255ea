//! Code that asks whether a float is NaN or infinite, or makes one.

use naga::{BinaryOperator, Expression, Handle, ScalarKind};

use super::Rule;
use crate::lint::Level;
use crate::lint::ir::Body;
use crate::lint::scope::{Hit, Scope};

pub(super) const RULE: Rule = Rule {
    id: "nan-test",
    title: "a test for NaN or infinity",
    why: "WGSL lets a compiler assume that there is none: the test may be folded to false, and min and max may return either operand",
    instead: "test that a value is in the range that you expect, as in !(abs(x) < 1e6), before it can become NaN",
    portable: Level::Error,
    class_bound: Some(Level::Warning),
    check,
};

/// Bits of infinity, the largest that are no NaN's sign and payload, and infinity shifted left by its sign.
const PATTERNS: [u32; 4] = [0x7f80_0000, 0x7fff_ffff, 0xff80_0000, 0xff00_0000];

fn check(scope: &Scope<'_>) -> Vec<Hit> {
    scope.at_expressions(trap)
}

fn trap(body: &Body<'_>, expression: &Expression) -> Option<&'static str> {
    use BinaryOperator as B;
    match expression {
        Expression::Binary {
            op: op @ (B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual),
            left,
            right,
        } => {
            let (left, right) = (*left, *right);
            if matches!(op, B::Equal | B::NotEqual)
                && body.is_float(left)
                && body.alike(left, right)
                && body.literal(left).is_none()
            {
                return Some("a float is compared to itself");
            }
            let pattern =
                |bits, literal| masks_float(body, bits) && body.word(literal).is_some_and(|word| PATTERNS.contains(&word));
            (pattern(left, right) || pattern(right, left)).then_some("the bits of a float are compared to those of infinity")
        }
        Expression::As {
            expr,
            kind: ScalarKind::Float,
            convert: None,
        } => {
            let bits = body.word(*expr)?;
            (!f32::from_bits(bits).is_finite()).then_some("the bits of NaN or infinity become a float")
        }
        _ => None,
    }
}

/// Whether an expression is a float's bits, perhaps masked or shifted.
fn masks_float(body: &Body<'_>, handle: Handle<Expression>) -> bool {
    match body.expression(handle) {
        Expression::Binary {
            op: BinaryOperator::And | BinaryOperator::ShiftLeft,
            left,
            right,
        } => body.is_float_bits(*left) || body.is_float_bits(*right),
        _ => body.is_float_bits(handle),
    }
}
