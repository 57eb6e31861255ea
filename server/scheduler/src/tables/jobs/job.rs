//! A job. What an index is over can be changed by the table alone.

use protocol::http::{HostSignature, JobError, SignedSubmission, Stay, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, JobState, Tier, Verify};
use serde::{Deserialize, Serialize};

use super::check::{Check, Span};
use super::queue::{Length, Need, Place};
use super::users::UserId;
use crate::{Config, Origin};

/// Errors kept in memory for a job.
pub(crate) const ERRORS_KEPT: usize = 16;

/// An error of a host with a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) error: JobError,
    /// Where the host came from then.
    pub(crate) origin: Origin,
    /// Whether the host had brought a boundary home before, of any job.
    pub(crate) proven: bool,
}

/// Stays kept in memory for a job.
pub(crate) const STAYS_MAX: usize = 64;

/// A checkpoint that is safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Safe {
    pub(crate) blob: Digest,
    pub(crate) entry: ChainEntry,
    pub(crate) class: HardwareClass,
    pub(crate) bytes: u64,
    /// The word of the host that committed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<HostSignature>,
    /// The package itself ended the run here: no segment follows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) done: bool,
}

/// A job. Exactly one of these holds: it is final, it is held or blocked, it waits in a queue, it has an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: JobId,
    pub(super) user: UserId,
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
    pub(super) after: Option<JobId>,
    /// What it starts from has not ended.
    pub(super) blocked: bool,
    pub(crate) tags: Vec<String>,
    /// Time for a segment: the scientist's word, later what hosts report.
    pub(crate) segment_ms: Option<u64>,
    pub(crate) restart: bool,
    pub(super) state: JobState,
    pub(super) reason: String,
    pub(super) since_ms: u64,
    pub(crate) submitted_ms: u64,
    pub(crate) safe: Option<Safe>,
    pub(crate) epoch: u64,
    pub(super) attempt: Option<AttemptId>,
    pub(super) place: Option<Place>,
    pub(crate) stays: Vec<Stay>,
    pub(crate) computed_ms: u64,
    pub(crate) moved_bytes: u64,
    /// Hosts that could not compute it, since the last boundary that came home: what rules 2 went by.
    pub(crate) failed_on: Vec<HostId>,
    /// Errors since the last boundary that came home, the newest last.
    #[serde(default)]
    pub(crate) errors: Vec<Failure>,
    /// How much of it is computed a second time.
    #[serde(default)]
    pub(crate) verify: Verify,
    /// Where its boundaries came from; kept where something is checked.
    #[serde(default)]
    pub(crate) spans: Vec<Span>,
    /// This is no job of a user, but a check of one.
    #[serde(default)]
    pub(crate) check: Option<Box<Check>>,
    /// In the class-bound tier: digest of boundary 1, of which hosts that continue the job are given the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<Digest>,
    /// URL that is told when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notify: Option<String>,
    /// The scientist's word for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signed: Option<Box<SignedSubmission>>,
}

impl Job {
    /// A submission that was found to be in order, of a user, under a number; what it starts from, and whether that has not ended.
    pub(crate) fn new(
        id: JobId,
        user: UserId,
        submitted: &SubmitJob,
        archive_bytes: u64,
        parent: Option<&Self>,
        now_ms: u64,
    ) -> Self {
        let blocked = parent.is_some_and(|parent| parent.state != JobState::Completed);
        Self {
            id,
            user,
            name: submitted.name.clone(),
            package: submitted.package,
            archive: submitted.archive,
            archive_bytes,
            tier: submitted.tier,
            first_segment: parent.map_or(0, Self::until),
            segments: submitted.segments,
            priority: submitted.priority,
            now: submitted.now,
            pressed: false,
            deadline_ms: submitted.deadline_ms,
            after: submitted.after,
            blocked,
            tags: submitted.tags.clone(),
            segment_ms: submitted.segment_ms.or_else(|| parent.and_then(|parent| parent.segment_ms)),
            restart: submitted.restart_on_other_class,
            state: JobState::Queued,
            reason: String::new(),
            since_ms: now_ms,
            submitted_ms: now_ms,
            safe: parent.filter(|_| !blocked).and_then(|parent| parent.safe.clone()),
            epoch: 0,
            attempt: None,
            place: None,
            stays: Vec::new(),
            computed_ms: 0,
            moved_bytes: 0,
            failed_on: Vec::new(),
            errors: Vec::new(),
            verify: submitted.verify,
            spans: Vec::new(),
            check: None,
            first: parent.and_then(|parent| parent.first),
            notify: submitted.notify.clone(),
            signed: submitted.signed.clone().map(Box::new),
        }
    }

    /// The job that it starts from.
    pub(crate) fn after(&self) -> Option<JobId> {
        self.after
    }

    /// Whether what it starts from has not ended, or did not end well.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The job's state.
    pub(crate) fn state(&self) -> JobState {
        self.state
    }

    /// Why it stands there, in a sentence.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Since when it stands there.
    pub(crate) fn since_ms(&self) -> u64 {
        self.since_ms
    }

    /// The attempt at it.
    pub(crate) fn attempt(&self) -> Option<AttemptId> {
        self.attempt
    }

    /// Its place in a queue.
    pub(crate) fn place(&self) -> Option<Place> {
        self.place
    }

    /// The boundary at which it ends: the last that was asked for, or the one at which the package itself ended it.
    pub(crate) fn until(&self) -> u64 {
        match &self.safe {
            Some(safe) if safe.done => safe.entry.segment,
            _ => self.first_segment + self.segments,
        }
    }

    /// The last boundary that is safe.
    pub(crate) fn segment(&self) -> u64 {
        self.safe.as_ref().map_or(0, |safe| safe.entry.segment)
    }

    /// Whether a blob is its archive, its last checkpoint, or one that it may go back to.
    pub(crate) fn refers_to(&self, blob: Digest) -> bool {
        self.archive == blob || self.needs_checkpoint(blob)
    }

    /// Whether a blob is its last checkpoint, or one that it may go back to.
    pub(crate) fn needs_checkpoint(&self, blob: Digest) -> bool {
        self.safe.as_ref().is_some_and(|safe| safe.blob == blob) || self.span_blobs().any(|needed| needed == blob)
    }

    /// Expected time from `segment` to its end.
    pub(crate) fn left_ms(&self, segment: u64) -> Option<u64> {
        self.segment_ms
            .map(|ms| ms.saturating_mul(self.until().saturating_sub(segment)))
    }

    pub(crate) fn need(&self) -> Need {
        if let Some(check) = &self.check {
            return Need::Class(check.class);
        }
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
