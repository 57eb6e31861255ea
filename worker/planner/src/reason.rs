//! Reasons as types: why the agent does not compute, why it leaves, why a job failed. Sentences are made of them where a person reads them.

use protocol::{AttemptId, ErrorCause, Outcome};

/// Why nothing may be computed now.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A person asked for a pause.
    Asked {
        /// Milliseconds that are left of it; none until a person says otherwise.
        left_ms: Option<u64>,
    },
    /// The machine runs on battery.
    OnBattery,
    /// A program runs beside which nothing is to be computed.
    ExclusiveApp(String),
    /// Somebody uses the machine.
    UserActive,
    /// None of the devices to compute on is here.
    NoDevice,
    /// Outside of the hours in which to compute.
    OffHours {
        /// Minute of the local week in which computing begins again.
        opens: u16,
    },
    /// As many bytes went over the network in this calendar month as may.
    MonthUsedUp {
        /// Bytes that may.
        max_bytes: u64,
    },
    /// The state folder is full.
    DiskFull {
        /// Bytes in it.
        used_bytes: u64,
        /// Bytes that it may have.
        max_bytes: u64,
    },
}

impl Reason {
    /// Whether both are the same reason, whatever their numbers are: seconds that are left and bytes on disk change all the time.
    #[must_use]
    pub fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Asked { left_ms: a }, Self::Asked { left_ms: b }) => a.is_some() == b.is_some(),
            (Self::ExclusiveApp(a), Self::ExclusiveApp(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Why the agent is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Ctrl-C or SIGTERM.
    Signal,
    /// A person asked it to finish, and the last job is home.
    Finished,
    /// `exit_when_idle`, and there is nothing to do.
    NothingToDo,
}

/// Where the agent is, as the server is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// Here, taking jobs or not.
    Here,
    /// Paused for so long that its jobs should migrate.
    Away {
        /// Reason of the pause.
        reason: Reason,
        /// Expected back after so many milliseconds.
        back_in_ms: Option<u64>,
    },
    /// About to end: its jobs should migrate.
    Leaving(Leaving),
}

impl Presence {
    /// Whether the server needs no word of the change: an absence is announced once, though its reason and length change.
    #[must_use]
    pub fn same_kind(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Away { .. }, Self::Away { .. }) => true,
            _ => self == other,
        }
    }
}

/// Why the agent takes no new jobs, as a heartbeat says.
#[derive(Clone, Debug, PartialEq)]
pub enum Declined {
    /// Nothing may be computed now.
    Paused(Reason),
    /// It completes what it has, and ends.
    Finishing,
    /// It is about to end.
    Leaving(Leaving),
    /// The server gives new work to agents of this version or newer alone.
    Outdated(String),
    /// The next lease is for this project of the same agent.
    Elsewhere(String),
}

/// Why a device slot computes nothing. There is one for every slot that does not compute.
#[derive(Clone, Debug, PartialEq)]
pub enum Idle {
    /// The agent is about to end.
    Leaving(Leaving),
    /// Nothing may be computed now.
    Paused(Reason),
    /// The server has not given this host a number yet.
    NotRegistered,
    /// The server has not answered since the agent began.
    NotHeard,
    /// The next job's package and checkpoint are on their way.
    Fetching(AttemptId),
    /// The next job waits for the device to be free of the one before, or begins at once.
    Beginning(AttemptId),
    /// The job has stopped, and its boundaries go home.
    Returning(AttemptId),
    /// The server does not list the job any more, and is asked again.
    Doubted(AttemptId),
    /// So many boundaries wait for the server that computing waits too.
    Backlogged(AttemptId),
    /// The device was lost, and is looked for.
    DeviceLost,
    /// The device is not here any more.
    DeviceGone,
    /// The agent completes what it has, and takes no more.
    Finishing,
    /// The server gives new work to agents of this version or newer alone.
    Outdated(String),
    /// The device is this project's, or its turn.
    Elsewhere(String),
    /// Offers are being taken.
    TakingOffers,
    /// The server's own words.
    Server(String),
    /// The server has listed neither a job nor a reason.
    NoJob,
}

/// What lies behind a failure: it decides who should try next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The package: every host would fail in the same way.
    Package,
    /// This machine (disk, memory, driver): another one may do it.
    Host,
    /// The device was lost: its driver was reset or updated, it was unplugged, the machine slept. It may be back at once.
    DeviceLost,
    /// Bits that differ from those on record.
    Mismatch,
    /// Not known.
    Unknown,
}

impl Cause {
    /// The outcome of an attempt that ends so.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Package | Self::Unknown => Outcome::ClientError,
            Self::Host | Self::DeviceLost => Outcome::Aborted,
            Self::Mismatch => Outcome::Mismatch,
        }
    }
}

impl From<Cause> for ErrorCause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Package => Self::Package,
            Cause::Host | Cause::DeviceLost | Cause::Mismatch | Cause::Unknown => Self::Host,
        }
    }
}

/// Why a job cannot go on here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Part that is at fault.
    pub cause: Cause,
    /// What happened, in a sentence.
    pub text: String,
}

impl Failure {
    /// A failure with its text.
    #[must_use]
    pub fn new(cause: Cause, text: impl Into<String>) -> Self {
        Self {
            cause,
            text: text.into(),
        }
    }
}
