//! Errors of hosts with a job: whose they are, when there are enough of them to hold it, and another try.
//!
//! One volunteer may enrol often, so hosts are not counted but origins. Two hosts are of one origin when an invitation of the same subject enrolled them or
//! they come from the same network; except that a host which has brought a boundary home before counts for itself. A job is held, not ended, when
//! errors of [`Config::failures_max`](crate::Config::failures_max) origins have come since its last boundary, or
//! [`Config::errors_max`](crate::Config::errors_max) errors of whatever origin.

use protocol::http::JobError;
use protocol::{HostId, JobId, JobState, Outcome};

use crate::tables::{ERRORS_KEPT, Failure};
use crate::{Core, Refusal};

/// Characters of a host's message in a job's reason.
const SAID_CHARS_MAX: usize = 120;

impl Core {
    /// Keeps an error with its job.
    pub(super) fn note_error(&mut self, job: JobId, host: HostId, outcome: Outcome, message: &str) {
        if self.rules < 3 {
            return;
        }
        let at_ms = self.now_ms;
        let Some(host) = self.hosts.get(host) else { return };
        let failure = Failure {
            error: JobError {
                host: host.id,
                name: host.name.clone(),
                at_ms,
                outcome,
                message: message.to_owned(),
            },
            origin: host.origin().clone(),
            proven: host.boundaries > 0,
        };
        let Some(job) = self.jobs.get_mut(job) else { return };
        if job.errors.len() == ERRORS_KEPT {
            job.errors.remove(0);
        }
        job.errors.push(failure);
    }

    /// Why a job is to be held for its errors; none while there are too few.
    pub(super) fn too_many_errors(&self, id: JobId) -> Option<String> {
        let job = self.jobs.get(id)?;
        let origins = origins(&job.errors);
        if origins < self.config.failures_max && job.errors.len() < self.config.errors_max {
            return None;
        }
        let said = job.errors.iter().rev().take(3).map(|failure| {
            let error = &failure.error;
            let message: String = error.message.chars().take(SAID_CHARS_MAX).collect();
            format!("{} (host {}): {message}", error.name, error.host)
        });
        let said = said.collect::<Vec<_>>().join("; ");
        Some(format!(
            "{} errors from {origins} {}, the last: {said}; baton retry {id} forgets them and tries again",
            job.errors.len(),
            if origins == 1 { "origin" } else { "origins" },
        ))
    }

    /// Forgets the errors for which a job is held, and lets it go on.
    pub(crate) fn retry(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        if job.state() != JobState::Held || job.errors.is_empty() || job.attempt().is_some() {
            return Err(Refusal::State(format!(
                "job {id} is {}, not held because of errors",
                job.state()
            )));
        }
        self.release(id, by)
    }
}

/// How many origins the errors have: one for each that is unlike all before it.
fn origins(errors: &[Failure]) -> usize {
    let differs = |(index, failure): &(usize, &Failure)| !errors[..*index].iter().any(|before| alike(before, failure));
    errors.iter().enumerate().filter(differs).count()
}

/// Whether two errors are of one origin.
fn alike(one: &Failure, other: &Failure) -> bool {
    if one.error.host == other.error.host {
        return true;
    }
    if one.proven || other.proven {
        return false;
    }
    let (one, other) = (&one.origin, &other.origin);
    let same_subject = one.subject.is_some() && one.subject == other.subject;
    // Hosts that registered under older rules have no network on record, and count each for itself.
    same_subject || one.network != 0 && one.network == other.network
}
