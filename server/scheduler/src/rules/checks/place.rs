//! Which host checks, and when.
//!
//! A check goes to a host that nothing connects with those whose results it is held against: another subject, another network, and not the one
//! that checked this host last, where the class has others; nor one that was given the boundary at the span's end, which it could copy.
//! A free device takes a check before a job, so that little rests on one word.

use protocol::{HostId, JobId, JobState, Outcome};

use super::super::Then;
use super::PROBATION;
use crate::Core;
use crate::tables::{DeviceId, Host, Job, SpanState, Timer};

/// Why a check came to nothing for which there is nobody.
pub(super) const NO_OTHER: &str = "no other host of its class is there that may check it";
/// Checks, or devices, that one decision looks at.
const LOOKS_MAX: usize = 32;

impl Core {
    /// Lets a check wait for a device, and looks for a free one.
    pub(in crate::rules) fn wait_for_device(&mut self, id: JobId) {
        self.jobs.set_waiting(id, true);
        let Some(check) = self.jobs.get(id).filter(|check| !self.jobs.is_at_limit(check)) else {
            return;
        };
        let Some(class) = check.check.as_ref().map(|check| check.class) else {
            return;
        };
        let may = |device: &DeviceId| self.hosts.get(device.host).is_some_and(|host| self.may_check(check, host));
        let fitting = || self.hosts.free_of(class).take(LOOKS_MAX).find(may);
        if let Some(device) = self.idle_referee(check).or_else(fitting) {
            self.grant(id, device, None, "a device was free");
        }
    }

    /// The check that a device should take next; it stays where it waits.
    pub(in crate::rules) fn pick_check(&self, device: DeviceId) -> Option<JobId> {
        let host = self.hosts.get(device.host)?;
        if host.origin().referee {
            return self.pick_for_referee(device);
        }
        if host.leaves_soon(self.now_ms) {
            return None;
        }
        let waiting = |class| self.jobs.waiting_checks(class).take(LOOKS_MAX);
        let mut checks = self.hosts.classes(device).iter().flat_map(|class| waiting(*class));
        let found = checks.find(|check| !self.jobs.is_at_limit(check) && self.may_check(check, host))?;
        Some(found.id)
    }

    /// Whether a host may compute a check.
    pub(super) fn may_check(&self, check: &Job, host: &Host) -> bool {
        let Some(check) = &check.check else { return false };
        let connected = |other: HostId| self.hosts.get(other).is_none_or(|other| self.alike(host, other));
        if check.failed.contains(&host.id) || check.votes.iter().any(|vote| connected(vote.host)) {
            return false;
        }
        if host.origin().referee {
            return true;
        }
        if check.agreed.is_some() || check.barred.iter().copied().any(connected) {
            return false;
        }
        if check.votes.len() > 1 {
            // The parties differ: a referee decides where there is one, else a host whose own work was found right, where there is one.
            let proven = is_proven(host, check.class);
            return (proven || !check.wants_proven) && !self.has_referee(check);
        }
        let last = check
            .votes
            .first()
            .and_then(|vote| self.hosts.get(vote.host)?.record(check.class)?.checker);
        let has_others = self.class_presence(check.class).online > 2;
        last != Some(host.id) || !has_others
    }

    /// Whether two hosts may be one volunteer's.
    pub(super) fn alike(&self, one: &Host, other: &Host) -> bool {
        // A copied state folder has the key of the one that it was copied from.
        if one.id == other.id || one.key.is_some() && one.key == other.key {
            return true;
        }
        if one.origin().referee || other.origin().referee {
            // The operator's own, whose word stands alone.
            return false;
        }
        let (one, other) = (one.origin(), other.origin());
        let same_subject = one.subject.is_some() && one.subject == other.subject;
        let same_network = one.network != 0 && one.network == other.network;
        same_subject || same_network && !self.config.check_same_network
    }

    /// A check has waited long, or too long.
    pub(in crate::rules) fn check_due(&mut self, id: JobId) {
        let Some(row) = self.jobs.get(id) else { return };
        let Some(check) = &row.check else { return };
        let (waits, until_ms) = (check.waits, check.until_ms);
        if until_ms <= self.now_ms {
            let hours = self.now_ms.saturating_sub(check.opened_ms) / 3_600_000;
            self.lapse(id, &format!("no second host was found in {hours} hours"));
            return;
        }
        if waits && let Some(check) = self.jobs.get_mut(id).and_then(|row| row.check.as_mut()) {
            // None came.
            check.wants_proven = false;
        }
        match waits {
            true => self.wait_for_device(id),
            false => self.take_back(id),
        }
        self.make_room_for(id);
        let again = (self.now_ms + self.config.check_patience_ms).min(until_ms);
        self.timers.set(Timer::Check(id), again);
    }

