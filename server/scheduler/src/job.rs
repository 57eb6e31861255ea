//! A job and an attempt at it.

use protocol::http::Stay;
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, JobState, Tier};
use serde::{Deserialize, Serialize};

use super::pool::DeviceId;
use super::queue::{Length, Need, Place};
use super::{Config, UserId};

/// Stays kept in memory for a job.
pub(crate) const STAYS_MAX: usize = 64;

/// A checkpoint that is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Safe {
    pub(crate) blob: Digest,
    pub(crate) entry: ChainEntry,
    pub(crate) class: HardwareClass,
    pub(crate) bytes: u64,
}

/// A job. Exactly one of these holds: it is final, it is held or blocked, it waits in a queue, it has an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) package: Digest,
    pub(crate) archive: Digest,
    pub(crate) archive_bytes: u64,
    pub(crate) tier: Tier,
    /// Boundaries before its own first: those of the job it started from.
    pub(crate) first_segment: u64,
    /// Segments of its own.
    pub(crate) segments: u64,
    pub(crate) priority: u8,
    pub(crate) now: bool,
    /// Its deadline is near: it counts as urgent.
    pub(crate) pressed: bool,
    pub(crate) deadline_ms: Option<u64>,
    pub(crate) after: Option<JobId>,
    /// What it starts from has not ended.
    pub(crate) blocked: bool,
    pub(crate) tags: Vec<String>,
    /// Time for a segment: the scientist's word, later what hosts report.
    pub(crate) segment_ms: Option<u64>,
    pub(crate) restart: bool,
    pub(crate) state: JobState,
    pub(crate) reason: String,
    pub(crate) since_ms: u64,
    pub(crate) submitted_ms: u64,
    pub(crate) safe: Option<Safe>,
    pub(crate) epoch: u64,
    pub(crate) attempt: Option<AttemptId>,
    pub(crate) place: Option<Place>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) computed_ms: u64,
    pub(crate) moved_bytes: u64,
    /// Hosts that could not compute it, since the last boundary that came home.
    pub(crate) failed_on: Vec<HostId>,
}

impl Job {
    /// The boundary at which it ends.
    pub(crate) fn until(&self) -> u64 {
        self.first_segment + self.segments
    }

    /// The last boundary that is safe.
    pub(crate) fn segment(&self) -> u64 {
        self.safe.as_ref().map_or(0, |safe| safe.entry.segment)
    }

    /// Expected time from `segment` to its end.
    pub(crate) fn left_ms(&self, segment: u64) -> Option<u64> {
        self.segment_ms
            .map(|ms| ms.saturating_mul(self.until().saturating_sub(segment)))
    }

    pub(crate) fn need(&self) -> Need {
        self.safe
            .as_ref()
            .map_or(Need::Any(self.tier), |safe| Need::Class(safe.class))
    }

    pub(crate) fn length(&self, config: &Config) -> Length {
        match self.left_ms(self.segment()) {
            Some(left) if left <= config.short_ms => Length::Short,
            _ => Length::Long,
        }
    }

    /// How urgent it is.
    pub(crate) fn level(&self) -> u8 {
        match self.pressed {
            true => self.priority.max(protocol::http::job::PRIORITY_URGENT),
            false => self.priority,
        }
    }
}

/// Why an attempt was told to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Cause {
    /// A more urgent job takes its device.
    Preempt,
    /// The host leaves.
    Leave,
    /// The owner holds it.
    Hold,
}

/// An order to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stop {
    pub(crate) cause: Cause,
    /// Not even to the next boundary.
    pub(crate) now: bool,
    pub(crate) reason: String,
}

/// How far the host has come with an attempt. Once told to stop it is `uploading`, once ended it is gone: `over`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Stage {
    Offered,
    Leased,
    Running,
}

/// A host's try at a job. Lives only while it is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) job: JobId,
    pub(crate) device: DeviceId,
    pub(crate) class: HardwareClass,
    pub(crate) epoch: u64,
    pub(crate) batch: AttemptId,
    pub(crate) stage: Stage,
    pub(crate) stop: Option<Stop>,
    pub(crate) why: String,
    /// When the host last spoke of it.
    pub(crate) seen_ms: u64,
    /// When it was granted or last brought a boundary home.
    pub(crate) charged_ms: u64,
    /// Last boundary reached, safe or not.
    pub(crate) segment: u64,
    /// Granted for its age: it makes room for nobody before its first boundary is safe, or it would starve all the same.
    pub(crate) shielded: bool,
    /// The level under which it stands among those that may have to make room.
    pub(crate) yields: Option<u8>,
}
