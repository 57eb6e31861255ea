//! Operations of one operand.

use super::{Emitter, NAN};
use crate::ir::{Un, Value, is_below_i32_max};

impl Emitter<'_> {
    pub(super) fn scalar_un(&mut self, un: Un, a: Value) {
        match un {
            Un::INeg => self.code.int(0),
            Un::IAbs => {
                self.code.int(0);
                self.scalar(a);
                self.code.i().i32_sub();
            }
            _ => {}
        }
        self.scalar(a);
        match un {
            Un::FNeg => {
                self.code.i().f32_neg();
            }
            Un::FAbs => {
                self.code.i().f32_abs();
            }
            Un::FSqrt => {
                self.code.i().f32_sqrt();
            }
            Un::FCeil => {
                self.code.i().f32_ceil();
            }
            Un::FFloor => {
                self.code.i().f32_floor();
            }
            Un::FTrunc => {
                self.code.i().f32_trunc();
            }
            Un::FNearest => {
                self.code.i().f32_nearest();
            }
            Un::FloatBits if !self.may_be_any_nan(a) => {
                self.code.i().i32_reinterpret_f32();
            }
            Un::FloatBits => {
                self.code.i().i32_reinterpret_f32();
                self.code.int(NAN);
                self.scalar(a);
                self.scalar(a);
                self.code.i().f32_eq().select();
            }
            Un::RawBits => {
                self.code.i().i32_reinterpret_f32();
            }
            Un::BitsFloat => {
                self.code.i().f32_reinterpret_i32();
            }
            Un::FloatToS => {
                self.code.i().i32_trunc_sat_f32_s();
            }
            Un::FloatToU => {
                self.code.i().i32_trunc_sat_f32_u();
            }
            Un::SToFloat => {
                self.code.i().f32_convert_i32_s();
            }
            Un::UToFloat => {
                self.code.i().f32_convert_i32_u();
            }
            Un::INeg => {
                self.code.i().i32_sub();
            }
            Un::IAbs => {
                self.scalar(a);
                self.code.int(0);
                self.code.i().i32_lt_s().select();
            }
            Un::INot => {
                self.code.i().i32_const(-1).i32_xor();
            }
            Un::Clz => {
                self.code.i().i32_clz();
            }
            Un::Ctz => {
                self.code.i().i32_ctz();
            }
            Un::Popcnt => {
                self.code.i().i32_popcnt();
            }
            Un::BoolToInt => {}
            Un::Not => {
                self.code.i().i32_eqz();
            }
        };
    }

    pub(super) fn vector_un(&mut self, un: Un, a: Value) {
        if matches!(un, Un::Clz | Un::Ctz) {
            self.vector(a);
            let temp = self.temps[0];
            self.code.set(temp);
            return self.each_lane(|emitter, lane| {
                emitter.code.get(temp);
                let mut i = emitter.code.i();
                i.i32x4_extract_lane(lane);
                if un == Un::Clz {
                    i.i32_clz()
                } else {
                    i.i32_ctz()
                };
            });
        }
        self.vector(a);
        match un {
            Un::FNeg => {
                self.code.i().f32x4_neg();
            }
            Un::FAbs => {
                self.code.i().f32x4_abs();
            }
            Un::FSqrt => {
                self.code.i().f32x4_sqrt();
            }
            Un::FCeil => {
                self.code.i().f32x4_ceil();
            }
            Un::FFloor => {
                self.code.i().f32x4_floor();
            }
            Un::FTrunc => {
                self.code.i().f32x4_trunc();
            }
            Un::FNearest => {
                self.code.i().f32x4_nearest();
            }
            Un::FloatBits if !self.may_be_any_nan(a) => {}
            Un::FloatBits => {
                self.constant([NAN; 4]);
                self.vector(a);
                self.vector(a);
                self.code.i().f32x4_eq().v128_bitselect();
            }
            Un::RawBits | Un::BitsFloat | Un::Clz | Un::Ctz => {}
            // Below 2^31 all machines convert alike, by one instruction.
            Un::FloatToS if is_below_i32_max(&self.kernel.values, a) => {
                self.code.i().i32x4_relaxed_trunc_f32x4_s();
            }
            Un::FloatToS => {
                self.code.i().i32x4_trunc_sat_f32x4_s();
            }
            Un::FloatToU => {
                self.code.i().i32x4_trunc_sat_f32x4_u();
            }
            Un::SToFloat => {
                self.code.i().f32x4_convert_i32x4_s();
            }
            Un::UToFloat => {
                self.code.i().f32x4_convert_i32x4_u();
            }
            Un::INeg | Un::BoolToInt => {
                self.code.i().i32x4_neg();
            }
            Un::IAbs => {
                self.code.i().i32x4_abs();
            }
            Un::INot | Un::Not => {
                self.code.i().v128_not();
            }
            Un::Popcnt => {
                self.code
                    .i()
                    .i8x16_popcnt()
                    .i16x8_extadd_pairwise_i8x16_u()
                    .i32x4_extadd_pairwise_i16x8_u();
            }
        };
    }
}
