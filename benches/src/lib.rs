//! What the benchmarks share: medians, and the peers as child processes; how fast a device runs a package; systems of molecules, also many times side by side;
//! speeds by commit; a client that costs little, to load a server with; a fleet of hosts, and what it takes in the database; a job that migrates.

pub mod fleet;
pub mod history;
pub mod load;
pub mod migration;
pub mod molecules;
pub mod speed;
pub mod stored;
pub mod tiles;

use std::path::{Path, PathBuf};
use std::process::Command;

/// One line of a comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// Program and device.
    pub who: String,
    /// Steps per second: the median, and all the readings.
    pub rates: Result<Vec<f64>, String>,
}

impl Row {
    /// Median of the readings.
    pub fn median(&self) -> Option<f64> {
        self.rates.as_ref().ok().and_then(|rates| median(rates))
    }
}

/// Median; the upper one of two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// The folder of the peers' inputs.
pub fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

/// The Python that has OpenMM: `BATON_OPENMM_PYTHON`, or the one of `.venv` in the repository, which `peers/install` makes.
pub fn openmm_python() -> PathBuf {
    let said = std::env::var_os("BATON_OPENMM_PYTHON").map(PathBuf::from);
    said.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python"))
}

/// OpenMM's CPU platform on the melt.
pub fn openmm(steps: u64, repeats: usize) -> Row {
    let arguments = [steps.to_string(), repeats.to_string()];
    let measured = molecules::script(
        &openmm_python(),
        &peers().join("openmm_melt.py"),
        &arguments.each_ref().map(String::as_str),
    );
    Row {
        who: "OpenMM, CPU platform".into(),
        rates: measured.map(|measured| measured.rates).map_err(|error| format!("{error:#}")),
    }
}

/// LAMMPS on the melt, as many processes as there are cores.
pub fn lammps(steps: u64, processes: usize) -> Row {
    let mut command = Command::new("mpirun");
    command.args([
        "--allow-run-as-root",
        "--oversubscribe",
        "-np",
        &processes.to_string(),
        "lmp",
        "-sf",
        "opt",
        "-log",
        "none",
    ]);
    command
        .args(["-var", "steps", &steps.to_string(), "-in"])
        .arg(peers().join("melt.lammps"));
    let rates = say(&mut command).map(|text| {
        let loops = text.lines().filter(|line| line.starts_with("Loop time of")).skip(1);
        let seconds = loops.filter_map(|line| line.split_whitespace().nth(3)?.parse::<f64>().ok());
        seconds.map(|seconds| steps as f64 / seconds).collect()
    });
    Row {
        who: format!("LAMMPS, opt, {processes} processes"),
        rates,
    }
}

/// GROMACS on the melt, as many threads as there are cores.
pub fn gromacs(steps: u64, repeats: usize, threads: usize) -> Row {
    let mut command = Command::new(peers().join("gromacs_melt"));
    command.args([steps.to_string(), repeats.to_string(), threads.to_string()]);
    Row {
        who: format!("GROMACS, {threads} threads"),
        rates: say(&mut command).map(|text| text.lines().filter_map(|line| line.parse().ok()).collect()),
    }
}

/// What a command prints, or why there is nothing.
fn say(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("{name} is not here ({error}); benches/peers/install installs it"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let text = String::from_utf8_lossy(&output.stderr);
        Err(format!("{name} failed: {}", text.lines().last().unwrap_or("no word")))
    }
}
