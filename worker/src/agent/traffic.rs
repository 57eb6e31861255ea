//! Bytes over the network in this calendar month (of UTC): files of jobs, in both directions. Heartbeats and other short messages are not counted.

use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3600 * 1000;

/// The count, as it is kept over restarts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// Months since year 0.
    month: u64,
    /// Bytes in it.
    pub(crate) bytes: u64,
    /// What was moved since the agent began, as far as it is counted.
    #[serde(skip)]
    counted: u64,
}

impl Traffic {
    /// So many bytes were moved since the agent began. Whether anything changed.
    pub(crate) fn count(&mut self, moved: u64, now_ms: u64) -> bool {
        let before = *self;
        let month = month(now_ms);
        if month != self.month {
            (self.month, self.bytes) = (month, 0);
        }
        self.bytes = self.bytes.saturating_add(moved.saturating_sub(self.counted));
        self.counted = moved;
        *self != before
    }
}

/// Months since year 0 at a Unix time. Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.
fn month(ms: u64) -> u64 {
    let days = ms / DAY_MS + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here.
    let since_march = (5 * day_of_year + 2) / 153;
    (era * 400 + year_of_era) * 12 + since_march + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_once_and_a_new_month_begins_at_nothing() {
        // 2024-02-29T23:59:59Z and 2024-03-01.
        let (february, march) = (1_709_251_199_000, 1_709_251_200_000);
        let mut traffic = Traffic::default();
        assert!(traffic.count(100, february) && !traffic.count(100, february));
        assert!(traffic.count(250, february));
        assert_eq!(traffic.bytes, 250);
        // A restart: what is moved counts from nothing again.
        let text = serde_json::to_string(&traffic).unwrap();
        let mut traffic: Traffic = serde_json::from_str(&text).unwrap();
        traffic.count(50, february);
        assert_eq!(traffic.bytes, 300);
        traffic.count(60, march);
        assert_eq!(traffic.bytes, 10);
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        // Unix days of the first of January 1970, March 2000, December 2025 and January 2026.
        for (day, year, month_of_year) in [(0, 1970, 1), (11_017, 2000, 3), (20_423, 2025, 12), (20_454, 2026, 1)] {
            assert_eq!(month(day * DAY_MS), year * 12 + month_of_year - 1, "{year}-{month_of_year}");
            assert_eq!(
                month(day * DAY_MS - u64::from(day > 0)),
                year * 12 + month_of_year - 1 - u64::from(day > 0)
            );
        }
    }
}
