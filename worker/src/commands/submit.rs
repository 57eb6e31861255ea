//! `baton submit`: a package to a server, as a job.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use kernels::package::Package;
use protocol::http::job::{PRIORITY_DEFAULT, PRIORITY_MAX, PRIORITY_URGENT};
use protocol::http::{ServerView, SubmitJob, Submitted};
use protocol::{Digest, JobId, Verify};
use serde::Serialize;
use signing::{SecretKey, submission};

use super::{remote, submit_array};
use crate::array::choice::{Choice, ChoiceArgs};
use crate::console::output;
use crate::exit::{Exit, Usage};
use crate::local::choose;
use crate::net::{Access, Client, blobs, client};

/// Submit a package to a server: volunteers' machines run it, and it may move between them without losing a bit.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A package's folder, or the name of an example.
    #[arg(value_name = "PACKAGE|EXAMPLE")]
    package: String,
    #[command(flatten)]
    access: Access,
    /// Name for people; the package's own by default.
    #[arg(long)]
    name: Option<String>,
    /// Segments to run; as many as the package says by default. With --after, so many more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    segments: Option<u64>,
    /// 0 (whenever there is room) to 9; from 7 on it takes the place of less urgent jobs.
    #[arg(long, default_value_t = PRIORITY_DEFAULT, value_parser = clap::value_parser!(u8).range(0..=i64::from(PRIORITY_MAX)))]
    priority: u8,
    /// With priority 7 and above: others stop at once, back to their last boundary, instead of at their next.
    #[arg(long)]
    now: bool,
    /// Done within this time if possible: `90m`, `36h`, `7d`.
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    within: Option<std::time::Duration>,
    /// Start from the final checkpoint of this job of yours, of the same package.
    #[arg(long, value_name = "JOB")]
    after: Option<JobId>,
    /// A word to find it by; may be given several times.
    #[arg(long = "tag", value_name = "WORD")]
    pub(super) tags: Vec<String>,
    /// Time that a segment takes, where you have tried: `30s`, `20m`.
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub(super) segment_time: Option<std::time::Duration>,
    /// When its hardware class stays away for a day, start over on another one.
    #[arg(long)]
    restart_on_other_class: bool,
    /// How much of it other hosts compute a second time. What it costs is printed before anything is sent.
    #[arg(long, value_enum, default_value_t = Checks::Sampled)]
    pub(super) verify: Checks,
    /// Sign the submission with this secret key's file: where the operator has published a key list, it has to be signed.
    #[arg(long, env = "BATON_KEY", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Tell this URL when the job has ended, by a signed POST; of an array each job. The server's operator has to allow its host.
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// Submit it held: it waits for `baton release`.
    #[arg(long)]
    hold: bool,
    #[command(flatten)]
    pub(super) choice: ChoiceArgs,
    /// Submit nothing: say what it would cost, and which classes could take it.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// How much of a job is computed a second time.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Checks {
    /// Nothing: what hosts return is believed.
    None,
    /// All that a new host returns, 2 % in the end of one whose work was always confirmed.
    Sampled,
    /// All of it: twice the computing.
    Full,
}

impl Checks {
    /// How much more is computed than the job itself, per cent: by hosts that are long known, and by one host that begins with this job and commits it
    /// in a hundred parts.
    pub(super) fn percent(self) -> [u64; 2] {
        match self {
            Self::None => [0, 0],
            Self::Sampled => [2, 31],
            Self::Full => [100, 100],
        }
    }
}

impl From<Checks> for Verify {
    fn from(checks: Checks) -> Self {
        match checks {
            Checks::None => Self::None,
            Checks::Sampled => Self::Sampled,
            Checks::Full => Self::Full,
        }
    }
}

/// What checking costs, in words.
pub(super) fn cost(checks: Checks) -> &'static str {
    match checks {
        Checks::None => "nothing is computed a second time: what hosts return is believed",
        Checks::Sampled => {
            "some of it is computed a second time where another host is there that may: all that a new host returns, 2 % in the end of one whose \
             work was always confirmed (over 100, 1,000 and 10,000 commits of a host 31, 10 and 3.3 % more computing; --verify none|full)"
        }
        Checks::Full => "all of it is computed a second time, by another host: twice the computing",
    }
}

