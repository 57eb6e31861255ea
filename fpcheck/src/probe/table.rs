//! Every probe, column by column, each with its oracle.

use super::exact::{Exact, add, fused, mul, neg, sub};
use super::{Column, Demand, Guess, Probe, Shape, Truth, inputs};

const ONE_DISPATCH: &[&[(&str, f64)]] = &[&[]];

const fn exact(name: &'static str, what: &'static str, truth: fn(&[u32]) -> u32, guesses: &'static [Guess]) -> Column {
    Column {
        name,
        what,
        truth: Truth::Host(truth),
        demand: Demand::Exact,
        float: false,
        guesses,
    }
}

const fn float(name: &'static str, what: &'static str, truth: fn(&[u32]) -> u32, guesses: &'static [Guess]) -> Column {
    Column {
        demand: Demand::Canonical,
        float: true,
        ..exact(name, what, truth, guesses)
    }
}

const fn seen(name: &'static str, what: &'static str, truth: fn(&[u32]) -> u32, guesses: &'static [Guess]) -> Column {
    Column {
        demand: Demand::Nothing,
        float: true,
        ..exact(name, what, truth, guesses)
    }
}

const fn seen_bits(name: &'static str, what: &'static str, truth: fn(&[u32]) -> u32, guesses: &'static [Guess]) -> Column {
    Column {
        float: false,
        ..seen(name, what, truth, guesses)
    }
}

const fn reference(name: &'static str, what: &'static str) -> Column {
    Column {
        name,
        what,
        truth: Truth::Reference,
        demand: Demand::Nothing,
        float: true,
        guesses: &[],
    }
}

const fn probe(
    name: &'static str,
    about: &'static str,
    words_in: usize,
    inputs: fn(usize) -> Vec<u32>,
    columns: &'static [Column],
) -> Probe {
    Probe {
        name,
        about,
        words_in,
        inputs,
        variants: ONE_DISPATCH,
        cases_per_workgroup: 64,
        shape: Shape::Cases(columns),
    }
}

fn f(word: u32) -> f32 {
    f32::from_bits(word)
}

/// Every probe, in the order in which they run.
pub const PROBES: &[Probe] = &[
    probe(
        "arithmetic",
        "rounding of + - *, and what must not round",
        2,
        inputs::pairs,
        ARITHMETIC,
    ),
    probe("contraction", "products that feed sums", 4, inputs::fours, CONTRACTION),
    probe(
        "folding",
        "expressions that real numbers would simplify",
        3,
        inputs::threes,
        FOLDING,
    ),
    probe(
        "rounding",
        "floor, ceil, trunc, round, min, max",
        2,
        inputs::near_integers,
        ROUNDING,
    ),
    probe(
        "conversions",
        "between floats and integers",
        4,
        inputs::conversions,
        CONVERSIONS,
    ),
    probe("integers", "integer arithmetic and bits", 2, inputs::integers, INTEGERS),
    Probe {
        shape: Shape::Whole {
            words: |_| 16,
            what: "sums, maxima and bits gathered by atomics",
            oracle: contention,
            demand: Demand::Exact,
        },
        ..probe("contention", "integer atomics under contention", 1, inputs::words, &[])
    },
    Probe {
        cases_per_workgroup: 256,
        variants: &[
            &[("size", 32.0), ("slot", 0.0)],
            &[("size", 64.0), ("slot", 1.0)],
            &[("size", 128.0), ("slot", 2.0)],
            &[("size", 256.0), ("slot", 3.0)],
        ],
        shape: Shape::Whole {
            words: |cases| cases / 256 * 2 * 4,
            what: "one tree sum by workgroups of 32, 64, 128 and 256",
            oracle: barriers,
            demand: Demand::Exact,
        },
        ..probe(
            "barriers",
            "workgroup memory and barriers, for several workgroup sizes",
            1,
            inputs::words,
            &[],
        )
    },
    probe("bounds", "indices out of bounds", 1, inputs::indices, BOUNDS),
    probe("subnormals", "numbers below 2^-126", 2, inputs::tiny, SUBNORMALS),
    probe(
        "exceptional",
        "signed zeros, infinities and NaN",
        2,
        inputs::specials,
        EXCEPTIONAL,
    ),
    probe(
        "functions",
        "division, roots and elementary functions",
        3,
        inputs::operands,
        FUNCTIONS,
    ),
    probe("loops", "loops of many rounds", 1, inputs::rounds, LOOPS),
];

