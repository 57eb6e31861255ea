//! Which job goes to which device: placing, picking, preempting, prefetching, batching.
//!
//! A waiting job looks for a free device, a free device for a waiting job; both find the best by an index. Long and urgent jobs take
//! the most trusted device, short ones the least; a device that is not trusted takes short jobs first. That is a preference: nothing
//! waits while a device that may take it is free.

use std::cmp::Reverse;

use protocol::http::job::PRIORITY_URGENT;
use protocol::http::{AttemptId, HostId, JobId, JobState, Outcome, Stay};

use super::attempts::Then;
use super::job::{Attempt, Cause, STAYS_MAX, Stage, Stop};
use super::pool::DeviceId;
use super::queue::{Length, Need, Place, QueueKey};
use super::reliability::Trust;
use super::{Command, Core, Timer};

/// What a grant counts before anything is computed, so that many grants at once are shared out too.
const QUANTUM_MS: u64 = 60_000;

/// The job that a device should take, and whether it is for its age alone.
#[derive(Clone, Copy)]
pub(super) struct Pick {
    job: JobId,
    for_age: bool,
}

impl Core {
    /// Lets a job wait for a device.
    pub(super) fn enqueue(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let place = Place {
            key: QueueKey {
                need: job.need(),
                length: job.length(&self.config),
            },
            user: job.user,
            level: job.level(),
            deadline_ms: job.deadline_ms.unwrap_or(u64::MAX),
            job: id,
        };
        job.place = Some(place);
        if let (Some(deadline), false) = (job.deadline_ms, job.pressed) {
            let left = job.left_ms(job.segment()).unwrap_or(3_600_000);
            let latest = deadline.saturating_sub(left.saturating_add(left / 2).saturating_add(600_000));
            self.timers.set(Timer::Deadline(id), latest.max(self.now_ms));
        }
        if job.restart && matches!(place.key.need, Need::Class(_)) {
            self.timers.set(Timer::Restart(id), self.now_ms + self.config.restart_ms);
        }
        self.queues.insert(place);
        self.dirty_jobs.insert(id);
    }

    /// Takes a job out of its queue.
    pub(super) fn dequeue(&mut self, id: JobId) {
        let Some(place) = self.jobs.get_mut(&id).and_then(|job| job.place.take()) else {
            return;
        };
        self.queues.remove(place);
        if self.queues.count(place.key) == 0 {
            self.passed.remove(&place.key);
        }
        self.timers.clear(Timer::Deadline(id));
        self.timers.clear(Timer::Restart(id));
    }

    /// Does all that follows from an event, until nothing more follows.
    pub(super) fn settle(&mut self) {
        loop {
            if let Some(host) = self.dirty_hosts.pop_first() {
                self.fill_host(host);
            } else if let Some(user) = self.dirty_users.pop_first() {
                for key in self.queues.places(user) {
                    self.dirty_jobs.extend(self.queues.head_of(key, user));
                }
            } else if let Some(job) = self.dirty_jobs.pop_first() {
                self.place(job);
            } else {
                return;
            }
        }
    }

    /// Brings a host's devices into the indexes as they are now, and gives the free ones work.
    fn fill_host(&mut self, id: HostId) {
        let Some(host) = self.hosts.get(&id) else { return };
        let devices = host.devices.len();
        let (open, trust) = (host.closed(self.now_ms).is_none(), host.trust(self.now_ms));
        for index in 0..devices {
            let device = DeviceId {
                host: id,
                index: u16::try_from(index).expect("a host registers 64 devices at most"),
            };
            self.sync_free(device, open, trust);
            if let Some(head) = self.line(device).first().copied() {
                self.sync_yield(head);
            }
            self.fill(device);
        }
    }

    pub(super) fn line(&self, device: DeviceId) -> &[AttemptId] {
        self.hosts
            .get(&device.host)
            .and_then(|host| host.devices.get(usize::from(device.index)))
            .map_or(&[], |device| &device.line)
    }

