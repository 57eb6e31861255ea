//! Where a session's buffers, its threads' scratch memory and their copies of sums lie in the one memory.
//!
//! Invariant: ranges do not overlap, all lie within 4 GiB, and zeros lie behind each buffer ([`ZEROS_BYTES`]).

use super::{CONSTANTS_ADDRESS, CONSTANTS_BYTES_MAX, PAGE_BYTES, PAGES_MAX, ZEROS_BYTES};
use crate::fault::{Fault, fault};

/// Buffers start at multiples of this.
const ALIGNMENT: u64 = 64;
/// Threads' scratch memory starts at multiples of this, with at least as much between: they share no cache line.
const SCRATCH_ALIGNMENT: u64 = 4096;
/// Most bytes of all threads' copies of sums ([`super::sums`]).
const COPIES_BYTES_MAX: u64 = 256 << 20;
/// A memory of 4 GiB, less a page.
const BYTES_MAX: u64 = PAGES_MAX * PAGE_BYTES - PAGE_BYTES;

/// Where buffers lie. It is known before any kernel is compiled.
#[derive(Clone, Debug)]
pub struct BufferLayout {
    buffers: Vec<(u64, u64)>,
    end: u64,
}

impl BufferLayout {
    /// Place buffers, given by name (for errors) and size in bytes.
    ///
    /// # Errors
    /// A size is 0 or not a multiple of 4, or all together exceed the memory.
    pub fn new<'a>(buffers: impl IntoIterator<Item = (&'a str, u64)>) -> Result<Self, Fault> {
        let mut end = u64::from(CONSTANTS_ADDRESS + CONSTANTS_BYTES_MAX) + ALIGNMENT;
        let mut places = Vec::new();
        for (name, size) in buffers {
            if size == 0 || size % 4 != 0 {
                return fault(format!(
                    "buffer '{name}' has {size} bytes: a multiple of 4 above 0 is expected"
                ));
            }
            places.push((end, size));
            end = end.saturating_add(size).saturating_add(u64::from(ZEROS_BYTES));
            if end > BYTES_MAX {
                return Err(Fault::limit("all buffers together, in bytes,", end, BYTES_MAX));
            }
            end = end.next_multiple_of(ALIGNMENT);
        }
        Ok(Self { buffers: places, end })
    }

    /// Byte address and size.
    #[must_use]
    pub fn buffer(&self, buffer: usize) -> Option<(u32, u32)> {
        self.buffers.get(buffer).map(|(start, size)| (*start as u32, *size as u32))
    }

    /// First byte behind all buffers.
    #[must_use]
    pub fn end(&self) -> u32 {
        self.end as u32
    }

    /// Place the threads' scratch memory behind the buffers, and their copies of sums where there is room; `scratch_bytes` and `copy_bytes`
    /// are the most that a kernel of the session needs.
    ///
    /// # Errors
    /// Buffers and scratch memory together exceed the memory.
    pub fn with_threads(&self, threads: usize, scratch_bytes: u32, copy_bytes: u64) -> Result<SessionLayout, Fault> {
        let scratch = self.end.next_multiple_of(SCRATCH_ALIGNMENT);
        let scratch_stride = u64::from(scratch_bytes).next_multiple_of(SCRATCH_ALIGNMENT) + SCRATCH_ALIGNMENT;
        let copies = scratch + scratch_stride * threads as u64;
        let mut bytes = copies + PAGE_BYTES;
        if bytes > BYTES_MAX {
            let what = "buffers and the threads' scratch memory, in bytes,";
            return Err(Fault::limit(what, bytes, BYTES_MAX));
        }
        let copy_stride = copy_bytes.next_multiple_of(SCRATCH_ALIGNMENT);
        let copy_bytes = copy_stride.saturating_mul(threads as u64);
        let fits = copy_bytes <= COPIES_BYTES_MAX && bytes + copy_bytes <= BYTES_MAX;
        if fits {
            bytes += copy_bytes;
        }
        Ok(SessionLayout {
            scratch,
            scratch_stride,
            copies: fits.then_some((copies, copy_stride)),
            pages: bytes.div_ceil(PAGE_BYTES) as u32,
        })
    }
}

/// Where each thread's scratch memory and copies of sums lie, and how large the memory is.
#[derive(Clone, Copy, Debug)]
pub struct SessionLayout {
    scratch: u64,
    scratch_stride: u64,
    copies: Option<(u64, u64)>,
    pages: u32,
}

impl SessionLayout {
    /// Pages of the memory.
    #[must_use]
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Address of a thread's scratch memory.
    #[must_use]
    pub fn scratch(&self, thread: usize) -> u32 {
        (self.scratch + self.scratch_stride * thread as u64) as u32
    }

    /// Address of a thread's copies of sums; `None` where there was no room for them.
    #[must_use]
    pub fn copies(&self, thread: usize) -> Option<u32> {
        self.copies.map(|(start, stride)| (start + stride * thread as u64) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overlaps_and_all_fits() {
        let layout = BufferLayout::new([("a", 4), ("b", 1000), ("c", 64)]).expect("they fit");
        let mut last = CONSTANTS_ADDRESS + CONSTANTS_BYTES_MAX;
        for buffer in 0..3 {
            let (start, size) = layout.buffer(buffer).expect("it is there");
            assert!(start >= last + ZEROS_BYTES && start % 64 == 0, "{buffer}: {start}");
            last = start + size;
        }
        assert!(layout.end() >= last + ZEROS_BYTES && layout.buffer(3).is_none());
        let session = layout.with_threads(3, 5000, 10_000).expect("it fits");
        assert!(session.scratch(0) >= layout.end());
        assert!(session.scratch(1) - session.scratch(0) >= 5000);
        let copies = |thread| session.copies(thread).expect("there is room");
        assert!(session.scratch(2) + 5000 <= copies(0) && copies(1) - copies(0) >= 10_000);
        assert!(u64::from(copies(2)) + 10_000 <= u64::from(session.pages()) * PAGE_BYTES);
        let session = layout.with_threads(64, 5000, 1 << 30).expect("it fits without copies");
        assert!(session.copies(0).is_none() && u64::from(session.pages()) * PAGE_BYTES < 1 << 20);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(BufferLayout::new([("odd", 6)]).is_err_and(|fault| fault.message.contains("'odd'")));
        assert!(BufferLayout::new([("large", 1 << 32)]).is_err_and(|fault| fault.limit.is_some()));
        let layout = BufferLayout::new([("half", 1 << 31)]).expect("it fits");
        assert!(layout.with_threads(64, 64 << 20, 0).is_err_and(|fault| fault.limit.is_some()));
    }
}
