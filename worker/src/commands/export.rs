//! `baton export`: trajectories and observables in the formats that other programs read, and figures.

use std::path::{Path, PathBuf};

use kernels::md::draft::BOX_SCALE;
use kernels::md::readback::Readback;
use kernels::run::RunDir;
use serde::Serialize;

use super::export_package;
use crate::analysis::formats::npy::{self, Values};
use crate::analysis::formats::topology::Topology;
use crate::analysis::formats::{self, dcd, xtc, xyz};
use crate::analysis::trajectory::{self, Frames, LastState, RunFrames, Selected, Selection};
use crate::analysis::{observables, plot};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::verified;

/// Trajectory and observables for other programs.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "xyz and dcd hold positions in Angstrom, xtc in nm. npy holds the exact bits of the run, in the shape [frames, …]. \
state.xml is OpenMM's State of the last boundary, to go on there; package is a package that begins with it, to go on here with other constants."
)]
pub(crate) struct Args {
    /// The run directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Format.
    #[arg(long, required_unless_present = "plot")]
    format: Option<Format>,
    /// Which of the package's outputs, or last.NAME: the state buffer NAME at the newest boundary, as one frame. May be left out where one output fits.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// File to write, `-` for standard output; DIR/OUTPUT.FORMAT by default. Of a package the folder, DIR/package-at-STEP by default.
    #[arg(short = 'o', long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Frames A up to, not including, B; counted from 0.
    #[arg(long, value_name = "A..B")]
    frames: Option<String>,
    /// npy: physical values as f64 instead of the exact bits.
    #[arg(long)]
    scaled: bool,
    /// npy: physical values as f16, a compact trajectory.
    #[arg(long, conflicts_with = "scaled")]
    half: bool,
    /// xyz, dcd and xtc: a part of the atoms: not-water, water, or A..B counted from 0.
    #[arg(long, value_name = "WHICH")]
    atoms: Option<String>,
    /// xyz, dcd and xtc: a PDB file of the run's atoms; its lines of the selected ones are written beside the trajectory.
    #[arg(long, value_name = "FILE.pdb")]
    topology: Option<PathBuf>,
    /// Draw observables and, for molecular systems, energy drift and g(r) as SVG into this folder.
    #[arg(long, value_name = "FOLDER")]
    plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// File formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Extended XYZ, Angstrom.
    Xyz,
    /// DCD as CHARMM writes it, f32, Angstrom.
    Dcd,
    /// XTC as GROMACS writes it, rounded to 0.001 nm.
    Xtc,
    /// NumPy array.
    Npy,
    /// The observables' table.
    Csv,
    /// OpenMM's serialised State.
    #[value(name = "state.xml")]
    State,
    /// A package that begins with the run's last state.
    Package,
}

#[derive(Serialize)]
struct Written {
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

/// Write what was asked for.
///
/// # Errors
/// It is no run directory, something in it is not what was written, it has no such output, or the file cannot be written.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let dir = RunDir::view(&args.dir)?;
    verified::must_be_whole(&dir)?;
    let mut written = Vec::new();
    match args.format {
        Some(Format::Csv) => written.push(table(args, &dir)?),
        Some(Format::State) => written.push(state(args, &dir)?),
        Some(Format::Package) => written.push(package(args, &dir)?),
        Some(format) => written.extend(frames(args, &dir, format)?),
        None => {}
    }
    if let Some(folder) = &args.plot {
        let plain = |file| Written {
            file,
            output: None,
            frames: None,
            unit: None,
        };
        written.extend(plot::of_run(&dir, folder)?.into_iter().map(plain));
    }
    if args.json {
        output::json(&written)?;
    } else if args.file.as_deref() != Some(Path::new("-")) {
        output::lines(written.iter().map(line))?;
    }
    Ok(Exit::Done)
}

