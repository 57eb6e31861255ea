//! Which library function each builtin becomes.

use naga::MathFunction as F;

/// Builtins of f32 that work component by component, and the library function that each becomes.
pub(super) fn named(fun: F) -> Option<&'static str> {
    Some(match fun {
        F::Sqrt => "strict_sqrt",
        F::InverseSqrt => "strict_inverse_sqrt",
        F::Floor => "strict_floor",
        F::Ceil => "strict_ceil",
        F::Round => "strict_round",
        F::Trunc => "strict_trunc",
        F::Fract => "strict_fract",
        F::Exp => "strict_exp",
        F::Exp2 => "strict_exp2",
        F::Log => "strict_log",
        F::Log2 => "strict_log2",
        F::Pow => "strict_pow",
        F::Sin => "strict_sin",
        F::Cos => "strict_cos",
        F::Tan => "strict_tan",
        F::Asin => "strict_asin",
        F::Acos => "strict_acos",
        F::Atan => "strict_atan",
        F::Atan2 => "strict_atan2",
        F::Sinh => "strict_sinh",
        F::Cosh => "strict_cosh",
        F::Tanh => "strict_tanh",
        F::Asinh => "strict_asinh",
        F::Acosh => "strict_acosh",
        F::Atanh => "strict_atanh",
        F::Ldexp => "strict_ldexp",
        F::QuantizeToF16 => "strict_quantize",
        _ => return None,
    })
}

/// Builtins that take or give a packed word.
pub(super) fn packed(fun: F) -> Option<&'static str> {
    Some(match fun {
        F::Pack4x8snorm => "strict_pack4x8snorm",
        F::Pack4x8unorm => "strict_pack4x8unorm",
        F::Pack2x16snorm => "strict_pack2x16snorm",
        F::Pack2x16unorm => "strict_pack2x16unorm",
        F::Pack2x16float => "strict_pack2x16float",
        F::Unpack4x8snorm => "strict_unpack4x8snorm",
        F::Unpack4x8unorm => "strict_unpack4x8unorm",
        F::Unpack2x16snorm => "strict_unpack2x16snorm",
        F::Unpack2x16unorm => "strict_unpack2x16unorm",
        F::Unpack2x16float => "strict_unpack2x16float",
        _ => return None,
    })
}

/// Exact operations, and what does the same on a device whose own are as exact.
pub(super) fn native(name: &'static str) -> &'static str {
    match name {
        "strict_divide" => "strict_native_divide",
        "strict_sqrt" => "strict_native_sqrt",
        "strict_inverse_sqrt" => "strict_native_inverse_sqrt",
        "strict_floor" => "strict_native_floor",
        "strict_ceil" => "strict_native_ceil",
        "strict_round" => "strict_native_round",
        "strict_trunc" => "strict_native_trunc",
        other => other,
    }
}
