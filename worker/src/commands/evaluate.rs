//! `baton evaluate`: energies and forces of a package's initial state.

use std::collections::BTreeMap;
use std::path::PathBuf;

use device::SessionOptions;
use serde::Serialize;

use crate::analysis::formats;
use crate::console::{output, table};
use crate::exit::Exit;
use crate::local::choose;

/// One evaluation of the initial state: energies per force class in kJ/mol, forces in kJ/mol/nm.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE")]
    package: String,
    /// Write forces, f32 [n, 3], kJ/mol/nm.
    #[arg(long, value_name = "F.npy")]
    forces: Option<PathBuf>,
    /// Device: `auto`, `cpu`, or an id that `baton devices` shows.
    #[arg(long, default_value = "auto", value_name = "ID")]
    device: String,
    /// Threads of the built-in CPU device; all cores by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    package: String,
    digest: String,
    device: String,
    class: String,
    unit: &'static str,
    energies: BTreeMap<String, f64>,
    total: f64,
    atoms: usize,
}

/// Evaluate and report.
///
/// # Errors
/// The package is wrong or has no `[evaluate]`, or the device failed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let package = choose::package(&args.package)?;
    let chosen = choose::device(&args.device, package.manifest().tier, None)?;
    let session = SessionOptions {
        threads: args.threads.map(|count| count as usize),
        ..SessionOptions::default()
    };
    let evaluation = kernels::run::evaluate(&package, &*chosen.device, &session)?;
    if let Some(path) = &args.forces {
        output::file(path, |out| {
            formats::npy::header(out, "<f4", &[evaluation.forces.len() as u64 / 3, 3])?;
            let bytes: Vec<u8> = evaluation.forces.iter().flat_map(|force| force.to_le_bytes()).collect();
            Ok(out.write_all(&bytes)?)
        })?;
    }
    let report = Report {
        package: package.manifest().name.clone(),
        digest: package.digest().to_string(),
        device: chosen.device.info().id.clone(),
        class: chosen.class.to_string(),
        unit: "kJ/mol",
        total: evaluation.energies.values().sum(),
        energies: evaluation.energies,
        atoms: evaluation.forces.len() / 3,
    };
    if args.json {
        output::json(&report)?;
    } else {
        let row = |(name, energy): (&String, &f64)| vec![name.clone(), format!("{energy:.6}")];
        let mut rows: Vec<Vec<String>> = report.energies.iter().map(row).collect();
        rows.push(vec!["total".into(), format!("{:.6}", report.total)]);
        output::lines(table::lines(&["FORCE", "ENERGY kJ/mol"], &rows))?;
    }
    Ok(Exit::Done)
}
