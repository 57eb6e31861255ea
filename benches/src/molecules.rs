//! Systems of molecules as OpenMM writes them, and OpenMM itself on them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use kernels::import::{Files, Options, openmm};
use kernels::md::Plan;
use kernels::package::Package;

use crate::tiles::tiled;

/// The package of a folder of `system.xml`, `state.xml` and `integrator.xml`, gzipped or not, in segments of `steps` steps.
///
/// # Errors
/// The files cannot be read, or hold what cannot be run.
pub fn import(folder: &Path, steps: u64) -> Result<Package> {
    import_tiled(folder, steps, 1)
}

/// The same, `tiles` times along each edge of the box: see [`tiled`].
///
/// # Errors
/// The files cannot be read, or hold what cannot be run, or what cannot be put side by side.
pub fn import_tiled(folder: &Path, steps: u64, tiles: u32) -> Result<Package> {
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
    let system = openmm(&files, &Options::default())?.system;
    let system = if tiles == 1 { system } else { tiled(&system, tiles)? };
    Ok(system.package(plan)?)
}

/// What OpenMM measured, in a process of its own.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Its version and platform.
    pub program: String,
    /// Steps per second, each reading.
    pub rates: Vec<f64>,
    /// Milliseconds of processor time a step, each reading; empty where the script does not measure it.
    pub processor_ms: Vec<f64>,
}

/// Runs one of the peers' Python scripts.
///
/// # Errors
/// Python, OpenMM or the platform is not there; the last line of what it says.
pub fn script(python: &Path, script: &Path, arguments: &[&str]) -> Result<Measured> {
    let output = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .with_context(|| format!("{} is not here; benches/peers/install installs it", python.display()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{}", words.trim().lines().last().unwrap_or("no word"));
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).context("the script's answer")?;
    let numbers = |name: &str| -> Vec<f64> {
        let list = answer[name].as_array().into_iter().flatten();
        list.filter_map(serde_json::Value::as_f64).collect()
    };
    Ok(Measured {
        program: answer["program"].as_str().unwrap_or("OpenMM").to_owned(),
        rates: numbers("all"),
        processor_ms: numbers("processor_ms_a_step"),
    })
}

/// Processor time that all threads of this process have used so far, ms.
///
/// # Errors
/// This platform does not tell.
#[cfg(unix)]
#[expect(unsafe_code, reason = "the standard library has no clock of a process")]
pub fn processor_ms() -> Result<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a place for a time.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    anyhow::ensure!(failed == 0, "this platform does not tell the processor time of a process");
    Ok(time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6)
}

/// Processor time that all threads of this process have used so far, ms.
///
/// # Errors
/// This platform does not tell.
#[cfg(not(unix))]
pub fn processor_ms() -> Result<f64> {
    bail!("this platform does not tell the processor time of a process")
}