const ARITHMETIC: &[Column] = &[
    float("add", "a + b", |x| add(x[0], x[1]), &[]),
    float("sub", "a - b", |x| sub(x[0], x[1]), &[]),
    float("mul", "a * b", |x| mul(x[0], x[1]), &[]),
    exact("less", "a < b", |x| u32::from(f(x[0]) < f(x[1])), &[]),
    exact("equal", "a == b", |x| u32::from(f(x[0]) == f(x[1])), &[]),
    float("negate", "-a", |x| neg(x[0]), &[]),
    float("abs", "abs(a)", |x| x[0] & 0x7fff_ffff, &[]),
    float(
        "select",
        "select(b, a, a > b)",
        |x| if f(x[0]) > f(x[1]) { x[0] } else { x[1] },
        &[],
    ),
];

const FUSED: &str = "the product is fused into the sum";

const CONTRACTION: &[Column] = &[
    float(
        "mul_add",
        "a * b + c",
        |x| add(mul(x[0], x[1]), x[2]),
        &[Guess {
            words: FUSED,
            value: |x| fused(x[0], x[1], x[2]),
        }],
    ),
    float(
        "mul_sub",
        "a * b - c",
        |x| sub(mul(x[0], x[1]), x[2]),
        &[Guess {
            words: FUSED,
            value: |x| fused(x[0], x[1], neg(x[2])),
        }],
    ),
    float(
        "neg_mul_add",
        "c - a * b",
        |x| sub(x[2], mul(x[0], x[1])),
        &[Guess {
            words: FUSED,
            value: |x| fused(neg(x[0]), x[1], x[2]),
        }],
    ),
    float(
        "two_products",
        "a * b + c * d",
        |x| add(mul(x[0], x[1]), mul(x[2], x[3])),
        &[
            Guess {
                words: FUSED,
                value: |x| fused(x[0], x[1], mul(x[2], x[3])),
            },
            Guess {
                words: FUSED,
                value: |x| fused(x[2], x[3], mul(x[0], x[1])),
            },
        ],
    ),
    float(
        "squares",
        "(a * a + b * b) + c * c",
        |x| add(add(mul(x[0], x[0]), mul(x[1], x[1])), mul(x[2], x[2])),
        &[
            Guess {
                words: FUSED,
                value: |x| fused(x[2], x[2], fused(x[1], x[1], mul(x[0], x[0]))),
            },
            Guess {
                words: FUSED,
                value: |x| fused(x[2], x[2], fused(x[0], x[0], mul(x[1], x[1]))),
            },
        ],
    ),
    float(
        "loop",
        "a sum of products in a loop",
        |x| add(add(mul(x[0], x[1]), mul(x[1], x[2])), mul(x[2], x[3])),
        &[Guess {
            words: FUSED,
            value: |x| fused(x[2], x[3], fused(x[1], x[2], mul(x[0], x[1]))),
        }],
    ),
    float(
        "vectors",
        "vec2 * vec2 + vec2",
        |x| add(mul(x[0], x[2]), x[3]),
        &[Guess {
            words: FUSED,
            value: |x| fused(x[0], x[2], x[3]),
        }],
    ),
    float(
        "call",
        "a product returned by a function, + d",
        |x| add(mul(x[0], x[1]), x[3]),
        &[Guess {
            words: FUSED,
            value: |x| fused(x[0], x[1], x[3]),
        }],
    ),
    float(
        "shared",
        "p + p * c, where p = a * b",
        |x| {
            let p = mul(x[0], x[1]);
            add(p, mul(p, x[2]))
        },
        &[Guess {
            words: FUSED,
            value: |x| {
                let p = mul(x[0], x[1]);
                fused(p, x[2], p)
            },
        }],
    ),
];

