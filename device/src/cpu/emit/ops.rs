//! Operations, on a scalar that all lanes share and on four lanes.

use wasm_encoder::Ieee32;

use super::Emitter;
use crate::cpu::analyse::Spread;
use crate::cpu::ir::{Bin, Input, Op, Ty, Un, Value};

/// The NaN that every NaN becomes where its bits can be seen.
const NAN: u32 = 0x7fc0_0000;

impl Emitter<'_> {
    /// Push what all lanes share, or the first lane of a linear value.
    pub(super) fn scalar(&mut self, value: Value) {
        let info = self.kernel.values[value.0 as usize];
        match (info.op, info.ty) {
            (Op::Const(bits), Ty::F32) => {
                self.code.i().f32_const(Ieee32::new(bits));
            }
            (Op::Const(bits), _) => self.code.int(bits),
            (Op::Input(input), _) => self.input(input),
            _ => {
                let local = self.value_local(value);
                self.code.get(local);
            }
        }
    }

    /// Push four lanes.
    pub(super) fn vector(&mut self, value: Value) {
        let info = self.kernel.values[value.0 as usize];
        if let Op::Const(bits) = info.op {
            let lane = if info.ty == Ty::Bool { 0u32.wrapping_sub(bits) } else { bits };
            return self.constant([lane; 4]);
        }
        match self.facts.values[value.0 as usize] {
            Spread::Varying => match info.op {
                Op::Input(input) => self.input(input),
                _ => {
                    let local = self.value_local(value);
                    self.code.get(local);
                }
            },
            Spread::Linear(stride) => {
                if info.ty == Ty::Bool {
                    self.code.int(0);
                }
                self.scalar(value);
                match info.ty {
                    Ty::F32 => {
                        self.code.i().f32x4_splat();
                    }
                    Ty::I32 => {
                        self.code.i().i32x4_splat();
                    }
                    Ty::Bool => {
                        self.code.i().i32_sub().i32x4_splat();
                    }
                };
                if stride != 0 {
                    let stride = stride as u32;
                    self.constant([0, 1, 2, 3].map(|lane: u32| stride.wrapping_mul(lane)));
                    self.code.i().i32x4_add();
                }
            }
        }
    }

    fn input(&mut self, input: Input) {
        let local = match input {
            Input::GroupX => 1,
            Input::GroupY => 2,
            Input::GroupZ => 3,
            Input::CountX => 4,
            Input::CountY => 5,
            Input::CountZ => 6,
            Input::LocalIndex => self.inputs.index,
            Input::LocalX => self.inputs.x,
            Input::LocalY => self.inputs.y,
            Input::LocalZ => self.inputs.z,
        };
        self.code.get(local);
    }

    /// Compute a value and keep it.
    pub(super) fn define(&mut self, value: Value) {
        let info = self.kernel.values[value.0 as usize];
        let shared = matches!(self.facts.values[value.0 as usize], Spread::Linear(_));
        match info.op {
            Op::Const(_) | Op::Input(_) | Op::Loaded => return,
            Op::Get(var) => {
                let local = self.var_local(var);
                self.code.get(local);
            }
            Op::Un(un, a) if shared => self.scalar_un(un, a),
            Op::Un(un, a) => self.vector_un(un, a),
            Op::Bin(bin, a, b) if shared => self.scalar_bin(bin, a, b),
            Op::Bin(bin, a, b) => self.vector_bin(bin, a, b),
            Op::Select(cond, yes, no) if shared => {
                self.scalar(yes);
                self.scalar(no);
                self.scalar(cond);
                self.code.i().select();
            }
            Op::Select(cond, yes, no) => {
                let zero = |value: Value| matches!(self.kernel.values[value.0 as usize].op, Op::Const(0));
                match (self.facts.uniform(cond), zero(yes), zero(no)) {
                    (true, ..) => {
                        self.vector(yes);
                        self.vector(no);
                        self.scalar(cond);
                        self.code.i().select();
                    }
                    (false, true, _) => {
                        self.vector(no);
                        self.vector(cond);
                        self.code.i().v128_andnot();
                    }
                    (false, _, true) => {
                        self.vector(yes);
                        self.vector(cond);
                        self.code.i().v128_and();
                    }
                    (false, false, false) => {
                        self.vector(yes);
                        self.vector(no);
                        self.vector(cond);
                        self.code.i().v128_bitselect();
                    }
                }
            }
        }
        let local = self.value_local(value);
        self.code.set(local);
    }

    fn scalar_un(&mut self, un: Un, a: Value) {
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

    fn vector_un(&mut self, un: Un, a: Value) {
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

    fn scalar_bin(&mut self, bin: Bin, a: Value, b: Value) {
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

    fn vector_bin(&mut self, bin: Bin, a: Value, b: Value) {
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

    fn vector_shift(&mut self, bin: Bin, a: Value, b: Value) {
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

    fn divide(&mut self, bin: Bin) {
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
    fn tame(&self, bin: Bin, b: Value) -> bool {
        match self.kernel.values[b.0 as usize].op {
            Op::Const(0) => false,
            Op::Const(u32::MAX) => matches!(bin, Bin::DivU | Bin::RemU),
            Op::Const(_) => true,
            _ => false,
        }
    }

    /// The divisor, or 1 where WGSL's result is that of a division by 1.
    fn scalar_divisor(&mut self, bin: Bin, a: Value, b: Value) {
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

    fn vector_divide(&mut self, bin: Bin, a: Value, b: Value) {
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

    /// A vector from an integer for each lane.
    pub(super) fn each_lane(&mut self, lane_value: impl Fn(&mut Self, u8)) {
        lane_value(self, 0);
        self.code.i().i32x4_splat();
        for lane in 1..4 {
            lane_value(self, lane);
            self.code.i().i32x4_replace_lane(lane);
        }
    }

    /// Push a float's lanes as they go to memory: every NaN as the one NaN.
    pub(super) fn canonical_vector(&mut self, value: Value) {
        self.vector(value);
        if self.may_be_any_nan(value) {
            self.constant([NAN; 4]);
            self.vector(value);
            self.vector(value);
            self.code.i().f32x4_eq().v128_bitselect();
        }
    }

    /// The same for a shared value, as an integer.
    pub(super) fn canonical_scalar(&mut self, value: Value) {
        self.scalar(value);
        if self.kernel.values[value.0 as usize].ty == Ty::F32 {
            self.code.i().i32_reinterpret_f32();
        }
        if self.may_be_any_nan(value) {
            self.code.int(NAN);
            self.scalar(value);
            self.scalar(value);
            self.code.i().f32_eq().select();
        }
    }

    fn may_be_any_nan(&self, value: Value) -> bool {
        let info = self.kernel.values[value.0 as usize];
        // What memory holds went through here, or came from outside. A float with a bound is none.
        info.ty == Ty::F32 && info.max == u32::MAX && !matches!(info.op, Op::Const(_) | Op::Loaded | Op::Un(Un::BitsFloat, _))
    }
}
