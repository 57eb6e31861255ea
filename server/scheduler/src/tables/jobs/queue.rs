//! Jobs that wait: a queue for each (what they need, how long they are).
//!
//! In a queue the highest level goes first, among equals the user who was served least, and of that user's jobs the one with the nearest
//! deadline, then the oldest. So that no job starves, a queue also knows its oldest job and how often it was passed over. A user at
//! their limit is parked: their jobs stay where they are and are not seen. Every operation costs a logarithm.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use protocol::{HardwareClass, JobId, Tier};
use serde::{Deserialize, Serialize};

use super::users::UserId;

/// Where a job can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Need {
    /// Only where its checkpoint computes the same bits.
    Class(HardwareClass),
    /// On any class of its tier: it has no checkpoint yet.
    Any(Tier),
}

/// How long a job is expected to take still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Length {
    Short,
    Long,
}

/// A queue's key: where its jobs can run, and how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct QueueKey {
    pub(crate) need: Need,
    pub(crate) length: Length,
}

/// A job's place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) key: QueueKey,
    pub(crate) user: UserId,
    pub(crate) level: u8,
    pub(crate) deadline_ms: u64,
    pub(crate) job: JobId,
}

/// The job that would go next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) level: u8,
    pub(crate) served: u64,
    pub(crate) job: JobId,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct UserJobs {
    levels: BTreeMap<Reverse<u8>, BTreeSet<(u64, JobId)>>,
    ages: BTreeSet<JobId>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Queue {
    heads: BTreeSet<(Reverse<u8>, u64, UserId)>,
    ages: BTreeSet<(JobId, UserId)>,
    users: BTreeMap<UserId, UserJobs>,
    jobs: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Standing {
    served: u64,
    parked: bool,
    places: BTreeSet<QueueKey>,
}

/// All queues.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Queues {
    queues: BTreeMap<QueueKey, Queue>,
    users: BTreeMap<UserId, Standing>,
    /// How often the oldest job of a queue was passed over.
    passed: BTreeMap<QueueKey, u32>,
}

impl Queue {
    /// Shows or hides all that a user has here.
    fn show(&mut self, user: UserId, served: u64, shown: bool) {
        let Some(jobs) = self.users.get(&user) else { return };
        for level in jobs.levels.keys() {
            match shown {
                true => self.heads.insert((*level, served, user)),
                false => self.heads.remove(&(*level, served, user)),
            };
        }
        if let Some(oldest) = jobs.ages.first() {
            match shown {
                true => self.ages.insert((*oldest, user)),
                false => self.ages.remove(&(*oldest, user)),
            };
        }
    }
}

impl Queues {
    /// No job, and how often the oldest of each queue was passed over.
    pub(super) fn restore(passed: BTreeMap<QueueKey, u32>) -> Self {
        Self {
            passed,
            ..Self::default()
        }
    }

    /// Puts a job where it waits.
    pub(super) fn insert(&mut self, place: Place) {
        self.change(place, |jobs| {
            jobs.levels
                .entry(Reverse(place.level))
                .or_default()
                .insert((place.deadline_ms, place.job));
            jobs.ages.insert(place.job);
        });
    }

    /// Takes a job away from where it waits.
    pub(super) fn remove(&mut self, place: Place) {
        self.change(place, |jobs| {
            if let Some(set) = jobs.levels.get_mut(&Reverse(place.level)) {
                set.remove(&(place.deadline_ms, place.job));
                if set.is_empty() {
                    jobs.levels.remove(&Reverse(place.level));
                }
            }
            jobs.ages.remove(&place.job);
        });
    }

    fn change(&mut self, place: Place, with: impl FnOnce(&mut UserJobs)) {
        let standing = self.users.entry(place.user).or_default();
        let (served, shown) = (standing.served, !standing.parked);
        let queue = self.queues.entry(place.key).or_default();
        // A user has few levels in one queue: ten at most.
        if shown {
            queue.show(place.user, served, false);
        }
        let jobs = queue.users.entry(place.user).or_default();
        let before = jobs.ages.len();
        with(jobs);
        let after = jobs.ages.len();
        queue.jobs = queue.jobs + after - before;
        if after == 0 {
            queue.users.remove(&place.user);
            standing.places.remove(&place.key);
        } else {
            standing.places.insert(place.key);
        }
        if shown {
            queue.show(place.user, served, true);
        }
        if queue.jobs == 0 {
            self.queues.remove(&place.key);
        }
    }

    /// Sets how much a user was served, and whether they are at their limit.
    pub(super) fn stand(&mut self, user: UserId, served: u64, parked: bool) {
        let standing = self.users.entry(user).or_default();
        if (standing.served, standing.parked) == (served, parked) {
            return;
        }
        for key in &standing.places {
            if let Some(queue) = self.queues.get_mut(key) {
                if !standing.parked {
                    queue.show(user, standing.served, false);
                }
                if !parked {
                    queue.show(user, served, true);
                }
            }
        }
        (standing.served, standing.parked) = (served, parked);
    }

    /// The job that goes next in a queue.
    pub(crate) fn head(&self, key: QueueKey) -> Option<Head> {
        self.in_order(key).next()
    }

    /// The jobs of a queue in the order in which they would go if none of them were served.
    pub(crate) fn in_order(&self, key: QueueKey) -> impl Iterator<Item = Head> {
        let queue = self.queues.get(&key);
        queue.into_iter().flat_map(|queue| {
            queue.heads.iter().flat_map(|(level, served, user)| {
                let jobs = queue.users.get(user).and_then(|jobs| jobs.levels.get(level));
                jobs.into_iter().flatten().map(|(_, job)| Head {
                    level: level.0,
                    served: *served,
                    job: *job,
                })
            })
        })
    }

    /// Who has waited longest in a queue.
    pub(crate) fn oldest(&self, key: QueueKey) -> Option<JobId> {
        self.queues.get(&key)?.ages.first().map(|(job, _)| *job)
    }

    /// How many wait in a queue, parked ones too.
    pub(crate) fn count(&self, key: QueueKey) -> usize {
        self.queues.get(&key).map_or(0, |queue| queue.jobs)
    }

    /// Where a user has jobs waiting.
    pub(crate) fn places(&self, user: UserId) -> Vec<QueueKey> {
        self.users
            .get(&user)
            .map_or_else(Vec::new, |standing| standing.places.iter().copied().collect())
    }

    /// A user's own next job in a queue.
    pub(crate) fn head_of(&self, key: QueueKey, user: UserId) -> Option<JobId> {
        let jobs = self.queues.get(&key)?.users.get(&user)?;
        jobs.levels.values().next()?.first().map(|(_, job)| *job)
    }

    /// How often the oldest job of a queue was passed over in a row.
    pub(crate) fn passed(&self, key: QueueKey) -> u32 {
        self.passed.get(&key).copied().unwrap_or(0)
    }

    /// How often each queue's oldest job was passed over.
    pub(crate) fn all_passed(&self) -> &BTreeMap<QueueKey, u32> {
        &self.passed
    }

    /// The oldest job of a queue was passed over once more.
    pub(crate) fn pass_over(&mut self, key: QueueKey) {
        let times = self.passed.entry(key).or_insert(0);
        *times = times.saturating_add(1);
    }

    /// The oldest job of a queue counts as passed over so often.
    pub(crate) fn set_passed(&mut self, key: QueueKey, times: u32) {
        self.passed.insert(key, times);
    }

    /// The oldest job of a queue got its turn, or the queue is empty.
    pub(crate) fn forget_passed(&mut self, key: QueueKey) {
        self.passed.remove(&key);
    }

    /// Every queue with the number of jobs in it.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (QueueKey, usize)> {
        self.queues.iter().map(|(key, queue)| (*key, queue.jobs))
    }

    /// Drops what is as if it had never been, so that a restored state equals the live one.
    pub(crate) fn forget_idle_users(&self) -> Self {
        let mut clone = self.clone();
        clone.users.retain(|_, standing| !standing.places.is_empty());
        clone
    }
}
