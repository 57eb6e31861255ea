//! What wgpu reports out of band: validation, memory, loss. It never panics on them here.
//!
//! Invariant: memory and loss are final. Once one was seen, every later call on the session fails with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wgpu::{PollError, PollStatus, PollType};

use crate::DeviceError;

#[derive(Clone, Debug)]
enum Fault {
    OutOfMemory,
    Lost(String),
    Program(String),
}

/// A device's out-of-band errors.
#[derive(Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Option<Fault>>>);

impl Faults {
    /// Listen to a device.
    pub(super) fn listen(device: &wgpu::Device) -> Self {
        let faults = Self::default();
        let errors = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            errors.record(match error {
                wgpu::Error::OutOfMemory { .. } => Fault::OutOfMemory,
                wgpu::Error::Validation { description, .. } => Fault::Program(description),
                wgpu::Error::Internal { description, .. } => Fault::Lost(description),
            })
        }));
        let losses = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            losses.record(Fault::Lost(if message.is_empty() { format!("{reason:?}") } else { message }));
        });
        faults
    }

    fn slot(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, fault: Fault) {
        let mut slot = self.slot();
        if matches!(*slot, None | Some(Fault::Program(_))) {
            *slot = Some(fault);
        }
    }

    /// Fail if something went wrong; `doing` says at what, as in "allocates buffer 'x'".
    pub(super) fn check(&self, doing: impl FnOnce() -> String) -> Result<(), DeviceError> {
        match self.slot().clone() {
            None => Ok(()),
            Some(Fault::OutOfMemory) => Err(DeviceError::OutOfMemory(doing())),
            Some(Fault::Lost(message)) => Err(DeviceError::Lost(message)),
            Some(Fault::Program(message)) => Err(DeviceError::Program(message)),
        }
    }

    /// Fail with a loss, or with what is known to lie behind it.
    pub(super) fn lost<T>(&self, message: String) -> Result<T, DeviceError> {
        self.record(Fault::Lost(message.clone()));
        self.check(|| "runs".to_owned())?;
        Err(DeviceError::Lost(message))
    }

    /// [`wgpu::Device::poll`], which panics on a lost device, without the panic.
    pub(super) fn poll(&self, device: &wgpu::Device, poll: PollType) -> Result<Result<PollStatus, PollError>, DeviceError> {
        match catch_unwind(AssertUnwindSafe(|| device.poll(poll))) {
            Ok(outcome) => Ok(outcome),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map_or("waiting for it failed", String::as_str);
                self.lost(text.to_owned())
            }
        }
    }
}
