//! Everything that can go out. Effects are carried out in the order in which they were returned; none of them needs an answer within the same step.

use std::collections::BTreeSet;

use protocol::http::{Action, EndAttempt, JobProgress, Lease, Orders, RegisterHost};
use protocol::{AttemptId, Digest, HardwareClass, HostId, JobId};
use serde::{Deserialize, Serialize};

use crate::boundaries::Boundary;
use crate::reason::{Declined, Failure, Presence, Reason};

/// Names one errand: its answer comes back with it. No two errands of a planner have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrandId(pub u64);

/// Names one compute thread: its notes come back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// What a compute thread is to do; it looks between short stretches of steps. `kernels::run` knows all of it but the pause, which the thread
/// itself makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Compute.
    Compute,
    /// Wait between two stretches of steps, with the state on the device.
    Pause,
    /// Compute up to the next boundary, and stop there.
    StopAtBoundary,
    /// Stop now, and drop what was computed since the last boundary.
    StopNow,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Begin an errand over the network. It goes on until it is done, refused or cancelled, however long the server is away.
    Begin(ErrandId, Errand),
    /// Give an errand up; an answer that comes all the same is ignored.
    Cancel(ErrandId),
    /// Hold the stream of orders open, anew if it is open already.
    Listen,
    /// Start a compute thread on a device.
    Compute {
        /// The thread.
        run: RunId,
        /// The device's id.
        device: String,
        /// The job's attempt.
        attempt: AttemptId,
        /// Class that its bits are of.
        class: HardwareClass,
        /// Its last boundary.
        until_segment: u64,
    },
    /// Say to a compute thread what it is to do.
    SetControl(RunId, Control),
    /// A device has no next job: the time until one comes is no gap between two jobs.
    Unoccupied {
        /// The device's id.
        device: String,
    },
    /// Look for the devices of this machine again, since this one was lost. [`Input::Devices`](crate::Input::Devices) comes of it in any case.
    FindDevice {
        /// The device's id.
        lost: String,
    },
    /// Keep the orders, durably, for a restart.
    SaveOrders(Box<Orders>),
    /// Keep the count of work contributed.
    SaveContributed(Contributed),
    /// Delete the identity of this host and close the stream: the server has confirmed that it does not know it any more, or it is another
    /// agent's.
    ForgetHost,
    /// Delete files of a job that nothing needs any more.
    DeleteFiles {
        /// The job's attempt.
        attempt: AttemptId,
        /// Segments whose checkpoint goes.
        checkpoints: Vec<u64>,
        /// Segments whose outputs go: the server has them.
        outputs: Vec<u64>,
    },
    /// Keep a checkpoint among the fetched files: it is likely to be wanted again, here of all places.
    KeepCheckpoint {
        /// The job's attempt.
        attempt: AttemptId,
        /// Number of the boundary's segment.
        segment: u64,
        /// Digest of its file.
        blob: Digest,
    },
    /// Delete a job's folder: its lease is gone.
    DeleteJob(AttemptId),
    /// Delete the folders of all jobs but these: what an earlier run of the agent left.
    DeleteJobsExcept(BTreeSet<AttemptId>),
    /// Delete fetched files that are old and not among these.
    SweepFetched(BTreeSet<Digest>),
    /// Say something to the person.
    Say(Message),
    /// End the agent.
    Exit(Ending),
}

/// Something to be done over the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Errand {
    /// Register this host for the first time, and keep its identity.
    Enrol(Box<RegisterHost>),
    /// Tell the server what this host is now.
    Update(HostId, Box<RegisterHost>),
    /// Tell the server where this host is.
    Announce(HostId, Presence),
    /// Take the offers that wait.
    TakeOffers(HostId),
    /// Tell the server how far the jobs have come. Once: an answer that it is away comes back.
    Heartbeat(HostId, Beat),
    /// Bring everything here that a lease needs before it can be computed, and look into the job's folder.
    Fetch(Box<Lease>),
    /// Upload the last boundary's checkpoint and all outputs, and commit.
    Commit {
        /// The attempt.
        attempt: AttemptId,
        /// The lease's.
        epoch: u64,
        /// Boundaries in order, the last with a checkpoint on disk.
        boundaries: Vec<Boundary>,
    },
    /// Tell the server that an attempt has stopped here.
    End {
        /// The attempt.
        attempt: AttemptId,
        /// Outcome and reason.
        end: EndAttempt,
    },
}

