//! Division and remainder of integers: WebAssembly traps where WGSL defines a result, so divisors are looked at first.

use super::Emitter;
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
        let [left, right, ..] = self.temps;
        self.vector(a);
        self.code.set(left);
        if self.tame(bin, b) {
            return self.each_lane(|emitter, lane| {
                emitter.code.get(left);
                emitter.code.i().i32x4_extract_lane(lane);
                emitter.scalar(b);
                emitter.divide(bin);
            });
        }
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
}
