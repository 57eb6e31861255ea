//! Hyperbolic functions and their inverses.

use std::f32::consts::{LN_2, SQRT_2};

use crate::ir::{Builder, Value};

impl Builder {
    /// `e^|x|`, its half, and `e^|x| / 2` where e^|x| is too large.
    pub(in crate::lower) fn half_exp(&mut self, size: Value) -> (Value, Value) {
        let e = self.exp(size);
        let half_size = self.fmul_k(size, 0.5);
        let root = self.exp(half_size);
        let half_root = self.fmul_k(root, 0.5);
        let large = self.fmul(half_root, root);
        let half = self.fmul_k(e, 0.5);
        let edge = self.float(80.0);
        let is_large = self.flt(edge, size);
        let grown = self.select(is_large, large, half);
        let one_half = self.float(0.5);
        (grown, self.fdiv(one_half, e))
    }

    pub(in crate::lower) fn sinh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (grown, shrunk) = self.half_exp(size);
        let outer = self.fsub(grown, shrunk);
        let z = self.fmul(x, x);
        let p = self.horner(z, &[2.037_219_1e-4, 8.330_284e-3, 1.666_671_6e-1]);
        let p = self.fmul(p, z);
        let inner = self.fma(p, size, size);
        let one = self.float(1.0);
        let is_small = self.fle(size, one);
        let result = self.select(is_small, inner, outer);
        self.with_sign_of(result, x)
    }

    pub(in crate::lower) fn cosh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (grown, shrunk) = self.half_exp(size);
        self.fadd(grown, shrunk)
    }

    pub(in crate::lower) fn tanh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let twice = self.fadd(size, size);
        let e = self.exp(twice);
        let below = self.fadd_k(e, 1.0);
        let two = self.float(2.0);
        let ratio = self.fdiv(two, below);
        let one = self.float(1.0);
        let outer = self.fsub(one, ratio);
        let z = self.fmul(x, x);
        let p = self.horner(
            z,
            &[-5.704_988_7e-3, 2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1],
        );
        let p = self.fmul(p, z);
        let inner = self.fma(p, size, size);
        let edge = self.float(0.625);
        let is_small = self.flt(size, edge);
        let result = self.select(is_small, inner, outer);
        self.with_sign_of(result, x)
    }

    /// `ln(x + √(x² ± 1))` for x not small; beyond 1500, `ln x + ln 2`.
    pub(in crate::lower) fn area(&mut self, x: Value, one: f32) -> Value {
        let square = self.fmul(x, x);
        let shifted = self.fadd_k(square, one);
        let root = self.fsqrt(shifted);
        let sum = self.fadd(x, root);
        let edge = self.float(1500.0);
        let is_large = self.flt(edge, x);
        let argument = self.select(is_large, x, sum);
        let log = self.log(argument);
        let raised = self.fadd_k(log, LN_2);
        self.select(is_large, raised, log)
    }

    pub(in crate::lower) fn asinh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let outer = self.area(size, 1.0);
        let z = self.fmul(x, x);
        let p = self.horner(z, &[2.012_200_3e-2, -4.269_934e-2, 7.484_759e-2, -1.666_628_8e-1]);
        let p = self.fmul(p, z);
        let inner = self.fma(p, size, size);
        let edge = self.float(0.5);
        let is_small = self.flt(size, edge);
        let result = self.select(is_small, inner, outer);
        self.with_sign_of(result, x)
    }

    pub(in crate::lower) fn acosh(&mut self, x: Value) -> Value {
        let outer = self.area(x, -1.0);
        let t = self.fadd_k(x, -1.0);
        let p = self.horner(t, &[1.759_688_1e-3, -7.527_288_7e-3, 2.645_490_5e-2, -1.178_474_2e-1, SQRT_2]);
        let root = self.fsqrt(t);
        let inner = self.fmul(p, root);
        let edge = self.float(1.5);
        let is_small = self.flt(x, edge);
        self.select(is_small, inner, outer)
    }

    pub(in crate::lower) fn atanh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let one = self.float(1.0);
        let (above, below) = (self.fadd(one, size), self.fsub(one, size));
        let ratio = self.fdiv(above, below);
        let log = self.log(ratio);
        let outer = self.fmul_k(log, 0.5);
        let z = self.fmul(x, x);
        let p = self.horner(
            z,
            &[1.817_400_8e-1, 8.243_703e-2, 1.466_914_3e-1, 1.997_821_6e-1, 3.333_373e-1],
        );
        let p = self.fmul(p, z);
        let inner = self.fma(p, size, size);
        let edge = self.float(0.5);
        let is_small = self.flt(size, edge);
        let result = self.select(is_small, inner, outer);
        self.with_sign_of(result, x)
    }
}
