//! Lennard-Jones melt of 32,000 atoms: atom-steps per second on every device here, beside OpenMM, LAMMPS and GROMACS, in one run.
//!
//! `cargo run --release -p benches --bin melt` after `benches/peers/install`. With `--boundary`, the share of time that boundaries take.

use std::time::Instant;

use anyhow::{Context, Result};
use benches::speed::{self, Until};
use benches::{Row, median};
use clap::Parser;
use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::package::manifest::Number;
use kernels::run::{self, Control, Executor, RunConfig, RunDir, RunOptions};

/// Lennard-Jones melt, ours beside our peers'.
#[derive(Parser)]
struct Arguments {
    /// Unit cells along an edge; 4 atoms each.
    #[arg(long, default_value_t = 20)]
    cells: u32,
    /// Steps of one reading.
    #[arg(long, default_value_t = 300)]
    steps: u64,
    /// Readings.
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Only this device.
    #[arg(long)]
    device: Option<String>,
    /// Leave the peers out.
    #[arg(long)]
    no_peers: bool,
    /// Measure what boundaries cost, in segments of about ten seconds.
    #[arg(long)]
    boundary: bool,
    /// Sets a constant of the package, to see where the time goes: `moved2=-1` builds lists in every step, `moved2=1e30` never.
    #[arg(long, value_name = "NAME=VALUE", value_parser = constant)]
    set: Vec<(String, Number)>,
}

fn constant(text: &str) -> Result<(String, Number)> {
    let (name, value) = text.split_once('=').context("NAME=VALUE expected")?;
    let integer = value.parse().map(Number::Integer);
    let number = integer.or_else(|_| value.parse().map(Number::Float))?;
    Ok((name.to_owned(), number))
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let devices = device::automatic();
    let wanted = |id: &str| arguments.device.as_ref().is_none_or(|wanted| wanted == id);
    let devices = devices.iter().filter(|device| wanted(&device.info().id));
    if arguments.boundary {
        return devices.map(AsRef::as_ref).try_for_each(|device| boundary(device, &arguments));
    }
    let package = melt(&arguments, arguments.steps)?;
    let atoms = 4 * u64::from(arguments.cells).pow(3);
    println!(
        "Lennard-Jones melt, {atoms} atoms, median of {} readings of {} steps",
        arguments.repeats, arguments.steps
    );
    let mut rows: Vec<Row> = devices.map(|device| ours(device.as_ref(), &package, &arguments)).collect();
    if !arguments.no_peers {
        rows.push(benches::openmm(arguments.steps, arguments.repeats));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        rows.push(benches::lammps(arguments.steps, cores));
        rows.push(benches::gromacs(arguments.steps, arguments.repeats, cores));
    }
    println!("{:<52} {:>9} {:>14}   readings", "", "steps/s", "atom-steps/s");
    for row in &rows {
        match (&row.rates, row.median()) {
            (Ok(rates), Some(rate)) => {
                let rates: Vec<_> = rates.iter().map(|rate| format!("{rate:.1}")).collect();
                println!(
                    "{:<52} {rate:>9.1} {:>14.3e}   {}",
                    row.who,
                    rate * atoms as f64,
                    rates.join(" ")
                );
            }
            (Err(why), _) => println!("{:<52} skipped: {why}", row.who),
            (Ok(_), None) => println!("{:<52} skipped: no reading", row.who),
        }
    }
    Ok(())
}

/// The melt, with segments of `steps` steps.
fn melt(arguments: &Arguments, steps: u64) -> Result<Package> {
    let package = kernels::md::examples::melt(arguments.cells)?;
    let mut manifest = package.manifest().clone().with_steps_per_segment(steps);
    manifest.constants.extend(arguments.set.iter().cloned());
    Ok(package.with_manifest(manifest)?)
}

fn ours(device: &dyn Device, package: &Package, arguments: &Arguments) -> Row {
    let rates = speed::rates(package, device, Until::Readings(arguments.repeats));
    let info = device.info();
    Row {
        who: format!("Baton, {}: {}", info.id, info.name),
        rates: rates.map_err(|error| format!("{error:#}")),
    }
}

/// How long the device stands still at a boundary, beside the segment before it. Digests and files are made beside the next segment.
fn boundary(device: &dyn Device, arguments: &Arguments) -> Result<()> {
    let info = device.info();
    let probe = ours(
        device,
        &melt(arguments, 100)?,
        &Arguments {
            steps: 100,
            repeats: 1,
            device: None,
            set: Vec::new(),
            ..*arguments
        },
    );
    let rate = probe.median().with_context(|| format!("{}: no reading", info.id))?;
    // A multiple of the package's own periods, so that both runs observe at the same steps.
    let steps = ((rate * 10.0) as u64).next_multiple_of(200);
    let package = melt(arguments, steps)?;
    let place = tempfile::tempdir()?;
    let dir = RunDir::create(&place.path().join("run"), &package, config())?;
    let mut executor = Executor::open(&package, device, &SessionOptions::default())?;
    executor.enter(0, &run::initial_state(&package))?;
    let mut shares = Vec::new();
    for _ in 0..arguments.repeats {
        let start = Instant::now();
        executor.advance(u64::MAX)?;
        executor.wait()?;
        let computed = start.elapsed().as_secs_f64();
        let crossing = Instant::now();
        executor.cross()?;
        let crossed = crossing.elapsed().as_secs_f64();
        println!(
            "{}: {steps} steps in {computed:.3} s, then {:.2} ms across the boundary",
            info.id,
            crossed * 1e3
        );
        shares.push(crossed / (computed + crossed) * 100.0);
    }
    println!(
        "{}: crossing takes {:.3} % of the time (median)",
        info.id,
        median(&shares).unwrap_or(f64::NAN)
    );
    let class = fpcheck::class(device, package.manifest().tier).context("no class in the package's tier")?;
    let start = Instant::now();
    run::run(&dir, device, class, &RunOptions::default(), &mut |_| Control::Continue)?;
    println!(
        "{}: a whole run of one segment, digests and files on disk included: {:.3} s",
        info.id,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn config() -> RunConfig {
    RunConfig::new(1)
}
