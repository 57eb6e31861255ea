//! Contract: what goes wrong between a volunteer's agent and its server, with the agent's own folder, or with what it is asked to compute, costs no
//! boundary, keeps the volunteer's limits, and is said once and as it is. Real processes on loopback.
//!
//! Run: `cargo nextest run --release --workspace --test mishaps`.

#![allow(unreachable_pub, reason = "modules of one test binary")]

mod limits;
mod network;
mod state_folder;
mod stop;
mod words;

use std::path::Path;

use kernels::package::Package;

/// A package with a state of 40 MB that does not compress, and no outputs.
fn large_package(folder: &Path, steps_per_segment: u64) -> Package {
    std::fs::create_dir(folder).expect("a folder");
    for (name, text) in [
        ("kernel.toml", include_str!("large/kernel.toml")),
        ("stir.wgsl", include_str!("large/stir.wgsl")),
    ] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    let package = Package::load(folder).expect("a good package");
    let manifest = package.manifest().clone().with_steps_per_segment(steps_per_segment);
    let package = package.with_manifest(manifest).expect("still a good package");
    package.save(folder).expect("saved");
    package
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
