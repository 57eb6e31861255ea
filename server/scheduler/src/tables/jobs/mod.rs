//! Jobs and the accounts of their owners, the queues in which jobs wait for a device, and which wait for another job.
//!
//! Invariants: a job stands in a queue exactly at the place that its row names; a queue ranks a user by what the account says; an account counts
//! the user's jobs that have an attempt and those that are not final; a job waits for another exactly while it is blocked and neither is final.

use std::collections::{BTreeMap, BTreeSet};

use protocol::http::{Change, Stay, SubmitJob};
use protocol::{AttemptId, Digest, HardwareClass, HostId, JobId, JobState, Outcome};

use super::rows::Rows;
use crate::Config;

mod check;
mod job;
mod queue;
mod users;

pub(crate) use check::{Check, Span, SpanState, Vote};
pub(crate) use job::{ERRORS_KEPT, Failure, Job, Safe};
pub(crate) use queue::{Length, Need, Place, QueueKey, Queues};
pub(crate) use users::{User, UserId};

use check::FIRST_CHECK;
use job::STAYS_MAX;
use users::Users;

/// What a grant counts before anything is computed, so that many grants at once are shared out too.
const QUANTUM_MS: u64 = 60_000;

/// All jobs in memory.
#[derive(Clone, Debug)]
pub(crate) struct Jobs {
    rows: Rows<JobId, Job>,
    /// Number of the next job.
    next: u64,
    users: Users,
    /// Jobs of one user with an attempt: those of a user at this limit are not seen in the queues.
    running_max: u32,
    /// What the user served last had received by then: newcomers start there, so that absence saves nothing up.
    served_floor: u64,
    queues: Queues,
    /// Those that wait for the end of a job.
    dependents: BTreeMap<JobId, BTreeSet<JobId>>,
    /// Number of the next check.
    next_check: u64,
    /// Checks that wait for a device.
    checks: BTreeMap<HardwareClass, BTreeSet<JobId>>,
}

/// What is saved beside the rows.
pub(crate) struct Restored {
    pub(crate) next: u64,
    pub(crate) users: Vec<User>,
    pub(crate) served_floor: u64,
    pub(crate) passed: BTreeMap<QueueKey, u32>,
    pub(crate) running_max: u32,
    pub(crate) next_check: u64,
}

impl Jobs {
    /// The table as it was saved.
    pub(crate) fn restore(rows: Rows<JobId, Job>, saved: Restored) -> Self {
        let mut jobs = Self {
            rows: Rows::default(),
            next: saved.next,
            users: Users::restore(saved.users),
            running_max: saved.running_max,
            served_floor: saved.served_floor,
            queues: Queues::restore(saved.passed),
            dependents: BTreeMap::new(),
            next_check: saved.next_check.max(FIRST_CHECK),
            checks: BTreeMap::new(),
        };
        jobs.users.ids().for_each(|user| jobs.rank(user));
        for job in rows.values() {
            if let Some(place) = job.place {
                jobs.queues.insert(place);
            }
            let awaited = |after: &JobId| rows.get(after).is_some_and(|parent| !parent.state.is_final());
            if let (true, Some(after)) = (job.blocked && !job.state.is_final(), job.after.filter(awaited)) {
                jobs.dependents.entry(after).or_default().insert(job.id);
            }
            if let Some(check) = job.check.as_ref().filter(|check| check.waits) {
                jobs.checks.entry(check.class).or_default().insert(job.id);
            }
        }
        jobs.rows = rows;
        jobs
    }

