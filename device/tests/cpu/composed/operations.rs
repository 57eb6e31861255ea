//! Operators and builtins, with the types that they take and give.

/// What a scalar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    I32,
    U32,
    F32,
}

/// A type in terms of an operation's own kind and sizes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// The operation's scalar or vector.
    Same,
    /// A scalar of its kind.
    One,
    /// As long as `Same`, of another kind.
    Of(Kind),
    /// A scalar of another kind.
    OneOf(Kind),
    /// A vector of a fixed length.
    Fixed(Kind, u32),
    /// The operation's matrix: its columns, its rows.
    Matrix,
    /// With columns and rows exchanged.
    Turned,
    /// As wide as it is high, with as many columns as the operation's.
    Square,
    /// As wide as it is high, with as many rows as the operation's.
    Tall,
    /// As long as a column of the matrix.
    Column,
    /// As long as a row.
    Row,
}

/// An operation: its text, with `{0}` for arguments and `{i}`, `{u}`, `{f}`, `{b}` for types as long as `Same`.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) text: &'static str,
    pub(super) takes: &'static [Part],
    pub(super) gives: Part,
    /// Kinds that it is there for.
    pub(super) kinds: &'static [Kind],
    /// Least and most length of `Same`.
    pub(super) lengths: (u32, u32),
    /// Its SPIR-V has 8-bit integers.
    pub(super) bytes: bool,
}

use Kind::{Bool as B, F32 as F, I32 as I, U32 as U};
use Part::{Column, Fixed, Matrix, Of, One, OneOf, Row, Same, Square, Tall, Turned};

const ANY: (u32, u32) = (1, 4);
const VECTORS: (u32, u32) = (2, 4);

const fn op(text: &'static str, takes: &'static [Part], gives: Part, kinds: &'static [Kind], lengths: (u32, u32)) -> Operation {
    Operation {
        text,
        takes,
        gives,
        kinds,
        lengths,
        bytes: false,
    }
}

const fn bytes(text: &'static str, takes: &'static [Part], gives: Part, kinds: &'static [Kind]) -> Operation {
    Operation {
        bytes: true,
        ..op(text, takes, gives, kinds, (1, 1))
    }
}

const fn float(text: &'static str, takes: &'static [Part]) -> Operation {
    op(text, takes, Same, &[F], ANY)
}

const S1: &[Part] = &[Same];
const S2: &[Part] = &[Same, Same];
const S3: &[Part] = &[Same, Same, Same];
const WHOLE: &[Kind] = &[I, U];
const NUMBERS: &[Kind] = &[I, U, F];
const ALL: &[Kind] = &[B, I, U, F];

