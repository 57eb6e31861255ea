//! A lease that the agent holds, and what has to be done about it next: a pure look at it, without clock or network.
//!
//! Invariant: a boundary stays on disk until the server has it or the lease is gone; what lies between two kept checkpoints never exceeds
//! what one commit may hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use kernels::package::Package;
use protocol::Outcome;
use protocol::http::lease::COMMIT_ENTRIES_MAX;
use protocol::http::{Action, Lease};

use super::compute::Gate;
use super::errands::Arrived;
use super::record::{JobFolder, JobStart, Kept};

/// Outputs that wait for a commit: more make one due.
const PENDING_BYTES_MAX: u64 = 128 << 20;
/// Boundaries between two kept checkpoints, at most: half of what a commit may hold.
const STRIDE: u64 = COMMIT_ENTRIES_MAX as u64 / 2;

/// Where a lease stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its package and checkpoint are on their way.
    Fetching,
    /// All is here; it waits for its turn.
    Ready,
    /// A thread has it.
    Computing,
    /// Its thread has stopped, or it was stopped before one began.
    Stopped,
}

/// A lease that the agent holds.
pub(crate) struct Held {
    /// As last told.
    pub(crate) lease: Lease,
    /// Its folder.
    pub(crate) folder: JobFolder,
    /// Where it stands.
    pub(crate) phase: Phase,
    /// Its package, once that is here.
    pub(crate) package: Option<Arc<Package>>,
    /// Where it goes on, from when that was read until a thread takes it.
    pub(crate) start: Option<JobStart>,
    /// Boundaries that are not safe yet, in order; C0 among them when nothing is.
    pub(crate) pending: Vec<Kept>,
    /// Last boundary reached here.
    pub(crate) reached: u64,
    /// Last boundary that is safe on the server; none when not even C0 is.
    pub(crate) committed: Option<u64>,
    /// Time of a segment, milliseconds.
    pub(crate) segment_ms: u64,
    /// What its thread is told.
    pub(crate) gate: Arc<Gate>,
    /// Steps handed to the device.
    pub(crate) step: Arc<AtomicU64>,
    /// Boundaries are on their way home, up to this one.
    pub(crate) homing: Option<u64>,
    /// Its end is being told.
    pub(crate) ending: bool,
    /// Why it cannot go on here.
    pub(crate) failed: Option<(Outcome, String)>,
    /// Its boundaries are not taken: they are no use any more.
    pub(crate) spoiled: bool,
    /// When something of it was last safe.
    pub(crate) committed_at: Instant,
    /// Its network errand; stopped when the lease is gone.
    pub(crate) errand: Option<tokio::task::AbortHandle>,
    /// When it began to compute here.
    pub(crate) began: Option<Instant>,
}

impl Held {
    /// Told to stop.
    pub(crate) fn stopping(&self) -> bool {
        matches!(self.lease.action, Action::StopAtBoundary | Action::StopNow) || self.failed.is_some()
    }

    /// Whether its work on the device is over.
    pub(crate) fn off_device(&self) -> bool {
        self.phase == Phase::Stopped
    }

    /// Whether its last boundary is reached.
    pub(crate) fn finished(&self) -> bool {
        self.reached >= self.lease.until_segment && self.package.is_some()
    }

    /// Its package and the boundary to go on from are here.
    pub(crate) fn arrive(&mut self, arrived: Arrived) {
        let Arrived { package, start } = arrived;
        let committed = self.committed;
        let is_safe = |kept: &Kept| committed.is_some_and(|committed| kept.entry.segment <= committed);
        self.pending = start.lines.iter().filter(|kept| !is_safe(kept)).cloned().collect();
        self.reached = start.journal.last().segment;
        self.package = Some(package);
        self.start = Some(start);
    }

    /// A boundary was reached.
    pub(crate) fn reach(&mut self, kept: Kept) {
        self.reached = kept.entry.segment;
        self.segment_ms = match self.segment_ms {
            0 => kept.ms.max(1),
            before => (3 * before + kept.ms).div_ceil(4),
        };
        // Computed again, from an older boundary: the newer one counts.
        self.pending.retain(|before| before.entry.segment < kept.entry.segment);
        self.pending.push(kept);
        self.prune();
    }

    /// Boundaries up to `segment` are safe.
    pub(crate) fn safe(&mut self, segment: u64) {
        if self.committed.is_some_and(|committed| committed >= segment) {
            return;
        }
        let gone = self.pending.iter().take_while(|kept| kept.entry.segment <= segment).count();
        for kept in self.pending.drain(..gone) {
            drop(std::fs::remove_file(self.folder.outputs(kept.entry.segment)));
        }
        self.committed = Some(segment);
        self.prune();
    }