/// A signed submission makes a job within this time, or none.
const SIGNED_FOR_MS: u64 = 3_600_000;

/// Signs submissions to one server, where a key is given.
pub(super) struct Signer(Option<(SecretKey, String)>);

impl Signer {
    /// With the key and to the server that are given.
    ///
    /// # Errors
    /// The key's file holds none, or the server is away.
    pub(super) fn of(args: &Args, client: &Client) -> anyhow::Result<Self> {
        let Some(path) = &args.key else { return Ok(Self(None)) };
        let key = SecretKey::read(path)?;
        let server: ServerView = remote::get(client, "/v1/server")?;
        Ok(Self(Some((key, server.server))))
    }

    /// Signs one, where a key is given.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn sign(&self, job: &mut SubmitJob) -> anyhow::Result<()> {
        if let Some((key, server)) = &self.0 {
            let now = super::verify_proof::now_ms();
            let number = Digest(signing::secret::random()?);
            job.signed = Some(submission::sign(key, server, job, (now, now + SIGNED_FOR_MS), number));
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct SubmittedJob {
    job: JobId,
    package: String,
}

/// Check the package, upload it, submit.
///
/// # Errors
/// The package is wrong, the server is away, or it refuses.
pub(crate) fn call(args: &Args) -> anyhow::Result<Exit> {
    if args.now && args.priority < PRIORITY_URGENT {
        return Err(Usage(format!(
            "--now needs --priority {PRIORITY_URGENT} or more, found {}",
            args.priority
        ))
        .into());
    }
    let package = choose::package(&args.package)?;
    let choice = args.choice.of(&package)?;
    let client = args.access.scientist()?;
    if args.dry_run {
        return submit_array::dry_run(args, &client, &package, choice);
    }
    match choice {
        Choice::One(package) => one(args, &client, &package),
        Choice::Array(runs) => submit_array::submit(args, &client, &package, runs),
    }
}

/// The submission of a package whose archive has this digest.
pub(super) fn job(args: &Args, package: &Package, archive: Digest) -> SubmitJob {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, ms);
    let manifest = package.manifest();
    SubmitJob {
        name: args.name.clone().unwrap_or_else(|| manifest.name.clone()),
        package: package.digest(),
        archive,
        tier: manifest.tier,
        segments: args.segments.unwrap_or(manifest.run.segments),
        priority: args.priority,
        now: args.now,
        deadline_ms: args.within.map(|within| now_ms.saturating_add(ms(within))),
        after: args.after,
        tags: args.tags.clone(),
        segment_ms: args.segment_time.map(|time| ms(time).max(1)),
        restart_on_other_class: args.restart_on_other_class,
        hold: args.hold,
        verify: args.verify.into(),
        notify: args.notify.clone(),
        signed: None,
    }
}

fn one(args: &Args, client: &Client, package: &Package) -> anyhow::Result<Exit> {
    let archive = package.to_archive()?;
    let digest = Digest::of(&archive);
    let mut job = job(args, package, digest);
    Signer::of(args, client)?.sign(&mut job)?;
    let key = client::fresh_key();
    if !args.json {
        output::note(cost(args.verify));
    }
    let submitted: Submitted = remote::block_on(async {
        remote::transfer(client, args.json, || blobs::upload_bytes(client, &archive, digest)).await?;
        remote::patiently(|| client.post_once("/v1/jobs", &key, &job)).await
    })?;
    let report = SubmittedJob {
        job: submitted.job,
        package: package.digest().to_string(),
    };
    if args.json {
        output::json(&report)?;
    } else {
        let id = submitted.job;
        output::lines([
            format!(
                "job {id}: {} · {} segments of {} steps",
                job.name,
                job.segments,
                package.manifest().run.steps_per_segment
            ),
            "next:".into(),
            format!("  baton job {id} --watch"),
            format!("  baton fetch {id}"),
        ])?;
    }
    Ok(Exit::Done)
}
