//! The boundaries of one job that are on disk here: which of them to commit next, and which files nothing needs any more.
//!
//! Invariants: outputs stay until saved orders say that the server has their boundary; the two newest checkpoints stay; what lies between two kept checkpoints never
//! exceeds what one commit may hold.

use std::collections::BTreeSet;

use protocol::http::lease::COMMIT_ENTRIES_MAX;
use protocol::{ChainEntry, Digest};

/// Outputs that wait for a commit: more make one due.
pub const PENDING_BYTES_MAX: u64 = 128 << 20;
/// Outputs of one commit, at most, where it can end before.
pub const COMMIT_BYTES_MAX: u64 = 4 * PENDING_BYTES_MAX;
/// Boundaries between two kept checkpoints, at most: half of what a commit may hold.
const STRIDE: u64 = COMMIT_ENTRIES_MAX as u64 / 2;
/// Boundaries that may wait for a server that is away; computing waits then. About 15 MB.
pub const BACKLOG_MAX: usize = 1 << 16;

/// A boundary that was reached here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Its place in the chain.
    pub entry: ChainEntry,
    /// Time its segment took, milliseconds.
    pub ms: u64,
    /// Digest of its checkpoint's file; none for the boundary that the folder began with.
    pub checkpoint: Option<Digest>,
    /// Bytes of its segment's outputs.
    pub output_bytes: u64,
    /// The package itself ended the run here: no segment follows.
    pub is_last: bool,
}

/// Files that nothing needs any more, by segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unneeded {
    pub(crate) checkpoints: Vec<u64>,
    pub(crate) outputs: Vec<u64>,
}

/// The boundaries of one job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Boundaries that are not safe yet, each following the one before; C0 among them when nothing is safe.
    pending: Vec<Boundary>,
    /// Segments whose outputs the answer to a commit called safe. A later life begins with the saved orders and commits again what is not safe in
    /// them, so these files stay until orders say it too.
    committed_outputs: Vec<u64>,
    /// Segments whose checkpoint is on disk.
    checkpoints: BTreeSet<u64>,
    /// Last boundary reached here, and its checkpoint's digest where that was written here.
    reached: u64,
    /// The package itself ended the run there.
    is_over: bool,
    newest: Option<Digest>,
    /// Last boundary that is safe on the server; none when not even C0 is.
    safe: Option<u64>,
}

impl Record {
    /// A record of a job whose boundaries up to `safe` are safe; what is on disk is not known yet.
    pub(crate) fn new(safe: Option<u64>) -> Self {
        Self { safe, ..Self::default() }
    }

    /// The folder was looked at: everything up to `reached` is whole.
    pub(crate) fn recall(&mut self, reached: u64, boundaries: Vec<Boundary>, checkpoints: BTreeSet<u64>) {
        let safe = self.safe;
        let last = boundaries.iter().find(|boundary| boundary.entry.segment == reached);
        self.newest = last.and_then(|boundary| boundary.checkpoint);
        self.is_over = last.is_some_and(|boundary| boundary.is_last);
        self.pending = boundaries;
        self.pending
            .retain(|boundary| boundary.entry.segment <= reached && safe.is_none_or(|safe| boundary.entry.segment > safe));
        self.reached = reached;
        self.checkpoints = checkpoints;
        // Files behind it are left over; they are written again.
        self.checkpoints.retain(|segment| *segment <= reached);
    }

    /// Last boundary reached here.
    pub(crate) fn reached(&self) -> u64 {
        self.reached
    }

    /// Whether the package itself ended the run at the last boundary reached here.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Last boundary that is safe on the server.
    pub(crate) fn safe(&self) -> Option<u64> {
        self.safe
    }

    /// Boundaries that the server does not have.
    pub(crate) fn pending(&self) -> &[Boundary] {
        &self.pending
    }

    /// The last boundary and its checkpoint's digest, where the server has all boundaries and the checkpoint is on disk.
    pub(crate) fn last_if_safe(&self) -> Option<(u64, Digest)> {
        let newest = self
            .newest
            .filter(|_| self.safe == Some(self.reached) && self.checkpoints.contains(&self.reached));
        newest.map(|digest| (self.reached, digest))
    }

