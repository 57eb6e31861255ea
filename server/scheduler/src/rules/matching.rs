//! Which job goes to which device: placing, picking, preempting, batching.
//!
//! A waiting job looks for a free device, a free device for a waiting job; both find the best by an index. Long and urgent jobs take
//! the most trusted device, short ones the least; a device that is not trusted takes short jobs first. That is a preference: no
//! job waits while a device that may take it is free, unless its owner is at the limit of running jobs. A device whose host is about to
//! depart takes only what ends before; it looks for that at the first [`LOOKED_AT_MAX`] jobs of each queue.

use std::cmp::Reverse;

use protocol::http::job::PRIORITY_URGENT;
use protocol::{AttemptId, HostId, JobId, JobState, Outcome};

use super::Then;
use crate::Core;
use crate::reliability::Trust;
use crate::tables::{Cause, Device, DeviceId, Host, Job, Length, Need, Place, QueueKey, Stage, Stop, Timer};

/// Jobs of a queue at which a device looks for one that ends before its host departs.
const LOOKED_AT_MAX: usize = 64;

/// The job that a device should take, and whether it is for its age alone.
#[derive(Clone, Copy)]
pub(super) struct Pick {
    pub(super) job: JobId,
    pub(super) for_age: bool,
}

impl Core {
    /// Does all that follows from an event, until nothing more follows.
    pub(crate) fn settle(&mut self) {
        loop {
            if let Some(host) = self.pending.hosts.pop_first() {
                self.fill_host(host);
            } else if let Some(user) = self.pending.users.pop_first() {
                let queues = self.jobs.queues();
                let heads = queues.places(user).into_iter().filter_map(|key| queues.head_of(key, user));
                self.pending.jobs.extend(heads);
            } else if let Some(job) = self.pending.jobs.pop_first() {
                self.place(job);
            } else {
                return;
            }
        }
    }

    /// Brings a host's devices into the indexes as they are now, and gives the free ones work.
    fn fill_host(&mut self, id: HostId) {
        let Some(host) = self.hosts.get(id) else { return };
        let devices = host.devices().len();
        let trust = match host.closed(self.now_ms) {
            None => Some((host.trust(self.now_ms), None)),
            Some(_) if self.rules >= 4 => host.open_until(self.now_ms).map(|until| (Trust::Leaving, Some(until))),
            Some(_) => None,
        };
        for index in 0..devices {
            let device = DeviceId {
                host: id,
                index: u16::try_from(index).expect("a host registers 64 devices at most"),
            };
            if self.hosts.get(id).is_some_and(|host| host.origin().referee) {
                self.fill_referee(device);
                continue;
            }
            let quarantined = self.drivers.quarantined(self.hosts.classes(device)).is_some();
            self.hosts.set_free(device, trust.filter(|_| !quarantined), self.now_ms);
            self.sync_yields(device);
            self.fill(device);
        }
    }

    /// Lists the two attempts in front at a device among those that may have to make room, or not.
    pub(super) fn sync_yields(&mut self, device: DeviceId) {
        for position in 0..2 {
            if let Some(id) = self.hosts.line(device).get(position).copied() {
                self.sync_yield(id);
            }
        }
    }

    /// Lists an attempt among those that may have to make room, or not.
    pub(super) fn sync_yield(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let (device, before) = (attempt.device, attempt.yields());
        let level = self.jobs.get(attempt.job).filter(|_| self.may_yield(id)).map(Job::level);
        self.attempts.set_yields(id, level, self.hosts.classes(device));
        if self.rules >= 4 && level.is_some() && level != before {
            self.reconsider(id);
        }
    }

    /// Whether an attempt may have to make room: the one that computes, or, once that was told to stop, the one behind it. One that stops because it
    /// is held, with none behind it, makes room too: a job that takes its place can only make it stop sooner.
    pub(crate) fn may_yield(&self, id: AttemptId) -> bool {
        let Some(attempt) = self.attempts.get(id) else { return false };
        let line = self.hosts.line(attempt.device);
        let in_turn = match (line.iter().position(|other| *other == id), &attempt.stop) {
            (Some(0), None) => true,
            (Some(0), Some(stop)) => self.rules >= 4 && stop.cause == Cause::Hold && line.len() == 1,
            (Some(1), None) => self.rules >= 4 && self.attempts.get(line[0]).is_some_and(|head| head.stop.is_some()),
            _ => false,
        };
        let host = self.hosts.get(attempt.device.host);
        let opens = |host: &Host| host.closed(self.now_ms).is_none() && !host.origin().referee;
        let asked = self.drivers.quarantined(self.hosts.classes(attempt.device)).is_none();
        in_turn && asked && !attempt.shielded && host.is_some_and(opens)
    }

