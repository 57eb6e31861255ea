//! Contract: what goes wrong between a volunteer's agent and its server, with the agent's own folder, or with what it is asked to compute, costs no
//! boundary, keeps the volunteer's limits, and is said once and as it is. Real processes on loopback.
//!
//! Run: `cargo nextest run --release --workspace --test mishaps`.

#![allow(unreachable_pub, reason = "modules of one test binary")]

mod devices;
mod limits;
mod network;
mod state_folder;
mod stop;
mod versions;
mod words;

use std::path::Path;

use kernels::package::Package;

/// Values of a state that is large: 40 MB.
const LARGE: u64 = 10_000_000;

/// A package whose state, so many values, does not compress; with all of it as an output of each step, or without outputs.
fn stirred_package(folder: &Path, values: u64, steps_per_segment: u64, has_frames: bool) -> Package {
    let mut manifest = include_str!("large/kernel.toml").replace("cells = 10000000", &format!("cells = {values}"));
    if has_frames {
        manifest.push_str("[[output]]\nname = \"frames\"\nbuffer = \"values\"\nevery = 1\n");
    }
    std::fs::create_dir(folder).expect("a folder");
    let manifest = manifest.replace("steps_per_segment = 1", &format!("steps_per_segment = {steps_per_segment}"));
    for (name, text) in [("kernel.toml", &*manifest), ("stir.wgsl", include_str!("large/stir.wgsl"))] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    Package::load(folder).expect("a good package")
}

/// A segment of some hundredths of a second.
const STEPS: u64 = 16;
/// Nothing is committed before a job's end, and no host is given up: all boundaries are the agent's alone meanwhile.
const NOTHING_HOME: &[&str] = &[
    "--heartbeat-s=1",
    "--commit-s=3600",
    "--requests-per-minute=0",
    "--enrolments-per-minute=0",
];
