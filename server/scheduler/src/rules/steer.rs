//! What scientists do to jobs: submit, hold, release, cancel, change the priority. And how jobs conclude.

use protocol::http::SubmitJob;
use protocol::http::job::{PRIORITY_MAX, PRIORITY_URGENT};
use protocol::text::is_plain;
use protocol::{JobId, JobState, Outcome};

use super::Then;
use super::notices::URL_BYTES_MAX;
use crate::tables::{Cause, Job, Length, Need, QueueKey, Stage, Timer};
use crate::{Command, Core, Refusal};

/// Longest name, bytes.
pub(super) const NAME_BYTES_MAX: usize = 120;
const TAGS_MAX: usize = 16;
const TAG_BYTES_MAX: usize = 64;
/// Most segments of a job.
const SEGMENTS_MAX: u64 = 1 << 40;

impl Core {
    fn check_submission(&self, user: &str, job: &SubmitJob) -> Result<(), Refusal> {
        if job.name.trim().is_empty() || job.name.len() > NAME_BYTES_MAX || !is_plain(&job.name) {
            let found = job.name.len();
            return Err(Refusal::invalid(
                "name",
                format!("{found} bytes; expected 1 to {NAME_BYTES_MAX} without control characters"),
            ));
        }
        check_priority(job.priority)?;
        if job.segments == 0 || job.segments > SEGMENTS_MAX {
            return Err(Refusal::invalid("segments", format!("{}, expected 1 to 2^40", job.segments)));
        }
        if job.tags.len() > TAGS_MAX
            || job
                .tags
                .iter()
                .any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX || !is_plain(tag))
        {
            return Err(Refusal::invalid(
                "tags",
                format!("expected at most {TAGS_MAX} tags of 1 to {TAG_BYTES_MAX} bytes"),
            ));
        }
        if job
            .notify
            .as_ref()
            .is_some_and(|url| url.len() > URL_BYTES_MAX || !is_plain(url))
        {
            let expected = format!("expected a URL of at most {URL_BYTES_MAX} bytes without control characters");
            return Err(Refusal::invalid("notify", expected));
        }
        if job.segment_ms == Some(0) {
            return Err(Refusal::invalid("segment_ms", "0, expected at least 1"));
        }
        let most = self.config.user_jobs_max;
        if self.jobs.account(user).is_some_and(|account| account.unfinished >= most) {
            return Err(Refusal::Limit(format!("{user} has {most} unfinished jobs, the most allowed")));
        }
        if let Some(reason) = self.is_full(user) {
            return Err(Refusal::Limit(reason));
        }
        let Some(after) = job.after else { return Ok(()) };
        let parent = self
            .jobs
            .get(after)
            .filter(|parent| self.jobs.owner(parent).name == user)
            .ok_or_else(|| Refusal::invalid("after", format!("{user} has no job {after}")))?;
        if parent.package != job.package {
            return Err(Refusal::invalid(
                "after",
                format!(
                    "job {after} runs package {}: a checkpoint only fits its own package",
                    parent.package.short()
                ),
            ));
        }
        if matches!(parent.state(), JobState::Failed | JobState::Cancelled) {
            return Err(Refusal::invalid("after", format!("job {after} is {}", parent.state())));
        }
        if parent.safe.as_ref().is_some_and(|safe| safe.done) {
            let at = parent.segment();
            let detail = format!("job {after} was ended by its package at boundary {at}: no segment follows");
            return Err(Refusal::invalid("after", detail));
        }
        if parent.until() > SEGMENTS_MAX {
            return Err(Refusal::invalid("after", "the chain of jobs has too many segments"));
        }
        Ok(())
    }

    /// Why nothing more is kept for a user; none while there is room.
    pub(super) fn is_full(&self, user: &str) -> Option<String> {
        let (most, stored) = (self.config.user_stored_max, self.jobs.account(user)?.stored_bytes);
        (most > 0 && stored >= most).then(|| {
            format!("{stored} bytes of packages and outputs are kept for {user}, of {most} at most (--stored-gb-per-user)")
        })
    }

    /// A new job.
    pub(crate) fn submit(&mut self, user: &str, submitted: &SubmitJob, bytes: u64) -> Result<JobId, Refusal> {
        self.check_submission(user, submitted)?;
        let id = self.jobs.submit(user, submitted, bytes, self.now_ms);
        if self.rules >= 3 {
            self.jobs.store(id, bytes);
        }
        let blocked = self.jobs.get(id).is_some_and(Job::is_blocked);
        match (submitted.hold, blocked, submitted.after) {
            (true, ..) => self.change(id, JobState::Held, "submitted on hold"),
            (false, true, Some(after)) => {
                self.change(id, JobState::Queued, format!("waits for the final checkpoint of job {after}"));
            }
            _ => {
                self.change(id, JobState::Queued, "submitted");
                self.enqueue(id);
            }
        }
        Ok(id)
    }

    pub(super) fn unfinished(&self, id: JobId) -> Result<&Job, Refusal> {
        let job = self.job_row(id)?;
        match job.state().is_final() {
            true => Err(Refusal::State(format!("job {id} is {}", job.state()))),
            false => Ok(job),
        }
    }

    /// Keeps a job back; a running one stops at its next boundary.
    pub(crate) fn hold(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        if job.state() == JobState::Verifying {
            let safe = "its last boundary is committed, and only checks go on";
            return Err(Refusal::State(format!("job {id} is verifying: {safe}")));
        }
        let reason = format!("held by {by}");
        match job.attempt() {
            None => {
                self.dequeue(id);
                self.change(id, JobState::Held, reason);
            }
            Some(attempt) if self.is_computing(attempt) => self.order_stop(attempt, Cause::Hold, false, reason),
            Some(attempt) => self.finish(attempt, Outcome::Aborted, Then::Hold(reason)),
        }
        Ok(())
    }

    fn is_computing(&self, id: protocol::AttemptId) -> bool {
        self.attempts
            .get(id)
            .is_some_and(|attempt| attempt.stage > Stage::Offered && self.hosts.line(attempt.device).first() == Some(&id))
    }

    /// Lets a held job go on.
    pub(crate) fn release(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        if let Some(attempt_id) = job.attempt() {
            let Some(attempt) = self.attempts.get_mut(attempt_id) else {
                return Ok(());
            };
            if attempt.stop.as_ref().is_none_or(|stop| stop.cause != Cause::Hold) {
                return Err(Refusal::State(format!("job {id} is not held")));
            }
            let device = attempt.device;
            let host = device.host;
            let now = attempt.stop.take().is_some_and(|stop| stop.now);
            self.timers.clear(Timer::Stop(attempt_id));
            // Whatever else it would have to stop for still holds.
            let behind = self.hosts.line(device).len() > 1;
            match self.hosts.get(host).and_then(|host| host.draining.clone()) {
                Some(reason) => self.order_stop(attempt_id, Cause::Leave, false, reason),
                None if behind => {
                    self.order_stop(attempt_id, Cause::Preempt, now, "another job took its turn".to_owned());
                }
                None => self.change(id, JobState::Running, format!("released by {by} before it stopped")),
            }
            self.pending.hosts.insert(host);
            self.touch(host);
            return Ok(());
        }
        if job.state() != JobState::Held {
            return Err(Refusal::State(format!("job {id} is {}, not held", job.state())));
        }
        if let (true, Some(after)) = (job.is_blocked(), job.after()) {
            let parent = self.jobs.get(after).map_or(JobState::Failed, |parent| parent.state());
            if parent.is_final() {
                return Err(Refusal::State(format!("job {id} starts from job {after}, which is {parent}")));
            }
            self.change(id, JobState::Queued, format!("waits for the final checkpoint of job {after}"));
            return Ok(());
        }
        if let Some(job) = self.jobs.get_mut(id) {
            job.errors.clear();
        }
        self.change(id, JobState::Queued, format!("released by {by}"));
        self.enqueue(id);
        Ok(())
    }

    /// Stops a job for good, at once.
    pub(crate) fn cancel(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        let reason = format!("cancelled by {by}");
        match job.attempt() {
            Some(attempt) => self.finish(attempt, Outcome::Aborted, Then::Final(JobState::Cancelled, reason)),
            None => {
                self.dequeue(id);
                self.conclude(id, JobState::Cancelled, reason);
            }
        }
        Ok(())
    }

    /// Changes a job's priority, whatever it is doing.
    pub(crate) fn prioritize(&mut self, id: JobId, priority: u8, now: bool, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        check_priority(priority)?;
        let (waits, attempt, state) = (job.place().is_some(), job.attempt(), job.state());
        if waits {
            self.dequeue(id);
        }
        if let Some(job) = self.jobs.get_mut(id) {
            (job.priority, job.now) = (priority, now);
        }
        self.change(id, state, format!("priority {priority} by {by}"));
        if waits {
            self.enqueue(id);
        }
        if let Some(attempt) = attempt {
            self.sync_yield(attempt);
            self.reconsider(attempt);
            if now && self.rules >= 3 {
                self.hurry(attempt);
            }
        }
        Ok(())
    }

    /// An attempt may have to make room now, or its job became less urgent: one that waits may take its place.
    pub(super) fn reconsider(&mut self, attempt: protocol::AttemptId) {
        let Some(device) = self.attempts.get(attempt).map(|attempt| attempt.device) else {
            return;
        };
        for class in self.hosts.classes(device) {
            for need in [Need::Class(*class), Need::Any(class.tier)] {
                for length in [Length::Short, Length::Long] {
                    let head = self.jobs.queues().head(QueueKey { need, length });
                    self.pending
                        .jobs
                        .extend(head.filter(|head| head.level >= PRIORITY_URGENT).map(|head| head.job));
                }
            }
        }
    }

    /// A job ends, and those that start from it begin or are held.
    pub(super) fn conclude(&mut self, id: JobId, state: JobState, reason: String) {
        self.forget_checks(id, true);
        let (change, waiting) = self.jobs.conclude(id, state, reason, self.now_ms);
        self.commands.extend(change.map(|change| Command::Changed(id, change)));
        self.timers.set(Timer::Retire(id), self.now_ms + self.config.retire_ms);
        self.notify(id);
        let safe = self.jobs.get(id).and_then(|job| job.safe.clone());
        let first = self.jobs.get(id).and_then(|job| job.first);
        for next in waiting {
            let Some(waits) = self.jobs.get(next).map(Job::state) else {
                continue;
            };
            if state == JobState::Completed {
                self.jobs.unblock(next, (safe.as_ref(), first));
                if safe.as_ref().is_some_and(|safe| safe.done) {
                    let reason = format!("job {id}, which it starts from, was ended by its package: no segment follows");
                    self.conclude(next, JobState::Completed, reason);
                } else if waits == JobState::Queued {
                    self.change(next, JobState::Queued, format!("starts from job {id}, which is completed"));
                    self.enqueue(next);
                }
            } else {
                self.change(next, JobState::Held, format!("starts from job {id}, which is {state}"));
            }
        }
    }
}

fn check_priority(priority: u8) -> Result<(), Refusal> {
    match priority {
        0..=PRIORITY_MAX => Ok(()),
        other => Err(Refusal::invalid("priority", format!("{other}, expected 0 to {PRIORITY_MAX}"))),
    }
}
