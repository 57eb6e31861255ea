//! What scientists do to jobs: submit, hold, release, cancel, change the priority. And how jobs conclude.

use protocol::http::SubmitJob;
use protocol::http::job::{PRIORITY_MAX, PRIORITY_URGENT};
use protocol::{JobId, JobState, Outcome};

use super::attempts::Then;
use super::job::{Cause, Job, Stage};
use super::queue::{Length, Need, QueueKey};
use super::{Core, Refusal, Timer, User, UserId};

/// Longest name, bytes.
pub(crate) const NAME_BYTES_MAX: usize = 120;
const TAGS_MAX: usize = 16;
const TAG_BYTES_MAX: usize = 64;
/// Most segments of a job.
const SEGMENTS_MAX: u64 = 1 << 40;

impl Core {
    pub(crate) fn user_id(&mut self, name: &str) -> UserId {
        if let Some(id) = self.user_ids.get(name) {
            return *id;
        }
        let id = UserId(u32::try_from(self.users.len()).expect("fewer than 2^32 users have a token"));
        self.users.push(User {
            name: name.to_owned(),
            served: self.served_floor,
            running: 0,
            unfinished: 0,
        });
        self.user_ids.insert(name.to_owned(), id);
        self.queues.stand(id, self.served_floor, self.config.user_running_max == 0);
        id
    }

    fn check_submission(&self, user: &str, job: &SubmitJob) -> Result<(), Refusal> {
        if job.name.trim().is_empty() || job.name.len() > NAME_BYTES_MAX || job.name.chars().any(char::is_control) {
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
        if job.tags.len() > TAGS_MAX || job.tags.iter().any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
            return Err(Refusal::invalid(
                "tags",
                format!("expected at most {TAGS_MAX} tags of 1 to {TAG_BYTES_MAX} bytes"),
            ));
        }
        if job.segment_ms == Some(0) {
            return Err(Refusal::invalid("segment_ms", "0, expected at least 1"));
        }
        if let Some(id) = self.user_ids.get(user) {
            let most = self.config.user_jobs_max;
            if self.user(*id).unfinished >= most {
                return Err(Refusal::Limit(format!("{user} has {most} unfinished jobs, the most allowed")));
            }
        }
        let Some(after) = job.after else { return Ok(()) };
        let parent = self
            .jobs
            .get(&after)
            .filter(|parent| self.user(parent.user).name == user)
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
        if matches!(parent.state, JobState::Failed | JobState::Cancelled) {
            return Err(Refusal::invalid("after", format!("job {after} is {}", parent.state)));
        }
        if parent.until() > SEGMENTS_MAX {
            return Err(Refusal::invalid("after", "the chain of jobs has too many segments"));
        }
        Ok(())
    }

