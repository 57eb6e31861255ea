//! Columns of probes on extreme floats and on functions: subnormals, infinities, NaN, roots, elementary functions.

use super::super::exact::{Exact, add, mul, neg, sub};
use super::super::{Column, Guess};
use super::{f, float, reference, seen, seen_bits};

pub(super) const SUBNORMALS: &[Column] = &[
    seen("move", "a subnormal, loaded and stored", |x| x[0], &[]),
    seen("sub_out", "a - b with a subnormal result", |x| sub(x[1], 0x0080_0000), &[]),
    seen("mul_out", "a * b with a subnormal result", |x| mul(x[1], 0x3ebd_70a4), &[]),
    seen(
        "add_in",
        "subnormal + normal",
        |x| add(x[0], x[1]),
        &[Guess {
            words: "subnormal operands count as zero",
            value: |x| x[1],
        }],
    ),
    seen(
        "mul_in",
        "subnormal * 2^30",
        |x| mul(x[0], 0x4e80_0000),
        &[Guess {
            words: "subnormal operands count as zero",
            value: |_| 0,
        }],
    ),
    seen(
        "add_both",
        "subnormal + subnormal",
        |x| add(x[0], x[0]),
        &[Guess {
            words: "subnormal operands count as zero",
            value: |_| 0,
        }],
    ),
    seen_bits(
        "is_zero",
        "subnormal == 0",
        |_| 0,
        &[Guess {
            words: "subnormals equal zero",
            value: |_| 1,
        }],
    ),
    seen_bits(
        "above_zero",
        "abs(subnormal) > 0",
        |_| 1,
        &[Guess {
            words: "no subnormal is above zero",
            value: |_| 0,
        }],
    ),
    seen("negate", "-subnormal", |x| neg(x[0]), &[]),
    seen("max", "max(subnormal, -1)", |x| x[0], &[]),
    seen("select", "select of a subnormal", |x| x[0], &[]),
];

pub(super) const EXCEPTIONAL: &[Column] = &[
    seen("move", "zeros, infinities, NaN: loaded and stored", |x| x[0], &[]),
    seen(
        "add",
        "zeros, infinities, NaN: a + b",
        |x| quiet(f(x[0]) + f(x[1])),
        NAN_BITS_ADD,
    ),
    seen(
        "mul",
        "zeros, infinities, NaN: a * b",
        |x| quiet(f(x[0]) * f(x[1])),
        NAN_BITS_MUL,
    ),
    seen("sub", "zeros, infinities, NaN: a - b", |x| quiet(f(x[0]) - f(x[1])), &[]),
    seen_bits("less", "zeros, infinities, NaN: a < b", |x| u32::from(f(x[0]) < f(x[1])), &[]),
    seen_bits(
        "is_number",
        "zeros, infinities, NaN: a == a",
        |x| u32::from(!f(x[0]).is_nan()),
        &[Guess {
            words: "NaN is taken for a number",
            value: |_| 1,
        }],
    ),
    reference("min", "zeros, infinities, NaN: min(a, b)"),
    reference("max", "zeros, infinities, NaN: max(a, b)"),
];

/// One NaN for all, as the built-in CPU device shows it.
fn quiet(x: f32) -> u32 {
    if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
}

const NAN_BITS_ADD: &[Guess] = &[Guess {
    words: "only NaN's bits are others",
    value: |x| (f(x[0]) + f(x[1])).to_bits(),
}];

const NAN_BITS_MUL: &[Guess] = &[Guess {
    words: "only NaN's bits are others",
    value: |x| (f(x[0]) * f(x[1])).to_bits(),
}];

pub(super) const FUNCTIONS: &[Column] = &[
    float("div", "a / b", |x| (f(x[0]) / f(x[1])).to_bits(), &[]),
    float("sqrt", "sqrt(a)", |x| f(x[0]).sqrt().to_bits(), &[]),
    float(
        "mul_div",
        "(t * a) / a",
        |x| (f(mul(x[2], x[0])) / f(x[0])).to_bits(),
        &[Guess {
            words: "a cancels: the result is t",
            value: |x| x[2],
        }],
    ),
    reference("inverse_sqrt", "inverseSqrt(a)"),
    Column {
        guesses: &[
            Guess {
                words: "it is unfused",
                value: |x| add(mul(x[0], x[1]), x[2]),
            },
            Guess {
                words: "it is fused",
                value: |x| Exact::of(x[0]).times(Exact::of(x[1])).plus(Exact::of(x[2])).bits(),
            },
        ],
        ..reference("fma", "fma(a, b, t)")
    },
    reference("exp", "exp(t)"),
    reference("log", "log(a)"),
    reference("sin", "sin(t)"),
    reference("cos", "cos(t)"),
    reference("tan", "tan(t)"),
    reference("atan2", "atan2(t, a)"),
    reference("pow", "pow(a, t)"),
    reference("dot", "dot(u, v)"),
    reference("length", "length(v)"),
    reference("normalize", "normalize(v)"),
    reference("mix", "mix(a, b, t)"),
];
