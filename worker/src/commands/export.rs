//! `baton export`: trajectories and observables in the formats that other programs read, and figures.

use std::path::{Path, PathBuf};

use kernels::run::RunDir;
use serde::Serialize;

use crate::analysis::formats::npy::{self, Values};
use crate::analysis::formats::{dcd, xyz};
use crate::analysis::trajectory::{self, Frames, RunFrames};
use crate::analysis::{observables, plot};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::verified;

/// Trajectory and observables for other programs.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "xyz and dcd hold positions in Angstrom. npy holds the exact bits of the run, in the shape [frames, …]."
)]
pub(crate) struct Args {
    /// The run directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Format.
    #[arg(long, required_unless_present = "plot")]
    format: Option<Format>,
    /// Which of the package's outputs; may be left out where there is one that fits.
    #[arg(long, value_name = "NAME")]
    output: Option<String>,
    /// File to write, `-` for standard output; DIR/OUTPUT.FORMAT by default.
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
    /// NumPy array.
    Npy,
    /// The observables' table.
    Csv,
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
        Some(format) => written.push(frames(args, &dir, format)?),
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

fn frames(args: &Args, dir: &RunDir, format: Format) -> anyhow::Result<Written> {
    if (args.scaled || args.half) && format != Format::Npy {
        return Err(Usage("--scaled and --half are for --format npy".into()).into());
    }
    let wants_positions = format != Format::Npy;
    let name = trajectory::choose(dir.package(), args.output.as_deref(), wants_positions)?;
    let mut frames = RunFrames::open(dir, &name)?;
    let range = trajectory::parse_range(args.frames.as_deref(), frames.count())?;
    let values = match (args.scaled, args.half) {
        (_, true) => Values::Half,
        (true, _) => Values::Scaled,
        _ => Values::Raw,
    };
    let extension = match format {
        Format::Xyz => "xyz",
        Format::Dcd => "dcd",
        Format::Npy | Format::Csv => "npy",
    };
    let file = args
        .file
        .clone()
        .unwrap_or_else(|| args.dir.join(format!("{name}.{extension}")));
    let count = range.end - range.start;
    let unit = match (format, values) {
        (Format::Npy, Values::Raw) => Some("exact bits".to_owned()),
        (Format::Npy, _) => frames.shape().unit.clone(),
        _ if frames.shape().unit.as_deref() == Some("nm") => Some("Angstrom".into()),
        _ => frames.shape().unit.clone(),
    };
    output::file(&file, |out| match format {
        Format::Xyz => xyz::write(out, &mut frames, range),
        Format::Dcd => dcd::write(out, &mut frames, range),
        Format::Npy | Format::Csv => npy::write(out, &mut frames, range, values),
    })?;
    Ok(Written {
        file,
        output: Some(name),
        frames: Some(count),
        unit,
    })
}
