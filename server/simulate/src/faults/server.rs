//! The server of a world: the real core behind its requests, with the blobs and chains that it keeps. It may restart at any time: what it
//! acknowledged is durable, as the real one's log makes it.

use std::collections::{BTreeMap, BTreeSet};

use planner::{Answer, Cause, Errand, ErrandId, Failure, Presence, Trouble};
use protocol::http::{Commit, Heartbeat, LeaveNotice, Orders, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HostId, HostState, JobId, JobState};
use scheduler::testing::START_MS;
use scheduler::{Command, Config, Core, Event, Origin, Refusal, Reply};

use super::Mutant;

/// Ten years: finished jobs stay in memory.
const NEVER_MS: u64 = 10 * 365 * 24 * 3_600_000;
/// Half of the silence that makes a host unreachable.
const SILENCE_MS: u64 = 3 * 60_000;
/// One look at all the core's invariants for so many events.
const CHECK_EVERY: u64 = 32;

/// The newest lease of a job that was told to a host.
#[derive(Clone, Copy, Debug)]
struct Told {
    host: HostId,
    attempt: AttemptId,
    epoch: u64,
}

pub(super) struct Server {
    pub(super) core: Core,
    pub(super) up: bool,
    /// What its clock shows beyond virtual time, milliseconds.
    pub(super) clock_ms: i64,
    /// When it last jumped.
    pub(super) jumped_ms: u64,
    /// When each host was last heard.
    heard: BTreeMap<HostId, u64>,
    pub(super) applied: u64,
    /// Each job's boundaries as they became safe.
    pub(super) chains: BTreeMap<JobId, Vec<ChainEntry>>,
    pub(super) packages: BTreeMap<JobId, (Digest, u64)>,
    blobs: BTreeSet<Digest>,
    told: BTreeMap<JobId, Told>,
    jobs_of: BTreeMap<AttemptId, JobId>,
    /// Registrations by the key of their request: one that comes twice is one.
    enrolled: BTreeMap<(usize, u64, ErrandId), HostId>,
    /// Hosts whose orders changed.
    pub(super) changed: BTreeSet<HostId>,
    pub(super) broken: Option<String>,
    mutant: Option<Mutant>,
}

/// The boundary of a job, the same on every host.
pub(super) fn boundary(package: Digest, parent: Option<&ChainEntry>) -> ChainEntry {
    let segment = parent.map_or(0, |parent| parent.segment + 1);
    let content = Digest::of(&[package.0.as_slice(), &segment.to_le_bytes()].concat());
    ChainEntry::next(package, parent, segment * 10, content, content)
}

/// Digest of the checkpoint's file at a boundary.
pub(super) fn blob(entry: &ChainEntry) -> Digest {
    Digest::of(&entry.digest.0)
}

impl Server {
    pub(super) fn new(mutant: Option<Mutant>) -> Self {
        let config = Config {
            failures_max: usize::MAX,
            retire_ms: NEVER_MS,
            commit_ms: 4 * 60_000,
            ..Config::default()
        };
        Self {
            core: Core::new(config),
            up: true,
            clock_ms: 0,
            jumped_ms: 0,
            heard: BTreeMap::new(),
            applied: 0,
            chains: BTreeMap::new(),
            packages: BTreeMap::new(),
            blobs: BTreeSet::new(),
            told: BTreeMap::new(),
            jobs_of: BTreeMap::new(),
            enrolled: BTreeMap::new(),
            changed: BTreeSet::new(),
            broken: None,
            mutant,
        }
    }

    fn breaks(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    fn clock(&self, now_ms: u64) -> u64 {
        (START_MS + now_ms).saturating_add_signed(self.clock_ms)
    }

    /// When its timers are due next, in virtual time.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let due = self.core.next_due_ms()?;
        Some(due.saturating_add_signed(-self.clock_ms).saturating_sub(START_MS))
    }

    pub(super) fn apply(&mut self, now_ms: u64, event: &Event) -> Result<Reply, Refusal> {
        let clock_ms = self.clock(now_ms);
        if self.core.next_due_ms().is_some_and(|due| due <= clock_ms) {
            drop(self.core.apply(&Event::Tick, clock_ms));
            self.check_silence(now_ms);
        }
        let reply = match event {
            Event::Tick => Ok(Reply::Done),
            event => self.core.apply(event, clock_ms),
        };
        self.applied += 1;
        self.follow();
        if self.applied.is_multiple_of(CHECK_EVERY) {
            self.check();
        }
        reply
    }

