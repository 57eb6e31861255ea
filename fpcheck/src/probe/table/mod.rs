//! Every probe, column by column, each with its oracle.
//!
//! | module | owns |
//! |---|---|
//! | `floats` | rounding, contraction, folding |
//! | `words` | integers, conversions, memory, control flow |
//! | `edges` | subnormals, infinities, NaN, functions |

use super::{Column, Demand, Guess, Probe, Shape, Truth, inputs};

mod edges;
mod floats;
mod words;

use edges::{EXCEPTIONAL, FUNCTIONS, SUBNORMALS};
use floats::{ARITHMETIC, CONTRACTION, FOLDING, ROUNDING};
use words::{BOUNDS, CONVERSIONS, INTEGERS, LOOPS, barriers, contention};

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

/// The last probe without its long loop, for devices on which that one fails by name.
pub(crate) const SHORT_LOOPS: Probe = probe("loops", "loops of many rounds", 1, inputs::short_rounds, LOOPS);
