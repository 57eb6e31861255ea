//! Division and remainder of integers: WebAssembly traps where WGSL defines a result, so divisors are looked at first. SIMD has no division: four
//! lanes are divided by a constant as a product with its reciprocal, and else one after the other.

use super::Emitter;
use crate::emit::code::Local;
use crate::ir::{Bin, Op, Value};

impl Emitter<'_> {
    pub(super) fn divide(&mut self, bin: Bin) {
        match bin {
            Bin::DivS => {
                self.code.i().i32_div_s();
            }
            Bin::DivU => {
                self.code.i().i32_div_u();
            }
            Bin::RemS => {
                self.code.i().i32_rem_s();
            }
            _ => {
                self.code.i().i32_rem_u();
            }
        };
    }

    /// Whether a divisor is a constant that needs no care.
    pub(super) fn tame(&self, bin: Bin, b: Value) -> bool {
        match self.kernel.values[b.0 as usize].op {
            Op::Const(0) => false,
            Op::Const(u32::MAX) => matches!(bin, Bin::DivU | Bin::RemU),
            Op::Const(_) => true,
            _ => false,
        }
    }

    /// The divisor, or 1 where WGSL's result is that of a division by 1.
    pub(super) fn scalar_divisor(&mut self, bin: Bin, a: Value, b: Value) {
        if self.tame(bin, b) {
            return self.scalar(b);
        }
        self.code.int(1);
        self.scalar(b);
        self.scalar(b);
        self.code.i().i32_eqz();
        if matches!(bin, Bin::DivS | Bin::RemS) {
            self.scalar(b);
            self.code.i().i32_const(-1).i32_eq();
            self.scalar(a);
            self.code.i().i32_const(i32::MIN).i32_eq().i32_and().i32_or();
        }
        self.code.i().select();
    }

    pub(super) fn vector_divide(&mut self, bin: Bin, a: Value, b: Value) {
        if let Op::Const(divisor) = self.kernel.values[b.0 as usize].op
            && self.tame(bin, b)
        {
            return self.divide_by(bin, a, divisor);
        }
        let [left, right, ..] = self.temps;
        self.vector(a);
        self.code.set(left);
        self.constant([1; 4]);
        self.vector(b);
        self.vector(b);
        self.constant([0; 4]);
        self.code.i().i32x4_eq();
        if matches!(bin, Bin::DivS | Bin::RemS) {
            self.vector(b);
            self.constant([u32::MAX; 4]);
            self.code.i().i32x4_eq();
            self.code.get(left);
            self.constant([1 << 31; 4]);
            self.code.i().i32x4_eq().v128_and().v128_or();
        }
        self.code.i().v128_bitselect();
        self.code.set(right);
        self.each_lane(|emitter, lane| {
            emitter.code.get(left);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.code.get(right);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.divide(bin);
        });
    }

    /// Push four lanes divided by a constant, which is not 0.
    fn divide_by(&mut self, bin: Bin, a: Value, divisor: u32) {
        let signed = matches!(bin, Bin::DivS | Bin::RemS);
        let size = if signed {
            divisor.cast_signed().unsigned_abs()
        } else {
            divisor
        };
        let [dividend, quotient, ..] = self.temps;
        self.vector(a);
        if signed {
            self.code.i().i32x4_abs();
        }
        self.code.set(dividend);
        self.quotient(dividend, size, quotient);
        if matches!(bin, Bin::DivU | Bin::DivS) {
            self.code.get(quotient);
        } else {
            self.code.get(dividend);
            self.code.get(quotient);
            self.constant([size; 4]);
            self.code.i().i32x4_mul().i32x4_sub();
        }
        if !signed {
            return;
        }
        // A quotient is negative where the signs differ, a remainder where the dividend is: -x = (x ^ -1) - -1.
        self.code.set(quotient);
        self.vector(a);
        if bin == Bin::DivS && divisor.cast_signed() < 0 {
            self.code.i().v128_not();
        }
        self.code.int(31);
        self.code.i().i32x4_shr_s();
        let sign = dividend;
        self.code.set(sign);
        self.code.get(quotient);
        self.code.get(sign);
        self.code.i().v128_xor();
        self.code.get(sign);
        self.code.i().i32x4_sub();
    }

    /// Unsigned n / d, with m = floor(2^32 (2^l - d) / d) + 1, l = ceil(log2 d), t = floor(m n / 2^32): (t + (n - t) / 2) / 2^(l - 1), for d > 1.
    /// Granlund and Montgomery 1994, figure 4.1.
    fn quotient(&mut self, dividend: Local, divisor: u32, quotient: Local) {
        if divisor == 1 {
            self.code.get(dividend);
            return self.code.set(quotient);
        }
        let bits = 32 - (divisor - 1).leading_zeros();
        let factor = ((1u64 << 32) * ((1u64 << bits) - u64::from(divisor)) / u64::from(divisor) + 1) as u32;
        let [_, _, low, high, ..] = self.temps;
        self.code.get(dividend);
        self.constant([factor; 4]);
        self.code.i().i64x2_extmul_low_i32x4_u();
        self.code.set(low);
        self.code.get(dividend);
        self.constant([factor; 4]);
        self.code.i().i64x2_extmul_high_i32x4_u();
        self.code.set(high);
        self.shuffle_into(low, high, [1, 3, 5, 7], low);
        self.code.get(dividend);
        self.code.get(low);
        self.code.i().i32x4_sub();
        self.code.int(1);
        self.code.i().i32x4_shr_u();
        self.code.get(low);
        self.code.i().i32x4_add();
        self.code.int(bits - 1);
        self.code.i().i32x4_shr_u();
        self.code.set(quotient);
    }
}
