//! A small world around a planner: a server, a disk, compute threads, each of which does what the real one does, in an order that a test chooses.
//! It carries effects out and checks, as they come, that none of them loses a boundary or computes what is not to be computed.

mod effects;
mod server;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use planner::{
    Answer, Boundary, Cause, Contributed, Control, Device, Effect, Ending, Errand, ErrandId, Facts, Failure, Input, Message,
    Planner, Policy, Request, RunId, Server, Setup, Stop, Time,
};
use protocol::http::{Action, DeviceReport, Orders, RegisterHost};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId, Tier};

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
    device: String,
    attempt: AttemptId,
    control: Control,
    until: u64,
    ended: bool,
    notes: VecDeque<Input>,
}

pub(crate) struct World {
    pub(crate) planner: Planner,
    pub(crate) now: u64,
    pub(crate) ended: Option<Ending>,
    host: HostId,
    /// Classes of this host's devices, as the server knows them.
    known: BTreeMap<String, Vec<HardwareClass>>,
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
    /// Folders of void leases that an agent left which was killed before they were gone. The next one sweeps them once it has heard from the server.
    strays: BTreeSet<AttemptId>,
    threads: BTreeMap<RunId, Thread>,
    /// Devices that are here.
    devices: BTreeSet<&'static str>,
    /// Those of them with another driver than at first.
    updated: BTreeSet<&'static str>,
    /// The planner waits for word of the devices.
    finds_devices: bool,
    errands: BTreeMap<ErrandId, Errand>,
    given: Vec<Input>,
    /// Orders as they are on disk.
    saved: Option<Orders>,
    /// What a person was told.
    pub(crate) said: Vec<Message>,
    /// Heartbeats that were begun.
    pub(crate) heartbeats: usize,
}

impl World {
    /// What a planner of this host begins with.
    fn setup(
        host: Option<HostId>,
        orders: Option<Orders>,
        devices: &BTreeSet<&'static str>,
        updated: &BTreeSet<&'static str>,
    ) -> Setup {
        let (devices, description) = devices_of(devices, updated);
        Setup {
            devices,
            host,
            can_enrol: true,
            orders,
            description,
            policy: Policy {
                run_on_batteries: false,
                run_if_user_active: true,
                idle_time_to_run_ms: 180_000,
                hours: None,
                disk_max_used_bytes: 1 << 30,
                month_max_bytes: None,
                exit_when_idle: false,
            },
            facts: Facts::default(),
            request: Request::Run,
            pause_patience_ms: 60_000,
            contributed: Contributed::default(),
            seed: 1,
        }
    }

    pub(crate) fn new(registered: bool) -> Self {
        let host = HostId(1);
        let setup = Self::setup(registered.then_some(host), None, &DEVICES.into(), &BTreeSet::new());
        let mut world = Self {
            planner: Planner::new(setup, Time(0)),
            now: 0,
            ended: None,
            host,
            known: BTreeMap::new(),
            knows_host: registered,
            sequence: 1,
            jobs: (1..=JOBS).map(|job| (JobId(job), ServerJob::default())).collect(),
            next_attempt: 1,
            history: Vec::new(),
            told: None,
            void: BTreeSet::new(),
            folders: BTreeMap::new(),
            strays: BTreeSet::new(),
            threads: BTreeMap::new(),
            devices: DEVICES.into(),
            updated: BTreeSet::new(),
            finds_devices: false,
            errands: BTreeMap::new(),
            given: Vec::new(),
            saved: None,
            said: Vec::new(),
            heartbeats: 0,
        };
        world.give(Input::Tick);
        world
    }

    /// The agent is killed, and starts again with what is on disk.
    pub(crate) fn restart(&mut self) {
        let host = self.planner.host_number();
        let saved = self.saved.clone().filter(|orders| host == Some(orders.host));
        self.threads.clear();
        self.errands.clear();
        // Notes of the old life's threads and errands.
        self.given.clear();
        // It knows what it saved; of refusals that it heard before, nothing.
        self.told.clone_from(&saved);
        let leased = saved
            .iter()
            .flat_map(|orders| &orders.leases)
            .map(|lease| lease.attempt)
            .collect::<BTreeSet<_>>();
        let void = std::mem::take(&mut self.void);
        let is_stray = |attempt: &&AttemptId| void.contains(attempt) || !leased.contains(attempt);
        self.strays = self.folders.keys().filter(is_stray).copied().collect();
        self.planner = Planner::new(Self::setup(host, saved, &self.devices, &self.updated), Time(self.now));
        self.give(Input::Tick);
    }

    /// Boundaries on disk that the server lacks.
    pub(crate) fn only_here(&self) -> u64 {
        let folders = self.folders.values();
        let lacking = folders.map(|folder| folder.reached.saturating_sub(self.committed(folder.job).unwrap_or(0)));
        lacking.sum()
    }

    /// The same, of one device's jobs.
    pub(crate) fn only_here_of(&self, device: &str) -> u64 {
        let folders = self.folders.values();
        let of_device = folders.filter(|folder| DEVICES[folder.job.0 as usize % DEVICES.len()] == device);
        let lacking = of_device.map(|folder| folder.reached.saturating_sub(self.committed(folder.job).unwrap_or(0)));
        lacking.sum()
    }

    /// Errands that are under way.
    pub(crate) fn under_way(&self) -> impl Iterator<Item = &Errand> {
        self.errands.values()
    }

    /// Whether the planner waits for word of the devices.
    pub(crate) fn looks_for_devices(&self) -> bool {
        self.finds_devices
    }

