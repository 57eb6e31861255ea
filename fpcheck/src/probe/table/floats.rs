//! Columns of probes on ordinary floats: rounding, contraction, folding.

use super::super::exact::{add, fused, mul, neg, sub};
use super::super::{Column, Guess};
use super::{exact, f, float, seen};

pub(super) const ARITHMETIC: &[Column] = &[
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

pub(super) const CONTRACTION: &[Column] = &[
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

pub(super) const FOLDING: &[Column] = &[
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

pub(super) const ROUNDING: &[Column] = &[
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
