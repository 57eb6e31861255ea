//! A small world around a planner: a server, a disk, compute threads, each of which does what the real one does, in an order that a test chooses.
//! It carries effects out and checks, as they come, that none of them loses a boundary or computes what is not to be computed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use planner::{
    Answer, Boundary, Cause, Contributed, Device, Effect, Ending, Errand, ErrandId, Facts, Failure, Fetched, Gate, Input,
    Planner, Policy, Request, RunId, Server, Setup, Stop, Time, Trouble,
};
use protocol::http::{Action, CheckpointRef, Committed, Lease, Orders, RegisterHost};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, JobState, Outcome, Tier};

pub(crate) const DEVICES: [&str; 2] = ["cpu", "vulkan:0"];
/// Jobs of the server, and the last boundary of each.
const JOBS: u64 = 4;
const UNTIL: u64 = 6;

fn digest(job: u64, segment: u64) -> Digest {
    Digest::of(format!("{job} {segment}").as_bytes())
}

fn class() -> HardwareClass {
    HardwareClass {
        tier: Tier::Portable,
        key: digest(0, 0),
    }
}

fn entry(job: JobId, segment: u64) -> ChainEntry {
    ChainEntry {
        segment,
        step: segment * 10,
        digest: digest(job.0, segment),
        parent: digest(job.0, segment.wrapping_sub(1)),
        content: digest(job.0, segment),
        outputs: digest(job.0, segment),
    }
}

/// A job of the server.
#[derive(Clone, Debug, Default)]
struct ServerJob {
    committed: Option<u64>,
    attempt: Option<AttemptId>,
    action: Option<Action>,
}

impl ServerJob {
    fn is_completed(&self) -> bool {
        self.committed >= Some(UNTIL)
    }
}

/// A job's folder.
#[derive(Clone, Debug)]
struct Folder {
    job: JobId,
    /// Boundaries on record.
    first: u64,
    reached: u64,
    checkpoints: BTreeSet<u64>,
    outputs: BTreeSet<u64>,
}

#[derive(Clone, Debug)]
struct Thread {
    slot: usize,
    attempt: AttemptId,
    gate: Gate,
    until: u64,
    ended: bool,
    notes: VecDeque<Input>,
}

pub(crate) struct World {
    pub(crate) planner: Planner,
    pub(crate) now: u64,
    pub(crate) ended: Option<Ending>,
    host: HostId,
    knows_host: bool,
    sequence: u64,
    jobs: BTreeMap<JobId, ServerJob>,
    next_attempt: u64,
    history: Vec<Orders>,
    /// The newest orders that the planner was given.
    told: Option<Orders>,
    /// Attempts whose lease the planner was told to be over.
    void: BTreeSet<AttemptId>,
    folders: BTreeMap<AttemptId, Folder>,
    threads: BTreeMap<RunId, Thread>,
    errands: BTreeMap<ErrandId, Errand>,
    given: Vec<Input>,
}

impl World {
    pub(crate) fn new(registered: bool) -> Self {
        let description = RegisterHost {
            name: "anna".into(),
            version: "1".into(),
            protocol: protocol::http::PROTOCOL,
            devices: Vec::new(),
            night: None,
        };
        let host = HostId(1);
        let setup = Setup {
            devices: DEVICES
                .iter()
                .map(|id| Device {
                    id: (*id).to_owned(),
                    classes: vec![class()],
                })
                .collect(),
            host: registered.then_some(host),
            can_enrol: true,
            orders: None,
            description,
            policy: Policy {
                run_on_batteries: false,
                run_if_user_active: true,
                idle_time_to_run_ms: 180_000,
                hours: None,
                disk_max_used_bytes: 1 << 30,
                exit_when_idle: false,
            },
            facts: Facts::default(),
            request: Request::Run,
            pause_patience_ms: 60_000,
            contributed: Contributed::default(),
            seed: 1,
        };
        let mut world = Self {
            planner: Planner::new(setup, Time(0)),
            now: 0,
            ended: None,
            host,
            knows_host: registered,
            sequence: 1,
            jobs: (1..=JOBS).map(|job| (JobId(job), ServerJob::default())).collect(),
            next_attempt: 1,
            history: Vec::new(),
            told: None,
            void: BTreeSet::new(),
            folders: BTreeMap::new(),
            threads: BTreeMap::new(),
            errands: BTreeMap::new(),
            given: Vec::new(),
        };
        world.give(Input::Tick);
        world
    }

