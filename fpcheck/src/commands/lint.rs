//! `fpcheck lint`: what in a package's WGSL would make its bits depend on device, scheduling or chance.

use std::path::{Path, PathBuf};

use fpcheck::lint::{Level, Subject};
use fpcheck::output;
use protocol::Tier;

use fpcheck::exit::{Exit, Usage};

/// Find what in a package's WGSL would make its bits depend on device, scheduling or chance.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A package's folder, an example's name, or WGSL files, which are joined in this order.
    #[arg(required = true, value_name = "PACKAGE|EXAMPLE|FILE.wgsl")]
    subject: Vec<PathBuf>,
    /// Hold it against this tier's rules instead of those of the package's own tier (portable, for WGSL files).
    #[arg(long, value_parser = tier)]
    tier: Option<Tier>,
    /// Fail on warnings too.
    #[arg(long)]
    deny_warnings: bool,
    /// Print SARIF 2.1.0, for editors and code review.
    #[arg(long)]
    json: bool,
}

fn tier(text: &str) -> Result<Tier, String> {
    match text {
        "portable" => Ok(Tier::Portable),
        "class-bound" => Ok(Tier::ClassBound),
        _ => Err("expected 'portable' or 'class-bound'".to_owned()),
    }
}

/// Lint; findings fail, and so does a package that is refused for other reasons.
///
/// # Errors
/// The subject is not there, or is no WGSL.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let subject = subject(args)?;
    let report = subject.lint()?;
    if args.json {
        output::json(&report.sarif())?;
    } else {
        output::lines(report.lines())?;
    }
    if let Some(refused) = subject.refused() {
        output::note(format_args!("fpcheck: {refused}"));
        return Ok(Exit::BadPackage);
    }
    let failed = report.count(Level::Error) > 0 || (args.deny_warnings && report.count(Level::Warning) > 0);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn subject(args: &Args) -> anyhow::Result<Subject> {
    let is_wgsl = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wgsl");
    let subject = match args.subject.as_slice() {
        files if files.iter().all(is_wgsl) => Subject::files(files, Tier::Portable)?,
        [one] => package(one)?,
        _ => anyhow::bail!(Usage(
            "found several subjects, expected one package, or WGSL files alone that belong to one pass".to_owned()
        )),
    };
    Ok(subject.with_tier(args.tier))
}

/// A package's folder, or an example by its name.
fn package(path: &Path) -> anyhow::Result<Subject> {
    let name = path
        .to_str()
        .filter(|name| kernels::examples::names().any(|example| example == *name));
    match name {
        Some(name) if !path.exists() => Ok(Subject::package(&kernels::examples::load(name)?)?),
        _ => Ok(Subject::folder(path)?),
    }
}
