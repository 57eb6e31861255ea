//! `baton job`: one job, as it is, as it changes, and why.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use protocol::http::job::Change;
use protocol::http::{JobView, Why};
use protocol::{JobId, JobState};

use super::remote;
use super::target::{self, Target};
use crate::console::{output, progress, table};
use crate::exit::{Exit, Usage};
use crate::net::events::Events;
use crate::net::link::Link;
use crate::net::{Access, Client, NetError};

/// Show a job: where it stands, and the machines it passed through.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The job's number, or an array's name.
    #[arg(value_name = "JOB|ARRAY")]
    target: Target,
    #[command(flatten)]
    access: Access,
    /// Stay, and show every change until the job ends.
    #[arg(long)]
    watch: bool,
    /// Say why it runs, waits or moved, with every change so far.
    #[arg(long)]
    why: bool,
    /// Print JSON; with --watch a line for each change.
    #[arg(long)]
    json: bool,
}

/// Show it. Watching ends with the job: exit code 0 when it is completed, 1 when it failed or was cancelled.
///
/// # Errors
/// There is no such job, or the server is away.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    let client = args.access.scientist()?;
    let job = match &args.target {
        Target::Job(job) => *job,
        Target::Array(array) => return show_array(&client, array, args),
    };
    if args.why {
        let why: Why = remote::get(&client, &format!("/v1/jobs/{job}/why"))?;
        if args.json {
            output::json(&why)?;
        } else {
            output::lines(why_lines(&why))?;
        }
    }
    if args.watch {
        let last = remote::block_on(watch(&client, job, args.json))?;
        return Ok(if last == JobState::Completed {
            Exit::Done
        } else {
            Exit::Failed
        });
    }
    if !args.why {
        let job: JobView = remote::get(&client, &format!("/v1/jobs/{job}"))?;
        if args.json {
            output::json(&job)?;
        } else {
            output::lines(lines(&job))?;
        }
    }
    Ok(Exit::Done)
}

/// An array: a line a job; with `--why` how many jobs are in each state for which reason.
fn show_array(client: &Client, array: &str, args: &Args) -> anyhow::Result<Exit> {
    if args.watch {
        return Err(Usage(format!(
            "--watch {array}: expected a job's number; `baton jobs {array}` shows all of the array"
        ))
        .into());
    }
    let jobs = remote::block_on(target::jobs(client, array))?;
    if args.json {
        output::json(&jobs)?;
    } else if args.why {
        output::lines(reasons(array, &jobs))?;
    } else {
        let rows: Vec<Vec<String>> = jobs.iter().map(remote::cells).collect();
        output::lines(table::lines(&remote::HEADER, &rows))?;
    }
    Ok(Exit::Done)
}

/// How many jobs of an array are in each state for which reason, with the numbers of the first few.
fn reasons(array: &str, jobs: &[JobView]) -> Vec<String> {
    let mut groups: BTreeMap<(JobState, &str), Vec<JobId>> = BTreeMap::new();
    for job in jobs {
        groups.entry((job.state, job.reason.as_str())).or_default().push(job.job);
    }
    let mut lines = vec![format!("{array}: {} jobs", jobs.len())];
    for ((state, reason), numbers) in groups {
        let first: Vec<String> = numbers.iter().take(5).map(ToString::to_string).collect();
        let more = if numbers.len() > 5 { ", …" } else { "" };
        lines.push(format!(
            "  {:>4} {state}: {reason} (job {}{more})",
            numbers.len(),
            first.join(", ")
        ));
    }
    lines
}

async fn watch(client: &Client, job: JobId, json: bool) -> Result<JobState, NetError> {
    let link = Link::new(std::time::Duration::from_secs(30));
    let path = format!("/v1/jobs/{job}/events");
    let mut said = String::new();
    loop {
        let mut events = link
            .insist(async || {
                let opened = Events::open(client, &path).await;
                if let Err(NetError::Away { why, .. }) = &opened {
                    output::note(format_args!("waiting for the server: {why}"));
                }
                opened
            })
            .await?;
        loop {
            let data = match events.next().await {
                Ok(Some(data)) => data,
                // Restarted, or the way was cut: it goes on where it is then.
                Ok(None) | Err(NetError::Away { .. }) => break,
                Err(error) => return Err(error),
            };
            let job: JobView = serde_json::from_str(&data).map_err(|error| NetError::Garbled(error.to_string()))?;
            let line = if json {
                serde_json::to_string(&job).unwrap_or_default()
            } else {
                watch_line(&job)
            };
            if line != said {
                let printed = output::lines([&line]);
                if printed.is_err() {
                    return Ok(job.state);
                }
                said = line;
            }
            if job.state.is_final() {
                return Ok(job.state);
            }
        }
        link.pause("the stream ended", link.pauses().next(None)).await;
    }
}

