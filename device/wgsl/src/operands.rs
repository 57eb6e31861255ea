//! The operands of naga's expressions, for passes that rewrite handles in place.

use naga::{Expression, Handle};

/// Give each operand of an expression to `f`, which may replace it. Expressions on images, rays and subgroups are not of any tier.
pub(crate) fn each_operand(expression: &mut Expression, mut f: impl FnMut(&mut Handle<Expression>)) {
    match expression {
        Expression::Compose { components, .. } => components.iter_mut().for_each(f),
        Expression::Access { base, index } => {
            f(base);
            f(index);
        }
        Expression::AccessIndex { base: one, .. }
        | Expression::Splat { value: one, .. }
        | Expression::Swizzle { vector: one, .. }
        | Expression::Load { pointer: one }
        | Expression::Unary { expr: one, .. }
        | Expression::As { expr: one, .. }
        | Expression::Relational { argument: one, .. }
        | Expression::Derivative { expr: one, .. }
        | Expression::ArrayLength(one) => f(one),
        Expression::Binary { left, right, .. } => {
            f(left);
            f(right);
        }
        Expression::Select {
            condition,
            accept,
            reject,
        } => {
            f(condition);
            f(accept);
            f(reject);
        }
        Expression::Math {
            arg, arg1, arg2, arg3, ..
        } => {
            f(arg);
            [arg1, arg2, arg3].into_iter().flatten().for_each(f);
        }
        _ => {}
    }
}
