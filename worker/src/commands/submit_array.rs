//! An array to a server: one submission, a job for each run; and what a submission would cost, before it is made.

use kernels::package::{Package, Values};
use protocol::http::job::ClassPresence;
use protocol::http::{JobView, Listed, Submitted};
use protocol::{Digest, JobId};
use serde::Serialize;

use super::submit::{Args, Signer, cost, job};
use super::{remote, target};
use crate::array::choice::{Choice, words};
use crate::console::{output, progress};
use crate::exit::{Exit, Usage};
use crate::net::{Client, blobs, client};

/// Tags of a job.
const TAGS_MAX: usize = 16;
/// Bytes of a tag.
const TAG_BYTES_MAX: usize = 64;

#[derive(Serialize)]
struct SubmittedArray {
    array: String,
    jobs: Vec<JobId>,
}

/// Upload all packages, then submit a job for each. Each job carries the array's name and what it has set as tags.
///
/// # Errors
/// A run's package is wrong, there are too many tags, the server is away, or it refuses: the message says which jobs there are then.
pub(super) fn submit(args: &Args, client: &Client, package: &Package, runs: Vec<Values>) -> anyhow::Result<Exit> {
    let key = client::fresh_key();
    let array = target::new_array(&key);
    let signer = Signer::of(args, client)?;
    if !args.json {
        output::note(cost(args.verify));
    }
    let mut jobs = Vec::with_capacity(runs.len());
    for values in &runs {
        let package = package.with_settings(values)?;
        let archive = package.to_archive()?;
        let digest = Digest::of(&archive);
        remote::block_on(remote::transfer(client, args.json, || {
            blobs::upload_bytes(client, &archive, digest)
        }))?;
        let mut job = job(args, &package, digest);
        job.name = format!("{} {}", job.name, words(values));
        job.tags.push(array.clone());
        job.tags.extend(values.iter().map(|(name, value)| format!("{name}={value}")));
        if job.tags.len() > TAGS_MAX || job.tags.iter().any(|tag| tag.len() > TAG_BYTES_MAX) {
            let found = job.tags.len();
            return Err(Usage(format!(
                "found {found} tags, of the array, of what is set and of --tag; expected at most {TAGS_MAX} of {TAG_BYTES_MAX} bytes"
            ))
            .into());
        }
        signer.sign(&mut job)?;
        jobs.push(job);
    }
    let mut submitted: Vec<JobId> = Vec::new();
    for (index, job) in jobs.iter().enumerate() {
        let key = format!("{key}-{index}");
        let answer = remote::block_on(remote::patiently(|| client.post_once::<Submitted>("/v1/jobs", &key, job)));
        match answer {
            Ok(answer) => submitted.push(answer.job),
            Err(error) if submitted.is_empty() => return Err(error),
            Err(error) => {
                let (done, all, baton) = (submitted.len(), jobs.len(), output::called());
                return Err(error.context(format!(
                    "{done} of {all} jobs of {array} are submitted; `{baton} cancel {array}` takes them back"
                )));
            }
        }
    }
    let (count, segments) = (submitted.len(), jobs.first().map_or(0, |job| job.segments));
    if args.json {
        output::json(&SubmittedArray { array, jobs: submitted })?;
    } else {
        let baton = output::called();
        output::lines([
            format!(
                "{array}: {count} jobs of {segments} segments of {} steps",
                package.manifest().run.steps_per_segment
            ),
            "next:".into(),
            format!("  {baton} job {array}"),
            format!("  {baton} fetch {array}"),
        ])?;
    }
    Ok(Exit::Done)
}

/// What a submission would cost.
#[derive(Serialize)]
struct Cost {
    jobs: usize,
    segments: u64,
    /// Bytes of all archives.
    upload_bytes: u64,
    /// Bytes that a checkpoint holds before it is compressed.
    state_bytes: u64,
    segment_s: Option<f64>,
    /// What the time of a segment is taken from.
    segment_from: String,
    device_hours: Option<f64>,
    /// How much is computed a second time, and how much more computing that is, per cent: among hosts that are long known, and by one that begins.
    verify: protocol::Verify,
    check_percent: [u64; 2],
    classes: Vec<ClassPresence>,
}

