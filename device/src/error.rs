//! What can go wrong on a device. Each variant leads a caller to a different action.

use wgsl::{ProgramError, ReadError, Refusal};

/// A device's error.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No device of that name here: choose another one.
    #[error("no device '{wanted}' on this machine; there are: {present}")]
    NotFound {
        /// What was asked for.
        wanted: String,
        /// Ids of what there is.
        present: String,
    },
    /// WGSL that does not compile: the author mends the source.
    #[error("{label}: {message}")]
    Shader {
        /// The module's label.
        label: String,
        /// What is wrong, without location.
        message: String,
        /// Byte range in the module's source, where known.
        span: Option<std::ops::Range<usize>>,
    },
    /// A program or command whose parts do not fit each other: a bug in the caller, or a hostile package.
    #[error("{0}")]
    Program(String),
    /// The device cannot hold it: choose another device.
    #[error("{what} needs {needed}, the device's limit is {limit}")]
    Limit {
        /// What exceeds.
        what: String,
        /// How much it needs.
        needed: u64,
        /// How much there is.
        limit: u64,
    },
    /// No memory left on the device: free some, or choose another device.
    #[error("the device is out of memory while it {0}")]
    OutOfMemory(String),
    /// The device is gone (driver reset, unplugged, suspended): open it again and go on from the last boundary.
    #[error("the device was lost: {0}")]
    Lost(String),
    /// A pass computed longer than allowed: an endless loop.
    #[error("pass '{pass}' was stopped after {seconds:.1} s of computing: it does not end, or its dispatch is too large")]
    Endless {
        /// The pass's label.
        pass: String,
        /// How long it computed.
        seconds: f32,
    },
    /// The device left a loop before its end: choose another device.
    #[error(
        "{place}: the device leaves this loop of pass '{pass}' before its end, so that its values would be wrong: \
         make fewer rounds in one invocation, or take another device; the cpu device runs all of them"
    )]
    LoopCut {
        /// The pass's label.
        pass: String,
        /// The first such loop of its text: module, line and what stands there.
        place: String,
    },
    /// Checked mode found something (CPU device only): where, and what.
    #[error("{0}")]
    Check(String),
}

impl From<ProgramError> for DeviceError {
    fn from(error: ProgramError) -> Self {
        let ProgramError { place, module, error } = error;
        match error {
            ReadError::Refused(refusal) => {
                let Refusal {
                    message, span, label, ..
                } = *refusal;
                // naga describes a place by its own types, which say nothing to an author.
                let said = label.is_empty() || message.contains(&label) || label.contains("naga::");
                Self::Shader {
                    label: module,
                    message: if said { message } else { format!("{message}: {label}") },
                    span,
                }
            }
            ReadError::Limit { what, needed, limit } => Self::Limit {
                what: format!("{place}: {what}"),
                needed,
                limit,
            },
            ReadError::Program(message) => Self::Program(format!("{place}: {message}")),
        }
    }
}