    fn sync_free(&mut self, id: DeviceId, open: bool, trust: Trust) {
        let now_ms = self.now_ms;
        let Some(host) = self.hosts.get_mut(&id.host) else { return };
        let device = &mut host.devices[usize::from(id.index)];
        let since = device.free.map_or(now_ms, |(_, since, _)| since);
        let free = (open && device.line.is_empty() && !device.classes.is_empty()).then_some((trust, since, id));
        if device.free != free {
            if let Some(old) = device.free {
                self.free.remove(&device.classes, old);
            }
            if let Some(new) = free {
                self.free.insert(&device.classes, new);
            }
            device.free = free;
        }
    }

    /// Lists an attempt among those that may have to make room, or not.
    pub(super) fn sync_yield(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let (Some(host), Some(job)) = (self.hosts.get(&attempt.device.host), self.jobs.get(&attempt.job)) else {
            return;
        };
        let device = &host.devices[usize::from(attempt.device.index)];
        let may = attempt.stop.is_none()
            && !attempt.shielded
            && device.line.first() == Some(&id)
            && host.closed(self.now_ms).is_none();
        let level = may.then(|| job.level());
        if attempt.yields != level {
            if let Some(old) = attempt.yields {
                self.yielding.remove(&device.classes, (old, Reverse(id)));
            }
            if let Some(new) = level {
                self.yielding.insert(&device.classes, (new, Reverse(id)));
            }
            if let Some(attempt) = self.attempts.get_mut(&id) {
                attempt.yields = level;
            }
        }
    }

    /// Finds a device for a job that waits.
    fn place(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(&id) else { return };
        let Some(place) = job.place else { return };
        let state = job.state;
        if self.user(job.user).running >= self.config.user_running_max {
            let name = &self.user(job.user).name;
            let reason = format!(
                "waits: {name} has {} jobs running, the most allowed",
                self.config.user_running_max
            );
            return self.change(id, state, reason);
        }
        let trusted = place.key.length == Length::Long || place.level >= PRIORITY_URGENT;
        let fitting = self.free.fitting(place.key.need);
        let found = fitting
            .and_then(|free| if trusted { free.last() } else { free.first() })
            .copied();
        match found {
            Some((_, _, device)) => {
                self.grant(id, device, None, "a device was free");
            }
            None if place.level >= PRIORITY_URGENT && self.preempt(id, place) => {}
            None => {
                let reason = self.waiting_reason(id);
                self.change(id, state, reason);
            }
        }
    }

    /// Makes a less urgent job yield its device. Whether one was found.
    fn preempt(&mut self, id: JobId, place: Place) -> bool {
        let victim = self
            .yielding
            .fitting(place.key.need)
            .and_then(|set| set.first())
            .filter(|(level, _)| *level < place.level)
            .map(|(_, Reverse(victim))| *victim);
        let Some(attempt) = victim.and_then(|victim| self.attempts.get(&victim)) else {
            return false;
        };
        let (victim, device, stage, yielder) = (attempt.id, attempt.device, attempt.stage, attempt.job);
        let now = self.jobs.get(&id).is_some_and(|job| job.now);
        let reason = format!("job {id} (priority {}) is more urgent", place.level);
        // What only waits in line goes back; the urgent job comes right behind the one that yields.
        let line = self.line(device).to_vec();
        for behind in line.into_iter().skip(1) {
            self.finish(
                behind,
                Outcome::Aborted,
                Then::Requeue(None, format!("gave up its turn: {reason}")),
            );
        }
        if stage == Stage::Offered {
            self.finish(
                victim,
                Outcome::Preempted,
                Then::Requeue(None, format!("gave up its turn: {reason}")),
            );
        } else {
            self.order_stop(victim, Cause::Preempt, now, reason);
        }
        self.grant(
            id,
            device,
            None,
            &format!("takes the place of job {yielder}, which is less urgent"),
        );
        true
    }