/// Say what a submission would cost, and which classes could take it. Nothing is uploaded.
///
/// # Errors
/// A run's package is wrong, or the server is away.
pub(super) fn dry_run(args: &Args, client: &Client, package: &Package, choice: Choice) -> anyhow::Result<Exit> {
    let packages = match choice {
        Choice::One(package) => vec![*package],
        Choice::Array(runs) => runs
            .iter()
            .map(|values| package.with_settings(values))
            .collect::<Result<_, _>>()?,
    };
    let mut upload_bytes = 0;
    for package in &packages {
        upload_bytes += package.to_archive()?.len() as u64;
    }
    let (segment_s, segment_from) = segment_time(args, client, &packages)?;
    let segments = job(args, package, package.digest()).segments;
    let tier = package.manifest().tier;
    let mut classes: Vec<ClassPresence> = remote::get(client, "/v1/classes")?;
    classes.retain(|class| class.class.tier == tier);
    let estimate = Cost {
        jobs: packages.len(),
        segments,
        upload_bytes,
        state_bytes: package.state_bytes(),
        segment_s,
        segment_from,
        device_hours: segment_s.map(|seconds| seconds * segments as f64 * packages.len() as f64 / 3600.0),
        verify: args.verify.into(),
        check_percent: args.verify.percent(),
        classes,
    };
    if args.json {
        output::json(&estimate)?;
    } else {
        output::lines(lines(&estimate, tier))?;
        output::note(cost(args.verify));
    }
    Ok(Exit::Done)
}

/// Seconds that a segment takes: what was said, or what jobs of the same package took.
fn segment_time(args: &Args, client: &Client, packages: &[Package]) -> anyhow::Result<(Option<f64>, String)> {
    if let Some(time) = args.segment_time {
        return Ok((Some(time.as_secs_f64()), "--segment-time".into()));
    }
    let known: Listed<JobView> = remote::get(client, "/v1/jobs?newest=true")?;
    let same = |job: &&JobView| job.segment > 0 && packages.iter().any(|package| package.digest() == job.package);
    Ok(match known.items.iter().find(same) {
        Some(job) => {
            let seconds = job.computed_ms as f64 / 1000.0 / job.segment as f64;
            (Some(seconds), format!("job {} of the same package", job.job))
        }
        None => (
            None,
            "unknown: try `baton run --segments 2`, and say it with --segment-time".into(),
        ),
    })
}

fn lines(cost: &Cost, tier: protocol::Tier) -> Vec<String> {
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let time = cost.segment_s.map_or("unknown".to_owned(), progress::duration);
    let hours = cost.device_hours.map_or("unknown".to_owned(), |hours| format!("{hours:.2}"));
    let mut lines = vec![
        format!(
            "would submit {} jobs of {} segments; nothing was sent",
            cost.jobs, cost.segments
        ),
        format!("  upload        {}", mb(cost.upload_bytes)),
        format!(
            "  a checkpoint  {} before compression, sent at each move and each boundary that is made safe",
            mb(cost.state_bytes)
        ),
        format!("  a segment     {time} ({})", cost.segment_from),
        format!("  device-hours  {hours}"),
        format!("  checks        {}: {}", cost.verify, checks(cost)),
    ];
    if cost.classes.is_empty() {
        lines.push(format!("  classes       none of tier {tier} was ever seen: it would wait"));
    }
    let classes = cost.classes.iter();
    lines.extend(classes.map(|class| {
        format!(
            "  class         {}: {} of {} devices online, {} jobs wait for it",
            class.class, class.online, class.devices, class.waiting
        )
    }));
    lines
}

/// How much more computing the checks are.
fn checks(cost: &Cost) -> String {
    let [least, most] = cost.check_percent;
    let percent = match least == most {
        true => format!("{least} %"),
        false => format!("{least} to {most} %"),
    };
    let hours = cost.device_hours.map_or(String::new(), |hours| {
        format!(", at most {:.2} device-hours,", hours * most as f64 / 100.0)
    });
    format!("{percent}{hours} more computing, by other hosts")
}
