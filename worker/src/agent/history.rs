//! Work contributed day by day (of UTC), for the local page.
//!
//! Invariant: the days together are what was contributed since they are kept, each segment once; there are [`DAYS_MAX`] at most, the newest.

use std::collections::BTreeMap;

use planner::Contributed;
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3600 * 1000;
/// Days that are kept.
const DAYS_MAX: usize = 60;

/// The days on which something was contributed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// By days since 1970.
    days: BTreeMap<u64, Contributed>,
    /// All that was contributed at the last count; none before it.
    counted: Option<Contributed>,
}

impl History {
    /// So much was contributed until now, all together.
    pub(crate) fn count(&mut self, all: Contributed, now_ms: u64) {
        // What was contributed before days were kept is of no day.
        let counted = self.counted.replace(all).unwrap_or(all);
        let gained = Contributed {
            segments: all.segments.saturating_sub(counted.segments),
            steps: all.steps.saturating_sub(counted.steps),
            computed_ms: all.computed_ms.saturating_sub(counted.computed_ms),
            jobs: all.jobs.saturating_sub(counted.jobs),
        };
        if gained == Contributed::default() {
            return;
        }
        let day = self.days.entry(now_ms / DAY_MS).or_default();
        *day = day.plus(gained);
        while self.days.len() > DAYS_MAX {
            self.days.pop_first();
        }
    }

    /// The newest days, the newest first: how many days ago, and what was contributed then.
    pub(crate) fn newest(&self, count: usize, now_ms: u64) -> Vec<(u64, Contributed)> {
        let newest = self.days.iter().rev().take(count);
        newest
            .map(|(day, done)| ((now_ms / DAY_MS).saturating_sub(*day), *done))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(segments: u64) -> Contributed {
        Contributed {
            segments,
            steps: 10 * segments,
            computed_ms: 100 * segments,
            jobs: segments / 5,
        }
    }

    #[test]
    fn each_segment_counts_on_its_day_once_over_restarts_and_old_days_go() {
        let mut history = History::default();
        // Before there was a history, seven segments.
        history.count(segments(7), 5 * DAY_MS);
        assert_eq!(history.newest(9, 5 * DAY_MS), []);
        history.count(segments(9), 5 * DAY_MS + 1);
        history.count(segments(9), 6 * DAY_MS);
        let text = serde_json::to_string(&history).unwrap();
        let mut history: History = serde_json::from_str(&text).unwrap();
        history.count(segments(10), 7 * DAY_MS);
        history.count(segments(12), 7 * DAY_MS + 5);
        let newest = history.newest(9, 8 * DAY_MS);
        assert_eq!(
            newest.iter().map(|(ago, done)| (*ago, done.segments)).collect::<Vec<_>>(),
            [(1, 3), (3, 2)]
        );
        assert_eq!((newest[0].1.steps, newest[1].1.jobs), (30, 0));
        // A count that was set back gains nothing.
        history.count(segments(2), 8 * DAY_MS);
        assert_eq!(history.newest(1, 8 * DAY_MS)[0].0, 1);
        for day in 0..200 {
            history.count(segments(3 + day), (10 + day) * DAY_MS);
        }
        assert_eq!(history.newest(500, 300 * DAY_MS).len(), DAYS_MAX);
    }
}
