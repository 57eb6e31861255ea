//! Why a text or a program cannot be taken. Besides WGSL's own rules, which naga checks, [`Reason`] is the whole list.

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

/// What valid WGSL may have and no package's text: the limits of this reader, for every device alike. The first group is refused in both tiers,
/// the second in the portable tier alone, where no device-independent result is defined for it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    // Both tiers.
    /// A texture, a sampler, or another thing that is not bound as a buffer.
    #[error("found '{0}', which is no buffer, expected 'var<storage, …>'")]
    NotABuffer(String),
    /// A buffer of a group that is not bound.
    #[error("found '{name}' in @group({group}), expected @group(0)")]
    OtherGroup {
        /// Of the variable.
        name: String,
        /// Its group.
        group: u32,
    },
    /// The device needs a binding behind all others.
    #[error("found @binding({0}), expected a smaller number")]
    LastBinding(u32),
    /// An `override` without a value.
    #[error("found no value for 'override {0}', expected one")]
    NoValue(String),
    /// A value that its `override`'s type does not hold.
    #[error("found the value {value}, expected {expected}")]
    OtherValue {
        /// As given.
        value: f64,
        /// What the type holds.
        expected: &'static str,
    },
    /// An expression of `override`s that has no value: it overflows, divides by zero, or has an index out of bounds.
    #[error("found an expression without a value: {0}")]
    NoConstant(String),
    /// A length or a workgroup size of 0 or less.
    #[error("found {found} as {what}, expected at least 1")]
    NotPositive {
        /// Its value.
        found: i64,
        /// What it is used as.
        what: String,
    },
    /// A barrier, or a load that is one, that only some invocations may reach.
    #[error(
        "found {0} where not all invocations of the workgroup may arrive, expected it under conditions that are the same for all of them: \
         move it out of the branch or loop, in front of the early 'return', or load the condition with workgroupUniformLoad"
    )]
    NotUniform(&'static str),
    /// A `workgroupUniformLoad` of several places.
    #[error("found a workgroupUniformLoad whose place differs between invocations, expected the same for all of a workgroup")]
    PlaceNotUniform,
    /// Whether all reach a barrier takes too long to find out.
    #[error("found barriers under control flow that is too involved to follow, expected simpler loops and fewer variables")]
    BarriersTooInvolved,
    // The portable tier alone.
    /// A transcendental that naga evaluates.
    #[error(
        "'{0}' of constants is evaluated by the compiler, with a math library that differs from machine to machine: \
         write the number itself, or give '{0}' a value that is read from a buffer"
    )]
    FoldedOnHost(&'static str),
    /// A builtin without an exact sequence.
    #[error("the portable tier has no function {0}")]
    Function(String),
    /// A load or a store of a value of very many numbers.
    #[error("this moves more than {0} numbers at once: move a part at a time")]
    MovesTooMuch(u64),
    /// What the validator has excluded before.
    #[error("found {0}, which no valid module has")]
    Invalid(&'static str),
}

impl Refusal {
    pub(crate) fn at(span: Span, reason: &Reason) -> Self {
        Self {
            message: reason.to_string(),
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
