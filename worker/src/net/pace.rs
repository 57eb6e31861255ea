//! A limit of bandwidth: after bytes went over the line, the next ones wait until as much time has passed as they may take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One direction, shared by all transfers.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// 0 is no limit.
    bytes_per_s: AtomicU64,
    /// Until then the bytes that went fill the line.
    full_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// The limit from now on, bytes a second; none for as fast as the line is.
    pub(crate) fn limit(&self, bytes_per_s: Option<u64>) {
        self.bytes_per_s.store(bytes_per_s.unwrap_or(0), Ordering::Relaxed);
    }

    /// The largest part that takes no longer than a second, where there is a limit.
    pub(crate) fn part_max(&self) -> Option<u64> {
        let limit = self.bytes_per_s.load(Ordering::Relaxed);
        (limit > 0).then_some(limit)
    }

    /// So many bytes went since `begun`: wait until the next ones may.
    pub(crate) async fn went(&self, bytes: u64, begun: Instant) {
        let limit = self.bytes_per_s.load(Ordering::Relaxed);
        if limit == 0 {
            return;
        }
        let takes = Duration::from_secs_f64(bytes as f64 / limit as f64);
        let until = {
            let mut full_until = self.full_until.lock().unwrap_or_else(PoisonError::into_inner);
            let until = full_until.map_or(begun, |until| until.max(begun)) + takes;
            *full_until = Some(until);
            until
        };
        tokio::time::sleep_until(until.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Two transfers at once share the limit; without one nothing waits.
    #[tokio::test]
    async fn all_transfers_together_keep_the_limit() {
        let pace = Arc::new(Pace::default());
        let begun = Instant::now();
        pace.went(u64::MAX, begun).await;
        assert!(begun.elapsed() < Duration::from_millis(100));
        pace.limit(Some(100_000));
        let one = async |pace: Arc<Pace>| {
            for _ in 0..5 {
                pace.went(5_000, Instant::now()).await;
            }
        };
        let begun = Instant::now();
        tokio::join!(one(Arc::clone(&pace)), one(pace));
        let bytes_per_s = 50_000.0 / begun.elapsed().as_secs_f64();
        assert!((50_000.0..101_000.0).contains(&bytes_per_s), "{bytes_per_s} bytes a second");
    }
}
