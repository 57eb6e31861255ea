//! A job and an attempt at it.

use protocol::http::{AttemptId, HostId, JobId, JobState, Stay};
use protocol::{ChainEntry, Digest, HardwareClass, Tier};
use serde::{Deserialize, Serialize};

use super::pool::DeviceId;
use super::queue::{Length, Need, Place};
use super::{Config, UserId};

/// Stays kept in memory for a job.
pub(super) const STAYS_MAX: usize = 64;

/// A checkpoint that is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Safe {
    pub(super) blob: Digest,
    pub(super) entry: ChainEntry,
    pub(super) class: HardwareClass,
    pub(super) bytes: u64,
}

/// A job. Exactly one of these holds: it is final, it is held or blocked, it waits in a queue, it has an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) user: UserId,
    pub(super) name: String,
    pub(super) package: Digest,
    pub(super) archive: Digest,
    pub(super) archive_bytes: u64,
    pub(super) tier: Tier,
    /// Boundaries before its own first: those of the job it started from.
    pub(super) first_segment: u64,
    /// Segments of its own.
    pub(super) segments: u64,
    pub(super) priority: u8,
    pub(super) now: bool,
    /// Its deadline is near: it counts as urgent.
    pub(super) pressed: bool,
    pub(super) deadline_ms: Option<u64>,
    pub(super) after: Option<JobId>,
    /// What it starts from has not ended.
    pub(super) blocked: bool,
    pub(super) tags: Vec<String>,
    /// Time for a segment: the scientist's word, later what hosts report.
    pub(super) segment_ms: Option<u64>,
    pub(super) restart: bool,
    pub(super) state: JobState,
    pub(super) reason: String,
    pub(super) since_ms: u64,
    pub(super) submitted_ms: u64,
    pub(super) safe: Option<Safe>,
    pub(super) epoch: u64,
    pub(super) attempt: Option<AttemptId>,
    pub(super) place: Option<Place>,
    pub(super) stays: Vec<Stay>,
    pub(super) computed_ms: u64,
    pub(super) moved_bytes: u64,
    /// Hosts that could not compute it, since the last boundary that came home.
    pub(super) failed_on: Vec<HostId>,
}

impl Job {
    /// The boundary at which it ends.
    pub(super) fn until(&self) -> u64 {
        self.first_segment + self.segments
    }

    /// The last boundary that is safe.
    pub(super) fn segment(&self) -> u64 {
        self.safe.as_ref().map_or(0, |safe| safe.entry.segment)
    }

    /// Expected time from `segment` to its end.
    pub(super) fn left_ms(&self, segment: u64) -> Option<u64> {
        self.segment_ms
            .map(|ms| ms.saturating_mul(self.until().saturating_sub(segment)))
    }

    pub(super) fn need(&self) -> Need {
        self.safe
            .as_ref()
            .map_or(Need::Any(self.tier), |safe| Need::Class(safe.class))
    }

    pub(super) fn length(&self, config: &Config) -> Length {
        match self.left_ms(self.segment()) {
            Some(left) if left <= config.short_ms => Length::Short,
            _ => Length::Long,
        }
    }

    /// How urgent it is.
    pub(super) fn level(&self) -> u8 {
        match self.pressed {
            true => self.priority.max(protocol::http::job::PRIORITY_URGENT),
            false => self.priority,
        }
    }
}

/// Why an attempt was told to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Cause {
    /// A more urgent job takes its device.
    Preempt,
    /// The host leaves.
    Leave,
    /// The owner holds it.
    Hold,
}

/// An order to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stop {
    pub(super) cause: Cause,
    /// Not even to the next boundary.
    pub(super) now: bool,
    pub(super) reason: String,
}

/// How far the host has come with an attempt. Once told to stop it is `uploading`, once ended it is gone: `over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Stage {
    Offered,
    Leased,
    Running,
}

/// A host's try at a job. Lives only while it is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) job: JobId,
    pub(super) device: DeviceId,
    pub(super) class: HardwareClass,
    pub(super) epoch: u64,
    pub(super) batch: AttemptId,
    pub(super) stage: Stage,
    pub(super) stop: Option<Stop>,
    pub(super) why: String,
    /// When the host last spoke of it.
    pub(super) seen_ms: u64,
    /// When it was granted or last brought a boundary home.
    pub(super) charged_ms: u64,
    /// Last boundary reached, safe or not.
    pub(super) segment: u64,
    /// Granted for its age: it makes room for nobody before its first boundary is safe, or it would starve all the same.
    pub(super) shielded: bool,
    /// The level under which it stands among those that may have to make room.
    pub(super) yields: Option<u8>,
}
