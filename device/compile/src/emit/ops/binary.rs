//! Operations of two operands.

use super::Emitter;
use crate::ir::{Bin, Ty, Value};

impl Emitter<'_> {
    pub(super) fn scalar_bin(&mut self, bin: Bin, a: Value, b: Value) {
        match bin {
            // `b < a ? b : a` and its kin
            Bin::FMin | Bin::FMax | Bin::MinS | Bin::MinU | Bin::MaxS | Bin::MaxU => {
                self.scalar(b);
                self.scalar(a);
                self.scalar(b);
                self.scalar(a);
                match bin {
                    Bin::FMin => {
                        self.code.i().f32_lt();
                    }
                    Bin::FMax => {
                        self.code.i().f32_gt();
                    }
                    Bin::MinS => {
                        self.code.i().i32_lt_s();
                    }
                    Bin::MinU => {
                        self.code.i().i32_lt_u();
                    }
                    Bin::MaxS => {
                        self.code.i().i32_gt_s();
                    }
                    _ => {
                        self.code.i().i32_gt_u();
                    }
                };
                self.code.i().select();
                return;
            }
            Bin::DivS | Bin::DivU | Bin::RemS | Bin::RemU => {
                self.scalar(a);
                self.scalar_divisor(bin, a, b);
                self.divide(bin);
                return;
            }
            _ => {}
        }
        self.scalar(a);
        self.scalar(b);
        let float = self.kernel.values[a.0 as usize].ty == Ty::F32;
        debug_assert!(
            float
                == matches!(
                    bin,
                    Bin::FAdd | Bin::FSub | Bin::FMul | Bin::FDiv | Bin::FEq | Bin::FNe | Bin::FLt | Bin::FLe
                )
        );
        match bin {
            Bin::FAdd => {
                self.code.i().f32_add();
            }
            Bin::FSub => {
                self.code.i().f32_sub();
            }
            Bin::FMul => {
                self.code.i().f32_mul();
            }
            Bin::FDiv => {
                self.code.i().f32_div();
            }
            Bin::FEq => {
                self.code.i().f32_eq();
            }
            Bin::FNe => {
                self.code.i().f32_ne();
            }
            Bin::FLt => {
                self.code.i().f32_lt();
            }
            Bin::FLe => {
                self.code.i().f32_le();
            }
            Bin::IAdd => {
                self.code.i().i32_add();
            }
            Bin::ISub => {
                self.code.i().i32_sub();
            }
            Bin::IMul => {
                self.code.i().i32_mul();
            }
            Bin::And => {
                self.code.i().i32_and();
            }
            Bin::Or => {
                self.code.i().i32_or();
            }
            Bin::Xor => {
                self.code.i().i32_xor();
            }
            Bin::Shl => {
                self.code.i().i32_shl();
            }
            Bin::ShrS => {
                self.code.i().i32_shr_s();
            }
            Bin::ShrU => {
                self.code.i().i32_shr_u();
            }
            Bin::IEq => {
                self.code.i().i32_eq();
            }
            Bin::INe => {
                self.code.i().i32_ne();
            }
            Bin::LtS => {
                self.code.i().i32_lt_s();
            }
            Bin::LtU => {
                self.code.i().i32_lt_u();
            }
            Bin::LeS => {
                self.code.i().i32_le_s();
            }
            _ => {
                self.code.i().i32_le_u();
            }
        };
    }

    pub(super) fn vector_bin(&mut self, bin: Bin, a: Value, b: Value) {
        match bin {
            Bin::DivS | Bin::DivU | Bin::RemS | Bin::RemU => return self.vector_divide(bin, a, b),
            Bin::Shl | Bin::ShrS | Bin::ShrU => return self.vector_shift(bin, a, b),
            _ => {}
        }
        self.vector(a);
        self.vector(b);
        match bin {
            Bin::FAdd => {
                self.code.i().f32x4_add();
            }
            Bin::FSub => {
                self.code.i().f32x4_sub();
            }
            Bin::FMul => {
                self.code.i().f32x4_mul();
            }
            Bin::FDiv => {
                self.code.i().f32x4_div();
            }
            Bin::FMin => {
                self.code.i().f32x4_pmin();
            }
            Bin::FMax => {
                self.code.i().f32x4_pmax();
            }
            Bin::FEq => {
                self.code.i().f32x4_eq();
            }
            Bin::FNe => {
                self.code.i().f32x4_ne();
            }
            Bin::FLt => {
                self.code.i().f32x4_lt();
            }
            Bin::FLe => {
                self.code.i().f32x4_le();
            }
            Bin::IAdd => {
                self.code.i().i32x4_add();
            }
            Bin::ISub => {
                self.code.i().i32x4_sub();
            }
            Bin::IMul => {
                self.code.i().i32x4_mul();
            }
            Bin::And => {
                self.code.i().v128_and();
            }
            Bin::Or => {
                self.code.i().v128_or();
            }
            Bin::Xor => {
                self.code.i().v128_xor();
            }
            Bin::MinS => {
                self.code.i().i32x4_min_s();
            }
            Bin::MinU => {
                self.code.i().i32x4_min_u();
            }
            Bin::MaxS => {
                self.code.i().i32x4_max_s();
            }
            Bin::MaxU => {
                self.code.i().i32x4_max_u();
            }
            Bin::IEq => {
                self.code.i().i32x4_eq();
            }
            Bin::INe => {
                self.code.i().i32x4_ne();
            }
            Bin::LtS => {
                self.code.i().i32x4_lt_s();
            }
            Bin::LtU => {
                self.code.i().i32x4_lt_u();
            }
            Bin::LeS => {
                self.code.i().i32x4_le_s();
            }
            _ => {
                self.code.i().i32x4_le_u();
            }
        };
    }

    pub(super) fn vector_shift(&mut self, bin: Bin, a: Value, b: Value) {
        if self.facts.uniform(b) {
            self.vector(a);
            self.scalar(b);
            match bin {
                Bin::Shl => {
                    self.code.i().i32x4_shl();
                }
                Bin::ShrS => {
                    self.code.i().i32x4_shr_s();
                }
                _ => {
                    self.code.i().i32x4_shr_u();
                }
            };
            return;
        }
        let [left, right, ..] = self.temps;
        self.vector(a);
        self.code.set(left);
        self.vector(b);
        self.code.set(right);
        self.each_lane(|emitter, lane| {
            emitter.code.get(left);
            emitter.code.i().i32x4_extract_lane(lane);
            emitter.code.get(right);
            let mut i = emitter.code.i();
            i.i32x4_extract_lane(lane);
            match bin {
                Bin::Shl => i.i32_shl(),
                Bin::ShrS => i.i32_shr_s(),
                _ => i.i32_shr_u(),
            };
        });
    }
}
