//! The scheduler as a pure function: (state, event, now) → (state, commands). No clock, no I/O, nothing random.
//!
//! | module | owns |
//! |---|---|
//! | [`config`] | what an operator can set |
//! | [`event`] | what comes in, what goes out, what is refused |
//! | `job`, `host` | the things there are |
//! | [`reliability`] | each host's chance to be there still |
//! | `queue`, `pool`, `timers` | indexes: nothing is searched, everything is found |
//! | `matching`, `grant` | which job goes to which device; preemption; batches; offers, at once or ahead |
//! | `waiting` | into a queue and out of it |
//! | `steer` | what scientists do to jobs |
//! | `retire` | finished jobs leave memory |
//! | `register` | hosts that register, and the classes there are |
//! | `presence`, `departure` | what hosts report, their silence, and their planned absence |
//! | `attempts`, `ending` | leases: taken, progressing, committed; and how they end |
//! | `orders`, `views` | what hosts and people are shown |
//! | `check`, `testing` | the invariants, all of them; states of any size (feature `testing`) |
//!
//! Invariants: a job has at most one attempt, and an attempt the job's newest epoch; a job with a checkpoint is only ever granted to a
//! device of the checkpoint's class; no device is free while a job waits that it could take; a refused event changes nothing. One event
//! costs a logarithm of the number of hosts and jobs, times what the event itself touches.

use std::collections::{BTreeMap, BTreeSet};

use protocol::http::Change;
use protocol::{AttemptId, HardwareClass, HostId, JobId, JobState};
use serde::{Deserialize, Serialize};

mod attempts;
#[cfg(any(test, feature = "testing"))]
mod check;
pub mod config;
mod departure;
mod ending;
pub mod event;
mod grant;
mod host;
mod job;
mod matching;
mod orders;
mod pool;
mod presence;
mod queue;
mod register;
pub mod reliability;
mod retire;
mod steer;
mod timers;
pub mod views;
mod waiting;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use config::Config;
pub use event::{Command, Event, Refusal, Reply};
pub use retire::Finished;

use host::Host;
use job::{Attempt, Job};
use pool::{Free, Pool, Yielding};
use queue::Queues;
use timers::{Timer, Timers};

/// Version of the rules: a log of events is only replayed by the rules that wrote it. A state that older rules left is gone on from.
pub const RULES: u32 = 2;

/// A user's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct UserId(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    /// Computing received, milliseconds; what fair share compares.
    served: u64,
    running: u32,
    unfinished: u32,
}

/// How present a class is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Presence {
    devices: u64,
    online: u64,
    last_seen_ms: Option<u64>,
}

/// The state of the scheduler.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Core {
    rules: u32,
    config: Config,
    now_ms: u64,
    next_job: u64,
    next_attempt: u64,
    next_host: u64,
    jobs: BTreeMap<JobId, Job>,
    attempts: BTreeMap<AttemptId, Attempt>,
    hosts: BTreeMap<HostId, Host>,
    users: Vec<User>,
    /// What the user served last had received by then: newcomers start there, so that absence saves nothing up.
    served_floor: u64,
    timers: Timers,
    #[serde(with = "pairs")]
    presence: BTreeMap<HardwareClass, Presence>,
    /// How often the oldest job of a queue was passed over.
    #[serde(with = "pairs")]
    passed: BTreeMap<queue::QueueKey, u32>,

    // Indexes over the above: rebuilt, never stored.
    #[serde(skip)]
    user_ids: BTreeMap<String, UserId>,
    #[serde(skip)]
    queues: Queues,
    #[serde(skip)]
    free: Pool<Free>,
    #[serde(skip)]
    yielding: Pool<Yielding>,
    #[serde(skip)]
    dependents: BTreeMap<JobId, BTreeSet<JobId>>,

    // Work left to settle inside one event: empty between events.
    #[serde(skip)]
    dirty_hosts: BTreeSet<HostId>,
    #[serde(skip)]
    dirty_jobs: BTreeSet<JobId>,
    #[serde(skip)]
    dirty_users: BTreeSet<UserId>,
    #[serde(skip)]
    commands: Vec<Command>,
}

impl Core {
    /// Nothing yet.
    pub fn new(config: Config) -> Self {
        Self {
            rules: RULES,
            config,
            now_ms: 0,
            next_job: 1,
            next_attempt: 1,
            next_host: 1,
            jobs: BTreeMap::new(),
            attempts: BTreeMap::new(),
            hosts: BTreeMap::new(),
            users: Vec::new(),
            served_floor: 0,
            timers: Timers::default(),
            presence: BTreeMap::new(),
            passed: BTreeMap::new(),
            user_ids: BTreeMap::new(),
            queues: Queues::default(),
            free: Pool::default(),
            yielding: Pool::default(),
            dependents: BTreeMap::new(),
            dirty_hosts: BTreeSet::new(),
            dirty_jobs: BTreeSet::new(),
            dirty_users: BTreeSet::new(),
            commands: Vec::new(),
        }
    }

    /// Takes in an event at a time (Unix milliseconds; an earlier one than before counts as the same).
    ///
    /// # Errors
    /// The reason why the event was refused; then nothing has changed.
    pub fn apply(&mut self, event: &Event, now_ms: u64) -> Result<Reply, Refusal> {
        let before = self.now_ms;
        self.now_ms = self.now_ms.max(now_ms);
        let reply = self.dispatch(event);
        match reply {
            Ok(_) => self.settle(),
            Err(_) => self.now_ms = before,
        }
        reply
    }

