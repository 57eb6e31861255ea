//! Hosts that are hostile, each in its own way. Each is a client of the protocol with real leases; those that compute do so on the CPU device.
//!
//! Invariant: a boundary that one of them commits follows from what it was given, so that the server takes it: it is wrong in its state alone.

use std::collections::BTreeMap;

use contracts::Dice;
use contracts::sharing::Stage;
use device::{Device, SessionOptions};
use kernels::package::Package;
use kernels::run::outputs::outputs_digest;
use kernels::run::{Executor, initial_boundary};
use protocol::checkpoint::content_digest;
use protocol::http::{
    Action, Commit, Committed, DeviceReport, EndAttempt, HostView, Lease, LeaveNotice, Orders, PROTOCOL, RegisterHost,
    Registered,
};
use protocol::{AttemptId, ChainEntry, Checkpoint, Digest, ErrorCause, HardwareClass, HostId, Outcome, StateBuffer, bundle};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes that a state may unpack to: the package's is far smaller.
const STATE_BYTES_MAX: u64 = 1 << 20;

/// What a host does with its leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It computes, and one boundary in four has a flipped bit, from which it goes on.
    Flips,
    /// It computes nothing, and returns random states.
    Invents,
    /// It asks for all that may be known of a job, and returns what it was given.
    Copies,
    /// It returns what its accomplice returns.
    Conspires,
    /// It computes rightly for so many segments, then never again.
    TurnsBad(u64),
    /// It keeps its leases and brings nothing home.
    Withholds,
}

/// A package on a device, for those that compute.
pub struct Bench<'a> {
    package: &'a Package,
    executor: Executor<'a>,
}

impl<'a> Bench<'a> {
    pub fn open(package: &'a Package, device: &'a dyn Device) -> Self {
        let executor = Executor::open(package, device, &SessionOptions::default());
        Self {
            package,
            executor: executor.expect("it compiles"),
        }
    }
}

/// A hostile host.
pub struct Hostile {
    pub kind: Kind,
    pub host: HostId,
    token: String,
    dice: Dice,
    /// What it reached of each lease.
    reached: BTreeMap<AttemptId, (ChainEntry, Vec<StateBuffer>)>,
    /// Leases that it was given.
    pub leases: usize,
    /// Right segments that it brought home.
    pub right: u64,
    /// Wrong ones.
    pub wrong: u64,
    /// Passed checks of its own work when it turned bad.
    pub passed: Option<u64>,
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

impl Hostile {
    pub fn enrol(stage: &Stage, kind: Kind, classes: &[HardwareClass], seed: u64) -> Self {
        let token = std::fs::read_to_string(stage.token_file("host")).expect("the token file");
        Self::enrol_with(stage, kind, classes, seed, &token)
    }

    /// With a token of its own.
    pub fn enrol_with(stage: &Stage, kind: Kind, classes: &[HardwareClass], seed: u64, token: &str) -> Self {
        let body = RegisterHost {
            name: format!("{kind:?}"),
            version: "1".to_owned(),
            protocol: PROTOCOL,
            devices: vec![DeviceReport {
                id: "cpu".to_owned(),
                name: "none".to_owned(),
                classes: classes.to_vec(),
            }],
            night: None,
            instance: None,
            referee: false,
            key: None,
        };
        let answer = stage.send("POST", "/v1/hosts", token.trim(), &json(&body));
        let registered: Registered = serde_json::from_value(answer.expect("an answer")).expect("it is registered");
        Self {
            kind,
            host: registered.host,
            token: registered.token.expect("a first registration gives one"),
            dice: Dice(seed),
            reached: BTreeMap::new(),
            leases: 0,
            right: 0,
            wrong: 0,
            passed: None,
        }
    }

    fn post<T: DeserializeOwned>(&self, stage: &Stage, path: &str, body: &[u8]) -> Option<T> {
        serde_json::from_value(stage.send("POST", path, &self.token, body)?).ok()
    }

