//! Elementary functions as fixed sequences of rounded operations: the same bits on every machine.
//!
//! Reductions and polynomials are those of Moshier's Cephes (single precision), which stay within about two units in the last
//! place; `pow` carries the logarithm's low part. Sine and cosine are reduced in three parts, good to |x| of some thousands:
//! WGSL defines their accuracy for |x| up to π only.

use std::f32::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, PI, SQRT_2};

use crate::cpu::ir::{Builder, Value};

/// ln 2 in two parts; the first has ten bits, so that small integers times it are exact.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// π/2 in three parts.
const HALF_PI: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
/// log2 e - 1
const LOG2_E_REST: f32 = 0.442_695_05;

impl Builder {
    fn clamp_k(&mut self, x: Value, low: f32, high: f32) -> Value {
        let low = self.float(low);
        let raised = self.fmax(x, low);
        let high = self.float(high);
        self.fmin(raised, high)
    }

    /// The sign of `sign` on a value that is not negative.
    fn with_sign_of(&mut self, size: Value, sign: Value) -> Value {
        let sign = self.raw_bits(sign);
        let sign = self.and_k(sign, 0x8000_0000);
        let bits = self.raw_bits(size);
        let bits = self.or(bits, sign);
        self.bits_float(bits)
    }

    /// `y * 2^n` for |n| up to 250, in two steps.
    fn scale(&mut self, y: Value, n: Value) -> Value {
        let half = self.shrs_k(n, 1);
        let rest = self.isub(n, half);
        let first = self.exp2i(half);
        let second = self.exp2i(rest);
        let product = self.fmul(y, first);
        self.fmul(product, second)
    }

