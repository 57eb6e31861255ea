//! Events that the scheduler takes in, its replies and refusals, and the commands for what has to be done outside.

use protocol::http::{Change, Commit, Committed, EndAttempt, Heartbeat, LeaveNotice, RegisterHost, SubmitJob};
use protocol::{AttemptId, ChainEntry, Digest, HardwareClass, HostId, JobId};
use serde::{Deserialize, Serialize};

use super::{Config, Finished, Note};
use crate::rules::{MESSAGE_CHARS_MAX, REASON_CHARS_MAX};

/// Something that happened, already checked for form. With its time it is all that the core ever learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Time went by: timers that are due fire now, and at no other event.
    Tick,
    /// The server was away and is back: nobody's silence counts.
    Restarted,
    /// The state comes from a backup: hosts may hold numbers that it never gave. Leases end, and numbers go on far above.
    Restored,
    /// The operator's settings.
    Configure(Config),
    /// A host registers for the first time (`host` is none) or again.
    Register {
        /// The host, when it has registered before.
        host: Option<HostId>,
        /// Its name and devices.
        body: RegisterHost,
        /// Digest of the address it came from.
        address: u64,
        /// Where it comes from.
        #[serde(default)]
        origin: Origin,
    },
    /// A host reports.
    Heartbeat {
        /// The host.
        host: HostId,
        /// Its report.
        beat: Heartbeat,
        /// Digest of the address it came from.
        address: u64,
    },
    /// Hosts were heard, and nothing else has changed: what was noted of them.
    Heard(Vec<Note>),
    /// A host announces that it leaves.
    Leave {
        /// The host.
        host: HostId,
        /// When it leaves, and why.
        notice: LeaveNotice,
    },
    /// A host takes its announcement back.
    Return {
        /// The host.
        host: HostId,
    },
    /// A host takes all its offers.
    Take {
        /// The host.
        host: HostId,
    },
    /// Boundaries are committed; their blobs are whole.
    Commit {
        /// The host.
        host: HostId,
        /// The attempt.
        attempt: AttemptId,
        /// The boundaries.
        commit: Commit,
        /// Class in the checkpoint's header.
        class: HardwareClass,
        /// Bytes of the checkpoint's blob.
        bytes: u64,
        /// Bytes of the outputs' blob.
        #[serde(default)]
        outputs_bytes: u64,
        /// The package itself ended the run at the last of them: the checkpoint's state says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        done: bool,
    },
    /// A host stopped an attempt.
    End {
        /// The host.
        host: HostId,
        /// The attempt.
        attempt: AttemptId,
        /// Outcome and reason.
        end: EndAttempt,
    },
    /// A scientist submits a job; its archive is whole.
    Submit {
        /// Subject of the token that submits: the owner of the job.
        user: String,
        /// The submission.
        job: Box<SubmitJob>,
        /// Bytes of the archive's blob.
        bytes: u64,
    },
    /// A finished job that left memory is needed again: another job is to start from it.
    Recall(Box<Finished>),
    /// A finished job that left memory is kept no longer, by the operator's rule.
    Expire {
        /// The job.
        job: JobId,
        /// Its owner.
        user: String,
        /// Bytes of its package and outputs.
        bytes: u64,
    },
    /// That a job has ended was told at the URL that it names, or given up.
    Noticed {
        /// The job.
        job: JobId,
    },
    /// Keep a job back.
    Hold {
        /// The job.
        job: JobId,
        /// Subject of the token that asks.
        by: String,
    },
    /// Let a held job go on.
    Release {
        /// The job.
        job: JobId,
        /// Subject of the token that asks.
        by: String,
    },
    /// Forget the errors for which a job is held, and let it go on.
    Retry {
        /// The job.
        job: JobId,
        /// Subject of the token that asks.
        by: String,
    },
    /// Stop a job for good.
    Cancel {
        /// The job.
        job: JobId,
        /// Subject of the token that asks.
        by: String,
    },
    /// Change a job's priority.
    Prioritize {
        /// The job.
        job: JobId,
        /// The priority from now on.
        priority: u8,
        /// Whether it stops others at once instead of at their next boundary.
        now: bool,
        /// Subject of the token that asks.
        by: String,
    },
    /// An operator bans a host: its leases end, and nothing that it sends is taken in.
    Ban {
        /// The host.
        host: HostId,
        /// Why.
        reason: String,
        /// Subject of the token that asks.
        by: String,
    },
    /// An operator takes a ban back.
    Unban {
        /// The host.
        host: HostId,
        /// Subject of the token that asks.
        by: String,
    },
    /// A host has no valid token any more: its leases end.
    Revoked {
        /// The host.
        host: HostId,
    },
    /// An operator gives a host no more work: what it has leaves it at the next boundary.
    Drain {
        /// The host.
        host: HostId,
        /// Why.
        reason: String,
        /// Subject of the token that asks.
        by: String,
    },
    /// An operator forgives a host the wrong results that checks found, or lets it have work again.
    Forgive {
        /// The host.
        host: HostId,
        /// Subject of the token that asks; empty in logs of older versions.
        #[serde(default)]
        by: String,
    },
    /// An operator lets the devices of a quarantined class have work again.
    ForgiveClass {
        /// The class.
        class: HardwareClass,
        /// Subject of the token that asks.
        #[serde(default)]
        by: String,
    },
}

