//! `baton devices`: what can run here, each with its hardware class per tier.

use device::{DeviceInfo, DeviceKind};
use protocol::Tier;
use serde::Serialize;

use crate::exit::Exit;
use crate::{output, table};

/// What can run here, each with its hardware class per tier.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print JSON, with whole class keys.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    backend: String,
    kind: &'static str,
    vendor: u32,
    device: u32,
    driver: String,
    compiler: String,
    portable_class: Option<String>,
    class_bound_class: Option<String>,
}

/// List devices; none at all is a failure.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let devices = device::list();
    if args.json {
        let rows: Vec<Row> = devices.iter().map(|device| row(device.info())).collect();
        output::json(&rows)?;
    } else {
        let short = |info: &DeviceInfo, tier| fpcheck::class(info, tier).map_or("-".into(), |class| class.key.short());
        let rows: Vec<Vec<String>> = devices
            .iter()
            .map(|device| {
                let info = device.info();
                let kind = kind(info.kind).to_owned();
                let classes = [short(info, Tier::Portable), short(info, Tier::ClassBound)];
                [
                    info.id.clone(),
                    info.name.clone(),
                    info.backend.clone(),
                    kind,
                    info.driver.clone(),
                ]
                .into_iter()
                .chain(classes)
                .collect()
            })
            .collect();
        output::lines(table::lines(
            &["ID", "NAME", "BACKEND", "KIND", "DRIVER", "PORTABLE", "CLASS-BOUND"],
            &rows,
        ))?;
    }
    Ok(if devices.is_empty() { Exit::Failed } else { Exit::Done })
}

fn row(info: &DeviceInfo) -> Row {
    let key = |tier| fpcheck::class(info, tier).map(|class| class.key.to_string());
    Row {
        id: info.id.clone(),
        name: info.name.clone(),
        backend: info.backend.clone(),
        kind: kind(info.kind),
        vendor: info.vendor,
        device: info.device,
        driver: info.driver.clone(),
        compiler: info.compiler.clone(),
        portable_class: key(Tier::Portable),
        class_bound_class: key(Tier::ClassBound),
    }
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::DiscreteGpu => "discrete-gpu",
        DeviceKind::IntegratedGpu => "integrated-gpu",
        DeviceKind::BuiltInCpu => "built-in-cpu",
        DeviceKind::SoftwareGpu => "software-gpu",
    }
}
