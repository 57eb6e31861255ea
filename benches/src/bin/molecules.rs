//! Systems of molecules, ours on the CPU device beside OpenMM's CPU platform: steps per second, and milliseconds of processor time a step, in turns.
//!
//! `cargo run --release -p benches --bin molecules -- FOLDER…` after `benches/peers/install`; a folder holds system.xml, state.xml and integrator.xml, gzipped or
//! not. Processor time is what another program on the same machine changes least.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use benches::{median, peers};
use clap::Parser;
use device::SessionOptions;
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::package::Package;
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

fn import(folder: &Path, steps: u64) -> Result<Package> {
    let file = |name: &str| {
        let packed = folder.join(format!("{name}.gz"));
        if packed.is_file() { packed } else { folder.join(name) }
    };
    let [system, state, integrator] = ["system.xml", "state.xml", "integrator.xml"].map(file);
    let files = Files {
        system: &system,
        state: &state,
        integrator: Some(&integrator),
    };
    let plan = Plan {
        steps_per_segment: steps,
        segments: u64::from(u32::MAX),
        energies_every: steps,
        positions_every: steps,
    };
    Ok(openmm(&files, &Options::default())?.system.package(plan)?)
}

/// One reading of OpenMM's CPU platform, in a process of its own.
fn peer(folder: &Path, arguments: &Arguments) -> Result<Reading> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    let output = Command::new(&python)
        .arg(peers().join("openmm_system.py"))
        .arg(folder)
        .args([arguments.steps.to_string(), "1".to_owned(), arguments.threads.to_string()])
        .output()
        .with_context(|| format!("{} is not here; benches/peers/install installs it", python.display()))?;
    if !output.status.success() {
        bail!("OpenMM: {}", String::from_utf8_lossy(&output.stderr));
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| answer[name][0].as_f64().with_context(|| format!("OpenMM gave no {name}"));
    Ok([number("all")?, number("processor_ms_a_step")?])
}

/// Processor time of this process so far, in ms, to a hundredth of a second (Linux).
fn processor_ms() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("processor time is read from /proc")?;
    // Behind the program's name, which may hold spaces: fields 3 and on; user and system time are 14 and 15, in ticks of 10 ms.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<f64>().ok());
    let [user, system] = [ticks(14), ticks(15)].map(|ticks| ticks.context("/proc/self/stat has no times"));
    Ok(10.0 * (user? + system?))
}