    /// No host that was heard a moment ago is taken to be silent, unless the server's clock jumped since.
    fn check_silence(&mut self, now_ms: u64) {
        let silent = self.heard.iter().find(|(host, heard)| {
            let recent = **heard > self.jumped_ms && now_ms - **heard < SILENCE_MS;
            recent
                && self
                    .core
                    .host(**host)
                    .is_ok_and(|view| matches!(view.state, HostState::Unreachable | HostState::Lost))
        });
        if let Some((host, heard)) = silent {
            let seconds = (now_ms - heard) / 1000;
            self.breaks(format!("host {host} is given up {seconds} s after it was heard"));
        }
    }

    pub(super) fn check(&mut self) {
        if let Err(wrong) = self.core.check() {
            self.breaks(format!("the core: {wrong}"));
        }
    }

    fn follow(&mut self) {
        for command in self.core.take_commands() {
            match command {
                Command::Orders(host) => drop(self.changed.insert(host)),
                Command::Chain(job, entries, _) => self.extend(job, entries),
                Command::ChainReset(job) => drop(self.chains.remove(&job)),
                Command::ChainCut(job, last) => {
                    self.chains.entry(job).or_default().retain(|entry| entry.segment <= last);
                }
                Command::Superseded(blob) => drop(self.blobs.remove(&blob)),
                Command::Changed(..) | Command::Retired(_) => {}
            }
        }
    }

    /// Boundaries of a job are safe.
    fn extend(&mut self, job: JobId, entries: Vec<ChainEntry>) {
        let Some((package, _)) = self.packages.get(&job).copied() else {
            return self.breaks(format!("a chain of job {job}, which was never submitted"));
        };
        for entry in entries {
            let chain = self.chains.entry(job).or_default();
            let expected = boundary(package, chain.last());
            if entry != expected {
                let last = chain.last().map(|last| last.segment);
                return self.breaks(format!(
                    "job {job}: boundary {} was taken after {last:?}, or has other bits",
                    entry.segment
                ));
            }
            chain.push(entry);
        }
    }

    pub(super) fn safe(&self, job: JobId) -> Option<u64> {
        self.chains
            .get(&job)
            .and_then(|chain| chain.last())
            .map(|entry| entry.segment)
    }

    pub(super) fn submit(&mut self, now_ms: u64, job: SubmitJob) {
        let (package, segments) = (job.package, job.segments);
        // A number is given before the first command about the job comes.
        let expected = JobId(self.packages.len() as u64 + 1);
        self.packages.insert(expected, (package, segments));
        let event = Event::Submit {
            user: "ann".to_owned(),
            job: Box::new(job),
            bytes: 1000,
        };
        if self.apply(now_ms, &event) != Ok(Reply::Job(expected)) {
            self.breaks("a submission was refused".to_owned());
        }
    }

    /// The orders of a host, as the server says them now.
    pub(super) fn orders(&mut self, host: HostId) -> Option<Orders> {
        let orders = self.core.orders(host).ok()?;
        for lease in &orders.leases {
            let (attempt, epoch) = (lease.attempt, lease.epoch);
            self.jobs_of.insert(attempt, lease.job);
            let told = self.told.entry(lease.job).or_insert(Told { host, attempt, epoch });
            if told.epoch > epoch || told.epoch == epoch && told.attempt != attempt {
                let wrong = format!(
                    "job {}: epoch {epoch} of attempt {attempt} after epoch {} of {}",
                    lease.job, told.epoch, told.attempt
                );
                self.broken.get_or_insert(wrong);
            }
            *told = Told { host, attempt, epoch };
        }
        Some(orders)
    }

    fn ordered(&mut self, host: HostId) -> Answer {
        match self.orders(host) {
            Some(orders) => Answer::Orders(orders),
            None => Answer::Trouble(Trouble::UnknownHost("no such host".to_owned())),
        }
    }

