//! Checked mode: values that were meant to last in a buffer that is cleared.
//!
//! A kernel may count on zeros after a clear: a flag that says "not yet", a counter. It then reads (or adds to) a word before anything
//! wrote it, the first time as every other time. A word that was *stored* before it was first read holds a computed value; when it is read
//! after a clear that nothing has stored behind, that value was meant to last, and is gone.

use std::ops::Range;

/// Stored or added to since the last clear.
const WRITTEN: u8 = 1;
/// Touched by a kernel at some time.
const TOUCHED: u8 = 2;
/// The first touch was a plain store.
const STORED_FIRST: u8 = 4;
/// Holds nothing but the zeros of a clear, which took a value away.
const LOST: u8 = 8;

/// What is known of each word below the threads' scratch memory.
pub(super) struct Clears {
    words: Vec<u8>,
}

impl Clears {
    /// For words below this address.
    pub(super) fn new(end: u32) -> Self {
        Self {
            words: vec![0; end as usize / 4],
        }
    }

    fn range(&mut self, bytes: Range<u64>) -> &mut [u8] {
        let end = self.words.len();
        let word = |byte: u64| usize::try_from(byte / 4).map_or(end, |word| word.min(end));
        &mut self.words[word(bytes.start)..word(bytes.end)]
    }

    /// These bytes were cleared.
    pub(super) fn clear(&mut self, bytes: Range<u64>) {
        for word in self.range(bytes) {
            let lost = if *word & (WRITTEN | LOST) == 0 { 0 } else { LOST };
            *word = *word & (TOUCHED | STORED_FIRST) | lost;
        }
    }

    /// These bytes were written from outside of kernels.
    pub(super) fn write(&mut self, bytes: Range<u64>) {
        for word in self.range(bytes) {
            *word = *word & !LOST | WRITTEN;
        }
    }

    /// A kernel reads a word. Whether it was meant to last and is lost.
    pub(super) fn read(&mut self, address: u32) -> bool {
        let Some(word) = self.words.get_mut(address as usize / 4) else {
            return false;
        };
        *word |= TOUCHED;
        *word & (STORED_FIRST | LOST) == STORED_FIRST | LOST
    }

    /// A kernel stores a word.
    pub(super) fn store(&mut self, address: u32) -> bool {
        if let Some(word) = self.words.get_mut(address as usize / 4) {
            let first = if *word & TOUCHED == 0 { STORED_FIRST } else { 0 };
            *word = *word & !LOST | WRITTEN | TOUCHED | first;
        }
        false
    }

    /// A kernel changes a word atomically: adding to zeros is counting on them.
    pub(super) fn atomic(&mut self, address: u32) -> bool {
        if let Some(word) = self.words.get_mut(address as usize / 4) {
            *word = *word & !LOST | WRITTEN | TOUCHED;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Clears;

    #[test]
    fn a_stored_value_that_is_read_after_a_clear_is_lost_and_zeros_that_are_counted_on_are_not() {
        let mut clears = Clears::new(64);
        let boundary = |clears: &mut Clears| clears.clear(0..64);
        boundary(&mut clears);
        // Stored, read, and after the boundary read again.
        clears.store(0);
        assert!(!clears.read(0));
        boundary(&mut clears);
        assert!(clears.read(0));
        boundary(&mut clears);
        assert!(clears.read(0), "two boundaries later, too");
        clears.store(0);
        assert!(!clears.read(0));
        // A flag: read first, then set; the same in each segment.
        for _ in 0..3 {
            assert!(!clears.read(4));
            clears.store(4);
            boundary(&mut clears);
        }
        // A counter.
        for _ in 0..3 {
            clears.atomic(8);
            assert!(!clears.read(8));
            boundary(&mut clears);
        }
        // Copied into from outside, and beyond the last word.
        clears.store(12);
        boundary(&mut clears);
        clears.write(12..16);
        assert!(!clears.read(12) && !clears.read(64));
    }
}
