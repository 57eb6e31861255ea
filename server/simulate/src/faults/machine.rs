//! A host of a world: the real planner, a disk that survives it, and compute threads that do not.

use std::collections::{BTreeMap, BTreeSet};

use planner::{
    Boundary, Contributed, Control, Device, Errand, ErrandId, Facts, Fetched, Planner, Policy, Request, RunId, Setup, Time,
};
use protocol::http::{Lease, Orders, RegisterHost};
use protocol::{AttemptId, ChainEntry, Digest, HostId, JobId};
use scheduler::testing::registration;

use super::server::{blob, boundary, follower};

/// A job's folder on disk.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) attempt: AttemptId,
    pub(super) job: JobId,
    pub(super) package: Digest,
    /// Boundaries on record, in order; the folder began with the first.
    pub(super) entries: Vec<ChainEntry>,
    /// Segments whose checkpoint and outputs are on disk.
    pub(super) checkpoints: BTreeSet<u64>,
    pub(super) outputs: BTreeSet<u64>,
}

impl Folder {
    fn new(lease: &Lease) -> Self {
        let first = lease.checkpoint.as_ref().map(|safe| safe.entry.clone());
        Self {
            attempt: lease.attempt,
            job: lease.job,
            package: lease.package,
            entries: vec![first.unwrap_or_else(|| boundary(lease.package, None))],
            checkpoints: BTreeSet::new(),
            outputs: BTreeSet::new(),
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.segment)
    }

    pub(super) fn reached(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.segment)
    }

    fn boundary(&self, entry: &ChainEntry) -> Boundary {
        let began = entry.segment == self.first();
        Boundary {
            entry: entry.clone(),
            ms: 60_000,
            checkpoint: (!began).then(|| blob(entry)),
            output_bytes: if began { 0 } else { 1000 },
            is_last: false,
        }
    }

    /// A segment is computed and written: its boundary.
    pub(super) fn advance(&mut self) -> Boundary {
        self.write(boundary(self.package, self.entries.last()))
    }

    /// A boundary with other bits than the segment has.
    pub(super) fn make_up(&mut self, bits: u64) -> Boundary {
        let content = Digest::of(&bits.to_le_bytes());
        self.write(follower(self.package, self.entries.last(), content))
    }

    fn write(&mut self, entry: ChainEntry) -> Boundary {
        self.checkpoints.insert(entry.segment);
        self.outputs.insert(entry.segment);
        self.entries.push(entry.clone());
        self.boundary(&entry)
    }

    /// Goes back to the newest boundary whose checkpoint is whole.
    fn roll_back(&mut self) {
        let first = self.first();
        while self.reached() > first && !self.checkpoints.contains(&self.reached()) {
            self.outputs.remove(&self.reached());
            self.entries.pop();
        }
    }
}

/// A compute thread.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    pub(super) device: String,
    pub(super) attempt: AttemptId,
    pub(super) control: Control,
    pub(super) until: u64,
    /// Number of the newest event about it; older ones are void.
    pub(super) stamp: u64,
}

pub(super) struct Machine {
    /// Number of the process; what was on its way for an earlier one is void.
    pub(super) life: u64,
    pub(super) planner: Option<Planner>,
    began_ms: u64,
    pub(super) wake_ms: Option<u64>,
    pub(super) body: RegisterHost,
    pub(super) facts: Facts,
    // On disk.
    pub(super) identity: Option<HostId>,
    pub(super) saved: Option<Orders>,
    pub(super) folders: BTreeMap<AttemptId, Folder>,
    // Gone with the process.
    pub(super) threads: BTreeMap<RunId, Thread>,
    pub(super) errands: BTreeMap<ErrandId, Errand>,
    pub(super) told: Option<Orders>,
    pub(super) void: BTreeSet<AttemptId>,
    pub(super) told_to_end: bool,
    // Of the world around it.
    pub(super) cut_until_ms: u64,
    pub(super) clock_ms: i64,
    /// Makes boundaries up now and then.
    pub(super) hostile: bool,
}

impl Machine {
    /// Of one class with all others, or of one of two.
    pub(super) fn new(index: u64, one_class: bool) -> Self {
        Self {
            life: 0,
            planner: None,
            began_ms: 0,
            wake_ms: None,
            body: registration(&format!("host {index}"), if one_class { 0 } else { index % 2 }),
            facts: Facts::default(),
            identity: None,
            saved: None,
            folders: BTreeMap::new(),
            threads: BTreeMap::new(),
            errands: BTreeMap::new(),
            told: None,
            void: BTreeSet::new(),
            told_to_end: false,
            cut_until_ms: 0,
            clock_ms: 0,
            hostile: false,
        }
    }

    /// The agent begins, with what is on disk.
    pub(super) fn start(&mut self, now_ms: u64, seed: u64) {
        self.life += 1;
        self.began_ms = now_ms;
        self.wake_ms = None;
        self.told = self.saved.clone();
        self.void.clear();
        let devices = self.body.devices.iter().map(|device| Device {
            id: device.id.clone(),
            classes: device.classes.clone(),
        });
        let setup = Setup {
            devices: devices.collect(),
            host: self.identity,
            can_enrol: true,
            orders: self.saved.clone(),
            description: self.body.clone(),
            policy: Policy {
                run_on_batteries: false,
                run_if_user_active: true,
                idle_time_to_run_ms: 180_000,
                hours: None,
                disk_max_used_bytes: 1 << 30,
                month_max_bytes: None,
                exit_when_idle: false,
            },
            facts: self.facts.clone(),
            request: Request::Run,
            pause_patience_ms: 10 * 60_000,
            contributed: Contributed::default(),
            seed,
        };
        self.planner = Some(Planner::new(setup, Time(0)));
    }

    /// The process ends at once. `torn` says of which jobs the newest checkpoint is not whole.
    pub(super) fn crash(&mut self, torn: impl Fn(&Folder) -> bool) {
        self.planner = None;
        self.told_to_end = false;
        self.life += 1;
        self.threads.clear();
        self.errands.clear();
        for folder in self.folders.values_mut().filter(|folder| torn(folder)) {
            let reached = folder.reached();
            folder.checkpoints.remove(&reached);
        }
    }

    /// Time as the planner knows it.
    pub(super) fn time(&self, now_ms: u64) -> Time {
        Time(now_ms - self.began_ms)
    }

    pub(super) fn at(&self, time: Time) -> u64 {
        self.began_ms + time.0
    }

    /// What is found in a job's folder once its package and checkpoint are here. `rolls_back` is false only for a mutant.
    pub(super) fn look(&mut self, lease: &Lease, rolls_back: bool) -> Fetched {
        let folder = self.folders.entry(lease.attempt).or_insert_with(|| Folder::new(lease));
        if rolls_back {
            folder.roll_back();
            if lease
                .checkpoint
                .as_ref()
                .is_some_and(|safe| safe.entry.segment > folder.reached())
            {
                // The server has more than is here.
                *folder = Folder::new(lease);
            }
        }
        Fetched {
            steps_per_segment: 10,
            reached: folder.reached(),
            boundaries: folder.entries.iter().map(|entry| folder.boundary(entry)).collect(),
            checkpoints: folder.checkpoints.clone(),
        }
    }

    /// Whether the lease of an attempt is over, as far as this host was told.
    pub(super) fn is_void(&self, attempt: AttemptId) -> bool {
        let lists = |orders: &Orders| orders.leases.iter().any(|lease| lease.attempt == attempt);
        self.void.contains(&attempt) || !self.told.as_ref().is_some_and(lists)
    }
}
