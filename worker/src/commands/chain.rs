//! `baton chain`: the digest chain of a run, a line per boundary.

use std::path::PathBuf;

use kernels::package::manifest::Parent;
use kernels::run::RunDir;
use serde::Serialize;

use crate::console::output;
use crate::exit::Exit;

/// The digest chain: `segment step digest`, a line per boundary. Equal chains are equal runs, bit for bit.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The run directory.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Chain<'a> {
    package: String,
    name: &'a str,
    /// The run whose state the package begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a Parent>,
    chain: Vec<kernels::run::dir::ChainLine>,
}

/// Print the chain.
///
/// # Errors
/// It is no run directory, or something in it is not what was written.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let dir = RunDir::view(&args.dir)?;
    let seen = dir.check_record()?;
    for finding in &seen.findings {
        output::note(format_args!("{}: {}", finding.file.display(), finding.problem));
    }
    for mark in &seen.non_finite {
        output::note(format_args!("segment {}, step {}: {}", mark.segment, mark.step, mark.value));
    }
    let package = dir.package();
    if let Some(parent) = &package.manifest().parent {
        let Parent { package, boundary, step } = parent;
        output::note(format_args!(
            "goes on from boundary {boundary}, step {step} of a run of package {package}"
        ));
    }
    let chain = dir.chain()?;
    if args.json {
        output::json(&Chain {
            package: package.digest().to_string(),
            name: &package.manifest().name,
            parent: package.manifest().parent.as_ref(),
            chain,
        })?;
    } else {
        output::lines(
            chain
                .iter()
                .map(|line| format!("{} {} {}", line.entry.segment, line.entry.step, line.entry.digest)),
        )?;
    }
    Ok(Exit::Done)
}
