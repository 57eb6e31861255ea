//! Grants: a job offered to a device under a new epoch, at once or ahead of its turn.

use protocol::http::job::PRIORITY_URGENT;
use protocol::{AttemptId, JobId};

use super::matching::Pick;
use crate::Core;
use crate::tables::{DeviceId, Job, Need, Timer};

impl Core {
    /// Offers a job to a device, behind what that has already.
    pub(super) fn grant(&mut self, id: JobId, device: DeviceId, batch: Option<AttemptId>, why: &str) -> AttemptId {
        let place = self.jobs.get(id).and_then(Job::place);
        self.dequeue(id);
        // The urgent job behind it could not be looked at while this one went first.
        if let Some(place) = place.filter(|place| self.rules >= 4 && place.level >= PRIORITY_URGENT) {
            let head = self.jobs.queues().head(place.key);
            let urgent = head.filter(|head| head.level >= PRIORITY_URGENT);
            self.pending.jobs.extend(urgent.map(|head| head.job));
        }
        let job = self.jobs.get(id).expect("only jobs that exist wait in a queue");
        let (need, state) = (job.need(), job.state());
        let class = self.hosts.classes(device).iter().find(|class| match need {
            Need::Class(needed) => **class == needed,
            Need::Any(tier) => class.tier == tier,
        });
        let class = *class.expect("a device is found under its own classes");
        let id_of_attempt = self.attach(id, device, class);
        if let Some(attempt) = self.attempts.get_mut(id_of_attempt) {
            attempt.batch = batch.unwrap_or(id_of_attempt);
            why.clone_into(&mut attempt.why);
        }
        self.timers
            .set(Timer::Offer(id_of_attempt), self.now_ms + self.config.offer_ms);
        self.watch(id_of_attempt);
        self.sync_yields(device);
        let label = self.hosts.label(device.host);
        self.change(id, state, format!("offered to {label}: {why}"));
        self.touch(device.host);
        id_of_attempt
    }

    pub(super) fn shield(&mut self, granted: AttemptId, pick: Pick) {
        if let Some(attempt) = self.attempts.get_mut(granted) {
            attempt.shielded = pick.for_age;
        }
        self.sync_yield(granted);
    }

    /// Offers the next job to a device whose job ends soon, so that it has arrived by then.
    pub(super) fn prefetch(&mut self, id: AttemptId) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let device = attempt.device;
        let Some(host) = self.hosts.get(device.host) else { return };
        if attempt.stop.is_some() || host.closed(self.now_ms).is_some() || self.hosts.line(device) != [id] {
            return;
        }
        let why = format!("fetched ahead: job {} ends soon there", self.shown(attempt.job));
        if let Some(check) = self.pick_check(device) {
            self.grant(check, device, None, &why);
            return;
        }
        if let Some(next) = self.pick(device, false) {
            let granted = self.grant(next.job, device, None, &why);
            self.shield(granted, next);
        }
    }

    /// Sets the timer for [`prefetch`](Self::prefetch) by what was known at a time.
    pub(super) fn arm_prefetch(&mut self, id: AttemptId, known_ms: u64) {
        let Some(attempt) = self.attempts.get(id) else { return };
        if attempt.stop.is_some() || self.hosts.line(attempt.device) != [id] {
            return;
        }
        let left = self.jobs.get(attempt.job).and_then(|job| job.left_ms(attempt.segment));
        if let Some(left) = left {
            let at = known_ms.saturating_add(left.saturating_sub(self.config.prefetch_ms));
            self.timers.set(Timer::Prefetch(id), at);
        }
    }
}