    /// Carries a request out, and says what the host is answered.
    pub(super) fn serve(
        &mut self,
        now_ms: u64,
        key: (usize, u64, ErrandId),
        host: Option<HostId>,
        wall_ms: u64,
        errand: &Errand,
    ) -> Answer {
        let answer = self.carry_out(now_ms, key, host, wall_ms, errand);
        // A commit that comes again is answered again, and says nothing new of its host.
        let unheard = matches!(
            errand,
            Errand::Fetch(_) | Errand::Enrol(_) | Errand::Commit { .. } | Errand::End { .. }
        );
        let unheard = unheard || matches!(answer, Answer::Trouble(_));
        if let Some(host) = host.filter(|_| !unheard) {
            self.heard.insert(host, now_ms);
        }
        answer
    }

    fn carry_out(
        &mut self,
        now_ms: u64,
        key: (usize, u64, ErrandId),
        host: Option<HostId>,
        wall_ms: u64,
        errand: &Errand,
    ) -> Answer {
        match errand {
            Errand::Enrol(body) => {
                if let Some(host) = self.enrolled.get(&key) {
                    return Answer::Enrolled(*host);
                }
                let event = Event::Register {
                    host: None,
                    body: (**body).clone(),
                    address: key.0 as u64,
                    origin: Origin::default(),
                };
                match self.apply(now_ms, &event) {
                    Ok(Reply::Host(host)) => {
                        self.enrolled.insert(key, host);
                        Answer::Enrolled(host)
                    }
                    other => Answer::NotEnrolled(format!("{other:?}")),
                }
            }
            Errand::Update(host, body) => {
                let event = Event::Register {
                    host: Some(*host),
                    body: (**body).clone(),
                    address: key.0 as u64,
                    origin: Origin::default(),
                };
                self.apply(now_ms, &event).map_or_else(refused, |_| Answer::Updated)
            }
            Errand::Announce(host, presence) => {
                let (reason, back_in_s) = match presence {
                    Presence::Here => ("", None),
                    Presence::Away { back_in_ms, .. } => ("paused", back_in_ms.map(|ms| ms.div_ceil(1000))),
                    Presence::Leaving(_) => ("leaves", None),
                };
                let event = if reason.is_empty() {
                    Event::Return { host: *host }
                } else {
                    let notice = LeaveNotice {
                        in_s: 0,
                        back_in_s,
                        reason: reason.to_owned(),
                    };
                    Event::Leave { host: *host, notice }
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::TakeOffers(host) => {
                let done = self.apply(now_ms, &Event::Take { host: *host });
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::Heartbeat(host, beat) => {
                if self.mutant == Some(Mutant::ClockBelieved) {
                    self.clock_ms = i64::try_from(wall_ms).unwrap_or(0) - i64::try_from(START_MS + now_ms).unwrap_or(0);
                }
                let beat = Heartbeat {
                    clock_ms: wall_ms,
                    rtt_ms: Some(125),
                    jobs: beat.jobs.clone(),
                    accepting: beat.declined.is_none(),
                    why: beat.declined.as_ref().map(|_| "declined".to_owned()),
                    errors: 0,
                    instance: None,
                };
                let event = Event::Heartbeat {
                    host: *host,
                    beat,
                    address: key.0 as u64,
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(*host))
            }
            Errand::Fetch(lease) => match &lease.checkpoint {
                Some(checkpoint) if !self.blobs.contains(&checkpoint.blob) => {
                    let current = self.core.orders(host.unwrap_or_default());
                    let is_live = current.is_ok_and(|orders| orders.leases.iter().any(|live| live.attempt == lease.attempt));
                    if is_live && self.safe(lease.job) == Some(checkpoint.entry.segment) {
                        self.breaks(format!(
                            "the checkpoint of job {} is gone, which attempt {} is to start from",
                            lease.job, lease.attempt
                        ));
                    }
                    Answer::Trouble(Trouble::LeaseOver("the checkpoint is gone".to_owned()))
                }
                // The host looks into its folder for the rest.
                _ => Answer::Updated,
            },
            Errand::Commit {
                attempt,
                epoch,
                boundaries,
            } => {
                let entries: Vec<ChainEntry> = boundaries.iter().map(|boundary| boundary.entry.clone()).collect();
                self.commit(now_ms, host.unwrap_or_default(), (*attempt, *epoch), entries)
            }
            Errand::End { attempt, end } => {
                let host = host.unwrap_or_default();
                let event = Event::End {
                    host,
                    attempt: *attempt,
                    end: end.clone(),
                };
                let done = self.apply(now_ms, &event);
                done.map_or_else(refused, |_| self.ordered(host))
            }
        }
    }

    fn commit(&mut self, now_ms: u64, host: HostId, (attempt, epoch): (AttemptId, u64), entries: Vec<ChainEntry>) -> Answer {
        let Some(last) = entries.last() else {
            self.breaks("a commit without boundaries".to_owned());
            return Answer::Trouble(Trouble::Failed(Failure::new(Cause::Host, "no boundaries")));
        };
        let checkpoint = blob(last);
        let job = self.jobs_of.get(&attempt).copied();
        let before = job.and_then(|job| self.safe(job));
        let current = job.and_then(|job| self.told.get(&job)).copied();
        let mut sent = (host, attempt, epoch);
        if let (Some(Mutant::EpochUnchecked), Some(current)) = (self.mutant, current) {
            sent = (current.host, current.attempt, current.epoch);
        }
        // The blob comes first, whatever becomes of the commit.
        self.blobs.insert(checkpoint);
        let class = self
            .core
            .orders(sent.0)
            .ok()
            .and_then(|orders| orders.leases.into_iter().find(|lease| lease.attempt == sent.1));
        let commit = Commit {
            epoch: sent.2,
            entries: entries.clone(),
            checkpoint,
            outputs: None,
            computed_ms: 60_000,
            signature: None,
        };
        let event = Event::Commit {
            host: sent.0,
            attempt: sent.1,
            commit,
            class: class.map_or(scheduler::testing::class(protocol::Tier::Portable, 0), |lease| lease.class),
            bytes: 1000,
            outputs_bytes: 10,
        };
        let reply = self.apply(now_ms, &event);
        let after = job.and_then(|job| self.safe(job));
        if before != after && current.is_none_or(|current| current.attempt != attempt) {
            let newest = current.map(|current| current.attempt);
            self.breaks(format!(
                "boundaries of attempt {attempt} were taken, though the job's newest lease is {newest:?}"
            ));
        }
        match reply {
            Ok(Reply::Committed(committed)) => {
                if let (Some(Mutant::TakenTwice), Some(job), true) = (self.mutant, job, before == after) {
                    self.extend(job, entries);
                }
                Answer::Committed(committed)
            }
            Ok(_) => Answer::Trouble(Trouble::Failed(Failure::new(Cause::Unknown, "no answer to a commit"))),
            Err(refusal) => refused(refusal),
        }
    }

    /// The process ends, and a new one goes on from what was durable.
    pub(super) fn restart(&mut self, now_ms: u64) {
        let restored = self.core.save().and_then(|bytes| Core::restore(&bytes));
        match restored {
            Ok(core) => self.core = core,
            Err(error) => return self.breaks(format!("the core cannot be restored: {error}")),
        }
        self.up = true;
        drop(self.apply(now_ms, &Event::Restarted));
    }

    /// Every job has come to its end, with the one right chain.
    pub(super) fn assert_ended(&mut self) {
        self.check();
        for (job, (package, segments)) in self.packages.clone() {
            match self.core.job(job) {
                Ok(view) if view.state == JobState::Completed => {}
                Ok(view) => {
                    return self.breaks(format!(
                        "job {job} has not come to its end: {:?}, at {:?}",
                        view.state,
                        self.safe(job)
                    ));
                }
                Err(refusal) => return self.breaks(format!("job {job} is lost: {refusal}")),
            }
            let mut expected: Vec<ChainEntry> = Vec::new();
            for _ in 0..=segments {
                expected.push(boundary(package, expected.last()));
            }
            if self.chains.get(&job) != Some(&expected) {
                return self.breaks(format!("job {job} is completed with another chain"));
            }
        }
    }

    pub(super) fn all_ended(&self) -> bool {
        let is_over = |job: &JobId| self.core.job(*job).is_ok_and(|view| view.state.is_final());
        self.packages.keys().all(is_over)
    }
}

fn refused(refusal: Refusal) -> Answer {
    let text = refusal.to_string();
    Answer::Trouble(match refusal {
        Refusal::NoHost(_) => Trouble::UnknownHost(text),
        Refusal::NoAttempt(_) | Refusal::Over(_) | Refusal::StaleEpoch { .. } => Trouble::LeaseOver(text),
        _ => Trouble::Failed(Failure::new(Cause::Unknown, text)),
    })
}
