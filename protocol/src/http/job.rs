//! What a scientist submits and sees.

use serde::{Deserialize, Serialize};

use crate::{Digest, HardwareClass, HostId, JobId, JobState, Outcome, Tier};

/// Highest priority; 0 is the lowest.
pub const PRIORITY_MAX: u8 = 9;
/// Priority of a job that names none.
pub const PRIORITY_DEFAULT: u8 = 3;
/// From this priority on, a job that finds no idle device stops a less urgent one.
pub const PRIORITY_URGENT: u8 = 7;

/// `POST /v1/jobs`: a run of a package that was uploaded before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SubmitJob {
    /// Name for people, at most 120 bytes.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// Identity of the package: what its chain covers.
    pub package: Digest,
    /// Blob that holds the package's archive.
    pub archive: Digest,
    /// The package's tier.
    pub tier: Tier,
    /// Segments to run; after another job, segments more.
    pub segments: u64,
    /// 0 (whenever there is room) to 9; from 7 on it preempts.
    #[serde(default = "default_priority")]
    pub priority: u8,
    /// An urgent job stops others at once, back to their last boundary, instead of at their next.
    #[serde(default)]
    pub now: bool,
    /// Unix time by which it should be done, milliseconds.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
    /// Starts from this job's final checkpoint; same package, same owner.
    #[serde(default)]
    pub after: Option<JobId>,
    /// Words to find it by, at most 16 of 64 bytes.
    #[serde(default, deserialize_with = "crate::text::read_list")]
    pub tags: Vec<String>,
    /// Expected time for a segment, milliseconds, where the scientist has tried.
    #[serde(default)]
    pub segment_ms: Option<u64>,
    /// When its class stays away, start over from C0 on another one.
    #[serde(default)]
    pub restart_on_other_class: bool,
    /// Starts held, until released.
    #[serde(default)]
    pub hold: bool,
    /// How much of it other hosts compute a second time.
    #[serde(default, skip_serializing_if = "crate::Verify::is_none")]
    pub verify: crate::Verify,
    /// URL that is told when the job ends, where the operator allows its host; at most 1000 bytes.
    #[serde(
        default,
        deserialize_with = "crate::text::read_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub notify: Option<String>,
    /// The scientist's signature; needed where the operator has published a key list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<super::SignedSubmission>,
}

fn default_priority() -> u8 {
    PRIORITY_DEFAULT
}

/// Answer to [`SubmitJob`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submitted {
    /// Its number.
    pub job: JobId,
}

/// `PUT /v1/jobs/{job}/priority`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Reprioritize {
    /// 0 to 9.
    pub priority: u8,
    /// As in [`SubmitJob::now`].
    #[serde(default)]
    pub now: bool,
}

/// A stretch of a job on one host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stay {
    /// The host.
    pub host: HostId,
    /// Class of the device.
    pub class: HardwareClass,
    /// Segments committed before it.
    pub from_segment: u64,
    /// Segments committed up to now, or when it ended.
    pub to_segment: u64,
    /// When it was offered, Unix milliseconds.
    pub from_ms: u64,
    /// When it ended, Unix milliseconds; none while it lasts.
    pub to_ms: Option<u64>,
    /// How it ended; none while it lasts.
    pub outcome: Option<Outcome>,
}

/// An error of a host with a job, since the job's last boundary that is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobError {
    /// The host.
    pub host: HostId,
    /// The host's name at that time.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// What the host said.
    #[serde(deserialize_with = "crate::text::read")]
    pub message: String,
}

