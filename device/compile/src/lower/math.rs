//! WGSL's numeric builtins, spelled out in the compiler's operations.
//!
//! `fma` is a multiplication and an addition, each rounded: WGSL allows it, and it is the same on every machine.

use naga::{Expression, Handle, MathFunction as F, Scalar, ScalarKind, TypeInner};

use super::{Fault, Frame, Lower, fault};
use crate::ir::{Bin, Builder, Value};

const DEGREES_PER_RADIAN: f32 = 57.295_78;
const RADIANS_PER_DEGREE: f32 = 0.017_453_292;

impl<'m> Lower<'m> {
    pub(super) fn math(
        &mut self,
        frame: &mut Frame<'m>,
        fun: F,
        handles: &[Option<Handle<Expression>>; 4],
    ) -> Result<Vec<Value>, Fault> {
        let first = handles[0].expect("a builtin has an argument");
        let mut arguments = Vec::new();
        for handle in handles.iter().flatten() {
            arguments.push(self.words(frame, *handle)?);
        }
        let scalar = self.scalar(frame, first)?;
        let shape = frame.info[first].ty.inner_with(&self.module.types);
        let b = &mut self.b;
        let a = arguments[0].as_slice();
        Ok(match fun {
            F::Dot => vec![b.dot(scalar, a, &arguments[1])],
            F::Cross => b.cross(a, &arguments[1]),
            F::Length => vec![b.length(a)],
            F::Distance => {
                let difference = b.each2(a, &arguments[1], Builder::fsub);
                vec![b.length(&difference)]
            }
            F::Normalize => {
                let length = b.length(a);
                a.iter().map(|x| b.fdiv(*x, length)).collect()
            }
            F::FaceForward => {
                let product = b.dot(scalar, &arguments[1], &arguments[2]);
                let zero = b.float(0.0);
                let toward = b.flt(product, zero);
                a.iter()
                    .map(|x| {
                        let turned = b.fneg(*x);
                        b.select(toward, *x, turned)
                    })
                    .collect()
            }
            F::Reflect => {
                let product = b.dot(scalar, &arguments[1], a);
                let twice = b.fmul_k(product, 2.0);
                b.each2(a, &arguments[1], |b, x, n| {
                    let part = b.fmul(twice, n);
                    b.fsub(x, part)
                })
            }
            F::Refract => b.refract(scalar, a, &arguments[1], arguments[2][0]),
            F::Determinant => vec![b.determinant(a)],
            F::Transpose => {
                let TypeInner::Matrix { columns, rows, .. } = shape else {
                    return fault("transpose of no matrix".to_owned());
                };
                let (columns, rows) = (*columns as usize, *rows as usize);
                (0..columns * rows).map(|i| a[i % columns * rows + i / columns]).collect()
            }
            F::Modf => {
                let whole: Vec<Value> = a.iter().map(|x| b.ftrunc(*x)).collect();
                let mut words = b.each2(a, &whole, |b, x, whole| {
                    // An infinity has no fraction.
                    let infinite = b.feq(x, whole);
                    let zero = b.float(0.0);
                    let fraction = b.fsub(x, whole);
                    b.select(infinite, zero, fraction)
                });
                words.extend(whole);
                words
            }
            F::Frexp => {
                let parts: Vec<(Value, Value)> = a.iter().map(|x| b.frexp(*x)).collect();
                let fractions = parts.iter().map(|part| part.0);
                fractions.chain(parts.iter().map(|part| part.1)).collect()
            }
            F::Pack4x8snorm | F::Pack4x8unorm | F::Pack2x16snorm | F::Pack2x16unorm | F::Pack2x16float => vec![b.pack(fun, a)],
            F::Pack4xI8 | F::Pack4xU8 | F::Pack4xI8Clamp | F::Pack4xU8Clamp => vec![b.pack(fun, a)],
            F::Unpack4x8snorm | F::Unpack4x8unorm | F::Unpack2x16snorm | F::Unpack2x16unorm | F::Unpack2x16float => {
                b.unpack(fun, a[0])
            }
            F::Unpack4xI8 | F::Unpack4xU8 => b.unpack(fun, a[0]),
            F::Dot4I8Packed | F::Dot4U8Packed => vec![b.dot_packed(fun == F::Dot4I8Packed, a[0], arguments[1][0])],
            F::Outer | F::Inverse => return fault(format!("the CPU device has no function {fun:?}")),
            _ => {
                let count = arguments.iter().map(Vec::len).max().unwrap_or(1);
                let mut words = Vec::with_capacity(count);
                for i in 0..count {
                    let each: Vec<Value> = arguments.iter().map(|words| words[i.min(words.len() - 1)]).collect();
                    words.push(each_word(b, fun, scalar, &each)?);
                }
                words
            }
        })
    }
}

