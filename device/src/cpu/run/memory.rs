//! The one memory of a session; [`compile::abi`] says what lies where.
//!
//! Invariant: nothing but this file touches its bytes from outside, and but for the word that stops kernels, only while none
//! runs.
#![expect(unsafe_code, reason = "a WebAssembly memory that threads share is given as a pointer")]

use std::sync::atomic::{AtomicU32, Ordering};

use compile::abi::{BufferLayout, CONSTANTS_ADDRESS, PAGE_BYTES, STOP_ADDRESS, SessionLayout};
use wasmtime::{MemoryType, SharedMemory};

use super::Engine;
use crate::DeviceError;
use crate::cpu::from_fault;

/// Tell the kernels that run in a memory to stop, or that they may run.
pub(super) fn set_stop(shared: &SharedMemory, stop: bool) {
    let word = shared.data()[STOP_ADDRESS as usize..STOP_ADDRESS as usize + 4].as_ptr() as *mut u32;
    // SAFETY: the slice is four bytes of the memory, which starts at a page, so the word is aligned; kernels look at it with
    // atomic loads, and nothing else touches it.
    unsafe { AtomicU32::from_ptr(word) }.store(u32::from(stop), Ordering::SeqCst);
}

/// Ask for pages of megabytes: passes walk over all of a memory many times a second, and translating addresses by pages of 4 KiB would cost them some percent.
/// Where the system has none, nothing changes.
fn ask_for_huge_pages(shared: &SharedMemory) {
    #[cfg(target_os = "linux")]
    {
        let data = shared.data();
        // SAFETY: the range is the memory's own, mapped by the engine and alive; the advice changes no byte of it.
        let failed = unsafe { libc::madvise(data.as_ptr() as *mut libc::c_void, data.len(), libc::MADV_HUGEPAGE) };
        if failed != 0 {
            tracing::debug!("no huge pages: {}", std::io::Error::last_os_error());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = shared;
}

/// The memory, all zero at first.
pub(super) struct Memory {
    pub(super) shared: SharedMemory,
    pub(super) buffers: BufferLayout,
    layout: SessionLayout,
}

impl Memory {
    pub(super) fn new(
        engine: &Engine,
        buffers: BufferLayout,
        threads: usize,
        scratch_bytes: u32,
        copy_bytes: u64,
        constants: &[u8],
    ) -> Result<Self, DeviceError> {
        let layout = buffers.with_threads(threads, scratch_bytes, copy_bytes).map_err(from_fault)?;
        let pages = layout.pages();
        let shared = SharedMemory::new(engine.inner(), MemoryType::shared(pages, pages)).map_err(|error| {
            let bytes = u64::from(pages) * PAGE_BYTES;
            DeviceError::OutOfMemory(format!("reserves {bytes} bytes for a session: {error}"))
        })?;
        ask_for_huge_pages(&shared);
        let mut memory = Self { shared, buffers, layout };
        memory.write(u64::from(CONSTANTS_ADDRESS), constants);
        Ok(memory)
    }

    /// Address of a thread's scratch memory.
    pub(super) fn scratch(&self, thread: usize) -> u32 {
        self.layout.scratch(thread)
    }

    /// Address of a thread's copies of sums; `None` where there was no room for them.
    pub(super) fn copies(&self, thread: usize) -> Option<u32> {
        self.layout.copies(thread)
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
