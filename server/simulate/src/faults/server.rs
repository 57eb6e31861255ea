//! The server of a world: the real core behind its requests, with the blobs and chains that it keeps. It may restart at any time: what it
//! acknowledged is durable, as the real one's log makes it.

use std::collections::{BTreeMap, BTreeSet};

use planner::ErrandId;
use protocol::http::{Orders, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HostId, HostState, JobId, JobState};
use scheduler::testing::START_MS;
use scheduler::{Command, Config, Core, Event, Refusal, Reply};

use super::Mutant;
use super::machine::Folder;

/// Ten years: finished jobs stay in memory.
const NEVER_MS: u64 = 10 * 365 * 24 * 3_600_000;
/// One look at the core's invariants for so many events, and one at whether it comes out the same when it is saved and restored.
const CHECK_EVERY: u64 = 32;
const SAVE_EVERY: u64 = 1024;

/// The newest lease of a job that was told to a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) host: HostId,
    pub(super) attempt: AttemptId,
    pub(super) epoch: u64,
}

pub(super) struct Server {
    pub(super) core: Core,
    pub(super) up: bool,
    /// What its clock shows beyond virtual time, milliseconds.
    pub(super) clock_ms: i64,
    /// When it last jumped.
    pub(super) jumped_ms: u64,
    /// When each host was last heard.
    pub(super) heard: BTreeMap<HostId, u64>,
    pub(super) applied: u64,
    /// Each job's boundaries as they became safe.
    pub(super) chains: BTreeMap<JobId, Vec<ChainEntry>>,
    pub(super) packages: BTreeMap<JobId, (Digest, u64)>,
    pub(super) blobs: BTreeSet<Digest>,
    pub(super) told: BTreeMap<JobId, Told>,
    pub(super) jobs_of: BTreeMap<AttemptId, JobId>,
    /// How far each check has come.
    pub(super) checks: BTreeMap<AttemptId, Option<u64>>,
    /// Attempts at jobs that were taken back since: what they brought home may be void.
    pub(super) taken_back: BTreeSet<AttemptId>,
    /// Whether a host makes boundaries up.
    pub(super) hostile: bool,
    pub(super) times_taken_back: u64,
    /// Jobs that are wrong, and say that nobody confirmed what is.
    pub(super) unconfirmed: u64,
    /// Registrations by the key of their request: one that comes twice is one.
    pub(super) enrolled: BTreeMap<(usize, u64, ErrandId), HostId>,
    /// Hosts whose orders changed.
    pub(super) changed: BTreeSet<HostId>,
    pub(super) broken: Option<String>,
    pub(super) mutant: Option<Mutant>,
}

/// The boundary after another one, the same on every host: a function of the state at that one.
pub(super) fn boundary(package: Digest, parent: Option<&ChainEntry>) -> ChainEntry {
    let state = parent.map_or(package, |parent| parent.content);
    follower(package, parent, Digest::of(&[b"computed", state.0.as_slice()].concat()))
}

