//! `baton minimize`: the energy of a molecular package's starting state, minimised.

use std::path::PathBuf;

use device::SessionOptions;
use kernels::md::minimize::{Goal, minimize};
use serde::Serialize;

use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::choose;

/// Minimise the energy of a molecular package's starting state: a new package with other positions.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Constraints are kept and virtual sites follow. The result is the same on every device of the package's class. Velocities stay as they are."
)]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE")]
    package: String,
    /// The package's folder to make.
    #[arg(short = 'o', long, value_name = "DIR")]
    out: PathBuf,
    /// End where the root mean square of force components is below this, kJ/mol/nm.
    #[arg(long, value_name = "F", default_value_t = 10.0)]
    tolerance: f64,
    /// Most steps; each is one evaluation of the forces.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    steps: u64,
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
struct MinimizedState {
    dir: PathBuf,
    digest: String,
    steps: u64,
    converged: bool,
    coarse_steps: u64,
    rms_force_before: f64,
    rms_force_after: f64,
    energy_before: Option<f64>,
    energy_after: Option<f64>,
}

/// Minimise and save.
///
/// # Errors
/// The package is not a molecular one, atoms lie on each other (which), the device failed, or the folder is in use.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if !(args.tolerance.is_finite() && args.tolerance > 0.0) {
        return Err(Usage(format!("--tolerance {}: expected a number above 0", args.tolerance)).into());
    }
    let package = choose::package(&args.package)?;
    let chosen = choose::device(&args.device, package.manifest().tier, None)?;
    let session = SessionOptions {
        threads: args.threads.map(|count| count as usize),
        ..SessionOptions::default()
    };
    let goal = Goal {
        tolerance_kj_mol_nm: args.tolerance,
        steps_max: args.steps,
    };
    let found = minimize(&package, &*chosen.device, &session, goal)?;
    found.package.save(&args.out)?;
    let [rms_force_before, rms_force_after] = found.rms_kj_mol_nm;
    let [energy_before, energy_after] = found.energy_kj_mol;
    let report = MinimizedState {
        dir: args.out.clone(),
        digest: found.package.digest().to_string(),
        steps: found.steps,
        converged: found.converged,
        coarse_steps: found.coarse_steps,
        rms_force_before,
        rms_force_after,
        energy_before,
        energy_after,
    };
    if args.json {
        output::json(&report)?;
    } else {
        output::lines(lines(&report, args))?;
    }
    Ok(Exit::Done)
}

fn lines(report: &MinimizedState, args: &Args) -> Vec<String> {
    let energy = |energy: Option<f64>| energy.map_or("too high to be held".into(), |energy| format!("{energy:.3} kJ/mol"));
    let (at, baton) = (report.dir.display(), output::called());
    let mut lines = vec![
        format!(
            "{} steps: rms force {:.3} to {:.3} kJ/mol/nm, energy {} to {}",
            report.steps,
            report.rms_force_before,
            report.rms_force_after,
            energy(report.energy_before),
            energy(report.energy_after)
        ),
        format!("made {at} ({})", report.digest),
    ];
    if report.converged {
        lines.push(format!("next: {baton} run {at}"));
    } else {
        lines.push(format!(
            "the tolerance of {} kJ/mol/nm was not reached in {} steps: go on with {baton} minimize {at} -o OTHER",
            args.tolerance, report.steps
        ));
    }
    lines
}