    /// Takes what it is offered. What it has.
    pub fn take(&mut self, stage: &Stage) -> Vec<Lease> {
        let path = format!("/v1/hosts/{}/leases", self.host);
        let orders: Option<Orders> = self.post(stage, &path, &[]);
        let leases = orders.map_or_else(Vec::new, |orders| orders.leases);
        self.reached
            .retain(|attempt, _| leases.iter().any(|lease| lease.attempt == *attempt));
        self.leases = self.leases.max(leases.len());
        leases
    }

    /// One turn: takes what it is offered, and brings the next segment of it home, as is its kind.
    pub fn turn(&mut self, stage: &Stage, bench: &mut Bench<'_>) {
        for lease in self.take(stage) {
            match lease.action {
                Action::Wait => {}
                Action::StopAtBoundary | Action::StopNow => self.stop(stage, &lease),
                Action::Run => self.go_on(stage, bench, &lease),
            }
        }
    }

    fn stop(&self, stage: &Stage, lease: &Lease) {
        if self.kind == Kind::Withholds {
            return;
        }
        let end = EndAttempt {
            epoch: lease.epoch,
            outcome: Outcome::Preempted,
            cause: ErrorCause::default(),
            message: String::new(),
        };
        let path = format!("/v1/attempts/{}/end", lease.attempt);
        drop(self.post::<Orders>(stage, &path, &json(&end)));
    }

    /// Leaves: what it has is another's from now on.
    pub fn leave(&mut self, stage: &Stage) {
        let notice = LeaveNotice {
            in_s: 0,
            back_in_s: None,
            reason: "shutdown".to_owned(),
        };
        let path = format!("/v1/hosts/{}/departure", self.host);
        let orders: Orders = self.post(stage, &path, &json(&notice)).expect("an answer");
        orders.leases.iter().for_each(|lease| self.stop(stage, lease));
    }

    fn go_on(&mut self, stage: &Stage, bench: &mut Bench<'_>, lease: &Lease) {
        if self.kind == Kind::Withholds || !self.is_settled(stage, lease) {
            return;
        }
        if self.kind == Kind::Copies {
            self.ask_for_all(stage, lease);
        }
        let (mut entries, (last, state)) = match self.reached.remove(&lease.attempt) {
            Some(reached) => (Vec::new(), reached),
            None => match &lease.checkpoint {
                None => {
                    let (first, state) = initial_boundary(bench.package);
                    (vec![first.clone()], (first, state))
                }
                Some(given) => {
                    let path = format!("/v1/blobs/{}", given.blob);
                    let Some((200, bytes)) = stage.ask("GET", &path, &self.token, &[]) else {
                        return;
                    };
                    let found = Checkpoint::from_bytes(&bytes, STATE_BYTES_MAX).expect("a checkpoint");
                    (Vec::new(), (found.entry, found.buffers))
                }
            },
        };
        let (state, outputs, is_right) = self.next(bench, lease, &last, state);
        let step = last.step + bench.package.manifest().run.steps_per_segment;
        let (content, put_out) = (content_digest(&state), outputs_digest(&outputs));
        let entry = ChainEntry::next(bench.package.digest(), Some(&last), step, content, put_out);
        entries.push(entry.clone());
        if !self.commit(stage, lease, entries, &state, outputs) {
            return;
        }
        match is_right {
            true => self.right += 1,
            false => self.wrong += 1,
        }
        if entry.segment < lease.until_segment {
            self.reached.insert(lease.attempt, (entry, state));
        }
    }

    /// Whether it goes on now. One that turns bad waits until nothing of its own work is being checked, so that the lies before the one that is found
    /// can be counted; what it knows then is what an operator sees, which is more than any host does.
    fn is_settled(&mut self, stage: &Stage, lease: &Lease) -> bool {
        let Kind::TurnsBad(after) = self.kind else { return true };
        if self.right < after {
            return true;
        }
        let Some(job) = stage.job(lease.job.0) else { return false };
        let mut own = job.verification.spans.iter().filter(|span| span.host == self.host);
        let is_settled = own.all(|span| span.note != "open");
        if is_settled && self.passed.is_none() {
            self.passed = stage.host(self.host.0).map(|host| host.checks_passed);
        }
        is_settled
    }

