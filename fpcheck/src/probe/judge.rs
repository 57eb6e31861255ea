//! Bits against an oracle: findings, with words for what a device does differently.

use protocol::Digest;
use serde::{Deserialize, Serialize};

use super::exact::canonical;
use super::{Column, Demand, Guess, Path, Probe, Shape, Truth};

/// What a device gave for one column of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The probe.
    pub probe: String,
    /// The column.
    pub column: String,
    /// The expression, for people.
    pub what: String,
    /// Digest of all bits.
    pub bits: Digest,
    /// Digest of what the portable tier may rely on: all bits, where they are floats with underflow counting as zero.
    pub portable_bits: Digest,
    /// Words looked at.
    pub words: u64,
    /// How many differ from the oracle.
    pub differ: u64,
    /// How many differ as far as the portable tier may rely on them.
    pub differ_portable: u64,
    /// The portable tier needs this right.
    pub demanded: bool,
    /// The first one that differs.
    pub sample: Option<Sample>,
    /// What the device does differently, in words; empty where it does not.
    pub verdict: String,
}

/// A case, in bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Operands.
    pub inputs: Vec<String>,
    /// What is right.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl Finding {
    /// Whether the portable tier can live with it.
    pub fn is_portable(&self) -> bool {
        !self.demanded || self.differ_portable == 0
    }

    /// A probe that did not run.
    pub(crate) fn refused(path: Path, probe: &Probe, why: &str) -> Self {
        let digest = Digest::of(b"does not run");
        Self {
            probe: path.name(probe),
            column: "all".to_owned(),
            what: probe.about.to_owned(),
            bits: digest,
            portable_bits: digest,
            words: 1,
            differ: 1,
            differ_portable: 1,
            demanded: true,
            sample: None,
            verdict: format!("does not run: {why}"),
        }
    }
}

/// Digest of words, each little-endian.
fn digest(words: impl Iterator<Item = u32>) -> Digest {
    let bytes: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
    Digest::of(&bytes)
}

/// What a probe's words say. `reference` are the words of the built-in CPU device.
pub(crate) fn judge(path: Path, probe: &Probe, inputs: &[u32], found: &[u32], reference: &[u32]) -> Vec<Finding> {
    match &probe.shape {
        Shape::Whole {
            what, oracle, demand, ..
        } => {
            let expected = oracle(inputs);
            let sample = |at: usize| Sample {
                inputs: Vec::new(),
                expected: hex(expected[at]),
                found: hex(found[at]),
            };
            let mut finding = compare(found, &expected, *demand, sample);
            if finding.differ > 0 {
                finding.verdict = counted(&finding);
            }
            vec![Finding {
                probe: path.name(probe),
                column: "all".to_owned(),
                what: path.what(what),
                ..finding
            }]
        }
        Shape::Cases(columns) => (0..columns.len())
            .map(|at| column(path, probe, columns, at, inputs, found, reference))
            .collect(),
    }
}

fn column(
    path: Path,
    probe: &Probe,
    columns: &[Column],
    at: usize,
    inputs: &[u32],
    found: &[u32],
    reference: &[u32],
) -> Finding {
    let column = &columns[at];
    let (truth, demand) = path.demand(probe, column);
    let of = |words: &[u32]| -> Vec<u32> { words.iter().skip(at).step_by(columns.len()).copied().collect() };
    let cases = || inputs.chunks_exact(probe.words_in);
    let found = of(found);
    let expected: Vec<u32> = match truth {
        Truth::Host(truth) => cases().map(truth).collect(),
        Truth::Reference => of(reference),
    };
    let sample = |case: usize| Sample {
        inputs: inputs[case * probe.words_in..][..probe.words_in]
            .iter()
            .copied()
            .map(hex)
            .collect(),
        expected: hex(expected[case]),
        found: hex(found[case]),
    };
    let mut finding = compare(&found, &expected, demand, sample);
    if finding.differ > 0 {
        let is = |guess: &&Guess| cases().zip(&found).all(|(case, found)| (guess.value)(case) == *found);
        let guess = column.guesses.iter().find(is).map(|guess| guess.words);
        let flushed = || {
            let is =
                |(found, expected): (&u32, &u32)| found == expected || (canonical(*expected) == 0 && found & 0x7fff_ffff == 0);
            let all = column.float && found.iter().zip(&expected).all(is);
            let signs = expected
                .iter()
                .zip(&found)
                .all(|(expected, found)| found == expected || expected << 1 == 0);
            all.then_some(if signs {
                "the sign of zero is not kept"
            } else {
                "subnormals are flushed to zero"
            })
        };
        let counted = counted(&finding);
        finding.verdict = match guess.or_else(flushed) {
            Some(words) => format!("{words}; {counted}"),
            None => {
                let whose = if matches!(truth, Truth::Reference) {
                    " from the built-in CPU device's"
                } else {
                    ""
                };
                let steps = found.iter().zip(&expected).map(|(found, expected)| apart(*found, *expected));
                match steps.max().unwrap_or(0) {
                    far @ 1..0x10_0000 if column.float => format!("{counted}{whose}, by up to {far} in the last place"),
                    _ => format!("{counted}{whose}"),
                }
            }
        };
    }
    Finding {
        probe: path.name(probe),
        column: column.name.to_owned(),
        what: path.what(column.what),
        ..finding
    }
}

/// Everything but names and words.
fn compare(found: &[u32], expected: &[u32], demand: Demand, sample: impl Fn(usize) -> Sample) -> Finding {
    let view = |word: u32| if demand == Demand::Canonical { canonical(word) } else { word };
    let pairs = || found.iter().copied().zip(expected.iter().copied());
    let lengths = found.len().abs_diff(expected.len());
    let differ = pairs().filter(|(found, expected)| found != expected).count();
    let differ_portable = pairs().filter(|(found, expected)| view(*found) != view(*expected)).count();
    let other = |(found, expected): (u32, u32)| view(found) != view(expected) || (differ_portable == 0 && found != expected);
    Finding {
        probe: String::new(),
        column: String::new(),
        what: String::new(),
        bits: digest(found.iter().copied()),
        portable_bits: digest(found.iter().copied().map(view)),
        words: expected.len() as u64,
        differ: (differ + lengths) as u64,
        differ_portable: (differ_portable + lengths) as u64,
        demanded: demand != Demand::Nothing,
        sample: pairs().position(other).map(sample),
        verdict: String::new(),
    }
}

fn counted(finding: &Finding) -> String {
    format!("{} of {} differ", thousands(finding.differ), thousands(finding.words))
}

fn hex(word: u32) -> String {
    format!("{word:08x}")
}

/// Steps from one float to the other along all floats.
fn apart(a: u32, b: u32) -> u32 {
    let line = |bits: u32| {
        let magnitude = i64::from(bits & 0x7fff_ffff);
        if bits >> 31 == 1 { -magnitude } else { magnitude }
    };
    line(a).abs_diff(line(b)).min(u64::from(u32::MAX)) as u32
}

/// `1,234,567`.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
