//! Planned departures: a host that says when it leaves, or is off at night, has its jobs moved first, and is *offline* afterwards.

use protocol::http::LeaveNotice;
use protocol::{HostId, HostState, JobState, Outcome};

use super::Then;
use super::presence::REASON_CHARS_MAX;
use crate::tables::{Attempt, Cause, Stage, Timer};
use crate::{Core, Refusal};

/// A host that leaves "now" has this long to bring its boundaries home.
const LEAVE_PATIENCE_MS: u64 = 10 * 60_000;
/// Furthest announcement.
const AHEAD_S_MAX: u64 = 366 * 24 * 3600;

impl Core {
    /// A host announces that it leaves.
    pub(crate) fn leave(&mut self, id: HostId, notice: &LeaveNotice) -> Result<(), Refusal> {
        if !self.hosts.contains(id) {
            return Err(Refusal::NoHost(id));
        }
        if notice.in_s > AHEAD_S_MAX || notice.back_in_s.is_some_and(|back| back > AHEAD_S_MAX || back < notice.in_s) {
            return Err(Refusal::invalid(
                "in_s",
                "expected at most a year ahead, and back_in_s not before in_s",
            ));
        }
        self.hear(id);
        let now_ms = self.now_ms;
        let reason: String = notice.reason.chars().take(REASON_CHARS_MAX).collect();
        let Some(host) = self.hosts.get_mut(id) else { return Ok(()) };
        host.planned_stops = host.planned_stops.saturating_add(1);
        host.back_ms = notice.back_in_s.map(|back| now_ms + back * 1000);
        host.leaving = notice.in_s == 0;
        let departs = now_ms + if host.leaving { LEAVE_PATIENCE_MS } else { notice.in_s * 1000 };
        host.departs_ms = Some(departs);
        self.timers.set(Timer::Depart(id), departs);
        self.timers.clear(Timer::Back(id));
        let lead = departs.saturating_sub(self.config.lead_ms).max(now_ms);
        let label = host.label();
        if self.rules >= 4 {
            host.farewell.clone_from(&reason);
        }
        if notice.in_s == 0 || lead == now_ms {
            let leaves = match (reason.is_empty(), self.rules >= 4) {
                (true, true) => format!("{label} leaves"),
                (false, true) => format!("{label} leaves ({reason})"),
                (_, false) => format!("{label} leaves: {reason}"),
            };
            self.drain(id, leaves);
        } else {
            self.timers.set(Timer::Lead(id), lead);
            self.pending.hosts.insert(id);
        }
        if self.hosts.get(id).is_some_and(|host| host.leaving) && self.attempts_on(id).is_empty() {
            self.go_offline(id);
        }
        Ok(())
    }

    /// A host stays after all.
    pub(crate) fn come_back(&mut self, id: HostId) -> Result<(), Refusal> {
        if !self.hosts.contains(id) {
            return Err(Refusal::NoHost(id));
        }
        self.hear(id);
        for timer in [Timer::Lead(id), Timer::Depart(id), Timer::Back(id)] {
            self.timers.clear(timer);
        }
        if let Some(host) = self.hosts.get_mut(id) {
            host.leaving = false;
            host.farewell.clear();
            (host.departs_ms, host.back_ms, host.draining) = (None, None, None);
        }
        for attempt in self.attempts_on(id) {
            let leaves = |attempt: &&mut Attempt| attempt.stops_for(&Cause::Leave);
            let Some(attempt) = self.attempts.get_mut(attempt).filter(leaves) else {
                continue;
            };
            attempt.stop = None;
            let (attempt_id, job) = (attempt.id, attempt.job);
            self.timers.clear(Timer::Stop(attempt_id));
            self.change(job, JobState::Running, "goes on: its host stays");
        }
        self.plan_night(id);
        self.pending.hosts.insert(id);
        self.touch(id);
        Ok(())
    }

