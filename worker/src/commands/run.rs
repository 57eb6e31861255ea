//! `baton run`: a package or an example, from its initial state, in a run directory of its own; or several runs of it, as an array.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kernels::package::{Package, Values};
use kernels::run::{RunConfig, RunDir, RunError};

use super::export_package::has_seed;
use crate::array;
use crate::array::choice::{Choice, ChoiceArgs};
use crate::array::dir::{self, ArrayDir};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::drive::{self, HowArgs, Onward};
use crate::local::{choose, verified};

/// Run a package from its initial state.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples: argon, gray-scott, ising, laplace.\n\
Ctrl-C or SIGTERM stops at the next boundary (exit code 85), a second one at once; `baton resume DIR` goes on.")]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE", required_unless_present = "from")]
    package: Option<String>,
    /// Begin with the state that this run has come to, as its next generation: a package of its own, with other constants (--set) or, where PACKAGE is
    /// given, of another text, which names the run as its parent.
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// The run directory to make; runs/NAME-TIME by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Segments to run; as many as the package says by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    segments: Option<u64>,
    /// Keep a checkpoint at each K-th boundary, all of them; a run that is cut off loses up to K segments. By default one is written at
    /// each boundary, and the newest two are kept. The chain has every boundary either way.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint_every: Option<u64>,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    how: HowArgs,
}

/// Make the run directory and run.
///
/// # Errors
/// The package is wrong, the folder is in use, no device has a class in the package's tier, or the run failed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let package = package(args)?;
    let package = match args.choice.of(&package)? {
        Choice::One(package) => *package,
        Choice::Array(runs) => return array(args, &package, runs),
    };
    let manifest = package.manifest();
    let chosen = args.how.device(manifest.tier, None)?;
    let out = args.out.clone().unwrap_or_else(|| default_folder(&manifest.name));
    refuse_used(&out)?;
    let config = RunConfig {
        checkpoint_every: args.checkpoint_every.unwrap_or(1),
        keep_checkpoints: args.checkpoint_every.is_some(),
        ..RunConfig::new(args.segments.unwrap_or(manifest.run.segments))
    };
    if !args.how.json {
        let info = chosen.device.info();
        output::note(format_args!(
            "{} {} · {} ({}) · {} segments of {} steps → {}",
            manifest.name,
            manifest.version,
            info.id,
            info.name,
            config.segments,
            manifest.run.steps_per_segment,
            out.display()
        ));
    }
    let dir = RunDir::create(&out, &package, config)?;
    let ended = drive::drive(&dir, &chosen, &args.how, &Onward::default());
    let computed = dir.chain().is_ok_and(|chain| chain.len() > 1);
    drop(dir);
    let in_vain = ended.as_ref().is_err_and(|error| {
        let cause = error.downcast_ref();
        !matches!(
            cause,
            Some(RunError::Disk { .. } | RunError::Checkpoint { .. } | RunError::Internal(_))
        )
    });
    if in_vain && !computed {
        // A directory with nothing in it would only be in the way of the next try; once there is room on the disk, though, it can be resumed.
        drop(std::fs::remove_dir_all(&out));
    }
    ended
}

/// The package that is asked for: one by name, or the next generation of a run.
///
/// # Errors
/// There is no such package or run, or the run is of another package than the one that is to go on from it.
fn package(args: &Args) -> anyhow::Result<Package> {
    let named = args.package.as_deref().map(choose::package).transpose()?;
    let Some(from) = &args.from else {
        return named.ok_or_else(|| Usage("expected a package, or a run to go on from (--from DIR)".into()).into());
    };
    let parent = RunDir::view(from)?;
    verified::must_be_whole(&parent)?;
    let next = parent.next_generation(named.as_ref().unwrap_or_else(|| parent.package()))?;
    let sets_seed = args.choice.sets("seed");
    if has_seed(&next) && !sets_seed {
        output::note(
            "note: steps are counted from 0 again: without another seed (--set seed=…) the same random numbers come again",
        );
    }
    Ok(next)
}

/// Make the array's folder and run all of it.
fn array(args: &Args, package: &Package, runs: Vec<Values>) -> anyhow::Result<Exit> {
    let manifest = package.manifest();
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| default_folder(&format!("{}-array", manifest.name)));
    refuse_used(&out)?;
    let chosen = args.how.device(manifest.tier, None)?;
    let segments = args.segments.unwrap_or(manifest.run.segments);
    let array = ArrayDir::create(&out, package, runs, segments, args.checkpoint_every)?;
    if !args.how.json {
        let info = chosen.device.info();
        output::note(format_args!(
            "{} {} · {} ({}) · {} runs of {segments} segments of {} steps → {}",
            manifest.name,
            manifest.version,
            info.id,
            info.name,
            array.record().runs.len(),
            manifest.run.steps_per_segment,
            out.display()
        ));
    }
    array::local::drive(&array, &chosen, &args.how, None, false)
}

/// A run directory is made, never mixed into what is there.
fn refuse_used(out: &Path) -> anyhow::Result<()> {
    let Ok(mut entries) = std::fs::read_dir(out) else {
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let at = out.display();
    let fix = if out.join("run.toml").is_file() || dir::is_array(out) {
        format!(
            "continue it with `{} resume {}`, or name another folder with --out",
            output::called(),
            output::quoted(out)
        )
    } else {
        "name another folder with --out".to_owned()
    };
    Err(Usage(format!("{at} is not empty: {fix}")).into())
}

/// `runs/NAME-20260131-235959`, UTC, with a number behind it where that is taken.
fn default_folder(name: &str) -> PathBuf {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let stem = format!("{name}-{}", stamp(seconds));
    let candidates = (1..).map(|count| match count {
        1 => Path::new("runs").join(&stem),
        _ => Path::new("runs").join(format!("{stem}-{count}")),
    });
    candidates
        .into_iter()
        .find(|path| !path.exists())
        .expect("the numbers do not end")
}

/// `YYYYMMDD-HHMMSS` of seconds since 1970, UTC.
fn stamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date in the proleptic Gregorian calendar: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}-{:02}{:02}{:02}",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn stamps_are_dates_in_utc() {
        assert_eq!(super::stamp(0), "19700101-000000");
        assert_eq!(super::stamp(951_782_400), "20000229-000000");
        assert_eq!(super::stamp(1_767_225_599), "20251231-235959");
    }
}
