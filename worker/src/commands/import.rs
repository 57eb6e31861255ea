//! `baton import`: other programs' files as a package.

use std::path::PathBuf;

use kernels::import::{Files, Options};
use kernels::md::system::{Integrator, System};
use kernels::md::{LennardJonesSystem, Plan};
use kernels::package::Package;
use serde::Serialize;

use crate::console::output;
use crate::exit::{Exit, Usage};

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
    /// Integer velocities, so that a trajectory can be taken back bit for bit; for VerletIntegrator without constraints and virtual sites.
    #[arg(long)]
    reversible: bool,
    /// Name of the package: a lower-case letter, then lower-case letters, digits and `-`; `openmm-import` by default.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    length: Length,
    /// The package's folder to make.
    #[arg(short = 'o', long, value_name = "DIR")]
    out: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Length of a run, and what is kept of it.
#[derive(clap::Args, Debug)]
struct Length {
    /// Steps between two boundaries, where a run may stop and move.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps_per_segment: Option<u64>,
    /// Segments of a whole run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    segments: Option<u64>,
    /// Steps of a whole run, instead of --segments: a multiple of the steps of a segment.
    #[arg(long, value_name = "N", conflicts_with = "segments", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Steps between two rows of energies, and between two frames of positions, where the options for each do not say otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
    /// Steps between two rows of energies; divides the steps of a segment.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    energies_every: Option<u64>,
    /// Steps between two frames of positions; divides the steps of a segment.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    positions_every: Option<u64>,
}

impl Length {
    /// What was asked for; the rest as `usual` has it, or once a segment where that does not divide the segment's steps.
    ///
    /// # Errors
    /// `--steps` is no multiple of the segment's steps.
    fn plan(&self, usual: Plan) -> anyhow::Result<Plan> {
        let steps_per_segment = self.steps_per_segment.unwrap_or(usual.steps_per_segment);
        let every = |asked: Option<u64>, usual: u64| {
            let fits = steps_per_segment.is_multiple_of(usual);
            asked.unwrap_or(if fits { usual } else { steps_per_segment })
        };
        let segments = match self.steps {
            None => self.segments.unwrap_or(usual.segments),
            Some(steps) if steps.is_multiple_of(steps_per_segment) => steps / steps_per_segment,
            Some(steps) => {
                return Err(Usage(format!(
                    "--steps {steps}: expected a multiple of {steps_per_segment}, the steps of a segment (--steps-per-segment)"
                ))
                .into());
            }
        };
        Ok(Plan {
            steps_per_segment,
            segments,
            energies_every: every(self.energies_every.or(self.every), usual.energies_every),
            positions_every: every(self.positions_every.or(self.every), usual.positions_every),
        })
    }
}

/// What molecules are run with unless something else is asked for.
const PLAN: Plan = Plan {
    steps_per_segment: 500,
    segments: 100,
    energies_every: 50,
    positions_every: 250,
};

/// Lennard-Jones alone as the package that is fastest for it, everything else as molecules.
fn package(system: &System, length: &Length) -> anyhow::Result<Package> {
    if let Ok(mut alone) = LennardJonesSystem::from_system(system) {
        alone.plan = length.plan(alone.plan)?;
        return Ok(alone.package()?);
    }
    Ok(system.package(length.plan(PLAN)?)?)
}

#[derive(Serialize)]
struct Imported {
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
        reference_grid: false,
    };
    let mut imported = kernels::import::openmm(&files, &options)?;
    if args.reversible {
        match &mut imported.system.dynamics {
            Some(dynamics) if dynamics.integrator == Integrator::Verlet => dynamics.integrator = Integrator::ReversibleVerlet,
            _ => return Err(Usage("--reversible: expected a VerletIntegrator in --integrator".into()).into()),
        }
    }
    if let Some(name) = &args.name {
        imported.system.name.clone_from(name);
    }
    let package = package(&imported.system, &args.length)?;
    package.save(&args.out)?;
    let report = Imported {
        dir: args.out.clone(),
        name: package.manifest().name.clone(),
        digest: package.digest().to_string(),
        notes: imported.notes,
    };
    if args.json {
        output::json(&report)?;
    } else {
        let (at, baton) = (output::quoted(&args.out), output::called());
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
