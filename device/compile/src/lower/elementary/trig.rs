//! Circular functions and their inverses.
//!
//! Sine and cosine are reduced by Cody and Waite's method, with products that are exact, for |x| up to 2^24, where a unit in x's last place is a radian or two; WGSL
//! defines their accuracy for |x| up to π only.

use std::f32::consts::{FRAC_2_PI, FRAC_PI_2, FRAC_PI_4, PI};

use crate::ir::{Builder, Value};

/// π/2 in multiples of 2^-11, 2^-23 and 2^-35 of twelve bits each, and the rest.
const HALF_PI: [f32; 4] = [1.570_312_5, 4.837_513e-4, 7.549_533_6e-8, 2.563_344e-12];
/// What the high part of a number of quarter turns is a multiple of.
const HIGH_TURNS: f32 = 4096.0;

impl Builder {
    /// Sine and cosine of the rest of x after whole quarter turns, and the number of those.
    pub(in crate::lower) fn quarter(&mut self, x: Value) -> (Value, Value, Value) {
        let turns = self.fmul_k(x, FRAC_2_PI);
        let n = self.fnearest(turns);
        // Both parts have at most twelve bits, and so their products with those of π/2 are exact.
        let high = self.fmul_k(n, 1.0 / HIGH_TURNS);
        let high = self.fnearest(high);
        let high = self.fmul_k(high, HIGH_TURNS);
        let low = self.fsub(n, high);
        let mut r = x;
        for part in HALF_PI {
            for turns in [high, low] {
                let whole = self.fmul_k(turns, -part);
                r = self.fadd(r, whole);
            }
        }
        // Of many turns, the nearest number came out rounded.
        let turns = self.fmul_k(r, FRAC_2_PI);
        let more = self.fnearest(turns);
        for part in &HALF_PI[..3] {
            let whole = self.fmul_k(more, -part);
            r = self.fadd(r, whole);
        }
        let n = self.fadd(n, more);
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
    pub(in crate::lower) fn turn(&mut self, sine: Value, cosine: Value, quarters: Value) -> Value {
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

    pub(in crate::lower) fn sin(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        self.turn(sine, cosine, n)
    }

    pub(in crate::lower) fn cos(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        let n = self.iadd_k(n, 1);
        self.turn(sine, cosine, n)
    }

    pub(in crate::lower) fn tan(&mut self, x: Value) -> Value {
        let (sine, cosine, n) = self.quarter(x);
        let above = self.turn(sine, cosine, n);
        let n = self.iadd_k(n, 1);
        let below = self.turn(sine, cosine, n);
        self.fdiv(above, below)
    }

    pub(in crate::lower) fn atan(&mut self, x: Value) -> Value {
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

    pub(in crate::lower) fn atan2(&mut self, y: Value, x: Value) -> Value {
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
    pub(in crate::lower) fn asin_core(&mut self, s: Value, z: Value) -> Value {
        let p = self.horner(
            z,
            &[4.216_32e-2, 2.418_131e-2, 4.547_002_6e-2, 7.495_300_3e-2, 1.666_675_2e-1],
        );
        let p = self.fmul(p, z);
        self.fma(p, s, s)
    }

    pub(in crate::lower) fn asin(&mut self, x: Value) -> Value {
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

    pub(in crate::lower) fn acos(&mut self, x: Value) -> Value {
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
}