    /// The state behind a segment, what the segment put out, and whether that is what it comes to.
    fn next(
        &mut self,
        bench: &mut Bench<'_>,
        lease: &Lease,
        last: &ChainEntry,
        mut state: Vec<StateBuffer>,
    ) -> (Vec<StateBuffer>, Vec<Vec<u8>>, bool) {
        let nothing = vec![Vec::new(); bench.package.manifest().outputs.len()];
        let lies = match self.kind {
            Kind::Flips => (self.right + self.wrong) % 4 == 2,
            Kind::TurnsBad(after) => self.right >= after,
            _ => true,
        };
        match self.kind {
            Kind::Flips | Kind::TurnsBad(_) => {
                bench.executor.enter(last.segment, &state).expect("a state");
                bench.executor.advance(u64::MAX).expect("it computes");
                let boundary = bench.executor.cross().expect("it computes");
                let mut state = boundary.state;
                if lies {
                    let at = self.dice.below(state[0].bytes.len() as u64) as usize;
                    state[0].bytes[at] ^= 1 << self.dice.below(8);
                }
                return (state, boundary.outputs, !lies);
            }
            Kind::Invents => {
                let bytes = state[0].bytes.iter_mut();
                bytes.for_each(|byte| *byte = self.dice.roll().to_le_bytes()[0]);
            }
            Kind::Conspires => {
                (_, state) = initial_boundary(bench.package);
                let plot = Digest::of(&[lease.job.0.to_le_bytes(), last.segment.to_le_bytes()].concat());
                state[0].bytes.iter_mut().zip(plot.0).for_each(|(byte, plot)| *byte ^= plot);
            }
            Kind::Copies | Kind::Withholds => {}
        }
        (state, nothing, false)
    }

    /// Whether the server took it.
    fn commit(
        &self,
        stage: &Stage,
        lease: &Lease,
        entries: Vec<ChainEntry>,
        state: &[StateBuffer],
        outputs: Vec<Vec<u8>>,
    ) -> bool {
        let entry = entries.last().expect("there is one").clone();
        let segment = entry.segment;
        let checkpoint = Checkpoint {
            package: lease.package,
            entry,
            class: lease.class,
            buffers: state.to_vec(),
        };
        let named = outputs.into_iter().enumerate();
        let named = named
            .map(|(index, bytes)| (format!("{segment:020}/{index:04}"), bytes))
            .collect();
        let blobs = [
            checkpoint.to_bytes().expect("a checkpoint"),
            bundle::pack(&named).expect("it is small"),
        ];
        for bytes in &blobs {
            let path = format!("/v1/blobs/{}?size={}", Digest::of(bytes), bytes.len());
            drop(stage.ask("PUT", &path, &self.token, bytes));
        }
        let [checkpoint, outputs] = blobs.map(|bytes| Digest::of(&bytes));
        let commit = Commit {
            epoch: lease.epoch,
            entries,
            checkpoint,
            outputs: Some(outputs),
            computed_ms: 1,
            signature: None,
        };
        let path = format!("/v1/attempts/{}/commit", lease.attempt);
        self.post::<Committed>(stage, &path, &json(&commit)).is_some()
    }

    /// Asks for all that could tell what another host returned, or whether this is a check: nothing of it is told.
    fn ask_for_all(&self, stage: &Stage, lease: &Lease) {
        let job = lease.job;
        let of_job = ["", "/chain", "/why", "/proof", "/events"].map(|what| format!("/v1/jobs/{job}{what}"));
        let of_all = ["/v1/jobs", "/v1/hosts"].map(str::to_owned);
        for path in of_job.into_iter().chain(of_all) {
            let (status, _) = stage.ask("GET", &path, &self.token, &[]).expect("an answer");
            assert!(matches!(status, 403 | 404), "{path} is told to a host: {status}");
        }
        let path = format!("/v1/hosts/{}", self.host);
        let own = stage.send("GET", &path, &self.token, &[]).expect("an answer");
        let own: HostView = serde_json::from_value(own).expect("a host");
        assert_eq!((own.standing.as_str(), own.checks_passed, own.faults), ("", 0, 0));
    }
}
