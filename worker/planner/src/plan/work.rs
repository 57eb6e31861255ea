//! What is due for jobs: what their threads are told, which device computes which, what goes to the server.

use protocol::http::EndAttempt;
use protocol::{AttemptId, ErrorCause, Outcome};

use super::devices::Line;
use super::host::Announced;
use super::{Planner, STOP_PATIENCE_MS};
use crate::effect::{Contributed, Control, Effect, Ending, Errand, Message, RunId};
use crate::input::Stop;
use crate::job::{Delivery, Doubts, Job, Place, Work};
use crate::reason::Failure;

/// Characters of a failure's text that the server is told: it takes 2000 bytes.
const TEXT_MAX: usize = 500;

impl Job {
    /// Whether it waits for the answer of this errand.
    pub(super) fn waits_for(&self, errand: crate::ErrandId) -> bool {
        let delivery = match self.delivery {
            Delivery::Commit { errand, .. } | Delivery::End(errand) => Some(errand),
            Delivery::Nothing => None,
        };
        self.work == Work::Fetching(errand) || delivery == Some(errand)
    }
}

impl Planner {
    /// Every thread stops where it is; then the agent ends, after a moment also while a pass computes.
    pub(super) fn stop_now(&mut self) {
        for job in self.jobs.values_mut() {
            set_control(job, Control::StopNow, &mut self.effects);
        }
        let is_over = self.stop_now_at.is_some_and(|at| self.now.since(at) >= STOP_PATIENCE_MS);
        if is_over || self.slots.iter().all(|slot| slot.running.is_none()) {
            let nothing = self.jobs.is_empty();
            self.exit(if nothing { Ending::Done } else { Ending::Stopped });
        }
    }

    /// Move every job on that needs no device for it, and tell every thread what it is to do.
    pub(super) fn drive_jobs(&mut self) {
        let (is_paused, leaves) = (self.pause.is_some(), self.stop >= Stop::AtBoundary);
        // The life before may have said that it leaves: a stop ordered for that is taken back once the server hears otherwise.
        let is_back = self.announced != Announced::Unknown;
        let mut fetch = Vec::new();
        for (&attempt, job) in &mut self.jobs {
            match job.work {
                // What never began here, and is not to, has stopped already.
                Work::Fetching(errand) if job.is_stopping() && !job.is_unread() => {
                    self.effects.push(Effect::Cancel(errand));
                    job.work = Work::Stopped;
                }
                Work::Ready if job.is_stopping() && (is_back || job.failure.is_some()) => job.work = Work::Stopped,
                // Told to stop, and then otherwise.
                Work::Stopped if !job.is_stopping() && !job.is_finished() && !matches!(job.delivery, Delivery::End(_)) => {
                    match job.steps_per_segment {
                        Some(_) => job.work = Work::Ready,
                        None if job.retry_at > self.now => {}
                        None => fetch.push(attempt),
                    }
                }
                _ => {}
            }
            let control = job.wanted_control(is_paused, leaves);
            set_control(job, control, &mut self.effects);
        }
        for attempt in fetch {
            let Some(lease) = self.jobs.get(&attempt).map(|job| job.lease.clone()) else {
                continue;
            };
            let errand = self.begin(Errand::Fetch(Box::new(lease)));
            if let Some(job) = self.jobs.get_mut(&attempt) {
                job.work = Work::Fetching(errand);
            }
        }
    }

    /// Give every free device its next job.
    pub(super) fn drive_slots(&mut self) {
        if self.pause.is_some() || self.stop >= Stop::AtBoundary {
            return;
        }
        for slot in 0..self.slots.len() {
            let is_taken = self.turn.taken.contains_key(&self.slots[slot].device);
            if self.slots[slot].running.is_some() || self.slots[slot].is_lost || is_taken {
                continue;
            }
            let next = self.next_for(slot);
            let line = if next.is_some() { Line::Occupied } else { Line::Empty };
            if line == Line::Empty && self.slots[slot].line == Line::Occupied {
                let device = self.slots[slot].device.clone();
                self.effects.push(Effect::Unoccupied { device });
            }
            self.slots[slot].line = line;
            if let Some(attempt) = next {
                self.compute(slot, attempt);
            }
        }
    }

