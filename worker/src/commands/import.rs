//! `baton import`: other programs' files as a package.

use std::path::PathBuf;

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
    /// `XmlSerializer.serialize(state)`, with positions and velocities.
    #[arg(long, value_name = "state.xml")]
    state: PathBuf,
    /// `XmlSerializer.serialize(integrator)`.
    #[arg(long, value_name = "integrator.xml")]
    integrator: PathBuf,
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
}

/// Import and save.
///
/// # Errors
/// A file cannot be read, holds something that cannot be run exactly as OpenMM means it, or the folder is in use.
pub(crate) fn call(source: &Source) -> anyhow::Result<Exit> {
    let Source::Openmm(args) = source;
    let package = kernels::import::openmm(&args.system, &args.state, &args.integrator)?.package()?;
    package.save(&args.out)?;
    let report = Report {
        dir: args.out.clone(),
        name: package.manifest().name.clone(),
        digest: package.digest().to_string(),
    };
    if args.json {
        output::json(&report)?;
    } else {
        let (at, baton) = (args.out.display(), output::called());
        output::lines([
            format!("made {at} (package {})", package.digest().short()),
            "next:".into(),
            format!("  {baton} evaluate {at}   energies and forces of the state, to compare with OpenMM's"),
            format!("  {baton} run {at}"),
        ])?;
    }
    Ok(Exit::Done)
}
