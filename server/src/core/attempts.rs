//! Leases: taken, progressing, committed, ended. A message with an old epoch, or about an attempt that is over, changes nothing.

use protocol::HardwareClass;
use protocol::http::lease::COMMIT_ENTRIES_MAX;
use protocol::http::{AttemptId, Commit, Committed, EndAttempt, HostId, JobId, JobProgress, JobState, Outcome};

use super::job::{Attempt, Cause, Safe, Stage};
use super::pool::DeviceId;
use super::{Command, Core, Refusal, Timer};

/// What becomes of a job when its attempt is over.
pub(super) enum Then {
    /// It waits again; in the state it has when none is named.
    Requeue(Option<JobState>, String),
    /// It is kept back.
    Hold(String),
    /// Nothing more.
    Final(JobState, String),
}

impl Core {
    fn attempt_of(&self, host: HostId, id: AttemptId, epoch: u64) -> Result<&Attempt, Refusal> {
        if !self.hosts.contains_key(&host) {
            return Err(Refusal::NoHost(host));
        }
        let Some(attempt) = self.attempts.get(&id) else {
            let known = id.0 > 0 && id.0 < self.next_attempt;
            return Err(if known { Refusal::Over(id) } else { Refusal::NoAttempt(id) });
        };
        if attempt.device.host != host {
            return Err(Refusal::NoAttempt(id));
        }
        if attempt.epoch != epoch {
            return Err(Refusal::StaleEpoch {
                found: epoch,
                expected: attempt.epoch,
            });
        }
        Ok(attempt)
    }

    /// A host takes all that it is offered.
    pub(super) fn take(&mut self, id: HostId) -> Result<(), Refusal> {
        let host = self.hosts.get(&id).ok_or(Refusal::NoHost(id))?;
        let offered: Vec<AttemptId> = host
            .devices
            .iter()
            .flat_map(|device| &device.line)
            .filter(|attempt| {
                self.attempts
                    .get(attempt)
                    .is_some_and(|attempt| attempt.stage == Stage::Offered)
            })
            .copied()
            .collect();
        self.hear(id);
        for attempt in offered {
            self.advance(attempt, Stage::Leased);
        }
        Ok(())
    }

    /// The host has come further with an attempt.
    fn advance(&mut self, id: AttemptId, stage: Stage) {
        let now_ms = self.now_ms;
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        attempt.seen_ms = now_ms;
        if attempt.stage >= stage {
            return;
        }
        let was = std::mem::replace(&mut attempt.stage, stage);
        let (job_id, device) = (attempt.job, attempt.device);
        self.timers.clear(Timer::Offer(id));
        if let (Stage::Offered, Some(job)) = (was, self.jobs.get_mut(&job_id)) {
            job.moved_bytes += job.archive_bytes + job.safe.as_ref().map_or(0, |safe| safe.bytes);
        }
        self.show_progress(id);
        self.arm_prefetch(id);
        self.touch(device.host);
    }

    /// Says of a job whose attempt was taken where it runs, or what it waits behind.
    fn show_progress(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        if attempt.stop.is_some() || attempt.stage == Stage::Offered {
            return;
        }
        let (job, why) = (attempt.job, attempt.why.clone());
        let label = self
            .hosts
            .get(&attempt.device.host)
            .map(super::Host::label)
            .unwrap_or_default();
        let position = self.line(attempt.device).iter().position(|other| *other == id);
        if position == Some(0) {
            self.change(job, JobState::Running, format!("runs on {label}: {why}"));
        } else if let Some(job_state) = self.jobs.get(&job).map(|job| job.state) {
            self.change(job, job_state, format!("lies ready on {label}: {why}"));
        }
    }

