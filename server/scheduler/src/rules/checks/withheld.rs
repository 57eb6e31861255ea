//! Leases that a host holds without bringing anything home. A check goes to another host soon, a job after a day.

use protocol::{AttemptId, JobId, JobState, Outcome};

use super::super::Then;
use super::super::ending::Setback;
use crate::Core;
use crate::tables::Timer;

/// Longer than a host's time for a job by this factor, whatever a segment is said to take.
const STALL_FACTOR_MAX: u64 = 7;
/// Segments that a host may take for one, as far as others said how long it is.
const SEGMENTS_LATE: u64 = 4;

impl Core {
    /// From now on an attempt at a job has to bring boundaries home.
    pub(in crate::rules) fn watch(&mut self, id: AttemptId) {
        let job = self.attempts.get(id).and_then(|attempt| self.jobs.get(attempt.job));
        if self.rules >= 4 && job.is_some_and(|job| !job.is_check()) {
            self.timers.set(Timer::Stall(id), self.now_ms + self.config.stall_ms);
        }
    }

    /// Whether an attempt brought a boundary home in time.
    pub(in crate::rules) fn stalled(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let (device, since_ms) = (attempt.device, attempt.charged_ms);
        let Some(job) = self.jobs.get(attempt.job) else { return };
        let least = self.config.stall_ms;
        let patience = job.segment_ms.unwrap_or(0).saturating_mul(SEGMENTS_LATE);
        let end_ms = since_ms + patience.clamp(least, least.saturating_mul(STALL_FACTOR_MAX));
        if self.hosts.line(device).first() != Some(&id) {
            self.timers.set(Timer::Stall(id), self.now_ms + least);
        } else if self.now_ms < end_ms {
            self.timers.set(Timer::Stall(id), end_ms);
        } else {
            let hours = self.now_ms.saturating_sub(since_ms) / 3_600_000;
            let label = self.hosts.label(device.host);
            self.back_off(
                device.host,
                Setback::Error,
                &format!("it brought no boundary home for {hours} hours"),
            );
            let reason = format!("goes on from its last boundary: {label} brought none home for {hours} hours");
            self.finish(id, Outcome::Expired, Then::Requeue(Some(JobState::Migrating), reason));
        }
    }

    /// Takes a check away from a host that holds it: for too long, or behind a job that goes on and on. It waits again, or has another one.
    pub(super) fn take_back(&mut self, id: JobId) {
        let Some(row) = self.jobs.get(id) else { return };
        let Some(attempt) = row.attempt().and_then(|attempt| self.attempts.get(attempt)) else {
            return;
        };
        let (attempt_id, host) = (attempt.id, attempt.device.host);
        let line = self.hosts.line(attempt.device);
        let is_first = line.first() == Some(&attempt_id);
        let head_stops = line
            .first()
            .and_then(|head| self.attempts.get(*head))
            .is_some_and(|head| head.stop.is_some());
        let segments = row.until().saturating_sub(row.segment());
        let patience = row
            .segment_ms
            .unwrap_or(0)
            .saturating_mul(segments)
            .saturating_mul(SEGMENTS_LATE);
        let (least, most) = (self.config.check_patience_ms, self.config.check_ms / 4);
        let withheld = attempt.charged_ms + patience.clamp(least, most.max(least)) <= self.now_ms;
        if is_first && !withheld || !is_first && head_stops {
            return;
        }
        if is_first && let Some(check) = self.jobs.get_mut(id).and_then(|row| row.check.as_mut()) {
            check.barred.push(host);
        }
        let reason = "gave up its turn: another job takes its turn".to_owned();
        self.finish(attempt_id, Outcome::Expired, Then::Requeue(None, reason));
    }
}
