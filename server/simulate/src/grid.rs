//! Where a run stands at a moment. Boundaries lie on a grid: computing begins at a moment, each segment takes equally long, and a commit is
//! due at the first boundary after each interval. So progress and loss follow from the grid when something happens, and no boundary is an event.

/// A stretch of computing on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// When its first segment begins.
    pub(crate) from_ms: u64,
    /// The boundary that it begins with, and the job's last.
    pub(crate) first: u64,
    pub(crate) until: u64,
    /// Time of one segment on this host, at least 1.
    pub(crate) segment_ms: u64,
}

impl Grid {
    /// The last boundary reached by then.
    pub(crate) fn reached(&self, now_ms: u64) -> u64 {
        let done = now_ms.saturating_sub(self.from_ms) / self.segment_ms;
        (self.first + done).min(self.until)
    }

    /// When a boundary is reached.
    pub(crate) fn at(&self, segment: u64) -> u64 {
        self.from_ms + segment.saturating_sub(self.first) * self.segment_ms
    }

    pub(crate) fn end(&self) -> u64 {
        self.at(self.until)
    }

    /// When the boundary after this moment is reached, or this moment when one is reached just now.
    pub(crate) fn next_boundary(&self, now_ms: u64) -> u64 {
        let reached = self.reached(now_ms);
        let at = self.at(reached);
        if at >= now_ms || reached == self.until {
            at.max(now_ms)
        } else {
            self.at(reached + 1)
        }
    }

    /// Time spent on the segment that is not complete at this moment.
    pub(crate) fn unfinished_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.at(self.reached(now_ms)))
    }

    /// The last boundary that is safe on the server by then, and how many commits there were, when one is due every `commit_ms` and takes
    /// `upload_ms` to arrive.
    pub(crate) fn safe(&self, now_ms: u64, commit_ms: u64, upload_ms: u64) -> (u64, u64) {
        let stride = commit_ms.div_ceil(self.segment_ms).max(1);
        let arrived = self.reached(now_ms.saturating_sub(upload_ms)).saturating_sub(self.first);
        let commits = arrived / stride;
        (self.first + commits * stride, commits)
    }

    /// When the next commit arrives after this moment; none before the end.
    pub(crate) fn next_commit(&self, now_ms: u64, commit_ms: u64, upload_ms: u64) -> Option<u64> {
        let stride = commit_ms.div_ceil(self.segment_ms).max(1);
        let next = self.safe(now_ms, commit_ms, upload_ms).0 + stride;
        (next < self.until).then(|| self.at(next) + upload_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_commits_and_losses_follow_from_the_grid() {
        let grid = Grid {
            from_ms: 1000,
            first: 5,
            until: 25,
            segment_ms: 100,
        };
        assert_eq!(
            [grid.reached(0), grid.reached(1099), grid.reached(1100), grid.reached(9999)],
            [5, 5, 6, 25]
        );
        assert_eq!(grid.end(), 3000);
        assert_eq!(
            [grid.next_boundary(1000), grid.next_boundary(1001), grid.next_boundary(1100)],
            [1000, 1100, 1100]
        );
        assert_eq!(
            [grid.unfinished_ms(1099), grid.unfinished_ms(1100), grid.unfinished_ms(500)],
            [99, 0, 0]
        );
        // A commit at the first boundary after 250 ms: every third; it arrives 30 ms later.
        assert_eq!(grid.safe(1329, 250, 30), (5, 0));
        assert_eq!(grid.safe(1330, 250, 30), (8, 1));
        assert_eq!(grid.safe(1930, 250, 30), (14, 3));
        assert_eq!(grid.safe(1230, 0, 30), (7, 2), "no interval: each boundary is a commit");
    }
}
