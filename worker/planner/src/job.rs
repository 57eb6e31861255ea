//! One lease: where it stands here, and what it needs next. A pure look at it.

use protocol::http::{Action, Lease};

use crate::boundaries::{Boundary, Record};
use crate::effect::{Contributed, Control, ErrandId, RunId};
use crate::reason::Failure;
use crate::time::Time;

/// Where a job stands on its way to the device and off it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its package and checkpoint are on their way.
    Fetching,
    /// All is here; it waits for its device.
    Ready,
    /// A thread computes it.
    Computing,
    /// Off the device: finished, told to stop, or failed.
    Stopped,
}

/// [`Stage`], with what is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Fetching(ErrandId),
    Ready,
    Computing(RunId),
    Stopped,
}

/// What is on its way to the server. A commit and an end exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Nothing,
    /// Boundaries up to this one.
    Commit {
        errand: ErrandId,
        up_to: u64,
        gained: Contributed,
    },
    /// Its end.
    End(ErrandId),
}

/// Whether the server takes the job's boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    Wanted,
    /// It refused one: the others are no use either.
    Refused,
}

/// Which answers of the server said that a lease is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// The last orders do not list it.
    pub(crate) unlisted: bool,
    /// It refused the last commit.
    pub(crate) refused: bool,
}

/// Whether a job's device is here, and computes its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It does.
    Fits,
    /// It did until this moment: what was computed is to go home.
    LostAt(Time),
    /// It did not when the lease came: the server did not know yet.
    Never,
}

/// A lease that is held here.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// As last told.
    pub(crate) lease: Lease,
    pub(crate) work: Work,
    pub(crate) delivery: Delivery,
    pub(crate) failure: Option<Failure>,
    pub(crate) results: Results,
    pub(crate) record: Record,
    /// Steps of a segment; none before the package is here.
    pub(crate) steps_per_segment: Option<u64>,
    /// Time of a segment, milliseconds, a running mean; 0 before the first.
    pub(crate) segment_ms: u64,
    /// It was held before the agent started.
    pub(crate) is_of_earlier_life: bool,
    /// When it last began to compute.
    pub(crate) computes_since: Time,
    /// When a boundary of it was last committed, or else when the lease was taken.
    pub(crate) safe_at: Time,
    /// What its thread was told last.
    pub(crate) control: Control,
    /// Answers of the server by which the lease is over. It has boundaries that the server lacks, so one answer alone is not believed.
    pub(crate) doubts: Doubts,
    /// Errands of it that were refused wait until then.
    pub(crate) retry_at: Time,
    /// Whether its device can compute it.
    pub(crate) place: Place,
    /// How often its device was lost since its last boundary.
    pub(crate) losses: u32,
    /// Last boundary that its thread has reached, so that a repeated note is known as one.
    pub(crate) noted: Option<u64>,
}

impl Job {
    /// A lease that was just told.
    pub(crate) fn new(lease: Lease, work: Work, now: Time) -> Self {
        Self {
            record: Record::new(lease.checkpoint.as_ref().map(|safe| safe.entry.segment)),
            lease,
            work,
            delivery: Delivery::Nothing,
            failure: None,
            results: Results::Wanted,
            steps_per_segment: None,
            segment_ms: 0,
            is_of_earlier_life: false,
            computes_since: now,
            safe_at: now,
            control: Control::Compute,
            doubts: Doubts::default(),
            retry_at: Time(0),
            place: Place::Fits,
            losses: 0,
            noted: None,
        }
    }

    /// The job's stage.
    pub(crate) fn stage(&self) -> Stage {
        match self.work {
            Work::Fetching(_) => Stage::Fetching,
            Work::Ready => Stage::Ready,
            Work::Computing(_) => Stage::Computing,
            Work::Stopped => Stage::Stopped,
        }
    }

    /// Whether it is to stop: told so, because it failed, or because its device cannot compute it any more.
    pub(crate) fn is_stopping(&self) -> bool {
        let told = matches!(self.lease.action, Action::StopAtBoundary | Action::StopNow);
        told || self.failure.is_some() || self.place != Place::Fits
    }