    fn dispatch(&mut self, event: &Event) -> Result<Reply, Refusal> {
        match event {
            Event::Tick => self.tick(),
            Event::Restarted => self.restarted(),
            Event::Configure(config) => self.configure(config),
            Event::Register { host, body, address } => return self.register(*host, body, *address).map(Reply::Host),
            Event::Heartbeat { host, beat, address } => self.heartbeat(*host, beat, *address)?,
            Event::Leave { host, notice } => self.leave(*host, notice)?,
            Event::Return { host } => self.come_back(*host)?,
            Event::Take { host } => self.take(*host)?,
            Event::Commit {
                host,
                attempt,
                commit,
                class,
                bytes,
                outputs_bytes,
            } => {
                let bytes = (*bytes, *outputs_bytes);
                return self.commit(*host, *attempt, commit, *class, bytes).map(Reply::Committed);
            }
            Event::End { host, attempt, end } => self.end(*host, *attempt, end)?,
            Event::Submit { user, job, bytes } => return self.submit(user, job, *bytes).map(Reply::Job),
            Event::Recall(finished) => self.recall(finished)?,
            Event::Hold { job, by } => self.hold(*job, by)?,
            Event::Release { job, by } => self.release(*job, by)?,
            Event::Cancel { job, by } => self.cancel(*job, by)?,
            Event::Prioritize { job, priority, now, by } => self.prioritize(*job, *priority, *now, by)?,
        }
        Ok(Reply::Done)
    }

    /// When [`Event::Tick`] is due next, Unix milliseconds.
    pub fn next_due_ms(&self) -> Option<u64> {
        self.timers.next()
    }

    /// The latest time it was told.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many hosts and jobs there are: the size of a snapshot.
    pub fn size(&self) -> usize {
        self.hosts.len() + self.jobs.len()
    }

    /// Takes what is to be done outside.
    pub fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// The whole state as JSON.
    ///
    /// # Errors
    /// None that a state could cause.
    pub fn save(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The state that [`save`](Self::save) wrote, indexes and all.
    ///
    /// # Errors
    /// Bytes that are no such state, or were written under newer rules.
    pub fn restore(bytes: &[u8]) -> serde_json::Result<Self> {
        let mut core: Self = serde_json::from_slice(bytes)?;
        if core.rules > RULES {
            return Err(serde::de::Error::custom(format!(
                "the state was written by scheduler rules {}, this program has rules {RULES}",
                core.rules
            )));
        }
        if core.rules < 2 {
            // Jobs ended without a time to leave memory.
            let ended = core.jobs.values().filter(|job| job.state.is_final()).map(|job| job.id);
            let at_ms = core.now_ms + core.config.retire_ms;
            ended.for_each(|job| core.timers.set(Timer::Retire(job), at_ms));
        }
        core.rules = RULES;
        core.rebuild();
        Ok(core)
    }

    fn rebuild(&mut self) {
        for (index, user) in self.users.iter().enumerate() {
            let id = UserId(u32::try_from(index).expect("numbers of users are given as u32"));
            self.user_ids.insert(user.name.clone(), id);
            self.queues
                .stand(id, user.served, user.running >= self.config.user_running_max);
        }
        for job in self.jobs.values() {
            if let Some(place) = job.place {
                self.queues.insert(place);
            }
            let awaited = |after: &JobId| self.jobs.get(after).is_some_and(|parent| !parent.state.is_final());
            if let (true, Some(after)) = (job.blocked && !job.state.is_final(), job.after.filter(awaited)) {
                self.dependents.entry(after).or_default().insert(job.id);
            }
        }
        for host in self.hosts.values() {
            for device in &host.devices {
                if let Some(free) = device.free {
                    self.free.insert(&device.classes, free);
                }
                for attempt in &device.line {
                    if let Some(level) = self.attempts.get(attempt).and_then(|attempt| attempt.yields) {
                        self.yielding.insert(&device.classes, (level, std::cmp::Reverse(*attempt)));
                    }
                }
            }
        }
    }

    /// Whether two states are the same, indexes included.
    pub fn same_as(&self, other: &Self) -> bool {
        let saved = |core: &Self| core.save().ok();
        saved(self) == saved(other)
            && self.queues.forget_idle_users() == other.queues.forget_idle_users()
            && self.free == other.free
            && self.yielding == other.yielding
            && self.dependents == other.dependents
            && self.user_ids == other.user_ids
    }

    /// Sets a job's state and keeps the change with its reason.
    fn change(&mut self, job: JobId, state: JobState, reason: impl Into<String>) {
        let now_ms = self.now_ms;
        let Some(job) = self.jobs.get_mut(&job) else { return };
        let reason = reason.into();
        if (job.state, &job.reason) == (state, &reason) {
            return;
        }
        if job.state != state {
            job.since_ms = now_ms;
        }
        job.state = state;
        job.reason.clone_from(&reason);
        self.commands.push(Command::Changed(
            job.id,
            Change {
                at_ms: now_ms,
                state,
                reason,
            },
        ));
    }

    /// A host's orders change.
    fn touch(&mut self, host: HostId) {
        if let Some(host) = self.hosts.get_mut(&host) {
            host.sequence += 1;
            self.commands.push(Command::Orders(host.id));
        }
    }

    fn user(&self, id: UserId) -> &User {
        &self.users[id.0 as usize]
    }

    /// Changes what a user received and has running, and what follows for the queues.
    fn account(&mut self, id: UserId, with: impl FnOnce(&mut User)) {
        let limit = self.config.user_running_max;
        let user = &mut self.users[id.0 as usize];
        let was_parked = user.running >= limit;
        with(user);
        let parked = user.running >= limit;
        self.queues.stand(id, user.served, parked);
        if was_parked && !parked {
            self.dirty_users.insert(id);
        }
    }
}

/// Maps whose keys are not text, as JSON: lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
