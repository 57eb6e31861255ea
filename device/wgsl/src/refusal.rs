//! Why a text or a program cannot be taken.

use std::error::Error;
use std::ops::Range;

use naga::Span;

/// Why a text cannot be taken: what was found, what was expected, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// What was found and how to mend it.
    pub message: String,
    /// Where, in bytes of the WGSL.
    pub span: Option<Range<usize>>,
    /// A word on that place, or empty.
    pub label: String,
    /// What else there is to know.
    pub notes: Vec<String>,
}

impl Refusal {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: span.to_range(),
            ..Self::default()
        }
    }
}

/// Why a program cannot be opened, on any device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// In the WGSL: the author mends the source.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// More than is read.
    #[error("{what} needs {needed}, the limit is {limit}")]
    Limit {
        /// What exceeds.
        what: String,
        /// How much it needs.
        needed: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The program's parts do not fit each other.
    #[error("{0}")]
    Program(String),
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// An error with all that caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