    /// A boundary was reached.
    pub(crate) fn reach(&mut self, boundary: Boundary, on_its_way: Option<u64>) -> Unneeded {
        let segment = boundary.entry.segment;
        self.reached = segment;
        self.is_over = boundary.is_last;
        self.newest = boundary.checkpoint;
        // Computed again, from an older boundary: what follows it is computed again too.
        self.pending.retain(|before| before.entry.segment < segment);
        self.checkpoints.retain(|on_disk| *on_disk <= segment);
        if boundary.checkpoint.is_some() {
            self.checkpoints.insert(segment);
        }
        if self.safe.is_none_or(|safe| segment > safe) {
            self.pending.push(boundary);
        }
        Unneeded {
            checkpoints: self.prune(on_its_way),
            outputs: Vec::new(),
        }
    }

    /// The answer to a commit says that boundaries up to `segment` are safe on the server: the checkpoints that nothing needs any more.
    pub(crate) fn commit_answered(&mut self, segment: u64, on_its_way: Option<u64>) -> Unneeded {
        if self.safe.is_some_and(|safe| safe >= segment) {
            return Unneeded::default();
        }
        let count = self
            .pending
            .iter()
            .take_while(|boundary| boundary.entry.segment <= segment)
            .count();
        let committed = self.pending.drain(..count);
        let with_outputs = committed.filter(|boundary| boundary.output_bytes > 0);
        self.committed_outputs
            .extend(with_outputs.map(|boundary| boundary.entry.segment));
        self.safe = Some(segment);
        Unneeded {
            checkpoints: self.prune(on_its_way),
            outputs: Vec::new(),
        }
    }

    /// Orders, which are saved, say that boundaries up to `segment` are safe on the server.
    pub(crate) fn mark_safe(&mut self, segment: u64, on_its_way: Option<u64>) -> Unneeded {
        let mut unneeded = self.commit_answered(segment, on_its_way);
        // A commit on its way may bring boundaries again that are safe already, as after a restart: it reads their outputs.
        if on_its_way.is_none() {
            unneeded.outputs = self.committed_outputs.extract_if(.., |output| *output <= segment).collect();
        }
        unneeded
    }

    /// Whether there is a boundary to commit.
    pub(crate) fn has_news(&self) -> bool {
        self.pending.iter().any(|boundary| boundary.checkpoint.is_some())
    }

    /// Whether boundaries or outputs pile up, so that a commit is due.
    pub(crate) fn is_full(&self) -> bool {
        self.pending.len() as u64 >= STRIDE || output_bytes(self.pending.iter()) > PENDING_BYTES_MAX
    }

    /// Whether so many boundaries wait that computing has to.
    pub(crate) fn is_backlogged(&self) -> bool {
        self.pending.len() >= BACKLOG_MAX
    }

    /// What to commit next: boundaries from the first that is not safe up to one whose checkpoint is on disk. Empty when there is none.
    pub(crate) fn next_commit(&self) -> &[Boundary] {
        let mut bytes = 0;
        let mut end = 0;
        for (index, boundary) in self.pending.iter().enumerate() {
            bytes = boundary.output_bytes.saturating_add(bytes);
            if index >= COMMIT_ENTRIES_MAX || end > 0 && bytes > COMMIT_BYTES_MAX {
                break;
            }
            if boundary.checkpoint.is_some() && self.checkpoints.contains(&boundary.entry.segment) {
                end = index + 1;
            }
        }
        &self.pending[..end]
    }

    /// Forget, and name, the checkpoints that nothing needs.
    fn prune(&mut self, on_its_way: Option<u64>) -> Vec<u64> {
        let on_disk: Vec<u64> = self.checkpoints.iter().copied().collect();
        let unneeded = unneeded(&on_disk, &self.pending, on_its_way);
        self.checkpoints.retain(|segment| !unneeded.contains(segment));
        unneeded
    }
}

/// Bytes of the outputs of all these. They were read from disk, and may be any numbers.
fn output_bytes<'a>(boundaries: impl Iterator<Item = &'a Boundary>) -> u64 {
    boundaries.fold(0, |sum, boundary| boundary.output_bytes.saturating_add(sum))
}

