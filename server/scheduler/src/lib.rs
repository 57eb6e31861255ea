//! The scheduler as a pure function: (state, event, now) → (state, commands). No clock, no I/O, nothing random.
//!
//! | module | owns |
//! |---|---|
//! | [`config`] | what an operator can set |
//! | [`event`] | what comes in, what goes out, what is refused |
//! | `tables` | jobs, attempts, hosts, timers: rows, each table with the indexes over them |
//! | `rules` | what follows from an event, as functions over the tables |
//! | [`reliability`] | each host's chance to be there still |
//! | [`views`] | what hosts and people are shown |
//! | `snapshot` | the state as it is stored |
//! | `check`, `testing` | the invariants, all of them; states of any size (feature `testing`) |
//!
//! Invariants: a job has at most one attempt, and an attempt the job's newest epoch; a job with a checkpoint is only ever granted to a
//! device of the checkpoint's class; no device is free while a job waits that it could take, unless the job's owner is at the limit of running jobs; a refused event changes nothing. One event
//! costs a logarithm of the number of hosts and jobs, times what the event itself touches.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{AttemptId, HostId, JobId, JobState, Outcome};

#[cfg(any(test, feature = "testing"))]
mod check;
pub mod config;
pub mod event;
pub mod reliability;
mod rules;
mod snapshot;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod views;

pub use config::Config;
pub use event::{Command, Event, Origin, Refusal, Reply};
pub use rules::{Finished, Note, Notice};
pub use views::Wanted;

use tables::{Attempt, Attempts, Costs, DeviceId, Drivers, Hosts, Jobs, Timers, UserId};

/// Version of the rules: a log of events is replayed under the rules that wrote it. A state that older rules left is gone on from.
pub const RULES: u32 = 4;
/// Oldest rules whose log can be replayed.
pub const RULES_OLDEST: u32 = 2;

/// What is still to be settled inside one event: empty between events.
#[derive(Clone, Debug, Default)]
struct Pending {
    /// Hosts whose devices may be free, or not any more.
    hosts: BTreeSet<HostId>,
    /// Jobs that wait and may find a device now.
    jobs: BTreeSet<JobId>,
    /// Users who may have more jobs on hosts than before.
    users: BTreeSet<UserId>,
}

/// The state of the scheduler.
#[derive(Clone, Debug)]
pub struct Core {
    config: Config,
    /// The rules in force: [`RULES`], except while an older log is replayed.
    rules: u32,
    now_ms: u64,
    jobs: Jobs,
    attempts: Attempts,
    hosts: Hosts,
    timers: Timers,
    drivers: Drivers,
    costs: Costs,
    /// Jobs that ended, of which is to be told.
    notices: BTreeMap<JobId, Notice>,
    pending: Pending,
    /// Heartbeats that changed nothing, since it was last logged that their hosts were heard: no part of what the log is folded to.
    notes: BTreeMap<HostId, Note>,
    commands: Vec<Command>,
}

impl Core {
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

    /// Takes in an event of a log once more, under the version of the rules that wrote it.
    ///
    /// # Errors
    /// As [`apply`](Self::apply): the log is damaged then, since it holds accepted events alone.
    pub fn replay(&mut self, event: &Event, at_ms: u64, rules: u32) -> Result<Reply, Refusal> {
        let in_force = std::mem::replace(&mut self.rules, rules);
        let reply = self.apply(event, at_ms);
        self.rules = in_force;
        reply
    }

    fn dispatch(&mut self, event: &Event) -> Result<Reply, Refusal> {
        if let Some(host) = event.sender() {
            self.admit(host)?;
        }
        match event {
            Event::Tick => self.tick(),
            Event::Restarted => self.restarted(),
            Event::Restored => self.restored(),
            Event::Configure(config) => self.configure(config),
            Event::Register {
                host,
                body,
                address,
                origin,
            } => return self.register(*host, body, *address, origin).map(Reply::Host),
            Event::Heartbeat { host, beat, address } => self.heartbeat(*host, beat, *address)?,
            Event::Heard(notes) => self.heard(notes),
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
                done,
            } => {
                let brought = (*class, *bytes, *outputs_bytes, *done);
                return self.commit(*host, *attempt, commit, brought).map(Reply::Committed);
            }
            Event::End { host, attempt, end } => self.end(*host, *attempt, end)?,
            Event::Submit { user, job, bytes } => return self.submit(user, job, *bytes).map(Reply::Job),
            Event::Recall(finished) => self.recall(finished)?,
            Event::Expire { job, user, bytes } => self.expire(*job, user, *bytes)?,
            Event::Noticed { job } => self.noticed(*job)?,
            Event::Hold { job, by } => self.hold(*job, by)?,
            Event::Release { job, by } => self.release(*job, by)?,
            Event::Retry { job, by } => self.retry(*job, by)?,
            Event::Cancel { job, by } => self.cancel(*job, by)?,
            Event::Ban { host, reason, by } => self.ban(*host, reason, by)?,
            Event::Unban { host, by } => self.unban(*host, by)?,
            Event::Revoked { host } => self.revoked(*host)?,
            Event::Drain { host, reason, by } => self.drain_by(*host, reason, by)?,
            Event::Forgive { host, by } => self.forgive(*host, by)?,
            Event::ForgiveClass { class, .. } => self.forgive_class(*class)?,
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

    /// Sets a job's state and keeps the change with its reason.
    fn change(&mut self, job: JobId, state: JobState, reason: impl Into<String>) {
        let change = self.jobs.set_state(job, state, reason.into(), self.now_ms);
        // Nothing outside knows of checks.
        if self.jobs.get(job).is_some_and(|job| !job.is_check()) {
            self.commands.extend(change.map(|change| Command::Changed(job, change)));
        }
    }

    /// A host's orders change.
    fn touch(&mut self, host: HostId) {
        if let Some(host) = self.hosts.get_mut(host) {
            host.sequence += 1;
            self.commands.push(Command::Orders(host.id));
        }
    }

    /// Links a job, a device and a new attempt: the job is in no queue, the attempt stands at the end of the device's line.
    fn attach(&mut self, job: JobId, device: DeviceId, class: protocol::HardwareClass) -> AttemptId {
        let id = self.attempts.number();
        self.hosts.push(device, id);
        let (epoch, segment) = self.jobs.attach(job, id, device.host, class, self.now_ms);
        let mut offer = Attempt::offer(id, job, device, class, epoch, self.now_ms);
        offer.segment = segment;
        self.attempts.insert(offer);
        id
    }

    /// Unlinks an attempt that is over from its job and device, and takes it out.
    fn detach(&mut self, id: AttemptId, outcome: Outcome) -> Option<Attempt> {
        let device = self.attempts.get(id)?.device;
        let attempt = self.attempts.remove(id, self.hosts.classes(device))?;
        self.hosts.pull(device, id);
        self.pending.users.extend(self.jobs.detach(attempt.job, outcome, self.now_ms));
        Some(attempt)
    }
}