fn line(written: &Written) -> String {
    let mut line = format!("wrote {}", written.file.display());
    if let (Some(output), Some(frames)) = (&written.output, written.frames) {
        line.push_str(&format!(": {frames} frames of '{output}'"));
    }
    if let Some(unit) = &written.unit {
        line.push_str(&format!(" in {unit}"));
    }
    line
}

fn table(args: &Args, dir: &RunDir) -> anyhow::Result<Written> {
    if args.frames.is_some() || args.output.is_some() || args.scaled || args.half {
        return Err(
            Usage("--frames, --output, --scaled and --half are for trajectories; csv is the whole table".into()).into(),
        );
    }
    no_atoms(args, "csv")?;
    let name = &dir.package().manifest().name;
    let text = observables::text(dir)?.ok_or_else(|| Usage(format!("package '{name}' has no outputs with columns")))?;
    let file = args.file.clone().unwrap_or_else(|| args.dir.join("export.csv"));
    output::file(&file, |out| Ok(out.write_all(text.as_bytes())?))?;
    Ok(Written {
        file,
        output: None,
        frames: None,
        unit: None,
    })
}

/// `--atoms` and `--topology` are for formats of atoms alone.
fn no_atoms(args: &Args, format: &str) -> Result<(), Usage> {
    match args.atoms.is_some() || args.topology.is_some() {
        true => Err(Usage(format!(
            "--atoms and --topology are for xyz, dcd and xtc, not for {format}"
        ))),
        false => Ok(()),
    }
}

/// The state of the last boundary that has a checkpoint.
fn state(args: &Args, dir: &RunDir) -> anyhow::Result<Written> {
    if args.frames.is_some() || args.output.is_some() || args.scaled || args.half {
        return Err(
            Usage("--frames, --output, --scaled and --half are for trajectories; state.xml is the last state".into()).into(),
        );
    }
    no_atoms(args, "state.xml")?;
    let (boundary, buffers) = dir.newest_state()?;
    let particles = Readback::of(dir.package()).map_err(Usage)?;
    let words = |name: &str| -> anyhow::Result<Vec<u32>> {
        let buffer = buffers.iter().find(|buffer| buffer.name == name);
        let buffer = buffer.ok_or_else(|| Usage(format!("the package's state has no '{name}': it is not a molecular one")))?;
        let words = buffer.bytes.as_chunks::<4>().0.iter();
        Ok(words.map(|word| u32::from_le_bytes(*word)).collect())
    };
    let scale = buffers.iter().find(|buffer| buffer.name == BOX_SCALE);
    let scale = scale.and_then(|buffer| buffer.bytes.first_chunk::<4>());
    let particles = match scale {
        Some(word) => particles.at_scale(f32::from_le_bytes(*word)),
        None => particles,
    };
    let run = &dir.package().manifest().run;
    let velocities = words("velocities")?;
    let state = formats::state::State {
        cell: particles.cell.cell().vectors_nm,
        positions: particles.in_one_piece(words("positions")?.as_chunks::<3>().0),
        velocities: velocities
            .as_chunks::<3>()
            .0
            .iter()
            .map(|v| v.map(|word| f64::from(f32::from_bits(word))))
            .collect(),
        time: run.start_time.unwrap_or(0.0) + boundary.step as f64 * run.time_per_step.unwrap_or(0.0),
        step: run.start_step.unwrap_or(0) + boundary.step,
    };
    // The first half of the last kick is still to come: `md::motion::integration`.
    if dir.package().manifest().passes.iter().any(|pass| pass.name == "kick_1") {
        output::note("note: the velocities are half a kick behind the positions, as this integrator (V R O R V) keeps them");
    }
    let file = args.file.clone().unwrap_or_else(|| args.dir.join("state.xml"));
    output::file(&file, |out| formats::state::write(out, &state))?;
    Ok(Written {
        file,
        output: None,
        frames: None,
        unit: None,
    })
}

