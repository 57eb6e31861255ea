//! Operations, on a scalar that all lanes share and on four lanes.
//!
//! | module | owns |
//! |---|---|
//! | `unary` | operations of one operand |
//! | `binary` | operations of two operands |
//! | `divide` | division and remainder of integers |

mod binary;
mod divide;
mod unary;

use wasm_encoder::Ieee32;

use super::Emitter;
use crate::abi::parameter;
use crate::analyse::Spread;
use crate::ir::{Input, Op, Space, Ty, Un, Value};

/// The NaN that every NaN becomes where its bits can be seen.
const NAN: u32 = 0x7fc0_0000;

/// Whether floats go to this memory as they are: only kernels read it, and as what was stored.
fn is_unlooked(space: Space) -> bool {
    matches!(space, Space::Workgroup | Space::Private)
}

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
            Input::GroupX => parameter::GROUP[0],
            Input::GroupY => parameter::GROUP[1],
            Input::GroupZ => parameter::GROUP[2],
            Input::CountX => parameter::COUNT[0],
            Input::CountY => parameter::COUNT[1],
            Input::CountZ => parameter::COUNT[2],
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
            Op::Get(var) => self.read_var(var),
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

    /// A vector from an integer for each lane.
    pub(super) fn each_lane(&mut self, lane_value: impl Fn(&mut Self, u8)) {
        lane_value(self, 0);
        self.code.i().i32x4_splat();
        for lane in 1..4 {
            lane_value(self, lane);
            self.code.i().i32x4_replace_lane(lane);
        }
    }

    /// Push a value's lanes as they go to memory: to buffers, where bits are visible, every NaN as the one NaN. What lies elsewhere is looked at when it is
    /// read ([`Emitter::unlooked`]).
    pub(super) fn stored_vector(&mut self, space: Space, value: Value) {
        self.vector(value);
        if !is_unlooked(space) && self.may_be_any_nan(value) {
            self.constant([NAN; 4]);
            self.vector(value);
            self.vector(value);
            self.code.i().f32x4_eq().v128_bitselect();
        }
    }

    /// The same for a shared value, as an integer.
    pub(super) fn stored_scalar(&mut self, space: Space, value: Value) {
        self.scalar(value);
        if self.kernel.values[value.0 as usize].ty == Ty::F32 {
            self.code.i().i32_reinterpret_f32();
        }
        if !is_unlooked(space) && self.may_be_any_nan(value) {
            self.code.int(NAN);
            self.scalar(value);
            self.scalar(value);
            self.code.i().f32_eq().select();
        }
    }

    fn may_be_any_nan(&self, value: Value) -> bool {
        let info = self.kernel.values[value.0 as usize];
        // What buffers hold went through here, or came from outside, and a choice of two such is one. A float with a bound is none.
        match info.op {
            Op::Select(_, yes, no) => self.may_be_any_nan(yes) || self.may_be_any_nan(no),
            Op::Loaded => info.ty == Ty::F32 && self.unlooked[value.0 as usize],
            Op::Const(_) | Op::Un(Un::BitsFloat, _) => false,
            _ => info.ty == Ty::F32 && info.max == u32::MAX,
        }
    }

    /// Note values that are read from where NaNs may be any.
    pub(super) fn note_unlooked(&mut self, space: Space, values: &[Value]) {
        if is_unlooked(space) {
            values.iter().for_each(|value| self.unlooked[value.0 as usize] = true);
        }
    }
}
