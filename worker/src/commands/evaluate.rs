//! `baton evaluate`: energies and forces of a package's initial state, and of OpenMM's files in double precision.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use device::SessionOptions;
use serde::Serialize;

use crate::analysis::formats;
use crate::console::{output, table};
use crate::exit::Exit;
use crate::local::choose;
use crate::local::reference::Reference;

/// One evaluation of the initial state: energies per force class in kJ/mol, forces in kJ/mol/nm.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE", required_unless_present = "reference")]
    package: Option<String>,
    /// Write forces, [n, 3], kJ/mol/nm: the package's in f32, or without a package those of --reference in f64.
    #[arg(long, value_name = "F.npy")]
    forces: Option<PathBuf>,
    /// OpenMM's System and State, evaluated in double precision on the host: alone, or beside the package.
    #[arg(long, num_args = 2, value_names = ["system.xml", "state.xml"])]
    reference: Option<Vec<PathBuf>>,
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
struct Evaluated {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    package: Option<EvaluatedPackage>,
    unit: &'static str,
    energies: BTreeMap<String, f64>,
    total: f64,
    atoms: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<Comparison>,
}

#[derive(Serialize)]
struct EvaluatedPackage {
    package: String,
    digest: String,
    device: String,
    class: String,
}

/// The same in double precision beside what the package gave.
#[derive(Serialize)]
struct Comparison {
    energies: BTreeMap<String, f64>,
    /// ‖ΔF‖ / ‖F‖ over all atoms.
    relative_force_error: f64,
}

/// Evaluate and report.
///
/// # Errors
/// The package is wrong or has no `[evaluate]`, the device failed, or the reference's files cannot be read or are of another system.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let reference = args.reference.as_deref();
    let reference = reference
        .map(|files| Reference::of(files, args.package.is_none()))
        .transpose()?;
    let report = match (&args.package, reference) {
        (Some(name), reference) => on_device(args, name, reference)?,
        (None, Some(reference)) => alone(args, reference)?,
        (None, None) => anyhow::bail!("give a package, or --reference system.xml state.xml"),
    };
    if args.json {
        output::json(&report)?;
    } else {
        print(&report)?;
    }
    Ok(Exit::Done)
}

fn on_device(args: &Args, name: &str, reference: Option<Reference>) -> anyhow::Result<Evaluated> {
    let package = choose::package(name)?;
    let chosen = choose::device(&args.device, package.manifest().tier, None)?;
    let session = SessionOptions {
        threads: args.threads.map(|count| count as usize),
        ..SessionOptions::default()
    };
    let evaluation = kernels::run::evaluate(&package, &*chosen.device, &session)?;
    if let Some(path) = &args.forces {
        npy(
            path,
            "<f4",
            evaluation.forces.iter().flat_map(|force| force.to_le_bytes()).collect(),
            4,
        )?;
    }
    let comparison = reference.map(|reference| {
        Ok::<_, anyhow::Error>(Comparison {
            relative_force_error: reference.error_of(&evaluation.forces)?,
            energies: reference.energies,
        })
    });
    Ok(Evaluated {
        package: Some(EvaluatedPackage {
            package: package.manifest().name.clone(),
            digest: package.digest().to_string(),
            device: chosen.device.info().id.clone(),
            class: chosen.class.to_string(),
        }),
        unit: "kJ/mol",
        total: evaluation.energies.values().sum(),
        energies: evaluation.energies,
        atoms: evaluation.forces.len() / 3,
        reference: comparison.transpose()?,
    })
}

fn alone(args: &Args, reference: Reference) -> anyhow::Result<Evaluated> {
    if let Some(path) = &args.forces {
        let flat = reference.forces.as_flattened();
        npy(path, "<f8", flat.iter().flat_map(|force| force.to_le_bytes()).collect(), 8)?;
    }
    Ok(Evaluated {
        package: None,
        unit: "kJ/mol",
        total: reference.energies.values().sum(),
        energies: reference.energies,
        atoms: reference.forces.len(),
        reference: None,
    })
}

/// Write vectors, given as the bytes of their components.
fn npy(path: &Path, kind: &str, bytes: Vec<u8>, component: usize) -> anyhow::Result<()> {
    output::file(path, |out| {
        formats::npy::header(out, kind, &[(bytes.len() / component / 3) as u64, 3])?;
        Ok(out.write_all(&bytes)?)
    })
}

fn print(report: &Evaluated) -> anyhow::Result<()> {
    let total = ("total".to_owned(), report.total);
    let all = report
        .energies
        .iter()
        .map(|(name, energy)| (name.clone(), *energy))
        .chain([total]);
    let Some(reference) = &report.reference else {
        let rows: Vec<_> = all.map(|(name, energy)| vec![name, format!("{energy:.6}")]).collect();
        return output::lines(table::lines(&["FORCE", "ENERGY kJ/mol"], &rows));
    };
    let exact = |name: &str| match name {
        "total" => Some(reference.energies.values().sum()),
        _ => reference.energies.get(name).copied(),
    };
    let row = |(name, energy): (String, f64)| {
        let exact: Option<f64> = exact(&name);
        let shown = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.6}"));
        let difference = exact.map_or("-".into(), |exact| format!("{:.2e}", energy - exact));
        vec![name, format!("{energy:.6}"), shown(exact), difference]
    };
    let rows: Vec<_> = all.map(row).collect();
    output::lines(table::lines(
        &["FORCE", "ENERGY kJ/mol", "DOUBLE PRECISION", "DIFFERENCE"],
        &rows,
    ))?;
    output::lines([format!("forces: {:.2e} of all of them", reference.relative_force_error)])
}