/// What a heartbeat says, apart from what is known when it is sent (the clock, the round trip).
#[derive(Clone, Debug, PartialEq)]
pub struct Beat {
    /// How far each job has come.
    pub jobs: Vec<JobProgress>,
    /// Why no new jobs are taken; none when they are.
    pub declined: Option<Declined>,
}

/// Work contributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributed {
    /// Segments that are safe on the server.
    pub segments: u64,
    /// Their steps.
    pub steps: u64,
    /// Time they took, milliseconds.
    pub computed_ms: u64,
    /// Jobs whose last boundary was reached here.
    pub jobs: u64,
}

impl Contributed {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            segments: self.segments.saturating_add(other.segments),
            steps: self.steps.saturating_add(other.steps),
            computed_ms: self.computed_ms.saturating_add(other.computed_ms),
            jobs: self.jobs.saturating_add(other.jobs),
        }
    }
}

/// Something that a person should read.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// This host has a number.
    Registered(HostId),
    /// The server knows this host from before.
    Back(HostId),
    /// The server says that it does not know this host; in its words. It is asked again.
    Doubted(String),
    /// The server has said so again: what was computed under its leases is dropped. In its words.
    Forgotten(String),
    /// Another agent registered under the identity of this host; in the server's words. This one registers again.
    Contended(String),
    /// It does so again, and this one gives way. In the server's words.
    Copied(String),
    /// The server says that the lease of a job with boundaries that it lacks is over. It is asked again. In its words; none when its orders do not list it any more.
    LeaseDoubted {
        /// Number of the job.
        job: JobId,
        /// Why.
        why: Option<String>,
    },
    /// The server does not answer; why.
    ServerAway(String),
    /// The server answers again.
    ServerBack,
    /// Computing stops, and why.
    Paused(Reason),
    /// Nothing is in the way any more.
    Resumed,
    /// A signal asked for the end; jobs go home first where there are any.
    Leaving {
        /// Whether there are jobs.
        with_jobs: bool,
    },
    /// A signal asked for the end now.
    StoppingNow,
    /// The agent ends, and no job is left here.
    Ended,
    /// A job begins to compute.
    Computes {
        /// Number of the job.
        job: JobId,
        /// Its name.
        name: String,
        /// On which device.
        device: String,
        /// From which segment.
        segment: u64,
    },
    /// The server tells a job to stop.
    ToldToStop {
        /// Number of the job.
        job: JobId,
        /// At its next boundary, or at once.
        action: Action,
        /// Why, in the server's words.
        reason: String,
    },
    /// A job's last boundary is safe.
    Completed {
        /// Number of the job.
        job: JobId,
        /// Its last boundary.
        segment: u64,
    },
    /// All boundaries of a job that goes on elsewhere are safe.
    HandedOver {
        /// Number of the job.
        job: JobId,
        /// The boundary from which it goes on.
        segment: u64,
    },
    /// The lease of a job is over.
    LeaseOver {
        /// Number of the job.
        job: JobId,
        /// Whether something that was computed under it, and that the server lacks, is dropped.
        loses: bool,
        /// Why, in the server's words; none when the orders do not list it any more.
        why: Option<String>,
    },
    /// A device was lost while it computed a job, which goes on from its last boundary once the device is found again.
    DeviceLost {
        /// Number of the job.
        job: JobId,
        /// The device's id.
        device: String,
        /// What happened, in a sentence.
        why: String,
    },
    /// A job's device is gone, or has another class now: the job goes home and on elsewhere.
    Displaced {
        /// Number of the job.
        job: JobId,
        /// The device's id.
        device: String,
    },
    /// A job cannot go on here.
    Failed {
        /// Number of the job.
        job: JobId,
        /// Cause and text.
        failure: Failure,
    },
}

/// Why the agent ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing is left to do.
    Done,
    /// Stopped by a person with boundaries on disk: the next start goes on from them.
    Stopped,
    /// The server does not know this host, and there is no token to enrol it with.
    NoToken,
    /// Another agent runs under the identity of this host, and there is no token to enrol this one with. In the server's words.
    Copied(String),
    /// The server does not take this host. In a sentence.
    NotEnrolled(String),
}
