//! One report of a machine's GPUs, on a machine that has neither Rust nor a network: devices and drivers, probes and classes, conformance with hops
//! between the GPUs and the CPU device, speed beside OpenMM's GPU platforms, and where a step's time goes.
//!
//! `benches/gpu pack FOLDER` here makes a folder to carry; `sh FOLDER/run` there calls this. The report is written anew after each part, so that one
//! that is cut short holds what was measured before.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use benches::median;
use benches::molecules::{import, script};
use benches::speed::{self, Until};
use clap::{Parser, ValueEnum};
use device::{Device, DeviceKind, SessionOptions};
use fpcheck::conformance::Settings;
use fpcheck::survey::{Survey, table};
use kernels::package::Package;
use serde::Serialize;

/// One report of a machine's GPUs.
#[derive(Parser)]
struct Arguments {
    /// Where report.json and report.md are written.
    #[arg(long, default_value = "gpu-report")]
    out: PathBuf,
    /// Devices by id, with commas between them; all GPUs and the CPU device by default.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    devices: Vec<String>,
    /// A folder of systems: for each a folder of OpenMM's three files.
    #[arg(long, value_name = "FOLDER")]
    systems: Option<PathBuf>,
    /// Unit cells along the edge of each melt; 4 atoms each.
    #[arg(long, value_delimiter = ',', default_values_t = [20, 40, 63])]
    melts: Vec<u32>,
    /// A Python that has OpenMM, and the folder of the scripts that call it.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// See above.
    #[arg(long, value_name = "FOLDER")]
    scripts: Option<PathBuf>,
    /// Nothing is begun after so many minutes.
    #[arg(long, default_value_t = 8.0)]
    minutes: f64,
    /// Steps of each kernel in the conformance suite.
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// The report's parts, in the order in which they are measured.
    #[arg(long, value_delimiter = ',', default_values = ["survey", "speeds", "passes"])]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    /// Probes, classes, conformance, hops.
    Survey,
    /// Steps per second of every system on every device, and by OpenMM.
    Speeds,
    /// Where a step's time goes on the GPUs.
    Passes,
}

/// Time of one speed on one device.
const READING: Duration = Duration::from_secs(4);
/// How long a segment is, if that is possible with so many steps.
const SEGMENT: Duration = Duration::from_secs(1);
const SEGMENT_STEPS: RangeInclusive<u64> = 50..=20_000;
/// Steps of a pass's timing, and of those before.
const STEPS: u64 = 50;
const WARM: u64 = 200;

#[derive(Default, Serialize)]
struct Report {
    survey: Option<Survey>,
    speeds: Vec<Speed>,
    passes: Vec<Passes>,
    /// What was not begun since the time was over.
    left_out: Vec<String>,
    seconds: f64,
}

#[derive(Serialize)]
struct Speed {
    system: String,
    atoms: u64,
    /// A device of ours, or OpenMM's platform.
    runs_on: String,
    /// Each reading; empty where it does not run.
    steps_per_second: Vec<f64>,
    why_not: Option<String>,
}

#[derive(Serialize)]
struct Passes {
    system: String,
    device: String,
    /// Name, milliseconds a step, and how often it had work in a step.
    passes: Vec<(String, f64, f64)>,
    /// All dispatches of a step handed over together, ms: median of some steps.
    whole_ms: f64,
}

/// What is run.
enum System {
    Melt(u32),
    Folder(PathBuf),
}

