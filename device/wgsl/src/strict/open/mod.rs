//! The open operations: calls of the exact library, or sums and products in one order.
//!
//! | module | owns |
//! |---|---|
//! | `scalars` | sums, products, quotients and choices of scalars |
//! | `vectors` | builtins that take whole vectors |
//! | `matrices` | matrices, column by column |
//! | `names` | which library function each builtin becomes |
//!
//! `fma(a, b, c)` is `a * b + c`, rounded twice, as WGSL allows: an exact one would cost seventeen operations. `a % b` is
//! `a - b * trunc(a / b)`, each step rounded, as WGSL defines it. Sums of products go from the first component to the last.

use naga::{
    BinaryOperator as B, Expression, Handle, MathFunction as F, Scalar, ScalarKind, TypeInner, UnaryOperator, VectorSize,
};

mod matrices;
mod names;
mod scalars;
mod vectors;

use names::{named, packed};

use super::Refusal;
use super::rebuild::{Rebuild, is_float};
use crate::Reason;

type H = Handle<Expression>;

const DEGREES_PER_RADIAN: f32 = 57.295_78;
const RADIANS_PER_DEGREE: f32 = 0.017_453_292;

/// Roots and their reciprocals are from 2^-64 on.
const GRAIN_OF_ROOTS: i32 = -88;

fn vector_size(inner: &TypeInner) -> Option<VectorSize> {
    match inner {
        TypeInner::Vector { size, .. } => Some(*size),
        _ => None,
    }
}

fn dimensions(inner: &TypeInner) -> Option<(usize, usize)> {
    match inner {
        TypeInner::Matrix { columns, rows, .. } => Some((*columns as usize, *rows as usize)),
        _ => None,
    }
}

