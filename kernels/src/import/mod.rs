//! Other programs' files as a molecular system.
//!
//! | module | owns |
//! |---|---|
//! | [`openmm`] | OpenMM's serialised System, State and Integrator |
//! | `expression` | formulas in text: parsed, and evaluated as sums of powers of one variable |
//! | `obstacles` | everything that keeps files from being a system, told at once |
//! | `file` | files in, plain or gzip, within limits |
//! | `xml` | XML as a tree, within limits |
//!
//! Invariant: what cannot be read exactly as its program means it is refused, by name; nothing is left out in silence.

use std::path::PathBuf;

mod expression;
mod file;
mod obstacles;
mod openmm;
mod xml;

pub use openmm::{Files, Imported, Options, openmm};

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
    /// The files are right, each by itself, but together they are no system.
    #[error("{0}")]
    System(String),
    /// Several of these.
    #[error("{}", listed(obstacles, *untold))]
    Obstacles {
        /// Each of them.
        obstacles: Vec<ImportError>,
        /// How many more there are.
        untold: usize,
    },
}

impl ImportError {
    /// The same with a word behind its message.
    fn with(self, word: &str) -> Self {
        match self {
            Self::Content { file, message } => Self::Content {
                file,
                message: message + word,
            },
            Self::System(message) => Self::System(message + word),
            other => other,
        }
    }
}

fn listed(obstacles: &[ImportError], untold: usize) -> String {
    let mut text = format!("found {} obstacles:", obstacles.len() + untold);
    for obstacle in obstacles {
        text += &format!("\n  {obstacle}");
        if let ImportError::Read { source, .. } = obstacle {
            text += &format!(": {source}");
        }
    }
    if untold > 0 {
        text += &format!("\n  and {untold} more");
    }
    text
}
