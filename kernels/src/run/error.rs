//! What can go wrong with a run. Each variant leads to a different action.
//!
//! A variant's text holds its cause, and the cause is not given a second time as the error's source: printing the chain of sources
//! repeats nothing.

use std::path::{Path, PathBuf};

use device::DeviceError;
use protocol::{CheckpointError, HardwareClass};

use crate::package::PackageError;

/// A run's error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The file system refused (a full disk, a read-only folder, …).
    #[error("cannot {action} {}: {cause}", path.display())]
    Disk {
        /// The operation: `read`, `write`, `open`.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// The folder is not a run directory, or not an empty place for one.
    #[error("{}: {problem}", path.display())]
    Folder {
        /// Path of the folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Something on record is not what was written: nothing may be built on it.
    #[error("{}{}: {problem}", path.display(), segment.map_or(String::new(), |segment| format!(", segment {segment}")))]
    Altered {
        /// Path of the file.
        path: PathBuf,
        /// The segment whose record it is, where that is known.
        segment: Option<u64>,
        /// What was found, what was expected, and what to do.
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
    #[error("checkpoint of segment {segment}: {cause}")]
    Checkpoint {
        /// Number of the boundary's segment.
        segment: u64,
        /// The format's error.
        cause: CheckpointError,
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
    /// A segment whose outcome is known came out different on this device.
    #[error(
        "this device does not compute what others of class {class} do: the package's first segment came out different, and nothing of the job was computed"
    )]
    Canary {
        /// The class that it was measured to be of.
        class: HardwareClass,
    },
    /// The package found a fault in its own work.
    #[error(
        "the package reports fault {value} (buffer 'fault') in segment {segment}{meaning}; the run stays at its last good boundary"
    )]
    Fault {
        /// Number of the segment.
        segment: u64,
        /// The first element of the buffer `fault`.
        value: u32,
        /// What the package's author says that this value means.
        meaning: String,
    },
    /// The package has no `[evaluate]` section.
    #[error("{0}")]
    Evaluate(String),
    /// A fault of this program: a thread of it panicked.
    #[error("a fault of this program, not of the run: {0}; what is on disk is good up to its last boundary")]
    Internal(String),
}

impl RunError {
    /// An error of the file system: what was tried, on which file.
    pub fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |cause| Self::Disk {
            action,
            path: path.to_owned(),
            cause,
        }
    }

    /// A folder or file that is not what it has to be.
    pub fn folder(path: &Path, problem: impl Into<String>) -> Self {
        Self::Folder {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(super) fn altered(path: &Path, segment: Option<u64>, problem: impl Into<String>) -> Self {
        Self::Altered {
            path: path.to_owned(),
            segment,
            problem: problem.into(),
        }
    }
}
