//! Attempts that end, and what becomes of their jobs, hosts and devices.

use protocol::http::EndAttempt;
use protocol::{AttemptId, ErrorCause, HostId, JobState, Outcome};

use super::Then;
use crate::tables::{Cause, DeviceId, Job, Timer};
use crate::{Core, Refusal};

/// Most of what a host says at an attempt's end.
pub(crate) const MESSAGE_CHARS_MAX: usize = 500;

impl Core {
    /// A host has stopped an attempt.
    pub(crate) fn end(&mut self, host_id: HostId, id: AttemptId, end: &EndAttempt) -> Result<(), Refusal> {
        let attempt = self.attempt_of(host_id, id, end.epoch)?;
        let (job_id, stop) = (attempt.job, attempt.stop.clone());
        let label = self.hosts.label(host_id);
        let said: String = end.message.chars().take(MESSAGE_CHARS_MAX).collect();
        if matches!(end.outcome, Outcome::Success | Outcome::Expired) {
            return Err(Refusal::State(format!(
                "a host cannot end an attempt as {}: the commit of the last boundary ends it",
                end.outcome
            )));
        }
        self.hear(host_id);
        match end.outcome {
            Outcome::Success | Outcome::Expired => {}
            Outcome::Migrated | Outcome::Preempted => {
                let (outcome, then) = match stop {
                    Some(stop) => after_stop(&stop.cause, &stop.reason),
                    None => (
                        Outcome::Migrated,
                        Then::Requeue(Some(JobState::Migrating), format!("left {label}: {said}")),
                    ),
                };
                self.finish(id, outcome, then);
                if let Some(host) = self.hosts.get_mut(host_id) {
                    host.failures_in_row = 0;
                    host.successes = host.successes.saturating_add(1);
                }
            }
            Outcome::Aborted => {
                let then = match stop {
                    Some(stop) => after_stop(&stop.cause, &stop.reason).1,
                    None => Then::Requeue(None, format!("given back by {label}: {said}")),
                };
                // Else the same job would come straight back.
                self.back_off(host_id, Setback::Other, &said);
                self.finish(id, Outcome::Aborted, then);
            }
            Outcome::ClientError if end.cause == ErrorCause::Package => {
                // The same fault waits on every host: not this one's error. It gets no other job for a moment, so that a host
                // that says so of everything does not go through all jobs at once.
                self.back_off(host_id, Setback::Other, &said);
                self.note_error(job_id, host_id, end.outcome, &said);
                let reason = format!(
                    "the package's own fault, found on {label}: {said}; submit a mended package, or release the job to try another host"
                );
                self.finish(id, Outcome::ClientError, Then::Hold(reason));
            }
            Outcome::ClientError | Outcome::Mismatch => {
                self.back_off(host_id, Setback::Error, &said);
                if self.rules >= 3 {
                    self.note_error(job_id, host_id, end.outcome, &said);
                    let then = match (stop.filter(|stop| stop.cause == Cause::Hold), self.too_many_errors(job_id)) {
                        (_, Some(reason)) => Then::Hold(reason),
                        (Some(stop), None) => Then::Hold(stop.reason),
                        (None, None) => Then::Requeue(Some(JobState::Queued), format!("{} on {label}: {said}", end.outcome)),
                    };
                    self.finish(id, end.outcome, then);
                    return Ok(());
                }
                let most = self.config.failures_max;
                let Some(job) = self.jobs.get_mut(job_id) else {
                    return Ok(());
                };
                if !job.failed_on.contains(&host_id) {
                    job.failed_on.push(host_id);
                }
                let hosts = job.failed_on.len();
                let then = if hosts >= most {
                    Then::Final(
                        JobState::Failed,
                        format!("errors on {hosts} hosts, the last on {label}: {said}"),
                    )
                } else if let Some(stop) = stop.filter(|stop| stop.cause == Cause::Hold) {
                    Then::Hold(stop.reason)
                } else {
                    Then::Requeue(Some(JobState::Queued), format!("{} on {label}: {said}", end.outcome))
                };
                self.finish(id, end.outcome, then);
            }
        }
        Ok(())
    }

