//! What happens in a world, one thing at a time.

use planner::{Answer, Errand, ErrandId, RunId, Stop};
use protocol::http::Orders;

/// Something that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A request reaches the server.
    Request {
        machine: usize,
        life: u64,
        id: ErrandId,
        errand: Box<Errand>,
        wall_ms: u64,
    },
    /// Its answer reaches the host.
    Answer {
        machine: usize,
        life: u64,
        id: ErrandId,
        answer: Box<Answer>,
    },
    /// Nothing came back for so long that the host asks again.
    Resend { machine: usize, life: u64, id: ErrandId },
    /// The stream brings orders.
    Orders { machine: usize, life: u64, orders: Box<Orders> },
    /// A thread is at a boundary, or looks.
    Segment {
        machine: usize,
        life: u64,
        run: RunId,
        stamp: u64,
    },
    /// A planner has something due.
    Wake { machine: usize, life: u64 },
    /// The core has something due.
    Due,
    /// An agent begins.
    Start(usize),
    /// An agent is told to end.
    Stop { machine: usize, life: u64, stop: Stop },
    /// The server is back.
    ServerBack,
    /// The owner of a machine comes or goes.
    Owner(usize, bool),
    /// A job is submitted.
    Submit(u64),
    /// The next fault.
    Fault,
    /// No more faults.
    Calm,
    /// The operator looks at jobs that are held.
    Release,
}

impl Happening {
    /// What happens, and to which machine, as numbers for a digest.
    pub(super) fn number(&self) -> (u64, u64) {
        match self {
            Self::Request { machine, id, .. } => (1, (*machine as u64) ^ id.0 << 16),
            Self::Answer { machine, id, .. } => (2, (*machine as u64) ^ id.0 << 16),
            Self::Resend { machine, .. } => (3, *machine as u64),
            Self::Orders { machine, orders, .. } => (4, (*machine as u64) ^ orders.sequence << 16),
            Self::Segment { machine, .. } => (5, *machine as u64),
            Self::Wake { machine, .. } => (6, *machine as u64),
            Self::Due => (7, 0),
            Self::Start(machine) => (8, *machine as u64),
            Self::Stop { machine, .. } => (9, *machine as u64),
            Self::ServerBack => (10, 0),
            Self::Owner(machine, here) => (11, (*machine as u64) ^ u64::from(*here) << 16),
            Self::Submit(job) => (12, *job),
            Self::Fault => (13, 0),
            Self::Calm => (14, 0),
            Self::Release => (15, 0),
        }
    }
}

/// SplitMix64's last step.
pub(super) fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
