//! `fpcheck devices`: what is here, what each computes otherwise than IEEE 754, and its hardware class in each tier.

use device::Device;
use fpcheck::Fingerprint;
use fpcheck::output;
use protocol::Tier;
use serde::Serialize;

use fpcheck::exit::Exit;

/// What is here, what each computes otherwise than IEEE 754, and its hardware class in each tier.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Devices by id, with commas between them; all by default.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    devices: Vec<String>,
    /// Measure now, whatever was measured earlier.
    #[arg(long)]
    fresh: bool,
    /// Print JSON: identities, whole class keys, and every finding.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    portable: Measured,
    class_bound: Measured,
}

#[derive(Serialize)]
struct Measured {
    class: Option<String>,
    behaviour: Option<String>,
    /// Why there is no class.
    obstacles: Vec<String>,
    fingerprint: Option<Fingerprint>,
}

/// List devices; none at all, or one that fails while it is probed, is a failure.
///
/// # Errors
/// No such device, or standard output is closed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let rows: Vec<Row> = super::devices_of(&args.devices)?
        .iter()
        .map(|device| Row {
            id: device.info().id.clone(),
            name: device.info().name.clone(),
            portable: measured(&**device, Tier::Portable, args.fresh),
            class_bound: measured(&**device, Tier::ClassBound, args.fresh),
        })
        .collect();
    if args.json {
        output::json(&rows)?;
    } else {
        output::lines(rows.iter().flat_map(words))?;
    }
    let failed = |row: &Row| row.portable.fingerprint.is_none() || row.class_bound.fingerprint.is_none();
    Ok(if rows.is_empty() || rows.iter().any(failed) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn measured(device: &dyn Device, tier: Tier, fresh: bool) -> Measured {
    let fingerprint = if fresh {
        Fingerprint::measure(device, tier)
    } else {
        fpcheck::fingerprint(device, tier)
    };
    match fingerprint {
        Ok(fingerprint) => Measured {
            class: fingerprint.class().map(|class| class.key.to_string()),
            behaviour: Some(fingerprint.behaviour().to_string()),
            obstacles: fingerprint.obstacles(),
            fingerprint: Some(fingerprint),
        },
        Err(error) => Measured {
            class: None,
            behaviour: None,
            obstacles: vec![error.to_string()],
            fingerprint: None,
        },
    }
}

fn words(row: &Row) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", row.id, row.name)];
    for (tier, measured) in [("portable", &row.portable), ("class-bound", &row.class_bound)] {
        let none = || "none".to_owned();
        lines.push(format!(
            "  {tier:<12} class {}  behaviour {}",
            measured.class.as_ref().map_or_else(none, |key| key[..12].to_owned()),
            measured.behaviour.as_ref().map_or_else(none, |key| key[..12].to_owned()),
        ));
        let known = |text: &String| measured.obstacles.contains(text);
        let peculiar = measured
            .fingerprint
            .as_ref()
            .map(Fingerprint::peculiarities)
            .unwrap_or_default();
        lines.extend(measured.obstacles.iter().map(|text| format!("    keeps it out: {text}")));
        lines.extend(peculiar.iter().filter(|text| !known(text)).map(|text| format!("    {text}")));
    }
    lines
}
