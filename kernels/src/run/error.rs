//! What can go wrong with a run. Each variant leads to a different action.

use std::path::{Path, PathBuf};

use device::DeviceError;
use protocol::{CheckpointError, HardwareClass};

use crate::package::PackageError;

/// A run's error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The file system refused; the source says why (a full disk, a read-only folder, …).
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The folder is not a run directory, or not an empty place for one.
    #[error("{}: {problem}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The package in the run directory is wrong.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The state is of another hardware class.
    #[error(
        "this run's bits are of hardware class {have}; the device here is of class {here}: continue it on a device of its own class"
    )]
    Class {
        /// Class of the checkpoint.
        have: HardwareClass,
        /// Class of the device.
        here: HardwareClass,
    },
    /// A checkpoint could not be written.
    #[error("checkpoint of segment {segment}: {source}")]
    Checkpoint {
        /// Which boundary.
        segment: u64,
        /// Why.
        source: CheckpointError,
    },
    /// A boundary was computed a second time and came out different: broken hardware, or a kernel that is not deterministic.
    #[error(
        "segment {segment} was computed again and ended in {found}, but it had ended in {recorded} before: \
         this device or this kernel is not deterministic; nothing after segment {} was kept", segment - 1
    )]
    Diverged {
        /// The segment.
        segment: u64,
        /// Digest this time.
        found: String,
        /// Digest on record.
        recorded: String,
    },
    /// The package found a fault in its own work.
    #[error(
        "the package reports fault {value} (buffer 'fault') in segment {segment}{meaning}; the run stays at its last good boundary"
    )]
    Fault {
        /// Which segment.
        segment: u64,
        /// The first element of the buffer `fault`.
        value: u32,
        /// What the package's author says that this value means.
        meaning: String,
    },
    /// The package has no `[evaluate]` section, or one that gives no finite number.
    #[error("{0}")]
    Evaluate(String),
}

impl RunError {
    pub(crate) fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Disk {
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn folder(path: &Path, problem: impl Into<String>) -> Self {
        Self::Folder {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }
}
