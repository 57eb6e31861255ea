//! Expressions of `a` and `b`.

/// Where `a` and `b` come from.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Inputs {
    /// Edges and random words.
    U32,
    I32,
    /// Edges, subnormals among them, and random floats; all finite.
    F32,
    /// Floats within these.
    Range(f32, f32),
}

/// How closely devices must agree.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Agreement {
    /// A word, to the bit.
    Bits,
    /// A float, to the bit, but for which NaN it is.
    Float,
    /// A float that WGSL does not define to the bit: units in the last place, and an absolute error, together.
    Near { ulps: f32, absolute: f32 },
}

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) inputs: Inputs,
    pub(crate) expression: &'static str,
    pub(crate) agreement: Agreement,
}

impl Operation {
    /// Whether it is defined to the bit.
    pub(crate) fn exact(&self) -> bool {
        !matches!(self.agreement, Agreement::Near { .. })
    }

    /// Whether naga's SPIR-V for it has 8-bit integers.
    pub(crate) fn packs_bytes(&self) -> bool {
        ["pack4xI8", "pack4xU8", "4I8Packed", "4U8Packed"]
            .iter()
            .any(|name| self.expression.contains(name))
    }
}

const UNSIGNED: &[&str] = &[
    "a + b",
    "a - b",
    "a * b",
    "a / b",
    "a % b",
    "a & b",
    "a | b",
    "a ^ b",
    "~a ^ b",
    "a << (b % 32u)",
    "a >> (b % 32u)",
    "min(a, b)",
    "max(a, b)",
    "clamp(a, 5u, 1000u) + b",
    "abs(a)",
    "countOneBits(a)",
    "countLeadingZeros(a)",
    "countTrailingZeros(a)",
    "reverseBits(a)",
    "firstLeadingBit(a)",
    "firstTrailingBit(a)",
    "extractBits(a, b % 32u, a % 33u)",
    "insertBits(a, b, b % 32u, a % 33u)",
    "u32(a < b)",
    "u32(a <= b)",
    "u32(a > b)",
    "u32(a >= b)",
    "u32(a == b)",
    "u32(a != b)",
    "u32(bool(a))",
    "bitcast<u32>(f32(a))",
    "dot4U8Packed(a, b)",
    "bitcast<u32>(dot4I8Packed(a, b))",
    "pack4xU8(vec4(a, b, a >> 8u, b >> 8u))",
    "pack4xU8Clamp(vec4(a, b, 3u, 4u))",
    "pack4xI8(bitcast<vec4<i32>>(vec4(a, b, a >> 8u, b)))",
    "pack4xI8Clamp(bitcast<vec4<i32>>(vec4(a, b, a >> 8u, b)))",
    "dot(unpack4xU8(a), unpack4xU8(b))",
    "bitcast<u32>(dot(unpack4xI8(a), unpack4xI8(b)))",
    "select(a, b, a < 9u)",
    "dot(vec3(a, b, 3u), vec3(b, a, b))",
    "u32(all(vec3(a, b, 1u) > vec3(b, 4u, 0u)))",
    "u32(any(vec2(a, b) == vec2(b, 7u)))",
    "u32(!(a < b))",
    "u32((a < b) & (b > 7u))",
    "u32((a < b) | (b > 7u))",
    "u32((a < b) == (b > 7u))",
    "u32((a < b) != (b > 7u))",
    "u32(a < b && b > 7u)",
    "u32(a < b || b > 7u)",
    "vec4(a, b, 7u, 9u)[a % 4u]",
    "dot(vec3(a, b, 5u).zyx, vec3(1u, 2u, 3u))",
    "vec2(a).y + vec4<u32>().x * b",
    "(vec3(a, b, 1u) * vec3(b, 2u, a) + 5u).y",
];

const SIGNED: &[&str] = &[
    "bitcast<u32>(a + b)",
    "bitcast<u32>(a - b)",
    "bitcast<u32>(a * b)",
    "bitcast<u32>(a / b)",
    "bitcast<u32>(a % b)",
    "bitcast<u32>(-a)",
    "bitcast<u32>(~a)",
    "bitcast<u32>(abs(a))",
    "bitcast<u32>(sign(a))",
    "bitcast<u32>(min(a, b))",
    "bitcast<u32>(max(a, b))",
    "bitcast<u32>(clamp(a, -9, 77))",
    "bitcast<u32>(a >> (bitcast<u32>(b) % 32u))",
    "bitcast<u32>(a << (bitcast<u32>(b) % 32u))",
    "u32(a < b)",
    "u32(a <= b)",
    "u32(a > b)",
    "u32(a >= b)",
    "u32(a == b)",
    "bitcast<u32>(f32(a))",
    "bitcast<u32>(firstLeadingBit(a))",
    "bitcast<u32>(firstTrailingBit(a))",
    "bitcast<u32>(countOneBits(a))",
    "bitcast<u32>(extractBits(a, bitcast<u32>(b) % 32u, bitcast<u32>(a) % 33u))",
    "bitcast<u32>(insertBits(a, b, bitcast<u32>(b) % 32u, bitcast<u32>(a) % 33u))",
    "bitcast<u32>(dot(vec2(a, b), vec2(b, 3)))",
    "u32(a)",
    "bitcast<u32>(reverseBits(a))",
    "bitcast<u32>(a & b)",
    "bitcast<u32>(a | b)",
    "bitcast<u32>(a ^ b)",
];