    /// Give an input to the planner, and carry out what comes of it.
    pub(crate) fn give(&mut self, input: Input) {
        let host = self.planner.host_number();
        let ours = orders_in(&input).filter(|orders| orders.host == self.host && host == Some(self.host));
        let told = self.told.as_ref().map_or(0, |told| told.sequence);
        if let Some(orders) = ours.filter(|orders| orders.sequence >= told) {
            self.told = Some(orders.clone());
            self.strays.clear();
        }
        // What a look at the devices finds comes once, in the order of the looks.
        if !matches!(input, Input::Devices(..)) {
            self.given.push(input.clone());
        }
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
                    job.thread.map(|(_, control)| control),
                    Some(thread.control),
                    "{run:?} was told otherwise"
                ),
                None => assert_eq!(thread.control, Control::StopNow, "{run:?} computes for a lease that is gone"),
            }
        }
        for device in DEVICES {
            let computes = self
                .threads
                .values()
                .any(|thread| thread.device == device && thread.control != Control::Pause);
            assert!(
                computes || self.planner.idle(device).is_some(),
                "{device} is idle without a reason"
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

    pub(crate) fn threads(&self) -> usize {
        self.threads.len()
    }

    /// A thread goes on: to its next boundary, or to its end.
    pub(crate) fn compute(&mut self, pick: usize, fails: Option<Cause>) {
        let pick = pick % self.threads.len().max(1);
        let Some((&run, thread)) = self.threads.iter_mut().nth(pick) else {
            return;
        };
        if thread.ended || thread.control == Control::Pause {
            return;
        }
        let Some(folder) = self.folders.get_mut(&thread.attempt) else {
            return;
        };
        let mut ended = Ok(());
        thread.ended = true;
        if let Some(cause) = fails {
            ended = Err(Failure::new(cause, "the driver was reset"));
        } else if thread.control != Control::StopNow && folder.reached < thread.until {
            folder.reached += 1;
            folder.checkpoints.insert(folder.reached);
            folder.outputs.insert(folder.reached);
            let note = Input::Boundary(run, boundary(folder.job, folder.first, folder.reached));
            thread.notes.push_back(note);
            thread.ended = thread.control == Control::StopAtBoundary || folder.reached == thread.until;
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

    /// A device goes or comes back, and the agent finds out.
    pub(crate) fn toggle_device(&mut self, pick: usize) {
        let device = DEVICES[pick % DEVICES.len()];
        if !self.devices.remove(device) {
            self.devices.insert(device);
        }
        self.find_devices();
    }

    /// A device's driver is updated: it has one more class from then on.
    pub(crate) fn update_driver(&mut self, pick: usize) {
        self.updated.insert(DEVICES[pick % DEVICES.len()]);
        self.find_devices();
    }

    /// The agent has looked for devices.
    pub(crate) fn find_devices(&mut self) {
        self.finds_devices = false;
        let (devices, description) = devices_of(&self.devices, &self.updated);
        self.give(Input::Devices(devices, Box::new(description)));
    }

    /// Everything works for a while.
    pub(crate) fn settle(&mut self, rounds: usize) {
        self.devices = DEVICES.into();
        self.find_devices();
        self.give(Input::Facts(Facts::default()));
        self.give(Input::Server(Server::Reachable));
        for job in self.jobs.values_mut() {
            job.action = None;
        }
        self.changed();
        self.settle_on(rounds);
    }

    pub(crate) fn settle_on(&mut self, rounds: usize) {
        for _ in 0..rounds {
            if self.ended.is_some() {
                return;
            }
            for pick in (0..self.errands()).rev() {
                self.serve(pick, Fate::Arrives);
            }
            for pick in (0..self.threads()).rev() {
                self.compute(pick, None);
                self.note(pick);
            }
            if self.finds_devices {
                self.find_devices();
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
                self.set_action(u8::try_from(pick).unwrap_or(0), Action::StopAtBoundary);
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
        let strays = self.folders.keys().all(|attempt| self.strays.contains(attempt));
        assert!(self.threads.is_empty() && strays, "{:?} {:?}", self.threads, self.folders);
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

/// Devices as the agent finds them, and as it describes them to the server.
fn devices_of(here: &BTreeSet<&'static str>, updated: &BTreeSet<&'static str>) -> (Vec<Device>, RegisterHost) {
    let classes = |id: &str| {
        let bound = HardwareClass {
            tier: Tier::ClassBound,
            key: digest(0, u64::from(updated.contains(id))),
        };
        vec![class(), bound]
    };
    let device = |id: &&str| Device {
        id: (*id).to_owned(),
        classes: classes(id),
    };
    let report = |id: &&str| DeviceReport {
        id: (*id).to_owned(),
        name: "a card".into(),
        classes: classes(id),
    };
    let description = RegisterHost {
        name: "anna".into(),
        version: "1".into(),
        protocol: protocol::http::PROTOCOL,
        devices: here.iter().map(report).collect(),
        night: None,
        instance: None,
        referee: false,
        key: None,
    };
    (here.iter().map(device).collect(), description)
}

fn boundary(job: JobId, first: u64, segment: u64) -> Boundary {
    let began = segment == first;
    Boundary {
        entry: entry(job, segment),
        ms: 100,
        checkpoint: (!began).then(|| digest(job.0, segment)),
        output_bytes: if began { 0 } else { 1000 },
        is_last: false,
    }
}

/// A boundary with these numbers, which nothing bounds.
pub(crate) fn any_boundary(segment: u64, number: u64) -> Boundary {
    Boundary {
        entry: ChainEntry {
            step: number,
            ..entry(JobId(1), segment.min(u64::MAX / 10))
        },
        ms: number,
        checkpoint: Some(digest(1, 1)),
        output_bytes: number,
        is_last: false,
    }
}

fn orders_in(input: &Input) -> Option<&Orders> {
    match input {
        Input::Orders(orders) | Input::Answer(_, Answer::Orders(orders)) => Some(orders),
        _ => None,
    }
}