/// A package that begins where the run is.
fn package(args: &Args, dir: &RunDir) -> anyhow::Result<Written> {
    if args.frames.is_some() || args.output.is_some() || args.scaled || args.half {
        return Err(Usage(
            "--frames, --output, --scaled and --half are for trajectories; a package begins with the last state".into(),
        )
        .into());
    }
    no_atoms(args, "package")?;
    Ok(Written {
        file: export_package::write(dir, args.file.as_deref())?,
        output: None,
        frames: None,
        unit: None,
    })
}

fn frames(args: &Args, dir: &RunDir, format: Format) -> anyhow::Result<Vec<Written>> {
    if (args.scaled || args.half) && format != Format::Npy {
        return Err(Usage("--scaled and --half are for --format npy".into()).into());
    }
    let wants_positions = format != Format::Npy;
    if !wants_positions {
        no_atoms(args, "npy")?;
    }
    let name = trajectory::choose(dir.package(), args.output.as_deref(), wants_positions)?;
    let mut frames: Box<dyn Frames> = match trajectory::state_buffer(dir.package(), &name)? {
        Some(buffer) => {
            let (boundary, state) = dir.newest_state()?;
            Box::new(LastState::new(dir.package(), buffer, &boundary, &state)?)
        }
        None => Box::new(RunFrames::open(dir, &name)?),
    };
    let frames = &mut *frames;
    let range = trajectory::parse_range(args.frames.as_deref(), frames.count())?;
    let values = match (args.scaled, args.half) {
        (_, true) => Values::Half,
        (true, _) => Values::Scaled,
        _ => Values::Raw,
    };
    let extension = match format {
        Format::Xyz => "xyz",
        Format::Dcd => "dcd",
        Format::Xtc => "xtc",
        Format::Npy | Format::Csv | Format::State | Format::Package => "npy",
    };
    let file = args
        .file
        .clone()
        .unwrap_or_else(|| args.dir.join(format!("{name}.{extension}")));
    let count = range.end - range.start;
    let unit = match (format, values) {
        (Format::Npy, Values::Raw) => Some("exact bits".to_owned()),
        (Format::Npy, _) => frames.shape().unit.clone(),
        (Format::Xtc, _) => frames.shape().unit.clone(),
        _ if frames.shape().unit.as_deref() == Some("nm") => Some("Angstrom".into()),
        _ => frames.shape().unit.clone(),
    };
    if !wants_positions {
        output::file(&file, |out| npy::write(out, frames, range, values))?;
        return Ok(vec![written(file, name, count, unit)]);
    }
    let rows = usize::try_from(frames.shape().positions()?)?;
    let selection = match &args.atoms {
        Some(text) => Selection::parse(text, dir.package(), rows)?,
        None => Selection((0..rows).collect()),
    };
    if args.topology.is_some() && args.file.as_deref() == Some(Path::new("-")) {
        return Err(Usage("--topology writes a file beside the trajectory: name one with -o".into()).into());
    }
    let topology = args.topology.as_deref().map(|path| Topology::read(path, rows)).transpose()?;
    let mut selected = Selected::new(frames, &selection);
    output::file(&file, |out| match format {
        Format::Dcd => dcd::write(out, &mut selected, range.clone()),
        Format::Xtc => xtc::write(out, &mut selected, range.clone()),
        _ => xyz::write(out, &mut selected, range.clone()),
    })?;
    let mut all = vec![written(file.clone(), name, count, unit)];
    if let Some(topology) = topology {
        let beside = file.with_extension("pdb");
        output::file(&beside, |out| topology.write(out, &selection, &mut selected, range.start))?;
        all.push(Written {
            file: beside,
            output: None,
            frames: None,
            unit: None,
        });
    }
    Ok(all)
}

fn written(file: PathBuf, output: String, frames: u64, unit: Option<String>) -> Written {
    Written {
        file,
        output: Some(output),
        frames: Some(frames),
        unit,
    }
}
