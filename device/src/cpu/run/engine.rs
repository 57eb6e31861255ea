//! wasmtime: its settings, the modules compiled so far, and deadlines that end endless loops.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use protocol::Digest;
use wasmtime::{Config, Module, SharedMemory};

use super::memory::set_stop;

use crate::DeviceError;

/// Time from one look at the deadlines to the next.
const TICK: Duration = Duration::from_millis(20);
/// What a look counts at most: a process that was stopped, or a machine that slept, has not computed meanwhile.
const TICK_MAX: Duration = Duration::from_millis(100);
/// Stack of compiled code. Threads have 2 MiB, and the code calls nothing but checked mode's watcher.
pub(super) const STACK_BYTES: usize = 512 << 10;
/// Compiled modules that are kept.
const MODULES_MAX: usize = 512;
/// Virtual address space for a memory, and for the guard behind it: with both, an address of 32 bits and an offset of 32 bits
/// need no check.
const RESERVED_BYTES: u64 = 1 << 32;

/// Memories in which kernels run, with the time that they have left.
type Deadlines = Mutex<BTreeMap<u64, (Duration, SharedMemory)>>;

/// The one engine of this process.
pub(in crate::cpu) struct Engine {
    inner: wasmtime::Engine,
    modules: Mutex<BTreeMap<Digest, Module>>,
    deadlines: Arc<Deadlines>,
}

/// While it lives, kernels in a memory are stopped at a deadline.
pub(super) struct Guard {
    deadlines: Arc<Deadlines>,
    key: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.deadlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

impl Engine {
    /// The engine; started on first use.
    ///
    /// # Errors
    /// The processor or the operating system is not supported.
    pub(in crate::cpu) fn get() -> Result<Arc<Self>, DeviceError> {
        static ENGINE: OnceLock<Result<Arc<Engine>, String>> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| Self::start().map(Arc::new));
        engine
            .clone()
            .map_err(|text| DeviceError::Lost(format!("WebAssembly does not run here: {text}")))
    }

    fn start() -> Result<Self, String> {
        let mut config = Config::new();
        config
            .wasm_threads(true)
            .shared_memory(true)
            .wasm_simd(true)
            .wasm_relaxed_simd(false)
            .wasm_bulk_memory(true)
            .max_wasm_stack(STACK_BYTES);
        config.parallel_compilation(true);
        config.memory_reservation(RESERVED_BYTES).memory_guard_size(RESERVED_BYTES);
        let inner = wasmtime::Engine::new(&config).map_err(|error| format!("{error:#}"))?;
        let deadlines = Arc::new(Deadlines::default());
        let watched = Arc::clone(&deadlines);
        let look = move || {
            let mut last = Instant::now();
            loop {
                std::thread::sleep(TICK);
                let now = Instant::now();
                for (left, memory) in watched.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
                    *left = less(*left, now.duration_since(last));
                    if left.is_zero() {
                        set_stop(memory, true);
                    }
                }
                last = now;
            }
        };
        std::thread::Builder::new()
            .name("cpu-deadlines".to_owned())
            .spawn(look)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            inner,
            modules: Mutex::new(BTreeMap::new()),
            deadlines,
        })
    }

    /// Let kernels run in a memory for so long.
    pub(super) fn guard(&self, memory: &SharedMemory, limit: Duration) -> Guard {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        set_stop(memory, false);
        let entry = (limit, memory.clone());
        self.deadlines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, entry);
        Guard {
            deadlines: Arc::clone(&self.deadlines),
            key,
        }
    }

    pub(in crate::cpu) fn inner(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Machine code for a module; compiled once for each digest.
    ///
    /// # Errors
    /// What wasmtime has against it.
    pub(in crate::cpu) fn compile(&self, wasm: &[u8]) -> Result<Module, String> {
        let digest = Digest::of(wasm);
        let known = self
            .modules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .cloned();
        if let Some(module) = known {
            return Ok(module);
        }
        let module = Module::new(&self.inner, wasm).map_err(|error| format!("{error:#}"))?;
        let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if modules.len() >= MODULES_MAX {
            modules.clear();
        }
        modules.insert(digest, module.clone());
        Ok(module)
    }
}

/// What is left after a look at the deadlines that came so long after the one before.
fn less(left: Duration, passed: Duration) -> Duration {
    left.saturating_sub(passed.min(TICK_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_that_the_machine_slept_through_is_no_time_for_a_kernel() {
        let limit = Duration::from_secs(20);
        assert_eq!(less(limit, Duration::from_millis(25)), Duration::from_millis(19_975));
        assert_eq!(less(limit, Duration::from_secs(8 * 3600)), limit - TICK_MAX);
        assert_eq!(less(Duration::from_millis(3), Duration::from_millis(25)), Duration::ZERO);
    }
}