/// Every one of the portable tier, but for what reads memory.
pub(super) const OPERATIONS: &[Operation] = &[
    op("({0} + {1})", S2, Same, NUMBERS, ANY),
    op("({0} - {1})", S2, Same, NUMBERS, ANY),
    op("({0} * {1})", S2, Same, NUMBERS, ANY),
    op("({0} / {1})", S2, Same, NUMBERS, ANY),
    op("({0} % {1})", S2, Same, NUMBERS, ANY),
    op("({0} + {1})", &[Same, One], Same, NUMBERS, VECTORS),
    op("({0} - {1})", &[One, Same], Same, NUMBERS, VECTORS),
    op("({0} * {1})", &[Same, One], Same, NUMBERS, VECTORS),
    op("({0} / {1})", &[One, Same], Same, NUMBERS, VECTORS),
    op("({0} % {1})", &[Same, One], Same, NUMBERS, VECTORS),
    op("(-{0})", S1, Same, &[I, F], ANY),
    op("({0} & {1})", S2, Same, &[B, I, U], ANY),
    op("({0} | {1})", S2, Same, &[B, I, U], ANY),
    op("({0} ^ {1})", S2, Same, WHOLE, ANY),
    op("(~{0})", S1, Same, WHOLE, ANY),
    op("(!{0})", S1, Same, &[B], ANY),
    op("({0} << ({1} % 32u))", &[Same, Of(U)], Same, WHOLE, ANY),
    op("({0} >> ({1} % 32u))", &[Same, Of(U)], Same, WHOLE, ANY),
    op("({0} && {1})", S2, Same, &[B], (1, 1)),
    op("({0} || {1})", S2, Same, &[B], (1, 1)),
    op("({0} < {1})", S2, Of(B), NUMBERS, ANY),
    op("({0} <= {1})", S2, Of(B), NUMBERS, ANY),
    op("({0} > {1})", S2, Of(B), NUMBERS, ANY),
    op("({0} >= {1})", S2, Of(B), NUMBERS, ANY),
    op("({0} == {1})", S2, Of(B), ALL, ANY),
    op("({0} != {1})", S2, Of(B), ALL, ANY),
    op("all({0})", S1, OneOf(B), &[B], ANY),
    op("any({0})", S1, OneOf(B), &[B], ANY),
    op("select({0}, {1}, {2})", &[Same, Same, Of(B)], Same, ALL, ANY),
    op("select({0}, {1}, {2})", &[Same, Same, OneOf(B)], Same, ALL, ANY),
    op("abs({0})", S1, Same, NUMBERS, ANY),
    op("sign({0})", S1, Same, &[I, F], ANY),
    op("min({0}, {1})", S2, Same, NUMBERS, ANY),
    op("max({0}, {1})", S2, Same, NUMBERS, ANY),
    op("clamp({0}, {1}, {2})", S3, Same, NUMBERS, ANY),
    op("dot({0}, {1})", S2, One, NUMBERS, VECTORS),
    // Whole numbers.
    op("countLeadingZeros({0})", S1, Same, WHOLE, ANY),
    op("countTrailingZeros({0})", S1, Same, WHOLE, ANY),
    op("countOneBits({0})", S1, Same, WHOLE, ANY),
    op("firstLeadingBit({0})", S1, Same, WHOLE, ANY),
    op("firstTrailingBit({0})", S1, Same, WHOLE, ANY),
    op("reverseBits({0})", S1, Same, WHOLE, ANY),
    op("extractBits({0}, {1}, {2})", &[Same, OneOf(U), OneOf(U)], Same, WHOLE, ANY),
    op(
        "insertBits({0}, {1}, {2}, {3})",
        &[Same, Same, OneOf(U), OneOf(U)],
        Same,
        WHOLE,
        ANY,
    ),
    bytes("dot4U8Packed({0}, {1})", S2, Same, &[U]),
    bytes("dot4I8Packed({0}, {1})", &[OneOf(U), OneOf(U)], Same, &[I]),
    bytes("pack4xI8({0})", &[Fixed(I, 4)], Same, &[U]),
    bytes("pack4xU8({0})", &[Fixed(U, 4)], Same, &[U]),
    bytes("pack4xI8Clamp({0})", &[Fixed(I, 4)], Same, &[U]),
    bytes("pack4xU8Clamp({0})", &[Fixed(U, 4)], Same, &[U]),
    bytes("unpack4xI8({0})", &[OneOf(U)], Fixed(I, 4), &[I]),
    bytes("unpack4xU8({0})", &[OneOf(U)], Fixed(U, 4), &[U]),
    // From kind to kind. Bits of a NaN are any device's own: none are looked at.
    op("{i}({0})", S1, Of(I), ALL, ANY),
    op("{u}({0})", S1, Of(U), ALL, ANY),
    op("{f}({0})", S1, Of(F), ALL, ANY),
    op("{b}({0})", S1, Of(B), ALL, ANY),
    op("bitcast<{i}>({0})", S1, Of(I), WHOLE, ANY),
    op("bitcast<{u}>({0})", S1, Of(U), WHOLE, ANY),
    op("bitcast<{f}>({0})", S1, Of(F), WHOLE, ANY),
    op("bitcast<u32>(ordinary({0}))", S1, OneOf(U), &[F], (1, 1)),
    op("bitcast<i32>(ordinary({0}))", S1, OneOf(I), &[F], (1, 1)),
    op(
        "pack2x16float(vec2(ordinary({0}), ordinary({1})))",
        S2,
        OneOf(U),
        &[F],
        (1, 1),
    ),
    op("pack2x16snorm({0})", &[Fixed(F, 2)], OneOf(U), &[F], (1, 1)),
    op("pack2x16unorm({0})", &[Fixed(F, 2)], OneOf(U), &[F], (1, 1)),
    op("pack4x8snorm({0})", &[Fixed(F, 4)], OneOf(U), &[F], (1, 1)),
    op("pack4x8unorm({0})", &[Fixed(F, 4)], OneOf(U), &[F], (1, 1)),
    op("unpack2x16float({0})", &[OneOf(U)], Fixed(F, 2), &[F], (1, 1)),
    op("unpack2x16snorm({0})", &[OneOf(U)], Fixed(F, 2), &[F], (1, 1)),
    op("unpack2x16unorm({0})", &[OneOf(U)], Fixed(F, 2), &[F], (1, 1)),
    op("unpack4x8snorm({0})", &[OneOf(U)], Fixed(F, 4), &[F], (1, 1)),
    op("unpack4x8unorm({0})", &[OneOf(U)], Fixed(F, 4), &[F], (1, 1)),
    // Floats, component by component.
    float("acos({0})", S1),
    float("acosh({0})", S1),
    float("asin({0})", S1),
    float("asinh({0})", S1),
    float("atan({0})", S1),
    float("atanh({0})", S1),
    float("atan2({0}, {1})", S2),
    float("ceil({0})", S1),
    float("cos({0})", S1),
    float("cosh({0})", S1),
    float("degrees({0})", S1),
    float("exp({0})", S1),
    float("exp2({0})", S1),
    float("floor({0})", S1),
    float("fma({0}, {1}, {2})", S3),
    float("fract({0})", S1),
    float("frexp({0}).fract", S1),
    op("frexp({0}).exp", S1, Of(I), &[F], ANY),
    float("inverseSqrt({0})", S1),
    float("ldexp({0}, clamp({1}, {i}(-200), {i}(200)))", &[Same, Of(I)]),
    float("log({0})", S1),
    float("log2({0})", S1),
    float("mix({0}, {1}, {2})", S3),
    op("mix({0}, {1}, {2})", &[Same, Same, One], Same, &[F], VECTORS),
    float("modf({0}).fract", S1),
    float("modf({0}).whole", S1),
    float("pow({0}, {1})", S2),
    float("quantizeToF16({0})", S1),
    float("radians({0})", S1),
    float("round({0})", S1),
    float("saturate({0})", S1),
    float("sin({0})", S1),
    float("sinh({0})", S1),
    float("smoothstep({0}, {1}, {2})", S3),
    float("sqrt({0})", S1),
    float("step({0}, {1})", S2),
    float("tan({0})", S1),
    float("tanh({0})", S1),
    float("trunc({0})", S1),
    // Of whole vectors.
    op("cross({0}, {1})", S2, Same, &[F], (3, 3)),
    op("distance({0}, {1})", S2, One, &[F], ANY),
    op("faceForward({0}, {1}, {2})", S3, Same, &[F], VECTORS),
    op("length({0})", S1, One, &[F], ANY),
    op("normalize({0})", S1, Same, &[F], VECTORS),
    op("reflect({0}, {1})", S2, Same, &[F], VECTORS),
    op("refract({0}, {1}, {2})", &[Same, Same, One], Same, &[F], VECTORS),
    op("{0}[{1}]", &[Same, OneOf(U)], One, ALL, VECTORS),
    op("{0}.yx", S1, Fixed(F, 2), &[F], VECTORS),
    op("{0}.zxxy", S1, Fixed(U, 4), &[U], (3, 4)),
    op("{0}.wzy", S1, Fixed(I, 3), &[I], (4, 4)),
    op("vec3({0}, {1})", &[Fixed(F, 2), One], Fixed(F, 3), &[F], (1, 1)),
    op("vec4({0}, {1}, {2})", &[One, Fixed(I, 2), One], Fixed(I, 4), &[I], (1, 1)),
    // Matrices.
    op("({0} + {1})", &[Matrix, Matrix], Matrix, &[F], (1, 1)),
    op("({0} - {1})", &[Matrix, Matrix], Matrix, &[F], (1, 1)),
    op("({0} * {1})", &[Matrix, OneOf(F)], Matrix, &[F], (1, 1)),
    op("({0} * {1})", &[OneOf(F), Matrix], Matrix, &[F], (1, 1)),
    op("({0} * {1})", &[Matrix, Row], Column, &[F], (1, 1)),
    op("({0} * {1})", &[Column, Matrix], Row, &[F], (1, 1)),
    op("({0} * {1})", &[Matrix, Square], Matrix, &[F], (1, 1)),
    op("({0} * {1})", &[Matrix, Turned], Tall, &[F], (1, 1)),
    op("transpose({0})", &[Turned], Matrix, &[F], (1, 1)),
    op("determinant({0})", &[Square], OneOf(F), &[F], (1, 1)),
    op("{0}[{1}]", &[Matrix, OneOf(U)], Column, &[F], (1, 1)),
];
