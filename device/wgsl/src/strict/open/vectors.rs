//! Builtins that take whole vectors.

use naga::{Expression, Literal, MathFunction as F, Scalar, UnaryOperator, VectorSize};

use super::super::Refusal;
use super::super::rebuild::Rebuild;
use super::{H, vector_size};

impl Rebuild<'_> {
    pub(super) fn vector_function(&mut self, fun: F, old: &[H], size: Option<VectorSize>, count: usize) -> Result<H, Refusal> {
        let mut vectors = Vec::new();
        for handle in old {
            let value = self.at(*handle)?;
            let is_vector = vector_size(self.inner(*handle)).is_some();
            vectors.push(if is_vector { self.parts(value, count) } else { vec![value] });
        }
        let a = &vectors[0];
        let results = match fun {
            F::Dot => vec![self.dot(a, &vectors[1])],
            F::Length if size.is_none() => return self.as_it_is(F::Abs, &old[..1]),
            F::Length => vec![self.length(a)],
            F::Distance => {
                let difference: Vec<H> = a.iter().zip(&vectors[1]).map(|(x, y)| self.sub(*x, *y)).collect();
                match difference[..] {
                    [alone] => {
                        let abs = Expression::Math {
                            fun: F::Abs,
                            arg: alone,
                            arg1: None,
                            arg2: None,
                            arg3: None,
                        };
                        vec![self.emit(abs)]
                    }
                    _ => vec![self.length(&difference)],
                }
            }
            F::Normalize => {
                let length = self.length(a);
                a.iter().map(|x| self.div(*x, length)).collect()
            }
            F::Cross => {
                let b = &vectors[1];
                [(1, 2), (2, 0), (0, 1)]
                    .map(|(i, j)| {
                        let left = self.mul(a[i], b[j]);
                        let right = self.mul(a[j], b[i]);
                        self.sub(left, right)
                    })
                    .to_vec()
            }
            F::FaceForward => {
                let product = self.dot(&vectors[1], &vectors[2]);
                let zero = self.float(0.0);
                let toward = self.less(product, zero);
                a.iter()
                    .map(|x| {
                        let turned = self.emit(Expression::Unary {
                            op: UnaryOperator::Negate,
                            expr: *x,
                        });
                        self.select(toward, *x, turned)
                    })
                    .collect()
            }
            F::Reflect => {
                let product = self.dot(&vectors[1], a);
                let two = self.literal(Literal::F32(2.0));
                let twice = self.mul(product, two);
                a.iter()
                    .zip(&vectors[1])
                    .map(|(x, n)| {
                        let part = self.mul(twice, *n);
                        self.sub(*x, part)
                    })
                    .collect()
            }
            _ => self.refract(a, &vectors[1], vectors[2][0]),
        };
        Ok(self.compose(results, Scalar::F32))
    }

    fn refract(&mut self, incident: &[H], normal: &[H], eta: H) -> Vec<H> {
        let cosine = self.dot(normal, incident);
        let square = self.mul(cosine, cosine);
        let (zero, one) = (self.float(0.0), self.float(1.0));
        let sine = self.sub(one, square);
        let eta2 = self.mul(eta, eta);
        let bent = self.mul(eta2, sine);
        let k = self.sub(one, bent);
        let total = self.less(k, zero);
        let inside = self.select(total, zero, k);
        let root = self.exact("strict_sqrt", vec![inside]);
        let product = self.mul(eta, cosine);
        let along = self.add(product, root);
        incident
            .iter()
            .zip(normal)
            .map(|(i, n)| {
                let straight = self.mul(eta, *i);
                let side = self.mul(along, *n);
                let direction = self.sub(straight, side);
                self.select(total, zero, direction)
            })
            .collect()
    }
}
