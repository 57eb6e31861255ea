//! What orders and answers say of jobs: leases taken up, fetched, committed, ended and dropped.

use protocol::http::{Action, Lease, Orders};
use protocol::{AttemptId, JobState};

use super::{CONFIRM_MS, Heard, Planner, unexpected};
use crate::boundaries::{Boundary, Unneeded};
use crate::effect::{Control, Effect, Errand, Message, RunId};
use crate::input::{Answer, Trouble};
use crate::job::{Delivery, Doubts, Job, Place, Results, Work};
use crate::reason::{Cause, Failure};

/// Leases that are taken note of.
const LEASES_MAX: usize = 1024;
/// Boundaries are reported this often at most, where heartbeats would be further apart: soon while a job is young, so that a person who watches
/// a short one sees it move, and seldom later.
const PROGRESS_MS: std::ops::RangeInclusive<u64> = 2_000..=30_000;

/// Time between two reports of boundaries, for a job that has been computing for so long: a tenth of that, within [`PROGRESS_MS`]. A job of any
/// length has some ten reports until it is 20 s old, and then one for each tenth that it grows, or every 30 s.
fn progress_pause_ms(computing_ms: u64) -> u64 {
    (computing_ms / 10).clamp(*PROGRESS_MS.start(), *PROGRESS_MS.end())
}

impl Planner {
    /// Orders came. Those for another host and those that were overtaken change nothing.
    pub(super) fn obey(&mut self, mut orders: Orders) {
        if self.host() != Some(orders.host) {
            return;
        }
        // No server gives a host so many.
        orders.leases.truncate(LEASES_MAX);
        self.heard = Heard::Orders;
        // In another life, a restored backup, numbers begin anew.
        let last = self.orders.as_ref().filter(|last| last.life == orders.life);
        match last {
            Some(last) if last.sequence > orders.sequence => return,
            Some(last) if last.sequence == orders.sequence => keep_safe(last, &mut orders),
            _ => {}
        }
        if self.orders.as_ref() != Some(&orders) {
            // A later life knows by them which folders it may go on with.
            self.effects.push(Effect::SaveOrders(Box::new(orders.clone())));
        }
        let is_listed = |attempt: &AttemptId| orders.leases.iter().any(|lease| lease.attempt == *attempt);
        self.over.retain(is_listed);
        // The last commit is what ends a lease, and its answer may be overtaken by these orders.
        let gone = self
            .jobs
            .iter()
            .filter(|(attempt, job)| !is_listed(attempt) && !job.is_completing());
        let gone: Vec<AttemptId> = gone.map(|(attempt, _)| *attempt).collect();
        for attempt in gone {
            self.unlisted(attempt);
        }
        self.follow(&orders);
        self.orders = Some(orders);
        if !self.tidied {
            // What an earlier life left and nothing here speaks of any more.
            self.tidied = true;
            let running = self.slots.iter().filter_map(|slot| slot.running).map(|(_, attempt)| attempt);
            let needed = self.jobs.keys().copied().chain(running).collect();
            self.effects.push(Effect::DeleteJobsExcept(needed));
        }
    }

    /// Take note of every lease that is listed.
    pub(super) fn follow(&mut self, orders: &Orders) {
        for lease in &orders.leases {
            if self.jobs.contains_key(&lease.attempt) {
                self.update(lease);
            } else if !self.over.contains(&lease.attempt) {
                self.hold(lease);
            }
        }
    }

    fn update(&mut self, lease: &Lease) {
        let Some(job) = self.jobs.get_mut(&lease.attempt) else {
            return;
        };
        let is_stop = matches!(lease.action, Action::StopAtBoundary | Action::StopNow);
        let told = (is_stop && job.lease.action != lease.action).then(|| Message::ToldToStop {
            job: lease.job,
            action: lease.action,
            reason: lease.reason.clone(),
        });
        job.lease = lease.clone();
        job.doubts.unlisted = false;
        let unneeded = match &lease.checkpoint {
            Some(safe) => job.record.mark_safe(safe.entry.segment, job.on_its_way()),
            None => Unneeded::default(),
        };
        self.delete(lease.attempt, unneeded);
        if let Some(told) = told {
            self.say(told);
        }
        self.displace();
    }

    fn hold(&mut self, lease: &Lease) {
        let mut job = Job::new(lease.clone(), Work::Stopped, self.now);
        if !self.can_compute(lease) {
            job.place = Place::Never;
        }
        self.ask_anew();
        // Also where it is not to be computed: its folder may hold what an earlier life has.
        job.work = Work::Fetching(self.begin(Errand::Fetch(Box::new(lease.clone()))));
        self.jobs.insert(lease.attempt, job);
    }

