//! Where two runs part: the segment, the step, the pass, the buffer, the element, and the source lines that computed it.
//!
//! | module | owns |
//! |---|---|
//! | [`side`](Side) | one of the two runs, and how its segments are computed again |
//! | `search` | from the chains to the element |
//! | `source` | the lines that compute what a pass stores in a buffer |
//!
//! Invariant: what is said was seen in a replay whose boundaries came out as on record, or it is said that they did not.

mod search;
mod side;
mod source;

use std::fmt;

use kernels::run::RunError;
use serde::Serialize;

pub use search::{bisect, within};
pub use side::Side;

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parting {
    /// The first segment whose end differs, counted from 1.
    pub segment: u64,
    /// The first step whose end differs.
    pub step: u64,
    /// The pass within that step.
    pub pass: String,
    /// The first buffer that differs after it.
    pub buffer: String,
    /// Place of the first element that differs, in the standard layout.
    pub index: Vec<u64>,
    /// How many elements of the buffer differ, and of how many.
    pub elements: (u64, u64),
    /// The element on the first side.
    pub a: Value,
    /// The element on the second side.
    pub b: Value,
    /// Lines that compute what the pass stores there, the ones that store it first.
    pub lines: Vec<Line>,
    /// The devices of the replay.
    pub devices: (String, String),
}

/// An element, in bits and as a number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// Eight hexadecimal digits.
    pub bits: String,
    /// As the buffer's type reads it.
    pub number: String,
}

/// A line of WGSL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// File of the package.
    pub file: String,
    /// Counted from 1.
    pub number: u32,
    /// The line itself, without blanks around it.
    pub text: String,
}

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The chains agree as far as both go: so many boundaries.
    Agree(u64),
    /// They part here.
    Part(Box<Parting>),
    /// They part in this segment on record, but replays of it agree: a device failed once, or the replay runs elsewhere.
    NotReproduced {
        /// The segment, counted from 1.
        segment: u64,
        /// What the replays gave, in words.
        words: String,
    },
}

/// Why a search ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum BisectError {
    /// A run could not be read or computed again.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What was given does not fit together.
    #[error("{0}")]
    Input(String),
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index: Vec<String> = self.index.iter().map(u64::to_string).collect();
        writeln!(
            f,
            "the runs part in segment {}, step {}, pass '{}'",
            self.segment, self.step, self.pass
        )?;
        writeln!(
            f,
            "  buffer '{}', element [{}]; {} of {} elements differ",
            self.buffer,
            index.join(", "),
            self.elements.0,
            self.elements.1
        )?;
        writeln!(f, "  A {}  {}  ({})", self.a.bits, self.a.number, self.devices.0)?;
        writeln!(f, "  B {}  {}  ({})", self.b.bits, self.b.number, self.devices.1)?;
        for line in &self.lines {
            writeln!(f, "  {}:{}: {}", line.file, line.number, line.text)?;
        }
        Ok(())
    }
}
