//! Every system on every device that is worth it, beside every peer, in one run: the table of the README, and a line in the history.
//!
//! `cargo run --release -p benches --bin all` after `benches/peers/install`. Sides take turns. With `--record` the run is appended to
//! `benches/results/history.jsonl` and the plot is drawn anew; `--plot` draws it alone.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use benches::history::{self, Entry, FILE, OPENMM, OURS, PLOT, Reading};
use benches::molecules::{Measured, import, processor_ms, script};
use benches::{Row, gromacs, lammps, openmm_python, peers};
use clap::Parser;
use device::{Device, DeviceKind, SessionOptions};
use kernels::package::Package;
use kernels::run::{Executor, initial_state};

/// Every system, device and peer.
#[derive(Parser)]
struct Arguments {
    /// Folders of OpenMM's files; those beside the repository by default, as far as they are there.
    folders: Vec<PathBuf>,
    /// Systems by their names in the table; all without it.
    #[arg(long)]
    only: Vec<String>,
    /// Readings of each side.
    #[arg(long, default_value_t = 5)]
    repeats: usize,
    /// Atom-steps of one reading, in millions, four times as many for the melt: steps are chosen by a system's size, whole fifties.
    #[arg(long, default_value_t = 4.0)]
    millions: f64,
    /// Append to the history, and draw it.
    #[arg(long)]
    record: bool,
    /// Draw the history and do nothing else.
    #[arg(long)]
    plot: bool,
}

const SHARED: [&str; 4] = ["alanine-dipeptide", "salt-water", "tip3p-900", "dhfr"];
/// A reading's steps are a multiple of this, the melt's steps from one look at its energies to the next: in a segment that this does not divide, energies would be
/// computed more often.
const PERIOD: u64 = 50;
/// An atom of the melt costs a sixth of one of molecules: so many times as many steps, so that the list and the boundary that every reading of ours begins and ends with weigh
/// as little as they do in a run.
const MELT_LONGER: f64 = 4.0;
/// Unit cells along the melt's edge.
const CELLS: u32 = 20;

enum System {
    Melt,
    Folder(PathBuf),
}

