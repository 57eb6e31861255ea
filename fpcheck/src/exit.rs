//! How the program ends: exit codes, and which error leads to which.

use std::process::ExitCode;

use device::DeviceError;
use kernels::package::PackageError;
use kernels::run::RunError;

/// How a command ended. The numbers are a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well.
    Done = 0,
    /// A check failed, or a command could not do its work.
    Failed = 1,
    /// The command line asks for something that makes no sense.
    Usage = 2,
    /// The package is wrong.
    BadPackage = 87,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The command line was well formed but asks for something that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The exit code that an error leads to.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<Usage>() {
        Exit::Usage
    } else if error.is::<PackageError>() {
        Exit::BadPackage
    } else {
        match error.downcast_ref() {
            Some(RunError::Package(_)) => Exit::BadPackage,
            // A package whose WGSL the device's compiler refuses, or whose parts do not fit it.
            Some(RunError::Device(DeviceError::Shader { .. } | DeviceError::Program(_))) => Exit::BadPackage,
            _ => Exit::Failed,
        }
    }
}