impl System {
    fn name(&self) -> String {
        match self {
            Self::Melt(cells) => format!("melt-{}", 4 * u64::from(*cells).pow(3)),
            Self::Folder(folder) => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// In segments of so many steps.
    fn package(&self, steps: u64) -> Result<Package> {
        let package = match self {
            Self::Folder(folder) if !folder.join("kernel.toml").is_file() => return import(folder, steps),
            Self::Folder(folder) => Package::load(folder)?,
            Self::Melt(cells) => kernels::md::examples::melt(*cells)?,
        };
        let manifest = package.manifest().clone().with_steps_per_segment(steps);
        Ok(package.with_manifest(manifest)?)
    }
}

/// Steps per second, in segments long enough for the boundary not to count.
fn rates(system: &System, short: &Package, device: &dyn Device) -> Result<Vec<f64>> {
    let first = speed::rates(short, device, Until::Readings(1))?;
    let steps = median(&first).unwrap_or_default() * SEGMENT.as_secs_f64();
    let steps = (steps as u64 / 100 * 100).clamp(*SEGMENT_STEPS.start(), *SEGMENT_STEPS.end());
    speed::rates(&system.package(steps)?, device, Until::Over(READING))
}

/// Rows of a package's positions.
fn atoms(package: &Package) -> u64 {
    let buffers = &package.manifest().buffers;
    let positions = buffers.iter().position(|buffer| buffer.name == "positions");
    positions.map_or(0, |id| package.shape(id).first().copied().unwrap_or(0))
}

struct Work {
    arguments: Arguments,
    devices: Vec<Arc<dyn Device>>,
    begun: Instant,
    report: Report,
}

fn main() -> Result<()> {
    fpcheck::environment::expect_drivers();
    let arguments = Arguments::parse();
    fs::create_dir_all(&arguments.out).with_context(|| format!("cannot make {}", arguments.out.display()))?;
    let all = if arguments.devices.is_empty() {
        device::automatic()
    } else {
        let chosen = arguments.devices.iter().map(|id| device::select(id));
        chosen.collect::<Result<Vec<_>, _>>()?
    };
    let mut work = Work {
        arguments,
        devices: all,
        begun: Instant::now(),
        report: Report::default(),
    };
    for device in &work.devices {
        let info = device.info();
        eprintln!("{}: {} ({})", info.id, info.name, info.driver);
    }
    if work.devices.iter().all(|device| device.info().kind == DeviceKind::BuiltInCpu) {
        eprintln!("no GPU is seen: is there a Vulkan loader (libvulkan1) and a driver's file (VK_DRIVER_FILES)?");
    }
    let mut systems: Vec<System> = Vec::new();
    let melts = work.arguments.melts.clone();
    systems.extend(melts.first().map(|cells| System::Melt(*cells)));
    systems.extend(work.folders()?.into_iter().map(System::Folder));
    systems.extend(melts.iter().skip(1).map(|cells| System::Melt(*cells)));
    for part in work.arguments.parts.clone() {
        match part {
            Part::Survey => work.survey()?,
            Part::Speeds => systems.iter().try_for_each(|system| work.speed(system))?,
            Part::Passes => systems.iter().try_for_each(|system| work.passes(system))?,
        }
    }
    eprintln!("written: {}", work.arguments.out.join("report.md").display());
    Ok(())
}

impl Work {
    fn folders(&self) -> Result<Vec<PathBuf>> {
        let Some(folder) = &self.arguments.systems else {
            return Ok(Vec::new());
        };
        let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut folders = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        folders.retain(|folder| folder.is_dir());
        folders.sort();
        Ok(folders)
    }

    /// Whether there is time to begin a part.
    fn begins(&mut self, what: &str) -> bool {
        let minutes = self.begun.elapsed().as_secs_f64() / 60.0;
        let begins = minutes < self.arguments.minutes;
        if begins {
            eprintln!("{minutes:.1} min: {what}");
        } else {
            self.report.left_out.push(what.to_owned());
        }
        begins
    }

    fn survey(&mut self) -> Result<()> {
        let packages = ["argon", "ising", "gray-scott"].map(kernels::examples::load);
        let packages = packages.into_iter().collect::<Result<Vec<_>, _>>()?;
        let settings = Settings {
            steps: self.arguments.steps,
            repeats: 10,
            orders: 5,
            cases: 1 << 16,
            only: Vec::new(),
        };
        let begun = self.begun;
        let tell = &mut |words: &str| eprintln!("{:.1} min: {words}", begun.elapsed().as_secs_f64() / 60.0);
        self.report.survey = Some(Survey::make(&self.devices, &packages, &settings, 1.0, tell)?);
        self.write()
    }

    fn speed(&mut self, system: &System) -> Result<()> {
        let name = system.name();
        if !self.begins(&format!("{name}: speed")) {
            return self.write();
        }
        let package = system.package(*SEGMENT_STEPS.start()).with_context(|| name.clone())?;
        let atoms = atoms(&package);
        for device in self.devices.clone() {
            let info = device.info();
            if !self.begins(&format!("{name} on {}", info.id)) {
                continue;
            }
            let rates = rates(system, &package, &*device);
            self.enter(&name, atoms, format!("{}: {}", info.id, info.name), rates);
            self.write()?;
        }
        let Some(scripts) = self.arguments.scripts.clone() else {
            return Ok(());
        };
        for platform in ["CUDA", "OpenCL"] {
            if !self.begins(&format!("{name} by OpenMM, {platform}")) {
                continue;
            }
            let (file, arguments) = match system {
                System::Melt(cells) => (
                    "openmm_melt.py",
                    [if *cells > 30 { "300" } else { "3000" }, "3", platform, &cells.to_string()]
                        .map(str::to_owned)
                        .to_vec(),
                ),
                System::Folder(folder) => {
                    let folder = folder.to_string_lossy().into_owned();
                    (
                        "openmm_system.py",
                        [&folder, "3000", "3", "2", platform].map(str::to_owned).to_vec(),
                    )
                }
            };
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let measured = script(&self.arguments.python, &scripts.join(file), &arguments);
            let program = measured.as_ref().map(|measured| measured.program.clone());
            let program = program.unwrap_or_else(|_| format!("OpenMM, {platform} platform"));
            self.enter(&name, atoms, program, measured.map(|measured| measured.rates));
            self.write()?;
        }
        Ok(())
    }

    fn enter(&mut self, system: &str, atoms: u64, runs_on: String, rates: Result<Vec<f64>>) {
        let why_not = rates.as_ref().err().map(|error| format!("{error:#}"));
        self.report.speeds.push(Speed {
            system: system.to_owned(),
            atoms,
            runs_on,
            steps_per_second: rates.unwrap_or_default(),
            why_not,
        });
    }

    fn passes(&mut self, system: &System) -> Result<()> {
        for device in self.devices.clone() {
            let id = device.info().id.clone();
            if device.info().kind == DeviceKind::BuiltInCpu {
                continue;
            }
            if !self.begins(&format!("{} on {id}: pass by pass", system.name())) {
                continue;
            }
            let package = system.package(*SEGMENT_STEPS.start())?;
            let Ok(timing) = speed::passes(&package, &*device, &SessionOptions::default(), WARM, STEPS) else {
                continue;
            };
            let passes = package.manifest().passes.iter().zip(&timing.passes).map(|(pass, runs)| {
                let time: Duration = runs.iter().map(|run| run.time).sum();
                let ran = runs.iter().filter(|run| run.ran).count();
                (
                    pass.name.clone(),
                    time.as_secs_f64() * 1e3 / STEPS as f64,
                    ran as f64 / STEPS as f64,
                )
            });
            self.report.passes.push(Passes {
                system: system.name(),
                device: id,
                passes: passes.collect(),
                whole_ms: median(&timing.steps.iter().map(Duration::as_secs_f64).collect::<Vec<_>>()).unwrap_or_default() * 1e3,
            });
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<()> {
        self.report.seconds = self.begun.elapsed().as_secs_f64();
        let put = |name: &str, bytes: Vec<u8>| {
            let path = self.arguments.out.join(name);
            fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
        };
        put("report.json", serde_json::to_vec_pretty(&self.report)?)?;
        if let Some(survey) = &self.report.survey {
            put("survey.json", serde_json::to_vec_pretty(survey)?)?;
        }
        put("report.md", page(&self.report, Path::new("survey.json")).into_bytes())
    }
}

/// The report for people.
fn page(report: &Report, survey_file: &Path) -> String {
    let mut lines = vec!["# GPUs, measured by `benches/gpu`".to_owned(), String::new()];
    if let Some(survey) = &report.survey {
        lines.extend(table([(&*survey_file.to_string_lossy(), survey)]));
        lines.extend([String::new(), "## Conformance".to_owned(), String::new(), "```".to_owned()]);
        lines.extend(survey.conformance.lines());
        lines.extend(["```".to_owned(), String::new()]);
    }
    lines.extend(
        [
            "## Speed",
            "",
            "| system | atoms | runs on | steps/s | readings |",
            "|---|---|---|---|---|",
        ]
        .map(str::to_owned),
    );
    for speed in &report.speeds {
        let readings: Vec<String> = speed.steps_per_second.iter().map(|rate| format!("{rate:.1}")).collect();
        lines.push(match (median(&speed.steps_per_second), &speed.why_not) {
            (Some(rate), _) => format!(
                "| {} | {} | {} | {rate:.1} | {} |",
                speed.system,
                speed.atoms,
                speed.runs_on,
                readings.join(" ")
            ),
            (None, why) => format!(
                "| {} | {} | {} | - | {} |",
                speed.system,
                speed.atoms,
                speed.runs_on,
                why.as_deref().unwrap_or("no reading").replace(['|', '\n'], " ")
            ),
        });
    }
    for passes in &report.passes {
        lines.extend([
            String::new(),
            format!("## {} on {}, pass by pass", passes.system, passes.device),
            String::new(),
        ]);
        lines.push("Each dispatch alone on the device, by its own clock where it has one.".to_owned());
        lines.extend(["", "| pass | ms a step | runs a step |", "|---|---|---|"].map(str::to_owned));
        let rows = passes.passes.iter();
        lines.extend(rows.map(|(name, time, often)| format!("| {name} | {time:.4} | {often:.2} |")));
        let all: f64 = passes.passes.iter().map(|(_, time, _)| time).sum();
        let dispatches: f64 = passes.passes.iter().map(|(_, _, often)| often).sum();
        lines.push(format!("| all | {all:.4} | {dispatches:.2} |"));
        lines.push(format!("| a whole step, handed over together | {:.4} | |", passes.whole_ms));
    }
    if !report.left_out.is_empty() {
        lines.extend([String::new(), "Left out, since the time was over:".to_owned()]);
        lines.extend(report.left_out.iter().map(|what| format!("- {what}")));
    }
    lines.extend([String::new(), format!("{:.0} seconds in all.", report.seconds), String::new()]);
    lines.join("\n")
}