/// Floats to words.
const DECIDED: &[&str] = &[
    "u32(a < b)",
    "u32(a <= b)",
    "u32(a > b)",
    "u32(a >= b)",
    "u32(a == b)",
    "u32(a != b)",
    "bitcast<u32>(i32(a))",
    "u32(a)",
    "u32(bool(a))",
    "bitcast<u32>(a)",
    "u32(all(vec2(a, b) < vec2(b, 3.0)))",
];

/// Floats to floats, where IEEE 754 leaves no choice.
const ROUNDED: &[&str] = &[
    "a + b",
    "a - b",
    "a * b",
    "-a",
    "abs(a)",
    "floor(a)",
    "ceil(a)",
    "trunc(a)",
    "round(a)",
    "sign(a)",
    "step(a, b)",
    "select(a, b, a < b)",
    "f32(a < b)",
    "transpose(mat2x3<f32>(a, b, 1.0, 2.0, b, a))[1].y",
    "(mat2x2<f32>(a, b, 1.0, b) * 2.0)[1].y",
    "(mat2x2<f32>(a, b, 1.0, b) + mat2x2<f32>(b, a, 1.0, b))[0].x",
    "(vec3(a, b, 1.0) + 2.0 * vec3(b)).z",
];

/// Floats within a range, and WGSL's bound, or that of the functions it lets them inherit from.
const NEAR: &[(&str, f32, f32, f32, f32)] = &[
    ("a / b", 0.1, 100.0, 2.5, 0.0),
    ("a % b", 0.5, 9.5, 4.0, 1e-5),
    ("fract(a)", -50.0, 50.0, 2.0, 4e-6),
    ("modf(a).fract", -50.0, 50.0, 1.0, 0.0),
    ("modf(a).whole", -50.0, 50.0, 0.0, 0.0),
    ("min(a, b)", -50.0, 50.0, 0.0, 0.0),
    ("max(a, b)", -50.0, 50.0, 0.0, 0.0),
    ("clamp(a, -1.5, 3.0)", -50.0, 50.0, 0.0, 0.0),
    ("saturate(a)", -2.0, 2.0, 0.0, 0.0),
    ("ldexp(a, i32(b) % 20)", -50.0, 50.0, 1.0, 0.0),
    ("frexp(a).fract", 0.01, 50.0, 0.0, 0.0),
    ("f32(frexp(a).exp)", 0.01, 50.0, 0.0, 0.0),
    ("fma(a, b, a)", 0.1, 50.0, 2.0, 0.0),
    ("mix(a, b, 0.25)", 0.1, 50.0, 4.0, 0.0),
    ("smoothstep(0.2, 0.9, a)", -1.0, 2.0, 16.0, 1e-6),
    ("sqrt(a)", 1e-3, 1e3, 4.0, 0.0),
    ("inverseSqrt(a)", 1e-3, 1e3, 4.0, 0.0),
    ("exp(a)", -10.0, 10.0, 25.0, 0.0),
    ("exp2(a)", -10.0, 10.0, 25.0, 0.0),
    ("log(a)", 2.0, 1e3, 5.0, 0.0),
    ("log(a)", 0.5, 2.0, 0.0, 4.8e-7),
    ("log2(a)", 2.0, 1e3, 5.0, 0.0),
    ("log2(a)", 0.5, 2.0, 0.0, 4.8e-7),
    ("pow(a, b)", 0.5, 5.0, 100.0, 0.0),
    ("sin(a)", -3.1, 3.1, 0.0, 5e-4),
    ("cos(a)", -3.1, 3.1, 0.0, 5e-4),
    ("tan(a)", -1.2, 1.2, 0.0, 8e-3),
    ("asin(a)", -1.0, 1.0, 0.0, 1e-3),
    ("acos(a)", -1.0, 1.0, 0.0, 1e-3),
    ("atan(a)", -10.0, 10.0, 4096.0, 0.0),
    ("atan2(a, b)", 0.1, 10.0, 4096.0, 0.0),
    ("sinh(a)", -5.0, 5.0, 40.0, 1e-5),
    ("cosh(a)", -5.0, 5.0, 40.0, 0.0),
    ("tanh(a)", -5.0, 5.0, 40.0, 1e-5),
    ("asinh(a)", 0.5, 50.0, 40.0, 1e-5),
    ("acosh(a)", 1.5, 50.0, 40.0, 1e-5),
    ("atanh(a)", -0.9, 0.9, 40.0, 1e-5),
    ("radians(a)", -180.0, 180.0, 2.0, 0.0),
    ("degrees(a)", -3.0, 3.0, 2.0, 0.0),
    ("length(vec3(a, b, 1.0))", 0.1, 5.0, 6.0, 0.0),
    ("distance(vec2(a, b), vec2(9.0, -1.0))", 0.1, 5.0, 6.0, 0.0),
    ("normalize(vec3(a, b, 1.0)).y", 0.1, 5.0, 10.0, 0.0),
    ("dot(vec3(a, b, 1.0), vec3(b, 2.0, a))", 0.1, 5.0, 4.0, 0.0),
    ("cross(vec3(a, b, 1.0), vec3(-b, 2.0, a)).z", 0.1, 5.0, 4.0, 0.0),
    ("faceForward(vec2(a, b), vec2(b, -2.0), vec2(a, 1.0)).x", 0.1, 5.0, 0.0, 0.0),
    ("reflect(vec2(a, b), vec2(0.6, 0.8)).x", 0.1, 5.0, 4.0, 4e-6),
    ("refract(vec2(0.6, -0.8), vec2(0.0, 1.0), a).y", 0.1, 0.9, 16.0, 4e-6),
    ("determinant(mat2x2<f32>(a, b, 1.0, 9.0))", 0.1, 5.0, 0.0, 1e-4),
    (
        "determinant(mat3x3<f32>(a, b, 1.0, 9.0, 2.0, b, a, 4.0, 3.0))",
        0.1,
        5.0,
        0.0,
        1e-3,
    ),
    (
        "determinant(mat4x4<f32>(a, b, 1.0, 9.0, 2.0, b, a, 4.0, 3.0, 1.0, b, 2.0, a, 1.0, 1.0, b))",
        0.1,
        5.0,
        0.0,
        1e-2,
    ),
    ("(mat2x3<f32>(a, b, 1.0, 2.0, b, a) * vec2(a, 3.0)).y", 0.1, 5.0, 4.0, 0.0),
    ("(vec2(a, 3.0) * mat3x2<f32>(a, b, 1.0, 2.0, b, a)).z", 0.1, 5.0, 4.0, 0.0),
    (
        "(mat2x2<f32>(a, b, 1.0, 2.0) * mat2x2<f32>(b, a, 3.0, 1.0))[1].x",
        0.1,
        5.0,
        4.0,
        0.0,
    ),
    ("unpack4x8snorm(pack4x8snorm(vec4(a, b, 0.1, -0.5))).y", -1.2, 1.2, 3.0, 0.0),
    ("unpack4x8unorm(pack4x8unorm(vec4(a, b, 0.1, -0.5))).x", -1.2, 1.2, 3.0, 0.0),
    ("unpack2x16snorm(pack2x16snorm(vec2(a, b))).y", -1.2, 1.2, 3.0, 0.0),
    ("unpack2x16unorm(pack2x16unorm(vec2(a, b))).x", -1.2, 1.2, 3.0, 0.0),
];

/// All of them.
pub(crate) fn all() -> Vec<Operation> {
    let table = |expressions: &[&'static str], inputs: Inputs, agreement| {
        let each = expressions.iter().map(move |expression| Operation {
            inputs: inputs.clone(),
            expression,
            agreement,
        });
        each.collect::<Vec<_>>()
    };
    let mut all = table(UNSIGNED, Inputs::U32, Agreement::Bits);
    all.extend(table(SIGNED, Inputs::I32, Agreement::Bits));
    all.extend(table(DECIDED, Inputs::F32, Agreement::Bits));
    all.extend(table(ROUNDED, Inputs::F32, Agreement::Float));
    all.extend(NEAR.iter().map(|(expression, low, high, ulps, absolute)| Operation {
        inputs: Inputs::Range(*low, *high),
        expression,
        agreement: Agreement::Near {
            ulps: *ulps,
            absolute: *absolute,
        },
    }));
    all
}
