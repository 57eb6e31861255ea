//! Orders to a worker, and what it commits.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, ChainEntry, Digest, ErrorCause, HardwareClass, HostId, JobId, JobState, Outcome, Signature};

/// Most chain entries in a [`Commit`].
pub const COMMIT_ENTRIES_MAX: usize = 4096;

/// What to do about a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Compute it.
    Run,
    /// Fetch its package and checkpoint; begin when the leases listed before it for the same device are gone.
    Wait,
    /// Go on to the next boundary, commit it, end the attempt.
    StopAtBoundary,
    /// Drop the work since the last boundary, commit that boundary if it is not yet, end the attempt.
    StopNow,
}

/// A checkpoint to continue from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointRef {
    /// Its blob.
    pub blob: Digest,
    /// Its place in the chain: the first entry of the next commit follows this.
    pub entry: ChainEntry,
}

/// The right to compute a job, for as long as it is listed in [`Orders`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Which job.
    pub job: JobId,
    /// Which attempt: names the routes to commit and to end it.
    pub attempt: AttemptId,
    /// Goes with every message about it; with an older one nothing changes.
    pub epoch: u64,
    /// The same for jobs that were batched into one grant.
    pub batch: AttemptId,
    /// On which device.
    #[serde(deserialize_with = "crate::text::read")]
    pub device: String,
    /// What to do now.
    pub action: Action,
    /// Why, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub reason: String,
    /// The job's name.
    #[serde(deserialize_with = "crate::text::read")]
    pub name: String,
    /// Identity of the package.
    pub package: Digest,
    /// Blob that holds the package's archive.
    pub archive: Digest,
    /// Where to continue; none to start from C0, whose entry (segment 0) is then the first to commit.
    pub checkpoint: Option<CheckpointRef>,
    /// Class that the device must be of.
    pub class: HardwareClass,
    /// The job ends at this boundary.
    pub until_segment: u64,
    /// Commit a boundary when this much time has passed since the last commit, seconds.
    pub commit_every_s: u64,
    /// In the class-bound tier, where it goes on from a checkpoint: [`canary`] of boundary 1 as another device of the class computed it. A host computes
    /// that segment first, from C0: where it comes to something else, the device is not of the class for this package, and computes nothing of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Digest>,
    /// The scientist's signature under the submission; none where it was not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Box<super::SignedSubmission>>,
}

/// What a boundary's chain digest is compared by without being told: BLAKE3 over `"baton canary 1\n"`, the lease's epoch (u64, little-endian) and the
/// digest. A host that is to check that boundary could copy the digest itself.
pub fn canary(epoch: u64, boundary: Digest) -> Digest {
    Digest::of(&[&b"baton canary 1\n"[..], &epoch.to_le_bytes(), &boundary.0].concat())
}

/// Why a device has nothing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IdleDevice {
    /// Which device.
    #[serde(deserialize_with = "crate::text::read")]
    pub device: String,
    /// Why, in a sentence.
    #[serde(deserialize_with = "crate::text::read")]
    pub why: String,
}

/// Everything that a host should be doing now: the answer to heartbeats and `POST /v1/hosts/{host}/leases`, and every event of
/// `GET /v1/hosts/{host}/events`. Work that is not listed is to be dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Orders {
    /// For whom.
    pub host: HostId,
    /// Rises with every change; orders with a lower number than the last seen of the same life are stale.
    pub sequence: u64,
    /// As in [`super::ServerView::server`]; empty from servers that have none.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub server: String,
    /// As in [`super::ServerView::life`]; 0 from servers that have none. Orders of another life than the last seen are not stale, whatever their
    /// sequence: the server was restored from a backup.
    #[serde(default)]
    pub life: u64,
    /// Offers that the host has not taken yet: `POST /v1/hosts/{host}/leases` takes them.
    pub offers: u64,
    /// For each device, in the order to compute.
    pub leases: Vec<Lease>,
    /// Devices without a lease.
    pub idle: Vec<IdleDevice>,
    /// Send the next heartbeat within this time, seconds.
    pub heartbeat_s: u64,
}

/// `POST /v1/attempts/{attempt}/commit`: boundaries reached, and the last one's checkpoint. The job's last boundary completes it,
/// and so does one whose state has the flag set by which the package itself ends a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Commit {
    /// The lease's.
    pub epoch: u64,
    /// Every boundary since the last commit, in order, at least one, at most 4096.
    pub entries: Vec<ChainEntry>,
    /// Blob of the last entry's checkpoint, uploaded before.
    pub checkpoint: Digest,
    /// Blob of what these segments put out for people to look at, uploaded before.
    #[serde(default)]
    pub outputs: Option<Digest>,
    /// Time that these segments took to compute, milliseconds.
    pub computed_ms: u64,
    /// The host's signature under the last entry, where it registered a key: what it covers is in the crate `signing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// Answer to [`Commit`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Committed {
    /// Number of the job's last committed boundary: segments before it.
    pub segment: u64,
    /// Where the job stands now.
    pub state: JobState,
}

/// `POST /v1/attempts/{attempt}/end`: the host has stopped, as told or for a reason of its own. The answer is [`Orders`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EndAttempt {
    /// The lease's.
    pub epoch: u64,
    /// `migrated` or `preempted` when stopped as told, `client-error` or `mismatch` when it cannot go on, `aborted` when given back.
    pub outcome: Outcome,
    /// Who is at fault when the outcome is `client-error`: with `package` the job is held at once, with the message as its reason,
    /// instead of going on to the next host.
    #[serde(default)]
    pub cause: ErrorCause,
    /// What happened, at most 2000 bytes.
    #[serde(default, deserialize_with = "crate::text::read")]
    pub message: String,
}

/// One commit, as `GET /v1/jobs/{job}/chain` lists them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChainLine {
    /// The boundary.
    pub entry: ChainEntry,
    /// Blob of the outputs of the commit that ended with this boundary.
    pub outputs: Option<Digest>,
}
