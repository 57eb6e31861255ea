//! How `baton` and `fpcheck` end: one table of exit codes, and which error leads to which.
//!
//! Errors travel as `anyhow::Error`; the code is found by asking what kind of error lies at the bottom.

use std::process::ExitCode;

use device::DeviceError;
use kernels::import::ImportError;
use kernels::md::MdError;
use kernels::package::PackageError;
use kernels::run::RunError;

/// How a command ended. The numbers are a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All that was asked for is done.
    Done = 0,
    /// It could not be done, or a check failed.
    Failed = 1,
    /// The command line asks for something that makes no sense.
    Usage = 2,
    /// The server is away: come again later.
    Away = 75,
    /// Stopped at a boundary; `baton resume` goes on.
    Stopped = 85,
    /// This device is not of the run's hardware class.
    WrongClass = 86,
    /// The package, or the system to make one of, is wrong.
    BadPackage = 87,
    /// A run is finished, but its state holds NaN or infinity.
    NonFinite = 88,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The command line was well formed but asks for something that makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// A run may not continue on this device.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongClass(pub String);

/// The exit code that an error leads to.
#[must_use]
pub fn of_error(error: &anyhow::Error) -> Exit {
    // Devices are looked up by what a person named.
    let is_unknown_device = matches!(error.downcast_ref(), Some(DeviceError::NotFound { .. }));
    if error.is::<Usage>() || is_unknown_device {
        Exit::Usage
    } else if error.is::<WrongClass>() {
        Exit::WrongClass
    } else if error.is::<PackageError>() || error.is::<ImportError>() || error.is::<MdError>() {
        Exit::BadPackage
    } else {
        match error.downcast_ref() {
            Some(RunError::Class { .. }) => Exit::WrongClass,
            Some(RunError::Package(_)) => Exit::BadPackage,
            // A package whose WGSL the device's compiler refuses, or whose parts do not fit it.
            Some(RunError::Device(DeviceError::Shader { .. } | DeviceError::Program(_))) => Exit::BadPackage,
            _ => Exit::Failed,
        }
    }
}
