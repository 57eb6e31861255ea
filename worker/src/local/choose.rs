//! What to run and where: packages by folder or example's name, devices by id, checked against the hardware class that is asked for.

use std::path::Path;
use std::sync::Arc;

use device::Device;
use kernels::package::Package;
use protocol::{HardwareClass, Tier};

use crate::console::output;
use crate::exit::{Usage, WrongClass};

/// Names that `baton run` knows without a folder.
pub(crate) fn examples() -> Vec<&'static str> {
    kernels::examples::names().collect()
}

/// The package in a folder, or the example of that name. A folder goes first.
///
/// # Errors
/// There is neither, or the package is wrong.
pub(crate) fn package(wanted: &str) -> anyhow::Result<Package> {
    let path = Path::new(wanted);
    if path.join("run.toml").is_file() {
        return Err(Usage(format!(
            "{wanted} is a run directory: continue it with `{} resume {}`, or run {wanted}/package anew",
            output::called(),
            output::quoted(path)
        ))
        .into());
    }
    if path.exists() {
        return Ok(Package::load(path)?);
    }
    if kernels::examples::names().any(|name| name == wanted) {
        return Ok(kernels::examples::load(wanted)?);
    }
    Err(Usage(format!(
        "no folder '{wanted}' here, and no example of that name; examples are: {}",
        examples().join(", ")
    ))
    .into())
}

/// A device with its class in the tier asked for.
pub(crate) struct Chosen {
    /// The device.
    pub(crate) device: Arc<dyn Device>,
    /// Its class.
    pub(crate) class: HardwareClass,
}

/// The device `wanted` (`auto` or an id) for work of a tier; `auto` passes over devices that have no class in it, and prefers `prefer`.
///
/// # Errors
/// No such device, or it has no class in this tier.
pub(crate) fn device(wanted: &str, tier: Tier, prefer: Option<HardwareClass>) -> anyhow::Result<Chosen> {
    if wanted != "auto" {
        let device = device::select(wanted)?;
        let fingerprint = fpcheck::fingerprint(&*device, tier)?;
        return match fingerprint.class() {
            Some(class) => Ok(Chosen { device, class }),
            None => Err(WrongClass(format!(
                "device '{wanted}' has no {tier} class: {}; take --device cpu, or tier = \"class-bound\" in kernel.toml",
                fingerprint.obstacles().join("; ")
            ))
            .into()),
        };
    }
    // The best device first, so that those behind it are probed only where they are needed.
    let mut devices = device::automatic();
    devices.sort_by_key(|device| device.info().kind);
    let mut classed = devices.into_iter().filter_map(|device| {
        let class = fpcheck::class(&*device, tier)?;
        Some(Chosen { device, class })
    });
    let Some(first) = classed.next() else {
        return Err(WrongClass(format!(
            "no device of this machine has a {tier} class; `{} devices --json` says why",
            output::called()
        ))
        .into());
    };
    if prefer.is_none_or(|class| class == first.class) {
        return Ok(first);
    }
    Ok(classed.find(|other| prefer == Some(other.class)).unwrap_or(first))
}