    /// The first job in the server's order that still has to do with this device. The next one begins as soon as the device is free, while
    /// the one before still goes home.
    pub(crate) fn next_for(&self, slot: usize) -> Option<AttemptId> {
        let device = &self.slots.get(slot)?.device;
        let leases = self.orders.iter().flat_map(|orders| &orders.leases);
        let mut in_order = leases.filter(|lease| lease.device == *device).map(|lease| lease.attempt);
        in_order.find(|attempt| self.jobs.get(attempt).is_some_and(|job| !job.is_stopped()))
    }

    fn compute(&mut self, slot: usize, attempt: AttemptId) {
        // Where the server has refused it once, nothing begins before it has said what holds.
        let begins = |job: &&mut Job| job.work == Work::Ready && !job.is_stopping() && job.doubts == Doubts::default();
        let Some(job) = self.jobs.get_mut(&attempt).filter(begins) else {
            return;
        };
        let run = RunId(self.next_run);
        self.next_run += 1;
        job.work = Work::Computing(run);
        job.noted = None;
        job.computes_since = self.now;
        job.control = Control::Compute;
        self.effects.push(Effect::Compute {
            run,
            device: job.lease.device.clone(),
            attempt,
            class: job.lease.class,
            until_segment: job.lease.until_segment,
        });
        let control = job.wanted_control(false, false);
        set_control(job, control, &mut self.effects);
        let message = Message::Computes {
            job: job.lease.job,
            name: job.lease.name.clone(),
            device: job.lease.device.clone(),
            segment: job.record.reached(),
        };
        self.slots[slot].running = Some((run, attempt));
        self.beat_due = self.now;
        self.say(message);
    }

    /// Bring boundaries home when that is due, and tell the end of what has ended.
    pub(super) fn deliver(&mut self) {
        if self.host().is_none() {
            return;
        }
        for attempt in self.jobs.keys().copied().collect::<Vec<_>>() {
            self.commit(attempt);
            self.end(attempt);
        }
    }

    fn commit(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.get(&attempt) else { return };
        if job.commit_due().is_none_or(|due| due > self.now) {
            return;
        }
        let boundaries = job.record.next_commit().to_vec();
        let Some(up_to) = boundaries.last().map(|boundary| boundary.entry.segment) else {
            return;
        };
        let computed = boundaries.iter().filter(|boundary| boundary.checkpoint.is_some());
        let segments = computed.clone().count() as u64;
        let gained = Contributed {
            segments,
            steps: segments.saturating_mul(job.steps_per_segment.unwrap_or(0)),
            computed_ms: computed.fold(0, |sum, boundary| sum.saturating_add(boundary.ms)),
            jobs: 0,
        };
        let epoch = job.lease.epoch;
        let errand = self.begin(Errand::Commit {
            attempt,
            epoch,
            boundaries,
        });
        if let Some(job) = self.jobs.get_mut(&attempt) {
            job.delivery = Delivery::Commit { errand, up_to, gained };
        }
    }

    fn end(&mut self, attempt: AttemptId) {
        let Some(job) = self
            .jobs
            .get(&attempt)
            .filter(|job| job.has_ended() && job.retry_at <= self.now)
        else {
            return;
        };
        let (outcome, cause, message) = match &job.failure {
            Some(Failure { cause, text }) => (cause.outcome(), (*cause).into(), text.chars().take(TEXT_MAX).collect()),
            None => {
                let why = match job.place {
                    Place::LostAt(_) | Place::Never => {
                        format!("its device {} is gone or has another class now, ", job.lease.device)
                    }
                    Place::Fits => String::new(),
                };
                let message = format!("{why}stopped at segment {}", job.record.reached())
                    .chars()
                    .take(TEXT_MAX)
                    .collect();
                (Outcome::Migrated, ErrorCause::default(), message)
            }
        };
        let end = EndAttempt {
            epoch: job.lease.epoch,
            outcome,
            cause,
            message,
        };
        let handed_over = job.failure.is_none().then(|| Message::HandedOver {
            job: job.lease.job,
            segment: job.record.safe().unwrap_or(0),
        });
        let errand = self.begin(Errand::End { attempt, end });
        if let Some(job) = self.jobs.get_mut(&attempt) {
            job.delivery = Delivery::End(errand);
        }
        if let Some(message) = handed_over {
            self.say(message);
        }
    }
}

/// Tell a job's thread what to do, where that changed.
fn set_control(job: &mut Job, control: Control, effects: &mut Vec<Effect>) {
    if job.control == control {
        return;
    }
    if let Work::Computing(run) = job.work {
        job.control = control;
        effects.push(Effect::SetControl(run, control));
    }
}
