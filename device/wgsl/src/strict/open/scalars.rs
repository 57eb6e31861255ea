//! Open operations on scalars, as sums, products and choices in one order.

use naga::{BinaryOperator as B, Expression, Literal, MathFunction as F, VectorSize};

use super::names::native;
use super::{DEGREES_PER_RADIAN, H, RADIANS_PER_DEGREE, vector_size};
use crate::strict::rebuild::Rebuild;

impl Rebuild<'_> {
    /// Whether the back end's own exact operations are as good: where operands are canonical already.
    pub(super) fn is_native(&self) -> bool {
        self.context.policy.is_native() && self.is_canonical()
    }

    /// By the back end's own division. `b + 0` is +0 for both zeros: 0 has no sign; nor has a quotient that is 0. Where underflow is the
    /// author's business, no operand is subnormal.
    pub(super) fn native_quotient(&mut self, a: H, b: H, size: Option<VectorSize>) -> H {
        let zero = self.float(0.0);
        let zero = self.spread(zero, size);
        let b = self.binary(B::Add, b, zero);
        let quotient = self.binary(B::Divide, a, b);
        if self.is_canonical() {
            self.canonical(quotient, size)
        } else {
            self.binary(B::Add, quotient, zero)
        }
    }

    /// 1 / b costs half of what a / b does.
    pub(super) fn is_one(&self, value: H) -> bool {
        matches!(self.new.expressions[value], Expression::Literal(Literal::F32(1.0)))
    }

    /// x, where an old quotient is 1 / sqrt(x) of a scalar, which the library has in one piece with the same bits.
    pub(super) fn reciprocal_of_root(&self, left: H, right: H) -> Option<H> {
        let one = matches!(self.old.expressions[left], Expression::Literal(Literal::F32(1.0)));
        match self.old.expressions[right] {
            Expression::Math { fun: F::Sqrt, arg, .. } if one && vector_size(self.inner(right)).is_none() => Some(arg),
            _ => None,
        }
    }

    /// Roots of which nothing but the reciprocal is used: they are not computed by themselves.
    pub(in crate::strict) fn roots_of_reciprocals(&self) -> Vec<H> {
        if !self.context.policy.is_exact() || self.context.policy.is_native() {
            return Vec::new();
        }
        let quotients = self.old.expressions.iter().filter_map(|(_, expression)| match expression {
            Expression::Binary {
                op: B::Divide,
                left,
                right,
            } => self.reciprocal_of_root(*left, *right).map(|_| *right),
            _ => None,
        });
        quotients.filter(|root| self.uses(*root) == 1).collect()
    }

    pub(super) fn exact(&mut self, name: &'static str, arguments: Vec<H>) -> H {
        let name = if self.context.policy.is_native() { native(name) } else { name };
        self.call(name, arguments)
    }

    pub(super) fn add(&mut self, a: H, b: H) -> H {
        self.arithmetic(B::Add, a, b, None)
    }

    pub(super) fn sub(&mut self, a: H, b: H) -> H {
        self.arithmetic(B::Subtract, a, b, None)
    }

    pub(super) fn mul(&mut self, a: H, b: H) -> H {
        self.arithmetic(B::Multiply, a, b, None)
    }

    pub(super) fn div(&mut self, a: H, b: H) -> H {
        if self.context.policy.is_native() {
            return self.native_quotient(a, b, None);
        }
        if self.is_one(a) {
            return self.call("strict_reciprocal", vec![b]);
        }
        self.call("strict_divide", vec![a, b])
    }

    pub(super) fn less(&mut self, a: H, b: H) -> H {
        self.binary(B::Less, a, b)
    }

    pub(super) fn least(&mut self, a: H, b: H) -> H {
        let below = self.less(b, a);
        self.select(below, b, a)
    }

    pub(super) fn most(&mut self, a: H, b: H) -> H {
        let above = self.less(a, b);
        self.select(above, b, a)
    }

    pub(super) fn dot(&mut self, a: &[H], b: &[H]) -> H {
        let mut sum = self.mul(a[0], b[0]);
        for (x, y) in a.iter().zip(b).skip(1) {
            let product = self.mul(*x, *y);
            sum = self.add(sum, product);
        }
        sum
    }

    pub(super) fn length(&mut self, a: &[H]) -> H {
        let square = self.dot(a, a);
        self.exact("strict_sqrt", vec![square])
    }

    pub(super) fn each_scalar(&mut self, fun: F, x: &[H]) -> Option<H> {
        Some(match fun {
            F::Min => self.least(x[0], x[1]),
            F::Max => self.most(x[0], x[1]),
            F::Clamp => {
                let raised = self.most(x[0], x[1]);
                self.least(raised, x[2])
            }
            F::Saturate => {
                let (zero, one) = (self.float(0.0), self.float(1.0));
                let raised = self.most(x[0], zero);
                self.least(raised, one)
            }
            F::Sign => {
                let (zero, one, minus) = (self.float(0.0), self.float(1.0), self.float(-1.0));
                let negative = self.less(x[0], zero);
                let positive = self.less(zero, x[0]);
                let below = self.select(negative, minus, zero);
                self.select(positive, one, below)
            }
            F::Step => {
                let (zero, one) = (self.float(0.0), self.float(1.0));
                let reached = self.binary(B::LessEqual, x[0], x[1]);
                self.select(reached, one, zero)
            }
            F::Radians => {
                let factor = self.float(RADIANS_PER_DEGREE);
                self.mul(x[0], factor)
            }
            F::Degrees => {
                let factor = self.float(DEGREES_PER_RADIAN);
                self.mul(x[0], factor)
            }
            F::Fma => {
                let product = self.mul(x[0], x[1]);
                self.add(product, x[2])
            }
            F::Mix => {
                let one = self.float(1.0);
                let rest = self.sub(one, x[2]);
                let from = self.mul(x[0], rest);
                let to = self.mul(x[1], x[2]);
                self.add(from, to)
            }
            F::SmoothStep => {
                let above = self.sub(x[2], x[0]);
                let width = self.sub(x[1], x[0]);
                let ratio = self.div(above, width);
                let t = self.each_scalar(F::Saturate, &[ratio])?;
                let (two, three) = (self.float(2.0), self.float(3.0));
                let twice = self.mul(t, two);
                let slope = self.sub(three, twice);
                let square = self.mul(t, t);
                self.mul(square, slope)
            }
            _ => return None,
        })
    }
}
