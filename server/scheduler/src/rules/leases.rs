//! Leases: taken, progressing, committed. A message with an old epoch, or about an attempt that is over, changes nothing.

use protocol::http::lease::COMMIT_ENTRIES_MAX;
use protocol::http::{Commit, Committed, HostSignature, JobProgress};
use protocol::{AttemptId, HardwareClass, HostId, JobId, JobState, Outcome, Tier};

use super::Then;
use crate::tables::{Attempt, Device, Job, Safe, Stage, Timer};
use crate::{Command, Core, Refusal};

impl Core {
    pub(super) fn attempt_of(&self, host: HostId, id: AttemptId, epoch: u64) -> Result<&Attempt, Refusal> {
        if !self.hosts.contains(host) {
            return Err(Refusal::NoHost(host));
        }
        let Some(attempt) = self.attempts.get(id) else {
            let known = self.attempts.was_given(id);
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
    pub(crate) fn take(&mut self, id: HostId) -> Result<(), Refusal> {
        let host = self.hosts.get(id).ok_or(Refusal::NoHost(id))?;
        let is_offered = |id: &&AttemptId| self.attempts.get(**id).is_some_and(|attempt| attempt.stage == Stage::Offered);
        let in_lines = host.devices().iter().flat_map(Device::line);
        let offered: Vec<AttemptId> = in_lines.filter(is_offered).copied().collect();
        self.hear(id);
        for attempt in offered {
            self.advance(attempt, Stage::Leased);
        }
        Ok(())
    }

    /// The host has come further with an attempt.
    fn advance(&mut self, id: AttemptId, stage: Stage) {
        let now_ms = self.now_ms;
        let Some(attempt) = self.attempts.get_mut(id) else { return };
        attempt.seen_ms = now_ms;
        if attempt.stage >= stage {
            return;
        }
        let was = std::mem::replace(&mut attempt.stage, stage);
        let (job_id, device) = (attempt.job, attempt.device);
        self.timers.clear(Timer::Offer(id));
        if let (Stage::Offered, Some(host)) = (was, self.hosts.get_mut(device.host)) {
            host.missed_in_row = 0;
        }
        if let (Stage::Offered, Some(job)) = (was, self.jobs.get_mut(job_id)) {
            let fetched = job
                .archive_bytes
                .saturating_add(job.safe.as_ref().map_or(0, |safe| safe.bytes));
            job.moved_bytes = job.moved_bytes.saturating_add(fetched);
        }
        self.show_progress(id);
        self.arm_prefetch(id, self.now_ms);
        self.touch(device.host);
    }

    /// Says of a job whose attempt was taken where it runs, or what it waits behind.
    pub(super) fn show_progress(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(id) else { return };
        if attempt.stop.is_some() || attempt.stage == Stage::Offered {
            return;
        }
        let (job, why) = (attempt.job, attempt.why.clone());
        let label = self.hosts.label(attempt.device.host);
        let position = self.hosts.line(attempt.device).iter().position(|other| *other == id);
        if position == Some(0) {
            self.change(job, JobState::Running, format!("runs on {label}: {why}"));
        } else if let Some(job_state) = self.jobs.get(job).map(Job::state) {
            self.change(job, job_state, format!("lies ready on {label}: {why}"));
        }
    }

    /// What a heartbeat says about an attempt. Stale ones are ignored: the answer tells the host what is so.
    pub(super) fn progress(&mut self, host: HostId, report: &JobProgress) {
        let Ok(attempt) = self.attempt_of(host, report.attempt, report.epoch) else {
            return;
        };
        let (id, job_id, device) = (attempt.id, attempt.job, attempt.device);
        let Some(job) = self.jobs.get_mut(job_id) else { return };
        let reached = report.segment.clamp(job.segment(), job.until());
        if report.segment_ms > 0 {
            job.segment_ms = Some(report.segment_ms);
        }
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.segment = attempt.segment.max(reached);
        }
        if self.hosts.line(device).first() == Some(&id) {
            self.advance(id, Stage::Running);
        } else {
            self.advance(id, Stage::Leased);
        }
        self.arm_prefetch(id, self.now_ms);
    }

    /// A host that reports regularly, but not this, has dropped it.
    pub(super) fn unreported(&mut self, host: HostId, reported: &[JobProgress]) {
        let Some(known) = self.hosts.get(host) else { return };
        let label = known.label();
        let is_silent = |id: &AttemptId| {
            self.attempts.get(*id).is_some_and(|attempt| {
                attempt.stage > Stage::Offered && attempt.seen_ms + self.config.dropped_ms <= self.now_ms
            })
        };
        let heads = known.devices().iter().filter_map(|device| device.line().first().copied());
        let dropped: Vec<AttemptId> = heads
            .filter(|id| !reported.iter().any(|report| report.attempt == *id))
            .filter(is_silent)
            .collect();
        for id in dropped {
            let reason = format!("goes on from its last boundary: {label} no longer reports it");
            self.finish(id, Outcome::Expired, Then::Requeue(Some(JobState::Migrating), reason));
        }
    }

    /// Boundaries come home, with the class and bytes of the last one's checkpoint, the bytes of their outputs, and whether the package itself ended
    /// the run there. Repeated ones change nothing.
    pub(crate) fn commit(
        &mut self,
        host: HostId,
        id: AttemptId,
        commit: &Commit,
        (class, bytes, outputs_bytes, done): (HardwareClass, u64, u64, bool),
    ) -> Result<Committed, Refusal> {
        let attempt = self.attempt_of(host, id, commit.epoch)?;
        let (job_id, charged_ms) = (attempt.job, attempt.charged_ms);
        if class != attempt.class {
            return Err(Refusal::invalid(
                "checkpoint",
                format!("it is of class {class}, the lease is for class {}", attempt.class),
            ));
        }
        let job = self.jobs.get(job_id).ok_or(Refusal::NoJob(job_id))?;
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
            let (segment, state) = (job.segment(), job.state());
            return Ok(Committed { segment, state });
        };
        if last.segment > job.until() {
            return Err(Refusal::invalid(
                "entries",
                format!("boundary {} lies behind the job's last, {}", last.segment, job.until()),
            ));
        }
        let is_check = job.is_check();
        let before = job.safe.clone();
        let key = self.hosts.get(host).and_then(|host| host.key);
        let signed = commit.signature.zip(key).map(|(signature, key)| HostSignature {
            attempt: id,
            epoch: commit.epoch,
            key,
            signature,
        });
        let safe = Safe {
            blob: commit.checkpoint,
            entry: last,
            class,
            bytes,
            signed,
            done,
        };
        self.hear(host);
        if is_check {
            let (segment, state) = self.keep_check(job_id, id, safe, commit.computed_ms);
            return Ok(Committed { segment, state });
        }
        if let Some(job) = self.jobs.get_mut(job_id) {
            job.moved_bytes = job.moved_bytes.saturating_add(outputs_bytes);
        }
        self.keep(job_id, id, commit, safe, new, charged_ms);
        if self.rules >= 3 {
            self.jobs.store(job_id, outputs_bytes);
        }
        self.trace(job_id, id, (host, class), before.clone());
        self.supersede(job_id, before.map(|safe| safe.blob));
        let (segment, until) = self.jobs.get(job_id).map_or((0, 0), |job| (job.segment(), job.until()));
        let full = self.jobs.get(job_id).and_then(|job| self.is_full(&self.jobs.owner(job).name));
        if segment == until {
            let then = match self.rules >= 4 && self.await_checks(job_id) {
                true => Then::Verify("its last boundary is committed: checks of its segments go on".to_owned()),
                false => Then::Final(JobState::Completed, self.end_reason(job_id)),
            };
            self.finish(id, Outcome::Success, then);
        } else if let Some(reason) = full {
            self.finish(id, Outcome::Aborted, Then::Hold(reason));
        } else {
            self.sync_yield(id);
            self.advance(id, Stage::Running);
            self.arm_prefetch(id, self.now_ms);
        }
        // What follows for the job is no matter of its host.
        let state = self
            .jobs
            .get(job_id)
            .map(Job::state)
            .filter(|state| *state != JobState::Verifying);
        let state = state.unwrap_or(JobState::Completed);
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
        let Some(job) = self.jobs.get_mut(job_id) else { return };
        job.computed_ms = job.computed_ms.saturating_add(computed_ms);
        job.moved_bytes = job.moved_bytes.saturating_add(safe.bytes);
        job.safe = Some(safe);
        let first = new.iter().find(|entry| entry.segment == 1);
        if let (Tier::ClassBound, Some(first), true) = (job.tier, first, self.rules >= 4) {
            job.first = Some(first.digest);
        }
        job.failed_on.clear();
        job.errors.clear();
        if let Some(per_segment) = computed_ms.checked_div(new.len() as u64).filter(|ms| *ms > 0) {
            job.segment_ms = Some(per_segment);
        }
        if let Some(stay) = job.stays.last_mut() {
            stay.to_segment = segment;
        }
        if let Some(attempt) = self.attempts.get_mut(id) {
            attempt.segment = attempt.segment.max(segment);
            attempt.charged_ms = now_ms;
            attempt.shielded = false;
            if let Some(host) = self.hosts.get_mut(attempt.device.host) {
                host.boundaries = host.boundaries.saturating_add(new.len() as u64);
            }
        }
        self.jobs.serve(job_id, computed_ms);
        self.commands.push(Command::Chain(job_id, new.to_vec(), commit.outputs));
    }
}