/// A boundary of this content, whether it is right or not.
pub(super) fn follower(package: Digest, parent: Option<&ChainEntry>, content: Digest) -> ChainEntry {
    let segment = parent.map_or(0, |parent| parent.segment + 1);
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
            checks: BTreeMap::new(),
            taken_back: BTreeSet::new(),
            hostile: false,
            times_taken_back: 0,
            unconfirmed: 0,
            enrolled: BTreeMap::new(),
            changed: BTreeSet::new(),
            broken: None,
            mutant,
        }
    }

    pub(super) fn breaks(&mut self, what: String) {
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
        if self.applied.is_multiple_of(SAVE_EVERY) {
            self.check();
        } else if self.applied.is_multiple_of(CHECK_EVERY)
            && let Err(wrong) = self.core.check_tables()
        {
            self.breaks(format!("the core: {wrong}"));
        }
        reply
    }

    /// No host that was heard a moment ago is taken to be silent, unless the server's clock jumped since.
    fn check_silence(&mut self, now_ms: u64) {
        let recent_ms = self.core.config().unreachable_ms / 2;
        let silent = self.heard.iter().find(|(host, heard)| {
            let recent = **heard > self.jumped_ms && now_ms - **heard < recent_ms;
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
                Command::ChainReset(_) | Command::ChainCut(..) if self.mutant == Some(Mutant::WrongKept) => {}
                Command::ChainReset(job) => {
                    self.chains.remove(&job);
                    self.take_back(job);
                }
                Command::ChainCut(job, last) => {
                    self.chains.entry(job).or_default().retain(|entry| entry.segment <= last);
                    self.take_back(job);
                }
                Command::Superseded(blob) => drop(self.blobs.remove(&blob)),
                Command::Changed(..) | Command::Retired(_) | Command::Expired(_) => {}
            }
        }
    }

    fn take_back(&mut self, job: JobId) {
        let attempts = self.jobs_of.iter().filter(|(_, of)| **of == job);
        self.taken_back.extend(attempts.map(|(attempt, _)| *attempt));
        self.times_taken_back += 1;
    }

    /// Boundaries of a job are safe.
    pub(super) fn extend(&mut self, job: JobId, entries: Vec<ChainEntry>) {
        let Some((package, _)) = self.packages.get(&job).copied() else {
            return self.breaks(format!("a chain of job {job}, which was never submitted"));
        };
        for entry in entries {
            let chain = self.chains.entry(job).or_default();
            let expected = match self.hostile {
                true => follower(package, chain.last(), entry.content),
                false => boundary(package, chain.last()),
            };
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

    /// The last boundary of a folder's attempt that is safe; the last one on record there where that can be said no more.
    pub(super) fn safe_in(&self, folder: &Folder) -> Option<u64> {
        match self.checks.get(&folder.attempt) {
            _ if self.taken_back.contains(&folder.attempt) => Some(folder.reached()),
            // It begins with a boundary that is safe.
            Some(reached) => reached.or(Some(folder.first())),
            None => self.safe(folder.job),
        }
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
            if self.core.is_check(attempt) {
                self.checks.entry(attempt).or_insert(None);
                continue;
            }
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
                        "job {job} has not come to its end: {:?} ({}), at {:?}",
                        view.state,
                        view.reason,
                        self.safe(job)
                    ));
                }
                Err(refusal) => return self.breaks(format!("job {job} is lost: {refusal}")),
            }
            let mut expected: Vec<ChainEntry> = Vec::new();
            for _ in 0..=segments {
                expected.push(boundary(package, expected.last()));
            }
            let chain = self.chains.get(&job).cloned().unwrap_or_default();
            if chain == expected {
                continue;
            }
            // No job waits for a second host where none is left; it says then which segments nobody confirmed. What rests on them is nobody's word.
            let wrong = (0..=segments).find(|segment| {
                let at = usize::try_from(*segment).unwrap_or(usize::MAX);
                chain.get(at) != expected.get(at)
            });
            let spans = self.core.job(job).map(|view| view.verification.spans).unwrap_or_default();
            let span = spans
                .iter()
                .find(|span| wrong.is_some_and(|wrong| (span.first..=span.last).contains(&wrong)));
            if !self.hostile || span.is_none_or(|span| span.confirmed_by.is_some()) {
                return self.breaks(format!("job {job} is completed with another chain: {wrong:?} of {spans:?}"));
            }
            self.unconfirmed += 1;
        }
    }

    /// Jobs that are held since nothing decided between results go on, as the operator is told to let them.
    pub(super) fn release(&mut self, now_ms: u64) {
        let is_held = |job: &JobId| self.hostile && self.core.job(*job).is_ok_and(|view| view.state == JobState::Held);
        let held: Vec<JobId> = self.packages.keys().copied().filter(is_held).collect();
        for job in held {
            let by = "operator".to_owned();
            drop(self.apply(now_ms, &Event::Release { job, by }));
        }
    }

    pub(super) fn all_ended(&self) -> bool {
        let is_over = |job: &JobId| self.core.job(*job).is_ok_and(|view| view.state.is_final());
        self.packages.keys().all(is_over)
    }
}