/// Checkpoints of `on_disk` (ascending) that nothing needs: all but the last two, the one that is on its way to the server, and milestones
/// between what is safe and what is reached.
fn unneeded(on_disk: &[u64], pending: &[Boundary], on_its_way: Option<u64>) -> Vec<u64> {
    let older = &on_disk[..on_disk.len().saturating_sub(2)];
    let first = pending.first().map(|boundary| boundary.entry.segment);
    let mut base = first.map_or(u64::MAX, |first| first.saturating_sub(1));
    let bytes = |from: u64, to: u64| {
        let between = pending
            .iter()
            .filter(|boundary| boundary.entry.segment > from && boundary.entry.segment <= to);
        output_bytes(between)
    };
    let mut unneeded = Vec::new();
    for (index, segment) in older.iter().enumerate() {
        if *segment > base {
            let next = on_disk[index + 1];
            if next.saturating_sub(base) > STRIDE || bytes(base, next) > PENDING_BYTES_MAX {
                base = *segment;
                continue;
            }
        }
        if Some(*segment) != on_its_way {
            unneeded.push(*segment);
        }
    }
    unneeded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boundary(segment: u64, output_bytes: u64) -> Boundary {
        let nothing = Digest([0; 32]);
        let entry = ChainEntry {
            segment,
            step: segment,
            digest: nothing,
            parent: nothing,
            content: nothing,
            outputs: nothing,
        };
        Boundary {
            entry,
            ms: 1,
            checkpoint: Some(nothing),
            output_bytes,
            is_last: false,
        }
    }

    /// What is on disk after boundaries 1 to `last`, of which `safe` are safe, were reached one after the other.
    fn after(last: u64, safe: u64, output_bytes: u64) -> Vec<u64> {
        let mut record = Record::new(Some(safe));
        for segment in 1..=last {
            record.reach(boundary(segment, output_bytes), None);
        }
        record.checkpoints.into_iter().collect()
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
    fn a_checkpoint_on_its_way_stays() {
        let pending = [boundary(1, 0), boundary(2, 0), boundary(3, 0), boundary(4, 0)];
        assert_eq!(unneeded(&[1, 2, 3, 4], &pending, Some(1)), [2]);
    }

    #[test]
    fn outputs_go_when_their_boundary_is_safe_and_not_before() {
        let mut record = Record::new(None);
        for segment in 0..=5 {
            let unneeded = record.reach(boundary(segment, 7), None);
            assert!(unneeded.outputs.is_empty());
        }
        assert_eq!(record.mark_safe(3, None).outputs, [0, 1, 2, 3]);
        assert_eq!(record.mark_safe(2, None), Unneeded::default());
        assert_eq!(record.next_commit().len(), 2);
        // Orders may still be lost, and with them all that a later life would know of the commit.
        assert!(record.commit_answered(5, None).outputs.is_empty());
        assert!(
            record.mark_safe(4, Some(5)).outputs.is_empty(),
            "a commit on its way reads them"
        );
        assert_eq!(record.mark_safe(4, None).outputs, [4]);
        assert_eq!(record.mark_safe(5, None).outputs, [5]);
        assert!(!record.has_news() && record.next_commit().is_empty());
    }

    #[test]
    fn no_number_of_a_record_is_too_large() {
        for bytes in [u64::MAX, u64::MAX / 2] {
            let boundaries = (1..=4).map(|segment| boundary(segment * (u64::MAX / 4), bytes)).collect();
            let mut record = Record::new(None);
            record.recall(u64::MAX, boundaries, [1, u64::MAX].into());
            assert!(record.is_full() && record.next_commit().is_empty());
            record.reach(boundary(u64::MAX, bytes), None);
            assert!(!record.next_commit().is_empty());
            record.mark_safe(u64::MAX, None);
        }
    }

    #[test]
    fn boundaries_that_are_computed_again_count_once() {
        let mut record = Record::new(Some(0));
        for segment in [1, 2, 3, 2, 3, 4] {
            record.reach(boundary(segment, 0), None);
        }
        let segments: Vec<u64> = record.next_commit().iter().map(|boundary| boundary.entry.segment).collect();
        assert_eq!(segments, [1, 2, 3, 4]);
    }
}
