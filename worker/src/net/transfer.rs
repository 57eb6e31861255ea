//! Blobs on their way: how much of one is sent at a time, and how far each has come.
//!
//! A part of an upload is answered as a whole, so its size follows the line's speed: some seconds a part. Then a part that is not answered
//! means a line that is dead, not one that is slow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::pace::Pace;

/// Bytes of the first part, and of the smallest and largest ones.
const PART_FIRST: u64 = 256 << 10;
pub(crate) const PART_MIN: u64 = 4 << 10;
pub(crate) const PART_MAX: u64 = 4 << 20;
/// Parts that take longer are halved, parts that take less than a quarter of it are doubled.
const PART_TIME: Duration = Duration::from_secs(8);

/// A blob on its way.
#[derive(Clone, Debug)]
pub(crate) struct Transfer {
    /// `up` or `down`.
    pub(crate) is_up: bool,
    /// Bytes that are there.
    pub(crate) done: u64,
    /// Bytes of the whole blob, where that is known.
    pub(crate) total: Option<u64>,
    began: Instant,
    began_at: u64,
    number: u64,
}

impl Transfer {
    /// `uploads 120 of 400 kB at 20 kB/s`
    pub(crate) fn words(&self) -> String {
        let kb = |bytes: u64| bytes.div_ceil(1000);
        let verb = if self.is_up { "uploads" } else { "downloads" };
        let of = self.total.map(|total| format!(" of {}", kb(total))).unwrap_or_default();
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let speed = (self.done - self.began_at) as f64 / seconds / 1000.0;
        format!(
            "{verb} {}{of} kB at {} kB/s",
            kb(self.done),
            crate::console::progress::figures(speed)
        )
    }
}

/// All transfers of a client.
#[derive(Debug)]
pub(crate) struct Transfers {
    under_way: Mutex<Vec<Transfer>>,
    part: AtomicU64,
    /// Bytes that have arrived anywhere since the start.
    moved: AtomicU64,
    number: AtomicU64,
    /// Limits of bandwidth to the server and from it.
    pub(crate) up: Pace,
    pub(crate) down: Pace,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            part: AtomicU64::new(PART_FIRST),
            moved: AtomicU64::new(0),
            number: AtomicU64::new(0),
            up: Pace::default(),
            down: Pace::default(),
        }
    }
}

/// One transfer, listed for as long as it lasts.
pub(crate) struct Listed<'a>(&'a Transfers, u64);

impl Transfers {
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Transfer>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// List a transfer of which `done` bytes are there.
    pub(crate) fn begin(&self, is_up: bool, done: u64, total: Option<u64>) -> Listed<'_> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        self.list().push(Transfer {
            is_up,
            done,
            total,
            began: Instant::now(),
            began_at: done,
            number,
        });
        Listed(self, number)
    }

    /// Those under way.
    pub(crate) fn under_way(&self) -> Vec<Transfer> {
        self.list().clone()
    }

    /// Bytes that have arrived since the start: where it rises, the line is alive.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Bytes of the next part.
    pub(crate) fn part_bytes(&self) -> u64 {
        let part = self.part.load(Ordering::Relaxed);
        self.up.part_max().map_or(part, |most| part.min(most).max(PART_MIN))
    }

    /// A part was answered after this time, or was not.
    pub(crate) fn part_took(&self, took: Option<Duration>) {
        let bytes = self.part.load(Ordering::Relaxed);
        let next = match took {
            Some(took) if took < PART_TIME / 4 => bytes * 2,
            Some(took) if took <= PART_TIME => bytes,
            _ => bytes / 2,
        };
        self.part.store(next.clamp(PART_MIN, PART_MAX), Ordering::Relaxed);
    }
}

impl Listed<'_> {
    /// So many bytes are there now.
    pub(crate) fn reached(&self, done: u64) {
        let mut list = self.0.list();
        if let Some(transfer) = list.iter_mut().find(|transfer| transfer.number == self.1) {
            self.0.moved.fetch_add(done.saturating_sub(transfer.done), Ordering::Relaxed);
            transfer.done = done;
        }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.list().retain(|transfer| transfer.number != self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_take_some_seconds_on_every_line() {
        for bytes_per_s in [1_000u64, 20_000, 1_000_000, 1_000_000_000] {
            let transfers = Transfers::default();
            for _ in 0..20 {
                let took = Duration::from_secs_f64(transfers.part_bytes() as f64 / bytes_per_s as f64);
                transfers.part_took(Some(took));
            }
            let part = transfers.part_bytes();
            let seconds = part as f64 / bytes_per_s as f64;
            assert!(
                seconds <= PART_TIME.as_secs_f64(),
                "{part} bytes at {bytes_per_s} bytes a second"
            );
            assert!(
                part == PART_MAX || seconds >= 1.0,
                "{part} bytes at {bytes_per_s} bytes a second"
            );
        }
    }

    #[test]
    fn a_transfer_says_how_far_it_is_and_goes_when_it_ends() {
        let transfers = Transfers::default();
        let listed = transfers.begin(true, 100_000, Some(400_000));
        listed.reached(250_000);
        assert!(transfers.under_way()[0].words().starts_with("uploads 250 of 400 kB at "));
        assert_eq!(transfers.moved(), 150_000);
        drop(listed);
        assert!(transfers.under_way().is_empty());
    }
}
