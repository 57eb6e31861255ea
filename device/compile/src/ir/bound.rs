//! What is known of a result's size from the sizes of its operands.
//!
//! An integer is at most its bound, unsigned. A float is no NaN and at most its bound in size; bounds of floats are the bits of
//! a float, which grow as the float does. `u32::MAX` says that nothing is known.

use super::{Bin, Op, Ty, Un, Value, ValueInfo};

const UNKNOWN: u32 = u32::MAX;
/// Sums and products up to here stay far from infinity.
const FLOAT_MAX: f64 = 1e38;

pub(super) fn constant(ty: Ty, bits: u32) -> u32 {
    match ty {
        Ty::F32 if f32::from_bits(bits).is_finite() => bits & 0x7fff_ffff,
        Ty::F32 => UNKNOWN,
        Ty::I32 | Ty::Bool => bits,
    }
}

pub(super) fn un(un: Un, a: u32) -> u32 {
    match un {
        Un::Clz | Un::Ctz | Un::Popcnt => 32,
        Un::BoolToInt => 1,
        Un::FNeg | Un::FAbs => a,
        Un::FCeil | Un::FFloor | Un::FTrunc | Un::FNearest => float(size(a) + 1.0),
        Un::SToFloat => float(f64::from(a.max(1 << 31))),
        Un::UToFloat => float(f64::from(a)),
        _ => UNKNOWN,
    }
}

/// `b_is`: the second operand, when it is a constant.
pub(super) fn bin(bin: Bin, a: u32, b: u32, b_is: Option<u32>) -> u32 {
    let integer = match bin {
        Bin::FAdd | Bin::FSub => return float(size(a) + size(b)),
        Bin::FMul => return float(size(a) * size(b)),
        Bin::FMin | Bin::FMax => return a.max(b),
        Bin::IAdd => a.checked_add(b),
        Bin::IMul => a.checked_mul(b),
        Bin::And | Bin::MinU => Some(a.min(b)),
        Bin::MaxU => Some(a.max(b)),
        Bin::DivU => Some(a / b_is.filter(|b| *b > 0).unwrap_or(1)),
        Bin::RemU => b_is.filter(|b| *b > 0).map(|b| (b - 1).min(a)),
        Bin::ShrU => b_is.map(|b| a >> (b & 31)),
        Bin::Shl => b_is.and_then(|b| a.checked_mul(1 << (b & 31))),
        _ => None,
    };
    integer.unwrap_or(UNKNOWN)
}

/// Of a square root of what is at least 0 and has this bound.
pub(super) fn square_root(a: u32) -> u32 {
    float(size(a).sqrt())
}

/// Of a quotient by what is at least `least`.
pub(super) fn quotient(a: u32, least: f32) -> u32 {
    if least > 0.0 {
        float(size(a) / f64::from(least))
    } else {
        UNKNOWN
    }
}

/// The largest f32 below 2^31.
pub(crate) const I32_MAX_AS_F32: f32 = 2_147_483_520.0;

/// Whether a float is no NaN and known to be below 2^31. What is below -2^31 becomes -2^31 by every machine's conversion; above, machines differ.
pub(crate) fn is_below_i32_max(values: &[ValueInfo], float: Value) -> bool {
    let constant = |value: Value| match values[value.0 as usize].op {
        Op::Const(bits) => f32::from_bits(bits),
        _ => f32::NAN,
    };
    let info = values[float.0 as usize];
    match info.op {
        _ if size(info.max) < 2_147_483_648.0 => true,
        Op::Un(Un::FNearest | Un::FTrunc, a) => is_below_i32_max(values, a),
        Op::Bin(Bin::FAdd, a, b) if constant(b) == 0.0 => is_below_i32_max(values, a),
        // `b < a ? b : a`.
        Op::Bin(Bin::FMin, a, _) => constant(a) <= I32_MAX_AS_F32,
        _ => false,
    }
}

/// The largest size of a float with this bound; infinity when nothing is known.
fn size(bound: u32) -> f64 {
    if bound == UNKNOWN {
        f64::INFINITY
    } else {
        f64::from(f32::from_bits(bound))
    }
}

/// The bound of what rounds to a float from something of this size.
fn float(size: f64) -> u32 {
    if size <= FLOAT_MAX {
        (size as f32).next_up().to_bits()
    } else {
        UNKNOWN
    }
}