impl Event {
    /// Cuts its texts to what the rules keep of them: the log keeps the whole event.
    pub fn cut(&mut self) {
        match self {
            Self::Heartbeat { beat, .. } => beat.why.iter_mut().for_each(|why| cut(why, REASON_CHARS_MAX)),
            Self::Leave { notice, .. } => cut(&mut notice.reason, REASON_CHARS_MAX),
            Self::Ban { reason, .. } | Self::Drain { reason, .. } => cut(reason, REASON_CHARS_MAX),
            Self::End { end, .. } => cut(&mut end.message, MESSAGE_CHARS_MAX),
            _ => {}
        }
    }

    /// The registered host that sends it, for what hosts send.
    pub(crate) fn sender(&self) -> Option<HostId> {
        match self {
            Self::Register { host, .. } => *host,
            Self::Heartbeat { host, .. }
            | Self::Leave { host, .. }
            | Self::Return { host }
            | Self::Take { host }
            | Self::Commit { host, .. }
            | Self::End { host, .. } => Some(*host),
            _ => None,
        }
    }

    /// The registered host that sends it, or about which an operator decides.
    pub(crate) fn about(&self) -> Option<HostId> {
        match self {
            Self::Ban { host, .. }
            | Self::Unban { host, .. }
            | Self::Revoked { host }
            | Self::Drain { host, .. }
            | Self::Forgive { host, .. } => Some(*host),
            other => other.sender(),
        }
    }
}

fn cut(text: &mut String, chars: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars) {
        text.truncate(at);
        text.shrink_to_fit();
    }
}

/// Where a host comes from: what tells one volunteer from another, as far as the server can know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Subject of the invitation with which it enrolled; none where volunteers share a token.
    pub subject: Option<String>,
    /// Digest of its network: the first 24 bits of an IPv4 address, 64 of an IPv6 address. 0 when unknown.
    pub network: u64,
    /// It is the operator's own: its result decides where others differ.
    #[serde(default)]
    pub referee: bool,
}

/// What an accepted event gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Accepted, with nothing to tell.
    Done,
    /// A new job.
    Job(JobId),
    /// A host's number.
    Host(HostId),
    /// Boundaries that are safe.
    Committed(Committed),
}

/// Why an event was refused. A refused event has changed nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A number that names no job.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// A number that names no host.
    #[error("there is no host {0}")]
    NoHost(HostId),
    /// A number that was never given to an attempt, or given to another host's.
    #[error("there is no attempt {0} of this host")]
    NoAttempt(AttemptId),
    /// The attempt ended before.
    #[error("attempt {0} is over: its job went on without it, or is done")]
    Over(AttemptId),
    /// An epoch that is not the attempt's.
    #[error("epoch {found} is stale: the lease has epoch {expected}")]
    StaleEpoch {
        /// The epoch of the message.
        found: u64,
        /// The epoch of the lease.
        expected: u64,
    },
    /// An operator banned the host, or another one from the same address.
    #[error("{0}")]
    Banned(String),
    /// Another agent speaks for the host.
    #[error(
        "host {0} is spoken for by another agent, which registered later: was the state folder copied? Stop one of the two, or give this one a \
         state folder of its own, so that it enrols anew"
    )]
    Instance(HostId),
    /// The job or host is in a state where this cannot be done.
    #[error("{0}")]
    State(String),
    /// More than a user may have.
    #[error("{0}")]
    Limit(String),
    /// A value that cannot be.
    #[error("{detail}")]
    Invalid {
        /// The field at fault.
        field: &'static str,
        /// What was found and what was expected.
        detail: String,
    },
}

impl Refusal {
    pub(crate) fn invalid(field: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            detail: detail.into(),
        }
    }
}

/// What is to be done outside once the event is durable.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A host's orders are not what they were.
    Orders(HostId),
    /// A job changed: keep it.
    Changed(JobId, Change),
    /// Boundaries of a job that are safe now, with the blob of their outputs.
    Chain(JobId, Vec<ChainEntry>, Option<Digest>),
    /// What is kept of a finished job is kept no longer.
    Expired(JobId),
    /// The job starts over: its boundaries are void.
    ChainReset(JobId),
    /// The job goes back to this boundary: those behind it are void.
    ChainCut(JobId, u64),
    /// A checkpoint that a later one of its job took the place of.
    Superseded(Digest),
    /// A finished job left memory: keep it.
    Retired(Box<Finished>),
}
