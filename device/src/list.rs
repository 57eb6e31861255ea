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

/// What `auto` chooses among: all but GL, which runs only when it is named.
pub fn automatic() -> Vec<Arc<dyn Device>> {
    let mut devices = crate::cpu::list();
    devices.extend(crate::gpu::list_without_gl());
    devices
}

/// The device with this id; `auto` takes a real GPU, then the built-in CPU device, then a software GPU.
///
/// # Errors
/// [`DeviceError::NotFound`] names what there is.
pub fn select(wanted: &str) -> Result<Arc<dyn Device>, DeviceError> {
    let found = match wanted {
        "auto" => automatic().into_iter().min_by_key(|device| device.info().kind),
        "cpu" => crate::cpu::list().into_iter().next(),
        id if id.starts_with("gl:") => list().into_iter().find(|device| device.info().id == id),
        id => automatic().into_iter().find(|device| device.info().id == id),
    };
    found.ok_or_else(|| DeviceError::NotFound {
        wanted: wanted.to_owned(),
        present: list()
            .iter()
            .map(|device| device.info().id.clone())
            .collect::<Vec<_>>()
            .join(", "),
    })
}