    /// Finds a device for a job that waits.
    fn place(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let Some(place) = job.place() else { return };
        if self.jobs.is_at_limit(job) {
            return;
        }
        let trusted = place.key.length == Length::Long || place.level >= PRIORITY_URGENT;
        let left_ms = job.left_ms(job.segment());
        let device = self
            .hosts
            .find_free(place.key.need, trusted)
            .or_else(|| self.find_leaving(place.key.need, left_ms?));
        match device {
            Some(device) => {
                self.grant(id, device, None, "a device was free");
            }
            None if place.level >= PRIORITY_URGENT => self.preempt(id, place),
            // It waits; the reason is computed when it is asked for.
            None => {}
        }
    }

    /// A free device whose host is about to depart, on which so much work ends before.
    fn find_leaving(&self, need: Need, left_ms: u64) -> Option<DeviceId> {
        let (until_ms, device) = self.hosts.last_to_leave(need)?;
        self.ends_before(left_ms, until_ms).then_some(device)
    }

    /// Whether so much work, begun now, ends before a time, with a quarter to spare.
    fn ends_before(&self, left_ms: u64, until_ms: u64) -> bool {
        left_ms.saturating_add(left_ms / 4) < until_ms.saturating_sub(self.now_ms)
    }

    /// Makes a less urgent job yield its device, where there is one.
    fn preempt(&mut self, id: JobId, place: Place) {
        let victim = self
            .attempts
            .first_to_yield(place.key.need)
            .filter(|(level, _)| *level < place.level)
            .map(|(_, victim)| victim);
        let Some(attempt) = victim.and_then(|victim| self.attempts.get(victim)) else {
            return;
        };
        let (victim, device, yielder) = (attempt.id, attempt.device, self.shown(attempt.job));
        let now = self.jobs.get(id).is_some_and(|job| job.now);
        let reason = format!("job {id} (priority {}) is more urgent", place.level);
        let why = format!("takes the place of job {yielder}, which is less urgent");
        if self.hosts.line(device).first() != Some(&victim) {
            // What computes stops already: the urgent job comes right behind it, instead of those that were to.
            let behind: Vec<AttemptId> = self.hosts.line(device).iter().skip(1).rev().copied().collect();
            let granted = self.grant(id, device, None, &why);
            for behind in behind {
                self.finish(
                    behind,
                    Outcome::Aborted,
                    Then::Requeue(None, format!("gave up its turn: {reason}")),
                );
            }
            if now {
                self.hurry(granted);
            }
            return;
        }
        self.give_way(victim, id, now, reason, &why);
    }

    /// The attempt that computes on a device makes room for a job, which comes right behind it.
    pub(super) fn give_way(&mut self, victim: AttemptId, id: JobId, now: bool, reason: String, why: &str) {
        let Some(attempt) = self.attempts.get(victim) else { return };
        let (device, stage, stop) = (attempt.device, attempt.stage, attempt.stop.clone());
        let given_up = || Then::Requeue(None, format!("gave up its turn: {reason}"));
        // What only waits in line goes back; the job comes right behind the one that yields.
        let line = self.hosts.line(device).to_vec();
        for behind in line.into_iter().skip(1) {
            self.finish(behind, Outcome::Aborted, given_up());
        }
        if let Some(stop) = stop {
            if now && !stop.now {
                self.order_stop(victim, stop.cause, true, stop.reason);
            }
        } else if stage == Stage::Offered {
            self.finish(victim, Outcome::Preempted, given_up());
        } else {
            self.order_stop(victim, Cause::Preempt, now, reason);
        }
        self.grant(id, device, None, why);
    }

    /// A job for which another one stops at its next boundary is in a hurry now: that one stops at once.
    pub(super) fn hurry(&mut self, beneficiary: AttemptId) {
        let Some(device) = self.attempts.get(beneficiary).map(|attempt| attempt.device) else {
            return;
        };
        let line = self.hosts.line(device);
        let (Some(head), Some(second)) = (line.first().copied(), line.get(1)) else {
            return;
        };
        let stop = self.attempts.get(head).and_then(|head| head.stop.clone());
        if *second != beneficiary {
            return;
        }
        let hastens = |stop: &Stop| match stop.cause {
            Cause::Preempt => !stop.now,
            Cause::Hold => !stop.now && self.rules >= 4,
            Cause::Leave => false,
        };
        if let Some(stop) = stop.filter(hastens) {
            self.order_stop(head, stop.cause, true, stop.reason);
        }
    }

    /// The job for which another one was told to stop is gone: that one goes on, unless its host leaves.
    pub(super) fn spare(&mut self, id: DeviceId) {
        let [head] = self.hosts.line(id) else { return };
        let head = *head;
        let Some(attempt) = self
            .attempts
            .get_mut(head)
            .filter(|attempt| attempt.stops_for(&Cause::Preempt))
        else {
            return;
        };
        attempt.stop = None;
        let job = attempt.job;
        self.timers.clear(Timer::Stop(head));
        match self.hosts.get(id.host).and_then(|host| host.draining.clone()) {
            Some(reason) => self.order_stop(head, Cause::Leave, false, reason),
            None => {
                self.sync_yield(head);
                self.change(job, JobState::Running, "goes on: the job that was to take its place is gone");
            }
        }
    }

