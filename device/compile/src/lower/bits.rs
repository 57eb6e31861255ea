//! Bit operations, packing, and taking floats apart.

use naga::MathFunction as F;

use crate::ir::{Builder, Value};

impl Builder {
    pub(super) fn reverse_bits(&mut self, x: Value) -> Value {
        let mut bits = x;
        for (shift, mask) in [(1, 0x5555_5555), (2, 0x3333_3333), (4, 0x0f0f_0f0f), (8, 0x00ff_00ff)] {
            let down = self.shru_k(bits, shift);
            let low = self.and_k(down, mask);
            let masked = self.and_k(bits, mask);
            let up = self.shl_k(masked, shift);
            bits = self.or(low, up);
        }
        let down = self.shru_k(bits, 16);
        let up = self.shl_k(bits, 16);
        self.or(down, up)
    }

    pub(super) fn first_leading_bit(&mut self, signed: bool, x: Value) -> Value {
        let mut bits = x;
        if signed {
            let sign = self.shrs_k(x, 31);
            bits = self.xor(x, sign);
        }
        let zeros = self.clz(bits);
        let last = self.int(31);
        self.isub(last, zeros)
    }

    /// Offset and count of a bit field, cut to 32 bits.
    fn field(&mut self, offset: Value, count: Value) -> (Value, Value) {
        let width = self.int(32);
        let offset = self.minu(offset, width);
        let room = self.isub(width, offset);
        (offset, self.minu(count, room))
    }

    pub(super) fn extract_bits(&mut self, signed: bool, x: Value, offset: Value, count: Value) -> Value {
        let (offset, count) = self.field(offset, count);
        let width = self.int(32);
        let end = self.iadd(offset, count);
        let left = self.isub(width, end);
        let high = self.shl(x, left);
        let right = self.isub(width, count);
        let field = if signed {
            self.shrs(high, right)
        } else {
            self.shru(high, right)
        };
        let zero = self.int(0);
        let empty = self.ieq(count, zero);
        self.select(empty, zero, field)
    }

    pub(super) fn insert_bits(&mut self, x: Value, new: Value, offset: Value, count: Value) -> Value {
        let (offset, count) = self.field(offset, count);
        let (width, ones) = (self.int(32), self.int(u32::MAX));
        let unused = self.isub(width, count);
        let low = self.shru(ones, unused);
        let mask = self.shl(low, offset);
        let placed = self.shl(new, offset);
        let inside = self.and(placed, mask);
        let outside_mask = self.inot(mask);
        let outside = self.and(x, outside_mask);
        let both = self.or(inside, outside);
        let zero = self.int(0);
        let empty = self.ieq(count, zero);
        self.select(empty, x, both)
    }

    /// Bits of an f32 rounded to f16, ties to even; too large gives infinity.
    pub(super) fn half_of(&mut self, x: Value) -> Value {
        let bits = self.float_bits(x);
        let high = self.shru_k(bits, 16);
        let sign = self.and_k(high, 0x8000);
        let size = self.and_k(bits, 0x7fff_ffff);
        // Subnormal halves: adding 0.5 leaves the rounded count of 2^-24 in the last bits.
        let small = self.bits_float(size);
        let raised = self.fadd_k(small, 0.5);
        let raised = self.float_bits(raised);
        let subnormal = self.iadd_k(raised, 0u32.wrapping_sub(0x3f00_0000));
        // Normal halves: move the exponent, round the 13 bits that go.
        let down = self.shru_k(size, 13);
        let odd = self.and_k(down, 1);
        let moved = self.iadd_k(size, 0u32.wrapping_sub(0x3800_0000).wrapping_add(0xfff));
        let rounded = self.iadd(moved, odd);
        let normal = self.shru_k(rounded, 13);
        let (least_normal, overflow, infinity) = (self.int(0x3880_0000), self.int(0x477f_f000), self.int(0x7f80_0000));
        let is_small = self.ltu(size, least_normal);
        let finite = self.select(is_small, subnormal, normal);
        let fits = self.ltu(size, overflow);
        let (inf, nan) = (self.int(0x7c00), self.int(0x7e00));
        let is_nan = self.ltu(infinity, size);
        let special = self.select(is_nan, nan, inf);
        let half = self.select(fits, finite, special);
        let signed = self.or(half, sign);
        self.select(is_nan, nan, signed)
    }

    /// The f32 that the low 16 bits are as an f16.
    pub(super) fn float_of_half(&mut self, half: Value) -> Value {
        let sign = self.and_k(half, 0x8000);
        let sign = self.shl_k(sign, 16);
        let body = self.and_k(half, 0x7fff);
        let wide = self.shl_k(body, 13);
        let normal = self.iadd_k(wide, 0x3800_0000);
        let special = self.or_k(wide, 0x7f80_0000);
        let count = self.float_of_u(body);
        let subnormal = self.fmul_k(count, f32::from_bits(0x3380_0000));
        let subnormal = self.float_bits(subnormal);
        let (least_normal, least_special) = (self.int(0x400), self.int(0x7c00));
        let is_small = self.ltu(body, least_normal);
        let finite = self.select(is_small, subnormal, normal);
        let is_finite = self.ltu(body, least_special);
        let size = self.select(is_finite, finite, special);
        let bits = self.or(size, sign);
        self.bits_float(bits)
    }

