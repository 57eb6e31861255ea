//! Other programs' files as a molecular system.
//!
//! | module | owns |
//! |---|---|
//! | [`openmm`] | OpenMM's serialised System, State and Integrator |
//! | `file` | files in, plain or gzip, within limits |
//! | `xml` | XML as a tree, within limits |
//!
//! Invariant: what cannot be run exactly as its program means it is refused, by name; nothing is left out in silence.

use std::path::PathBuf;

mod file;
mod openmm;
mod xml;

pub use openmm::openmm;

use crate::md::MdError;

/// Why files are no system.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file cannot be read.
    #[error("{}: cannot be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not what it should be: where, what was found, what was expected.
    #[error("{}: {message}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The files are right, each by itself, but the system is not one that can be run.
    #[error(transparent)]
    System(#[from] MdError),
}
