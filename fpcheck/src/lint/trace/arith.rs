//! Arithmetic on what is known of values.

use naga::{BinaryOperator, ScalarKind, UnaryOperator};

use super::truth::Truth;
use super::value::{AtomKind, Choice, Deps, Form, Linear, Scalar, Value, op_number};
use super::walk::Walker;

/// Terms beyond which an integer counts as unknown.
const TERMS_MAX: usize = 16;

impl Walker<'_> {
    pub(super) fn each(&mut self, value: Value, mut part: impl FnMut(&mut Self, Scalar) -> Scalar) -> Value {
        match value {
            Value::Scalar(scalar) => Value::Scalar(part(self, scalar)),
            Value::Vector(parts) => Value::Vector(parts.into_iter().map(|one| part(self, one)).collect()),
            other => Value::Opaque(other.deps()),
        }
    }

    pub(super) fn pairwise(
        &mut self,
        left: Value,
        right: Value,
        mut part: impl FnMut(&mut Self, Scalar, Scalar) -> Scalar,
    ) -> Value {
        match (left, right) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(part(self, a, b)),
            (Value::Vector(a), Value::Vector(b)) => {
                Value::Vector(a.into_iter().zip(b).map(|(a, b)| part(self, a, b)).collect())
            }
            (Value::Vector(a), Value::Scalar(b)) => Value::Vector(a.into_iter().map(|a| part(self, a, b.clone())).collect()),
            (Value::Scalar(a), Value::Vector(b)) => Value::Vector(b.into_iter().map(|b| part(self, a.clone(), b)).collect()),
            (left, right) => Value::Opaque(left.deps() | right.deps()),
        }
    }

    pub(super) fn unary(&mut self, op: UnaryOperator, part: &Scalar) -> Scalar {
        let form = match (op, &part.form) {
            (UnaryOperator::Negate, Form::Int(linear)) => Form::Int(linear.times(u32::MAX)),
            // !x is -1 - x.
            (UnaryOperator::BitwiseNot, Form::Int(linear)) => Form::Int(Linear::constant(u32::MAX).plus(u32::MAX, linear)),
            (UnaryOperator::LogicalNot, Form::Bool(truth)) => Form::Bool(truth.not()),
            _ => Form::Unknown,
        };
        Scalar { form, deps: part.deps }
    }

    pub(super) fn binary(&mut self, op: BinaryOperator, kind: ScalarKind, a: &Scalar, b: &Scalar) -> Scalar {
        let deps = a.deps | b.deps;
        let form = match (&a.form, &b.form) {
            (Form::Int(left), Form::Int(right)) if compares(op) => compare(op, left, right, deps),
            (Form::Int(left), Form::Int(right)) => Form::Int(self.integer(op, kind, left, right, deps)),
            (Form::Bool(left), Form::Bool(right)) => Form::Bool(match op {
                BinaryOperator::And | BinaryOperator::LogicalAnd => left.and(right),
                BinaryOperator::InclusiveOr | BinaryOperator::LogicalOr => left.or(right),
                _ => Truth::Unknown(deps),
            }),
            _ if compares(op) => Form::Bool(Truth::Unknown(deps)),
            _ => Form::Unknown,
        };
        Scalar { form, deps }
    }

    pub(super) fn integer(&mut self, op: BinaryOperator, kind: ScalarKind, a: &Linear, b: &Linear, deps: Deps) -> Linear {
        use BinaryOperator as B;
        let sum = match (op, a.known(), b.known()) {
            (B::Add, ..) => Some(a.plus(1, b)),
            (B::Subtract, ..) => Some(a.plus(u32::MAX, b)),
            (B::Multiply, Some(a), _) => Some(b.times(a)),
            (B::Multiply, _, Some(b)) => Some(a.times(b)),
            (B::ShiftLeft, _, Some(b)) if b < 32 => Some(a.times(1 << b)),
            (op, Some(a), Some(b)) => fold(op, kind, a, b).map(Linear::constant),
            _ => None,
        };
        match sum {
            Some(sum) if sum.terms.len() <= TERMS_MAX => sum,
            _ => {
                let key = AtomKind::Op(op_number(op), a.clone(), b.clone());
                Linear::atom(self.atoms.atom(key, deps))
            }
        }
    }

    /// One of two values; which of them, a condition says.
    pub(super) fn select(&mut self, condition: &Value, accept: Value, reject: Value) -> Value {
        match (accept, reject) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(self.either(&condition.scalar(), &a, &b)),
            (Value::Vector(a), Value::Vector(b)) => {
                let mut parts = Vec::new();
                for (index, (a, b)) in a.iter().zip(&b).enumerate() {
                    let one = match condition {
                        Value::Vector(conditions) if index < conditions.len() => conditions[index].clone(),
                        other => other.scalar(),
                    };
                    parts.push(self.either(&one, a, b));
                }
                Value::Vector(parts)
            }
            (Value::Struct(a), Value::Struct(b)) if a.len() == b.len() => {
                let pairs = a.into_iter().zip(b);
                Value::Struct(pairs.map(|(a, b)| self.select(condition, a, b)).collect())
            }
            (a, b) if a == b => a,
            (a, b) => Value::Opaque(condition.deps() | a.deps() | b.deps()),
        }
    }

    pub(super) fn either(&mut self, condition: &Scalar, a: &Scalar, b: &Scalar) -> Scalar {
        if a == b {
            return a.clone();
        }
        let truth = condition.truth();
        match truth {
            Truth::Known(true) => return a.clone(),
            Truth::Known(false) => return b.clone(),
            _ => {}
        }
        let deps = condition.deps | a.deps | b.deps;
        let form = match (&a.form, &b.form) {
            (Form::Int(a), Form::Int(b)) => {
                let choice = Choice {
                    condition: truth.clone(),
                    accept: a.clone(),
                    reject: b.clone(),
                };
                Form::Int(Linear::atom(self.atoms.either(choice, deps)))
            }
            (Form::Bool(a), Form::Bool(b)) => Form::Bool(truth.select(a, b)),
            _ => Form::Unknown,
        };
        Scalar { form, deps }
    }

    pub(super) fn convert(&mut self, kind: ScalarKind, part: &Scalar) -> Scalar {
        let integer = matches!(kind, ScalarKind::Uint | ScalarKind::Sint);
        match (&part.form, kind) {
            (Form::Int(_), _) if integer => part.clone(),
            (Form::Bool(_), ScalarKind::Bool) => part.clone(),
            _ => self.fresh_scalar(kind, part.deps),
        }
    }
}

