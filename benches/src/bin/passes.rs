//! Where the time of a step goes: every pass of a package handed to the device alone and waited for.
//!
//! `cargo run --release -p benches --bin passes -- [FOLDER] --device cpu`; without a folder, the melt. `--save FOLDER` writes the melt there,
//! so that its shaders can be changed and tried without compiling anything.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use device::SessionOptions;
use kernels::package::Package;

/// Where the time of a step goes, pass by pass.
#[derive(Parser)]
struct Arguments {
    /// A package's folder; the melt of 32,000 atoms without one.
    folder: Option<PathBuf>,
    /// Write the melt into a folder and do nothing else.
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
    if let Some(folder) = &arguments.save {
        return Ok(kernels::md::examples::melt(20)?.save(folder)?);
    }
    let package = match &arguments.folder {
        Some(folder) => Package::load(folder)?,
        None => kernels::md::examples::melt(20)?,
    };
    let devices = device::automatic();
    let device = devices
        .iter()
        .find(|device| device.info().id == arguments.device)
        .with_context(|| format!("no device {}", arguments.device))?;
    let options = SessionOptions {
        threads: arguments.threads,
        ..SessionOptions::default()
    };
    let all_runs = benches::speed::passes(&package, device.as_ref(), &options, arguments.warm, arguments.steps)?;
    let steps = arguments.steps as u32;
    println!(
        "{:<24} {:>12} {:>14} {:>12}",
        device.info().id,
        "ms a step",
        "longest, ms",
        "steps a run"
    );
    for (pass, runs) in package.manifest().passes.iter().zip(&all_runs) {
        let longest = runs.iter().map(|run| run.time).max().unwrap_or_default();
        let all: Duration = runs.iter().map(|run| run.time).sum();
        let often = match runs.iter().filter(|run| run.ran).count() {
            0 => "never".to_owned(),
            count => format!("{:.1}", f64::from(steps) / count as f64),
        };
        println!(
            "{:<24} {:>12.3} {:>14.3} {often:>12}",
            pass.name,
            ms(all / steps),
            ms(longest)
        );
    }
    let all: Duration = all_runs.iter().flatten().map(|run| run.time).sum();
    println!("{:<24} {:>12.3}", "all", ms(all / steps));
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
