//! What hosts report, and what their silence means.
//!
//! Silence makes a host *unreachable*: a network fault, its jobs wait for it. Longer silence makes it *lost*: its jobs go on elsewhere.

use protocol::http::Heartbeat;
use protocol::{AttemptId, HardwareClass, HostId, HostState, JobState, Outcome};

use super::Then;
use super::ending::{Setback, after_stop};
use super::quiet::skew_ms;
use super::register::{INSTANCE_EXPECTED, is_instance};
use crate::tables::{Cause, Length, Need, QueueKey, Stage, Timer};
use crate::{Config, Core, Refusal};

pub(super) const DEVICES_MAX: usize = 64;
pub(crate) const REASON_CHARS_MAX: usize = 200;

impl Core {
    /// Time went by.
    pub(crate) fn tick(&mut self) {
        while let Some(timer) = self.timers.pop(self.now_ms) {
            match timer {
                Timer::Silence(host) => self.silence(host),
                Timer::Offer(attempt) => self.offer_missed(attempt),
                Timer::Stop(attempt) => self.stop_missed(attempt),
                Timer::Lead(host) => self.lead(host),
                Timer::Depart(host) => self.go_offline(host),
                Timer::Back(host) => self.night_over(host),
                Timer::Backoff(host) => {
                    self.pending.hosts.insert(host);
                    self.touch(host);
                }
                Timer::Deadline(job) => self.press(job),
                Timer::Restart(job) => self.start_over(job),
                Timer::Prefetch(attempt) => self.prefetch(attempt),
                Timer::Retire(job) => self.retire(job),
                Timer::Check(check) => self.check_due(check),
                Timer::Parole(host) => self.parole(host),
                Timer::Stall(attempt) => self.stalled(attempt),
            }
            self.settle();
        }
    }

    /// The server was away: no host could be heard, no offer taken.
    pub(crate) fn restarted(&mut self) {
        let now_ms = self.now_ms;
        for host in self.hosts.values_mut() {
            if matches!(host.state(), HostState::Online | HostState::Unreachable) {
                host.heard_ms = now_ms;
                host.counted_ms = now_ms;
                self.timers.set(Timer::Silence(host.id), now_ms + self.config.unreachable_ms);
            }
        }
        for attempt in self.attempts.values_mut() {
            attempt.seen_ms = now_ms;
            if attempt.stage == Stage::Offered {
                self.timers.set(Timer::Offer(attempt.id), now_ms + self.config.offer_ms);
            }
            if let Some(stop) = &attempt.stop {
                let patience = if stop.now {
                    self.config.stop_now_ms
                } else {
                    self.config.stop_ms
                };
                self.timers.set(Timer::Stop(attempt.id), now_ms + patience);
            }
        }
    }

    /// The operator's settings change.
    pub(crate) fn configure(&mut self, config: &Config) {
        self.config = config.clone();
        self.pending.users.extend(self.jobs.set_running_max(config.user_running_max));
    }

    pub(super) fn set_state(&mut self, id: HostId, state: HostState, reason: &str) {
        self.hosts.set_state(id, state, reason, self.now_ms);
        if state == HostState::Lost {
            let classes = self.classes_of(id);
            self.forget_classes(classes);
        }
        self.pending.hosts.insert(id);
        self.touch(id);
    }

    /// The classes of all devices of a host.
    pub(super) fn classes_of(&self, id: HostId) -> Vec<HardwareClass> {
        let devices = self.hosts.get(id).map_or(&[][..], |host| host.devices());
        devices.iter().flat_map(|device| device.classes().iter().copied()).collect()
    }

    /// Forgets those classes that no host has and no job waits for.
    pub(super) fn forget_classes(&mut self, classes: Vec<HardwareClass>) {
        for class in classes {
            let waits = [Length::Short, Length::Long].map(|length| {
                let need = Need::Class(class);
                self.jobs.queues().count(QueueKey { need, length }) > 0
            });
            if self.rules >= 4 && waits == [false; 2] {
                self.hosts.forget_class(class);
            }
        }
    }

    /// Whatever a host says, it is there.
    pub(super) fn hear(&mut self, id: HostId) {
        let now_ms = self.now_ms;
        if self.hosts.get(id).is_some_and(|host| host.missed) {
            self.pending.hosts.insert(id);
            self.touch(id);
        }
        let Some(state) = self.hosts.hear(id, now_ms) else { return };
        match state {
            HostState::Online => {}
            HostState::Unreachable => self.set_state(id, HostState::Online, "reachable again"),
            HostState::Offline | HostState::Lost => {
                let Some(host) = self.hosts.get_mut(id) else { return };
                let night = host.next_night(now_ms).filter(|(begin, _)| *begin <= now_ms);
                host.leaving = false;
                host.farewell.clear();
                host.departs_ms = None;
                host.draining = night.map(|_| "night: the host is to be off now".to_owned());
                host.back_ms = night.map(|(_, end)| end);
                self.timers.set(Timer::Silence(id), now_ms + self.config.unreachable_ms);
                self.set_state(
                    id,
                    HostState::Online,
                    if state == HostState::Lost {
                        "back after it was given up"
                    } else {
                        "back"
                    },
                );
                self.plan_night(id);
            }
        }
    }

