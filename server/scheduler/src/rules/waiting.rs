//! Jobs that wait: into a queue, out of it, and what waiting long does to them.

use protocol::{JobId, JobState};

use crate::tables::{Need, Timer};
use crate::{Command, Core};

impl Core {
    /// Lets a job wait for a device.
    pub(super) fn enqueue(&mut self, id: JobId) {
        let Some(place) = self.jobs.enqueue(id, &self.config) else {
            return;
        };
        self.pending.jobs.insert(id);
        if let (Need::Class(class), true) = (place.key.need, self.rules >= 4) {
            self.hosts.know_class(class);
        }
        let Some(job) = self.jobs.get(id) else { return };
        if let (Some(deadline), false) = (job.deadline_ms, job.pressed) {
            let left = job.left_ms(job.segment()).unwrap_or(3_600_000);
            let latest = deadline.saturating_sub(left.saturating_add(left / 2).saturating_add(600_000));
            self.timers.set(Timer::Deadline(id), latest.max(self.now_ms));
        }
        if job.restart && matches!(place.key.need, Need::Class(_)) {
            self.timers.set(Timer::Restart(id), self.now_ms + self.config.restart_ms);
        }
    }

    /// Takes a job out of its queue.
    pub(super) fn dequeue(&mut self, id: JobId) {
        self.jobs.set_waiting(id, false);
        let Some(place) = self.jobs.dequeue(id) else { return };
        if self.jobs.queues().count(place.key) == 0 {
            self.jobs.queues_mut().forget_passed(place.key);
        }
        self.timers.clear(Timer::Deadline(id));
        self.timers.clear(Timer::Restart(id));
    }

    /// A job's deadline comes near: from now on it is urgent.
    pub(super) fn press(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(id) else { return };
        if job.place().is_none() {
            return;
        }
        job.pressed = true;
        let state = job.state();
        self.dequeue(id);
        self.enqueue(id);
        self.change(id, state, "its deadline is near: it counts as urgent");
    }

    /// A job has waited long for a class: it starts over on another one, if its class is still away.
    pub(super) fn start_over(&mut self, id: JobId) {
        let Some(job) = self.jobs.get(id) else { return };
        let (Some(_), Some(safe)) = (job.place(), &job.safe) else {
            return;
        };
        let class = safe.class;
        // What began at another job's end has no C0 of its own to go back to.
        if self.hosts.presence().get(&class).is_some_and(|presence| presence.online > 0) || job.first_segment > 0 {
            self.timers.set(Timer::Restart(id), self.now_ms + self.config.restart_ms);
            return;
        }
        self.jobs.dequeue(id);
        self.forget_checks(id, false);
        if let Some(job) = self.jobs.get_mut(id) {
            job.safe = None;
        }
        self.commands.push(Command::ChainReset(id));
        let reason = format!("starts over from C0 on any class: no host of class {class} was there for too long");
        self.change(id, JobState::Queued, reason);
        self.enqueue(id);
    }
}