    /// Whether there is something to bring home.
    pub(crate) fn has_news(&self) -> bool {
        !self.spoiled && self.pending.iter().any(|kept| kept.blob.is_some())
    }

    /// Whether outputs pile up.
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() as u64 >= STRIDE
            || self.pending.iter().map(|kept| kept.output_bytes).sum::<u64>() > PENDING_BYTES_MAX
    }

    /// What to bring home next: boundaries from the first that is not safe up to one whose checkpoint is on disk.
    pub(crate) fn load(&self) -> Vec<Kept> {
        let on_disk = self.folder.on_disk();
        let mut bytes = 0;
        let mut target = None;
        for (index, kept) in self.pending.iter().enumerate() {
            bytes += kept.output_bytes;
            if index >= COMMIT_ENTRIES_MAX || target.is_some() && bytes > 4 * PENDING_BYTES_MAX {
                break;
            }
            if kept.blob.is_some() && on_disk.contains(&kept.entry.segment) {
                target = Some(index);
            }
        }
        target.map_or(Vec::new(), |target| self.pending[..=target].to_vec())
    }

    /// Delete checkpoints that nothing needs: all but the last two, the one that is on its way, and milestones between what is safe and
    /// what is reached.
    fn prune(&self) {
        let on_disk: Vec<u64> = self.folder.on_disk().into_iter().collect();
        for segment in deletable(&on_disk, &self.pending, self.homing) {
            drop(std::fs::remove_file(self.folder.checkpoint(segment)));
        }
    }
}

/// Checkpoints of `on_disk` (ascending) that nothing needs.
fn deletable(on_disk: &[u64], pending: &[Kept], homing: Option<u64>) -> Vec<u64> {
    let older = &on_disk[..on_disk.len().saturating_sub(2)];
    let first = pending.first().map(|kept| kept.entry.segment);
    let mut base = first.map_or(u64::MAX, |first| first.saturating_sub(1));
    let bytes = |from: u64, to: u64| {
        let between = pending
            .iter()
            .filter(|kept| kept.entry.segment > from && kept.entry.segment <= to);
        between.map(|kept| kept.output_bytes).sum::<u64>()
    };
    let mut deletable = BTreeSet::new();
    for (index, segment) in older.iter().enumerate() {
        if *segment <= base {
            deletable.insert(*segment);
            continue;
        }
        let next = on_disk[index + 1];
        let too_far = next - base > STRIDE || bytes(base, next) > PENDING_BYTES_MAX;
        if too_far {
            base = *segment;
        } else {
            deletable.insert(*segment);
        }
    }
    deletable.into_iter().filter(|segment| Some(*segment) != homing).collect()
}

#[cfg(test)]
mod tests {
    use protocol::{ChainEntry, Digest};

    use super::*;

    fn kept(segment: u64, output_bytes: u64) -> Kept {
        let nothing = Digest([0; 32]);
        let entry = ChainEntry {
            segment,
            step: segment,
            digest: nothing,
            parent: nothing,
            content: nothing,
            outputs: nothing,
        };
        Kept {
            entry,
            ms: 1,
            blob: Some(nothing),
            output_bytes,
            non_finite: None,
        }
    }

    /// What is on disk after boundaries 1 to `last`, of which `safe` are safe, were reached one after the other.
    fn after(last: u64, safe: u64, output_bytes: u64) -> Vec<u64> {
        let mut on_disk = Vec::new();
        for segment in 1..=last {
            on_disk.push(segment);
            let pending: Vec<Kept> = (safe + 1..=segment).map(|segment| kept(segment, output_bytes)).collect();
            let gone = deletable(&on_disk, &pending, None);
            on_disk.retain(|segment| !gone.contains(segment));
        }
        on_disk
    }

    #[test]
    fn two_checkpoints_stay_and_no_gap_exceeds_a_commit() {
        assert_eq!(after(9, 9, 0), [8, 9]);
        assert_eq!(after(9, 0, 0), [8, 9]);
        let long = after(5000, 0, 0);
        assert_eq!(long, [STRIDE, 2 * STRIDE, 4999, 5000]);
        let heavy = after(10, 0, PENDING_BYTES_MAX / 2);
        let gaps = heavy.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.max() <= Some(4), "{heavy:?}");
    }

    #[test]
    fn the_one_on_its_way_stays() {
        let pending = [kept(1, 0), kept(2, 0), kept(3, 0), kept(4, 0)];
        assert_eq!(deletable(&[1, 2, 3, 4], &pending, Some(1)), [2]);
    }
}
