//! Attempts that are not over, and which of them may have to make room for a more urgent job.
//!
//! Invariant: an attempt stands in the pool exactly under the level that its row names, with the classes of its device.

use std::cmp::Reverse;

use protocol::{AttemptId, HardwareClass, JobId};
use serde::{Deserialize, Serialize};

use super::hosts::DeviceId;
use super::jobs::Need;
use super::pool::Pool;
use super::rows::Rows;

/// Why an attempt was told to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Cause {
    /// A more urgent job takes its device.
    Preempt,
    /// The host leaves.
    Leave,
    /// The owner holds it.
    Hold,
}

/// An order to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stop {
    pub(crate) cause: Cause,
    /// Not even to the next boundary.
    pub(crate) now: bool,
    pub(crate) reason: String,
}

/// How far the host has come with an attempt. Once told to stop it is *uploading*, once ended it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Stage {
    Offered,
    Leased,
    Running,
}

/// A host's try at a job. Lives only while it is not over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) job: JobId,
    pub(crate) device: DeviceId,
    pub(crate) class: HardwareClass,
    pub(crate) epoch: u64,
    pub(crate) batch: AttemptId,
    pub(crate) stage: Stage,
    pub(crate) stop: Option<Stop>,
    pub(crate) why: String,
    /// When the host last spoke of it.
    pub(crate) seen_ms: u64,
    /// Unix milliseconds since which compute time is charged to the user: the grant, or the last committed boundary.
    pub(crate) charged_ms: u64,
    /// Last boundary reached, safe or not.
    pub(crate) segment: u64,
    /// Granted for its age: not preempted before its first boundary is committed, or it would starve all the same.
    pub(crate) shielded: bool,
    /// Preemption priority, lowest preempted first; none: it cannot be preempted. Set by [`Attempts::set_yields`] alone.
    yields: Option<u8>,
}

impl Attempt {
    /// An offer, made now.
    pub(crate) fn offer(id: AttemptId, job: JobId, device: DeviceId, class: HardwareClass, epoch: u64, now_ms: u64) -> Self {
        Self {
            id,
            job,
            device,
            class,
            epoch,
            batch: id,
            stage: Stage::Offered,
            stop: None,
            why: String::new(),
            seen_ms: now_ms,
            charged_ms: now_ms,
            segment: 0,
            shielded: false,
            yields: None,
        }
    }

    /// The level under which it stands among those that may have to make room.
    pub(crate) fn yields(&self) -> Option<u8> {
        self.yields
    }

    /// Whether the host has it and was told to stop because of that.
    pub(crate) fn stops_for(&self, cause: &Cause) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.cause == *cause)
    }
}

/// Least urgent first, then the one that was granted last.
type Yielding = (u8, Reverse<AttemptId>);

/// All attempts that are not over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    rows: Rows<AttemptId, Attempt>,
    /// Number of the next attempt.
    next: u64,
    yielding: Pool<Yielding>,
}

impl Attempts {
    /// The table as it was saved. `classes` gives the classes of a device.
    pub(crate) fn restore<'a>(
        rows: Rows<AttemptId, Attempt>,
        next: u64,
        classes: impl Fn(DeviceId) -> &'a [HardwareClass],
    ) -> Self {
        let mut yielding = Pool::default();
        for attempt in rows.values() {
            if let Some(level) = attempt.yields {
                yielding.insert(classes(attempt.device), (level, Reverse(attempt.id)));
            }
        }
        Self { rows, next, yielding }
    }

    pub(crate) fn rows(&self) -> &Rows<AttemptId, Attempt> {
        &self.rows
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn get(&self, id: AttemptId) -> Option<&Attempt> {
        self.rows.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        self.rows.get_mut(&id)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Attempt> {
        self.rows.values()
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Attempt> {
        self.rows.values_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the number was ever given.
    pub(crate) fn was_given(&self, id: AttemptId) -> bool {
        id.0 > 0 && id.0 < self.next
    }

    /// From now on numbers are given from so much further on.
    pub(crate) fn skip_numbers(&mut self, by: u64) {
        self.next = self.next.saturating_add(by);
    }

    /// Gives a number.
    pub(crate) fn number(&mut self) -> AttemptId {
        let id = AttemptId(self.next);
        self.next += 1;
        id
    }

    /// Adds a row that does not yield yet.
    pub(crate) fn insert(&mut self, attempt: Attempt) {
        debug_assert!(attempt.yields.is_none(), "a new attempt stands in no pool");
        self.rows.insert(attempt.id, attempt);
    }

    /// Takes a row out, and its place in the pool. `classes` are those of its device.
    pub(crate) fn remove(&mut self, id: AttemptId, classes: &[HardwareClass]) -> Option<Attempt> {
        self.set_yields(id, None, classes);
        self.rows.remove(&id)
    }

    /// Lists an attempt under a level among those that may have to make room, or not at all. `classes` are those of its device.
    pub(crate) fn set_yields(&mut self, id: AttemptId, level: Option<u8>, classes: &[HardwareClass]) {
        let Some(attempt) = self.rows.get_mut(&id) else { return };
        if attempt.yields == level {
            return;
        }
        if let Some(old) = attempt.yields {
            self.yielding.remove(classes, (old, Reverse(id)));
        }
        if let Some(new) = level {
            self.yielding.insert(classes, (new, Reverse(id)));
        }
        attempt.yields = level;
    }

    /// The attempt that makes room first where a job with that need runs, with its level.
    pub(crate) fn first_to_yield(&self, need: Need) -> Option<(u8, AttemptId)> {
        let (level, Reverse(id)) = *self.yielding.fitting(need)?.first()?;
        Some((level, id))
    }

    /// Attempts that may make room on a device of a class, in the order in which they do.
    pub(crate) fn yielding_on(&self, class: HardwareClass) -> impl Iterator<Item = (u8, AttemptId)> {
        let fitting = self.yielding.fitting(Need::Class(class)).into_iter().flatten();
        fitting.map(|(level, Reverse(id))| (*level, *id))
    }

    /// Whether the pool is what the rows say.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn check<'a>(&self, classes: impl Fn(DeviceId) -> &'a [HardwareClass]) -> Result<(), String> {
        let rebuilt = Self::restore(self.rows.clone(), self.next, classes);
        super::require(self.yielding == rebuilt.yielding, || {
            "the pool of yielding attempts differs from what the attempts say".to_owned()
        })
    }
}
