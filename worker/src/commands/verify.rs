//! `baton verify`: whether a run directory holds what was written to it, and whether its segments come out the same here.

use std::path::PathBuf;

use kernels::package::manifest::Parent;
use kernels::run::verify::{Kind, Verification};
use kernels::run::{Place, RunDir};
use serde::Serialize;

use super::verify_proof::{self, TrustArgs};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::replay::{self, ReplayArgs, Replayed};

/// Hold all that a run directory records against its chain: parent links, frames, observables, checkpoints. With `--segments`, `--sample` or
/// `--all`, compute segments again here, too.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit code 0: everything is what was written, and what was computed again came out the same. 1: something did not, \
or could not be looked at. 86: the segments are of another hardware class.\n\
A segment is computed again from the newest checkpoint before it, or from the initial state."
)]
pub(crate) struct Args {
    /// The run directory; or a proof (`proof.json`), which is checked without a server.
    #[arg(value_name = "DIR|PROOF")]
    dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The run that this one goes on from: hold it against what this run's package says of its parent, and the first state against the state there.
    #[arg(long, value_name = "DIR")]
    parent: Option<PathBuf>,
    #[command(flatten)]
    again: ReplayArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct Document<'a> {
    dir: &'a std::path::Path,
    whole: bool,
    #[serde(flatten)]
    seen: &'a Verification,
    /// The run whose state the package begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a Parent>,
    /// The parent's directory was held against it.
    parent_checked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<&'a Replayed>,
}

/// Look at all of it, compute again what was asked for, and say what was found. On a chain that was changed nothing is computed.
///
/// # Errors
/// It is no run directory, cannot be read, or the device cannot compute its segments.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if args.dir.is_file() {
        if args.again.is_asked() {
            return Err(Usage("a proof holds no states: give its run directory to compute segments again".to_owned()).into());
        }
        if args.parent.is_some() {
            return Err(Usage("--parent is for run directories, not for proofs".to_owned()).into());
        }
        return verify_proof::call(&args.dir, &args.trust, args.json);
    }
    if args.trust.is_given() {
        let file = args.dir.join(verify_proof::FILE);
        return Err(Usage(format!("--root is for a proof: give its file, {}", file.display())).into());
    }
    let dir = RunDir::view(&args.dir)?;
    let parent = args.parent.as_deref().map(RunDir::view).transpose()?;
    if let Some(parent) = &parent {
        dir.descends_from(parent)?;
    }
    let seen = dir.verify()?;
    let has_chain = seen.last.is_some();
    let replayed = match args.again.is_asked() && has_chain {
        true => Some(replay::replay(&dir, &args.again, args.json)?),
        false => None,
    };
    let confirmed = !args.again.is_asked() || replayed.as_ref().is_some_and(Replayed::is_confirmed);
    if args.json {
        output::json(&Document {
            dir: &args.dir,
            whole: seen.is_whole(),
            seen: &seen,
            parent: dir.package().manifest().parent.as_ref(),
            parent_checked: parent.is_some(),
            replay: replayed.as_ref(),
        })?;
    } else {
        let replayed = replayed.iter().flat_map(Replayed::lines);
        let generation = generation(&dir, parent.as_ref());
        output::lines(lines(&dir, &seen).into_iter().chain(generation).chain(replayed))?;
    }
    Ok(if seen.is_whole() && confirmed {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// What is known of the run that this one goes on from.
fn generation(dir: &RunDir, checked: Option<&RunDir>) -> Option<String> {
    let parent = dir.package().manifest().parent.as_ref()?;
    let held = match checked {
        Some(parent) => format!("its first state is the one there: {}", parent.path().display()),
        None => "not looked at: --parent DIR".to_owned(),
    };
    Some(format!(
        "parent       boundary {} at step {} of a run of package {}; {held}",
        parent.boundary.short(),
        parent.step,
        parent.package.short()
    ))
}

fn lines(dir: &RunDir, seen: &Verification) -> Vec<String> {
    let mut lines = Vec::new();
    match &seen.last {
        Some(last) => lines.push(format!(
            "chain        {} boundaries, each follows the one before, the last at step {}",
            seen.boundaries, last.step
        )),
        None => lines.push("chain        no boundary".to_owned()),
    }
    if !dir.package().manifest().outputs.is_empty() {
        lines.push(format!(
            "outputs      {} segments are those that the chain covers, {} rows of the table with them",
            seen.segments_with_outputs, seen.rows
        ));
    }
    let checkpoints: Vec<String> = seen.checkpoints.iter().map(u64::to_string).collect();
    lines.push(match checkpoints.is_empty() {
        true => "checkpoints  none".to_owned(),
        false => format!("checkpoints  whole after segments {}", checkpoints.join(", ")),
    });
    lines.extend(seen.unchecked.iter().map(|words| format!("not checked  {words}")));
    if let Some(mark) = first_of(seen, Place::State).or_else(|| first_of(seen, Place::Output)) {
        let more = seen.non_finite.len() - 1;
        let more = if more > 0 {
            format!("; {more} more boundaries hold such values")
        } else {
            String::new()
        };
        lines.push(format!(
            "not finite   segment {}, step {}: {}{more}",
            mark.segment, mark.step, mark.value
        ));
    }
    for finding in &seen.findings {
        let kind = match finding.kind {
            Kind::Altered => "ALTERED",
            Kind::Incomplete => "INCOMPLETE",
        };
        let segment = finding
            .segment
            .map_or(String::new(), |segment| format!(", segment {segment}"));
        lines.push(format!("{kind:12} {}{segment}: {}", finding.file.display(), finding.problem));
    }
    if seen.is_whole() {
        lines.push("everything is what was written".to_owned());
    }
    lines
}

fn first_of(seen: &Verification, place: Place) -> Option<&kernels::run::verify::Mark> {
    seen.non_finite.iter().find(|mark| mark.value.place == place)
}
