//! `fpcheck report`: this machine's devices as one file, and such files as a table.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fpcheck::conformance::Settings;
use fpcheck::exit::{Exit, Usage};
use fpcheck::output;
use fpcheck::survey::{Survey, table};

/// What this machine's devices are, compute and pass, as one file that can be sent to a project. It names no machine, owner or path.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit code 0: every check that could be made is passed.")]
pub(crate) struct Args {
    /// Devices by id, with commas between them; all by default.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    devices: Vec<String>,
    /// Where the survey is written.
    #[arg(long, value_name = "FILE", default_value = "survey.json")]
    out: PathBuf,
    /// Steps of each golden kernel.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(10..))]
    steps: u64,
    /// Time for each reading of speed.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Print the surveys in a folder (*.json) as a Markdown table instead.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["devices", "out", "steps", "seconds"])]
    table: Option<PathBuf>,
}

/// Golden kernels of a survey: physics, integers, and a stencil.
const GOLDEN: [&str; 3] = ["argon", "ising", "gray-scott"];

/// Make a survey, or print surveys side by side.
///
/// # Errors
/// No such device, or a file cannot be read or written.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if let Some(folder) = &args.table {
        output::lines(table_of(folder)?)?;
        return Ok(Exit::Done);
    }
    if !(args.seconds > 0.0 && args.seconds <= 600.0) {
        return Err(Usage(format!("--seconds {}: more than 0 and at most 600", args.seconds)).into());
    }
    let devices = super::devices_of(&args.devices)?;
    let packages = GOLDEN
        .iter()
        .map(|name| kernels::examples::load(name))
        .collect::<Result<Vec<_>, _>>()?;
    let settings = Settings {
        steps: args.steps,
        repeats: 10,
        orders: 5,
        cases: 1 << 16,
        only: Vec::new(),
    };
    let survey = Survey::make(&devices, &packages, &settings, args.seconds, &mut |words| output::note(words))?;
    std::fs::write(&args.out, serde_json::to_vec_pretty(&survey)?)
        .with_context(|| format!("cannot write {}", args.out.display()))?;
    output::lines(survey.conformance.lines())?;
    output::note(format_args!("written: {}", args.out.display()));
    Ok(if survey.conformance.passed() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn table_of(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let surveys = paths
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            Survey::read(path).map(|survey| (name, survey))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(table(surveys.iter().map(|(name, survey)| (name.as_str(), survey))))
}
