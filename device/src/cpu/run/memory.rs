//! The one memory of a session: the clock, constants, the buffers, and each thread's scratch memory.
//!
//! Invariant: nothing but this file touches its bytes from outside, and but for the word that stops kernels, only while none
//! runs.
#![expect(unsafe_code, reason = "a WebAssembly memory that threads share is given as a pointer")]

use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::{MemoryType, SharedMemory};

use super::Engine;
use crate::cpu::emit::{POOL_ADDRESS, POOL_BYTES, STOP_ADDRESS};
use crate::{BufferDesc, DeviceError};

/// Where the step counter lies.
pub(in crate::cpu) const CLOCK_ADDRESS: u32 = 64;
/// Its size.
pub(in crate::cpu) const CLOCK_BYTES: u32 = 16;
/// Buffers start at multiples of this, with at least as much between them.
const ALIGNMENT: u64 = 64;
const PAGE_BYTES: u64 = 65_536;
/// A memory of 4 GiB, less a page.
const BYTES_MAX: u64 = (1 << 32) - PAGE_BYTES;

/// Where buffers lie. It is known before any kernel is compiled.
pub(in crate::cpu) struct Arena {
    buffers: Vec<(u64, u64)>,
    end: u64,
}

impl Arena {
    pub(in crate::cpu) fn new(buffers: &[BufferDesc]) -> Result<Self, DeviceError> {
        let mut end = u64::from(POOL_ADDRESS + POOL_BYTES) + ALIGNMENT;
        let mut places = Vec::with_capacity(buffers.len());
        for buffer in buffers {
            if buffer.size == 0 || buffer.size % 4 != 0 {
                let text = format!(
                    "buffer '{}' has {} bytes: a multiple of 4 above 0 is expected",
                    buffer.label, buffer.size
                );
                return Err(DeviceError::Program(text));
            }
            places.push((end, buffer.size));
            end = end.saturating_add(buffer.size).saturating_add(ALIGNMENT);
            if end > BYTES_MAX {
                return Err(DeviceError::Limit {
                    what: "all buffers together, in bytes,".to_owned(),
                    needed: end,
                    limit: BYTES_MAX,
                });
            }
            end = end.next_multiple_of(ALIGNMENT);
        }
        Ok(Self { buffers: places, end })
    }

    /// Byte address and size.
    pub(in crate::cpu) fn buffer(&self, buffer: usize) -> Option<(u32, u32)> {
        self.buffers.get(buffer).map(|(start, size)| (*start as u32, *size as u32))
    }

    /// First byte behind all buffers.
    pub(super) fn end(&self) -> u32 {
        self.end as u32
    }
}

/// Tell the kernels that run in a memory to stop, or that they may run.
pub(super) fn set_stop(shared: &SharedMemory, stop: bool) {
    let word = shared.data()[STOP_ADDRESS as usize..STOP_ADDRESS as usize + 4].as_ptr() as *mut u32;
    // SAFETY: the slice is four bytes of the memory, which starts at a page, so the word is aligned; kernels look at it with
    // atomic loads, and nothing else touches it.
    unsafe { AtomicU32::from_ptr(word) }.store(u32::from(stop), Ordering::SeqCst);
}

/// The memory, all zero at first.
pub(super) struct Memory {
    pub(super) shared: SharedMemory,
    pub(super) arena: Arena,
    scratch: u64,
    scratch_stride: u64,
}

impl Memory {
    pub(super) fn new(
        engine: &Engine,
        arena: Arena,
        threads: usize,
        scratch_bytes: u32,
        constants: &[u8],
    ) -> Result<Self, DeviceError> {
        let scratch = arena.end.next_multiple_of(4096);
        // Threads do not share a cache line.
        let scratch_stride = u64::from(scratch_bytes).next_multiple_of(4096) + 4096;
        let bytes = scratch + scratch_stride * threads as u64 + PAGE_BYTES;
        if bytes > BYTES_MAX {
            let what = "buffers and the threads' scratch memory, in bytes,".to_owned();
            return Err(DeviceError::Limit {
                what,
                needed: bytes,
                limit: BYTES_MAX,
            });
        }
        let pages = bytes.div_ceil(PAGE_BYTES) as u32;
        let shared = SharedMemory::new(engine.inner(), MemoryType::shared(pages, pages))
            .map_err(|error| DeviceError::OutOfMemory(format!("reserves {bytes} bytes for a session: {error}")))?;
        let mut memory = Self {
            shared,
            arena,
            scratch,
            scratch_stride,
        };
        memory.write(u64::from(POOL_ADDRESS), constants);
        Ok(memory)
    }

    /// Address of a thread's scratch memory.
    pub(super) fn scratch(&self, thread: usize) -> u32 {
        (self.scratch + self.scratch_stride * thread as u64) as u32
    }

    fn slice(&self, at: u64, len: usize) -> *mut u8 {
        let data = self.shared.data();
        let end = at + len as u64;
        assert!(end <= data.len() as u64, "an address was checked against its buffer before");
        data[at as usize..end as usize].as_ptr() as *mut u8
    }

    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        let target = self.slice(at, bytes.len());
        // SAFETY: `slice` gives `bytes.len()` bytes within the memory; no kernel runs while the session holds `&mut self`, and
        // `bytes` is ordinary memory elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) }
    }

    pub(super) fn read(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let source = self.slice(at, len);
        // SAFETY: as in `write`; kernels run only within `submit`, which takes the session mutably.
        unsafe { std::ptr::copy_nonoverlapping(source, bytes.as_mut_ptr(), len) }
        bytes
    }

    pub(super) fn copy(&mut self, from: u64, to: u64, len: usize) {
        let (source, target) = (self.slice(from, len), self.slice(to, len));
        // SAFETY: both ranges lie within the memory, and `copy` allows them to overlap; no kernel runs.
        unsafe { std::ptr::copy(source, target, len) }
    }

    pub(super) fn clear(&mut self, at: u64, len: usize) {
        let target = self.slice(at, len);
        // SAFETY: `slice` gives `len` bytes within the memory; no kernel runs.
        unsafe { std::ptr::write_bytes(target, 0, len) }
    }
}