    /// A new job.
    pub(crate) fn submit(&mut self, user: &str, submitted: &SubmitJob, bytes: u64) -> Result<JobId, Refusal> {
        self.check_submission(user, submitted)?;
        let user = self.user_id(user);
        let id = JobId(self.next_job);
        self.next_job += 1;
        let floor = self.served_floor;
        let absent = self.user(user).running == 0 && self.queues.places(user).is_empty();
        self.account(user, |user| {
            user.unfinished += 1;
            if absent {
                user.served = user.served.max(floor);
            }
        });
        let parent = submitted.after.and_then(|after| self.jobs.get(&after));
        let blocked = parent.is_some_and(|parent| parent.state != JobState::Completed);
        let job = Job {
            id,
            user,
            name: submitted.name.clone(),
            package: submitted.package,
            archive: submitted.archive,
            archive_bytes: bytes,
            tier: submitted.tier,
            first_segment: parent.map_or(0, Job::until),
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
            since_ms: self.now_ms,
            submitted_ms: self.now_ms,
            safe: parent.filter(|_| !blocked).and_then(|parent| parent.safe.clone()),
            epoch: 0,
            attempt: None,
            place: None,
            stays: Vec::new(),
            computed_ms: 0,
            moved_bytes: 0,
            failed_on: Vec::new(),
        };
        self.jobs.insert(id, job);
        if let (true, Some(after)) = (blocked, submitted.after) {
            self.dependents.entry(after).or_default().insert(id);
        }
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

    fn unfinished(&self, id: JobId) -> Result<&Job, Refusal> {
        let job = self.jobs.get(&id).ok_or(Refusal::NoJob(id))?;
        match job.state.is_final() {
            true => Err(Refusal::State(format!("job {id} is {}", job.state))),
            false => Ok(job),
        }
    }

    /// Keeps a job back; a running one stops at its next boundary.
    pub(crate) fn hold(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        let reason = format!("held by {by}");
        match job.attempt {
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
            .get(&id)
            .is_some_and(|attempt| attempt.stage > Stage::Offered && self.line(attempt.device).first() == Some(&id))
    }

    /// Lets a held job go on.
    pub(crate) fn release(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        if let Some(attempt_id) = job.attempt {
            let Some(attempt) = self.attempts.get_mut(&attempt_id) else {
                return Ok(());
            };
            if attempt.stop.as_ref().is_none_or(|stop| stop.cause != Cause::Hold) {
                return Err(Refusal::State(format!("job {id} is not held")));
            }
            let host = attempt.device.host;
            attempt.stop = None;
            self.timers.clear(Timer::Stop(attempt_id));
            // Whatever else it would have to stop for still holds.
            let behind = self.line(self.attempts[&attempt_id].device).len() > 1;
            match self.hosts.get(&host).and_then(|host| host.draining.clone()) {
                Some(reason) => self.order_stop(attempt_id, Cause::Leave, false, reason),
                None if behind => {
                    self.order_stop(attempt_id, Cause::Preempt, false, "another job took its turn".to_owned());
                }
                None => self.change(id, JobState::Running, format!("released by {by} before it stopped")),
            }
            self.dirty_hosts.insert(host);
            self.touch(host);
            return Ok(());
        }
        if job.state != JobState::Held {
            return Err(Refusal::State(format!("job {id} is {}, not held", job.state)));
        }
        if let (true, Some(after)) = (job.blocked, job.after) {
            let parent = self.jobs.get(&after).map_or(JobState::Failed, |parent| parent.state);
            if parent.is_final() {
                return Err(Refusal::State(format!("job {id} starts from job {after}, which is {parent}")));
            }
            self.change(id, JobState::Queued, format!("waits for the final checkpoint of job {after}"));
            return Ok(());
        }
        self.change(id, JobState::Queued, format!("released by {by}"));
        self.enqueue(id);
        Ok(())
    }

    /// Stops a job for good, at once.
    pub(crate) fn cancel(&mut self, id: JobId, by: &str) -> Result<(), Refusal> {
        let job = self.unfinished(id)?;
        let reason = format!("cancelled by {by}");
        match job.attempt {
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
        let (waits, attempt, state) = (job.place.is_some(), job.attempt, job.state);
        if waits {
            self.dequeue(id);
        }
        if let Some(job) = self.jobs.get_mut(&id) {
            (job.priority, job.now) = (priority, now);
        }
        self.change(id, state, format!("priority {priority} by {by}"));
        if waits {
            self.enqueue(id);
        }
        if let Some(attempt) = attempt {
            self.sync_yield(attempt);
            self.reconsider(attempt);
        }
        Ok(())
    }

    /// A running job became less urgent: one that waits may now take its place.
    fn reconsider(&mut self, attempt: protocol::AttemptId) {
        let Some(device) = self.attempts.get(&attempt).map(|attempt| attempt.device) else {
            return;
        };
        let Some(host) = self.hosts.get(&device.host) else { return };
        for class in &host.devices[usize::from(device.index)].classes {
            for need in [Need::Class(*class), Need::Any(class.tier)] {
                for length in [Length::Short, Length::Long] {
                    let head = self.queues.head(QueueKey { need, length });
                    self.dirty_jobs
                        .extend(head.filter(|head| head.level >= PRIORITY_URGENT).map(|head| head.job));
                }
            }
        }
    }

    /// A job ends, and those that start from it begin or are held.
    pub(crate) fn conclude(&mut self, id: JobId, state: JobState, reason: String) {
        self.change(id, state, reason);
        let Some(job) = self.jobs.get(&id) else { return };
        let (user, safe, awaited) = (job.user, job.safe.clone(), job.after.filter(|_| job.blocked));
        if let Some(after) = awaited
            && let Some(waiting) = self.dependents.get_mut(&after)
        {
            // What ended waits for nothing.
            waiting.remove(&id);
            if waiting.is_empty() {
                self.dependents.remove(&after);
            }
        }
        self.account(user, |user| user.unfinished -= 1);
        self.timers.set(Timer::Retire(id), self.now_ms + self.config.retire_ms);
        for next in self.dependents.remove(&id).unwrap_or_default() {
            let Some(waiting) = self.jobs.get_mut(&next) else { continue };
            if waiting.state.is_final() {
                continue;
            }
            if state == JobState::Completed {
                waiting.blocked = false;
                waiting.safe.clone_from(&safe);
                if waiting.state == JobState::Queued {
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
