//! One file a command: its arguments, and what it does. Each returns how it ended.

use std::sync::Arc;

use device::Device;

pub(crate) mod devices;
pub(crate) mod lint;

/// The devices with these ids, in this order; all of this machine where none is named.
///
/// # Errors
/// There is no such device.
pub(crate) fn devices_of(ids: &[String]) -> anyhow::Result<Vec<Arc<dyn Device>>> {
    if ids.is_empty() {
        return Ok(device::list());
    }
    let select = |id: &String| device::select(id).map_err(Into::into);
    ids.iter().map(select).collect()
}
