//! `fpcheck bisect`: where two runs part.

use std::path::PathBuf;

use fpcheck::bisect::{Side, Verdict, bisect};
use fpcheck::output;

use fpcheck::exit::Exit;

/// Where two runs part: segment, step, pass, buffer, element, and the lines of source that computed it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit code 0: the runs agree as far as both go; 1: they part, or it cannot be told.")]
pub(crate) struct Args {
    /// A run directory.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other one.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Compute A's segments again on this device; by default on one of the class that computed them.
    #[arg(long, value_name = "ID")]
    device_a: Option<String>,
    /// Compute B's segments again on this device.
    #[arg(long, value_name = "ID")]
    device_b: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Find it.
///
/// # Errors
/// No run directories, no such devices, or a replay failed.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let named = |id: &Option<String>| id.as_ref().map(|id| device::select(id)).transpose();
    let (device_a, device_b) = (named(&args.device_a)?, named(&args.device_b)?);
    let present = if device_a.is_some() && device_b.is_some() {
        Vec::new()
    } else {
        device::list()
    };
    let a = Side::open(&args.a, device_a, &present)?;
    let b = Side::open(&args.b, device_b, &present)?;
    let mut tell = |words: &str| {
        if !args.json {
            output::note(words);
        }
    };
    let verdict = bisect(&a, &b, &mut tell)?;
    if args.json {
        output::json(&verdict)?;
    } else {
        output::lines([match &verdict {
            Verdict::Agree(boundaries) => format!("the chains agree in all {boundaries} boundaries that both have"),
            Verdict::Part(parting) => parting.to_string().trim_end().to_owned(),
            Verdict::NotReproduced { segment, words } => {
                format!("the chains part in segment {segment}, but not again: {words}")
            }
        }])?;
    }
    Ok(if matches!(verdict, Verdict::Agree(_)) {
        Exit::Done
    } else {
        Exit::Failed
    })
}