    /// Give an input to the planner, and carry out what comes of it.
    pub(crate) fn give(&mut self, input: Input) {
        let host = self.planner.host_number();
        let ours = orders_in(&input).filter(|orders| orders.host == self.host && host == Some(self.host));
        let told = self.told.as_ref().map_or(0, |told| told.sequence);
        if let Some(orders) = ours.filter(|orders| orders.sequence >= told) {
            self.told = Some(orders.clone());
        }
        self.given.push(input.clone());
        if self.given.len() > 30 {
            self.given.remove(0);
        }
        let effects = self.planner.step(input, Time(self.now));
        if effects.contains(&Effect::ForgetHost) {
            self.told = None;
            self.void.extend(self.folders.keys());
        }
        for effect in effects {
            self.carry_out(effect);
        }
        let again = self.planner.step(Input::Tick, Time(self.now));
        assert_eq!(again, [], "a step leaves nothing due");
        self.check();
    }

    /// What has to be so after every step.
    fn check(&self) {
        if self.ended.is_some() {
            return;
        }
        for (run, thread) in &self.threads {
            let job = self.planner.jobs().find(|job| job.thread.is_some_and(|(of, _)| of == *run));
            match job {
                Some(job) => assert_eq!(
                    job.thread.map(|(_, gate)| gate),
                    Some(thread.gate),
                    "{run:?} was told otherwise"
                ),
                None => assert_eq!(thread.gate, Gate::StopNow, "{run:?} computes for a lease that is gone"),
            }
        }
        for slot in 0..DEVICES.len() {
            let computes = self
                .threads
                .values()
                .any(|thread| thread.slot == slot && thread.gate != Gate::Hold);
            assert!(
                computes || self.planner.idle(slot).is_some(),
                "slot {slot} is idle without a reason"
            );
        }
        let jobs = self.planner.jobs().count();
        assert!(jobs <= JOBS as usize * 2, "{jobs} jobs are held");
    }

    fn is_void(&self, attempt: AttemptId) -> bool {
        let listed = |orders: &Orders| orders.leases.iter().any(|lease| lease.attempt == attempt);
        self.void.contains(&attempt) || !self.told.as_ref().is_some_and(listed)
    }

