//! The scheduler's state as it is stored: rows and counters as JSON. Indexes are not stored; the tables build them from their rows.

use std::collections::BTreeMap;

use protocol::{AttemptId, HardwareClass, HostId, JobId};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::tables::hosts::Presence;
use crate::tables::jobs::{Restored, User};
use crate::tables::{Attempt, Attempts, Costs, Drivers, Host, Hosts, Job, Jobs, QueueKey, Rows, Timer, Timers};
use crate::{Config, Core, Notice, Pending, RULES};

#[derive(Serialize)]
struct Saved<'a> {
    rules: u32,
    config: &'a Config,
    now_ms: u64,
    next_job: u64,
    next_attempt: u64,
    next_host: u64,
    jobs: &'a Rows<JobId, Job>,
    attempts: &'a Rows<AttemptId, Attempt>,
    hosts: &'a Rows<HostId, Host>,
    users: &'a [User],
    served_floor: u64,
    next_check: u64,
    timers: &'a Timers,
    drivers: &'a Drivers,
    #[serde(skip_serializing_if = "Costs::is_empty")]
    costs: &'a Costs,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    notices: &'a BTreeMap<JobId, Notice>,
    // Their keys are not text: lists of pairs.
    presence: Vec<(&'a HardwareClass, &'a Presence)>,
    passed: Vec<(&'a QueueKey, &'a u32)>,
}

#[derive(Deserialize)]
struct Read {
    rules: u32,
    config: Config,
    now_ms: u64,
    next_job: u64,
    next_attempt: u64,
    next_host: u64,
    jobs: Rows<JobId, Job>,
    attempts: Rows<AttemptId, Attempt>,
    hosts: Rows<HostId, Host>,
    users: Vec<User>,
    served_floor: u64,
    #[serde(default)]
    next_check: u64,
    timers: Timers,
    #[serde(default)]
    drivers: Drivers,
    #[serde(default)]
    costs: Costs,
    #[serde(default)]
    notices: BTreeMap<JobId, Notice>,
    presence: Vec<(HardwareClass, Presence)>,
    passed: Vec<(QueueKey, u32)>,
}

impl Core {
    /// Nothing yet.
    pub fn new(config: Config) -> Self {
        Self::from(Read {
            rules: RULES,
            config,
            now_ms: 0,
            next_job: 1,
            next_attempt: 1,
            next_host: 1,
            jobs: Rows::default(),
            attempts: Rows::default(),
            hosts: Rows::default(),
            users: Vec::new(),
            served_floor: 0,
            next_check: 0,
            timers: Timers::default(),
            drivers: Drivers::default(),
            costs: Costs::default(),
            notices: BTreeMap::new(),
            presence: Vec::new(),
            passed: Vec::new(),
        })
    }

    /// The whole state as JSON.
    ///
    /// # Errors
    /// None that a state could cause.
    pub fn save(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&Saved {
            rules: RULES,
            config: &self.config,
            now_ms: self.now_ms,
            next_job: self.jobs.next(),
            next_attempt: self.attempts.next(),
            next_host: self.hosts.next(),
            jobs: self.jobs.rows(),
            attempts: self.attempts.rows(),
            hosts: self.hosts.rows(),
            users: self.jobs.users(),
            served_floor: self.jobs.served_floor(),
            next_check: self.jobs.next_check(),
            timers: &self.timers,
            drivers: &self.drivers,
            costs: &self.costs,
            notices: &self.notices,
            presence: self.hosts.presence().iter().collect(),
            passed: self.jobs.queues().all_passed().iter().collect(),
        })
    }

    /// The state that [`save`](Self::save) wrote, indexes and all.
    ///
    /// # Errors
    /// Bytes that are no such state, or were written under newer rules.
    pub fn restore(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut read: Read = serde_json::from_slice(bytes)?;
        if read.rules > RULES {
            return Err(serde_json::Error::custom(format!(
                "the state was written by scheduler rules {}, this program has rules {RULES}",
                read.rules
            )));
        }
        if read.rules < 2 {
            // Jobs ended without a time to leave memory.
            let ended = read.jobs.values().filter(|job| job.state().is_final());
            let at_ms = read.now_ms.saturating_add(read.config.retire_ms);
            ended.for_each(|job| read.timers.set(Timer::Retire(job.id), at_ms));
        }
        Ok(Self::from(read))
    }
}

impl From<Read> for Core {
    fn from(read: Read) -> Self {
        let saved = Restored {
            next: read.next_job,
            users: read.users,
            served_floor: read.served_floor,
            passed: read.passed.into_iter().collect(),
            running_max: read.config.user_running_max,
            next_check: read.next_check,
        };
        let hosts = Hosts::restore(read.hosts, read.next_host, read.presence.into_iter().collect());
        Self {
            now_ms: read.now_ms,
            jobs: Jobs::restore(read.jobs, saved),
            attempts: Attempts::restore(read.attempts, read.next_attempt, |device| hosts.classes(device)),
            hosts,
            timers: read.timers,
            drivers: read.drivers,
            costs: read.costs,
            notices: read.notices,
            config: read.config,
            rules: RULES,
            pending: Pending::default(),
            notes: BTreeMap::new(),
            commands: Vec::new(),
        }
    }
}