    /// A host reports.
    pub(crate) fn heartbeat(&mut self, id: HostId, beat: &Heartbeat, address: u64) -> Result<(), Refusal> {
        if !self.hosts.contains(id) {
            return Err(Refusal::NoHost(id));
        }
        let most = DEVICES_MAX * self.config.batch_max;
        if beat.jobs.len() > most {
            return Err(Refusal::invalid(
                "jobs",
                format!("{} reports, expected at most {most}", beat.jobs.len()),
            ));
        }
        if let Some(instance) = &beat.instance {
            if !is_instance(instance) {
                return Err(Refusal::invalid("instance", INSTANCE_EXPECTED));
            }
            let speaks = self.hosts.get(id).and_then(|host| host.instance.as_ref());
            if speaks.is_some_and(|speaks| speaks != instance) {
                return Err(Refusal::Instance(id));
            }
        }
        self.hear(id);
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(id) else { return Ok(()) };
        if host.instance.is_none() {
            host.instance.clone_from(&beat.instance);
        }
        host.meet(address);
        host.clock_skew_ms = skew_ms(beat.clock_ms, now_ms);
        host.errors = host.errors.saturating_add(beat.errors);
        if let Some(rtt) = beat.rtt_ms {
            host.rtt_min_ms = Some(host.rtt_min_ms.map_or(rtt, |least| least.min(rtt)));
            host.rtt_sum_ms = host.rtt_sum_ms.saturating_add(u64::from(rtt));
            host.rtt_count = host.rtt_count.saturating_add(1);
        }
        let why: String = beat.why.as_deref().unwrap_or("").chars().take(REASON_CHARS_MAX).collect();
        if (host.accepting, &host.why_not) != (beat.accepting, &why) {
            (host.accepting, host.why_not) = (beat.accepting, why);
            self.touch(id);
        }
        if !beat.accepting {
            self.withdraw(id, "the host takes no new jobs");
        }
        for report in &beat.jobs {
            self.progress(id, report);
        }
        self.unreported(id, &beat.jobs);
        // Trust changes with time: the free ones are listed anew.
        self.pending.hosts.insert(id);
        Ok(())
    }

    fn silence(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(id) else { return };
        let (unreachable, lost) = match host.state() {
            HostState::Online => (host.heard_ms + self.config.unreachable_ms, u64::MAX),
            HostState::Unreachable => (u64::MAX, host.heard_ms + self.config.lost_ms),
            HostState::Offline => (
                u64::MAX,
                host.back_ms.unwrap_or(host.heard_ms).max(host.heard_ms) + self.config.overdue_ms,
            ),
            HostState::Lost => return,
        };
        if lost <= self.now_ms {
            host.losses = host.losses.saturating_add(1);
            let reason = format!(
                "given up: not heard of for {} minutes",
                (self.now_ms - host.heard_ms) / 60_000
            );
            self.set_state(id, HostState::Lost, &reason);
            self.evict(id, "was given up");
        } else if unreachable <= self.now_ms {
            host.unplanned_stops = host.unplanned_stops.saturating_add(1);
            let again = host.heard_ms + self.config.lost_ms;
            self.set_state(id, HostState::Unreachable, "silent: its jobs wait for it");
            self.withdraw(id, "the host is silent");
            self.timers.set(Timer::Silence(id), again.max(self.now_ms));
        } else {
            self.timers.set(Timer::Silence(id), unreachable.min(lost));
        }
    }

    /// Takes back what a host was offered and has not taken.
    fn withdraw(&mut self, id: HostId, reason: &str) {
        for attempt in self.attempts_on(id) {
            if self
                .attempts
                .get(attempt)
                .is_some_and(|attempt| attempt.stage == Stage::Offered)
            {
                self.finish(
                    attempt,
                    Outcome::Aborted,
                    Then::Requeue(None, format!("offer withdrawn: {reason}")),
                );
            }
        }
    }

    /// Ends all that a host has: its jobs go on from their last boundary.
    pub(super) fn evict(&mut self, id: HostId, what: &str) {
        let label = self.hosts.label(id);
        for attempt in self.attempts_on(id) {
            let cause = self.attempts.get(attempt).and_then(|attempt| attempt.stop.clone());
            let then = match cause {
                Some(stop) if stop.cause == Cause::Hold => Then::Hold(stop.reason),
                _ => Then::Requeue(
                    Some(JobState::Migrating),
                    format!("goes on from its last boundary: {label} {what}"),
                ),
            };
            self.finish(attempt, Outcome::Expired, then);
        }
    }

    /// Every attempt of a host, from the end of each line, so that none comes to the front only to be ended.
    pub(super) fn attempts_on(&self, id: HostId) -> Vec<AttemptId> {
        self.hosts.get(id).map_or_else(Vec::new, |host| host.attempts().collect())
    }

    fn offer_missed(&mut self, id: AttemptId) {
        let Some(host) = self.attempts.get(id).map(|attempt| attempt.device.host) else {
            return;
        };
        let label = self.hosts.label(host);
        self.back_off(host, Setback::MissedOffer, "it did not take an offer in time");
        let reason = format!("{label} did not take the offer in time");
        self.finish(id, Outcome::Expired, Then::Requeue(None, reason));
    }

    fn stop_missed(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let Some(stop) = attempt.stop.clone() else { return };
        let (_, then) = after_stop(&stop.cause, &format!("{}; the host did not stop in time", stop.reason));
        self.finish(id, Outcome::Expired, then);
    }
}