impl System {
    fn name(&self) -> String {
        match self {
            Self::Melt => format!("melt-{}", 4 * CELLS.pow(3)),
            Self::Folder(folder) => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    fn package(&self, steps: u64) -> Result<Package> {
        match self {
            Self::Folder(folder) => import(folder, steps),
            Self::Melt => {
                let melt = kernels::md::examples::melt(CELLS)?;
                let manifest = melt.manifest().clone().with_steps_per_segment(steps);
                Ok(melt.with_manifest(manifest)?)
            }
        }
    }

    fn openmm(&self, steps: u64, threads: usize) -> Result<Measured> {
        let python = openmm_python();
        let [steps, threads] = [steps.to_string(), threads.to_string()];
        match self {
            Self::Melt => script(&python, &peers().join("openmm_melt.py"), &[&steps, "1"]),
            Self::Folder(folder) => {
                let folder = folder.to_str().context("the folder's name is no Unicode")?;
                script(&python, &peers().join("openmm_system.py"), &[folder, &steps, "1", &threads])
            }
        }
    }

    fn gromacs(&self, steps: u64, threads: usize) -> Result<Measured, String> {
        match self {
            Self::Melt => of(gromacs(steps, 1, threads)).map(|rates| Measured {
                program: "GROMACS".to_owned(),
                rates,
                processor_ms: Vec::new(),
            }),
            Self::Folder(folder) => {
                let [steps, threads] = [steps.to_string(), threads.to_string()];
                let folder = folder.to_str().ok_or("the folder's name is no Unicode")?;
                let arguments = [folder, &steps, "1", &threads];
                let measured = script(&openmm_python(), &peers().join("gromacs_system.py"), &arguments);
                measured.map_err(|error| format!("{error:#}"))
            }
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
    if arguments.plot {
        return draw(benches);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut entry = Entry::here(threads)?;
    let folders = if arguments.folders.is_empty() {
        let beside = SHARED.map(|name| benches.join("../../shared/data/openmm").join(name));
        beside.into_iter().filter(|folder| folder.is_dir()).collect()
    } else {
        arguments.folders.clone()
    };
    let all = [System::Melt].into_iter().chain(folders.into_iter().map(System::Folder));
    let systems = all.filter(|system| arguments.only.is_empty() || arguments.only.contains(&system.name()));
    for system in systems {
        entry.rows.extend(measure(&system, &arguments, threads)?);
    }
    println!(
        "{}, commit {}, {}, {} readings of each side\n",
        entry.date, entry.commit, entry.machine, arguments.repeats
    );
    for line in entry.table() {
        println!("{line}");
    }
    if arguments.record {
        let path = benches.join(FILE);
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path)?;
        writeln!(file, "{}", serde_json::to_string(&entry)?)?;
        draw(benches)?;
    }
    Ok(())
}

fn draw(benches: &Path) -> Result<()> {
    let path = benches.join(PLOT);
    // Runs without the peer are kept, and have no ratio to draw.
    match history::plot(&history::read(&benches.join(FILE))?) {
        Ok(svg) => {
            fs::write(&path, svg)?;
            println!("\n{}", path.display());
        }
        Err(why) => println!("\nno plot: {why}"),
    }
    Ok(())
}

/// All sides of one system, in turns.
fn measure(system: &System, arguments: &Arguments, threads: usize) -> Result<Vec<Reading>> {
    let name = system.name();
    let positions = system.package(1)?;
    let id = positions
        .manifest()
        .buffers
        .iter()
        .position(|buffer| buffer.name == "positions");
    let atoms = id.map_or(1, |id| positions.shape(id)[0]).max(1);
    let millions = match system {
        System::Melt => MELT_LONGER * arguments.millions,
        System::Folder(_) => arguments.millions,
    };
    let steps = ((millions * 1e6 / atoms as f64) as u64).max(1).next_multiple_of(PERIOD);
    let package = system.package(steps)?;
    // Graphics drivers that run on the processor say nothing about speed.
    let devices = device::automatic();
    let devices = devices.iter().filter(|device| device.info().kind != DeviceKind::SoftwareGpu);
    let mut sides: Vec<Side<'_>> = Vec::new();
    for device in devices {
        sides.push(Side::ours(&package, &**device)?);
    }
    let mut sides: Vec<(Side<'_>, Reading)> = sides
        .into_iter()
        .chain(Side::peers(system))
        .map(|side| {
            (
                side,
                Reading {
                    system: name.clone(),
                    runs_on: String::new(),
                    steps_per_second: Vec::new(),
                    processor_ms: Vec::new(),
                },
            )
        })
        .collect();
    for turn in 0..=arguments.repeats {
        eprintln!("{name}: turn {turn} of {}", arguments.repeats);
        for (side, reading) in &mut sides {
            // Turn 0 warms ours up, and shows which peers are there.
            side.read(system, steps, threads, if turn > 0 { Some(reading) } else { None })?;
            reading.runs_on = side.name();
        }
        sides.retain(|(side, _)| !side.is_absent());
    }
    Ok(sides.into_iter().map(|(_, reading)| reading).collect())
}

/// One program.
enum Side<'a> {
    Ours { name: String, executor: Box<Executor<'a>> },
    OpenMm,
    Lammps,
    Gromacs,
    Absent(String),
}

impl<'a> Side<'a> {
    fn ours(package: &'a Package, device: &'a dyn Device) -> Result<Self> {
        let mut executor = Executor::open(package, device, &SessionOptions::default())?;
        executor.enter(0, &initial_state(package))?;
        let info = device.info();
        let name = if info.kind == DeviceKind::BuiltInCpu {
            OURS.to_owned()
        } else {
            format!("Baton {}", info.name)
        };
        Ok(Self::Ours {
            name,
            executor: Box::new(executor),
        })
    }

    fn peers(system: &System) -> Vec<Self> {
        match system {
            System::Melt => vec![Self::OpenMm, Self::Lammps, Self::Gromacs],
            System::Folder(_) => vec![Self::OpenMm, Self::Gromacs],
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Ours { name, .. } | Self::Absent(name) => name.clone(),
            Self::OpenMm => OPENMM.to_owned(),
            Self::Lammps => "LAMMPS opt".to_owned(),
            Self::Gromacs => "GROMACS".to_owned(),
        }
    }

    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent(_))
    }

    fn read(&mut self, system: &System, steps: u64, threads: usize, reading: Option<&mut Reading>) -> Result<()> {
        let (rates, processor) = match self {
            Self::Ours { executor, .. } => {
                let (start, used) = (std::time::Instant::now(), processor_ms()?);
                executor.advance(u64::MAX)?;
                executor.cross()?;
                let seconds = start.elapsed().as_secs_f64();
                (
                    Ok(vec![steps as f64 / seconds]),
                    vec![(processor_ms()? - used) / steps as f64],
                )
            }
            Self::OpenMm => match system.openmm(steps, threads) {
                Ok(measured) => (Ok(measured.rates), measured.processor_ms),
                Err(error) => (Err(format!("{error:#}")), Vec::new()),
            },
            Self::Lammps => (of(lammps(steps, threads)), Vec::new()),
            Self::Gromacs => match system.gromacs(steps, threads) {
                Ok(measured) => (Ok(measured.rates), measured.processor_ms),
                Err(error) => (Err(error), Vec::new()),
            },
            Self::Absent(_) => return Ok(()),
        };
        match (rates, reading) {
            (Ok(rates), Some(reading)) => {
                reading.steps_per_second.extend(rates);
                reading.processor_ms.extend(processor);
            }
            (Ok(_), None) => {}
            (Err(why), _) => {
                eprintln!("{} is left out: {why}", self.name());
                *self = Self::Absent(self.name());
            }
        }
        Ok(())
    }
}

fn of(row: Row) -> Result<Vec<f64>, String> {
    row.rates
}
