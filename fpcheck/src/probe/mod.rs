//! Probes: small kernels whose bits tell what a device's arithmetic does. Bits are recorded; `judge` compares them with the oracle.
//!
//! | module | owns |
//! |---|---|
//! | [`table`] | every probe, column by column, each with its oracle |
//! | `inputs` | what they are fed |
//! | `exact` | the oracle for sums and products: integers |
//! | `run` | a probe on a device |
//! | `judge` | bits against an oracle: findings |
//!
//! Invariant: inputs come from buffers, so that no compiler can compute with them beforehand.

pub(crate) mod exact;
pub(crate) mod inputs;
mod judge;
mod run;
mod table;

use protocol::Tier;

pub(crate) use judge::judge;
pub use judge::{Finding, Sample};
pub(crate) use run::{Wanted, observe};
pub use table::PROBES;
pub(crate) use table::SHORT_LOOPS;

/// A kernel below `shaders/probe`, with what it is fed and what is known of its results.
pub struct Probe {
    /// Stem of its WGSL file, and name of its entry point.
    pub name: &'static str,
    /// What it looks at, for people.
    pub about: &'static str,
    /// Input words of one case.
    pub words_in: usize,
    /// The inputs of so many cases.
    pub(crate) inputs: fn(usize) -> Vec<u32>,
    /// Values of its overrides, one dispatch each.
    pub(crate) variants: &'static [&'static [(&'static str, f64)]],
    /// Cases that one workgroup works on.
    pub(crate) cases_per_workgroup: usize,
    /// What comes out.
    pub(crate) shape: Shape,
}

/// How a probe's WGSL reaches the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Stock compilation.
    Stock,
    /// Strict compilation, and underflow made +0: what packages of the portable tier get.
    Strict,
    /// Strict compilation with underflow as the device has it: what passes get that declare `underflow = "checked"`.
    StrictRaw,
}

impl Path {
    /// The paths of a tier.
    pub(crate) fn of(tier: Tier) -> &'static [Self] {
        match tier {
            Tier::ClassBound => &[Self::Stock],
            Tier::Portable => &[Self::Strict, Self::StrictRaw],
        }
    }

    pub(crate) fn tier(self) -> Tier {
        match self {
            Self::Stock => Tier::ClassBound,
            Self::Strict | Self::StrictRaw => Tier::Portable,
        }
    }

    /// Whether a probe has anything to say on this path.
    pub(crate) fn has(self, probe: &Probe) -> bool {
        let floats = [
            "arithmetic",
            "contraction",
            "folding",
            "rounding",
            "conversions",
            "functions",
            "subnormals",
        ];
        self != Self::StrictRaw || floats.contains(&probe.name)
    }

    /// A probe's name on this path.
    pub(crate) fn name(self, probe: &Probe) -> String {
        match self {
            Self::Stock | Self::Strict => probe.name.to_owned(),
            Self::StrictRaw => format!("raw {}", probe.name),
        }
    }

    /// An expression as findings on this path call it.
    pub(crate) fn what(self, what: &str) -> String {
        match self {
            Self::Stock | Self::Strict => what.to_owned(),
            Self::StrictRaw => format!("{what}, underflow left alone"),
        }
    }

    /// What a column is held against on this path, and how far.
    ///
    /// Strict compilation defines every float operation, so that even where no oracle says what is right, the built-in CPU device does. What comes of
    /// infinities and NaN it leaves open.
    pub(crate) fn demand(self, probe: &Probe, column: &Column) -> (Truth, Demand) {
        let open = probe.name == "exceptional";
        match self {
            Self::Strict if column.demand == Demand::Nothing && !open => (Truth::Reference, Demand::Exact),
            Self::StrictRaw
                if column.demand == Demand::Nothing && probe.name != "subnormals" && column.name != "tiny_factors" =>
            {
                (Truth::Reference, Demand::Canonical)
            }
            _ => (column.truth, column.demand),
        }
    }
}

/// What a probe puts out.
pub(crate) enum Shape {
    /// For each case a word of each column.
    Cases(&'static [Column]),
    /// So many words for all cases together.
    Whole {
        words: fn(usize) -> usize,
        what: &'static str,
        oracle: fn(&[u32]) -> Vec<u32>,
        demand: Demand,
    },
}

/// One word that a probe puts out for each case.
pub struct Column {
    /// Short name, unique within its probe.
    pub name: &'static str,
    /// The expression, for people.
    pub what: &'static str,
    pub(crate) truth: Truth,
    pub(crate) demand: Demand,
    /// Its words are floats.
    pub(crate) float: bool,
    /// What else is seen on devices, with words for it.
    pub(crate) guesses: &'static [Guess],
}

/// Where the right word comes from.
#[derive(Clone, Copy)]
pub(crate) enum Truth {
    /// From integers, or from the host's IEEE arithmetic.
    Host(fn(&[u32]) -> u32),
    /// From the built-in CPU device in the same tier.
    Reference,
}

/// What a device must give to be of the portable class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// The right words.
    Exact,
    /// The right floats, where underflow counts as zero.
    Canonical,
    /// Nothing: packages of the portable tier may not depend on it.
    Nothing,
}

/// A known way to be different.
pub(crate) struct Guess {
    pub(crate) words: &'static str,
    pub(crate) value: fn(&[u32]) -> u32,
}