    /// An errand of a job was answered.
    pub(super) fn job_errand_answered(&mut self, attempt: AttemptId, answer: Answer) {
        if let Answer::Trouble(Trouble::UnknownHost(_) | Trouble::Copied(_)) = &answer {
            // The errand is done again, if the host stays what it is.
            if let Some(job) = self.jobs.get_mut(&attempt) {
                job.retry_at = self.now.after(CONFIRM_MS);
                match job.work {
                    Work::Fetching(_) => job.work = Work::Stopped,
                    _ => job.delivery = Delivery::Nothing,
                }
            }
            return self.refused(&answer);
        }
        let Some(job) = self.jobs.get(&attempt) else { return };
        match (job.work, job.delivery) {
            (Work::Fetching(_), _) => self.fetched(attempt, answer),
            (_, Delivery::Commit { .. }) => self.committed(attempt, answer),
            (_, Delivery::End(_)) => {
                // Told or refused: there is nothing more to do about it.
                self.drop_job(attempt);
                if let Answer::Orders(orders) = answer {
                    self.obey(orders);
                }
            }
            (_, Delivery::Nothing) => {}
        }
    }

    fn fetched(&mut self, attempt: AttemptId, answer: Answer) {
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        let failure = match answer {
            Answer::Fetched(fetched) => {
                job.steps_per_segment = Some(fetched.steps_per_segment);
                job.record.recall(fetched.reached, fetched.boundaries, fetched.checkpoints);
                job.work = if job.is_finished() { Work::Stopped } else { Work::Ready };
                return;
            }
            Answer::Trouble(Trouble::LeaseOver(why)) => Failure::new(Cause::Host, why),
            other => unexpected(&other),
        };
        job.work = Work::Stopped;
        self.fail(attempt, failure);
    }

    fn committed(&mut self, attempt: AttemptId, answer: Answer) {
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        let Delivery::Commit { up_to, gained, .. } = job.delivery else {
            return;
        };
        job.delivery = Delivery::Nothing;
        match answer {
            Answer::Committed(committed) => {
                let unneeded = job.record.commit_answered(up_to, None);
                job.safe_at = self.now;
                job.doubts.refused = false;
                let (job, until) = (job.lease.job, job.until());
                let is_done = committed.state == JobState::Completed || committed.segment >= until;
                self.contributed = self.contributed.plus(gained);
                self.contributed.jobs = self.contributed.jobs.saturating_add(u64::from(is_done));
                self.effects.push(Effect::SaveContributed(self.contributed));
                self.delete(attempt, unneeded);
                if is_done {
                    self.drop_job(attempt);
                    self.say(Message::Completed { job, segment: until });
                }
            }
            Answer::Trouble(Trouble::LeaseOver(why)) if job.doubts != Doubts::default() => self.lease_over(attempt, Some(why)),
            Answer::Trouble(Trouble::LeaseOver(why)) => {
                job.doubts.refused = true;
                job.retry_at = self.now.after(CONFIRM_MS);
                self.beat_due = self.now;
                let job = job.lease.job;
                self.say(Message::LeaseDoubted { job, why: Some(why) });
            }
            other => {
                job.results = Results::Refused;
                self.fail(attempt, unexpected(&other));
            }
        }
    }

    /// A compute thread reached a boundary.
    pub(super) fn reached(&mut self, run: RunId, boundary: Boundary) {
        let Some(job) = self.jobs.values_mut().find(|job| job.work == Work::Computing(run)) else {
            return;
        };
        if job.noted.is_some_and(|noted| boundary.entry.segment <= noted) {
            return;
        }
        job.noted = Some(boundary.entry.segment);
        job.losses = 0;
        if job.count_time(&boundary) {
            // The server plans with it.
            self.beat_due = self.now;
        } else {
            // Somebody may be watching.
            let pause = progress_pause_ms(self.now.since(job.computes_since));
            let next = self.beat_sent.after(pause).max(self.now);
            self.beat_due = self.beat_due.min(next);
        }
        let attempt = job.lease.attempt;
        let unneeded = job.record.reach(boundary, job.on_its_way());
        self.delete(attempt, unneeded);
    }