const FOLDING: &[Column] = &[
    float(
        "cancel_add",
        "(a + b) - a",
        |x| sub(add(x[0], x[1]), x[0]),
        &[Guess {
            words: "a cancels: the result is b",
            value: |x| x[1],
        }],
    ),
    float(
        "cancel_sub",
        "(a - b) + b",
        |x| add(sub(x[0], x[1]), x[1]),
        &[Guess {
            words: "b cancels: the result is a",
            value: |x| x[0],
        }],
    ),
    float(
        "two_sum",
        "TwoSum, the error of a + b",
        two_sum,
        &[Guess {
            words: "the error is taken for 0",
            value: |_| 0,
        }],
    ),
    float(
        "split",
        "Dekker's split of a",
        |x| {
            let w = mul(0x4580_0800, x[0]);
            sub(w, sub(w, x[0]))
        },
        &[Guess {
            words: "the split is undone: the result is a",
            value: |x| x[0],
        }],
    ),
    float(
        "two_factors",
        "(a * 0.1) * 10",
        |x| mul(mul(x[0], 0x3dcc_cccd), 0x4120_0000),
        &[Guess {
            words: "the factors are folded into one: the result is a",
            value: |x| x[0],
        }],
    ),
    float(
        "two_terms",
        "(a + 0.1) + 0.2",
        |x| add(add(x[0], 0x3dcc_cccd), 0x3e4c_cccd),
        &[Guess {
            words: "the terms are folded into one",
            value: |x| add(x[0], add(0x3dcc_cccd, 0x3e4c_cccd)),
        }],
    ),
    float(
        "distribute",
        "a * c + b * c",
        |x| add(mul(x[0], x[2]), mul(x[1], x[2])),
        &[
            Guess {
                words: "c is factored out",
                value: |x| mul(add(x[0], x[1]), x[2]),
            },
            Guess {
                words: FUSED,
                value: |x| fused(x[0], x[2], mul(x[1], x[2])),
            },
            Guess {
                words: FUSED,
                value: |x| fused(x[1], x[2], mul(x[0], x[2])),
            },
        ],
    ),
    float(
        "order",
        "(a + b) + c",
        |x| add(add(x[0], x[1]), x[2]),
        &[Guess {
            words: "the terms are reordered",
            value: |x| add(x[0], add(x[1], x[2])),
        }],
    ),
    seen(
        "tiny_factors",
        "(c * 1e-38) * 0.01",
        |x| mul(mul(x[2], 0x006c_e3ee), 0x3c23_d70a),
        &[
            Guess {
                words: "the factors are folded into one",
                value: |x| mul(x[2], mul(0x006c_e3ee, 0x3c23_d70a)),
            },
            Guess {
                words: "the factor 1e-38, a subnormal, is taken for 0",
                value: |_| 0,
            },
        ],
    ),
];

fn two_sum(x: &[u32]) -> u32 {
    let s = add(x[0], x[1]);
    let t = sub(s, x[0]);
    add(sub(x[0], sub(s, t)), sub(x[1], t))
}

const ROUNDING: &[Column] = &[
    float("floor", "floor(a)", |x| f(x[0]).floor().to_bits(), &[]),
    float("ceil", "ceil(a)", |x| f(x[0]).ceil().to_bits(), &[]),
    float("trunc", "trunc(a)", |x| f(x[0]).trunc().to_bits(), &[]),
    float(
        "round",
        "round(a), halves to even",
        |x| f(x[0]).round_ties_even().to_bits(),
        &[Guess {
            words: "halves are rounded away from zero",
            value: |x| f(x[0]).round().to_bits(),
        }],
    ),
    float("min", "min(a, b)", |x| if f(x[1]) < f(x[0]) { x[1] } else { x[0] }, &[]),
    float("max", "max(a, b)", |x| if f(x[1]) > f(x[0]) { x[1] } else { x[0] }, &[]),
    float("clamp", "clamp(a, -2.5, 7)", |x| f(x[0]).clamp(-2.5, 7.0).to_bits(), &[]),
    float(
        "sign",
        "sign(a)",
        |x| {
            if f(x[0]) == 0.0 {
                0
            } else {
                1.0_f32.copysign(f(x[0])).to_bits()
            }
        },
        &[],
    ),
];

const CONVERSIONS: &[Column] = &[
    exact("to_i32", "i32(x), in range", |x| (f(x[0]) as i32).cast_unsigned(), &[]),
    exact("to_u32", "u32(x), in range", |x| f(x[1]) as u32, &[]),
    float(
        "small_i32",
        "f32(i) below 2^24",
        |x| ((x[2].cast_signed() >> 8) as f32).to_bits(),
        &[],
    ),
    float("small_u32", "f32(u) below 2^24", |x| ((x[2] >> 8) as f32).to_bits(), &[]),
    float(
        "any_i32",
        "f32(i) from 2^24 on, rounded",
        |x| (x[2].cast_signed() as f32).to_bits(),
        &[],
    ),
    seen("any_u32", "f32(u) from 2^24 on, rounded", |x| (x[2] as f32).to_bits(), &[]),
    seen_bits(
        "wild_i32",
        "i32(x), of any size",
        |x| (f(x[3]) as i32).cast_unsigned(),
        CLAMPED_I32,
    ),
    seen_bits("wild_u32", "u32(x), of any size and sign", |x| f(x[3]) as u32, CLAMPED_U32),
];

