//! Where additions go to buffers that a pass only adds to: to the buffer, or, of all threads but the first, to copies that each has for itself.
//!
//! Invariant: integer additions commute, so bits are the same either way, for any number of threads and any order of workgroups.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use compile::abi::sums::{self, Sum};

use super::memory::Memory;

/// Bytes of a buffer that a thread gathers at a time: they stay in its cache while it goes through the copies.
const PART_BYTES: u32 = 16 << 10;
/// Copies start at multiples of this.
const ALIGNMENT: u64 = 64;
/// What an atomic addition costs, in words of a copy that are cleared and gathered.
const WORDS_PER_ADDITION: u64 = 4;

/// Bytes of a thread's copies for a pass.
pub(super) fn copy_bytes(sums: &[Sum]) -> u64 {
    sums.iter().map(|sum| u64::from(sum.size).next_multiple_of(ALIGNMENT)).sum()
}

/// Copies that are in use during a dispatch.
pub(super) struct Copies {
    /// Bytes of a thread's copies.
    pub(super) bytes: u32,
    /// Threads that have cleared theirs, and add to them; never the first.
    used: Vec<AtomicBool>,
}

/// A piece of a buffer with a thread's additions to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) target: u32,
    pub(super) source: u32,
    pub(super) bytes: u32,
}

impl Copies {
    /// Say where a dispatch's additions go, to all threads. Copies are used where they cost less than atomic additions of
    /// `invocations`; the first thread then adds to the buffers without them. `None`: all threads add to the buffers.
    pub(super) fn plan(memory: &mut Memory, threads: usize, sums: &[Sum], invocations: u64) -> Option<Self> {
        let bytes = copy_bytes(sums);
        let weight: u64 = sums.iter().map(|sum| sum.weight).sum();
        let additions = invocations.saturating_mul(weight);
        let pays = additions.saturating_mul(WORDS_PER_ADDITION) >= bytes / 4 * (threads as u64).saturating_sub(1);
        let copied = threads > 1 && pays && memory.copies(0).is_some();
        for thread in 0..threads {
            let copies = memory.copies(thread).filter(|_| copied && thread > 0);
            let mut next = copies.map(u64::from);
            let shared = u32::from(threads > 1 && !copied);
            let mut table = vec![0; sums::table_bytes(sums.len()) as usize];
            put(&mut table, sums::SHARED, shared);
            for (number, sum) in sums.iter().enumerate() {
                put(&mut table, sums::start(number), next.map_or(sum.address, |at| at as u32));
                next = next.map(|at| at + u64::from(sum.size).next_multiple_of(ALIGNMENT));
            }
            let scratch = memory.scratch(thread);
            memory.write(u64::from(scratch), &table);
        }
        copied.then(|| Self {
            bytes: bytes as u32,
            used: (0..threads).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    /// Whether this thread uses its copies for the first time in this dispatch.
    pub(super) fn begin(&self, thread: usize) -> bool {
        thread > 0 && !self.used[thread].swap(true, Ordering::AcqRel)
    }

    /// What is to be added to the buffers once all workgroups have run, in pieces that do not touch the same words.
    pub(super) fn parts(&self, memory: &Memory, sums: &[Sum]) -> Vec<Vec<Part>> {
        let threads: Vec<u32> = (0..self.used.len())
            .filter(|thread| self.used[*thread].load(Ordering::Acquire))
            .filter_map(|thread| memory.copies(thread))
            .collect();
        let mut parts = Vec::new();
        if threads.is_empty() {
            return parts;
        }
        let mut start = 0;
        for sum in sums {
            for Range { start: from, end } in pieces(sum.size) {
                let of_thread = |copies: &u32| Part {
                    target: sum.address + from,
                    source: copies + start + from,
                    bytes: end - from,
                };
                parts.push(threads.iter().map(of_thread).collect());
            }
            start += (u64::from(sum.size).next_multiple_of(ALIGNMENT)) as u32;
        }
        parts
    }
}

fn put(table: &mut [u8], offset: u32, word: u32) {
    table[offset as usize..offset as usize + 4].copy_from_slice(&word.to_le_bytes());
}

fn pieces(size: u32) -> impl Iterator<Item = Range<u32>> {
    (0..size.div_ceil(PART_BYTES)).map(move |piece| {
        let start = piece * PART_BYTES;
        start..size.min(start.saturating_add(PART_BYTES))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_buffer_once() {
        for size in [4, PART_BYTES, PART_BYTES + 4, 3 * PART_BYTES, 1_000_000] {
            let mut at = 0;
            for piece in pieces(size) {
                assert!(piece.start == at && piece.end > at && piece.end - at <= PART_BYTES);
                at = piece.end;
            }
            assert_eq!(at, size);
        }
    }
}