    pub(super) fn exp(&mut self, x: Value) -> Value {
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

    pub(super) fn exp2(&mut self, x: Value) -> Value {
        let x = self.clamp_k(x, -152.0, 129.0);
        let n = self.fnearest(x);
        let r = self.fsub(x, n);
        self.exp2_parts(n, r)
    }

    /// `2^(n + r)` for an integer n and a small r.
    fn exp2_parts(&mut self, n: Value, r: Value) -> Value {
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
    fn log_reduce(&mut self, x: Value) -> (Value, Value) {
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
    fn log_tail(&mut self, f: Value, square: Value) -> Value {
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
    fn log_edges(&mut self, x: Value, result: Value) -> Value {
        let (zero, infinity) = (self.float(0.0), self.float(f32::INFINITY));
        let (minus, nan) = (self.float(f32::NEG_INFINITY), self.float(f32::NAN));
        let finite = self.flt(x, infinity);
        let result = self.select(finite, result, x);
        let is_zero = self.feq(x, zero);
        let result = self.select(is_zero, minus, result);
        let negative = self.flt(x, zero);
        self.select(negative, nan, result)
    }

    pub(super) fn log(&mut self, x: Value) -> Value {
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

    pub(super) fn log2(&mut self, x: Value) -> Value {
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

    pub(super) fn pow(&mut self, x: Value, y: Value) -> Value {
        let (f, e) = self.log_reduce(x);
        let square = self.fmul(f, f);
        let tail = self.log_tail(f, square);
        let half = self.fmul_k(square, -0.5);
        let q = self.fadd(tail, half);
        // log2 x = e + f + (f + q) (log2 e - 1) + q
        let rest = self.fmul_k(f, LOG2_E_REST);
        let low = self.fmul_k(q, LOG2_E);
        let (high, error) = self.two_sum(e, f);
        let low = self.fadd(low, rest);
        let low = self.fadd(low, error);
        let (high, low) = self.two_sum(high, low);
        // y * (high + low), with the error of the first product.
        let product = self.fmul(y, high);
        let ((y1, y2), (h1, h2)) = (self.split(y), self.split(high));
        let p11 = self.fmul(y1, h1);
        let p12 = self.fmul(y1, h2);
        let p21 = self.fmul(y2, h1);
        let p22 = self.fmul(y2, h2);
        let error = self.fsub(p11, product);
        let error = self.fadd(error, p12);
        let error = self.fadd(error, p21);
        let error = self.fadd(error, p22);
        let error = self.fma(y, low, error);
        let clamped = self.clamp_k(product, -152.0, 129.0);
        let n = self.fnearest(clamped);
        let r = self.fsub(clamped, n);
        let within = self.feq(clamped, product);
        let zero = self.float(0.0);
        let error = self.select(within, error, zero);
        let r = self.fadd(r, error);
        let result = self.exp2_parts(n, r);
        // What is not positive and finite, and y = 0.
        let (one, infinity, nan) = (self.float(1.0), self.float(f32::INFINITY), self.float(f32::NAN));
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

    /// Sine and cosine of the rest of x after whole quarter turns, and the number of those.
    fn quarter(&mut self, x: Value) -> (Value, Value, Value) {
        let turns = self.fmul_k(x, FRAC_2_PI);
        let n = self.fnearest(turns);
        let mut r = x;
        for part in HALF_PI {
            let whole = self.fmul_k(n, -part);
            r = self.fadd(r, whole);
        }
        let r = self.clamp_k(r, -0.8, 0.8);
        let z = self.fmul(r, r);
        let p = self.horner(z, &[-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1]);
        let p = self.fmul(p, z);
        let sine = self.fma(p, r, r);
        let p = self.horner(z, &[2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2]);
        let square = self.fmul(z, z);
        let p = self.fmul(p, square);
        let half = self.fmul_k(z, -0.5);
        let p = self.fadd(p, half);
        let cosine = self.fadd_k(p, 1.0);
        (sine, cosine, self.signed_of(n))
    }

    /// The sine after `quarters` more quarter turns.
    fn turn(&mut self, sine: Value, cosine: Value, quarters: Value) -> Value {
        let zero = self.int(0);
        let odd = self.and_k(quarters, 1);
        let odd = self.ine(odd, zero);
        let size = self.select(odd, cosine, sine);
        let back = self.and_k(quarters, 2);
        let sign = self.shl_k(back, 30);
        let bits = self.raw_bits(size);
        let bits = self.xor(bits, sign);
        self.bits_float(bits)
    }

    pub(super) fn sin(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        self.turn(sine, cosine, n)
    }

    pub(super) fn cos(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        let n = self.iadd_k(n, 1);
        self.turn(sine, cosine, n)
    }

    pub(super) fn tan(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        let above = self.turn(sine, cosine, n);
        let n = self.iadd_k(n, 1);
        let below = self.turn(sine, cosine, n);
        self.fdiv(above, below)
    }

    pub(super) fn atan(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (far, near) = (self.float(2.414_213_7), self.float(0.414_213_57));
        let (is_far, is_mid) = (self.flt(far, size), self.flt(near, size));
        let (minus, one) = (self.float(-1.0), self.float(1.0));
        let inverse = self.fdiv(minus, size);
        let (below, above) = (self.fsub(size, one), self.fadd(size, one));
        let rotated = self.fdiv(below, above);
        let (quarter, half, zero) = (self.float(FRAC_PI_4), self.float(FRAC_PI_2), self.float(0.0));
        let t = self.select(is_mid, rotated, size);
        let t = self.select(is_far, inverse, t);
        let base = self.select(is_mid, quarter, zero);
        let base = self.select(is_far, half, base);
        let z = self.fmul(t, t);
        let p = self.horner(z, &[8.053_744_5e-2, -1.387_768_6e-1, 1.997_771_1e-1, -3.333_295e-1]);
        let p = self.fmul(p, z);
        let angle = self.fma(p, t, t);
        let angle = self.fadd(base, angle);
        self.with_sign_of(angle, x)
    }

    pub(super) fn atan2(&mut self, y: Value, x: Value) -> Value {
        let (height, width) = (self.fabs(y), self.fabs(x));
        let steep = self.flt(width, height);
        let (small, large) = (self.select(steep, width, height), self.select(steep, height, width));
        let ratio = self.fdiv(small, large);
        let (zero, one) = (self.float(0.0), self.float(1.0));
        let at_origin = self.feq(large, zero);
        let infinity = self.float(f32::INFINITY);
        let both_infinite = self.feq(small, infinity);
        let ratio = self.select(at_origin, zero, ratio);
        let ratio = self.select(both_infinite, one, ratio);
        let angle = self.atan(ratio);
        let (half, straight) = (self.float(FRAC_PI_2), self.float(PI));
        let complement = self.fsub(half, angle);
        let angle = self.select(steep, complement, angle);
        let bits = self.raw_bits(x);
        let none = self.int(0);
        let left = self.lts(bits, none);
        let mirrored = self.fsub(straight, angle);
        let angle = self.select(left, mirrored, angle);
        self.with_sign_of(angle, y)
    }

    /// `asin s` for s from 0 to ½, with z = s².
    fn asin_core(&mut self, s: Value, z: Value) -> Value {
        let p = self.horner(
            z,
            &[4.216_32e-2, 2.418_131e-2, 4.547_002_6e-2, 7.495_300_3e-2, 1.666_675_2e-1],
        );
        let p = self.fmul(p, z);
        self.fma(p, s, s)
    }

    pub(super) fn asin(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (half, one) = (self.float(0.5), self.float(1.0));
        let is_large = self.flt(half, size);
        let rest = self.fsub(one, size);
        let rest = self.fmul(rest, half);
        let square = self.fmul(size, size);
        let z = self.select(is_large, rest, square);
        let root = self.fsqrt(rest);
        let s = self.select(is_large, root, size);
        let angle = self.asin_core(s, z);
        let twice = self.fadd(angle, angle);
        let right = self.float(FRAC_PI_2);
        let complement = self.fsub(right, twice);
        let angle = self.select(is_large, complement, angle);
        self.with_sign_of(angle, x)
    }

    pub(super) fn acos(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (half, one, zero) = (self.float(0.5), self.float(1.0), self.float(0.0));
        let is_large = self.flt(half, size);
        let rest = self.fsub(one, size);
        let rest = self.fmul(rest, half);
        let root = self.fsqrt(rest);
        let angle = self.asin_core(root, rest);
        let twice = self.fadd(angle, angle);
        let straight = self.float(PI);
        let mirrored = self.fsub(straight, twice);
        let negative = self.flt(x, zero);
        let outer = self.select(negative, mirrored, twice);
        let square = self.fmul(x, x);
        let angle = self.asin_core(x, square);
        let right = self.float(FRAC_PI_2);
        let inner = self.fsub(right, angle);
        self.select(is_large, outer, inner)
    }

    /// `e^|x|`, its half, and `e^|x| / 2` where e^|x| is too large.
    fn half_exp(&mut self, size: Value) -> (Value, Value) {
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

    pub(super) fn sinh(&mut self, x: Value) -> Value {
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

    pub(super) fn cosh(&mut self, x: Value) -> Value {
        let size = self.fabs(x);
        let (grown, shrunk) = self.half_exp(size);
        self.fadd(grown, shrunk)
    }

    pub(super) fn tanh(&mut self, x: Value) -> Value {
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
    fn area(&mut self, x: Value, one: f32) -> Value {
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

    pub(super) fn asinh(&mut self, x: Value) -> Value {
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

    pub(super) fn acosh(&mut self, x: Value) -> Value {
        let outer = self.area(x, -1.0);
        let t = self.fadd_k(x, -1.0);
        let p = self.horner(t, &[1.759_688_1e-3, -7.527_288_7e-3, 2.645_490_5e-2, -1.178_474_2e-1, SQRT_2]);
        let root = self.fsqrt(t);
        let inner = self.fmul(p, root);
        let edge = self.float(1.5);
        let is_small = self.flt(x, edge);
        self.select(is_small, inner, outer)
    }

    pub(super) fn atanh(&mut self, x: Value) -> Value {
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