    /// The integer nearest to `x` clamped to `low..=1`, times `scale`.
    fn norm(&mut self, x: Value, low: f32, scale: f32) -> Value {
        let (low, one) = (self.float(low), self.float(1.0));
        let raised = self.fmax(x, low);
        let clamped = self.fmin(raised, one);
        let scaled = self.fmul_k(clamped, scale);
        let nearest = self.fnearest(scaled);
        self.signed_of(nearest)
    }

    pub(super) fn pack(&mut self, fun: F, words: &[Value]) -> Value {
        let width = 32 / words.len() as u32;
        let mut packed = None;
        for (i, word) in words.iter().enumerate() {
            let part = match fun {
                F::Pack4x8snorm => self.norm(*word, -1.0, 127.0),
                F::Pack4x8unorm => self.norm(*word, 0.0, 255.0),
                F::Pack2x16snorm => self.norm(*word, -1.0, 32767.0),
                F::Pack2x16unorm => self.norm(*word, 0.0, 65535.0),
                F::Pack2x16float => self.half_of(*word),
                F::Pack4xI8Clamp => {
                    let (low, high) = (self.int(-128i32 as u32), self.int(127));
                    let raised = self.maxs(*word, low);
                    self.mins(raised, high)
                }
                F::Pack4xU8Clamp => {
                    let high = self.int(255);
                    self.minu(*word, high)
                }
                _ => *word,
            };
            let part = self.and_k(part, ((1u64 << width) - 1) as u32);
            let part = self.shl_k(part, width * i as u32);
            packed = Some(match packed {
                Some(packed) => self.or(packed, part),
                None => part,
            });
        }
        packed.expect("something is packed")
    }

    /// Field `i` of `width` bits, with its sign or without.
    fn part(&mut self, x: Value, width: u32, i: u32, signed: bool) -> Value {
        let up = self.shl_k(x, 32 - width * (i + 1));
        if signed {
            self.shrs_k(up, 32 - width)
        } else {
            self.shru_k(up, 32 - width)
        }
    }

    pub(super) fn unpack(&mut self, fun: F, x: Value) -> Vec<Value> {
        let (count, signed) = match fun {
            F::Unpack4x8snorm | F::Unpack4xI8 => (4, true),
            F::Unpack4x8unorm | F::Unpack4xU8 => (4, false),
            F::Unpack2x16snorm => (2, true),
            _ => (2, false),
        };
        (0..count)
            .map(|i| {
                let part = self.part(x, 32 / count, i, signed);
                let scale = match fun {
                    F::Unpack4x8snorm => 127.0,
                    F::Unpack4x8unorm => 255.0,
                    F::Unpack2x16snorm => 32767.0,
                    F::Unpack2x16unorm => 65535.0,
                    F::Unpack2x16float => return self.float_of_half(part),
                    _ => return part,
                };
                let number = self.float_of_s(part);
                let scale = self.float(scale);
                let ratio = self.fdiv(number, scale);
                let least = self.float(-1.0);
                self.fmax(ratio, least)
            })
            .collect()
    }

    pub(super) fn dot_packed(&mut self, signed: bool, a: Value, b: Value) -> Value {
        let mut sum = self.int(0);
        for i in 0..4 {
            let x = self.part(a, 8, i, signed);
            let y = self.part(b, 8, i, signed);
            let product = self.imul(x, y);
            sum = self.iadd(sum, product);
        }
        sum
    }

    /// Fraction in 0.5..1 and exponent. Zero, infinity and NaN keep their value, with exponent 0.
    pub(super) fn frexp(&mut self, x: Value) -> (Value, Value) {
        let size = self.fabs(x);
        let least_normal = self.float(f32::MIN_POSITIVE);
        let is_small = self.flt(size, least_normal);
        let scaled = self.fmul_k(x, 16_777_216.0);
        let normal = self.select(is_small, scaled, x);
        let bits = self.float_bits(normal);
        let up = self.shru_k(bits, 23);
        let exponent = self.and_k(up, 0xff);
        let (by_scale, plain) = (self.int(126 + 24), self.int(126));
        let bias = self.select(is_small, by_scale, plain);
        let exponent = self.isub(exponent, bias);
        let kept = self.and_k(bits, 0x807f_ffff);
        let half = self.or_k(kept, 0x3f00_0000);
        let fraction = self.bits_float(half);
        let (zero, infinity) = (self.float(0.0), self.float(f32::INFINITY));
        let is_zero = self.feq(x, zero);
        let is_finite = self.flt(size, infinity);
        let other = self.not(is_finite);
        let special = self.or(is_zero, other);
        let none = self.int(0);
        (self.select(special, x, fraction), self.select(special, none, exponent))
    }

    /// `x * 2^e`, in three exact steps and one rounded one.
    pub(super) fn ldexp(&mut self, x: Value, e: Value) -> Value {
        let (low, high) = (self.int(-300i32 as u32), self.int(300));
        let raised = self.maxs(e, low);
        let e = self.mins(raised, high);
        let third = self.int(3);
        let a = self.bin(crate::ir::Bin::DivS, e, third);
        let rest = self.isub(e, a);
        let b = self.shrs_k(rest, 1);
        let c = self.isub(rest, b);
        let mut product = x;
        for part in [a, b, c] {
            let power = self.exp2i(part);
            product = self.fmul(product, power);
        }
        product
    }
}
