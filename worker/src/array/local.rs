//! Runs what is left of an array on this machine, one run after the other.
//!
//! Invariant: a run that fails does not keep the others from running; a full disk or a stop does, and `baton resume` goes on.

use std::path::Path;

use kernels::run::RunError;
use serde::Serialize;

use super::choice::words;
use super::dir::{ArrayDir, Run};
use super::table::{self, Row};
use crate::console::signals::Stop;
use crate::console::{output, table as lines};
use crate::exit::Exit;
use crate::local::choose::Chosen;
use crate::local::drive::{self, HowArgs, Onward};

/// What an array says at its end.
#[derive(Serialize)]
struct Summary<'a> {
    dir: &'a Path,
    runs: Vec<RunLine>,
}

#[derive(Serialize)]
struct RunLine {
    run: String,
    settings: kernels::package::Values,
    outcome: String,
    segment: u64,
    step: u64,
    digest: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

/// Run what is left, each run as `baton run` and `baton resume` would.
///
/// # Errors
/// The file system refuses.
pub(crate) fn drive(
    array: &ArrayDir,
    chosen: &Chosen,
    how: &HowArgs,
    until: Option<u64>,
    force_class: bool,
) -> anyhow::Result<Exit> {
    let stop = Stop::listen()?;
    let count = array.record().runs.len();
    let mut rows: Vec<Row> = array.record().runs.iter().map(row).collect();
    let mut exit = Exit::Done;
    for (index, run) in array.record().runs.iter().enumerate() {
        if stop.asked() > 0 {
            exit = Exit::Stopped;
            break;
        }
        if !how.json {
            output::note(format_args!("run {} of {count}: {}", index + 1, words(&run.settings)));
        }
        let dir = array.begin(run)?;
        let done = dir.chain()?.last().map_or(0, |line| line.entry.segment);
        if done >= until.unwrap_or(u64::MAX).min(array.record().segments) {
            "finished".clone_into(&mut rows[index].state);
            rows[index].read(&dir)?;
            continue;
        }
        let onward = Onward {
            resumed: done > 0,
            force_class,
            until,
        };
        let ended = drive::compute(&dir, chosen, how, &onward, &stop);
        let row = &mut rows[index];
        row.read(&dir)?;
        let this = match ended {
            Ok(summary) => {
                summary.outcome.clone_into(&mut row.state);
                summary.exit()
            }
            Err(error) if is_the_machines(&error) => return Err(error),
            Err(error) => {
                "failed".clone_into(&mut row.state);
                row.message = format!("{error:#}");
                if !how.json {
                    output::note(format_args!("run {} of {count} failed: {error:#}", index + 1));
                }
                Exit::Failed
            }
        };
        exit = worse(exit, this);
        table::write(array.path(), &rows)?;
    }
    table::write(array.path(), &rows)?;
    report(array, &rows, how.json, exit)?;
    Ok(exit)
}

/// An error that the next run would meet as well.
fn is_the_machines(error: &anyhow::Error) -> bool {
    let refused = error.is::<crate::exit::WrongClass>();
    refused
        || matches!(
            error.downcast_ref(),
            Some(RunError::Disk { .. } | RunError::Checkpoint { .. } | RunError::Internal(_))
        )
}

fn row(run: &Run) -> Row {
    Row {
        run: run.run.clone(),
        settings: run.settings.clone(),
        state: "waiting".into(),
        ..Row::default()
    }
}

/// A stop goes before a failure, and a failure before values that are not finite: the first has to be resumed, the second to be looked at.
fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Done => 0,
        Exit::NonFinite => 1,
        Exit::Stopped => 3,
        _ => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn report(array: &ArrayDir, rows: &[Row], json: bool, exit: Exit) -> anyhow::Result<()> {
    if json {
        let run = |row: &Row| RunLine {
            run: row.run.clone(),
            settings: row.settings.clone(),
            outcome: row.state.clone(),
            segment: row.segment,
            step: row.step,
            digest: row.digest.clone(),
            message: row.message.clone(),
        };
        let dir = array.path();
        return output::json(&Summary {
            dir,
            runs: rows.iter().map(run).collect(),
        });
    }
    let cells = |row: &Row| {
        let digest = row.digest.as_deref().unwrap_or("-");
        let short = digest.get(..12).unwrap_or(digest);
        vec![
            row.run.clone(),
            words(&row.settings),
            row.state.clone(),
            row.segment.to_string(),
            short.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let (baton, at) = (output::called(), output::quoted(array.path()));
    let mut said = lines::lines(&["RUN", "SETTINGS", "STATE", "SEGMENT", "DIGEST"], &rows);
    said.push(format!("results  {}", array.path().join(table::RESULTS).display()));
    if exit == Exit::Stopped {
        said.extend(["next:".into(), format!("  {baton} resume {at}")]);
    }
    output::lines(said)
}
