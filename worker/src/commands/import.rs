//! `baton import`: other programs' files as a package.

use std::path::PathBuf;

use kernels::import::{Files, Options};
use kernels::md::LennardJonesSystem;
use serde::Serialize;

use crate::console::output;
use crate::exit::Exit;

/// Turn other programs' files into a package.
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Source {
    Openmm(OpenMm),
}

/// OpenMM's serialised System, State and Integrator; gzip is accepted.
#[derive(clap::Args, Debug)]
pub(crate) struct OpenMm {
    /// `XmlSerializer.serialize(system)`.
    #[arg(long, value_name = "system.xml")]
    system: PathBuf,
    /// `XmlSerializer.serialize(state)`, with positions, and velocities unless --temperature draws them.
    #[arg(long, value_name = "state.xml")]
    state: PathBuf,
    /// `XmlSerializer.serialize(integrator)`; may be left out for a package that is only to be evaluated.
    #[arg(long, value_name = "integrator.xml")]
    integrator: Option<PathBuf>,
    /// Seed of all random numbers, instead of the files' own; needed where those are 0.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Draw velocities at this temperature, instead of taking the state's.
    #[arg(long, value_name = "K")]
    temperature: Option<f64>,
    /// The package's folder to make.
    #[arg(short = 'o', long, value_name = "DIR")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    dir: PathBuf,
    name: String,
    digest: String,
    notes: Vec<String>,
}

/// Import and save.
///
/// # Errors
/// A file cannot be read, holds something that cannot be read or run exactly as OpenMM means it (all of it is told), or the folder is in use.
pub(crate) fn call(source: &Source) -> anyhow::Result<Exit> {
    let Source::Openmm(args) = source;
    let files = Files {
        system: &args.system,
        state: &args.state,
        integrator: args.integrator.as_deref(),
    };
    let options = Options {
        seed: args.seed,
        temperature_k: args.temperature,
    };
    let imported = kernels::import::openmm(&files, &options)?;
    let package = LennardJonesSystem::from_system(&imported.system)?.package()?;
    package.save(&args.out)?;
    let report = Report {
        dir: args.out.clone(),
        name: package.manifest().name.clone(),
        digest: package.digest().to_string(),
        notes: imported.notes,
    };
    if args.json {
        output::json(&report)?;
    } else {
        let (at, baton) = (args.out.display(), output::called());
        output::lines(report.notes.iter().map(|note| format!("note: {note}")))?;
        output::lines([
            format!("made {at} (package {})", package.digest().short()),
            "next:".into(),
            format!("  {baton} evaluate {at}   energies and forces of the state, to compare with OpenMM's"),
            format!("  {baton} run {at}"),
        ])?;
    }
    Ok(Exit::Done)
}
