//! Systems of molecules, ours on the CPU device beside OpenMM's CPU platform: steps per second, and milliseconds of processor time a step, in turns.
//!
//! `cargo run --release -p benches --bin molecules -- FOLDER…` after `benches/peers/install`; a folder holds system.xml, state.xml and integrator.xml, gzipped or
//! not. Processor time is what another program on the same machine changes least.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use benches::molecules::{import, processor_ms, script};
use benches::{median, openmm_python, peers};
use clap::Parser;
use device::SessionOptions;
use kernels::run::{Executor, initial_state};

/// Systems of molecules, ours beside OpenMM's.
#[derive(Parser)]
struct Arguments {
    /// Folders of OpenMM's files.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Steps of one reading: one segment of ours, with its boundary.
    #[arg(long, default_value_t = 100)]
    steps: u64,
    /// Readings of each side, which take turns.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Threads of each side.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// One reading: steps a second, processor time a step in ms.
type Reading = [f64; 2];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{} readings of {} steps a side, {} threads; medians",
        arguments.repeats, arguments.steps, arguments.threads
    );
    println!(
        "{:<24} {:>10} {:>10} {:>8} {:>12} {:>12} {:>8}",
        "", "steps/s", "OpenMM", "ratio", "cpu ms/step", "OpenMM", "ratio"
    );
    for folder in &arguments.folders {
        let [ours, theirs] = compare(folder, &arguments)?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name:<24} {:>10.2} {:>10.2} {:>8.2} {:>12.2} {:>12.2} {:>8.2}",
            ours[0],
            theirs[0],
            ours[0] / theirs[0],
            ours[1],
            theirs[1],
            theirs[1] / ours[1]
        );
    }
    Ok(())
}

/// Medians of ours and of OpenMM's.
fn compare(folder: &Path, arguments: &Arguments) -> Result<[Reading; 2]> {
    let package = import(folder, arguments.steps)?;
    let devices = device::automatic();
    let device = devices
        .iter()
        .find(|device| device.info().id == "cpu")
        .context("no CPU device")?;
    let options = SessionOptions {
        threads: Some(arguments.threads),
        ..SessionOptions::default()
    };
    let mut executor = Executor::open(&package, device.as_ref(), &options)?;
    executor.enter(0, &initial_state(&package))?;
    let mut readings = [Vec::new(), Vec::new()];
    for turn in 0..=arguments.repeats {
        let (start, used) = (Instant::now(), processor_ms()?);
        executor.advance(u64::MAX)?;
        executor.cross()?;
        let steps = arguments.steps as f64;
        let reading = [steps / start.elapsed().as_secs_f64(), (processor_ms()? - used) / steps];
        // The first one warms up.
        if turn > 0 {
            readings[0].push(reading);
            readings[1].push(peer(folder, arguments)?);
        }
    }
    let middle = |side: &[Reading], number: usize| {
        let numbers: Vec<f64> = side.iter().map(|reading| reading[number]).collect();
        median(&numbers).context("no reading")
    };
    let [ours, theirs] = &readings;
    Ok([[middle(ours, 0)?, middle(ours, 1)?], [middle(theirs, 0)?, middle(theirs, 1)?]])
}

/// One reading of OpenMM's CPU platform.
fn peer(folder: &Path, arguments: &Arguments) -> Result<Reading> {
    let folder = folder.to_str().context("the folder's name is no Unicode")?;
    let [steps, threads] = [arguments.steps.to_string(), arguments.threads.to_string()];
    let measured = script(
        &openmm_python(),
        &peers().join("openmm_system.py"),
        &[folder, &steps, "1", &threads],
    )?;
    let first = |numbers: &[f64]| numbers.first().copied().context("OpenMM gave no reading");
    Ok([first(&measured.rates)?, first(&measured.processor_ms)?])
}
