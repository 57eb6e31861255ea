//! The state as a person may see it: jobs, and why a device computes nothing. Nothing here changes the state.

use protocol::http::Action;
use protocol::{AttemptId, HostId, JobId};

use super::{Heard, Planner};
use crate::effect::{Contributed, Control, RunId};
use crate::job::{Doubts, Job, Stage, Work};
use crate::reason::{Declined, Idle};

/// A job as it stands here.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView<'a> {
    /// Number of the job.
    pub job: JobId,
    /// Number of the attempt.
    pub attempt: AttemptId,
    /// Its name.
    pub name: &'a str,
    /// Its device.
    pub device: &'a str,
    /// The job's stage.
    pub stage: Stage,
    /// Its last boundary is reached.
    pub is_finished: bool,
    /// The thread that computes it, and what that was told.
    pub thread: Option<(RunId, Control)>,
    /// What the server says, and why.
    pub action: Action,
    /// In the server's words.
    pub reason: &'a str,
    /// Last boundary reached here.
    pub reached: u64,
    /// Last boundary that is safe on the server; none when not even C0 is.
    pub safe: Option<u64>,
    /// Its last boundary.
    pub until_segment: u64,
    /// Steps of a segment, once its package is here.
    pub steps_per_segment: Option<u64>,
    /// Time of a segment, milliseconds; none before the first.
    pub segment_ms: Option<u64>,
    /// Boundaries that the server does not have.
    pub pending: usize,
}

impl Planner {
    /// This host's number; none before it is registered.
    #[must_use]
    pub fn host_number(&self) -> Option<HostId> {
        self.host()
    }

    /// Work contributed so far.
    #[must_use]
    pub fn contributed(&self) -> Contributed {
        self.contributed
    }

    /// Why no new jobs are taken, if so. That the agent is about to end goes before all else.
    #[must_use]
    pub fn why_no_new_jobs(&self) -> Option<Declined> {
        match self.leaving() {
            Some(why) => Some(Declined::Leaving(why)),
            None => self.declined(),
        }
    }

    /// The jobs that are here, by attempt.
    pub fn jobs(&self) -> impl Iterator<Item = JobView<'_>> {
        self.jobs.values().map(|job| JobView {
            job: job.lease.job,
            attempt: job.lease.attempt,
            name: &job.lease.name,
            device: &job.lease.device,
            stage: job.stage(),
            is_finished: job.is_finished(),
            thread: match job.work {
                Work::Computing(run) => Some((run, job.control)),
                _ => None,
            },
            action: job.lease.action,
            reason: &job.lease.reason,
            reached: job.record.reached(),
            safe: job.record.safe(),
            until_segment: job.lease.until_segment,
            steps_per_segment: job.steps_per_segment,
            segment_ms: Some(job.segment_ms).filter(|ms| *ms > 0),
            pending: job.record.pending().len(),
        })
    }

    /// Why a device computes nothing; none while it computes.
    #[must_use]
    pub fn idle(&self, device: &str) -> Option<Idle> {
        let Some(slot) = self.slots.iter().position(|slot| slot.device == device) else {
            return Some(Idle::DeviceGone);
        };
        let running = self.slots.get(slot).and_then(|slot| slot.running);
        let held = |(_, attempt): (RunId, AttemptId)| self.jobs.get(&attempt).filter(|job| job.control == Control::Pause);
        match (running, running.and_then(held), &self.pause) {
            (Some(_), None, _) => return None,
            (Some((_, attempt)), Some(job), None) if job.doubts.unlisted => return Some(Idle::Doubted(attempt)),
            (Some((_, attempt)), Some(_), None) => return Some(Idle::Backlogged(attempt)),
            _ => {}
        }
        Some(self.why_idle(slot))
    }

    fn why_idle(&self, slot: usize) -> Idle {
        let device = self.slots.get(slot).map(|slot| slot.device.as_str());
        let of_device = |job: &&Job| Some(job.lease.device.as_str()) == device;
        if let Some(why) = self.leaving() {
            return Idle::Leaving(why);
        }
        if let Some(pause) = &self.pause {
            return Idle::Paused(pause.reason.clone());
        }
        if self.host().is_none() {
            return Idle::NotRegistered;
        }
        match self.slots.get(slot) {
            Some(slot) if slot.is_lost => return Idle::DeviceLost,
            Some(slot) if slot.classes.is_empty() => return Idle::DeviceGone,
            _ => {}
        }
        let taken = device.and_then(|device| self.turn.taken.get(device));
        if let Some(project) = taken.or(self.turn.elsewhere.as_ref().filter(|_| self.next_for(slot).is_none())) {
            return Idle::Elsewhere(project.clone());
        }
        if let Some(next) = self.next_for(slot).and_then(|attempt| self.jobs.get(&attempt)) {
            return match next.stage() {
                Stage::Fetching => Idle::Fetching(next.lease.attempt),
                _ if next.doubts != Doubts::default() => Idle::Doubted(next.lease.attempt),
                _ => Idle::Beginning(next.lease.attempt),
            };
        }
        if let Some(job) = self.jobs.values().find(of_device) {
            return Idle::Returning(job.lease.attempt);
        }
        match self.declined() {
            Some(Declined::Finishing) => return Idle::Finishing,
            Some(Declined::Outdated(version)) => return Idle::Outdated(version),
            _ => {}
        }
        if self.heard == Heard::Nothing {
            return Idle::NotHeard;
        }
        if self.takes_offers() {
            return Idle::TakingOffers;
        }
        let told = self.orders.iter().flat_map(|orders| &orders.idle);
        let mut told = told.filter(|idle| Some(idle.device.as_str()) == device);
        told.next().map_or(Idle::NoJob, |idle| Idle::Server(idle.why.clone()))
    }
}
