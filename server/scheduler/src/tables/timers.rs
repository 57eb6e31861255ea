//! Times at which something is due: each timer is set at most once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use protocol::{AttemptId, HostId, JobId};
use serde::{Deserialize, Serialize};

use super::blocks::Blocks;

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

impl Timer {
    /// Its kind and the number of what it is of: the place where its time is kept.
    fn place(self) -> (usize, u64) {
        match self {
            Self::Silence(HostId(of)) => (0, of),
            Self::Offer(AttemptId(of)) => (1, of),
            Self::Stop(AttemptId(of)) => (2, of),
            Self::Lead(HostId(of)) => (3, of),
            Self::Depart(HostId(of)) => (4, of),
            Self::Back(HostId(of)) => (5, of),
            Self::Backoff(HostId(of)) => (6, of),
            Self::Deadline(JobId(of)) => (7, of),
            Self::Restart(JobId(of)) => (8, of),
            Self::Prefetch(AttemptId(of)) => (9, of),
            Self::Retire(JobId(of)) => (10, of),
            Self::Check(JobId(of)) => (11, of),
            Self::Parole(HostId(of)) => (12, of),
            Self::Stall(AttemptId(of)) => (13, of),
        }
    }
}

/// Kinds of timers.
const KINDS: usize = 14;
/// Outdated entries that a small heap may hold beside as many as there are timers.
const OUTDATED_MIN: usize = 64;

/// All timers. A timer that moves leaves its old entry in the heap, which counts no more: an entry counts while its time is that of its timer. So a
/// move touches neither the old entry nor the order of others. The first entry always counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, Timer)>", into = "Vec<(u64, Timer)>")]
pub(crate) struct Timers {
    due: BinaryHeap<Reverse<(u64, Timer)>>,
    at: [Blocks<u64>; KINDS],
}

impl PartialEq for Timers {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Timers {
    /// Sets or moves a timer.
    pub(crate) fn set(&mut self, timer: Timer, at_ms: u64) {
        let (kind, of) = timer.place();
        if self.at[kind].insert(of, at_ms) == Some(at_ms) {
            return;
        }
        self.due.push(Reverse((at_ms, timer)));
        self.tidy();
    }

    /// Forgets a timer.
    pub(crate) fn clear(&mut self, timer: Timer) {
        let (kind, of) = timer.place();
        if self.at[kind].remove(of).is_some() {
            self.tidy();
        }
    }

    fn counts(&self, (at_ms, timer): (u64, Timer)) -> bool {
        let (kind, of) = timer.place();
        self.at[kind].get(of) == Some(&at_ms)
    }

    /// Takes entries that do not count off the top, and all of them when they are the most.
    fn tidy(&mut self) {
        while self.due.peek().is_some_and(|first| !self.counts(first.0)) {
            self.due.pop();
        }
        let timers: usize = self.at.iter().map(Blocks::len).sum();
        if self.due.len() > 2 * timers + OUTDATED_MIN {
            let due = std::mem::take(&mut self.due);
            self.due = due.into_iter().filter(|entry| self.counts(entry.0)).collect();
        }
    }

    /// Whether the heap holds every timer, with one that counts on top.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn check(&self) -> Result<(), String> {
        let timers: usize = self.at.iter().map(Blocks::len).sum();
        let top = self.due.peek().is_none_or(|first| self.counts(first.0));
        super::require(top && self.sorted(u64::MAX).len() == timers, || {
            "the timers by time differ from those by subject".to_owned()
        })
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Those that are due at `now`, in their order.
    pub(crate) fn due(&self, now_ms: u64) -> impl Iterator<Item = Timer> {
        self.sorted(now_ms).into_iter().map(|(_, timer)| timer)
    }

    /// Timers up to a time, in their order: below an entry of the heap that is later there is none.
    fn sorted(&self, upto_ms: u64) -> Vec<(u64, Timer)> {
        let heap = self.due.as_slice();
        let (mut look, mut found) = (vec![0], Vec::new());
        while let Some(place) = look.pop() {
            let Some(Reverse(entry)) = heap.get(place).filter(|entry| entry.0.0 <= upto_ms) else {
                continue;
            };
            if self.counts(*entry) {
                found.push(*entry);
            }
            look.extend([2 * place + 1, 2 * place + 2]);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Takes the next one that is due at `now`.
    pub(crate) fn pop(&mut self, now_ms: u64) -> Option<Timer> {
        let Reverse((at, timer)) = *self.due.peek()?;
        if at > now_ms {
            return None;
        }
        self.clear(timer);
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
        timers.sorted(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What timers are: a time for each, and the earliest first.
    fn by_time(times: &BTreeMap<Timer, u64>) -> Vec<(u64, Timer)> {
        let mut list: Vec<(u64, Timer)> = times.iter().map(|(timer, at)| (*at, *timer)).collect();
        list.sort_unstable();
        list
    }

    proptest! {
        #[test]
        fn timers_are_due_in_order_however_they_were_moved(steps in prop::collection::vec((0..4_u8, 0..3_u64, 0..200_u64, 0..40_u64), 1..400)) {
            let (mut timers, mut times) = (Timers::default(), BTreeMap::new());
            for (what, kind, of, at) in steps {
                let timer = match kind {
                    0 => Timer::Silence(HostId(of)),
                    1 => Timer::Stop(AttemptId(of)),
                    _ => Timer::Deadline(JobId(of)),
                };
                match what {
                    0 | 1 => {
                        timers.set(timer, at);
                        times.insert(timer, at);
                    }
                    2 => {
                        timers.clear(timer);
                        times.remove(&timer);
                    }
                    _ => {
                        let first = by_time(&times).first().copied().filter(|first| first.0 <= at);
                        prop_assert_eq!(timers.pop(at), first.map(|first| first.1));
                        first.map(|first| times.remove(&first.1));
                    }
                }
                prop_assert_eq!(timers.next(), by_time(&times).first().map(|first| first.0));
                let due: Vec<Timer> = by_time(&times).into_iter().filter(|first| first.0 <= at).map(|first| first.1).collect();
                prop_assert_eq!(timers.due(at).collect::<Vec<_>>(), due);
                prop_assert_eq!(timers.check(), Ok(()));
            }
            prop_assert!(timers.due.len() <= 2 * times.len() + OUTDATED_MIN);
            prop_assert_eq!(Vec::from(timers), by_time(&times));
        }
    }
}
