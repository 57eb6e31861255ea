//! Grants: a job offered to a device under a new epoch, at once or ahead of its turn.

use protocol::http::Stay;
use protocol::{AttemptId, JobId};

use super::job::{Attempt, STAYS_MAX, Stage};
use super::matching::Pick;
use super::pool::DeviceId;
use super::queue::Need;
use super::{Core, Timer};

/// What a grant counts before anything is computed, so that many grants at once are shared out too.
const QUANTUM_MS: u64 = 60_000;

impl Core {
    /// Offers a job to a device, behind what that has already.
    pub(crate) fn grant(&mut self, id: JobId, device: DeviceId, batch: Option<AttemptId>, why: &str) -> AttemptId {
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

    pub(crate) fn shield(&mut self, granted: AttemptId, pick: Pick) {
        if let Some(attempt) = self.attempts.get_mut(&granted) {
            attempt.shielded = pick.for_age;
        }
        self.sync_yield(granted);
    }

    /// Offers the next job to a device whose job ends soon, so that it has arrived by then.
    pub(crate) fn prefetch(&mut self, id: AttemptId) {
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
    pub(crate) fn arm_prefetch(&mut self, id: AttemptId) {
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
}
