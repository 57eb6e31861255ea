//! Operators of two operands, on scalars, vectors and matrices.

use naga::{BinaryOperator as B, Expression, Handle, ScalarKind, TypeInner};

use super::{Fault, Frame, Lower};
use crate::ir::{Bin, Value};

/// Words of the left and the right operand whose products, summed over the second argument, make the word of the first.
type Terms = Box<dyn Fn(usize, usize) -> (usize, usize)>;

impl<'m> Lower<'m> {
    pub(super) fn binary(
        &mut self,
        frame: &mut Frame<'m>,
        op: B,
        left: Handle<Expression>,
        right: Handle<Expression>,
    ) -> Result<Vec<Value>, Fault> {
        let kind = self.scalar(frame, left)?.kind;
        let (inner_a, inner_b) = (self.inner(frame, left), self.inner(frame, right));
        let a = self.words(frame, left)?;
        let b = self.words(frame, right)?;
        if op == B::Multiply
            && let Some(product) = self.matrix_product(inner_a, inner_b, &a, &b)
        {
            return Ok(product);
        }
        let count = a.len().max(b.len());
        let pick = |words: &[Value], i: usize| if words.len() == 1 { words[0] } else { words[i] };
        let each: Vec<Value> = (0..count)
            .map(|i| self.binary_word(op, kind, pick(&a, i), pick(&b, i)))
            .collect();
        Ok(each)
    }

    pub(super) fn binary_word(&mut self, op: B, kind: ScalarKind, a: Value, b: Value) -> Value {
        let float = kind == ScalarKind::Float;
        let signed = kind == ScalarKind::Sint;
        let by_sign = |s, u| if signed { s } else { u };
        let (bin, swap) = match op {
            B::Add if float => (Bin::FAdd, false),
            B::Subtract if float => (Bin::FSub, false),
            B::Multiply if float => (Bin::FMul, false),
            B::Divide if float => (Bin::FDiv, false),
            B::Modulo if float => {
                let quotient = self.b.fdiv(a, b);
                let whole = self.b.ftrunc(quotient);
                let product = self.b.fmul(b, whole);
                return self.b.fsub(a, product);
            }
            B::Equal if float => (Bin::FEq, false),
            B::NotEqual if float => (Bin::FNe, false),
            B::Less if float => (Bin::FLt, false),
            B::LessEqual if float => (Bin::FLe, false),
            B::Greater if float => (Bin::FLt, true),
            B::GreaterEqual if float => (Bin::FLe, true),
            B::Equal | B::NotEqual if kind == ScalarKind::Bool => {
                let differ = self.b.xor(a, b);
                return if op == B::Equal { self.b.not(differ) } else { differ };
            }
            B::Add => (Bin::IAdd, false),
            B::Subtract => (Bin::ISub, false),
            B::Multiply => (Bin::IMul, false),
            B::Divide => (by_sign(Bin::DivS, Bin::DivU), false),
            B::Modulo => (by_sign(Bin::RemS, Bin::RemU), false),
            B::Equal => (Bin::IEq, false),
            B::NotEqual => (Bin::INe, false),
            B::Less => (by_sign(Bin::LtS, Bin::LtU), false),
            B::LessEqual => (by_sign(Bin::LeS, Bin::LeU), false),
            B::Greater => (by_sign(Bin::LtS, Bin::LtU), true),
            B::GreaterEqual => (by_sign(Bin::LeS, Bin::LeU), true),
            B::And | B::LogicalAnd => (Bin::And, false),
            B::InclusiveOr | B::LogicalOr => (Bin::Or, false),
            B::ExclusiveOr => (Bin::Xor, false),
            B::ShiftLeft => (Bin::Shl, false),
            B::ShiftRight => (by_sign(Bin::ShrS, Bin::ShrU), false),
        };
        if swap { self.b.bin(bin, b, a) } else { self.b.bin(bin, a, b) }
    }

    /// Products in which a matrix takes part. Sums go from the first term to the last.
    pub(super) fn matrix_product(
        &mut self,
        left: &TypeInner,
        right: &TypeInner,
        a: &[Value],
        b: &[Value],
    ) -> Option<Vec<Value>> {
        let dims = |inner: &TypeInner| match inner {
            TypeInner::Matrix { columns, rows, .. } => Some((*columns as usize, *rows as usize)),
            _ => None,
        };
        let vector = |inner: &TypeInner| matches!(inner, TypeInner::Vector { .. });
        // `terms(i)` pairs the words whose products make word i.
        let (count, inner, terms): (usize, usize, Terms) = match (dims(left), dims(right)) {
            (Some((n, r)), Some((columns, _))) => (columns * r, n, Box::new(move |i, k| (k * r + i % r, i / r * n + k))),
            (Some((n, r)), None) if vector(right) => (r, n, Box::new(move |i, k| (k * r + i, k))),
            (None, Some((columns, r))) if vector(left) => (columns, r, Box::new(move |i, k| (k, i * r + k))),
            _ => return None,
        };
        let mut words = Vec::with_capacity(count);
        for i in 0..count {
            let mut sum = None;
            for k in 0..inner {
                let (at_a, at_b) = terms(i, k);
                let product = self.b.fmul(a[at_a], b[at_b]);
                sum = Some(match sum {
                    Some(sum) => self.b.fadd(sum, product),
                    None => product,
                });
            }
            words.extend(sum);
        }
        Some(words)
    }
}
