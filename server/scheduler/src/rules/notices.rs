//! Notices of jobs that ended, for those whose submission names a URL to be told at.
//!
//! Invariant: a notice stays, through restarts and takeovers, until an event says that it was delivered or given up. So it is told at least once, or said to have been given up.

use protocol::{Digest, JobId, JobState};
use serde::{Deserialize, Serialize};

use crate::tables::Job;
use crate::{Core, Refusal};

/// Longest URL, bytes.
pub(super) const URL_BYTES_MAX: usize = 1000;

/// A job ended, and its submission names a URL to be told at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Number of the job.
    pub job: JobId,
    /// Where it is to be told.
    pub url: String,
    /// The job's owner.
    pub owner: String,
    /// The job's name.
    pub name: String,
    /// Its final state.
    pub state: JobState,
    /// Why it ended, in a sentence.
    pub reason: String,
    /// When, Unix milliseconds.
    pub ended_ms: u64,
    /// Number of its last boundary.
    pub segment: u64,
    /// Steps before that boundary.
    pub step: u64,
    /// Digest of that boundary; none where it has none.
    pub chain: Option<Digest>,
}

impl Core {
    /// A job has ended: its notice, where it names a URL.
    pub(super) fn notify(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(url) = job.notify.clone() else { return };
        let safe = job.safe.as_ref();
        let notice = Notice {
            job: id,
            url,
            owner: self.jobs.owner(job).name.clone(),
            name: job.name.clone(),
            state: Job::state(job),
            reason: job.reason().to_owned(),
            ended_ms: self.now_ms,
            segment: job.segment(),
            step: safe.map_or(0, |safe| safe.entry.step),
            chain: safe.map(|safe| safe.entry.digest),
        };
        self.notices.insert(id, notice);
    }

    /// Notices that are to be told, in the order of their jobs' numbers.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.values()
    }

    /// A notice was delivered, or given up.
    pub(crate) fn noticed(&mut self, id: JobId) -> Result<(), Refusal> {
        match self.notices.remove(&id) {
            Some(_) => Ok(()),
            None => Err(Refusal::State(format!("no notice of job {id} waits"))),
        }
    }
}