fn watch_line(job: &JobView) -> String {
    let left = job.left_ms.filter(|_| !job.state.is_final());
    let left = left.map_or(String::new(), |ms| {
        format!(" · {} left", progress::duration(ms as f64 / 1000.0))
    });
    let state = if std::io::stdout().is_terminal() {
        format!("{:<9}", job.state.as_str())
    } else {
        job.state.to_string()
    };
    format!(
        "{state} segment {} of {}{left} · {}",
        job.progress.max(job.segment),
        job.segments,
        job.reason
    )
}

fn lines(job: &JobView) -> Vec<String> {
    let mut lines = vec![
        format!("job {}: {} · {} of {}", job.job, job.name, job.state, job.owner),
        format!("  why        {}", job.reason),
        format!("  since      {}", remote::ago(job.since_ms)),
        format!(
            "  progress   segment {} of {}, {} safe, step {}",
            job.progress.max(job.segment),
            job.segments,
            job.segment,
            job.step
        ),
        format!("  priority   {}", job.priority),
        format!("  package    {} ({} tier)", job.package.short(), job.tier),
    ];
    let mut add = |name: &str, text: Option<String>| lines.extend(text.map(|text| format!("  {name:<10} {text}")));
    add(
        "left",
        job.left_ms
            .filter(|_| !job.state.is_final())
            .map(|ms| progress::duration(ms as f64 / 1000.0)),
    );
    add("class", job.class.map(|class| class.to_string()));
    add("after", job.after.map(|after| format!("job {after}")));
    add("tags", (!job.tags.is_empty()).then(|| job.tags.join(" ")));
    add("digest", job.chain.map(|digest| digest.to_string()));
    let computed = progress::duration(job.computed_ms as f64 / 1000.0);
    let share = job
        .minutes_per_mb
        .map_or(String::new(), |share| format!(", {} min per MB", progress::figures(share)));
    add(
        "computed",
        Some(format!("{computed}, {:.1} MB moved{share}", job.moved_bytes as f64 / 1e6)),
    );
    for stay in &job.stays {
        let outcome = stay.outcome.map_or("now", |outcome| outcome.as_str());
        lines.push(format!(
            "  stay       host {} ({}) segments {} to {}: {outcome}",
            stay.host, stay.class, stay.from_segment, stay.to_segment
        ));
    }
    lines.extend(verification_lines(job));
    for error in &job.errors {
        lines.push(format!(
            "  error      {} (host {}) {} {}: {}",
            error.name,
            error.host,
            error.outcome,
            remote::ago(error.at_ms),
            error.message
        ));
    }
    if job.state == JobState::Held && !job.errors.is_empty() {
        lines.extend(["next:".into(), format!("  baton retry {}", job.job)]);
    }
    if job.state == JobState::Completed {
        lines.extend(["next:".into(), format!("  baton fetch {}", job.job)]);
    }
    lines
}

/// Which segments a second host confirmed, and which not.
fn verification_lines(job: &JobView) -> Vec<String> {
    let verification = &job.verification;
    if verification.wanted.is_none() {
        return vec!["  verified   nothing is computed a second time (--verify none)".to_owned()];
    }
    let mut lines = vec![format!(
        "  verified   {} of {} committed segments by a second host ({}), {} checks go on",
        verification.segments, job.segment, verification.wanted, verification.open
    )];
    lines.extend(verification.spans.iter().map(|span| {
        let found = match span.confirmed_by {
            Some(host) => format!("confirmed by host {host}"),
            None => span.note.clone(),
        };
        format!(
            "             segments {} to {} of host {}: {found}",
            span.first, span.last, span.host
        )
    }));
    lines
}

fn why_lines(why: &Why) -> Vec<String> {
    let mut lines = vec![why.sentence.clone()];
    if let Some(class) = &why.class {
        let seen = class
            .last_seen_ms
            .map_or("never seen".into(), |at| format!("last seen {}", remote::ago(at)));
        lines.push(format!(
            "its class {}: {} devices, {} online, {seen}; {} jobs wait for it",
            class.class, class.devices, class.online, class.waiting
        ));
    }
    lines.extend(changes(&why.changes));
    lines
}

/// A line for each change, with columns as wide as they need: times get longer than a minute.
fn changes(changes: &[Change]) -> Vec<String> {
    let times: Vec<String> = changes.iter().map(|change| remote::ago(change.at_ms)).collect();
    let width = times.iter().map(|time| time.chars().count()).max().unwrap_or(0);
    let lines = times.iter().zip(changes);
    lines
        .map(|(time, change)| format!("  {time:>width$}  {:<10} {}", change.state, change.reason))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_line_up_however_long_they_are() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let change = |seconds: u64| Change {
            at_ms: u64::try_from(now.as_millis()).unwrap() - 1000 * seconds,
            state: JobState::Queued,
            reason: "a reason".into(),
        };
        let lines = changes(&[change(200_000), change(3700), change(70), change(2)]);
        let column = |line: &String| line.chars().count() - "queued     a reason".chars().count();
        assert!(
            lines
                .iter()
                .all(|line| line.ends_with("queued     a reason") && column(line) == column(&lines[0])),
            "{lines:#?}"
        );
    }
}