    /// Tells a job that is no more urgent to let a check go first, at its next boundary.
    fn make_room_for(&mut self, id: JobId) {
        let Some(row) = self.jobs.get(id).filter(|row| !self.jobs.is_at_limit(row)) else {
            return;
        };
        let Some(check) = row.check.as_ref().filter(|check| check.waits) else {
            return;
        };
        let may = |(level, victim): &(u8, protocol::AttemptId)| {
            let Some(victim) = self.attempts.get(*victim) else {
                return false;
            };
            let is_job = self.jobs.get(victim.job).is_some_and(|job| !job.is_check());
            let computes = victim.stop.is_none() && self.hosts.line(victim.device).first() == Some(&victim.id);
            let host = self.hosts.get(victim.device.host);
            *level <= row.level() && is_job && computes && host.is_some_and(|host| self.may_check(row, host))
        };
        let Some((_, victim)) = self.attempts.yielding_on(check.class).take(LOOKS_MAX).find(may) else {
            return;
        };
        let yielder = self.attempts.get(victim).map_or(id, |victim| self.shown(victim.job));
        let why = format!("takes the place of job {yielder}, which is less urgent");
        self.give_way(victim, id, false, "another job takes its turn".to_owned(), &why);
    }

    /// The checks of a job whose last boundary is committed: those that no host could compute, were it there, lapse, the others have an end. Whether any go on.
    pub(in crate::rules) fn await_checks(&mut self, id: JobId) -> bool {
        let checks: Vec<JobId> = self.jobs.get(id).map_or_else(Vec::new, |job| job.open_checks().collect());
        let end_ms = self.now_ms + self.config.check_end_ms;
        for check in checks {
            let Some(row) = self.jobs.get_mut(check) else { continue };
            let Some(inner) = row.check.as_mut() else { continue };
            inner.until_ms = inner.until_ms.min(end_ms);
            // Parties that differ wait for a third.
            let waits = inner.waits && inner.votes.len() == 1;
            let (class, until_ms) = (inner.class, inner.until_ms);
            let Some(row) = self.jobs.get(check) else { continue };
            let may = |host: &Host| host.may_come(self.now_ms) && has_class(host, class) && self.may_check(row, host);
            if waits && !self.hosts.values().any(may) {
                self.lapse(check, NO_OTHER);
                continue;
            }
            if waits {
                // A referee takes what is left at a job's end.
                self.wait_for_device(check);
            }
            let again = (self.now_ms + self.config.check_patience_ms).min(until_ms);
            self.timers.set(Timer::Check(check), again);
        }
        self.jobs.get(id).is_some_and(|job| job.open_checks().next().is_some())
    }

    /// A check comes to nothing: its span stays unverified. Where results differed, the span is void, and the job is held.
    pub(super) fn lapse(&mut self, id: JobId, reason: &str) {
        let Some(row) = self.jobs.get(id) else { return };
        let of = row.shown_id();
        let agreed = row.check.as_ref().and_then(|check| check.agreed);
        if let Some(digest) = agreed {
            // No referee came: two agree.
            self.decide(id, digest, false);
            return;
        }
        if row.check.as_ref().is_some_and(|check| check.votes.len() > 1) {
            self.give_up(id, reason);
            return;
        }
        self.drop_check(id);
        let dropped = self.jobs.get_mut(of).map(|job| job.lapse(id, reason));
        for blob in dropped.into_iter().flatten() {
            self.supersede(of, Some(blob));
        }
        self.checked(of);
    }

    /// Ends a check, and the attempt at it.
    pub(in crate::rules) fn drop_check(&mut self, id: JobId) {
        self.timers.clear(Timer::Check(id));
        let attempt = self.jobs.get(id).and_then(Job::attempt);
        if let Some(attempt) = attempt {
            self.finish(attempt, Outcome::Aborted, Then::Drop);
        }
        if let Some(check) = self.jobs.close_check(id) {
            self.supersede(check.shown_id(), check.safe.map(|safe| safe.blob));
        }
    }

    /// A check of a job was decided or lapsed: the job ends, if that is all it waited for.
    pub(super) fn checked(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        if job.state() == JobState::Verifying && job.open_checks().next().is_none() {
            let reason = self.end_reason(id);
            self.conclude(id, JobState::Completed, reason);
        }
    }

    /// Why a job whose last boundary is committed has ended.
    pub(in crate::rules) fn end_reason(&self, id: JobId) -> String {
        let done = self.jobs.get(id).and_then(|job| job.safe.as_ref()).filter(|safe| safe.done);
        let safe = match done {
            Some(safe) => format!("its package ended it at boundary {}, which is safe", safe.entry.segment),
            None => "its last boundary is safe".to_owned(),
        };
        match self.jobs.get(id) {
            Some(job) if self.rules >= 4 && !job.verify.is_none() => {
                let lapsed = job.spans.iter().rev().find_map(|span| match &span.state {
                    SpanState::Lapsed(reason) => Some(format!("; {reason}")),
                    _ => None,
                });
                let (verified, all) = (job.verified(), job.until().saturating_sub(job.first_segment));
                format!(
                    "{safe}; {verified} of {all} segments verified by a second host{}",
                    lapsed.unwrap_or_default()
                )
            }
            _ => safe,
        }
    }
}

/// Whether a host's own work of a class passed its first checks.
pub(super) fn is_proven(host: &Host, class: protocol::HardwareClass) -> bool {
    host.record(class).is_some_and(|record| record.passed >= PROBATION)
}

pub(super) fn has_class(host: &Host, class: protocol::HardwareClass) -> bool {
    host.devices().iter().any(|device| device.classes().contains(&class))
}
