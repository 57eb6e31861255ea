//! Why a kernel cannot be compiled.

use std::ops::Range;

use naga::Span;

/// Why a kernel cannot be compiled, or a session's memory cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What is wrong. With [`Fault::limit`], what exceeds it, as the beginning of a sentence that goes on with "needs".
    pub message: String,
    /// Byte range in the module's source, where known.
    pub span: Option<Range<usize>>,
    /// What was needed and what there is, for a limit.
    pub limit: Option<(u64, u64)>,
}

impl Fault {
    pub(crate) fn limit(what: impl Into<String>, needed: u64, limit: u64) -> Self {
        Self {
            message: what.into(),
            span: None,
            limit: Some((needed, limit)),
        }
    }

    pub(crate) fn at(mut self, span: Span) -> Self {
        self.span = self.span.or_else(|| span.to_range());
        self
    }
}

pub(crate) fn fault<T>(message: String) -> Result<T, Fault> {
    Err(Fault {
        message,
        span: None,
        limit: None,
    })
}
