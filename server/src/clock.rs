//! The time by which the scheduler goes.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Time that only goes forward while the process lives, whatever happens to the machine's clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: Instant,
    start_ms: u64,
}

impl Clock {
    /// Begins at the machine's time, or later where the state knows better.
    pub(crate) fn begin(not_before_ms: u64) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            start: Instant::now(),
            start_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX).max(not_before_ms),
        }
    }

    /// Now, Unix milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        self.start_ms + u64::try_from(self.start.elapsed().as_millis()).unwrap_or(0)
    }
}
