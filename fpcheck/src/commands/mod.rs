//! One file a command: its arguments, and what it does. Each returns how it ended.

use std::path::Path;
use std::sync::Arc;

use device::Device;
use kernels::package::Package;

use fpcheck::exit::Usage;

pub(crate) mod bisect;
pub(crate) mod conformance;
pub(crate) mod devices;
pub(crate) mod lint;
pub(crate) mod report;

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

/// The package in a folder, or the example of that name. A folder goes first.
///
/// # Errors
/// There is neither, or the package is wrong.
pub(crate) fn package(wanted: &str) -> anyhow::Result<Package> {
    let path = Path::new(wanted);
    if path.join("run.toml").is_file() {
        return Ok(Package::load(&path.join("package"))?);
    }
    if path.exists() {
        return Ok(Package::load(path)?);
    }
    if kernels::examples::names().any(|name| name == wanted) {
        return Ok(kernels::examples::load(wanted)?);
    }
    let examples: Vec<&str> = kernels::examples::names().collect();
    Err(Usage(format!(
        "no folder '{wanted}' here, and no example of that name; examples are: {}",
        examples.join(", ")
    ))
    .into())
}
