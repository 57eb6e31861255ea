//! Jobs that wait: into a queue, out of it, and what waiting long does to them.

use protocol::{JobId, JobState};

use super::queue::{Need, Place, QueueKey};
use super::{Command, Core, Timer};

impl Core {
    /// Lets a job wait for a device.
    pub(crate) fn enqueue(&mut self, id: JobId) {
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
    pub(crate) fn dequeue(&mut self, id: JobId) {
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

    /// A job's deadline comes near: from now on it is urgent.
    pub(crate) fn press(&mut self, id: JobId) {
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
    pub(crate) fn start_over(&mut self, id: JobId) {
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