/// Builtins that work on each component by itself.
fn each_word(b: &mut Builder, fun: F, scalar: Scalar, x: &[Value]) -> Result<Value, Fault> {
    let (a, signed) = (x[0], scalar.kind == ScalarKind::Sint);
    let arg = |i: usize| x[i];
    Ok(match (fun, scalar.kind) {
        (F::Abs, ScalarKind::Float) => b.fabs(a),
        (F::Abs, ScalarKind::Sint) => b.iabs(a),
        (F::Abs, _) => a,
        (F::Min, ScalarKind::Float) => b.fmin(a, arg(1)),
        (F::Max, ScalarKind::Float) => b.fmax(a, arg(1)),
        (F::Clamp, ScalarKind::Float) => {
            let raised = b.fmax(a, arg(1));
            b.fmin(raised, arg(2))
        }
        (F::Min, _) => b.bin(if signed { Bin::MinS } else { Bin::MinU }, a, arg(1)),
        (F::Max, _) => b.bin(if signed { Bin::MaxS } else { Bin::MaxU }, a, arg(1)),
        (F::Clamp, _) => {
            let raised = b.bin(if signed { Bin::MaxS } else { Bin::MaxU }, a, arg(1));
            b.bin(if signed { Bin::MinS } else { Bin::MinU }, raised, arg(2))
        }
        (F::Sign, ScalarKind::Float) => {
            let (zero, one, minus) = (b.float(0.0), b.float(1.0), b.float(-1.0));
            let negative = b.flt(a, zero);
            let positive = b.flt(zero, a);
            let below = b.select(negative, minus, zero);
            b.select(positive, one, below)
        }
        (F::Sign, _) => {
            let (one, minus) = (b.int(1), b.int(u32::MAX));
            let above = b.bin(Bin::MinS, a, one);
            b.bin(Bin::MaxS, above, minus)
        }
        (F::Saturate, _) => {
            let (zero, one) = (b.float(0.0), b.float(1.0));
            let raised = b.fmax(a, zero);
            b.fmin(raised, one)
        }
        (F::Ceil, _) => b.fceil(a),
        (F::Floor, _) => b.ffloor(a),
        (F::Round, _) => b.fnearest(a),
        (F::Trunc, _) => b.ftrunc(a),
        (F::Fract, _) => {
            let floor = b.ffloor(a);
            b.fsub(a, floor)
        }
        (F::Radians, _) => b.fmul_k(a, RADIANS_PER_DEGREE),
        (F::Degrees, _) => b.fmul_k(a, DEGREES_PER_RADIAN),
        (F::Fma, _) => b.fma(a, arg(1), arg(2)),
        (F::Sqrt, _) => b.fsqrt(a),
        (F::InverseSqrt, _) => {
            let root = b.fsqrt(a);
            let one = b.float(1.0);
            b.fdiv(one, root)
        }
        (F::Step, _) => {
            let below = b.fle(a, arg(1));
            let (one, zero) = (b.float(1.0), b.float(0.0));
            b.select(below, one, zero)
        }
        (F::SmoothStep, _) => {
            let above = b.fsub(arg(2), a);
            let width = b.fsub(arg(1), a);
            let ratio = b.fdiv(above, width);
            let (zero, one) = (b.float(0.0), b.float(1.0));
            let raised = b.fmax(ratio, zero);
            let t = b.fmin(raised, one);
            let square = b.fmul(t, t);
            let twice = b.fmul_k(t, 2.0);
            let three = b.float(3.0);
            let slope = b.fsub(three, twice);
            b.fmul(square, slope)
        }
        (F::Mix, _) => {
            let one = b.float(1.0);
            let rest = b.fsub(one, arg(2));
            let from = b.fmul(a, rest);
            let to = b.fmul(arg(1), arg(2));
            b.fadd(from, to)
        }
        (F::Ldexp, _) => b.ldexp(a, arg(1)),
        (F::Exp, _) => b.exp(a),
        (F::Exp2, _) => b.exp2(a),
        (F::Log, _) => b.log(a),
        (F::Log2, _) => b.log2(a),
        (F::Pow, _) => b.pow(a, arg(1)),
        (F::Sin, _) => b.sin(a),
        (F::Cos, _) => b.cos(a),
        (F::Tan, _) => b.tan(a),
        (F::Asin, _) => b.asin(a),
        (F::Acos, _) => b.acos(a),
        (F::Atan, _) => b.atan(a),
        (F::Atan2, _) => b.atan2(a, arg(1)),
        (F::Sinh, _) => b.sinh(a),
        (F::Cosh, _) => b.cosh(a),
        (F::Tanh, _) => b.tanh(a),
        (F::Asinh, _) => b.asinh(a),
        (F::Acosh, _) => b.acosh(a),
        (F::Atanh, _) => b.atanh(a),
        (F::QuantizeToF16, _) => {
            let half = b.half_of(a);
            b.float_of_half(half)
        }
        (F::CountOneBits, _) => b.popcnt(a),
        (F::CountLeadingZeros, _) => b.clz(a),
        (F::CountTrailingZeros, _) => b.ctz(a),
        (F::ReverseBits, _) => b.reverse_bits(a),
        (F::FirstLeadingBit, _) => b.first_leading_bit(signed, a),
        (F::FirstTrailingBit, _) => {
            let (zero, none) = (b.int(0), b.int(u32::MAX));
            let empty = b.ieq(a, zero);
            let count = b.ctz(a);
            b.select(empty, none, count)
        }
        (F::ExtractBits, _) => b.extract_bits(signed, a, arg(1), arg(2)),
        (F::InsertBits, _) => b.insert_bits(a, arg(1), arg(2), arg(3)),
        (other, _) => return fault(format!("the CPU device has no function {other:?}")),
    })
}

