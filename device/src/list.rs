//! The devices of this machine, and how one is chosen.

use std::sync::Arc;

use crate::{Device, DeviceError};

/// Every device of this machine: the built-in CPU device first, then GPUs, real ones before software.
pub fn list() -> Vec<Arc<dyn Device>> {
    let mut devices = crate::cpu::list();
    let mut gpus = crate::gpu::list();
    gpus.sort_by_key(|device| device.info().kind);
    devices.extend(gpus);
    devices
}

/// The device with this id; `auto` takes a real GPU, then the built-in CPU device, then a software GPU.
///
/// # Errors
/// [`DeviceError::NotFound`] names what there is.
pub fn select(wanted: &str) -> Result<Arc<dyn Device>, DeviceError> {
    let devices = list();
    let found = match wanted {
        "auto" => devices.iter().min_by_key(|device| device.info().kind),
        id => devices.iter().find(|device| device.info().id == id),
    };
    found.cloned().ok_or_else(|| DeviceError::NotFound {
        wanted: wanted.to_owned(),
        present: devices
            .iter()
            .map(|device| device.info().id.clone())
            .collect::<Vec<_>>()
            .join(", "),
    })
}