fn compares(op: BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Equal | B::NotEqual | B::Less | B::LessEqual | B::Greater | B::GreaterEqual
    )
}

fn compare(op: BinaryOperator, left: &Linear, right: &Linear, deps: Deps) -> Form {
    use BinaryOperator as B;
    let known = match (op, left.known(), right.known()) {
        (B::Equal, Some(a), Some(b)) => Some(a == b),
        (B::NotEqual, Some(a), Some(b)) => Some(a != b),
        // The order of two constants depends on their sign; both below 2^31 is all that is needed.
        (op, Some(a), Some(b)) if (a | b) >> 31 == 0 => Some(match op {
            B::Less => a < b,
            B::LessEqual => a <= b,
            B::Greater => a > b,
            _ => a >= b,
        }),
        _ => None,
    };
    Form::Bool(known.map_or_else(|| Truth::Compare(op, left.clone(), right.clone(), deps), Truth::Known))
}

fn fold(op: BinaryOperator, kind: ScalarKind, a: u32, b: u32) -> Option<u32> {
    use BinaryOperator as B;
    let positive = kind == ScalarKind::Uint || (a | b) >> 31 == 0;
    match op {
        B::Divide if positive => a.checked_div(b),
        B::Modulo if positive => a.checked_rem(b),
        B::ShiftRight if positive && b < 32 => Some(a >> b),
        B::And => Some(a & b),
        B::InclusiveOr => Some(a | b),
        B::ExclusiveOr => Some(a ^ b),
        _ => None,
    }
}