    fn committed(&self, job: JobId) -> Option<u64> {
        self.jobs[&job].committed
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Begin(id, errand) => {
                assert!(self.errands.insert(id, errand).is_none(), "{id:?} was used before");
            }
            Effect::Cancel(id) => drop(self.errands.remove(&id)),
            Effect::Compute {
                run,
                slot,
                attempt,
                until_segment,
                ..
            } => {
                assert!(
                    self.threads.values().all(|thread| thread.slot != slot),
                    "two threads on a device"
                );
                assert!(!self.is_void(attempt), "computes for a lease that is gone");
                assert!(self.folders.contains_key(&attempt), "nothing was fetched");
                let thread = Thread {
                    slot,
                    attempt,
                    gate: Gate::Go,
                    until: until_segment,
                    ended: false,
                    notes: VecDeque::new(),
                };
                self.threads.insert(run, thread);
            }
            Effect::SetGate(run, gate) => {
                if let Some(thread) = self.threads.get_mut(&run) {
                    thread.gate = gate;
                }
            }
            Effect::DeleteFiles {
                attempt,
                checkpoints,
                outputs,
            } => {
                let job = self.folders[&attempt].job;
                let committed = self.committed(job);
                let folder = self.folders.get_mut(&attempt).expect("it is there");
                for segment in outputs {
                    assert!(
                        committed >= Some(segment),
                        "outputs of {segment} are deleted, {committed:?} is safe"
                    );
                    folder.outputs.remove(&segment);
                }
                for segment in checkpoints {
                    assert_ne!(segment, folder.reached, "the newest checkpoint is deleted");
                    folder.checkpoints.remove(&segment);
                }
            }
            Effect::DeleteJob(attempt) => self.delete_job(attempt),
            Effect::DeleteJobsExcept(keep) => {
                let gone: Vec<AttemptId> = self
                    .folders
                    .keys()
                    .filter(|attempt| !keep.contains(attempt))
                    .copied()
                    .collect();
                for attempt in gone {
                    self.delete_job(attempt);
                }
            }
            Effect::Exit(ending) => self.ended = Some(ending),
            Effect::ForgetHost
            | Effect::Listen
            | Effect::Unoccupied { .. }
            | Effect::SaveOrders(_)
            | Effect::SaveContributed(_)
            | Effect::KeepCheckpoint { .. }
            | Effect::SweepFetched(_)
            | Effect::Say(_) => {}
        }
    }

    fn delete_job(&mut self, attempt: AttemptId) {
        assert!(
            self.threads.values().all(|thread| thread.attempt != attempt),
            "a folder is deleted while a thread writes into it"
        );
        if let Some(folder) = self.folders.remove(&attempt) {
            let safe = self.committed(folder.job) >= Some(folder.reached);
            assert!(safe || self.is_void(attempt), "boundaries of {attempt} are deleted");
        }
    }

    /// What the server says now.
    pub(crate) fn orders(&mut self) -> Orders {
        let mut leases = Vec::new();
        for (&job, found) in &self.jobs {
            let Some(attempt) = found.attempt else { continue };
            let safe = found.committed.map(|segment| CheckpointRef {
                blob: digest(job.0, segment),
                entry: entry(job, segment),
            });
            leases.push(Lease {
                job,
                attempt,
                epoch: attempt.0,
                batch: attempt,
                device: DEVICES[job.0 as usize % DEVICES.len()].to_owned(),
                action: found.action.unwrap_or(Action::Run),
                reason: "because".into(),
                name: format!("job {job}"),
                package: digest(job.0, 0),
                archive: digest(job.0, 0),
                checkpoint: safe,
                class: class(),
                until_segment: UNTIL,
                commit_every_s: 30,
            });
        }
        let waiting = self.jobs.values().filter(|job| job.attempt.is_none() && !job.is_completed());
        let orders = Orders {
            host: self.host,
            sequence: self.sequence,
            offers: waiting.count() as u64,
            leases,
            idle: Vec::new(),
            heartbeat_s: 60,
        };
        if self.history.last() != Some(&orders) {
            self.history.push(orders.clone());
        }
        orders
    }

    fn changed(&mut self) {
        self.sequence += 1;
    }

    /// The server takes a lease away from this host.
    pub(crate) fn revoke(&mut self, pick: u8) {
        let job = JobId(u64::from(pick) % JOBS + 1);
        if let Some(found) = self.jobs.get_mut(&job) {
            found.attempt = None;
            found.action = None;
        }
        self.changed();
    }

    /// The server says something else about a lease.
    pub(crate) fn act(&mut self, pick: u8, action: Action) {
        let job = JobId(u64::from(pick) % JOBS + 1);
        if let Some(found) = self.jobs.get_mut(&job) {
            found.action = Some(action);
        }
        self.changed();
    }

    /// The server forgets this host, as after a restored backup.
    pub(crate) fn forget(&mut self) {
        self.knows_host = false;
        for job in self.jobs.values_mut() {
            job.attempt = None;
            job.action = None;
        }
        self.changed();
    }

    /// Old orders come late.
    pub(crate) fn stale_orders(&mut self, pick: u8) {
        if let Some(orders) = self.history.get(usize::from(pick) % self.history.len().max(1)).cloned() {
            self.give(Input::Orders(orders));
        }
    }

    /// Something that came before comes again.
    pub(crate) fn repeat(&mut self, pick: u8) {
        let input = self.given.get(usize::from(pick) % self.given.len().max(1)).cloned();
        if let Some(input) = input {
            self.give(input);
        }
    }

    pub(crate) fn errands(&self) -> usize {
        self.errands.len()
    }

    /// The server does what an errand asks for. Its answer arrives, or is lost, so that the errand asks again later.
    pub(crate) fn serve(&mut self, pick: usize, fate: Fate) {
        let Some((&id, errand)) = self.errands.iter().nth(pick % self.errands.len().max(1)) else {
            return;
        };
        let errand = errand.clone();
        if fate == Fate::Fails {
            let answer = match errand {
                Errand::Heartbeat(..) => Answer::Away { again_ms: 700 },
                Errand::Enrol(_) | Errand::Update(..) | Errand::Announce(..) | Errand::TakeOffers(_) | Errand::End { .. } => {
                    return;
                }
                Errand::Fetch(_) | Errand::Commit { .. } => {
                    Answer::Trouble(Trouble::Failed(Failure::new(Cause::Host, "the disk is full")))
                }
            };
            self.errands.remove(&id);
            return self.give(Input::Answer(id, answer));
        }
        let answer = self.answer(errand);
        if fate == Fate::Arrives {
            self.errands.remove(&id);
            self.give(Input::Answer(id, answer));
        }
    }

    fn answer(&mut self, errand: Errand) -> Answer {
        let for_host = match &errand {
            Errand::Update(host, _) | Errand::Announce(host, _) | Errand::TakeOffers(host) | Errand::Heartbeat(host, _) => {
                Some(*host)
            }
            _ => None,
        };
        if for_host.is_some_and(|host| host != self.host || !self.knows_host) {
            return Answer::Trouble(Trouble::UnknownHost("no such host".into()));
        }
        match errand {
            Errand::Enrol(_) => {
                if !self.knows_host {
                    self.host = HostId(self.host.0 + 1);
                    self.knows_host = true;
                }
                Answer::Enrolled(self.host)
            }
            Errand::Update(..) => Answer::Updated,
            Errand::Announce(..) | Errand::Heartbeat(..) => Answer::Orders(self.orders()),
            Errand::TakeOffers(_) => {
                for job in self.jobs.values_mut() {
                    if job.attempt.is_none() && job.committed < Some(UNTIL) {
                        job.attempt = Some(AttemptId(self.next_attempt));
                        job.action = None;
                        self.next_attempt += 1;
                    }
                }
                self.changed();
                Answer::Orders(self.orders())
            }
            Errand::Fetch(lease) => self.fetch(&lease),
            Errand::Commit { attempt, boundaries, .. } => self.commit(attempt, &boundaries),
            Errand::End { attempt, end } => {
                if let Some(job) = self.jobs.values_mut().find(|job| job.attempt == Some(attempt)) {
                    assert_ne!(end.outcome, Outcome::Success, "a last commit tells success");
                    job.attempt = None;
                    job.action = None;
                    self.changed();
                }
                self.void.insert(attempt);
                Answer::Orders(self.orders())
            }
        }
    }

    fn fetch(&mut self, lease: &Lease) -> Answer {
        let first = lease.checkpoint.as_ref().map_or(0, |safe| safe.entry.segment);
        let folder = self.folders.entry(lease.attempt).or_insert_with(|| Folder {
            job: lease.job,
            first,
            reached: first,
            checkpoints: BTreeSet::new(),
            outputs: BTreeSet::new(),
        });
        let boundary = |segment| boundary(folder.job, folder.first, segment);
        Answer::Fetched(Fetched {
            steps_per_segment: 10,
            reached: folder.reached,
            boundaries: (folder.first..=folder.reached).map(boundary).collect(),
            checkpoints: folder.checkpoints.clone(),
        })
    }

    fn commit(&mut self, attempt: AttemptId, boundaries: &[Boundary]) -> Answer {
        let Some(folder) = self.folders.get(&attempt) else {
            return Answer::Trouble(Trouble::LeaseOver("no such attempt".into()));
        };
        let (id, last) = (folder.job, boundaries.last().expect("a commit has boundaries").entry.segment);
        let job = self.jobs.get_mut(&id).expect("a job of the server");
        let committed = |job: &ServerJob| {
            let state = if job.is_completed() {
                JobState::Completed
            } else {
                JobState::Running
            };
            Answer::Committed(Committed {
                segment: job.committed.unwrap_or(0),
                state,
            })
        };
        // An answer that was lost is given again.
        if job.committed >= Some(last) {
            return committed(job);
        }
        if job.attempt != Some(attempt) {
            self.void.insert(attempt);
            return Answer::Trouble(Trouble::LeaseOver("the lease is over".into()));
        }
        assert!(folder.checkpoints.contains(&last), "the checkpoint of {last} is not on disk");
        let first = job.committed.map_or(0, |safe| safe + 1);
        for (expected, boundary) in (first..).zip(boundaries) {
            let segment = boundary.entry.segment;
            assert_eq!(segment, expected, "boundaries follow each other");
            assert!(
                boundary.output_bytes == 0 || folder.outputs.contains(&segment),
                "outputs of {segment} are gone"
            );
        }
        job.committed = Some(last);
        if job.is_completed() {
            job.attempt = None;
        }
        let answer = committed(job);
        self.changed();
        answer
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// A thread goes on: to its next boundary, or to its end.
    pub(crate) fn compute(&mut self, pick: usize, fails: bool) {
        let pick = pick % self.threads.len().max(1);
        let Some((&run, thread)) = self.threads.iter_mut().nth(pick) else {
            return;
        };
        if thread.ended || thread.gate == Gate::Hold {
            return;
        }
        let Some(folder) = self.folders.get_mut(&thread.attempt) else {
            return;
        };
        let mut ended = Ok(());
        thread.ended = true;
        if fails {
            ended = Err(Failure::new(Cause::Host, "the driver was reset"));
        } else if thread.gate != Gate::StopNow && folder.reached < thread.until {
            folder.reached += 1;
            folder.checkpoints.insert(folder.reached);
            folder.outputs.insert(folder.reached);
            let note = Input::Boundary(run, boundary(folder.job, folder.first, folder.reached));
            thread.notes.push_back(note);
            thread.ended = thread.gate == Gate::StopAtBoundary || folder.reached == thread.until;
        }
        if thread.ended {
            thread.notes.push_back(Input::Stopped(run, ended));
        }
    }

    /// The next note of a thread arrives.
    pub(crate) fn note(&mut self, pick: usize) {
        let pick = pick % self.threads.len().max(1);
        let Some((&run, thread)) = self.threads.iter_mut().nth(pick) else {
            return;
        };
        let Some(note) = thread.notes.pop_front() else { return };
        if matches!(note, Input::Stopped(..)) {
            self.threads.remove(&run);
        }
        self.give(note);
    }

    /// Everything works for a while.
    pub(crate) fn settle(&mut self, rounds: usize) {
        self.give(Input::Facts(Facts::default()));
        self.give(Input::Server(Server::Reachable));
        for job in self.jobs.values_mut() {
            job.action = None;
        }
        self.changed();
        self.settle_on(rounds);
    }

    fn settle_on(&mut self, rounds: usize) {
        for _ in 0..rounds {
            if self.ended.is_some() {
                return;
            }
            for pick in (0..self.errands()).rev() {
                self.serve(pick, Fate::Arrives);
            }
            for pick in (0..self.threads()).rev() {
                self.compute(pick, false);
                self.note(pick);
            }
            let orders = self.orders();
            self.give(Input::Orders(orders));
            self.now += 7_000;
            self.give(Input::Tick);
        }
    }

    /// The agent leaves: the server tells all its jobs to stop, and everything else works.
    pub(crate) fn leave(&mut self, rounds: usize) {
        self.settle(1);
        for _ in 0..rounds {
            for pick in 1..=JOBS {
                self.act(u8::try_from(pick).unwrap_or(0), Action::StopAtBoundary);
            }
            self.settle_on(1);
        }
    }

    pub(crate) fn stop(&mut self, stop: Stop) {
        self.give(Input::Stop(stop));
    }

    /// Whether every job is completed, and nothing of any is left here.
    pub(crate) fn assert_settled(&self) {
        for (id, job) in &self.jobs {
            assert!(job.is_completed(), "job {id} is at {:?}", job.committed);
        }
        self.assert_clean();
    }

    /// Whether nothing of any job is left here.
    pub(crate) fn assert_clean(&self) {
        assert!(
            self.threads.is_empty() && self.folders.is_empty(),
            "{:?} {:?}",
            self.threads,
            self.folders
        );
        assert_eq!(self.planner.jobs().count(), 0);
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done, and the answer arrives.
    Arrives,
    /// It is done, and the answer is lost.
    AnswerIsLost,
    /// It fails.
    Fails,
}

fn boundary(job: JobId, first: u64, segment: u64) -> Boundary {
    let began = segment == first;
    Boundary {
        entry: entry(job, segment),
        ms: 100,
        checkpoint: (!began).then(|| digest(job.0, segment)),
        output_bytes: if began { 0 } else { 1000 },
    }
}

fn orders_in(input: &Input) -> Option<&Orders> {
    match input {
        Input::Orders(orders) | Input::Answer(_, Answer::Orders(orders)) => Some(orders),
        _ => None,
    }
}