impl Rebuild<'_> {
    /// Old arguments taken apart: component `i` of each, scalars again and again.
    fn components(&mut self, arguments: &[H], count: usize) -> Result<Vec<Vec<H>>, Refusal> {
        let mut all = vec![Vec::new(); count];
        for old in arguments {
            let value = self.at(*old)?;
            let is_vector = vector_size(self.inner(*old)).is_some();
            for (index, each) in all.iter_mut().enumerate() {
                each.push(if is_vector { self.part(value, index) } else { value });
            }
        }
        Ok(all)
    }

    /// A function of scalars, for each component of its old arguments.
    fn each(&mut self, arguments: &[H], scalar: Scalar, mut f: impl FnMut(&mut Self, &[H]) -> H) -> Result<H, Refusal> {
        let size = arguments.iter().find_map(|old| vector_size(self.inner(*old)));
        let count = size.map_or(1, |size| size as usize);
        let all = self.components(arguments, count)?;
        let results = all.iter().map(|each| f(self, each)).collect();
        Ok(self.compose(results, scalar))
    }

    fn parts(&mut self, value: H, count: usize) -> Vec<H> {
        (0..count).map(|index| self.part(value, index)).collect()
    }

    pub(super) fn binary_operation(&mut self, op: B, left: H, right: H) -> Result<H, Refusal> {
        let (inner_a, inner_b) = (self.inner(left), self.inner(right));
        if op == B::NotEqual && is_float(inner_a) {
            // naga's SPIR-V says that NaN is not unequal to anything.
            let (left, right) = (self.at(left)?, self.at(right)?);
            let expr = self.binary(B::Equal, left, right);
            return Ok(self.emit(Expression::Unary {
                op: UnaryOperator::LogicalNot,
                expr,
            }));
        }
        let arithmetic = matches!(op, B::Add | B::Subtract | B::Multiply | B::Divide | B::Modulo);
        if !arithmetic || !is_float(inner_a) {
            let (left, right) = (self.at(left)?, self.at(right)?);
            return Ok(self.binary(op, left, right));
        }
        match op {
            B::Divide if self.context.policy.is_native() => {
                let size = vector_size(inner_a).or(vector_size(inner_b));
                let (a, b) = (self.at(left)?, self.at(right)?);
                return Ok(self.native_quotient(a, b, size));
            }
            B::Divide => {
                if let Some(square) = self.reciprocal_of_root(left, right) {
                    return self.math_of_each("strict_inverse_sqrt", &[square], GRAIN_OF_ROOTS);
                }
                return self.each(&[left, right], Scalar::F32, |r, x| r.div(x[0], x[1]));
            }
            B::Modulo => {
                return self.each(&[left, right], Scalar::F32, |r, x| {
                    let quotient = r.div(x[0], x[1]);
                    let whole = r.exact("strict_trunc", vec![quotient]);
                    let product = r.mul(x[1], whole);
                    r.sub(x[0], product)
                });
            }
            _ => {}
        }
        let (a, b) = (self.at(left)?, self.at(right)?);
        match (dimensions(inner_a), dimensions(inner_b)) {
            (None, None) => {
                let size = vector_size(inner_a).or(vector_size(inner_b));
                Ok(self.arithmetic(op, a, b, size))
            }
            (Some(shape), Some(_)) if op != B::Multiply => {
                let columns = self.columns(shape, a, b, op);
                Ok(self.matrix(columns, shape.1))
            }
            (Some((n, rows)), Some((columns, _))) => {
                let left: Vec<Vec<H>> = self.all_parts(a, n, rows);
                let mut product = Vec::new();
                for column in 0..columns {
                    let column = self.part(b, column);
                    let factors = self.parts(column, n);
                    product.push(self.combination(&left, &factors));
                }
                Ok(self.matrix(product, rows))
            }
            (Some((n, rows)), None) if vector_size(inner_b).is_some() => {
                let columns = self.all_parts(a, n, rows);
                let factors = self.parts(b, n);
                Ok(self.combination(&columns, &factors))
            }
            (None, Some((columns, n))) if vector_size(inner_a).is_some() => {
                let row = self.parts(a, n);
                let mut result = Vec::new();
                for column in self.all_parts(b, columns, n) {
                    result.push(self.dot(&row, &column));
                }
                Ok(self.compose(result, Scalar::F32))
            }
            (Some(shape), None) => self.scaled(shape, a, b),
            (None, Some(shape)) => self.scaled(shape, b, a),
        }
    }

    pub(super) fn conversion(&mut self, expr: H, kind: ScalarKind, convert: Option<u8>) -> Result<H, Refusal> {
        let inner = self.inner(expr);
        let from = match inner {
            TypeInner::Scalar(scalar) | TypeInner::Vector { scalar, .. } | TypeInner::Matrix { scalar, .. } => scalar.kind,
            _ => return Err(Refusal::at(self.span, &Reason::Invalid("a conversion of no number"))),
        };
        use ScalarKind::{Bool, Float, Sint, Uint};
        // Underflow has no part in what a device makes of large u32: some round twice.
        if self.is_canonical() || from == Uint {
            let (name, scalar) = match (from, kind, convert) {
                (Float, Sint, Some(_)) => ("strict_i32_of", Scalar::I32),
                (Float, Uint, Some(_)) => ("strict_u32_of", Scalar::U32),
                (Sint, Float, Some(_)) if !self.context.policy.is_native() => ("strict_f32_of_i32", Scalar::F32),
                (Uint, Float, Some(_)) if !self.context.policy.is_native() => ("strict_f32_of_u32", Scalar::F32),
                _ => ("", Scalar::F32),
            };
            if !name.is_empty() {
                let result = self.each(&[expr], scalar, |r, x| {
                    let result = r.call(name, x.to_vec());
                    r.set_grain(result, 0);
                    result
                })?;
                return Ok(result);
            }
        }
        let size = vector_size(inner);
        let mut value = self.at(expr)?;
        if self.is_canonical() && from == Float && kind != Float && convert.is_none() {
            value = self.plain(value, size);
        }
        let mut result = self.emit(Expression::As {
            expr: value,
            kind,
            convert,
        });
        match (from, kind, convert) {
            (Bool | Sint | Uint, Float, Some(_)) => self.set_grain(result, 0),
            (Sint | Uint, Float, None) if self.is_canonical() => result = self.canonical(result, size),
            _ => {}
        }
        Ok(result)
    }

    pub(super) fn math(&mut self, handle: H, fun: F, arguments: &[Option<H>; 4]) -> Result<H, Refusal> {
        let old: Vec<H> = arguments.iter().flatten().copied().collect();
        let inner = self.inner(old[0]);
        if let Some(name) = packed(fun) {
            let value = self.at(old[0])?;
            return Ok(self.call(name, vec![value]));
        }
        if fun == F::Clamp && !is_float(inner) {
            // SPIR-V's has no meaning where the limits are crossed.
            let raised = self.as_it_is(F::Max, &old[..2])?;
            let most = self.at(old[2])?;
            return Ok(self.emit(Expression::Math {
                fun: F::Min,
                arg: raised,
                arg1: Some(most),
                arg2: None,
                arg3: None,
            }));
        }
        if !is_float(inner) || fun == F::Abs {
            return self.as_it_is(fun, &old);
        }
        if let Some(name) = named(fun) {
            let grain = match fun {
                F::Floor | F::Ceil | F::Round | F::Trunc => 0,
                F::Sqrt | F::InverseSqrt => GRAIN_OF_ROOTS,
                _ => super::build::FINEST,
            };
            if self.is_native() && matches!(fun, F::Sqrt | F::Floor | F::Ceil | F::Round | F::Trunc) {
                let result = self.as_it_is(fun, &old)?;
                self.set_grain(result, grain);
                return Ok(result);
            }
            return self.math_of_each(name, &old, grain);
        }
        let size = vector_size(inner);
        let count = size.map_or(1, |size| size as usize);
        if let F::Dot | F::Length | F::Distance | F::Normalize | F::Cross | F::FaceForward | F::Reflect | F::Refract = fun {
            return self.vector_function(fun, &old, size, count);
        }
        match fun {
            F::Transpose => {
                let (columns, rows) =
                    dimensions(inner).ok_or_else(|| Refusal::at(self.span, &Reason::Invalid("the transpose of no matrix")))?;
                let matrix = self.at(old[0])?;
                let all = self.all_parts(matrix, columns, rows);
                let mut turned = Vec::new();
                for row in 0..rows {
                    let line = all.iter().map(|column| column[row]).collect();
                    turned.push(self.compose(line, Scalar::F32));
                }
                Ok(self.matrix(turned, columns))
            }
            F::Determinant => {
                let (n, _) = dimensions(inner)
                    .ok_or_else(|| Refusal::at(self.span, &Reason::Invalid("the determinant of no matrix")))?;
                let matrix = self.at(old[0])?;
                let columns = self.all_parts(matrix, n, n);
                let rows: Vec<usize> = (0..n).collect();
                Ok(self.minor(&columns, &rows))
            }
            F::Modf => {
                let whole = self.each(&old, Scalar::F32, |r, x| r.exact("strict_trunc", vec![x[0]]))?;
                let value = self.at(old[0])?;
                let rest = self.arithmetic(B::Subtract, value, whole, size);
                // An infinity has no fraction.
                let same = self.binary(B::Equal, value, whole);
                let zero = self.float(0.0);
                let zero = self.spread(zero, size);
                let rest = self.select(same, zero, rest);
                self.structure(handle, vec![rest, whole])
            }
            F::Frexp => {
                let fraction = self.each(&old, Scalar::F32, |r, x| r.call("strict_frexp_fract", vec![x[0]]))?;
                let exponent = self.each(&old, Scalar::I32, |r, x| r.call("strict_frexp_exp", vec![x[0]]))?;
                self.structure(handle, vec![fraction, exponent])
            }
            _ => {
                let mut refused = false;
                let result = self.each(&old, Scalar::F32, |r, x| {
                    r.each_scalar(fun, x).unwrap_or_else(|| {
                        refused = true;
                        x[0]
                    })
                })?;
                if refused {
                    return Err(Refusal::at(self.span, &Reason::Function(format!("{fun:?}"))));
                }
                Ok(result)
            }
        }
    }

    /// A library function of old arguments, component by component.
    fn math_of_each(&mut self, name: &'static str, old: &[H], grain: i32) -> Result<H, Refusal> {
        self.each(old, Scalar::F32, |r, x| {
            let result = r.exact(name, x.to_vec());
            r.set_grain(result, grain);
            result
        })
    }

    fn as_it_is(&mut self, fun: F, old: &[H]) -> Result<H, Refusal> {
        let mut new = [None; 4];
        for (slot, handle) in new.iter_mut().zip(old) {
            *slot = Some(self.at(*handle)?);
        }
        let [Some(arg), arg1, arg2, arg3] = new else {
            return Err(Refusal::at(self.span, &Reason::Invalid("a function of nothing")));
        };
        Ok(self.emit(Expression::Math {
            fun,
            arg,
            arg1,
            arg2,
            arg3,
        }))
    }

    /// The structure that `modf` and `frexp` give.
    fn structure(&mut self, handle: H, components: Vec<H>) -> Result<H, Refusal> {
        let ty = self
            .type_handle(handle)
            .ok_or_else(|| Refusal::at(self.span, &Reason::Invalid("a structure without a type")))?;
        Ok(self.emit(Expression::Compose { ty, components }))
    }
}

fn size_of(count: usize) -> VectorSize {
    match count {
        2 => VectorSize::Bi,
        3 => VectorSize::Tri,
        _ => VectorSize::Quad,
    }
}
