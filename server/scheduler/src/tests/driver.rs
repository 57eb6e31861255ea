//! A world for the core to live in: hosts that do what they are told, and time.

use protocol::http::{
    Action, Commit, EndAttempt, Heartbeat, JobProgress, JobView, Lease, LeaveNotice, RegisterHost, SubmitJob,
};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, JobState, Outcome, Tier};

use crate::testing::{START_MS, class, registration, submission};
use crate::{Command, Config, Core, Event, Origin, Refusal, Reply};

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now_ms: u64,
    pub(super) commands: Vec<Command>,
    /// Whether all invariants are checked after every event.
    pub(super) checked: bool,
}

pub(super) fn job(name: &str) -> SubmitJob {
    SubmitJob {
        segment_ms: Some(MINUTE),
        ..submission(name, Tier::ClassBound, 100)
    }
}

/// The entry that a run of `package` reaches after `parent`: the same on every host.
pub(super) fn next_entry(package: Digest, parent: Option<&ChainEntry>) -> ChainEntry {
    let segment = parent.map_or(0, |parent| parent.segment + 1);
    let content = Digest::of(&segment.to_le_bytes());
    ChainEntry::next(package, parent, segment * 10, content, content)
}

/// The last boundary under a lease that came home; of its job, if the lease is over.
pub(super) fn reached(core: &Core, lease: &Lease) -> Option<ChainEntry> {
    match core.attempts.get(lease.attempt) {
        Some(attempt) => core.jobs.get(attempt.job)?.safe.as_ref().map(|safe| safe.entry.clone()),
        None => core.last_entry(lease.job).cloned(),
    }
}