const CLAMPED_I32: &[Guess] = &[Guess {
    words: "clamped to the largest float in range",
    value: |x| (f(x[3]).clamp(-2_147_483_648.0, 2_147_483_520.0) as i32).cast_unsigned(),
}];
const CLAMPED_U32: &[Guess] = &[Guess {
    words: "clamped to the largest float in range",
    value: |x| f(x[3]).clamp(0.0, 4_294_967_040.0) as u32,
}];

const INTEGERS: &[Column] = &[
    exact("mul", "a * b", |x| x[0].wrapping_mul(x[1]), &[]),
    exact(
        "mul_high",
        "high word of a * b",
        |x| ((u64::from(x[0]) * u64::from(x[1])) >> 32) as u32,
        &[],
    ),
    exact("add", "a + b", |x| x[0].wrapping_add(x[1]), &[]),
    exact("carry", "a + b < a", |x| u32::from(x[0].checked_add(x[1]).is_none()), &[]),
    exact("shift_left", "a << b", |x| x[0] << (x[1] & 31), &[]),
    exact("shift_right", "a >> b", |x| x[0] >> (x[1] & 31), &[]),
    exact(
        "shift_signed",
        "i >> b",
        |x| (x[0].cast_signed() >> (x[1] & 31)).cast_unsigned(),
        &[],
    ),
    exact("div", "a / b", |x| x[0].checked_div(x[1]).unwrap_or(x[0]), &[]),
    exact("rem", "a % b", |x| x[0].checked_rem(x[1]).unwrap_or(0), &[]),
    exact(
        "div_signed",
        "i / j",
        |x| {
            x[0].cast_signed()
                .checked_div(x[1].cast_signed())
                .unwrap_or(x[0].cast_signed())
                .cast_unsigned()
        },
        &[],
    ),
    exact(
        "rem_signed",
        "i % j",
        |x| {
            x[0].cast_signed()
                .checked_rem(x[1].cast_signed())
                .unwrap_or(0)
                .cast_unsigned()
        },
        &[],
    ),
    exact("ones", "countOneBits(a)", |x| x[0].count_ones(), &[]),
    exact(
        "leading",
        "firstLeadingBit(a)",
        |x| x[0].checked_ilog2().unwrap_or(u32::MAX),
        &[],
    ),
    exact("reverse", "reverseBits(a)", |x| x[0].reverse_bits(), &[]),
    exact("extract", "extractBits(a, 5, 9)", |x| x[0] >> 5 & 0x1ff, &[]),
    exact(
        "less_signed",
        "i < j",
        |x| u32::from(x[0].cast_signed() < x[1].cast_signed()),
        &[],
    ),
];

const BOUNDS: &[Column] = &[
    Column {
        demand: Demand::Exact,
        float: false,
        ..reference("buffer", "x[index]")
    },
    Column {
        demand: Demand::Exact,
        float: false,
        ..reference("private", "table[index] of five")
    },
    exact("vector", "vector[index] of four", |x| 20 + x[0].min(3), &[]),
];

const SUBNORMALS: &[Column] = &[
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

const EXCEPTIONAL: &[Column] = &[
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

const FUNCTIONS: &[Column] = &[
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

const LOOPS: &[Column] = &[seen_bits(
    "rounds",
    "rounds of a loop",
    |x| x[0],
    &[Guess {
        words: "loops are left after 65,535 rounds",
        value: |x| x[0].min(65_535),
    }],
)];

fn contention(x: &[u32]) -> Vec<u32> {
    let mut y = vec![0_u32; 16];
    for (i, &value) in x.iter().enumerate() {
        y[0] = y[0].wrapping_add(value);
        y[1] = y[1].wrapping_add(value & 0xffff);
        y[2] = y[2].wrapping_add(value >> 16);
        y[3] = y[3].max(value);
        y[4] = y[4].max(!value);
        y[5] |= value & 0x5555_0000;
        y[6] ^= value;
        y[7] = y[7].wrapping_sub(value);
        y[8 + i % 8] = y[8 + i % 8].wrapping_add(value);
    }
    y
}

fn barriers(x: &[u32]) -> Vec<u32> {
    let trees = x.as_chunks::<256>().0.iter().flat_map(|words| {
        let mut integers = *words;
        let mut floats = words.map(|word| mul(((word >> 8) as f32).to_bits(), 0x3400_0000));
        let mut stride = 128;
        while stride > 0 {
            for k in 0..stride {
                integers[k] = integers[k].wrapping_add(integers[k + stride]);
                floats[k] = add(floats[k], floats[k + stride]);
            }
            stride /= 2;
        }
        [integers[0], floats[0]]
    });
    let one: Vec<u32> = trees.collect();
    one.repeat(4)
}
