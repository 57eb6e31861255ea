//! Exponentials and logarithms.

use std::f32::consts::{LN_2, LOG2_E};

use crate::ir::{Builder, Value};

/// ln 2 in two parts; the first has ten bits, so that small integers times it are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// log2 e - 1
const LOG2_E_REST: f32 = 0.442_695_05;

impl Builder {
    /// `y * 2^n` for |n| up to 250, in two steps.
    pub(in crate::lower) fn scale(&mut self, y: Value, n: Value) -> Value {
        let half = self.shrs_k(n, 1);
        let rest = self.isub(n, half);
        let first = self.exp2i(half);
        let second = self.exp2i(rest);
        let product = self.fmul(y, first);
        self.fmul(product, second)
    }

    pub(in crate::lower) fn exp(&mut self, x: Value) -> Value {
        let x = self.clamp_k(x, -105.0, 89.0);
        let turns = self.fmul_k(x, LOG2_E);
        let n = self.fnearest(turns);
        let high = self.fmul_k(n, -LN_2_HIGH);
        let r = self.fadd(x, high);
        let low = self.fmul_k(n, -LN_2_LOW);
        let r = self.fadd(r, low);
        let p = self.horner(
            r,
            &[
                1.987_569_1e-4,
                1.398_199_9e-3,
                8.333_452e-3,
                4.166_579_6e-2,
                1.666_666_5e-1,
                5e-1,
            ],
        );
        let square = self.fmul(r, r);
        let y = self.fma(p, square, r);
        let y = self.fadd_k(y, 1.0);
        let n = self.signed_of(n);
        self.scale(y, n)
    }

    pub(in crate::lower) fn exp2(&mut self, x: Value) -> Value {
        let x = self.clamp_k(x, -152.0, 129.0);
        let n = self.fnearest(x);
        let r = self.fsub(x, n);
        self.exp2_parts(n, r)
    }

    /// `2^(n + r)` for an integer n and a small r.
    pub(in crate::lower) fn exp2_parts(&mut self, n: Value, r: Value) -> Value {
        let p = self.horner(
            r,
            &[
                1.535_336_2e-4,
                1.339_887_4e-3,
                9.618_437e-3,
                5.550_332_5e-2,
                2.402_264_8e-1,
                LN_2,
            ],
        );
        let rise = self.fmul(p, r);
        let y = self.fadd_k(rise, 1.0);
        let n = self.signed_of(n);
        self.scale(y, n)
    }

    /// `x = m * 2^e` with m from √½ to √2, for positive finite x; gives m - 1, and e as a float.
    pub(in crate::lower) fn log_reduce(&mut self, x: Value) -> (Value, Value) {
        let least_normal = self.float(f32::MIN_POSITIVE);
        let is_small = self.flt(x, least_normal);
        let raised = self.fmul_k(x, 8_388_608.0);
        let x = self.select(is_small, raised, x);
        let bits = self.raw_bits(x);
        let above = self.iadd_k(bits, 0u32.wrapping_sub(0x3f35_04f3));
        let e = self.shrs_k(above, 23);
        let shift = self.shl_k(e, 23);
        let m = self.isub(bits, shift);
        let m = self.bits_float(m);
        let f = self.fadd_k(m, -1.0);
        let (lower, same) = (self.int(0u32.wrapping_sub(23)), self.int(0));
        let correction = self.select(is_small, lower, same);
        let e = self.iadd(e, correction);
        (f, self.float_of_s(e))
    }

    /// `ln(1 + f) - f + f²/2`
    pub(in crate::lower) fn log_tail(&mut self, f: Value, square: Value) -> Value {
        let p = self.horner(
            f,
            &[
                7.037_683_6e-2,
                -1.151_461e-1,
                1.167_699_9e-1,
                -1.242_014_1e-1,
                1.424_932_3e-1,
                -1.666_805_8e-1,
                2.000_071_5e-1,
                -2.499_999_4e-1,
                3.333_333e-1,
            ],
        );
        let cube = self.fmul(square, f);
        self.fmul(p, cube)
    }

    /// Logarithms of what is not positive and finite.
    pub(in crate::lower) fn log_edges(&mut self, x: Value, result: Value) -> Value {
        let (zero, infinity) = (self.float(0.0), self.float(f32::INFINITY));
        let (minus, nan) = (self.float(f32::NEG_INFINITY), self.float(f32::NAN));
        let finite = self.flt(x, infinity);
        let result = self.select(finite, result, x);
        let is_zero = self.feq(x, zero);
        let result = self.select(is_zero, minus, result);
        let negative = self.flt(x, zero);
        self.select(negative, nan, result)
    }

    pub(in crate::lower) fn log(&mut self, x: Value) -> Value {
        let (f, e) = self.log_reduce(x);
        let square = self.fmul(f, f);
        let tail = self.log_tail(f, square);
        let low = self.fmul_k(e, LN_2_LOW);
        let y = self.fadd(tail, low);
        let half = self.fmul_k(square, -0.5);
        let y = self.fadd(y, half);
        let y = self.fadd(f, y);
        let high = self.fmul_k(e, LN_2_HIGH);
        let y = self.fadd(y, high);
        self.log_edges(x, y)
    }

    pub(in crate::lower) fn log2(&mut self, x: Value) -> Value {
        let (f, e) = self.log_reduce(x);
        let square = self.fmul(f, f);
        let tail = self.log_tail(f, square);
        let half = self.fmul_k(square, -0.5);
        let y = self.fadd(tail, half);
        let z = self.fmul_k(y, LOG2_E_REST);
        let rest = self.fmul_k(f, LOG2_E_REST);
        let z = self.fadd(z, rest);
        let z = self.fadd(z, y);
        let z = self.fadd(z, f);
        let z = self.fadd(z, e);
        self.log_edges(x, z)
    }
}
