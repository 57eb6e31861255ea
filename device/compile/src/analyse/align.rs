//! How many low bits of a value are known to be zero in a vector's first lane.
//!
//! A vector starts at an invocation whose index is a multiple of four. So `index / 4` is the same in all lanes, and `index % 64`
//! grows by one from lane to lane.

use super::uniform::Spread;
use crate::ir::{Bin, Input, Kernel, Op, Value};

/// Steps from lane to lane that are looked at.
const STRIDE_MAX: i32 = 1 << 20;

/// Low zero bits of each value, in the first lane.
pub(super) fn low_zeros(kernel: &Kernel) -> Vec<u32> {
    let [x, ..] = kernel.workgroup_size;
    let mut zeros: Vec<u32> = Vec::with_capacity(kernel.values.len());
    for info in &kernel.values {
        let of = |value: Value| zeros[value.0 as usize];
        let constant = |value: Value| match kernel.values[value.0 as usize].op {
            Op::Const(bits) => Some(bits),
            _ => None,
        };
        let here = match info.op {
            Op::Const(bits) => bits.trailing_zeros(),
            Op::Input(Input::LocalIndex) => 2,
            Op::Input(Input::LocalX) if x % 4 == 0 => 2,
            Op::Bin(Bin::IAdd | Bin::ISub | Bin::Or | Bin::Xor, a, b) => of(a).min(of(b)),
            Op::Bin(Bin::IMul, a, b) => of(a) + of(b),
            Op::Bin(Bin::And, a, b) => of(a).max(of(b)),
            Op::Bin(Bin::Shl, a, b) => constant(b).map_or(0, |b| of(a) + (b & 31)),
            Op::Bin(Bin::ShrU | Bin::ShrS, a, b) => constant(b).map_or(0, |b| of(a).saturating_sub(b & 31)),
            Op::Select(_, a, b) => of(a).min(of(b)),
            _ => 0,
        };
        zeros.push(here.min(32));
    }
    zeros
}

/// What becomes of lanes `stride` apart, the first a multiple of `2^zeros`, when they are shifted right or masked by a constant.
pub(super) fn cut(bin: Bin, stride: i32, zeros: u32, constant: u32) -> Option<Spread> {
    if !(1..STRIDE_MAX).contains(&stride) {
        return None;
    }
    // The lanes differ in their lowest bits only.
    let reach = (3 * stride as u32).ilog2() + 1;
    if reach > zeros {
        return None;
    }
    match bin {
        Bin::ShrU | Bin::ShrS => {
            let shift = constant & 31;
            if reach <= shift {
                Some(Spread::Linear(0))
            } else {
                (stride.trailing_zeros() >= shift).then(|| Spread::Linear(stride >> shift))
            }
        }
        Bin::And => {
            let low = (1u32 << reach) - 1;
            match constant & low {
                0 => Some(Spread::Linear(0)),
                all if all == low => Some(Spread::Linear(stride)),
                _ => None,
            }
        }
        _ => None,
    }
}
