//! Times at which something is due: each timer is set at most once.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{AttemptId, HostId, JobId};
use serde::{Deserialize, Serialize};

/// A timer: the check that is made when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Timer {
    /// Was the host silent?
    Silence(HostId),
    /// Was the offer taken?
    Offer(AttemptId),
    /// Did the attempt stop?
    Stop(AttemptId),
    /// Jobs leave the host now.
    Lead(HostId),
    /// The host leaves.
    Depart(HostId),
    /// The host's night is over.
    Back(HostId),
    /// The host's back-off is over.
    Backoff(HostId),
    /// The job's deadline comes near.
    Deadline(JobId),
    /// The job has waited long for its class.
    Restart(JobId),
    /// The attempt ends soon.
    Prefetch(AttemptId),
    /// The job ended long ago.
    Retire(JobId),
    /// The check has waited for a device, or for its decision.
    Check(JobId),
    /// The host may have work again.
    Parole(HostId),
    /// Did the attempt bring a boundary home?
    Stall(AttemptId),
}

/// All timers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, Timer)>", into = "Vec<(u64, Timer)>")]
pub(crate) struct Timers {
    due: BTreeSet<(u64, Timer)>,
    at: BTreeMap<Timer, u64>,
}

impl Timers {
    /// Sets or moves a timer.
    pub(crate) fn set(&mut self, timer: Timer, at_ms: u64) {
        if let Some(old) = self.at.insert(timer, at_ms) {
            self.due.remove(&(old, timer));
        }
        self.due.insert((at_ms, timer));
    }

    /// Forgets a timer.
    pub(crate) fn clear(&mut self, timer: Timer) {
        if let Some(old) = self.at.remove(&timer) {
            self.due.remove(&(old, timer));
        }
    }

    /// Whether both orders hold the same timers.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn check(&self) -> Result<(), String> {
        let same = self.due.len() == self.at.len() && self.due.iter().all(|(at, timer)| self.at.get(timer) == Some(at));
        super::require(same, || "the timers by time differ from those by subject".to_owned())
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Those that are due at `now`, in their order.
    pub(crate) fn due(&self, now_ms: u64) -> impl Iterator<Item = Timer> {
        let due = self.due.iter().take_while(move |(at, _)| *at <= now_ms);
        due.map(|(_, timer)| *timer)
    }

    /// Takes the next one that is due at `now`.
    pub(crate) fn pop(&mut self, now_ms: u64) -> Option<Timer> {
        let (at, timer) = *self.due.first()?;
        if at > now_ms {
            return None;
        }
        self.due.pop_first();
        self.at.remove(&timer);
        Some(timer)
    }
}

impl From<Vec<(u64, Timer)>> for Timers {
    fn from(list: Vec<(u64, Timer)>) -> Self {
        let mut timers = Self::default();
        for (at, timer) in list {
            timers.set(timer, at);
        }
        timers
    }
}

impl From<Timers> for Vec<(u64, Timer)> {
    fn from(timers: Timers) -> Self {
        timers.due.into_iter().collect()
    }
}