    /// Tells an attempt to stop.
    pub(super) fn order_stop(&mut self, id: AttemptId, cause: Cause, now: bool, reason: String) {
        let patience = if now { self.config.stop_now_ms } else { self.config.stop_ms };
        let Some(attempt) = self.attempts.get_mut(&id) else { return };
        let (job, host) = (attempt.job, attempt.device.host);
        let state = match cause {
            Cause::Leave => JobState::Migrating,
            Cause::Preempt | Cause::Hold => JobState::Running,
        };
        let when = if now { "stops now" } else { "stops at its next boundary" };
        let sentence = format!("{when}: {reason}");
        attempt.stop = Some(Stop { cause, now, reason });
        self.timers.set(Timer::Stop(id), self.now_ms + patience);
        self.timers.clear(Timer::Prefetch(id));
        self.sync_yield(id);
        self.change(job, state, sentence);
        self.touch(host);
    }

    /// Gives a free device work.
    fn fill(&mut self, id: DeviceId) {
        let is_free = self
            .hosts
            .get(&id.host)
            .is_some_and(|host| host.devices[usize::from(id.index)].free.is_some());
        if !is_free {
            return;
        }
        let Some(first) = self.pick(id, false) else { return };
        let small = |core: &Self, job: JobId| {
            core.jobs
                .get(&job)
                .and_then(|job| job.left_ms(job.segment()))
                .filter(|left| *left <= core.config.small_ms)
        };
        let mut work_ms = small(self, first.job);
        let batch = self.grant(first.job, id, None, "its turn came");
        self.shield(batch, first);
        while let Some(done_ms) = work_ms {
            if done_ms >= self.config.batch_ms || self.line(id).len() >= self.config.batch_max {
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
        let host = self.hosts.get(&id.host)?;
        let flaky = host.trust(self.now_ms) == Trust::Flaky;
        let mut heads = Vec::with_capacity(8);
        for class in &host.devices[usize::from(id.index)].classes {
            for need in [Need::Class(*class), Need::Any(class.tier)] {
                for length in [Length::Short, Length::Long] {
                    let key = QueueKey { need, length };
                    heads.extend(self.queues.head(key).map(|head| (key, head)));
                }
            }
        }
        let passed = |key: &QueueKey| self.passed.get(key).copied().unwrap_or(0);
        let overdue = heads
            .iter()
            .filter(|(key, _)| passed(key) >= self.config.passed_max)
            .max_by_key(|(key, _)| (passed(key), Reverse(self.queues.oldest(*key))))
            .and_then(|(key, _)| Some((*key, self.queues.oldest(*key)?)));
        let for_age = overdue.is_some();
        let chosen = overdue.or_else(|| {
            let best = heads.iter().min_by_key(|(key, head)| {
                let misfit = match (flaky, key.length, head.level >= PRIORITY_URGENT) {
                    (true, Length::Long, true) => 2,
                    (true, Length::Long, false) => 1,
                    _ => 0,
                };
                let second = !flaky && key.length == Length::Short;
                (misfit, Reverse(head.level), second, head.served, *key)
            });
            best.map(|(key, head)| (*key, head.job))
        });
        let (key, job) = chosen?;
        if small {
            let left = self.jobs.get(&job).and_then(|job| job.left_ms(job.segment()))?;
            if left > self.config.small_ms {
                return None;
            }
        }
        for (other, _) in heads {
            if other == key && self.queues.oldest(key) == Some(job) {
                self.passed.remove(&key);
            } else {
                *self.passed.entry(other).or_insert(0) += 1;
            }
        }
        Some(Pick { job, for_age })
    }

    /// Offers a job to a device, behind what that has already.
    pub(super) fn grant(&mut self, id: JobId, device: DeviceId, batch: Option<AttemptId>, why: &str) -> AttemptId {
        let now_ms = self.now_ms;
        let attempt = AttemptId(self.next_attempt);
        self.next_attempt += 1;
        self.dequeue(id);
        let job = self.jobs.get_mut(&id).expect("only jobs that exist wait in a queue");
        let host = self
            .hosts
            .get_mut(&device.host)
            .expect("only devices of hosts that exist are found");
        let label = host.label();
        let slot = &mut host.devices[usize::from(device.index)];
        let class = *slot
            .classes
            .iter()
            .find(|class| match job.need() {
                Need::Class(needed) => **class == needed,
                Need::Any(tier) => class.tier == tier,
            })
            .expect("a device is found under its own classes");
        if let Some(free) = slot.free.take() {
            self.free.remove(&slot.classes, free);
        }
        slot.line.push(attempt);
        job.epoch += 1;
        job.attempt = Some(attempt);
        if job.stays.len() == STAYS_MAX {
            job.stays.remove(0);
        }
        job.stays.push(Stay {
            host: device.host,
            class,
            from_segment: job.segment(),
            to_segment: job.segment(),
            from_ms: now_ms,
            to_ms: None,
            outcome: None,
        });
        let (user, state) = (job.user, job.state);
        self.attempts.insert(
            attempt,
            Attempt {
                id: attempt,
                job: id,
                device,
                class,
                epoch: job.epoch,
                batch: batch.unwrap_or(attempt),
                stage: Stage::Offered,
                stop: None,
                why: why.to_owned(),
                seen_ms: now_ms,
                charged_ms: now_ms,
                segment: job.segment(),
                shielded: false,
                yields: None,
            },
        );
        self.timers.set(Timer::Offer(attempt), now_ms + self.config.offer_ms);
        let served = self.user(user).served;
        self.served_floor = self.served_floor.max(served);
        self.account(user, |user| {
            user.running += 1;
            user.served += QUANTUM_MS;
        });
        self.sync_yield(attempt);
        self.change(id, state, format!("offered to {label}: {why}"));
        self.touch(device.host);
        attempt
    }

    fn shield(&mut self, granted: AttemptId, pick: Pick) {
        if let Some(attempt) = self.attempts.get_mut(&granted) {
            attempt.shielded = pick.for_age;
        }
        self.sync_yield(granted);
    }

    /// Offers the next job to a device whose job ends soon, so that it has arrived by then.
    pub(super) fn prefetch(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        let device = attempt.device;
        let Some(host) = self.hosts.get(&device.host) else { return };
        if attempt.stop.is_some() || host.closed(self.now_ms).is_some() || self.line(device) != [id] {
            return;
        }
        let current = attempt.job;
        if let Some(next) = self.pick(device, false) {
            let granted = self.grant(
                next.job,
                device,
                None,
                &format!("fetched ahead: job {current} ends soon there"),
            );
            self.shield(granted, next);
        }
    }

    /// Sets the timer for [`prefetch`](Self::prefetch) by what is known now.
    pub(super) fn arm_prefetch(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(&id) else { return };
        if attempt.stop.is_some() || self.line(attempt.device) != [id] {
            return;
        }
        let left = self.jobs.get(&attempt.job).and_then(|job| job.left_ms(attempt.segment));
        if let Some(left) = left {
            let at = self.now_ms.saturating_add(left.saturating_sub(self.config.prefetch_ms));
            self.timers.set(Timer::Prefetch(id), at);
        }
    }

    /// A job's deadline comes near: from now on it is urgent.
    pub(super) fn press(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.place.is_none() {
            return;
        }
        job.pressed = true;
        let state = job.state;
        self.dequeue(id);
        self.enqueue(id);
        self.change(id, state, "its deadline is near: it counts as urgent");
    }

    /// A job has waited long for a class: it starts over on another one, if its class is still away.
    pub(super) fn start_over(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let (Some(place), Some(safe)) = (job.place, &job.safe) else {
            return;
        };
        let class = safe.class;
        // What began at another job's end has no C0 of its own to go back to.
        if self.presence.get(&class).is_some_and(|presence| presence.online > 0) || job.first_segment > 0 {
            self.timers.set(Timer::Restart(id), self.now_ms + self.config.restart_ms);
            return;
        }
        self.queues.remove(place);
        job.place = None;
        job.safe = None;
        self.commands.push(Command::ChainReset(id));
        let reason = format!("starts over from C0 on any class: no host of class {class} was there for too long");
        self.change(id, JobState::Queued, reason);
        self.enqueue(id);
    }
}
