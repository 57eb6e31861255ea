//! `fpcheck conformance`: every check on every device, and a report of it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fpcheck::conformance::{self, CHECKS, Settings};
use fpcheck::output;

use fpcheck::exit::{Exit, Usage};

/// Every check on every device: probes, golden kernels, interruptions, repeats, orders, hops from device to device.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit code 0: every check that could be made is passed. \
Several Vulkan drivers at once: VK_ICD_FILENAMES=a.json:b.json")]
pub(crate) struct Args {
    /// Packages by folder, or examples by name; argon, ising and gray-scott by default.
    #[arg(value_name = "PACKAGE|EXAMPLE")]
    packages: Vec<String>,
    /// Devices by id, with commas between them; all by default.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    devices: Vec<String>,
    /// Checks by name, with commas between them; all by default.
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    only: Vec<String>,
    /// Steps of each package.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..))]
    steps: u64,
    /// Repeats of each probe.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Random orders of devices, and of workgroups.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    orders: u32,
    /// Cases of a probe in the deep look, and operands of each function of the exact library.
    #[arg(long, value_name = "N", default_value_t = 1 << 20, value_parser = clap::value_parser!(u32).range(256..=1 << 22))]
    cases: u32,
    /// Write the report as a web page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Packages that every device is tried with.
const GOLDEN: [&str; 3] = ["argon", "ising", "gray-scott"];

/// Make the checks; a failed one is a failure.
///
/// # Errors
/// No such device, package or check, or the report cannot be written.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if let Some(unknown) = args.only.iter().find(|name| CHECKS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        return Err(Usage(format!("--only: no check '{unknown}'; there are: {}", known.join(", "))).into());
    }
    let devices = super::devices_of(&args.devices)?;
    let packages = if args.packages.is_empty() {
        GOLDEN
            .iter()
            .map(|name| kernels::examples::load(name))
            .collect::<Result<Vec<_>, _>>()?
    } else {
        args.packages
            .iter()
            .map(|name| super::package(name))
            .collect::<anyhow::Result<Vec<_>>>()?
    };
    let settings = Settings {
        steps: args.steps,
        repeats: args.repeats as usize,
        orders: args.orders as usize,
        cases: (args.cases as usize).next_multiple_of(256),
        only: args.only.clone(),
    };
    let mut tell = |words: &str| {
        if !args.json {
            output::note(words);
        }
    };
    let report = conformance::conformance(&devices, &packages, &settings, &mut tell)?;
    if let Some(path) = &args.html {
        write(path, &conformance::page(&report))?;
    }
    if args.json {
        output::json(&report)?;
    } else {
        output::lines(report.lines())?;
    }
    Ok(if report.passed() { Exit::Done } else { Exit::Failed })
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