    /// Tells an attempt to stop.
    pub(super) fn order_stop(&mut self, id: AttemptId, cause: Cause, now: bool, reason: String) {
        let patience = if now { self.config.stop_now_ms } else { self.config.stop_ms };
        let Some(attempt) = self.attempts.get_mut(id) else { return };
        let (job, device) = (attempt.job, attempt.device);
        let state = match cause {
            Cause::Leave => JobState::Migrating,
            Cause::Preempt | Cause::Hold => JobState::Running,
        };
        let when = if now { "stops now" } else { "stops at its next boundary" };
        let sentence = format!("{when}: {reason}");
        attempt.stop = Some(Stop { cause, now, reason });
        self.timers.set(Timer::Stop(id), self.now_ms + patience);
        self.timers.clear(Timer::Prefetch(id));
        self.sync_yields(device);
        self.change(job, state, sentence);
        self.touch(device.host);
    }

    /// Gives a free device work.
    fn fill(&mut self, id: DeviceId) {
        if !self.hosts.device(id).is_some_and(Device::is_free) {
            return;
        }
        // Small jobs come behind a check as they do behind a job: nothing tells a host one from the other.
        let check = self.pick_check(id);
        let check = check.map(|job| Pick { job, for_age: false });
        let Some(first) = check.or_else(|| self.pick(id, false)) else {
            return;
        };
        let small = |core: &Self, job: JobId| {
            core.jobs
                .get(job)
                .and_then(|job| job.left_ms(job.segment()))
                .filter(|left| *left <= core.config.small_ms)
        };
        // What is to end before its host departs comes alone.
        let leaves = self.hosts.device(id).and_then(Device::leaves_ms).is_some();
        let mut work_ms = small(self, first.job).filter(|_| !leaves);
        let batch = self.grant(first.job, id, None, "its turn came");
        self.shield(batch, first);
        while let Some(done_ms) = work_ms {
            if done_ms >= self.config.batch_ms || self.hosts.line(id).len() >= self.config.batch_max {
                return;
            }
            let Some(next) = self.pick(id, true) else { return };
            work_ms = small(self, next.job).map(|ms| done_ms + ms);
            let granted = self.grant(next.job, id, Some(batch), "small enough to go together with others");
            self.shield(granted, next);
        }
    }

    /// The job that a device should take next; it stays where it waits.
    pub(super) fn pick(&mut self, id: DeviceId, small: bool) -> Option<Pick> {
        let host = self.hosts.get(id.host).filter(|host| !host.origin().referee)?;
        let flaky = host.trust(self.now_ms) == Trust::Flaky;
        let until_ms = self.hosts.device(id).and_then(Device::leaves_ms);
        let fits = |job: JobId| {
            let left_ms = || self.jobs.get(job).and_then(|job| job.left_ms(job.segment()));
            until_ms.is_none_or(|until_ms| left_ms().is_some_and(|left_ms| self.ends_before(left_ms, until_ms)))
        };
        let mut heads = Vec::with_capacity(8);
        for class in self.hosts.classes(id) {
            for need in [Need::Class(*class), Need::Any(class.tier)] {
                for length in [Length::Short, Length::Long] {
                    let key = QueueKey { need, length };
                    let mut first = self.jobs.queues().in_order(key).take(LOOKED_AT_MAX);
                    heads.extend(first.find(|head| fits(head.job)).map(|head| (key, head)));
                }
            }
        }
        let passed = |key: &QueueKey| self.jobs.queues().passed(*key);
        let overdue = heads
            .iter()
            .filter(|(key, _)| passed(key) >= self.config.passed_max && self.jobs.queues().oldest(*key).is_some_and(fits))
            .max_by_key(|(key, _)| (passed(key), Reverse(self.jobs.queues().oldest(*key))))
            .and_then(|(key, _)| Some((*key, self.jobs.queues().oldest(*key)?)));
        let for_age = overdue.is_some();
        let chosen = overdue.or_else(|| {
            let best = heads.iter().min_by_key(|(key, head)| {
                let misfit = match (flaky, key.length, head.level >= PRIORITY_URGENT) {
                    (true, Length::Long, true) => 2,
                    (true, Length::Long, false) => 1,
                    _ => 0,
                };
                let second = !flaky && key.length == Length::Short;
                (misfit, Reverse(head.level), head.served, second, *key)
            });
            best.map(|(key, head)| (*key, head.job))
        });
        let (key, job) = chosen?;
        if small {
            let left = self.jobs.get(job).and_then(|job| job.left_ms(job.segment()))?;
            if left > self.config.small_ms {
                return None;
            }
        }
        for (other, _) in heads {
            if other == key && self.jobs.queues().oldest(key) == Some(job) {
                self.jobs.queues_mut().forget_passed(key);
            } else {
                self.jobs.queues_mut().pass_over(other);
            }
        }
        Some(Pick { job, for_age })
    }
}