    pub(crate) fn rows(&self) -> &Rows<JobId, Job> {
        &self.rows
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn served_floor(&self) -> u64 {
        self.served_floor
    }

    pub(crate) fn users(&self) -> &[User] {
        self.users.rows()
    }

    pub(crate) fn queues(&self) -> &Queues {
        &self.queues
    }

    /// The queues' counts of how often their oldest job was passed over.
    pub(crate) fn queues_mut(&mut self) -> &mut Queues {
        &mut self.queues
    }

    pub(crate) fn get(&self, id: JobId) -> Option<&Job> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut Job> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &Job> {
        self.rows.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// From now on numbers and epochs are given from so much further on.
    pub(crate) fn skip_numbers(&mut self, by: u64) {
        self.next = self.next.saturating_add(by);
        for job in self.rows.values_mut() {
            job.epoch = job.epoch.saturating_add(by);
        }
    }

    /// The account of a job's owner.
    pub(crate) fn owner(&self, job: &Job) -> &User {
        self.users.get(job.user)
    }

    /// The account under a name.
    pub(crate) fn account(&self, name: &str) -> Option<&User> {
        self.users.find(name).map(|id| self.users.get(id))
    }

    /// Whether a job's owner has as many attempts as allowed.
    pub(crate) fn is_at_limit(&self, job: &Job) -> bool {
        self.owner(job).running >= self.running_max
    }

    /// Sets how many jobs of one user may have an attempt. Every user, for each may have more room now.
    pub(crate) fn set_running_max(&mut self, running_max: u32) -> impl Iterator<Item = UserId> + use<> {
        self.running_max = running_max;
        self.users.ids().for_each(|user| self.rank(user));
        self.users.ids()
    }

    /// Tells the queues what an account says.
    fn rank(&mut self, id: UserId) {
        let user = self.users.get(id);
        self.queues.stand(id, user.served, user.running >= self.running_max);
    }

    /// The account under a name, opened now if there is none.
    fn open_account(&mut self, name: &str) -> UserId {
        if let Some(id) = self.users.find(name) {
            return id;
        }
        let id = self.users.add(name, self.served_floor);
        self.rank(id);
        id
    }

    /// A new job: it waits for what it starts from, or nowhere yet.
    pub(crate) fn submit(&mut self, user: &str, submitted: &SubmitJob, archive_bytes: u64, now_ms: u64) -> JobId {
        let owner = self.open_account(user);
        let id = JobId(self.next);
        self.next += 1;
        let absent = self.users.get(owner).running == 0 && self.queues.places(owner).is_empty();
        let account = self.users.get_mut(owner);
        account.unfinished += 1;
        if absent {
            account.served = account.served.max(self.served_floor);
        }
        self.rank(owner);
        let parent = submitted.after.and_then(|after| self.rows.get(&after));
        let job = Job::new(id, owner, submitted, archive_bytes, parent, now_ms);
        if let (true, Some(after)) = (job.blocked, job.after) {
            self.dependents.entry(after).or_default().insert(id);
        }
        self.rows.insert(id, job);
        id
    }

    /// Takes a final job out, with its owner's name.
    pub(crate) fn retire(&mut self, id: JobId) -> Option<(String, Job)> {
        self.rows.get(&id).filter(|job| job.state.is_final())?;
        let job = self.rows.remove(&id)?;
        Some((self.users.get(job.user).name.clone(), job))
    }

    /// Brings back a final job that was taken out. Whether it was.
    pub(crate) fn recall(&mut self, owner: &str, job: &Job) -> bool {
        if self.rows.contains_key(&job.id) {
            return false;
        }
        let user = self.open_account(owner);
        self.rows.insert(job.id, Job { user, ..job.clone() });
        true
    }

    /// Changes a job's state, reason, or both; the change if it is one. A final state comes by [`conclude`](Self::conclude).
    pub(crate) fn set_state(&mut self, id: JobId, state: JobState, reason: String, now_ms: u64) -> Option<Change> {
        let job = self.rows.get_mut(&id)?;
        if (job.state, &job.reason) == (state, &reason) {
            return None;
        }
        if job.state != state {
            job.since_ms = now_ms;
        }
        job.state = state;
        job.reason.clone_from(&reason);
        Some(Change {
            at_ms: now_ms,
            state,
            reason,
        })
    }

    /// Ends a job that has no attempt and waits in no queue. The change, and those that waited for its end.
    pub(crate) fn conclude(
        &mut self,
        id: JobId,
        state: JobState,
        reason: String,
        now_ms: u64,
    ) -> (Option<Change>, BTreeSet<JobId>) {
        let change = self.set_state(id, state, reason, now_ms);
        let Some(job) = self.rows.get(&id) else {
            return (change, BTreeSet::new());
        };
        let (user, awaited) = (job.user, job.after.filter(|_| job.blocked));
        if let Some(after) = awaited
            && let Some(waiting) = self.dependents.get_mut(&after)
        {
            // What ended waits for nothing.
            waiting.remove(&id);
            if waiting.is_empty() {
                self.dependents.remove(&after);
            }
        }
        self.users.get_mut(user).unfinished -= 1;
        (change, self.dependents.remove(&id).unwrap_or_default())
    }

    /// What a job starts from has ended well, with this checkpoint and this boundary 1.
    pub(crate) fn unblock(&mut self, id: JobId, (safe, first): (Option<&Safe>, Option<Digest>)) {
        if let Some(job) = self.rows.get_mut(&id) {
            job.blocked = false;
            job.safe = safe.cloned();
            job.first = first;
        }
    }

    /// Puts a job into the queue of what it needs; its place there.
    pub(crate) fn enqueue(&mut self, id: JobId, config: &Config) -> Option<Place> {
        let job = self.rows.get_mut(&id)?;
        let place = Place {
            key: QueueKey {
                need: job.need(),
                length: job.length(config),
            },
            user: job.user,
            level: job.level(),
            deadline_ms: job.deadline_ms.unwrap_or(u64::MAX),
            job: id,
        };
        if let Some(before) = job.place.replace(place) {
            self.queues.remove(before);
        }
        self.queues.insert(place);
        Some(place)
    }

    /// Takes a job out of its queue; the place that it had.
    pub(crate) fn dequeue(&mut self, id: JobId) -> Option<Place> {
        let place = self.rows.get_mut(&id)?.place.take()?;
        self.queues.remove(place);
        Some(place)
    }

    /// A job gets an attempt, in a new epoch. It, and the number of the job's last safe boundary.
    pub(crate) fn attach(
        &mut self,
        id: JobId,
        attempt: AttemptId,
        host: HostId,
        class: HardwareClass,
        now_ms: u64,
    ) -> (u64, u64) {
        self.bar(id, host);
        let Some(job) = self.rows.get_mut(&id) else { return (0, 0) };
        job.epoch += 1;
        job.attempt = Some(attempt);
        if job.stays.len() == STAYS_MAX {
            job.stays.remove(0);
        }
        let (epoch, segment, user) = (job.epoch, job.segment(), job.user);
        job.stays.push(Stay {
            host,
            class,
            from_segment: segment,
            to_segment: segment,
            from_ms: now_ms,
            to_ms: None,
            outcome: None,
        });
        let account = self.users.get_mut(user);
        self.served_floor = self.served_floor.max(account.served);
        account.running += 1;
        account.served = account.served.saturating_add(QUANTUM_MS);
        self.rank(user);
        (epoch, segment)
    }

    /// A job's attempt is over. Its owner, if they were at their limit and no longer are.
    pub(crate) fn detach(&mut self, id: JobId, outcome: Outcome, now_ms: u64) -> Option<UserId> {
        let job = self.rows.get_mut(&id)?;
        job.attempt = None;
        if let Some(stay) = job.stays.last_mut() {
            stay.to_ms = Some(now_ms);
            stay.outcome = Some(outcome);
        }
        let user = job.user;
        let account = self.users.get_mut(user);
        let was_at_limit = account.running >= self.running_max;
        account.running -= 1;
        let has_room = account.running < self.running_max;
        self.rank(user);
        (was_at_limit && has_room).then_some(user)
    }

    /// More bytes are kept for a job's owner.
    pub(crate) fn store(&mut self, id: JobId, bytes: u64) {
        if let Some(job) = self.rows.get(&id) {
            let account = self.users.get_mut(job.user);
            account.stored_bytes = account.stored_bytes.saturating_add(bytes);
        }
    }

    /// Fewer bytes are kept for a user.
    pub(crate) fn free(&mut self, name: &str, bytes: u64) {
        if let Some(user) = self.users.find(name) {
            let account = self.users.get_mut(user);
            account.stored_bytes = account.stored_bytes.saturating_sub(bytes);
        }
    }

    /// A job's owner received computing.
    pub(crate) fn serve(&mut self, id: JobId, computed_ms: u64) {
        if let Some(job) = self.rows.get(&id) {
            let user = job.user;
            let account = self.users.get_mut(user);
            account.served = account.served.saturating_add(computed_ms);
            self.rank(user);
        }
    }

    /// Whether queues, dependents and accounts are what the rows say.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn check(&self) -> Result<(), String> {
        let saved = Restored {
            next: self.next,
            users: self.users.rows().to_vec(),
            served_floor: self.served_floor,
            passed: self.queues.all_passed().clone(),
            running_max: self.running_max,
            next_check: self.next_check,
        };
        let rebuilt = Self::restore(self.rows.clone(), saved);
        let same = self.queues.forget_idle_users() == rebuilt.queues.forget_idle_users();
        super::require(same, || "the queues differ from what the jobs and accounts say".to_owned())?;
        super::require(self.checks == rebuilt.checks, || {
            "the checks that wait differ from what the rows say".to_owned()
        })?;
        super::require(self.dependents == rebuilt.dependents, || {
            "those that wait for other jobs differ from what the jobs say".to_owned()
        })?;
        for id in self.users.ids() {
            let user = self.users.get(id);
            let own = || self.rows.values().filter(|job| job.user == id);
            let running = own().filter(|job| job.attempt.is_some()).count();
            let unfinished = own().filter(|job| !job.state.is_final() && !job.is_check()).count();
            let counted = (user.running as usize, user.unfinished as usize);
            super::require(counted == (running, unfinished), || {
                format!(
                    "{} has {running} running and {unfinished} unfinished, counted {counted:?}",
                    user.name
                )
            })?;
            super::require(user.running <= self.running_max, || {
                format!("{} has too many running", user.name)
            })?;
        }
        Ok(())
    }
}
