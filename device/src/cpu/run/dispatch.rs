//! Work that threads share: workgroups of a pass, or pieces of buffers.
//!
//! Each thread has a contiguous part of it, the same in every dispatch of as many workgroups, so that what it wrote in one pass is in its own cache when it reads it in
//! the next; a thread that is through takes from the others.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::order::Order;
use super::sums::{Copies, Part};
use super::worker::Failure;

/// Workgroups that a thread takes at a time at most.
const CHUNK_MAX: u64 = 64;
/// A thread takes this part of what is left of a thread's part at a time, so that all end together.
const SHARE: u64 = 4;

/// What threads do together.
pub(super) enum Work {
    /// Workgroups of a pass.
    Pass {
        pass: usize,
        /// Threads' copies of what the pass adds to, where they are used.
        copies: Option<Copies>,
    },
    /// Add threads' copies to the buffers, a piece of a buffer for each entry.
    Gather(Vec<Vec<Part>>),
}

/// A dispatch that threads share.
pub(super) struct Dispatch {
    pub(super) work: Work,
    pub(super) counts: [u32; 3],
    pub(super) order: Order,
    pub(super) failure: Mutex<Option<Failure>>,
    parts: Vec<Share>,
}

/// A thread's part of a dispatch: what is left of it. Two do not share a line of the cache.
#[repr(align(64))]
struct Share {
    next: AtomicU64,
    end: u64,
}

impl Dispatch {
    pub(super) fn new(work: Work, counts: [u32; 3], order: Order, threads: usize) -> Self {
        let total: u64 = counts.iter().map(|count| u64::from(*count)).product();
        let threads = threads as u64;
        let border = |part: u64| (u128::from(total) * u128::from(part) / u128::from(threads)) as u64;
        let part = |part: u64| Share {
            next: AtomicU64::new(border(part)),
            end: border(part + 1),
        };
        Self {
            work,
            counts,
            order,
            failure: Mutex::new(None),
            parts: (0..threads).map(part).collect(),
        }
    }

    /// Add these parts of copies to the buffers.
    pub(super) fn gather(parts: Vec<Vec<Part>>, threads: usize) -> Self {
        let counts = [parts.len() as u32, 1, 1];
        Self::new(Work::Gather(parts), counts, Order::Counted, threads)
    }

    /// Whether one thread takes it all at once.
    pub(super) fn is_single(&self) -> bool {
        self.counts.iter().map(|count| u64::from(*count)).product::<u64>() <= 1
    }

    /// What a thread does next; `None` when all is taken.
    pub(super) fn take(&self, thread: usize) -> Option<Range<u64>> {
        let (before, from) = self.parts.split_at(thread);
        from.iter().chain(before).find_map(Share::take)
    }

    /// Leave what is not taken yet.
    pub(super) fn stop(&self) {
        self.parts
            .iter()
            .for_each(|part| part.next.store(part.end, Ordering::Relaxed));
    }
}

impl Share {
    fn take(&self) -> Option<Range<u64>> {
        let size = |start: u64| ((self.end - start) / SHARE).clamp(1, CHUNK_MAX);
        let more = |start: u64| (start < self.end).then(|| start + size(start));
        let start = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(start..start + size(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch(total: u32, threads: usize) -> Dispatch {
        let work = Work::Pass { pass: 0, copies: None };
        Dispatch::new(work, [total, 1, 1], Order::Counted, threads)
    }

    #[test]
    fn every_workgroup_is_taken_once_by_any_order_of_threads() {
        for (total, threads) in [(1, 2), (7, 2), (64, 3), (1000, 2), (1001, 5), (3, 8)] {
            for taker in 0..threads {
                let dispatch = dispatch(total, threads);
                let mut seen = vec![0; total as usize];
                let mut turn = taker;
                while let Some(some) = dispatch.take(turn) {
                    some.for_each(|i| seen[i as usize] += 1);
                    turn = (turn * 5 + 1) % threads;
                }
                assert!(seen.iter().all(|times| *times == 1), "{total} on {threads}");
            }
        }
    }

    #[test]
    fn a_thread_takes_its_own_part_first_and_from_others_then() {
        let dispatch = dispatch(1000, 2);
        let taken: Vec<u64> = std::iter::from_fn(|| dispatch.take(1)).flatten().collect();
        assert!(taken.iter().copied().eq((500..1000).chain(0..500)));
        assert!(dispatch.take(0).is_none());
    }

    #[test]
    fn nothing_is_taken_from_a_stopped_dispatch() {
        let dispatch = dispatch(1000, 2);
        dispatch.stop();
        assert!(dispatch.take(0).is_none() && dispatch.take(1).is_none());
    }
}
