//! `baton devices`: what can run here, each with its fingerprint and its hardware class per tier.

use device::{Device, DeviceKind};
use fpcheck::Fingerprint;
use protocol::{HardwareClass, Tier};
use serde::Serialize;

use crate::console::{output, table};
use crate::exit::Exit;

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
    fingerprint: Option<String>,
    portable_class: Option<String>,
    class_bound_class: Option<String>,
    /// Why there is no portable class.
    not_portable: Vec<String>,
}

/// List devices; none at all is a failure.
///
/// # Errors
/// Standard output is closed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let devices = device::list();
    let rows: Vec<Row> = devices.iter().map(|device| row(&**device)).collect();
    if args.json {
        output::json(&rows)?;
    } else {
        let short = |key: &Option<String>| key.as_ref().map_or("-".to_owned(), |key| key[..12].to_owned());
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let keys = [&row.fingerprint, &row.portable_class, &row.class_bound_class];
                [&row.id, &row.name, &row.backend, &row.kind.to_owned(), &row.driver]
                    .into_iter()
                    .cloned()
                    .chain(keys.map(short))
                    .collect()
            })
            .collect();
        output::lines(table::lines(
            &[
                "ID",
                "NAME",
                "BACKEND",
                "KIND",
                "DRIVER",
                "FINGERPRINT",
                "PORTABLE",
                "CLASS-BOUND",
            ],
            &cells,
        ))?;
    }
    Ok(if devices.is_empty() { Exit::Failed } else { Exit::Done })
}

fn row(device: &dyn Device) -> Row {
    let info = device.info();
    let measured = |tier| fpcheck::fingerprint(device, tier);
    let key = |class: Option<HardwareClass>| class.map(|class| class.key.to_string());
    let (stock, strict) = (measured(Tier::ClassBound), measured(Tier::Portable));
    Row {
        id: info.id.clone(),
        name: info.name.clone(),
        backend: info.backend.clone(),
        kind: kind(info.kind),
        vendor: info.vendor,
        device: info.device,
        driver: info.driver.clone(),
        compiler: info.compiler.clone(),
        fingerprint: stock.as_ref().ok().map(|stock| stock.behaviour().to_string()),
        portable_class: key(strict.as_ref().ok().and_then(Fingerprint::class)),
        class_bound_class: key(stock.ok().and_then(|stock| stock.class())),
        not_portable: strict.map_or_else(|error| vec![error.to_string()], |strict| strict.obstacles()),
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