    /// Sets the timers for a host's next night, unless it leaves anyway.
    pub(super) fn plan_night(&mut self, id: HostId) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(id) else { return };
        if host.leaving || host.departs_ms.is_some_and(|at| at > now_ms) && host.night.is_none() {
            return;
        }
        let Some((begin, end)) = host.next_night(now_ms) else { return };
        host.back_ms = Some(end);
        self.timers.set(Timer::Back(id), end);
        if begin > now_ms {
            host.departs_ms = Some(begin);
            self.timers.set(Timer::Depart(id), begin);
            self.timers
                .set(Timer::Lead(id), begin.saturating_sub(self.config.lead_ms).max(now_ms));
        } else if host.draining.is_none() {
            let label = host.label();
            self.drain(id, format!("night: {label} is to be off now"));
        }
    }

    pub(super) fn lead(&mut self, id: HostId) {
        let Some(host) = self.hosts.get(id) else { return };
        let departs_ms = host.departs_ms.unwrap_or(self.now_ms);
        let reason = match self.rules {
            0..4 => format!(
                "{} leaves in {} minutes",
                host.label(),
                departs_ms.saturating_sub(self.now_ms) / 60_000
            ),
            _ => format!("{} leaves at {}", host.label(), time_of_day(departs_ms)),
        };
        self.drain(id, reason);
    }

    /// An operator gives a host no more work.
    pub(crate) fn drain_by(&mut self, id: HostId, reason: &str, by: &str) -> Result<(), Refusal> {
        let host = self.hosts.get_mut(id).ok_or(Refusal::NoHost(id))?;
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let reason = match reason.trim() {
            "" => format!("drained by {by}"),
            reason => format!("drained by {by}: {reason}"),
        };
        host.drained = Some(reason.clone());
        let before = host.draining.clone();
        self.drain(id, reason);
        if let Some(host) = self.hosts.get_mut(id) {
            host.draining = before;
        }
        Ok(())
    }

    /// A host takes nothing more, and what would not end before it departs leaves it.
    fn drain(&mut self, id: HostId, reason: String) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(id) else { return };
        host.draining = Some(reason.clone());
        let patience = match host.leaving {
            true => 0,
            false => host.departs_ms.unwrap_or(now_ms).saturating_sub(now_ms),
        };
        for attempt_id in self.attempts_on(id) {
            let Some(attempt) = self.attempts.get(attempt_id) else {
                continue;
            };
            let head = self.hosts.line(attempt.device).first() == Some(&attempt_id);
            if attempt.stage == Stage::Offered || !head {
                let then = Then::Requeue(None, format!("gave up its turn: {reason}"));
                self.finish(attempt_id, Outcome::Aborted, then);
                continue;
            }
            let left = self.jobs.get(attempt.job).and_then(|job| job.left_ms(attempt.segment));
            let ends_before = left.is_some_and(|left| left < patience);
            if attempt.stop.is_none() && !ends_before {
                self.order_stop(attempt_id, Cause::Leave, false, reason.clone());
            }
        }
        self.pending.hosts.insert(id);
        self.touch(id);
    }

    /// A host has left as announced.
    pub(super) fn go_offline(&mut self, id: HostId) {
        for timer in [Timer::Lead(id), Timer::Depart(id)] {
            self.timers.clear(timer);
        }
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(id) else { return };
        if host.state() == HostState::Lost {
            return;
        }
        let reason = match (&host.draining, host.farewell.as_str(), host.back_ms) {
            (Some(reason), ..) if self.rules < 4 => reason.clone(),
            (_, "", Some(back_ms)) if self.rules >= 4 => format!("left as announced, back at {}", time_of_day(back_ms)),
            (_, "", _) => "left as announced".to_owned(),
            (_, farewell, _) => format!("left as announced ({farewell})"),
        };
        if !host.leaving && host.night.is_some() {
            host.planned_stops = host.planned_stops.saturating_add(1);
        }
        host.leaving = false;
        host.departs_ms = None;
        let overdue = host.back_ms.unwrap_or(now_ms).max(now_ms) + self.config.overdue_ms;
        self.timers.set(Timer::Silence(id), overdue);
        self.set_state(id, HostState::Offline, &reason);
        self.evict(id, "left");
    }

    pub(super) fn night_over(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(id) else { return };
        host.draining = None;
        host.back_ms = None;
        if host.state() == HostState::Online {
            self.plan_night(id);
        }
        self.pending.hosts.insert(id);
        self.touch(id);
    }
}

/// A time as people read it, without its day.
fn time_of_day(at_ms: u64) -> String {
    let minute = at_ms / 60_000 % 1440;
    format!("{:02}:{:02} UTC", minute / 60, minute % 60)
}
