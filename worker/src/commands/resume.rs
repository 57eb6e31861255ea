//! `baton resume`: continue a run directory from its last boundary, wherever it was made.

use std::path::PathBuf;

use kernels::run::RunDir;
use kernels::run::dir::ChainLine;
use protocol::HardwareClass;

use crate::array;
use crate::array::dir::ArrayDir;
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::drive::{self, HowArgs, Onward};

/// Continue a run directory, made here or copied from elsewhere.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The run directory, or the folder of an array.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Run on to this many segments in all: more than were planned make the run longer, fewer stop it there this time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    segments: Option<u64>,
    /// Continue even where the bits may differ: for experiments, since the chain then proves nothing.
    #[arg(long)]
    force_class: bool,
    #[command(flatten)]
    how: HowArgs,
}

/// Open the directory and run what is left.
///
/// # Errors
/// It is no run directory, something in it is not what was written, it is of another hardware class, or the run failed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if array::dir::is_array(&args.dir) {
        return array(args);
    }
    let mut dir = RunDir::open(&args.dir)?;
    for finding in dir.check_record()?.findings {
        output::note(format_args!("{}: {}", finding.file.display(), finding.problem));
    }
    let chain = dir.chain()?;
    let tier = dir.package().manifest().tier;
    let chosen = args.how.device(tier, class_of(&chain))?;
    let done = chain.last().map_or(0, |line| line.entry.segment);
    if let Some(segments) = args.segments {
        if segments < done {
            return Err(Usage(format!("--segments {segments}: {done} are done already")).into());
        }
        if segments > dir.config().segments {
            dir.set_segments(segments)?;
        }
    }
    let onward = Onward {
        resumed: true,
        force_class: args.force_class,
        until: args.segments,
    };
    drive::drive(&dir, &chosen, &args.how, &onward)
}

/// Run what is left of an array.
fn array(args: &Args) -> anyhow::Result<Exit> {
    let mut array = ArrayDir::open(&args.dir)?;
    if let Some(segments) = args.segments.filter(|segments| *segments > array.record().segments) {
        array.set_segments(segments)?;
    }
    let class = array.class()?;
    let chosen = args.how.device(array.package().manifest().tier, class)?;
    array::local::drive(&array, &chosen, &args.how, args.segments, args.force_class)
}

/// The class that the run's bits are of; none before anything was computed.
pub(crate) fn class_of(chain: &[ChainLine]) -> Option<HardwareClass> {
    chain.iter().rev().find(|line| line.entry.segment > 0).map(|line| line.class)
}
