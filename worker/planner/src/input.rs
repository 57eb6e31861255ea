//! Everything that can come in. Inputs may be lost, repeated and overtake each other, apart from the notes of one compute thread, which come in
//! the order in which it sent them.

use std::collections::{BTreeMap, BTreeSet};

use protocol::http::{Committed, Orders, RegisterHost};
use protocol::{HardwareClass, HostId};

use crate::boundaries::Boundary;
use crate::effect::{Contributed, ErrandId, RunId};
use crate::policy::Policy;
use crate::reason::Failure;
use crate::time::Time;

/// What a planner begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Devices to compute on, one job at a time on each, as they are at the start: [`Input::Devices`] says what changed.
    pub devices: Vec<Device>,
    /// This host's number from an earlier run of the agent; none before it was registered.
    pub host: Option<HostId>,
    /// Whether it could register anew.
    pub can_enrol: bool,
    /// The last orders of an earlier run: the agent goes on with them before the server answers.
    pub orders: Option<Orders>,
    /// What the server is to know of this host.
    pub description: RegisterHost,
    /// Preferences.
    pub policy: Policy,
    /// The machine now.
    pub facts: Facts,
    /// What a person asked for.
    pub request: Request,
    /// Milliseconds of a pause after which jobs migrate.
    pub pause_patience_ms: u64,
    /// Work contributed in earlier runs of the agent.
    pub contributed: Contributed,
    /// Seed of what has to differ from host to host: the moments of heartbeats.
    pub seed: u64,
}

/// A device to compute on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Short name, as leases name it.
    pub id: String,
    /// Its hardware classes.
    pub classes: Vec<HardwareClass>,
}

/// The machine as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Runs on battery.
    pub on_battery: bool,
    /// Milliseconds since somebody used it; none where that cannot be found out.
    pub user_idle_ms: Option<u64>,
    /// A program runs beside which nothing is to be computed.
    pub exclusive_app: Option<String>,
    /// Bytes in the state folder.
    pub disk_used_bytes: u64,
    /// Minute of the local week, from Monday 00:00 on.
    pub local_minute: u16,
    /// Bytes that went over the network in this calendar month.
    pub month_bytes: u64,
    /// The oldest version that the server gives new work to, where this agent is older.
    pub required_version: Option<String>,
}

/// What a person asked for: it holds until the next request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Request {
    /// Compute whenever the preferences let it.
    #[default]
    Run,
    /// Do not compute.
    Pause {
        /// Until this moment; none until a person says otherwise.
        until: Option<Time>,
    },
    /// Complete the jobs that are here, take no more, and end.
    Finish,
}

/// How urgently signals asked the agent to end; it only ever rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    #[default]
    No,
    /// Once jobs are at their next boundary, and home.
    AtBoundary,
    /// At once; every boundary stays on disk.
    Now,
}

/// What other projects of this agent leave to this one. By default there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether there are others.
    pub is_shared: bool,
    /// The project that the next lease is for, where it is not this one.
    pub elsewhere: Option<String>,
    /// Devices on which another project's job computes, each with that project.
    pub taken: BTreeMap<String, String>,
}

/// Whether the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// It answers.
    Reachable,
    /// It does not, and why.
    Away(String),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Nothing but time that passed.
    Tick,
    /// The server says what to do.
    Orders(Orders),
    /// The server refused the stream of orders.
    Refused(Trouble),
    /// An errand was done, or cannot be.
    Answer(ErrandId, Answer),
    /// A compute thread reached a boundary, which is on disk.
    Boundary(RunId, Boundary),
    /// A compute thread has ended, as asked for or because it failed.
    Stopped(RunId, Result<(), Failure>),
    /// The machine was looked at.
    Facts(Facts),
    /// The devices to compute on were looked for again: all that are here now, and what the server is to know of this host with them.
    Devices(Vec<Device>, Box<RegisterHost>),
    /// The preferences changed.
    Policy(Policy),
    /// What the server is to know of this host changed.
    Description(Box<RegisterHost>),
    /// A person asked for something.
    Request(Request),
    /// A signal asked for the end.
    Stop(Stop),
    /// The way to the server was found open or closed.
    Server(Server),
    /// Other projects of this agent took or left devices, or the turn passed on.
    Turn(Turn),
}

/// The result of an errand.
#[derive(Clone, Debug)]
pub enum Answer {
    /// This host is registered, and its identity is kept.
    Enrolled(HostId),
    /// The server does not take this host, or its identity cannot be kept. In a sentence.
    NotEnrolled(String),
    /// The server knows the new description.
    Updated,
    /// Done; the server says what to do now.
    Orders(Orders),
    /// A job's package and checkpoint are here.
    Fetched(Fetched),
    /// Boundaries are safe on the server.
    Committed(Committed),
    /// The server is away. Heartbeats alone come back so: all other errands try again by themselves.
    Away {
        /// Try again after so many milliseconds.
        again_ms: u64,
    },
    /// It cannot be done.
    Trouble(Trouble),
}

/// Why an errand could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The lease is over. In the server's words.
    LeaseOver(String),
    /// The server does not know this host. In its words.
    UnknownHost(String),
    /// Another agent runs under the identity of this host, which this one has a copy of. In the server's words.
    Copied(String),
    /// It failed for a reason of its own.
    Failed(Failure),
}

/// What was found in a job's folder once its package and checkpoint were there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Steps of one segment.
    pub steps_per_segment: u64,
    /// The last boundary whose checkpoint is whole: computing goes on from there.
    pub reached: u64,
    /// Boundaries on record up to there, in order, the one that the folder began with first.
    pub boundaries: Vec<Boundary>,
    /// Segments whose checkpoint is on disk.
    pub checkpoints: BTreeSet<u64>,
}
