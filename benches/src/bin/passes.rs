//! Where the time of a step goes: every pass of a package handed to the device alone and waited for, then whole steps.
//!
//! `cargo run --release -p benches --bin passes -- [FOLDER] --device cpu`; a folder holds a package or OpenMM's files, without one it is the melt. `--save
//! PLACE` writes the package there, so that its shaders can be changed and tried without compiling anything. With `--threads 1`, processor time is that of the
//! kernels alone: other threads wait by looking.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use benches::speed::DispatchRun;
use clap::Parser;
use device::SessionOptions;
use kernels::package::Package;

/// Where the time of a step goes, pass by pass.
#[derive(Parser)]
struct Arguments {
    /// A folder with a package, or with OpenMM's files; the melt of 32,000 atoms without one.
    folder: Option<PathBuf>,
    /// Cells of the melt along each edge, four atoms each.
    #[arg(long, default_value_t = 20)]
    cells: u32,
    /// OpenMM's files: how many times the system stands side by side along each edge of its box.
    #[arg(long, default_value_t = 1)]
    tiles: u32,
    /// Write the package into a folder and do nothing else.
    #[arg(long)]
    save: Option<PathBuf>,
    /// The device.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Steps.
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// Steps before the clock starts.
    #[arg(long, default_value_t = 100)]
    warm: u64,
    /// CPU device: threads.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let package = match &arguments.folder {
        Some(folder) if folder.join("integrator.xml").is_file() => {
            benches::molecules::import_tiled(folder, arguments.steps, arguments.tiles)?
        }
        Some(folder) => Package::load(folder)?,
        None => kernels::md::examples::melt(arguments.cells)?,
    };
    if let Some(folder) = &arguments.save {
        return Ok(package.save(folder)?);
    }
    let devices = device::automatic();
    let device = devices
        .iter()
        .find(|device| device.info().id == arguments.device)
        .with_context(|| format!("no device {}", arguments.device))?;
    let options = SessionOptions {
        threads: arguments.threads,
        ..SessionOptions::default()
    };
    let timing = benches::speed::passes(&package, device.as_ref(), &options, arguments.warm, arguments.steps)?;
    let steps = arguments.steps as u32;
    println!(
        "{:<24} {:>12} {:>14} {:>14} {:>12}",
        device.info().id,
        "ms a step",
        "processor, ms",
        "longest, ms",
        "steps a run"
    );
    for (pass, runs) in package.manifest().passes.iter().zip(&timing.passes) {
        let longest = runs.iter().map(|run| run.time).max().unwrap_or_default();
        let all: Duration = runs.iter().map(|run| run.time).sum();
        let often = match runs.iter().filter(|run| run.ran).count() {
            0 => "never".to_owned(),
            count => format!("{:.1}", f64::from(steps) / count as f64),
        };
        println!(
            "{:<24} {:>12.3} {:>14.3} {:>14.3} {often:>12}",
            pass.name,
            ms(all / steps),
            processor(runs) / f64::from(steps),
            ms(longest)
        );
    }
    let all: Duration = timing.passes.iter().flatten().map(|run| run.time).sum();
    let used: f64 = timing.passes.iter().map(|runs| processor(runs)).sum();
    println!("{:<24} {:>12.3} {:>14.3}", "all", ms(all / steps), used / f64::from(steps));
    let whole: Duration = timing.steps.iter().sum();
    println!("{:<24} {:>12.3}", "whole steps", ms(whole / steps));
    Ok(())
}

fn processor(runs: &[DispatchRun]) -> f64 {
    runs.iter().map(|run| run.processor_ms).sum()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