    /// Gives a host no job for a while, longer after each error or missed offer in a row.
    pub(super) fn back_off(&mut self, id: HostId, setback: Setback, reason: &str) {
        let rules = self.rules;
        let Some(host) = self.hosts.get_mut(id) else { return };
        if setback == Setback::Error {
            host.errors = host.errors.saturating_add(1);
            host.failures_in_row = host.failures_in_row.saturating_add(1);
        }
        let (in_row, reason) = match setback {
            _ if rules < 4 => (host.failures_in_row, reason.to_owned()),
            Setback::Error => (host.failures_in_row, in_a_row(host.failures_in_row, "error", reason)),
            Setback::MissedOffer => {
                host.missed = true;
                host.missed_in_row = host.missed_in_row.saturating_add(1);
                (host.missed_in_row, in_a_row(host.missed_in_row, "missed offer", reason))
            }
            Setback::Other => (0, reason.to_owned()),
        };
        let doublings = in_row.saturating_sub(1).min(20);
        let pause = self
            .config
            .backoff_ms
            .saturating_mul(1 << doublings)
            .min(self.config.backoff_max_ms);
        let until = self.now_ms + pause;
        host.backoff_until_ms = Some(until);
        host.backoff_reason = reason;
        self.timers.set(Timer::Backoff(id), until);
        self.pending.hosts.insert(id);
    }

    /// An attempt is over, for whatever reason: the one way out.
    pub(super) fn finish(&mut self, id: AttemptId, outcome: Outcome, then: Then) {
        let Some(attempt) = self.detach(id, outcome) else { return };
        for timer in [Timer::Offer(id), Timer::Stop(id), Timer::Prefetch(id), Timer::Stall(id)] {
            self.timers.clear(timer);
        }
        let (job_id, device) = (attempt.job, attempt.device);
        if outcome == Outcome::Success
            && let Some(host) = self.hosts.get_mut(device.host)
        {
            host.successes = host.successes.saturating_add(1);
            host.failures_in_row = 0;
        }
        let Some((state, is_check)) = self.jobs.get(job_id).map(|job| (job.state(), job.is_check())) else {
            return;
        };
        if is_check {
            if !matches!(then, Then::Drop) {
                self.check_over(&attempt, outcome);
            }
            self.next_in_line(device);
            return;
        }
        match then {
            Then::Requeue(wanted, reason) => {
                let state = match wanted.unwrap_or(state) {
                    JobState::Running => JobState::Queued,
                    other => other,
                };
                self.change(job_id, state, reason);
                self.enqueue(job_id);
                if let (true, Some(place)) = (attempt.shielded, self.jobs.get(job_id).and_then(Job::place)) {
                    // Its turn by age was not used: it is still due.
                    self.jobs.queues_mut().set_passed(place.key, self.config.passed_max);
                }
            }
            Then::Hold(reason) => self.change(job_id, JobState::Held, reason),
            Then::Verify(reason) => self.change(job_id, JobState::Verifying, reason),
            Then::Final(state, reason) => self.conclude(job_id, state, reason),
            Then::Drop => {}
        }
        self.next_in_line(device);
    }

    /// What follows on a device when an attempt has left its line.
    fn next_in_line(&mut self, device: DeviceId) {
        if let Some(head) = self.hosts.line(device).first().copied() {
            self.show_progress(head);
            if self.rules >= 3 {
                self.spare(device);
            }
            self.arm_prefetch(head, self.now_ms);
        }
        self.pending.hosts.insert(device.host);
        self.touch(device.host);
        let empty = self
            .hosts
            .get(device.host)
            .is_some_and(|host| host.leaving && host.attempts().next().is_none());
        if empty {
            self.go_offline(device.host);
        }
    }
}

/// Why a host is given no job for a while.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Setback {
    /// An error of the host.
    Error,
    /// An offer that it did not take in time.
    MissedOffer,
    /// What it is not to blame for.
    Other,
}

/// A reason, with how often it came in a row where it came more than once.
fn in_a_row(count: u32, what: &str, reason: &str) -> String {
    match count {
        0 | 1 => reason.to_owned(),
        _ => format!("{count} {what}s in a row, the last: {reason}"),
    }
}

/// What becomes of a job that stopped as told.
pub(super) fn after_stop(cause: &Cause, reason: &str) -> (Outcome, Then) {
    match cause {
        Cause::Preempt => (
            Outcome::Preempted,
            Then::Requeue(Some(JobState::Suspended), format!("suspended: {reason}")),
        ),
        Cause::Leave => (
            Outcome::Migrated,
            Then::Requeue(Some(JobState::Migrating), format!("migrates: {reason}")),
        ),
        Cause::Hold => (Outcome::Migrated, Then::Hold(reason.to_owned())),
    }
}