impl Builder {
    pub(super) fn each2(&mut self, a: &[Value], b: &[Value], f: impl Fn(&mut Self, Value, Value) -> Value) -> Vec<Value> {
        a.iter().zip(b).map(|(x, y)| f(self, *x, *y)).collect()
    }

    /// Summed from the first component to the last.
    fn dot(&mut self, scalar: Scalar, a: &[Value], b: &[Value]) -> Value {
        let float = scalar.kind == ScalarKind::Float;
        let (times, plus) = if float {
            (Bin::FMul, Bin::FAdd)
        } else {
            (Bin::IMul, Bin::IAdd)
        };
        let mut sum = self.bin(times, a[0], b[0]);
        for (x, y) in a.iter().zip(b).skip(1) {
            let product = self.bin(times, *x, *y);
            sum = self.bin(plus, sum, product);
        }
        sum
    }

    fn length(&mut self, a: &[Value]) -> Value {
        if let [x] = a {
            return self.fabs(*x);
        }
        let square = self.dot(Scalar::F32, a, a);
        self.fsqrt(square)
    }

    fn cross(&mut self, a: &[Value], b: &[Value]) -> Vec<Value> {
        [(1, 2), (2, 0), (0, 1)]
            .map(|(i, j)| {
                let left = self.fmul(a[i], b[j]);
                let right = self.fmul(a[j], b[i]);
                self.fsub(left, right)
            })
            .to_vec()
    }

    fn refract(&mut self, scalar: Scalar, incident: &[Value], normal: &[Value], eta: Value) -> Vec<Value> {
        let cosine = self.dot(scalar, normal, incident);
        let square = self.fmul(cosine, cosine);
        let one = self.float(1.0);
        let sine = self.fsub(one, square);
        let eta2 = self.fmul(eta, eta);
        let bent = self.fmul(eta2, sine);
        let k = self.fsub(one, bent);
        let zero = self.float(0.0);
        let total = self.flt(k, zero);
        let root = self.fsqrt(k);
        let along = self.fma(eta, cosine, root);
        self.each2(incident, normal, |b, i, n| {
            let straight = b.fmul(eta, i);
            let side = b.fmul(along, n);
            let direction = b.fsub(straight, side);
            b.select(total, zero, direction)
        })
    }

    /// Of a square matrix, by its first column.
    fn determinant(&mut self, m: &[Value]) -> Value {
        let n = match m.len() {
            4 => 2,
            9 => 3,
            _ => 4,
        };
        let rows: Vec<usize> = (0..n).collect();
        self.minor(m, n, 0, &rows)
    }

    fn minor(&mut self, m: &[Value], n: usize, column: usize, rows: &[usize]) -> Value {
        if let [row] = rows {
            return m[column * n + row];
        }
        let mut sum = None;
        for (i, row) in rows.iter().enumerate() {
            let others: Vec<usize> = rows.iter().copied().filter(|other| other != row).collect();
            let rest = self.minor(m, n, column + 1, &others);
            let term = self.fmul(m[column * n + row], rest);
            sum = Some(match sum {
                None => term,
                Some(sum) if i % 2 == 1 => self.fsub(sum, term),
                Some(sum) => self.fadd(sum, term),
            });
        }
        sum.expect("a matrix has rows")
    }
}