    /// Whether it is off the device.
    pub(crate) fn is_stopped(&self) -> bool {
        self.work == Work::Stopped
    }

    /// Whether its last boundary is reached.
    pub(crate) fn is_finished(&self) -> bool {
        self.steps_per_segment.is_some() && self.record.reached() >= self.until()
    }

    /// The boundary at which it ends: the lease's, or the one at which the package itself ended it.
    pub(crate) fn until(&self) -> u64 {
        match self.record.is_over() {
            true => self.record.reached(),
            false => self.lease.until_segment,
        }
    }

    /// Whether something of it can be brought home.
    pub(crate) fn has_news(&self) -> bool {
        self.results == Results::Wanted && self.record.has_news()
    }

    /// Whether its folder may hold what an earlier life computed, and was not looked into yet.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_of_earlier_life && self.steps_per_segment.is_none() && self.failure.is_none()
    }

    /// Whether something of it can be brought home, as far as its folder was looked into.
    pub(crate) fn may_have_news(&self) -> bool {
        self.has_news() || self.is_unread()
    }

    /// The boundary that is on its way to the server: its checkpoint has to stay.
    pub(crate) fn on_its_way(&self) -> Option<u64> {
        match self.delivery {
            Delivery::Commit { up_to, .. } => Some(up_to),
            Delivery::Nothing | Delivery::End(_) => None,
        }
    }

    /// What a thread that computes it is to do.
    pub(crate) fn wanted_control(&self, is_paused: bool, leaves: bool) -> Control {
        match self.lease.action {
            _ if self.failure.is_some() => Control::StopNow,
            Action::StopNow => Control::StopNow,
            _ if self.doubts.unlisted => Control::Pause,
            _ if self.place != Place::Fits && is_paused => Control::StopNow,
            _ if self.place != Place::Fits => Control::StopAtBoundary,
            Action::StopAtBoundary if is_paused => Control::StopNow,
            Action::StopAtBoundary => Control::StopAtBoundary,
            Action::Run | Action::Wait if is_paused => Control::Pause,
            // The server may be away; it will say the same.
            Action::Run | Action::Wait if leaves => Control::StopAtBoundary,
            Action::Run | Action::Wait if self.record.is_backlogged() => Control::Pause,
            Action::Run | Action::Wait => Control::Compute,
        }
    }

    /// The moment at which a commit is due for the time that has passed; none while there is nothing to bring or something under way.
    pub(crate) fn commit_due(&self) -> Option<Time> {
        if self.delivery != Delivery::Nothing || !self.has_news() {
            return None;
        }
        if self.is_stopped() || self.record.is_full() || self.doubts.unlisted {
            return Some(self.retry_at);
        }
        let ms = self.lease.commit_every_s.saturating_mul(1000);
        (!self.is_stopping()).then(|| self.safe_at.after(ms).max(self.retry_at))
    }

    /// Whether it has stopped for good and all of it is committed, so that its end can be reported.
    pub(crate) fn has_ended(&self) -> bool {
        let is_done = self.is_finished() && self.failure.is_none();
        self.is_stopping() && self.is_stopped() && self.delivery == Delivery::Nothing && !self.has_news() && !is_done
    }

    /// Whether its last boundary is on its way to the server.
    pub(crate) fn is_completing(&self) -> bool {
        self.is_stopped() && self.on_its_way().is_some_and(|up_to| up_to >= self.until())
    }

    /// A boundary took so long: the running mean of a segment's time. Whether it is the first.
    pub(crate) fn count_time(&mut self, boundary: &Boundary) -> bool {
        let is_first = self.segment_ms == 0;
        self.segment_ms = match self.segment_ms {
            0 => boundary.ms.max(1),
            before => before.saturating_mul(3).saturating_add(boundary.ms).div_ceil(4),
        };
        is_first
    }
}