/// `GET /v1/jobs/{job}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// Its number.
    pub job: JobId,
    /// Name for people.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// Its owner.
    #[serde(deserialize_with = "crate::text::read")]
    pub owner: String,
    /// The job's state.
    pub state: JobState,
    /// Why, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub reason: String,
    /// Since when, Unix milliseconds.
    pub since_ms: u64,
    /// When it was submitted, Unix milliseconds.
    pub submitted_ms: u64,
    /// 0 to 9.
    pub priority: u8,
    /// Identity of the package.
    pub package: Digest,
    /// Blob that holds the package's archive.
    pub archive: Digest,
    /// The package's tier.
    pub tier: Tier,
    /// Class of its checkpoint; none before the first.
    pub class: Option<HardwareClass>,
    /// Segments committed.
    pub segment: u64,
    /// Segments wanted.
    pub segments: u64,
    /// Segments computed as last reported, committed or not.
    pub progress: u64,
    /// Steps committed.
    pub step: u64,
    /// Blob of its last checkpoint.
    pub checkpoint: Option<Digest>,
    /// Digest of its last committed boundary: equal for equal results.
    pub chain: Option<Digest>,
    /// Expected time to its end, milliseconds, when it runs without pause; none before anything is known.
    pub left_ms: Option<u64>,
    /// Unix time by which it should be done, milliseconds.
    pub deadline_ms: Option<u64>,
    /// The job it starts from.
    pub after: Option<JobId>,
    /// Words to find it by.
    #[serde(deserialize_with = "crate::text::read_list")]
    pub tags: Vec<String>,
    /// Host that has it now.
    pub host: Option<HostId>,
    /// Errors since its last boundary, oldest first, at most the last 16. When they come from several origins the job is held;
    /// `POST /v1/jobs/{job}/retry` forgets them and lets it go on.
    #[serde(default)]
    pub errors: Vec<JobError>,
    /// Leases so far; every one has its own epoch.
    pub epoch: u64,
    /// Hosts and classes it passed through, at most the last 64.
    pub stays: Vec<Stay>,
    /// Time its segments took to compute, milliseconds.
    pub computed_ms: u64,
    /// Bytes of packages and checkpoints moved for it.
    pub moved_bytes: u64,
    /// Computing per data moved, minutes per megabyte; none before anything moved.
    pub minutes_per_mb: Option<f64>,
    /// What other hosts have confirmed of it.
    #[serde(default)]
    pub verification: Verification,
}

/// What a second host has confirmed of a job's committed segments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verification {
    /// How much is to be computed a second time.
    pub wanted: crate::Verify,
    /// Segments that a second host computed to the same digest.
    pub segments: u64,
    /// Stretches of segments that were chosen and wait for a second host, or are with one.
    pub open: u64,
    /// Each stretch of segments by the host that brought it home, oldest first. Empty where nothing is checked.
    pub spans: Vec<VerifiedSpan>,
}

/// A stretch of segments that one host brought home.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerifiedSpan {
    /// First segment, counted from 1.
    pub first: u64,
    /// Last segment.
    pub last: u64,
    /// Host that brought it home.
    pub host: HostId,
    /// Host that computed it, too, to the same digest; none where no second host did.
    pub confirmed_by: Option<HostId>,
    /// What stands in place of a confirmation: `unchecked`, `open`, or why a check came to nothing; empty when it was confirmed.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub note: String,
}

/// A change of state that was kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// The state from then on.
    pub state: JobState,
    /// Why, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub reason: String,
}

/// `GET /v1/jobs/{job}/why`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Why {
    /// Number of the job.
    pub job: JobId,
    /// The job's state.
    pub state: JobState,
    /// Why it runs, waits or moved, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub sentence: String,
    /// Hosts of its class, when it is bound to one.
    pub class: Option<ClassPresence>,
    /// Every change so far, oldest first, at most the last 200.
    pub changes: Vec<Change>,
}

/// `GET /v1/jobs/summary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobSummary {
    /// State to how many jobs are in it, of those that have not ended or did so within a day.
    pub states: std::collections::BTreeMap<String, u64>,
}

/// How present a hardware class is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClassPresence {
    /// The hardware class.
    pub class: HardwareClass,
    /// Devices of it that ever registered and are not given up.
    pub devices: u64,
    /// Those whose host is online.
    pub online: u64,
    /// Jobs that wait for this class and no other.
    pub waiting: u64,
    /// When a host with it was last heard of, Unix milliseconds; none when never.
    pub last_seen_ms: Option<u64>,
    /// Why its devices have no work: three unconnected hosts returned the same wrong results on them. None when they have.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub quarantined: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listed<T> {
    /// In order of their numbers.
    pub items: Vec<T>,
    /// Give this as `cursor` for the next page; none at the end.
    #[serde(default, deserialize_with = "crate::text::read_option")]
    pub next: Option<String>,
}