/// Whether what a lease is for is a check.
pub(super) fn is_check(core: &Core, lease: &Lease) -> bool {
    let attempt = core.attempts.get(lease.attempt);
    attempt
        .and_then(|attempt| core.jobs.get(attempt.job))
        .is_some_and(crate::tables::Job::is_check)
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        Self {
            core: Core::new(config),
            now_ms: START_MS,
            commands: Vec::new(),
            checked: true,
        }
    }

    pub(super) fn try_apply(&mut self, event: Event) -> Result<Reply, Refusal> {
        let reply = self.core.apply(&event, self.now_ms);
        self.commands.extend(self.core.take_commands());
        if self.checked {
            self.core.check().unwrap_or_else(|wrong| panic!("after {event:?}: {wrong}"));
        }
        reply
    }

    pub(super) fn apply(&mut self, event: Event) -> Reply {
        self.try_apply(event.clone())
            .unwrap_or_else(|refusal| panic!("{event:?} was refused: {refusal}"))
    }

    pub(super) fn host(&mut self, name: &str, kind: u64) -> HostId {
        self.host_with(registration(name, kind))
    }

    pub(super) fn host_with(&mut self, body: RegisterHost) -> HostId {
        let register = Event::Register {
            host: None,
            body,
            address: 1,
            origin: Origin::default(),
        };
        match self.apply(register) {
            Reply::Host(host) => host,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn submit(&mut self, user: &str, job: SubmitJob) -> JobId {
        let submit = Event::Submit {
            user: user.to_owned(),
            job: Box::new(job),
            bytes: 1000,
        };
        match self.apply(submit) {
            Reply::Job(job) => job,
            other => panic!("{other:?}"),
        }
    }

    /// Lets time pass, firing each timer at its time; hosts in `alive` send their heartbeats.
    pub(super) fn pass(&mut self, ms: u64, alive: &[HostId]) {
        let end = self.now_ms + ms;
        let mut beat = self.now_ms;
        while self.now_ms < end {
            if beat <= self.now_ms {
                for host in alive {
                    self.beat(*host, 0);
                }
                beat += 4 * MINUTE;
            }
            let due = self.core.next_due_ms().unwrap_or(end).max(self.now_ms);
            self.now_ms = due.min(beat).min(end);
            self.apply(Event::Tick);
        }
    }

    pub(super) fn leases(&self, host: HostId) -> Vec<Lease> {
        self.core.orders(host).expect("the host exists").leases
    }

    pub(super) fn take(&mut self, host: HostId) -> Vec<Lease> {
        self.apply(Event::Take { host });
        self.leases(host)
    }

    /// A heartbeat that reports every lease `further` segments beyond its last boundary.
    pub(super) fn beat(&mut self, host: HostId, further: u64) {
        let jobs = self.leases(host).iter().map(|lease| self.report(lease, further)).collect();
        self.beat_with(host, jobs);
    }

    pub(super) fn report(&self, lease: &Lease, further: u64) -> JobProgress {
        JobProgress {
            attempt: lease.attempt,
            epoch: lease.epoch,
            segment: reached(&self.core, lease).map_or(0, |entry| entry.segment) + further,
            segment_ms: MINUTE,
        }
    }

    pub(super) fn beats(&self, jobs: Vec<JobProgress>) -> Heartbeat {
        Heartbeat {
            clock_ms: self.now_ms,
            rtt_ms: Some(125),
            jobs,
            accepting: true,
            why: None,
            errors: 0,
            instance: None,
        }
    }

    pub(super) fn beat_with(&mut self, host: HostId, jobs: Vec<JobProgress>) {
        let beat = self.beats(jobs);
        self.apply(Event::Heartbeat { host, beat, address: 1 });
    }

    pub(super) fn commit_event(&self, host: HostId, lease: &Lease, segments: u64) -> Event {
        let mut entries: Vec<ChainEntry> = Vec::new();
        let mut parent = reached(&self.core, lease);
        // C0 comes with the first.
        let count = segments + u64::from(parent.is_none());
        for _ in 0..count {
            let entry = next_entry(lease.package, parent.as_ref());
            entries.push(entry.clone());
            parent = Some(entry);
        }
        Event::Commit {
            host,
            attempt: lease.attempt,
            commit: Commit {
                epoch: lease.epoch,
                entries,
                checkpoint: Digest::of(b"blob"),
                outputs: None,
                computed_ms: segments * MINUTE,
                signature: None,
            },
            class: lease.class,
            bytes: 1_000_000,
            outputs_bytes: 0,
            done: false,
        }
    }

    pub(super) fn commit(&mut self, host: HostId, lease: &Lease, segments: u64) {
        let event = self.commit_event(host, lease, segments);
        self.apply(event);
    }

    pub(super) fn end(&mut self, host: HostId, lease: &Lease, outcome: Outcome) {
        self.end_with(host, lease, outcome, protocol::ErrorCause::Host);
    }

    pub(super) fn end_with(&mut self, host: HostId, lease: &Lease, outcome: Outcome, cause: protocol::ErrorCause) {
        self.apply(Event::End {
            host,
            attempt: lease.attempt,
            end: EndAttempt {
                epoch: lease.epoch,
                outcome,
                cause,
                message: "in a test".to_owned(),
            },
        });
    }

    pub(super) fn leave(&mut self, host: HostId, in_s: u64) {
        self.apply(Event::Leave {
            host,
            notice: LeaveNotice {
                in_s,
                back_in_s: None,
                reason: "shutdown".to_owned(),
            },
        });
    }

    pub(super) fn view(&self, job: JobId) -> JobView {
        self.core.job(job).expect("the job exists")
    }

    pub(super) fn state(&self, job: JobId) -> JobState {
        self.view(job).state
    }

    /// Has a job running on a host, with its first segments safe.
    pub(super) fn running(&mut self, host: HostId, job: JobId, segments: u64) -> Lease {
        let lease = self
            .take(host)
            .into_iter()
            .find(|lease| lease.job == job)
            .expect("the host got the job");
        self.commit(host, &lease, segments);
        assert_eq!(self.state(job), JobState::Running);
        lease
    }

    pub(super) fn action(&self, host: HostId, attempt: AttemptId) -> Option<Action> {
        let leases = self.leases(host);
        leases.iter().find(|lease| lease.attempt == attempt).map(|lease| lease.action)
    }
}

pub(super) fn bound(kind: u64) -> HardwareClass {
    class(Tier::ClassBound, kind)
}