    /// What a heartbeat says about an attempt. Stale ones are ignored: the answer tells the host what is so.
    pub(super) fn progress(&mut self, host: HostId, report: &JobProgress) {
        let Ok(attempt) = self.attempt_of(host, report.attempt, report.epoch) else {
            return;
        };
        let (id, job_id) = (attempt.id, attempt.job);
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        let reached = report.segment.clamp(job.segment(), job.until());
        if report.segment_ms > 0 {
            job.segment_ms = Some(report.segment_ms);
        }
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.segment = attempt.segment.max(reached);
        }
        if self.line(self.attempts[&id].device).first() == Some(&id) {
            self.advance(id, Stage::Running);
        } else {
            self.advance(id, Stage::Leased);
        }
        self.arm_prefetch(id);
    }

    /// A host that reports regularly, but not this, has dropped it.
    pub(super) fn unreported(&mut self, host: HostId, reported: &[JobProgress]) {
        let Some(known) = self.hosts.get(&host) else { return };
        let label = known.label();
        let dropped: Vec<AttemptId> = known
            .devices
            .iter()
            .filter_map(|device| device.line.first())
            .filter(|id| !reported.iter().any(|report| report.attempt == **id))
            .filter(|id| {
                self.attempts.get(id).is_some_and(|attempt| {
                    attempt.stage > Stage::Offered && attempt.seen_ms + self.config.dropped_ms <= self.now_ms
                })
            })
            .copied()
            .collect();
        for id in dropped {
            let reason = format!("goes on from its last boundary: {label} no longer reports it");
            self.finish(id, Outcome::Expired, Then::Requeue(Some(JobState::Migrating), reason));
        }
    }

    /// Boundaries come home. Repeated ones change nothing.
    pub(super) fn commit(
        &mut self,
        host: HostId,
        id: AttemptId,
        commit: &Commit,
        class: HardwareClass,
        bytes: u64,
    ) -> Result<Committed, Refusal> {
        let attempt = self.attempt_of(host, id, commit.epoch)?;
        let (job_id, charged_ms) = (attempt.job, attempt.charged_ms);
        if class != attempt.class {
            return Err(Refusal::invalid(
                "checkpoint",
                format!("it is of class {class}, the lease is for class {}", attempt.class),
            ));
        }
        let job = self.jobs.get(&job_id).ok_or(Refusal::NoJob(job_id))?;
        if commit.entries.is_empty() || commit.entries.len() > COMMIT_ENTRIES_MAX {
            return Err(Refusal::invalid(
                "entries",
                format!("{} entries, expected 1 to {COMMIT_ENTRIES_MAX}", commit.entries.len()),
            ));
        }
        let mut parent = job.safe.as_ref().map(|safe| &safe.entry);
        let known = parent.map_or(0, |entry| {
            commit.entries.iter().take_while(|new| new.segment <= entry.segment).count()
        });
        let (old, new) = commit.entries.split_at(known);
        if let (Some(last), Some(parent)) = (old.last(), parent)
            && last.segment == parent.segment
            && last != parent
        {
            let detail = format!(
                "boundary {} is safe with digest {}, found {}",
                parent.segment, parent.digest, last.digest
            );
            return Err(Refusal::invalid("entries", detail));
        }
        for entry in new {
            if !entry.follows(job.package, parent) {
                return Err(Refusal::invalid(
                    "entries",
                    format!(
                        "boundary {} does not follow {} of package {}",
                        entry.segment,
                        parent.map_or("nothing: C0 is segment 0, step 0".to_owned(), |parent| format!(
                            "boundary {} ({})",
                            parent.segment,
                            parent.digest.short()
                        )),
                        job.package.short()
                    ),
                ));
            }
            parent = Some(entry);
        }
        let Some(last) = new.last().cloned() else {
            let (segment, state) = (job.segment(), job.state);
            return Ok(Committed { segment, state });
        };
        if last.segment > job.until() {
            return Err(Refusal::invalid(
                "entries",
                format!("boundary {} lies behind the job's last, {}", last.segment, job.until()),
            ));
        }
        self.hear(host);
        self.keep(
            job_id,
            id,
            commit,
            Safe {
                blob: commit.checkpoint,
                entry: last,
                class,
                bytes,
            },
            new,
            charged_ms,
        );
        let job = &self.jobs[&job_id];
        let segment = job.segment();
        if segment == job.until() {
            self.finish(
                id,
                Outcome::Success,
                Then::Final(JobState::Completed, "its last boundary is safe".to_owned()),
            );
        } else {
            self.sync_yield(id);
            self.advance(id, Stage::Running);
            self.arm_prefetch(id);
        }
        let state = self.jobs[&job_id].state;
        Ok(Committed { segment, state })
    }

    fn keep(
        &mut self,
        job_id: JobId,
        id: AttemptId,
        commit: &Commit,
        safe: Safe,
        new: &[protocol::ChainEntry],
        charged_ms: u64,
    ) {
        let now_ms = self.now_ms;
        // A host cannot have computed longer than it had the job.
        let computed_ms = commit.computed_ms.min(now_ms.saturating_sub(charged_ms));
        let segment = safe.entry.segment;
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        job.computed_ms += computed_ms;
        job.moved_bytes += safe.bytes;
        if let Some(before) = job.safe.replace(safe) {
            self.commands.push(Command::Superseded(before.blob));
        }
        job.failed_on.clear();
        if let Some(per_segment) = computed_ms.checked_div(new.len() as u64).filter(|ms| *ms > 0) {
            job.segment_ms = Some(per_segment);
        }
        if let Some(stay) = job.stays.last_mut() {
            stay.to_segment = segment;
        }
        let user = job.user;
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.segment = attempt.segment.max(segment);
            attempt.charged_ms = now_ms;
            attempt.shielded = false;
            if let Some(host) = self.hosts.get_mut(&attempt.device.host) {
                host.boundaries += new.len() as u64;
            }
        }
        self.account(user, |user| user.served += computed_ms);
        self.commands.push(Command::Chain(job_id, new.to_vec(), commit.outputs));
    }

    /// A host has stopped an attempt.
    pub(super) fn end(&mut self, host_id: HostId, id: AttemptId, end: &EndAttempt) -> Result<(), Refusal> {
        let attempt = self.attempt_of(host_id, id, end.epoch)?;
        let (job_id, stop) = (attempt.job, attempt.stop.clone());
        let label = self.hosts.get(&host_id).map(super::Host::label).unwrap_or_default();
        let said: String = end.message.chars().take(500).collect();
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
                if let Some(host) = self.hosts.get_mut(&host_id) {
                    host.failures_in_row = 0;
                    host.successes += 1;
                }
            }
            Outcome::Aborted => {
                let then = match stop {
                    Some(stop) => after_stop(&stop.cause, &stop.reason).1,
                    None => Then::Requeue(None, format!("given back by {label}: {said}")),
                };
                // Else the same job would come straight back.
                self.back_off(host_id, false, &said);
                self.finish(id, Outcome::Aborted, then);
            }
            Outcome::ClientError | Outcome::Mismatch => {
                self.back_off(host_id, true, &said);
                let most = self.config.failures_max;
                let Some(job) = self.jobs.get_mut(&job_id) else {
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

    /// Gives a host no job for a while, longer after each error in a row.
    pub(super) fn back_off(&mut self, id: HostId, error: bool, reason: &str) {
        let Some(host) = self.hosts.get_mut(&id) else { return };
        if error {
            host.errors += 1;
            host.failures_in_row += 1;
        }
        let doublings = host.failures_in_row.saturating_sub(1).min(20);
        let pause = (self.config.backoff_ms << doublings).min(self.config.backoff_max_ms);
        let until = self.now_ms + pause;
        host.backoff_until_ms = Some(until);
        reason.clone_into(&mut host.backoff_reason);
        self.timers.set(Timer::Backoff(id), until);
        self.dirty_hosts.insert(id);
    }

    /// An attempt is over, for whatever reason: the one way out.
    pub(super) fn finish(&mut self, id: AttemptId, outcome: Outcome, then: Then) {
        let Some(mut attempt) = self.attempts.get(&id).cloned() else {
            return;
        };
        if attempt.yields.is_some() {
            // Out of the index before it leaves the line.
            attempt.yields = None;
            self.unlist(id);
        }
        self.attempts.remove(&id);
        for timer in [Timer::Offer(id), Timer::Stop(id), Timer::Prefetch(id)] {
            self.timers.clear(timer);
        }
        let device = attempt.device;
        if let Some(host) = self.hosts.get_mut(&device.host) {
            host.devices[usize::from(device.index)].line.retain(|other| *other != id);
            if outcome == Outcome::Success {
                host.successes += 1;
                host.failures_in_row = 0;
            }
        }
        let now_ms = self.now_ms;
        let Some(job) = self.jobs.get_mut(&attempt.job) else { return };
        job.attempt = None;
        let (job_id, user, state) = (job.id, job.user, job.state);
        if let Some(stay) = job.stays.last_mut() {
            stay.to_ms = Some(now_ms);
            stay.outcome = Some(outcome);
        }
        self.account(user, |user| user.running -= 1);
        match then {
            Then::Requeue(wanted, reason) => {
                let state = match wanted.unwrap_or(state) {
                    JobState::Running => JobState::Queued,
                    other => other,
                };
                self.change(job_id, state, reason);
                self.enqueue(job_id);
                if let (true, Some(place)) = (attempt.shielded, self.jobs.get(&job_id).and_then(|job| job.place)) {
                    // Its turn by age was not used: it is still due.
                    self.passed.insert(place.key, self.config.passed_max);
                }
            }
            Then::Hold(reason) => self.change(job_id, JobState::Held, reason),
            Then::Final(state, reason) => self.conclude(job_id, state, reason),
        }
        self.next_in_line(device);
    }

    fn unlist(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        if let (Some(level), Some(host)) = (attempt.yields.take(), self.hosts.get(&attempt.device.host)) {
            let classes = &host.devices[usize::from(attempt.device.index)].classes;
            self.yielding.remove(classes, (level, std::cmp::Reverse(id)));
        }
    }

    /// What follows on a device when an attempt has left its line.
    fn next_in_line(&mut self, device: DeviceId) {
        if let Some(head) = self.line(device).first().copied() {
            self.show_progress(head);
            self.arm_prefetch(head);
        }
        self.dirty_hosts.insert(device.host);
        self.touch(device.host);
        let empty = self
            .hosts
            .get(&device.host)
            .is_some_and(|host| host.leaving && host.devices.iter().all(|device| device.line.is_empty()));
        if empty {
            self.go_offline(device.host);
        }
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
