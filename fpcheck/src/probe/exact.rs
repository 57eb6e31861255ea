//! Single precision out of integers: the oracle for sums and products, and what a fused multiply-add would have given.
//!
//! Invariant: no floating-point arithmetic of the host is used here.

/// `±magnitude · 2^exponent`, exact but for the lowest bit, which may stand for anything smaller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact {
    negative: bool,
    magnitude: u128,
    exponent: i32,
}

/// Digits that are kept when operands are far apart: far more than a product's 48.
const WIDTH: u32 = 110;

impl Exact {
    /// A finite number, by its bits.
    pub(crate) fn of(bits: u32) -> Self {
        let fraction = u128::from(bits & 0x7f_ffff);
        let (magnitude, exponent) = match (bits >> 23 & 0xff) as i32 {
            0 => (fraction, -149),
            biased => (fraction | 0x80_0000, biased - 150),
        };
        Self {
            negative: bits >> 31 == 1,
            magnitude,
            exponent,
        }
    }

    /// The product of two numbers of at most 64 digits.
    pub(crate) fn times(self, other: Self) -> Self {
        Self {
            negative: self.negative != other.negative,
            magnitude: self.magnitude * other.magnitude,
            exponent: self.exponent + other.exponent,
        }
    }

    /// With its highest digit in place [`WIDTH`].
    fn wide(self) -> Self {
        let shift = WIDTH - (128 - self.magnitude.leading_zeros());
        Self {
            magnitude: self.magnitude << shift,
            exponent: self.exponent - shift as i32,
            ..self
        }
    }

    /// The sum, exact wherever rounding to single precision can tell.
    pub(crate) fn plus(self, other: Self) -> Self {
        match (self.magnitude, other.magnitude) {
            (0, 0) => {
                return Self {
                    negative: self.negative && other.negative,
                    ..self
                };
            }
            (0, _) => return other,
            (_, 0) => return self,
            _ => {}
        }
        let (mut large, mut small) = (self.wide(), other.wide());
        if large.exponent < small.exponent {
            std::mem::swap(&mut large, &mut small);
        }
        let apart = large.exponent.abs_diff(small.exponent);
        let shifted = small.magnitude.checked_shr(apart).unwrap_or(0);
        let lost = shifted.checked_shl(apart) != Some(small.magnitude);
        let signed = |negative: bool, magnitude: u128| {
            if negative {
                -magnitude.cast_signed()
            } else {
                magnitude.cast_signed()
            }
        };
        let sum = signed(large.negative, large.magnitude) + signed(small.negative, shifted | u128::from(lost));
        Self {
            negative: sum < 0,
            magnitude: sum.unsigned_abs(),
            exponent: large.exponent,
        }
    }

    /// With the other sign.
    pub(crate) fn negated(self) -> Self {
        Self {
            negative: !self.negative,
            ..self
        }
    }

    /// Rounded to single precision, to nearest, ties to even; beyond the largest number, infinity.
    pub(crate) fn bits(self) -> u32 {
        let sign = u32::from(self.negative) << 31;
        if self.magnitude == 0 {
            return sign;
        }
        let digits = (128 - self.magnitude.leading_zeros()) as i32;
        let last = (self.exponent + digits - 24).max(-149);
        let shift = last - self.exponent;
        let kept = if shift <= 0 {
            self.magnitude << -shift
        } else if shift > 127 {
            0
        } else {
            let whole = self.magnitude >> shift;
            let rest = self.magnitude & ((1 << shift) - 1);
            let half = 1_u128 << (shift - 1);
            whole + u128::from(rest > half || (rest == half && whole & 1 == 1))
        };
        // A carry into the 25th digit, or out of the subnormals, is what adding to the exponent's field does by itself.
        let field = if kept < 0x80_0000 { 0 } else { last + 150 };
        if field >= 255 {
            return sign | 0x7f80_0000;
        }
        let bits = kept as u32 + ((field.max(1) - 1) as u32) * 0x80_0000;
        sign | bits.min(0x7f80_0000)
    }
}

/// `a + b`.
pub(crate) fn add(a: u32, b: u32) -> u32 {
    Exact::of(a).plus(Exact::of(b)).bits()
}

/// `a - b`.
pub(crate) fn sub(a: u32, b: u32) -> u32 {
    Exact::of(a).plus(Exact::of(b).negated()).bits()
}

/// `a * b`.
pub(crate) fn mul(a: u32, b: u32) -> u32 {
    Exact::of(a).times(Exact::of(b)).bits()
}

/// `a * b + c` rounded once.
pub(crate) fn fused(a: u32, b: u32, c: u32) -> u32 {
    Exact::of(a).times(Exact::of(b)).plus(Exact::of(c)).bits()
}

/// `-a`.
pub(crate) fn neg(a: u32) -> u32 {
    a ^ 0x8000_0000
}

/// What is left where underflow may not show: magnitudes at or below 2^-126 are +0.
pub(crate) fn canonical(bits: u32) -> u32 {
    if bits & 0x7fff_ffff <= 0x0080_0000 { 0 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::Random;
    use super::*;

    fn finite(random: &mut Random) -> u32 {
        loop {
            let word = random.word();
            if f32::from_bits(word).is_finite() {
                return word;
            }
        }
    }

    #[test]
    fn integers_and_the_hosts_own_ieee_arithmetic_agree() {
        let mut random = Random(1);
        let edges = [
            0,
            1,
            0x7f_ffff,
            0x80_0000,
            0x80_0001,
            0x3f80_0000,
            0x7f7f_ffff,
            0x3f7f_ffff,
            0x4b80_0001,
        ];
        let mut pairs: Vec<(u32, u32)> = edges
            .iter()
            .flat_map(|&a| edges.iter().flat_map(move |&b| [(a, b), (a, neg(b)), (neg(a), b)]))
            .collect();
        pairs.extend((0..400_000).map(|_| (finite(&mut random), finite(&mut random))));
        // Exponents close to each other, where sums round and cancel.
        pairs.extend((0..400_000).map(|_| {
            let (a, b) = (finite(&mut random), random.word());
            (a, (a ^ b & 0x8000_ffff).wrapping_add(b & 0x0380_0000))
        }));
        for (a, b) in pairs {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            if !x.is_finite() || !y.is_finite() {
                continue;
            }
            assert_eq!(add(a, b), (x + y).to_bits(), "{x:e} + {y:e}");
            assert_eq!(sub(a, b), (x - y).to_bits(), "{x:e} - {y:e}");
            assert_eq!(mul(a, b), (x * y).to_bits(), "{x:e} * {y:e}");
        }
    }

    #[test]
    fn a_fused_product_keeps_what_two_roundings_lose() {
        let x = (1.0_f32 + 3.0 * f32::EPSILON).to_bits();
        let minus_one = (-1.0_f32).to_bits();
        // (1 + 3 e)^2 - 1 = 6 e + 9 e^2, exact in double precision, of which two roundings keep 6 e.
        let exact = f64::from(f32::from_bits(x)).powi(2) - 1.0;
        assert_eq!(fused(x, x, minus_one), (exact as f32).to_bits());
        assert_ne!(fused(x, x, minus_one), add(mul(x, x), minus_one));
    }
}
