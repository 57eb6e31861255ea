//! Powers: `2^(y log2 x)`, with the logarithm and its product with y in two floats each.
//!
//! A result far from 1 magnifies the logarithm's error by up to 128, so that must be 2^-31 at most.

use std::f32::consts::LOG2_E;

use crate::ir::{Builder, Value};

/// log2 e less its nearest float.
const LOG2_E_LOW: f32 = 1.925_963e-8;

impl Builder {
    /// `a + b` and its rounding error, for |a| ≥ |b| or a = 0.
    fn two_sum(&mut self, a: Value, b: Value) -> (Value, Value) {
        let sum = self.fadd(a, b);
        let part = self.fsub(sum, a);
        (sum, self.fsub(b, part))
    }

    /// A float in two halves of twelve bits.
    fn split(&mut self, x: Value) -> (Value, Value) {
        let bits = self.raw_bits(x);
        let high = self.and_k(bits, 0xffff_f000);
        let high = self.bits_float(high);
        (high, self.fsub(x, high))
    }

    /// `a * b` and its rounding error (Dekker).
    fn two_product(&mut self, a: Value, b: Value) -> (Value, Value) {
        let product = self.fmul(a, b);
        let ((a1, a2), (b1, b2)) = (self.split(a), self.split(b));
        let error = self.fmul(a1, b1);
        let error = self.fsub(error, product);
        let error = self.fma(a1, b2, error);
        let error = self.fma(a2, b1, error);
        (product, self.fma(a2, b2, error))
    }

    /// `f / (2 + f)` in two parts, for f from √½ - 1 to √2 - 1.
    fn half_angle(&mut self, f: Value) -> (Value, Value) {
        let two = self.float(2.0);
        let (below, lost) = self.two_sum(two, f);
        let s = self.fdiv(f, below);
        let (product, error) = self.two_product(s, below);
        let rest = self.fsub(f, product);
        let rest = self.fsub(rest, error);
        let part = self.fmul(s, lost);
        let rest = self.fsub(rest, part);
        (s, self.fdiv(rest, below))
    }

    /// `log2 x` in two parts, for positive finite x: `ln(1 + f) = 2 artanh(f / (2 + f))`.
    fn log2_parts(&mut self, x: Value) -> (Value, Value) {
        let (f, e) = self.log_reduce(x);
        let (s, s_low) = self.half_angle(f);
        let z = self.fmul(s, s);
        let p = self.horner(z, &[2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0]);
        let cube = self.fmul(z, s);
        let tail = self.fmul(p, cube);
        let (twice, twice_low) = (self.fadd(s, s), self.fadd(s_low, s_low));
        let tail = self.fadd(tail, twice_low);
        let (high, low) = self.two_sum(twice, tail);
        let by = self.float(LOG2_E);
        let (high, error) = self.two_product(high, by);
        let low = self.fma(low, by, error);
        let rest = self.fmul_k(high, LOG2_E_LOW / LOG2_E);
        let low = self.fadd(low, rest);
        let (high, error) = self.two_sum(e, high);
        let low = self.fadd(low, error);
        self.two_sum(high, low)
    }

    pub(in crate::lower) fn pow(&mut self, x: Value, y: Value) -> Value {
        let (high, low) = self.log2_parts(x);
        let (product, error) = self.two_product(y, high);
        let error = self.fma(y, low, error);
        let clamped = self.clamp_k(product, -152.0, 129.0);
        let n = self.fnearest(clamped);
        let r = self.fsub(clamped, n);
        let within = self.feq(clamped, product);
        let zero = self.float(0.0);
        let error = self.select(within, error, zero);
        let r = self.fadd(r, error);
        let result = self.exp2_parts(n, r);
        self.pow_edges(x, y, result)
    }

    /// Powers of what is not positive and finite, and y = 0.
    fn pow_edges(&mut self, x: Value, y: Value, result: Value) -> Value {
        let (zero, one) = (self.float(0.0), self.float(1.0));
        let (infinity, nan) = (self.float(f32::INFINITY), self.float(f32::NAN));
        let falling = self.flt(y, zero);
        let of_zero = self.select(falling, infinity, zero);
        let of_infinity = self.select(falling, zero, infinity);
        let is_infinite = self.feq(x, infinity);
        let result = self.select(is_infinite, of_infinity, result);
        let is_zero = self.feq(x, zero);
        let result = self.select(is_zero, of_zero, result);
        let proper = self.fle(zero, x);
        let result = self.select(proper, result, nan);
        let level = self.feq(y, zero);
        self.select(level, one, result)
    }
}