    /// A compute thread has ended.
    pub(super) fn stopped(&mut self, run: RunId, ended: Result<(), Failure>) {
        let Some(slot) = self.slot_of(run) else { return };
        let Some((_, attempt)) = self.slots[slot].running.take() else {
            return;
        };
        let Some(job) = self.jobs.get_mut(&attempt) else {
            // Its lease is gone; now its folder can go too.
            return self.effects.push(Effect::DeleteJob(attempt));
        };
        if job.work != Work::Computing(run) {
            return;
        }
        job.work = Work::Stopped;
        match ended {
            Err(failure) if failure.cause == Cause::DeviceLost => self.lost_device(slot, attempt, failure),
            Err(failure) => self.fail(attempt, failure),
            // Stopped before its end though nothing wants that any more: its turn comes again.
            Ok(()) if !job.is_finished() && !job.is_stopping() => job.work = Work::Ready,
            Ok(()) => {}
        }
    }

    pub(super) fn fail(&mut self, attempt: AttemptId, failure: Failure) {
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        job.failure = Some(failure.clone());
        let job = job.lease.job;
        self.say(Message::Failed { job, failure });
    }

    /// Orders do not list a job. With boundaries that the server lacks, that counts once the server says so again.
    fn unlisted(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.get_mut(&attempt) else { return };
        if !job.may_have_news() || job.doubts != Doubts::default() {
            return self.lease_over(attempt, None);
        }
        job.doubts.unlisted = true;
        self.beat_due = self.now;
        let job = job.lease.job;
        self.say(Message::LeaseDoubted { job, why: None });
    }

    fn lease_over(&mut self, attempt: AttemptId, why: Option<String>) {
        let Some(job) = self.jobs.get(&attempt) else { return };
        // A job that has gone home, or was cancelled before it began, loses nothing.
        let loses = job.has_news() || matches!(job.work, Work::Computing(_));
        let job = job.lease.job;
        self.drop_job(attempt);
        self.say(Message::LeaseOver { job, loses, why });
    }

    /// A lease is gone, and with it all that belongs to it.
    pub(super) fn drop_job(&mut self, attempt: AttemptId) {
        let Some(job) = self.jobs.remove(&attempt) else { return };
        self.over.insert(attempt);
        self.ask_anew();
        let fetch = match job.work {
            Work::Fetching(errand) => Some(errand),
            Work::Computing(run) => {
                if job.control != Control::StopNow {
                    self.effects.push(Effect::SetControl(run, Control::StopNow));
                }
                None
            }
            Work::Ready | Work::Stopped => None,
        };
        let delivery = match job.delivery {
            Delivery::Commit { errand, .. } | Delivery::End(errand) => Some(errand),
            Delivery::Nothing => None,
        };
        self.effects
            .extend([fetch, delivery].into_iter().flatten().map(Effect::Cancel));
        if let Some((segment, blob)) = job.record.last_if_safe() {
            self.effects.push(Effect::KeepCheckpoint { attempt, segment, blob });
        }
        if !self.runs(attempt) {
            self.effects.push(Effect::DeleteJob(attempt));
        }
    }

    fn delete(&mut self, attempt: AttemptId, unneeded: Unneeded) {
        let Unneeded { checkpoints, outputs } = unneeded;
        if !checkpoints.is_empty() || !outputs.is_empty() {
            self.effects.push(Effect::DeleteFiles {
                attempt,
                checkpoints,
                outputs,
            });
        }
    }
}

/// Boundaries that become safe do not change the number of orders: of two with the same number, the older may come last. What is safe stays safe.
fn keep_safe(last: &Orders, orders: &mut Orders) {
    for lease in &mut orders.leases {
        let before = last.leases.iter().find(|before| before.attempt == lease.attempt);
        let Some(safe) = before.and_then(|before| before.checkpoint.as_ref()) else {
            continue;
        };
        if lease
            .checkpoint
            .as_ref()
            .is_none_or(|told| told.entry.segment < safe.entry.segment)
        {
            lease.checkpoint = Some(safe.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::progress_pause_ms;

    /// Reports of a job with a boundary each third of a second.
    fn reports(job_ms: u64) -> u64 {
        let (mut count, mut last) = (0, 0);
        for now in (0..job_ms).step_by(333) {
            if now - last >= progress_pause_ms(now) {
                (count, last) = (count + 1, now);
            }
        }
        count
    }

    #[test]
    fn a_short_job_is_seen_to_move_and_a_long_one_costs_little() {
        assert!((8..30).contains(&reports(30_000)), "{}", reports(30_000));
        assert!((15..40).contains(&reports(120_000)), "{}", reports(120_000));
        let day_ms = 86_400_000;
        assert!(reports(day_ms) < day_ms / 30_000 + 100, "{}", reports(day_ms));
    }
}
